"""Looking by night comes to the same whatever came when, and never ends the daemon."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway import suspecting_events
from gateway.clock import text
from gateway.control import RefusedError
from gateway.core.values import VerifyMode
from gateway.intake import Intake
from gateway.settings import Loaded, load
from gateway.store import cases, epochs
from gateway.store.journal import Journal
from gateway.store.seen import Seen
from gateway.suspecting import Suspecting
from gateway.suspecting_events import bounded_first, first_day
from gateway.terminal_spec import Standing
from tests.builders import record
from tests.gateway.suspects import CODES, FIRST, Row, book, day_text, month

SHANGHAI = timezone(timedelta(hours=8))
ROWS = sorted(month(), key=lambda row: row[1])


@dataclass
class World:
    """A journal that is looked at, by a clock of the test; its terminal is read."""

    folder: Path
    loaded: Loaded
    now: datetime
    standing: Standing = field(default_factory=Standing)

    def standings(self) -> dict[str, Standing]:
        """Return the one terminal."""
        return {"t0": self.standing}

    def be(self, at: datetime) -> None:
        """Let it be a moment, with everything read until then."""
        self.now = self.standing.complete_at = at


def at(day: int, hour: int = 5) -> datetime:
    """Return an early morning so many days after FIRST."""
    start = datetime.combine(FIRST, datetime.min.time(), SHANGHAI)
    return start + timedelta(days=day, hours=hour)


def world(
    folder: Path, codes: str = 'verify_codes = { 1 = "finger", 4 = "card" }\n'
) -> World:
    """Write the files of a site."""
    (folder / "book.toml").write_text(book(), "utf-8")
    (folder / "gateway.toml").write_text(
        f'[gateway]\nid = "g"\nsite = "hq"\ndata_dir = "{folder}/data"\n'
        'book = "book.toml"\n[mqtt]\nhost = "127.0.0.1"\n'
        f'[[terminals]]\nid = "t0"\nhost = "127.0.0.1"\n{codes}',
        "utf-8",
    )
    return World(folder, load(folder / "gateway.toml"), at(0))


@asynccontextmanager
async def running(found: World) -> AsyncIterator[tuple[Intake, Suspecting]]:
    """Give what stores and what looks, as after a start."""
    journal = Journal(found.loaded.data_dir, "test")
    journal.open()
    codes = {"t0": {1: VerifyMode.FINGER, 4: VerifyMode.CARD}}
    intake = Intake(journal, lambda: found.now, lambda: None, found.loaded.book)
    await intake.ask(lambda db: epochs.current(db, text(found.now)))
    await intake.learn(found.loaded.book, codes, found.loaded.book_digest)
    looking = Suspecting(journal.path, intake, lambda: found.now, found, lambda: None)
    await looking.open()
    looking.apply(found.loaded)
    try:
        yield intake, looking
    finally:
        await looking.close()
        await asyncio.to_thread(journal.close)


async def store(intake: Intake, rows: Sequence[Row]) -> None:
    """Store punches; each was received two seconds after it was made, said or not."""
    places = {row: number for number, row in enumerate(ROWS)}
    some = [
        record(
            terminal="t0",
            serial="VT00000000",
            badge=row[0],
            at=row[1],
            verify=CODES[row[2]],
            raw=" ".join(row).encode(),
            position=places[row],
            received_at=datetime.fromisoformat(f"{row[1]}+08:00")
            + timedelta(seconds=2),
        )
        for row in rows
    ]
    await intake.store(some, Seen())
    await intake.interpret()


async def look(looking: Suspecting) -> None:
    """Look, if a day is over, as the daemon does."""
    law = looking._law
    assert law is not None
    day = looking._closed(law)
    if day is not None and looking._looked.day < str(day):
        await looking._look(law, day)


async def known(intake: Intake) -> list[dict[str, Any]]:
    """Return the cases of the journal."""
    return await intake.ask(cases.every)


def straight(folder: Path, until: int) -> bytes:
    """Return the cases of one look at everything, in log order."""

    async def run() -> bytes:
        found = world(folder)
        async with running(found) as (intake, looking):
            await store(intake, ROWS)
            found.be(at(until))
            await look(looking)
            return json.dumps(await known(intake), ensure_ascii=False).encode()

    return asyncio.run(run())


@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 10**6), late=st.integers(0, 60), nights=st.integers(1, 5))
def test_restarts_late_data_and_repeats_give_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, seed: int, late: int, nights: int
) -> None:
    """However days, restarts and deliveries fall, the last night says the same."""
    until = 40
    folder = tmp_path_factory.mktemp("straight")
    wanted = straight(folder, until)
    assert b'"grade": "case"' in wanted
    rng = random.Random(seed)
    kept = rng.sample(ROWS, late)
    looks = sorted(rng.sample(range(1, until), nights))

    async def run() -> bytes:
        found = world(tmp_path_factory.mktemp("nights"))
        stored = 0
        last: list[dict[str, Any]] = []
        for day in [*looks, until]:
            async with running(found) as (intake, looking):
                upto = sum(row[1] < day_text(day) for row in ROWS)
                piece = [row for row in ROWS[stored:upto] if row not in kept]
                rng.shuffle(piece)
                await store(intake, [*piece, *piece[:5]])
                stored = upto
                if day == until:
                    await store(intake, kept)
                found.be(at(day))
                await look(looking)
                last = await known(intake)
        return json.dumps(
            [one for one in last if one["status"] == "open"], ensure_ascii=False
        ).encode()

    assert asyncio.run(run()) == wanted


def test_a_day_is_over_when_its_punches_are_here(tmp_path: Path) -> None:
    """Four hours after its last session, and read so far; two days' patience."""
    found = world(tmp_path)

    async def run() -> None:
        async with running(found) as (_, looking):
            law = looking._law
            assert law is not None
            found.now = at(10, 3)
            looking._began = at(10, 2)
            assert looking._closed(law) is None  # nothing was read yet
            found.now = at(12, 2)
            assert looking._closed(law) == date.fromisoformat(day_text(8))
            found.be(at(10, 3))
            assert looking._closed(law) == date.fromisoformat(day_text(8))
            found.be(at(10, 4))
            assert looking._closed(law) == date.fromisoformat(day_text(9))
            found.now = at(11, 4)
            assert looking._closed(law) == date.fromisoformat(day_text(9))
            found.now = at(20, 4)
            assert looking._closed(law) == date.fromisoformat(day_text(17))
            found.now = datetime(1970, 1, 2, tzinfo=SHANGHAI)
            assert looking._closed(law) is None

    asyncio.run(run())


