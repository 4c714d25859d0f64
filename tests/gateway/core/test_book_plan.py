"""Owed sessions of a day: shift, calendar, orders of the client."""

from datetime import date

import pytest

from gateway.core.book import Book
from gateway.core.book.plan import Plan, plan
from gateway.core.calendar import Calendar, Day, DayKind, Half, Weekdays, Year, Years
from tests.gateway.core.books import read
from tests.gateway.core.small_books import BASE, order, roster

SATURDAY, SUNDAY, MONDAY = (date(2026, 11, day) for day in (14, 15, 16))
FULL = ["08:30-12:00", "14:30-17:30"]
MORNING, AFTERNOON = FULL
ALWAYS = "from = 2026-01-01"


def calendar(kind: DayKind, half: Half | None = None) -> Calendar:
    """Return a calendar that says something of the Saturday and the Monday."""
    days = {day: Day(kind, half) for day in (SATURDAY, MONDAY)}
    return Years({2026: Year(2026, "test", days)})


def planned(
    book: Book, day: date = SATURDAY, year: Calendar | None = None, person: str = "p1"
) -> Plan:
    """Return the plan of the one row of the roster of a person."""
    (assignment,) = book.assignments(person, day)
    return plan(book, year or Weekdays(), assignment, day)


def times(found: Plan) -> list[str]:
    """Return the sessions of a plan as people write them."""
    assert found.known
    return [f"{s.start:%H:%M}-{s.end:%H:%M}" for s in found.sessions]


def book(shift: str = "day", more: str = "", days: str = ALWAYS) -> Book:
    """Return a book in which p1 has a shift."""
    return read(BASE + roster(shift, days) + more)


def test_the_calendar_decides_working_days() -> None:
    """Free on Sunday and a holiday (E71), worked on an exchanged Saturday (E70)."""
    assert times(planned(book(), MONDAY)) == FULL
    assert times(planned(book(), SUNDAY)) == []
    assert times(planned(book(), SATURDAY, calendar(DayKind.WORK))) == FULL
    assert times(planned(book(), MONDAY, calendar(DayKind.REST))) == []


def test_a_year_nobody_knows_is_not_judged() -> None:
    """Without the year nothing is owed and nothing is free (E72)."""
    found = planned(book(), SATURDAY, Years({}))
    assert (found.known, found.sessions) == (False, ())
    # Shifts with days of their own do not ask the calendar.
    assert times(planned(book("early"), SATURDAY, Years({}))) == ["06:00-08:30"]
    assert times(planned(book("early"), MONDAY, Years({}))) == []
    night = planned(book("night"), SATURDAY, Years({}))
    assert (times(night), str(night.sessions[0].end)) == (
        ["20:00-08:00"],
        "2026-11-15 08:00:00",
    )


def test_rostered_dates_are_worked_whatever_the_day() -> None:
    """A date in the roster is duty on holidays and weekends too."""
    dated = book(days=f"dates = [{SATURDAY}]")
    assert times(planned(dated, SATURDAY, calendar(DayKind.REST))) == FULL
    unmoved = book(days=f"dates = [{SATURDAY}]", more=order('kind = "rest"'))
    assert times(planned(unmoved)) == FULL
    named = order('kind = "rest"\npeople = ["p1"]')
    assert times(planned(book(days=f"dates = [{SATURDAY}]", more=named))) == []


@pytest.mark.parametrize(
    "half, expected", [(Half.MORNING, [MORNING]), (Half.AFTERNOON, [AFTERNOON])]
)
def test_half_days_of_the_calendar(half: Half, expected: list[str]) -> None:
    """Of a half day the sessions of the worked half are owed (E74)."""
    found = planned(book(), SATURDAY, calendar(DayKind.HALF, half))
    assert times(found) == expected
    assert [s.number for s in found.sessions] == [1 if half is Half.MORNING else 2]


SINGLE = '[[shifts]]\nid = "one"\ndays = "workdays"\nsessions = [ {} ]\n' + roster(
    "one", ALWAYS
)


