"""A site with a journal that is judged as punches arrive, by a clock of the test."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from gateway import outgoing
from gateway.clock import text
from gateway.intake import Intake
from gateway.judging import Judging
from gateway.settings import Loaded, load
from gateway.store import epochs
from gateway.store.journal import Journal
from gateway.store.seen import Seen
from gateway.terminal_spec import Standing
from sync.messages import AttendanceEntry
from tests.book_rows import ACME, DAY_SHIFT, NIGHT_SHIFT, contract
from tests.builders import record

SHANGHAI = timezone(timedelta(hours=8))
END = datetime(2026, 11, 8, 23, 0, tzinfo=SHANGHAI)
BOOK = """version = "1"
[site]
id = "hq"
calendar = "weekdays"
[[terminals]]
id = "lobby"
serial = "VT00000001"
[[people]]
id = "p1"
name = "甲一"
vendor = "acme"
[[people]]
id = "p2"
name = "甲二"
vendor = "acme"
[[enrolments]]
person = "p1"
badge = "1"
[[enrolments]]
person = "p2"
badge = "2"
[[roster]]
person = "p1"
shift = "day"
from = 2026-11-02
[[roster]]
person = "p2"
shift = "night"
from = 2026-11-02
[[leave]]
id = "L1"
person = "p1"
kind = "personal"
from = 2026-11-03T14:30:00
to = 2026-11-04T12:00:00
applied_at = 2026-11-02T09:00:00
approved_by = "leader1"
"""
BOOK += ACME + contract("2026-11-02") + DAY_SHIFT + NIGHT_SHIFT


@dataclass
class World:
    """A journal that is judged, by a clock of the test."""

    folder: Path
    loaded: Loaded
    now: datetime

    def standings(self) -> dict[str, Standing]:
        """Everything was read just now."""
        return {"lobby": Standing(complete_at=self.now)}

    def half_read(self) -> set[str]:
        """Nothing is being read."""
        return set()


def world(folder: Path, book: str = BOOK) -> World:
    """Write the files of a site."""
    (folder / "book.toml").write_text(book, "utf-8")
    (folder / "gateway.toml").write_text(
        f'[gateway]\nid = "g"\nsite = "hq"\ndata_dir = "{folder}/data"\n'
        'book = "book.toml"\n[mqtt]\nhost = "127.0.0.1"\n'
        '[[terminals]]\nid = "lobby"\nhost = "127.0.0.1"\n',
        "utf-8",
    )
    start = datetime(2026, 11, 2, 8, 0, tzinfo=SHANGHAI)
    return World(folder, load(folder / "gateway.toml"), start)


@asynccontextmanager
async def running(found: World) -> AsyncIterator[tuple[Intake, Judging]]:
    """Give what stores and what judges, as after a start."""
    journal = Journal(found.loaded.data_dir, "test")
    journal.open()
    told: list[Judging] = []
    intake = Intake(
        journal,
        lambda: found.now,
        lambda: None,
        found.loaded.book,
        lambda punches: told[0].touch(punches),  # noqa: PLW0108 - told below
    )
    await intake.ask(lambda db: epochs.current(db, text(found.now)))
    judging = Judging(journal.path, intake, lambda: found.now, found, lambda: None)
    told.append(judging)
    await judging.open()
    async with judging.changing(found.loaded):
        await intake.learn(found.loaded.book, {}, found.loaded.book_digest)
    await judging._resume()
    try:
        yield intake, judging
    finally:
        await judging.close()
        await asyncio.to_thread(journal.close)


async def settle(judging: Judging) -> None:
    """Judge until nothing waits."""
    assert judging._law is not None
    for _ in range(3):
        await judging._look(judging._law)
        while await judging._judge_some():
            pass
        await judging._note()


async def store(intake: Intake, punches: Sequence[tuple[str, str]]) -> None:
    """Store punches: badges and times."""
    some = [
        record(badge=badge, at=at, raw=f"{badge} {at}".encode(), position=number)
        for number, (badge, at) in enumerate(punches)
    ]
    await intake.store(some, Seen())
    await intake.interpret()


async def stored(intake: Intake) -> dict[str, tuple[int, AttendanceEntry]]:
    """Return id → rev and verdict of the journal."""
    rows = await intake.ask(lambda db: list(db.query("SELECT * FROM verdicts")))
    return {row["id"]: (row["rev"], outgoing.read_verdict(row["body"])) for row in rows}
