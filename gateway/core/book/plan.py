"""The sessions a person owes on a day: roster, calendar and the client's orders.

Orders for named people, shifts or posts say what they say. An order for everybody is a
change of the calendar: it makes or takes days of shifts that follow it, takes days of
other shifts, and leaves duty alone that holidays leave alone too, which is duty on a
post and duty rostered for that very date.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from gateway.core.book.duty import DayOrder, Session
from gateway.core.book.index import Assignment, Book
from gateway.core.calendar import RESTDAY, WORKDAY, Calendar, Day, DayKind, Half

_NOON = 12 * 3600
# A pause counts as the middle of a day when it touches these hours.
_EARLY, _LATE = 11 * 3600, 14 * 3600
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class OwedSession:
    """A session of a date, in local time of the site; breaks lie inside, in order.

    `number` counts from 1 in the shift's order, also where others are not owed.
    """

    number: int
    start: datetime
    end: datetime
    breaks: tuple[tuple[datetime, datetime], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What an assignment means on a day.

    `known` is False where the calendar does not know the year: nothing can be judged
    then. `orders` are the orders that had a say.
    """

    known: bool
    sessions: tuple[OwedSession, ...] = ()
    orders: tuple[DayOrder, ...] = ()


def plan(book: Book, calendar: Calendar, assignment: Assignment, day: date) -> Plan:
    """Return what is owed on `day` by one row of the roster that covers it."""
    orders = orders_for(book, assignment, day)
    ordered = next((order for order in orders if order.kind), None)
    what = _ordered(ordered) if ordered else _by_shift(calendar, assignment, day)
    used = tuple(order for order in orders if order is ordered or order.sessions)
    if what is None:
        return Plan(known=False, orders=used)
    if what.kind is DayKind.REST:
        return Plan(known=True, orders=used)
    replaced = next((order.sessions for order in orders if order.sessions), ())
    sessions = replaced or assignment.shift.sessions
    # Sessions that an order writes out are what that order wants of a half day.
    half = None if replaced else what.half
    return Plan(known=True, sessions=_sessions(sessions, half, day), orders=used)


def orders_for(book: Book, assignment: Assignment, day: date) -> list[DayOrder]:
    """Return the orders of a day for an assignment, the most particular first."""
    found = [
        (rank, order)
        for order in book.day_orders(day)
        if (rank := _rank(order, assignment)) is not None
    ]
    return [order for _, order in sorted(found, key=lambda pair: pair[0])]


def _rank(order: DayOrder, assignment: Assignment) -> int | None:
    """Return how particular an order is; None when it is not for this assignment."""
    row = assignment.roster
    scopes = ((order.people, row.person), (order.posts, row.post))
    for rank, (names, name) in enumerate((*scopes, (order.shifts, row.shift))):
        if name in names:
            return rank
    if not order.for_everybody or row.post or row.dates:
        return None
    adds = order.kind not in (None, DayKind.REST)
    return None if adds and not assignment.shift.follows_calendar else len(scopes) + 1


def _ordered(order: DayOrder) -> Day:
    if order.kind is DayKind.HALF:
        return Day(DayKind.HALF, order.which or Half.MORNING)
    return RESTDAY if order.kind is DayKind.REST else WORKDAY


def _by_shift(calendar: Calendar, assignment: Assignment, day: date) -> Day | None:
    shift = assignment.shift
    if assignment.roster.dates:
        return WORKDAY
    if shift.follows_calendar:
        return calendar.day(day)
    return WORKDAY if shift.on_weekday(day) else RESTDAY


def _sessions(
    sessions: Sequence[Session], half: Half | None, day: date
) -> tuple[OwedSession, ...]:
    midnight = datetime.combine(day, time())
    midday = _midday(sessions)
    found = []
    for number, session in enumerate(sessions, 1):
        start, end = session.span
        if half is Half.MORNING:
            end = min(end, midday[0])
        elif half is Half.AFTERNOON:
            start = max(start, midday[1])
        if start < end:
            pauses = [_clip(pause, start, end) for pause in session.pauses]
            found.append(_owed(midnight, number, (start, end), pauses))
    return tuple(found)


def _midday(sessions: Sequence[Session]) -> Span:
    """Return where a day falls into halves: the pause about noon, else noon itself."""
    pauses = [pause for session in sessions for pause in session.pauses]
    pauses += [(before.span[1], after.span[0]) for before, after in pairwise(sessions)]
    near = [pause for pause in pauses if pause[0] <= _LATE and pause[1] >= _EARLY]
    return min(near, key=_from_noon, default=(_NOON, _NOON))


def _from_noon(pause: Span) -> int:
    return max(pause[0] - _NOON, _NOON - pause[1], 0)


def _owed(
    midnight: datetime, number: int, span: Span, pauses: Iterable[Span]
) -> OwedSession:
    def at(seconds: int) -> datetime:
        return midnight + timedelta(seconds=seconds)

    breaks = tuple((at(first), at(last)) for first, last in pauses if first < last)
    return OwedSession(number, at(span[0]), at(span[1]), breaks)


def _clip(span: Span, start: int, end: int) -> Span:
    return max(span[0], start), min(span[1], end)
