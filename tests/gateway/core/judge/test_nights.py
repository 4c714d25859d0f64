"""E52, E54 to E60: over midnight, month, year and contract; back-to-back duties."""

from datetime import date

import pytest

from gateway.core.judge import Judge
from gateway.core.verdicts import Flag, Judged
from gateway.core.watermark import Whole
from tests.gateway.core.judge.days import (
    DAY,
    book,
    calendar,
    judge,
    policy,
    punches,
    roster,
    rows,
)

ROUND = roster("round", "2026-11-02", "2026-11-03")


def test_e54_the_out_of_a_night_is_of_the_day_it_began() -> None:
    """20:00 to 08:00, OUT at 08:05 next day."""
    found = judge(("19:50", "2026-11-03T08:05"), roster("night", "2026-11-02"))
    assert found.ok()
    assert str(found.sessions[0].date) == "2026-11-02"


@pytest.mark.parametrize(
    "day, after", [("2026-10-31", "2026-11-01"), ("2026-12-31", "2027-01-01")]
)
def test_e55_over_the_end_of_a_month_and_of_a_year(day: str, after: str) -> None:
    """The period of the start has it; the next one does not."""
    times = (f"{day}T19:50", f"{after}T07:00")
    found = judge(times, roster("night", day), day=day)
    assert found.kinds == [("early_leave", 1, 3600)]
    assert str(found.findings[0].date) == day
    assert not judge(times, roster("night", day), day=after).sessions


def test_e56_a_duty_is_cut_where_the_contract_ends() -> None:
    """What lies behind the last day is not owed."""
    ends = """
[[contracts]]
id = "c1"
vendor = "acme"
policy = "client-contract"
from = 2026-01-01
to = 2026-11-02
"""
    night = roster("night", "2026-11-02")
    found = judge(("19:50", "2026-11-03T00:00:00"), night, contract=ends)
    assert found.ok()
    early = judge(("19:50", "23:59:59"), night, contract=ends)
    assert early.kinds == [("early_leave", 1, 1)]


def test_e40_out_of_the_contract_nothing_is_owed() -> None:
    """The punches are kept."""
    found = judge(("08:20",), contract="")
    assert (found.sessions, len(found.left)) == ([], 1)


def test_e52_midnight_belongs_by_the_window() -> None:
    """00:00:00 is an OUT of a night that ends there, a stray without duty."""
    assert judge(("00:00:00",), day="2026-11-08").left == ["11-08T00:00:00"]


@pytest.mark.parametrize("times", [(), ("2026-11-03T07:55",), ("2026-11-03T09:59:59",)])
def test_e57_e58_a_continuous_stay(times: tuple[str, ...]) -> None:
    """One punch near the common second, or none, closes one and opens the next."""
    found = judge(
        ("2026-11-02T07:50", *times, "2026-11-04T08:05"), ROUND, last="2026-11-03"
    )
    assert not found.findings
    assert all(Flag.CONTINUOUS in one.flags for one in found.sessions)


def test_repeats_over_the_common_second_are_one_punch() -> None:
    """07:59:50 and 08:00:20 are one person staying."""
    found = judge(
        (
            "2026-11-02T07:50",
            "2026-11-03T07:59:50",
            "2026-11-03T08:00:20",
            "2026-11-04T08:05",
        ),
        ROUND,
        last="2026-11-03",
    )
    assert not found.findings


def test_two_punches_at_the_border_are_the_signs_of_two_duties() -> None:
    """Each session has its own then, and can be late or early by itself."""
    found = judge(
        (
            "2026-11-02T07:50",
            "2026-11-03T07:50",
            "2026-11-03T08:10",
            "2026-11-04T08:05",
        ),
        ROUND,
        last="2026-11-03",
    )
    assert found.kinds == [("early_leave", 1, 600), ("late", 1, 600)]


def test_far_punches_do_not_stand_for_a_stay() -> None:
    """More than two hours from the border a punch is only a punch."""
    found = judge(
        ("2026-11-02T07:50", "2026-11-03T05:00", "2026-11-04T08:05"),
        ROUND,
        last="2026-11-03",
    )
    assert not found.findings


def test_who_never_came_did_not_stay() -> None:
    """No punches at all: both duties lack their own signs."""
    found = judge((), ROUND, last="2026-11-03")
    assert [one.kind for one in found.findings] == ["absence", "absence"]
    assert found.fen == [200000, 200000]


