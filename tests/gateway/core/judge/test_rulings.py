"""What people decide: findings waived, punches held void."""

import pytest

from tests.gateway.core.judge.days import CLIENT, DAY, GOOD, REST, judge, policy, rows
from tests.gateway.core.judge.papers import ruling, waived


def test_a_punch_a_ruling_holds_void_leaves_the_session_ruled() -> None:
    """E113: neither absence nor lateness of its own."""
    void = rows(
        "rulings",
        'id = "R1"',
        'on = "case-1"',
        'decision = "confirm"',
        f'punches = ["{DAY}T08:20:00@lobby"]',
        'by = ["clerk1", "leader1"]',
        "at = 2026-11-12T10:00:00",
        'reason = "监控录像"',
    )
    found = judge(GOOD, void)
    assert (found.findings, found.states) == ([], ["ruled", "ok"])


def void(*names: str) -> str:
    """Return a ruling that holds punches void."""
    told = ", ".join(f'"{DAY}T{name}@lobby"' for name in names)
    return ruling('on = "case-1"', 'decision = "confirm"', f"punches = [{told}]")


def test_a_void_punch_may_be_judged_as_missing() -> None:
    """A setting; the ruling is in the account either way."""
    rule = policy(CLIENT, ('void_slot = "ruled"', 'void_slot = "judged"'))
    found = judge(GOOD, void("08:20:00"), forced=rule)
    assert found.kinds == [("absence", 1, 12600)]
    again = judge(("08:10", *GOOD), void("08:20:00"), forced=rule)
    assert again.ok()
    assert judge(GOOD, void("08:20:00")).states == ["ruled", "ok"]


def test_a_finding_that_is_waived_has_no_line() -> None:
    """It stays, names the ruling, and the session is ruled."""
    late = judge(("08:31", "12:05", *REST))
    waive = rows(
        "rulings",
        'id = "R1"',
        f'on = "{late.findings[0].id}"',
        'decision = "waive"',
        'by = ["leader1"]',
        "at = 2026-11-12T10:00:00",
        'reason = "当日封路"',
    )
    found = judge(("08:31", "12:05", *REST), waive)
    assert found.findings[0].ruled_by == "R1"
    assert (found.fen, found.states) == ([], ["ruled", "ok"])
    table = rows("approvers", 'name = "leader1"', 'may = ["leave"]')
    assert judge(("08:31", "12:05", *REST), waive, table).fen == [50000]


def test_only_a_ruling_that_waives_takes_the_line_away() -> None:
    """One that confirms leaves everything as it is."""
    times = ("08:31", "12:05", *REST)
    late = judge(times)
    assert judge(times, waived(late)).fen == []
    confirmed = judge(times, waived(late, decision="confirm"))
    assert (confirmed.fen, confirmed.states) == ([50000], ["found", "ok"])


@pytest.mark.parametrize(
    "may, by, fen",
    [
        ('["waive"]', '"leader1"', []),
        ('["rule"]', '"leader1"', []),
        ('["leave"]', '"leader1"', [50000]),
        ('["waive"]', '"clerk9", "leader1"', []),
        ('["waive"]', '"clerk9"', [50000]),
    ],
)
def test_one_entitled_name_is_enough_to_waive(
    may: str, by: str, fen: list[int]
) -> None:
    """Whoever else signed; who may waive or rule is entitled."""
    times = ("08:31", "12:05", *REST)
    table = rows("approvers", 'name = "leader1"', f"may = {may}")
    assert judge(times, table, waived(judge(times), by=by)).fen == fen


def test_a_session_is_ruled_when_all_of_it_is() -> None:
    """Late and early, one waived: the other stands."""
    times = ("08:31", "11:59", *REST)
    both = judge(times)
    one = judge(times, waived(both))
    assert (one.states, len(one.fen)) == (["found", "ok"], 1)
    two = judge(times, waived(both), waived(both, 1, name="R2"))
    assert (two.states, two.fen) == (["ruled", "ok"], [])


def test_a_waived_absence_absorbs_nothing() -> None:
    """The date's second one is charged then."""
    both = judge(())
    found = judge((), waived(both))
    assert found.fen == [200000]
    assert found.lines[0].finding == both.findings[1].id
    assert [one.absorbed_by for one in found.findings] == [None, None]
    assert found.states == ["ruled", "found"]


def test_of_two_absences_of_one_day_the_second_waived_changes_nothing() -> None:
    """The line hangs on the first."""
    both = judge(())
    found = judge((), waived(both, 1))
    assert found.fen == [200000]
    assert found.lines[0].finding == both.findings[0].id