def test_a_mistake_of_ours_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The day is left out, loudly; the next one is looked at."""
    found = world(tmp_path)

    async def run() -> None:
        async with running(found) as (intake, looking):
            await store(intake, ROWS)
            await intake.ask(
                lambda db: db.table("punches").update(
                    _first(db), {"at": "2026-10-32T00:00:00"}
                )
            )
            found.be(at(40))
            await look(looking)
            assert looking._looked.day == day_text(39)
            assert await known(intake) == []
            await intake.ask(
                lambda db: db.table("punches").update(_first(db), {"at": ROWS[0][1]})
            )
            found.be(at(41))
            await look(looking)
            assert len(await known(intake)) == 1

    def _first(db: Any) -> str:
        return str(next(db.query("SELECT id FROM punches ORDER BY raw_id"))["id"])

    asyncio.run(run())
    assert [r.msg for r in caplog.records if r.levelname == "ERROR"] == [
        "suspecting failed"
    ]


def test_a_look_that_is_stopped_leaves_everything_as_it_was(tmp_path: Path) -> None:
    """The daemon ends at once; the next start looks from the beginning."""
    found = world(tmp_path)

    async def run() -> None:
        async with running(found) as (intake, looking):
            await store(intake, ROWS)
            found.be(at(40))
            looking._stop.set()
            await look(looking)
            assert looking._looked.day == ""
            assert await known(intake) == []

    asyncio.run(run())


@pytest.mark.parametrize(
    "most, first", [(10**6, "2026-08-01"), (400, "2026-10-01"), (10, None)]
)
def test_a_look_holds_no_more_than_a_small_machine_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, first: str | None
) -> None:
    """Months too many are left out; one alone too much is said, and nothing looked."""
    monkeypatch.setattr(suspecting_events, "MOST_PUNCHES", most)
    found = world(tmp_path)

    async def run() -> None:
        async with running(found) as (intake, looking):
            await store(intake, ROWS)
            said = bounded_first(looking._reader, date.fromisoformat(day_text(39)))
            assert said == (first and date.fromisoformat(first))
            found.be(at(40))
            await look(looking)
            assert looking._looked.day == day_text(39)
            assert bool(await known(intake)) is (first is not None)

    asyncio.run(run())


def test_the_days_looked_at_begin_with_a_month() -> None:
    """This month and the two before it: products are folded anew once a month."""
    assert first_day(date(2026, 11, 1)) == date(2026, 9, 1)
    assert first_day(date(2026, 11, 30)) == date(2026, 9, 1)
    assert first_day(date(2026, 1, 15)) == date(2025, 11, 1)
    assert first_day(date(2026, 2, 15)) == date(2025, 12, 1)
    assert first_day(date(2026, 3, 15)) == date(2026, 1, 1)


REVIEW = {
    "by": ["clerk1"],
    "at": "2026-11-03T10:00:00",
    "decision": "dismiss",
    "reason": "x",
    "ruling": None,
    "statement": "",
}


@pytest.mark.parametrize(
    "review", [REVIEW, None, {}, [], REVIEW | {"by": []} | {"decision": "hang"}]
)
def test_what_is_no_review_of_a_case_is_refused(tmp_path: Path, review: object) -> None:
    """Nothing is kept for an id that nobody has, or for words that decide nothing."""
    found = world(tmp_path)

    async def run() -> None:
        async with running(found) as (intake, looking):
            with pytest.raises(RefusedError):
                await looking.review({"case": "c-none", "review": review})
            assert await intake.ask(cases.labels) == {}

    asyncio.run(run())