def test_a_gap_of_a_second_is_no_common_second() -> None:
    """Then every duty needs its own signs."""
    apart = """
[[shifts]]
id = "a"
sessions = [{ start = "08:00", end = "20:00" }]
days = "every"

[[shifts]]
id = "b"
sessions = [{ start = "20:00:01", end = "32:00" }]
days = "every"
"""
    found = judge(
        ("07:50", "2026-11-03T08:05"),
        apart + roster("a", "2026-11-02") + roster("b", "2026-11-02"),
    )
    assert [one.kind for one in found.findings] == ["absence", "absence"]


CHANGE = (
    rows("people", 'id = "p2"', 'name = "甲二"', 'vendor = "acme"')
    + """
[[shifts]]
id = "by-day"
sessions = [{ start = "08:00", end = "20:00" }]
days = "every"
"""
    + roster("by-day", DAY)
    + roster("night", DAY, person="p2")
)
"""p1 is there from eight to eight, p2 relieves him for the night."""


def change(outgoing: str, relief: str) -> tuple[Judged, Judged]:
    """Return the verdicts on who leaves at a time and who comes at another."""
    made = Judge(book(CHANGE), calendar(), {"client-contract": policy()}, Whole())
    day = date.fromisoformat(DAY)
    return (
        made.person("p1", punches("07:50", outgoing), day, day),
        made.person("p2", punches(relief, "2026-11-03T08:05"), day, day),
    )


def test_e59_relief_comes_before_the_outgoing_person_leaves() -> None:
    """19:40 and 20:05: each punch is of its own person's shift, nothing is found."""
    for found in change("20:05", "19:40"):
        assert [one.state.value for one in found.sessions] == ["ok"]
        assert (found.findings, found.unassigned) == ([], [])


def test_e60_relief_comes_fifty_minutes_late() -> None:
    """The relief is late by 50 minutes, who left on the second is not early."""
    outgoing, relief = change("20:00:00", "20:50:00")
    assert outgoing.findings == []
    assert [(one.kind.value, one.seconds) for one in relief.findings] == [
        ("late", 3000)
    ]
    assert [line.amount_fen for line in relief.deductions] == [50000]


def test_e61_relief_that_is_three_hours_ten_late_is_off_post() -> None:
    """1000 by the general clause, whether or not somebody else stayed."""
    outgoing, relief = change("2026-11-02T23:15", "23:10:00")
    assert outgoing.findings == []
    assert [(one.kind.value, one.seconds) for one in relief.findings] == [
        ("off_post", 11400)
    ]
    assert [line.amount_fen for line in relief.deductions] == [100000]


def test_e56_the_part_of_a_night_under_each_contract_is_judged_by_its_rule() -> None:
    """Late when the first contract ran, early when the second did."""
    dearer = policy(
        "client-contract",
        ('id = "client-contract"', 'id = "dearer"'),
        ("early_leave_fen = 50000", "early_leave_fen = 70000"),
        ("late_fen = 50000", "late_fen = 90000"),
    )
    contracts = """
[[contracts]]
id = "c1"
vendor = "acme"
policy = "client-contract"
from = 2026-01-01
to = 2026-11-02

[[contracts]]
id = "c2"
vendor = "acme"
policy = "dearer.toml"
from = 2026-11-03
to = 2026-12-31
"""
    made = Judge(
        book(roster("night", DAY), contract=contracts),
        calendar(),
        {"client-contract": policy(), "dearer.toml": dearer},
        Whole(),
    )
    day = date.fromisoformat(DAY)
    found = made.person("p1", punches("20:01", "2026-11-03T07:59"), day, day)
    told = [(one.kind.value, one.policy, one.seconds) for one in found.findings]
    assert sorted(told) == [
        ("early_leave", "dearer", 60),
        ("late", "client-contract", 60),
    ]
    fen = {line.policy: line.amount_fen for line in found.deductions}
    assert fen == {"client-contract": 50000, "dearer": 70000}
    assert {str(one.date) for one in found.findings} == {DAY}


def test_e52_midnight_is_the_out_of_a_duty_that_ends_there() -> None:
    """And the IN of one that begins there."""
    halves = """
[[shifts]]
id = "late-shift"
sessions = [{ start = "16:00", end = "24:00" }]
days = "every"

[[shifts]]
id = "early-shift"
sessions = [{ start = "00:00", end = "08:00" }]
days = "every"
"""
    out = judge(("15:50", "2026-11-03T00:00:00"), halves + roster("late-shift", DAY))
    assert out.ok()
    assert out.marks() == ("15:50:00", "00:00:00")
    into = judge(("00:00:00", "08:05"), halves + roster("early-shift", DAY))
    assert into.ok()
    assert into.marks() == ("00:00:00", "08:05:00")
