"""E13 to E31: which punch is which sign, repeats, and what is kept unused."""

import pytest

from gateway.core.policy import read_policy
from gateway.core.verdicts import Flag
from tests.gateway.core.judge.days import (
    DAY,
    GOOD,
    POLICIES,
    judge,
    policy,
    punches,
    roster,
    rows,
)


def test_e13_one_punch_in_a_session() -> None:
    """It fills the nearer end and shows its delay; only absence is found."""
    found = judge(("10:00", "14:20", "17:35"))
    assert found.kinds == [("absence", 1, 12600)]
    assert found.marks() == ("10:00:00", None)
    assert found.findings[0].punches == (f"{DAY}T10:00:00@lobby",)


def test_one_punch_in_the_very_middle_is_the_in() -> None:
    """Where both ends are as near, the start."""
    assert judge(("10:15:00",)).marks() == ("10:15:00", None)
    assert judge(("10:15:01",)).marks() == (None, "10:15:01")


def test_e14_one_punch_at_lunch() -> None:
    """Before 13:15 it is the OUT of the morning; the afternoon lacks its IN."""
    found = judge(("08:20", "12:50", "17:35"))
    assert found.marks(0) == ("08:20:00", "12:50:00")
    assert found.kinds == [("absence", 2, 10800)]


@pytest.mark.parametrize(
    "at, session", [("13:14:59", 0), ("13:15:00", 1)], ids=["E15a", "E15"]
)
def test_e15_the_midpoint_belongs_to_the_later_session(at: str, session: int) -> None:
    """A window holds its opening second and not its closing one."""
    found = judge(("08:20", at, "17:35"))
    holds = [at in found.marks(0), at in found.marks(1)]
    assert holds.index(True) == session


def test_an_odd_gap_has_its_midpoint_on_no_second() -> None:
    """The later session begins with the first whole second behind it."""
    order = rows(
        "days",
        f"date = {DAY}",
        'by = "leader1"',
        'sessions = [{ start = "08:30", end = "12:00" },'
        ' { start = "14:30:01", end = "17:30" }]',
    )
    found = judge(("08:20", "13:15:00", "17:35"), order)
    assert found.marks(0) == ("08:20:00", "13:15:00")
    found = judge(("08:20", "13:15:01", "17:35"), order)
    assert found.marks(1) == ("13:15:01", "17:35:00")


def test_e16_a_repeated_out_is_no_in() -> None:
    """12:05:00 and 12:05:40 are one; 17:31 alone leaves the afternoon without an IN."""
    found = judge(("08:20", "12:05:00", "12:05:40", "17:31"))
    assert found.marks(0) == ("08:20:00", "12:05:40")
    assert found.kinds == [("absence", 2, 10800)]


def test_e17_the_earliest_in_counts() -> None:
    """The second is unused; without a later OUT it is the OUT, by place."""
    assert judge(("08:10", "08:40", "12:01", "14:20", "17:35")).ok()
    found = judge(("08:10", "08:40", "14:20", "17:35"))
    assert found.marks() == ("08:10:00", "08:40:00")
    assert found.kinds == [("off_post", 1, 12000)]
    assert Flag.BY_PLACE in found.sessions[0].flags


def test_e18_the_latest_out_counts() -> None:
    """Not early."""
    assert judge(("08:20", "11:40", "12:01", "14:20", "17:35")).ok()


def test_e19_who_came_back_is_not_early() -> None:
    """The gap between is on record only."""
    found = judge(("08:20", "11:40", "11:50", "12:02", "14:20", "17:35"))
    assert found.ok()


def test_e19_a_rule_that_charges_gaps_is_refused() -> None:
    """Nobody judges them: said when the rule is read, never silently left out."""
    text = (POLICIES / "client-contract.toml").read_text(encoding="utf-8")
    gaps = text.replace("mid_session_gaps = false", "mid_session_gaps = true")
    found, problems = read_policy(gaps, "rule.toml")
    assert found is None
    (problem,) = problems
    assert problem.path == "verdicts.mid_session_gaps"
    assert "none is charged" in problem.reason


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(("08:20/1", "08:25/0", "12:05/0", "14:20", "17:35"), id="E20"),
        pytest.param(("08:20/255", "12:05/255", "14:20/255", "17:35/255"), id="E21"),
        pytest.param(("08:20/0", "12:05/0", "14:20/0", "17:35/0"), id="E21-in"),
    ],
)
def test_keys_are_advisory(times: tuple[str, ...]) -> None:
    """The schedule decides; a key that contradicts is flagged, not judged."""
    found = judge(times)
    assert not found.findings
    contradicted = [Flag.KEY_CONTRADICTS in one.flags for one in found.sessions]
    assert any(contradicted) == ("/255" not in times[0])


