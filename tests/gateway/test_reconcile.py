"""Counting days with the centre, on a real journal: nothing that differs stays so."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.intake import Intake
from gateway.reconcile import Reconciler
from gateway.store import days, epochs
from gateway.store.schema import get
from gateway.store.seen import Seen
from sync.commands import Command, DayCount
from tests.builders import NOW, SERIAL, STAMP, book, record
from tests.gateway.store.journals import opened

ZONE = ZoneInfo("Asia/Shanghai")


@dataclass
class Site:
    """A journal with punches, its reconciler, and what it queued."""

    intake: Intake
    reconciler: Reconciler
    clock: list[datetime] = field(default_factory=lambda: [NOW])
    woken: int = 0

    async def punch(self, *times: str, serial: str = SERIAL) -> None:
        """Make punches at times."""
        records = [record(at=at, raw=f"x{at}".encode(), serial=serial) for at in times]
        await self.intake.store(records, Seen())
        await self.intake.interpret()

    async def entries(self) -> list[dict[str, Any]]:
        """Return the outbox, read."""
        rows = await self.intake.ask(
            lambda db: db.execute(
                "SELECT kind, entry FROM outbox ORDER BY epoch, seq"
            ).fetchall()
        )
        return [{"topic": kind, **json.loads(entry)} for kind, entry in rows]

    async def counts(self) -> list[dict[str, Any]]:
        """Return the `day_counts` events."""
        return [one for one in await self.entries() if one.get("kind") == "day_counts"]

    async def answer(
        self, event: dict[str, Any], *unlike: DayCount, key: str | None = None
    ) -> None:
        """Say what the centre counts of the days that differ."""
        await self.reconciler.answered(
            Command(
                site="hq",
                gateway="g",
                id=key or event["id"],
                op="counts",
                sent=STAMP,
                expires=STAMP,
                serial=event["serial"],
                days=list(unlike),
            )
        )


@asynccontextmanager
async def site(folder: Path) -> AsyncIterator[Site]:
    """Give a site of one terminal whose journal is on disk."""
    with opened(folder) as journal:
        clock = [NOW]
        now: Callable[[], datetime] = lambda: clock[0]  # noqa: E731 - one line says it
        intake = Intake(journal, now, lambda: None, book())
        made = Site(intake, Reconciler(intake, now, _name, lambda: None), clock)
        await intake.ask(lambda db: epochs.current(db, STAMP))
        yield made


def _name(serial: str) -> str:
    return {SERIAL: "lobby"}.get(serial, serial)


def nothing(day: str) -> DayCount:
    """Return the figure of a centre that knows nothing of a day."""
    return days.day_count(day, [])


def test_a_count_names_every_day_behind_what_it_counts(tmp_path: Path) -> None:
    """Count and digest per day, the epochs they are of, one event a terminal."""

    async def run() -> None:
        async with site(tmp_path) as here:
            await here.punch("2026-11-01T08:00:00", "2026-11-02T08:00:00")
            await here.punch("2026-11-02T07:00:00", serial="VT00000002")
            await here.reconciler.count(ZONE)
            entries = await here.entries()
            lobby, other = entries[3:]
            epoch = await here.intake.ask(lambda db: epochs.current(db, "")["name"])
            ids = {one["at"]: one["id"] for one in entries[:3]}
            assert (lobby["serial"], lobby["terminal"]) == (SERIAL, "lobby")
            assert (other["serial"], other["terminal"]) == ("VT00000002", "VT00000002")
            one = [ids["2026-11-01T08:00:00"]], [ids["2026-11-02T08:00:00"]]
            assert lobby["detail"] == {
                "epochs": epoch,
                "round": 1,
                "2026-11-01": "1:" + days.day_count("", one[0]).digest,
                "2026-11-02": "1:" + days.day_count("", one[1]).digest,
            }
            line, _ = here.reconciler.summary()
            assert (line["terminal"], line["days"], line["waiting"]) == ("lobby", 2, 1)
            await here.answer(lobby)
            line, _ = here.reconciler.summary()
            assert (line["waiting"], line["differing"]) == (0, [])
            assert here.reconciler.differing == {}

    asyncio.run(run())


def test_a_day_that_differs_goes_up_again_and_is_counted_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An alarm, the punches once more behind their ids, and a second count."""

    async def run() -> None:
        async with site(tmp_path) as here:
            await here.punch("2026-11-01T08:00:00", "2026-11-02T08:00:00")
            before = await here.entries()
            await here.reconciler.count(ZONE)
            (event,) = await here.counts()
            await here.answer(event, nothing("2026-11-02"))
            assert here.reconciler.differing == {"lobby": 1}
            again, second = (await here.entries())[3:]
            assert again == before[1] | {"seq": 4}
            assert second["detail"]["round"] == 2
            assert "2026-11-01" not in second["detail"]
            await here.answer(second)
            assert here.reconciler.differing == {}
            (line,) = here.reconciler.summary()
            assert (line["mended"], line["differing"]) == (["2026-11-02"], [])

    caplog.set_level("INFO")
    asyncio.run(run())
    said = [record.getMessage() for record in caplog.records]
    assert said.index("day differs") < said.index("reconcile sends again")
    assert "reconcile mended" in said