@pytest.mark.parametrize(
    "session, morning, afternoon",
    [
        ('{ start = "08:30", end = "17:30" }', "08:30-12:00", "12:00-17:30"),
        (
            (
                '{ start = "09:00", end = "18:00", breaks = [ { start = "12:00",'
                ' end = "13:00" }, { start = "16:00", end = "16:10" } ] }'
            ),
            "09:00-12:00",
            "13:00-18:00",
        ),
        (
            (
                '{ start = "09:00", end = "18:00", breaks = [ { start = "11:30",'
                ' end = "12:30" } ] }'
            ),
            "09:00-11:30",
            "12:30-18:00",
        ),
        (
            '{ start = "09:00", end = "12:30" }, { start = "14:00", end = "18:00" }',
            "09:00-12:30",
            "14:00-18:00",
        ),
        ('{ start = "13:00", end = "21:00" }', "", "13:00-21:00"),
        ('{ start = "06:00", end = "12:00" }', "06:00-12:00", ""),
        # A pause that touches 11:00 or 14:00 is the middle of the day, others are not.
        (
            '{ start = "06:00", end = "10:30" }, { start = "11:00", end = "16:00" }',
            "06:00-10:30",
            "11:00-16:00",
        ),
        (
            '{ start = "08:00", end = "14:00" }, { start = "14:30", end = "18:00" }',
            "08:00-14:00",
            "14:30-18:00",
        ),
        (
            (
                '{ start = "06:00", end = "18:00", breaks = [ { start = "10:00",'
                ' end = "10:59" }, { start = "14:01", end = "14:30" } ] }'
            ),
            "06:00-12:00",
            "12:00-18:00",
        ),
    ],
)
def test_where_a_day_falls_into_halves(
    session: str, morning: str, afternoon: str
) -> None:
    """At the pause about noon, else at noon."""
    found = read(BASE + SINGLE.replace("{}", session))
    for half, expected in ((Half.MORNING, morning), (Half.AFTERNOON, afternoon)):
        day = planned(found, SATURDAY, calendar(DayKind.HALF, half))
        assert times(day) == ([expected] if expected else [])


def test_breaks_of_what_is_left() -> None:
    """Breaks outside the worked half are gone, the others stay."""
    session = (
        '{ start = "09:00", end = "18:00", breaks = [ { start = "12:00",'
        ' end = "13:00" }, { start = "16:00", end = "16:10" } ] }'
    )
    found = read(BASE + SINGLE.replace("{}", session))
    whole = planned(found, SATURDAY, calendar(DayKind.WORK)).sessions[0]
    assert [f"{a:%H:%M}-{b:%H:%M}" for a, b in whole.breaks] == [
        "12:00-13:00",
        "16:00-16:10",
    ]
    half = planned(found, SATURDAY, calendar(DayKind.HALF, Half.AFTERNOON)).sessions[0]
    assert [f"{a:%H:%M}-{b:%H:%M}" for a, b in half.breaks] == ["16:00-16:10"]


NINE = 'sessions = [ { start = "09:00", end = "12:00" } ]'


@pytest.mark.parametrize(
    "more, expected",
    [
        (order('kind = "work"'), FULL),
        (order('kind = "half"'), [MORNING]),
        (order('kind = "half"\nwhich = "afternoon"'), [AFTERNOON]),
        (order(f'kind = "work"\n{NINE}'), ["09:00-12:00"]),
        (order(f'kind = "half"\n{NINE}'), ["09:00-12:00"]),
        (order(NINE), []),  # other hours do not make a free day a working one
        (order('kind = "work"\npeople = ["p2"]'), []),
        (order('kind = "work"\nshifts = ["day"]'), FULL),
        (order('kind = "work"') + order('kind = "rest"\nshifts = ["day"]'), []),
        (
            order('kind = "rest"\nshifts = ["day"]')
            + order('kind = "work"\npeople = ["p1"]'),
            FULL,
        ),
        (order('kind = "work"\npeople = ["p1"]') + order(NINE), ["09:00-12:00"]),
    ],
)
def test_orders_for_a_free_saturday(more: str, expected: list[str]) -> None:
    """The most particular order counts, for kind and hours each by itself (E76)."""
    found = planned(book(more=more))
    assert times(found) == expected


def test_orders_that_had_a_say_are_named() -> None:
    """A verdict can cite the order that made the day."""
    more = order('kind = "work"') + order('people = ["p1"]\n' + NINE)
    found = planned(book(more=more))
    assert [one.for_everybody for one in found.orders] == [False, True]
    unused = order('kind = "work"') + order('kind = "work"\nshifts = ["day"]')
    assert len(planned(book(more=unused)).orders) == 1
    unknown = planned(book(more=order(NINE)), SATURDAY, Years({}))
    assert (unknown.known, len(unknown.orders)) == (False, 1)
    rest = planned(book(more=order(NINE)))
    assert (rest.sessions, len(rest.orders)) == ((), 1)


@pytest.mark.parametrize(
    "shift, days, more, expected",
    [
        # An order for everybody changes the calendar: shifts with days of their own
        # lose a day by it and gain none; duty on a post is left alone (E66).
        ("early", ALWAYS, 'kind = "rest"', []),
        ("early", ALWAYS, 'kind = "half"', ["06:00-08:30"]),
        ("night", ALWAYS + '\npost = "noc"', 'kind = "rest"', ["20:00-08:00"]),
        ("night", ALWAYS + '\npost = "noc"', 'kind = "rest"\nposts = ["noc"]', []),
        ("night", ALWAYS, 'kind = "rest"\nposts = ["noc"]', ["20:00-08:00"]),
    ],
)
def test_orders_and_shifts_with_days_of_their_own(
    shift: str, days: str, more: str, expected: list[str]
) -> None:
    """Holidays do not lift the duty of a post; who is named is named."""
    assert times(planned(book(shift, order(more), days))) == expected