def test_e22_out_before_in() -> None:
    """By place 08:00 is the IN and 09:00 the OUT: early by exactly 3 h."""
    found = judge(("08:00/1", "09:00/0", "14:20", "17:35"))
    assert found.kinds == [("early_leave", 1, 10800)]
    assert Flag.KEY_CONTRADICTS in found.sessions[0].flags


def test_at_or_before_the_start_is_never_an_out() -> None:
    """Two punches before it: the IN is there, the OUT missing."""
    found = judge(("08:10", "08:30:00", "14:20", "17:35"))
    assert found.marks() == ("08:10:00", None)
    assert found.kinds == [("absence", 1, 12600)]


def test_e23_e24a_outside_every_window() -> None:
    """Kept, unassigned, shown; the window opens two hours before."""
    found = judge(("03:12", "06:29:59", "06:30", "12:05", "14:20", "17:35"))
    assert not found.findings
    assert found.left == ["11-02T03:12:00", "11-02T06:29:59"]
    assert found.marks() == ("06:30:00", "12:05:00")


def test_e24_a_day_without_duty() -> None:
    """No obligation; the punches are kept."""
    found = judge(GOOD, day="2026-11-07")
    assert (found.sessions, len(found.left)) == ([], 4)


def test_e24b_a_late_out() -> None:
    """Until 04:00 it is of that day."""
    late = judge(("08:20", "12:05", "14:20", "2026-11-03T03:59:59"))
    assert late.ok()
    too_late = judge(("08:20", "12:05", "14:20", "2026-11-03T04:00:00"))
    assert too_late.kinds == [("absence", 2, 10800)]


def test_the_night_ends_two_hours_behind_a_late_end_at_the_soonest() -> None:
    """A duty that ends at 03:00 is open until 04:00 of the next day."""
    order = rows(
        "days",
        f"date = {DAY}",
        'by = "leader1"',
        'people = ["p1"]',
        'sessions = [{ start = "20:00", end = "27:00" }]',
    )
    found = judge(("19:50", "2026-11-04T03:59:59"), order, roster("day", DAY))
    assert found.marks() == ("19:50:00", "03:59:59")
    found = judge(("19:50", "2026-11-04T04:00:00"), order, roster("day", DAY))
    assert found.kinds == [("absence", 1, 25200)]


def test_e25_one_long_stay() -> None:
    """Two slots missing under the contract; complete with one session."""
    found = judge(("08:20", "17:40"))
    assert found.kinds == [("absence", 1, 12600), ("absence", 2, 10800)]
    assert judge(("08:50", "18:10"), roster("nine")).ok()


@pytest.mark.parametrize(
    "times, signs",
    [
        pytest.param(("11:59:30", "12:00:29"), ("12:00:29",), id="59"),
        pytest.param(("11:59:30", "12:00:30"), ("12:00:30",), id="60"),
    ],
)
def test_e26_repeats_of_an_out(times: tuple[str, ...], signs: tuple[str, ...]) -> None:
    """Chained or not, the last counts for the OUT."""
    found = judge(("08:20", *times, "14:20", "17:35"))
    assert found.marks()[1] == signs[0]
    assert found.ok()


def test_e27_repeats_that_straddle_the_start() -> None:
    """One punch: it began before 08:30."""
    assert judge(("08:29:55", "08:30:20", "12:05", "14:20", "17:35")).ok()
    alone = judge(("08:29:55", "08:30:54", "14:20", "17:35"))
    assert alone.marks() == ("08:29:55", None)
    two = judge(("08:29:55", "08:30:55", "14:20", "17:35"))
    assert two.marks() == ("08:29:55", "08:30:55")


def test_e28_a_chain_runs_from_its_first() -> None:
    """Punches every 40 s are several chains, the second begins at 80 s."""
    times = [f"08:2{n * 40 // 60}:{n * 40 % 60:02d}" for n in range(7)]
    found = judge((*times, "14:20", "17:35"))
    assert found.marks() == ("08:20:00", None)
    rule = policy("client-contract", ("seconds = 60", "seconds = 0"))
    assert judge(("08:20", "08:20:01", "12:05", "14:20", "17:35"), forced=rule).ok()


def test_e29_two_terminals_of_one_site_chain_two_sites_never() -> None:
    """One door with two terminals is one place."""
    one = judge(("08:40@lobby", "08:40:10@annex"))
    assert one.marks() == ("08:40:00", None)
    two = judge(("08:40@lobby", "08:40:10@far"))
    assert two.sessions[0].findings


def test_e32_the_same_rows_again_change_nothing() -> None:
    """However often a log is read."""
    once = judge(GOOD)
    again = judge(GOOD, extra=[*punches(*GOOD), *reversed(punches(*GOOD))])
    assert once == again


def test_fifty_repeats_are_one() -> None:
    """Somebody who keeps pressing is there once."""
    times = [f"08:20:{n:02d}" for n in range(50)]
    assert judge((*times, "12:05", "14:20", "17:35")).ok()