def test_what_differs_twice_stays_an_alarm_and_makes_no_loop(tmp_path: Path) -> None:
    """A centre that lost punches for good is named, not flooded."""

    async def run() -> None:
        async with site(tmp_path) as here:
            await here.punch("2026-11-02T08:00:00")
            await here.reconciler.count(ZONE)
            (event,) = await here.counts()
            await here.answer(event, nothing("2026-11-02"))
            _, second = await here.counts()
            size = len(await here.entries())
            await here.answer(second, nothing("2026-11-02"))
            assert len(await here.entries()) == size
            assert here.reconciler.differing == {"lobby": 1}

    asyncio.run(run())


def test_a_centre_that_holds_more_is_no_alarm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """After a lost card the centre knows more than the journal: nothing is missing."""

    async def run() -> None:
        async with site(tmp_path) as here:
            await here.punch("2026-11-02T08:00:00")
            await here.reconciler.count(ZONE)
            (event,) = await here.counts()
            more = days.day_count("2026-11-02", ["p1_x", "p1_y"])
            await here.answer(event, more)
            _, second = await here.counts()
            await here.answer(second, more)
            assert here.reconciler.differing == {}

    caplog.set_level("INFO")
    asyncio.run(run())
    assert [r.levelname for r in caplog.records if r.msg == "day has more"] == ["INFO"]


def test_an_answer_after_a_restart_still_counts(tmp_path: Path) -> None:
    """The daemon that asked is gone; what differs now goes up all the same."""

    async def run() -> None:
        async with site(tmp_path) as here:
            await here.punch("2026-11-02T08:00:00")
            await here.reconciler.count(ZONE)
            (event,) = await here.counts()
            later = Site(
                here.intake,
                Reconciler(here.intake, lambda: NOW, _name, lambda: None),
            )
            await later.answer(event, nothing("2026-11-02"))
            assert later.reconciler.differing == {"lobby": 1}
            assert len(await here.counts()) == 2
            right = await here.intake.ask(
                lambda db: days.count(db, SERIAL, ["2026-11-02"])
            )
            await later.answer(event, *right, key="another")
            assert later.reconciler.differing == {}

    asyncio.run(run())


def test_the_night_comes_once(tmp_path: Path) -> None:
    """At three in the site's night, or when next awake; not at the first start."""

    async def run() -> None:
        async with site(tmp_path) as here:
            await here.punch("2026-11-02T06:00:00")
            night = datetime(2026, 11, 3, 2, 59, tzinfo=ZONE)
            for moment, counted in (
                (NOW, 0),
                (night, 0),
                (night + timedelta(minutes=1), 1),
                (night + timedelta(hours=5), 1),
                (night + timedelta(days=3), 2),
            ):
                here.clock[0] = moment
                await here.reconciler.nightly(ZONE)
                assert len(await here.counts()) == counted, moment
            kept = await here.intake.ask(lambda db: get(db, "reconciled_on"))
            assert kept == "2026-11-05"

    asyncio.run(run())


def test_a_clock_that_jumped_does_not_end_the_counting(tmp_path: Path) -> None:
    """Ten years ahead and back: the next night counts again."""

    async def run() -> None:
        async with site(tmp_path) as here:
            await here.punch("2026-11-02T06:00:00")
            night = datetime(2026, 11, 3, 4, tzinfo=ZONE)
            counted = []
            for moment in (
                NOW,
                NOW + timedelta(days=3650),
                night,
                night + timedelta(days=1),
            ):
                here.clock[0] = moment
                await here.reconciler.nightly(ZONE)
                counted.append(len(await here.counts()))
            assert counted[-1] > counted[-2] > counted[0] == 0

    asyncio.run(run())


def test_neither_a_night_nor_a_restart_ends_an_alarm(tmp_path: Path) -> None:
    """A day that differs is counted every time until both count it alike."""

    async def run() -> None:
        async with site(tmp_path) as here:
            await here.punch("2020-01-05T08:00:00")
            await here.reconciler.count(ZONE)
            (event,) = await here.counts()
            await here.answer(event, nothing("2020-01-05"))
            _, second = await here.counts()
            await here.answer(second, nothing("2020-01-05"))
            later = Site(
                here.intake,
                Reconciler(here.intake, lambda: NOW, _name, lambda: None),
            )
            await later.reconciler.count(ZONE)
            assert later.reconciler.differing == {"lobby": 1}
            third = (await here.counts())[-1]
            assert "2020-01-05" in third["detail"]
            await later.answer(third)
            assert later.reconciler.differing == {}

    asyncio.run(run())
