"""E97: what an outage of terminals excuses, and what it does not."""

import pytest

from gateway.core.moments import read
from gateway.core.rules.outages import near_end, near_start
from gateway.core.watermark import Whole
from tests.gateway.core.judge.days import CLIENT, REST, judge, policy
from tests.gateway.core.judge.papers import EXCUSED, LOBBY, dead


def outage(start: str, end: str, terminal: str = "lobby", *more: str) -> str:
    """Return an outage that a clerk excused unless more is said."""
    return dead(start, end, *(more or EXCUSED), terminal=terminal)


def test_e97_a_dead_terminal_excuses_a_missing_in() -> None:
    """Down for the last ten minutes and more of the half hour before it was due."""
    found = judge(("12:05", *REST), LOBBY, dead("08:00", "09:30", *EXCUSED))
    assert (found.findings, found.states) == ([], ["excused", "ok"])


@pytest.mark.parametrize(
    "start, end, excused",
    [
        ("08:00", "08:09", False),
        ("08:00", "08:10", True),
        ("08:25", "09:30", False),
        ("08:20", "09:30", True),
        ("08:31", "11:00", False),
    ],
)
def test_e97_ten_minutes_within_the_half_hour(
    start: str, end: str, *, excused: bool
) -> None:
    """Less does not excuse, nor what lies behind the time it was due."""
    found = judge(("12:05", *REST), LOBBY, dead(start, end, *EXCUSED))
    assert (not found.findings) == excused


def test_e97_an_out_is_excused_by_what_lies_behind_the_end() -> None:
    """12:00 to 12:30."""
    found = judge(("08:20", *REST), LOBBY, dead("12:00", "12:10", *EXCUSED))
    assert not found.findings
    early = judge(("08:20", *REST), LOBBY, dead("11:00", "12:05", *EXCUSED))
    assert early.findings


def test_e97_a_second_terminal_that_worked_excuses_nothing() -> None:
    """All that count must have been down at once."""
    one = judge(("12:05", *REST), dead("08:00", "09:30", *EXCUSED))
    assert [found.kind for found in one.findings] == ["absence"]
    both = judge(
        ("12:05", *REST),
        dead("08:00", "09:30", *EXCUSED),
        dead("08:10", "09:30", *EXCUSED, terminal="annex"),
    )
    assert not both.findings
    by_turns = judge(
        ("12:05", *REST),
        dead("08:00", "08:12", *EXCUSED),
        dead("08:12", "08:30", *EXCUSED, terminal="annex"),
    )
    assert by_turns.findings


def test_e97_a_proven_lateness_stays() -> None:
    """An outage removes a missing sign, nothing else."""
    found = judge(("08:40", "12:05", *REST), LOBBY, dead("08:00", "08:35", *EXCUSED))
    assert found.kinds == [("late", 1, 600)]


@pytest.mark.parametrize(
    "now, state",
    [
        ("2026-11-03T12:00:00", "pending"),
        ("2026-11-16T23:59:59", "pending"),
        ("2026-11-17T00:00:00", "excused"),
    ],
)
def test_an_outage_nobody_ruled_on_is_excused_in_the_end(now: str, state: str) -> None:
    """After ten working days; until then the session is open."""
    found = judge(
        ("12:05", *REST), LOBBY, dead("08:00", "09:30"), watermark=Whole(read(now))
    )
    assert (found.findings, found.states[0]) == ([], state)


def test_an_excused_sign_excuses_no_lateness_at_the_other_end() -> None:
    """OUT missing and excused, IN late: found, and the finding names the outage."""
    late = judge(("08:40", *REST), LOBBY, outage("11:50", "12:30"))
    assert late.kinds == [("late", 1, 600)]
    assert late.states == ["found", "ok"]
    assert len(late.findings[0].rows) == 1
    fine = judge(("08:20", *REST), LOBBY, outage("11:50", "12:30"))
    assert fine.states == ["excused", "ok"]


def test_two_outages_together_excuse() -> None:
    """Five minutes and five; the finding names both, in order, and no third one."""
    found = judge(
        ("08:40", *REST),
        LOBBY,
        outage("12:20", "12:25"),
        outage("12:05", "12:10"),
        outage("15:00", "16:00"),
    )
    assert found.kinds == [("late", 1, 600)]
    assert len(found.findings[0].rows) == 2
    assert list(found.findings[0].rows) == sorted(found.findings[0].rows)


@pytest.mark.parametrize(
    "more, now, state",
    [
        (('decision = "excused"', 'decided_by = "leader1"'), "2026-11-03", "excused"),
        (('decision = "excused"',), "2026-11-03", "pending"),
        (('decided_by = "leader1"',), "2026-11-03", "pending"),
        (('decision = ""',), None, "excused"),
    ],
)
def test_an_outage_is_excused_by_a_named_person_or_by_time(
    more: tuple[str, ...], now: str | None, state: str
) -> None:
    """A decision without a name, or a name without one, is none."""
    mark = Whole(read(f"{now}T12:00:00") if now else None)
    found = judge(
        ("08:20", *REST),
        LOBBY,
        outage("12:00", "12:30", "lobby", *more),
        watermark=mark,
    )
    assert found.states[0] == state


def test_of_two_outages_each_must_be_ruled_on() -> None:
    """One that nobody decided keeps the session open."""
    open_ = ('decision = ""',)
    found = judge(
        ("08:20", *REST),
        LOBBY,
        outage("12:00", "12:08"),
        outage("12:10", "12:18", "lobby", *open_),
        watermark=Whole(read("2026-11-03T12:00:00")),
    )
    assert found.states[0] == "pending"


@pytest.mark.parametrize(
    "start, end, excused",
    [
        ("12:20", "12:30", True),
        ("12:21", "12:40", False),
        ("12:20", "12:31", True),
        ("12:30", "13:00", False),
        ("07:55", "08:10", True),
        ("07:50", "08:09", False),
    ],
)
def test_half_an_hour_before_and_behind_counts(
    start: str, end: str, *, excused: bool
) -> None:
    """From 08:00 for the IN, to 12:30 for the OUT, and not a minute more."""
    times = ("08:20",) if start > "12" else ("12:05",)
    found = judge((*times, *REST), LOBBY, outage(start, end))
    assert (found.states[0] == "excused") is excused


def test_without_a_least_time_an_outage_is_needed_all_the_same() -> None:
    """A setting of nothing: any second that nothing was readable, but one at least."""
    rule = policy(CLIENT, ("unreadable_minutes = 10", "unreadable_minutes = 0"))
    assert judge(("08:20", *REST), LOBBY, forced=rule).states[0] == "found"
    short = outage("12:00", "12:01")
    assert judge(("08:20", *REST), LOBBY, short, forced=rule).states[0] == "excused"
    settings = rule.file.outages
    assert near_start(9000, settings) == (7200, 9000)
    assert near_end(9000, settings) == (9000, 10800)
