"""A defect of a rule, or of a file of rules, ends nothing and is seen by everybody."""

import asyncio
import logging
from datetime import date
from pathlib import Path

import pytest

from gateway.core.moments import day_of
from gateway.core.policy.settings import Signs
from gateway.core.rules import lateness
from gateway.core.rules.spans import Spans
from gateway.shipped import file
from sync.messages import AttendanceEntry
from tests.gateway.judged_sites import (
    BOOK,
    END,
    running,
    settle,
    store,
    stored,
    world,
)

BAD_DAY = date(2026, 11, 5)
PUNCHES = [
    ("1", f"2026-11-0{day}T{at}")
    for day in range(2, 7)
    for at in ("08:20:00", "12:05:00", "14:20:00", "17:40:00")
]
NIGHTS = [("2", f"2026-11-0{day}T19:50:00") for day in range(2, 6)]


def by_place(
    found: dict[str, tuple[int, AttendanceEntry]],
) -> dict[tuple[str, str, int | None], tuple[int, str]]:
    """Return person, date and session → revision and state."""
    return {
        (one.person, one.date, one.session): (rev, one.state)
        for rev, one in found.values()
    }


def test_a_defect_on_one_day_of_one_person_leaves_the_rest_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """That date keeps its verdict and is told; all others are judged; it heals."""
    found = world(tmp_path)
    found.now = END
    right = lateness.late_seconds

    def defective(owed: Spans, arrival: int, signs: Signs) -> int:
        return right(owed, arrival, signs) // int(day_of(arrival) != BAD_DAY)

    async def lived() -> None:
        async with running(found) as (intake, judging):
            await store(intake, PUNCHES[:13])
            await settle(judging)
            before = by_place(await stored(intake))
            monkeypatch.setattr(lateness, "late_seconds", defective)
            await store(intake, [*PUNCHES[13:], *NIGHTS])
            await settle(judging)
            after = by_place(await stored(intake))
            bad = ("p1", str(BAD_DAY), 1), ("p1", str(BAD_DAY), 2)
            assert [after[one] for one in bad] == [before[one] for one in bad]
            assert after["p1", "2026-11-06", 1] == (2, "ok")
            assert after["p1", "2026-11-06", 2] == (2, "ok")
            said = judging.summary()["judging"]
            assert ["p1", str(BAD_DAY)] in said["failed"]
            assert {day for _, day in said["failed"]} == {str(BAD_DAY)}
            lines = [one for one in caplog.records if one.msg == "judging failed"]
            assert {"person": "p1", "date": BAD_DAY} in [one.args for one in lines]
            assert all(one.exc_info for one in lines)
            monkeypatch.setattr(lateness, "late_seconds", right)
            await store(intake, [("1", f"{BAD_DAY}T12:06:00")])
            await settle(judging)
            assert by_place(await stored(intake))[bad[0]][1] == "ok"
            left = judging.summary()["judging"]["failed"]
            assert ["p1", str(BAD_DAY)] not in left

    with caplog.at_level(logging.ERROR, "punchgate.judging"):
        asyncio.run(lived())


def test_without_rules_nothing_is_judged_and_punches_wait_for_them(
    tmp_path: Path,
) -> None:
    """A policy broken at the start: an alarm; once mended all that came is judged."""
    rule = tmp_path / "rule.toml"
    whole = file("policies/client-contract.toml").read_text("utf-8")
    rule.write_text(whole, "utf-8")
    found = world(tmp_path, BOOK.replace('"client-contract"', '"rule.toml"'))
    found.now = END

    async def first() -> None:
        async with running(found) as (_, judging):
            await settle(judging)

    async def lived() -> None:
        rule.write_text(whole.replace("[signs]", "[sings]"), "utf-8")
        async with running(found) as (intake, judging):
            said = judging.summary()["judging"]
            assert said["lawful"] is False
            assert "rule.toml" in said["refused"][0]
            await store(intake, PUNCHES)
            rule.write_text(whole, "utf-8")
            async with judging.changing(found.loaded):
                pass
            assert judging.summary()["judging"]["refused"] == []
            await settle(judging)
            states = by_place(await stored(intake))
            assert states["p1", "2026-11-05", 1][1] == "ok"

    asyncio.run(first())
    asyncio.run(lived())
