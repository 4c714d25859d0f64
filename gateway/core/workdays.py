"""Counting working days forward: the deadlines of papers, returns and decisions."""

from datetime import date, timedelta

from gateway.core.calendar import Calendar, DayKind

_DAY = timedelta(days=1)
_FAR = 60


def workday_after(calendar: Calendar, day: date, count: int) -> date | None:
    """Return the `count`-th working day behind `day`; 0: the day itself.

    A half day counts. None where nobody knows the calendar that far.
    """
    found, left = day, count
    for _ in range(_FAR + 2 * count):
        if not left:
            return found
        found += _DAY
        what = calendar.day(found)
        if what is None:
            return None
        if what.kind is not DayKind.REST:
            left -= 1
    return None
