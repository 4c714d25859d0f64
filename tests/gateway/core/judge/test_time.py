"""E70 to E76: calendars, half days, seasons, orders for a day."""

from datetime import date

import pytest

from gateway.core.calendar import Day, DayKind, Year, Years
from gateway.core.judge import Judge
from gateway.core.moments import local
from gateway.core.verdicts import Flag
from gateway.core.watermark import Whole
from tests.gateway.core.judge.days import DAY, GOOD, book, judge, policy, roster, rows
from tests.gateway.core.judge.papers import LONG


@pytest.mark.parametrize(
    "day, owed",
    [
        pytest.param("2026-02-14", 2, id="E70-exchanged-saturday"),
        pytest.param("2026-02-16", 0, id="E71-spring-festival-monday"),
        pytest.param("2026-11-07", 0, id="saturday"),
        pytest.param("2026-11-09", 2, id="monday"),
    ],
)
def test_the_calendar_says_which_days_are_worked(day: str, owed: int) -> None:
    """Exchanged working days and holidays of 2026."""
    assert len(judge((), day=day).sessions) == owed


def test_e72_a_year_nobody_knows_stays_pending() -> None:
    """No finding, no money, and the reason said."""
    found = judge((), day="2038-03-01", contract=LONG)
    assert (found.findings, found.states) == ([], ["pending", "pending"])
    assert found.sessions[0].flags == (Flag.WAITS_FOR_CALENDAR,)


def test_e74_a_half_day() -> None:
    """Only the morning is owed."""
    half = rows("days", f"date = {DAY}", 'kind = "half"', 'by = "leader1"')
    assert judge(("08:20", "12:05"), half).ok()


def test_e75_e76_an_order_for_one_day() -> None:
    """Other hours on that day, and only then."""
    order = rows(
        "days",
        f"date = {DAY}",
        'by = "leader1"',
        'sessions = [{ start = "07:00", end = "22:00" }]',
    )
    found = judge(("07:01", "22:00"), order)
    assert found.kinds == [("late", 1, 60)]
    assert judge(GOOD, order, day="2026-11-03").ok()


SEASONS = """
[[shifts]]
id = "summer"
sessions = [{ start = "08:30", end = "12:00" }, { start = "14:30", end = "17:30" }]
days = "workdays"

[[shifts]]
id = "winter"
sessions = [{ start = "08:30", end = "12:00" }, { start = "14:00", end = "17:30" }]
days = "workdays"
""" + "".join(
    rows("roster", 'person = "p1"', f'shift = "{name}"', *dates)
    for name, dates in (
        ("summer", ("from = 2026-05-01", "to = 2026-09-30")),
        ("winter", ("from = 2026-10-01",)),
    )
)


@pytest.mark.parametrize(
    "day, seconds",
    [
        pytest.param("2026-09-30", None, id="last-of-summer"),
        pytest.param("2026-10-08", 600, id="first-of-winter"),
    ],
)
def test_e75_the_hours_change_on_their_day(day: str, seconds: int | None) -> None:
    """14:10 is in time while the afternoon begins at 14:30, late once at 14:00."""
    found = judge(("08:20", "12:05", "14:10", "17:35"), SEASONS, day=day)
    late = [] if seconds is None else [("late", 2, seconds)]
    assert (found.kinds, len(found.sessions)) == (late, 2)


def test_e73_a_holiday_added_afterwards_takes_back_what_was_found() -> None:
    """The same punches by the new calendar: nothing is owed, the day is free."""
    free = Day(DayKind.REST, name="临时放假")
    day = date.fromisoformat(DAY)
    found = []
    for days in ({}, {day: free}):
        made = Judge(
            book(roster()),
            Years({2026: Year(2026, "test", days)}),
            {"client-contract": policy()},
            Whole(),
        )
        found.append(made.person("p1", [], day, day))
    before, after = found
    assert [one.kind.value for one in before.findings] == ["absence", "absence"]
    assert (after.sessions, after.findings, after.deductions) == ([], [], [])


def test_a_year_nobody_knows_shows_the_shift_as_it_stands() -> None:
    """Pending, with its sessions, their numbers and their times."""
    found = judge((), roster(), day="2038-03-01", contract=LONG).sessions
    said = [
        (one.session, f"{local(one.start):%H:%M}", f"{local(one.end):%H:%M}")
        for one in found
    ]
    assert said == [(1, "08:30", "12:00"), (2, "14:30", "17:30")]
