"""Who owes presence when: roster, calendar and orders into sessions of a person.

Sessions are owed by people who belong to the site under a contract in force; a session
that crosses the border of either is cut there (rules.md E40, E56).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from gateway.core.book.index import Assignment, Book
from gateway.core.book.plan import OwedSession, plan
from gateway.core.calendar import WORKDAY, Calendar, Day, DayKind, by_weekday
from gateway.core.moments import DAY_SECONDS, Span, day_of, midnight, wall
from gateway.core.rules.spans import Spans, cut

_DAY = timedelta(days=1)
Obliged = Callable[[str, date], bool]


@dataclass(frozen=True, slots=True)
class Due:
    """A session that people owe on a duty date.

    `date` is the duty date, `days` those on which the session begins and ends. `spans`
    is the session less its breaks and less days on which nothing is owed. `terminals`
    are those that satisfy it: all of the site where the roster names none. `known` is
    False where nobody knows the calendar of that year.
    """

    days: tuple[date, date]
    date: date
    shift: str
    number: int
    start: int
    end: int
    spans: Spans
    post: str = ""
    terminals: tuple[str, ...] = ()
    known: bool = True


@dataclass(frozen=True, slots=True)
class Unfree:
    """A calendar whose public holidays are worked unless the end user agreed (E77).

    Weekends stay free, and holidays that fall on one.
    """

    book: Book
    calendar: Calendar

    @property
    def digest(self) -> str:
        """That of the calendar."""
        return self.calendar.digest

    def day(self, day: date) -> Day | None:
        """Return what `day` is."""
        found = self.calendar.day(day)
        if found is None or self.book.consented(day):
            return found
        return WORKDAY if by_weekday(day).kind is DayKind.WORK else found


class Duties:
    """Answers who owes what; days alike for many are worked out once.

    Args:
        book: the book.
        calendar: of the site.
        obliged: says whether a person owes anything at all on a day.
        unfree: says whether a person works on holidays that nobody agreed to.
    """

    def __init__(
        self,
        book: Book,
        calendar: Calendar,
        obliged: Obliged,
        unfree: Obliged = lambda _person, _day: False,
    ) -> None:
        self._book = book
        self._calendars = (calendar, Unfree(book, calendar))
        self._obliged = obliged
        self._unfree = unfree
        self._terminals = tuple(
            one.id for one in book.terminals if one.site in (None, book.site.id)
        )
        self._plans: dict[tuple[object, ...], tuple[Due, ...]] = {}

    def calendar(self, *, unfree: bool) -> Calendar:
        """Return the calendar, of those who work on holidays nobody agreed to too."""
        return self._calendars[unfree]

    def of(self, person: str, first: date, last: date) -> list[Due]:
        """Return the sessions of a person whose duty date is in `[first, last]`."""
        found: list[Due] = []
        for day, assignment in self._book.rostered(person, first, last):
            unfree = self._unfree(person, day)
            for due in self._planned(assignment, day, unfree=unfree):
                spans = self._owed(person, due)
                if spans:
                    found.append(
                        due if spans is due.spans else replace(due, spans=spans)
                    )
        return sorted(found, key=_order)

    def _planned(
        self, assignment: Assignment, day: date, *, unfree: bool
    ) -> tuple[Due, ...]:
        """Return what a shift means on a day, from memory where nobody is named."""
        calendar = self.calendar(unfree=unfree)
        if self._book.day_orders(day):
            return self._plan(calendar, assignment, day)
        row = assignment.roster
        key = (row.shift, row.post, row.terminals, bool(row.dates), unfree, day)
        found = self._plans.get(key)
        if found is None:
            found = self._plans[key] = self._plan(calendar, assignment, day)
        return found

    def _plan(
        self, calendar: Calendar, assignment: Assignment, day: date
    ) -> tuple[Due, ...]:
        found = plan(self._book, calendar, assignment, day)
        sessions = found.sessions if found.known else _scheduled(assignment, day)
        return tuple(
            self._due(session, assignment, day, known=found.known)
            for session in sessions
        )

    def _due(
        self, session: OwedSession, assignment: Assignment, day: date, *, known: bool
    ) -> Due:
        start, end = wall(session.start), wall(session.end)
        breaks: list[Span] = [(wall(low), wall(high)) for low, high in session.breaks]
        return Due(
            date=day,
            shift=assignment.shift.id,
            number=session.number,
            start=start,
            end=end,
            days=(day_of(start), day_of(end - 1)),
            spans=cut([(start, end)], breaks),
            post=assignment.roster.post,
            terminals=assignment.roster.terminals or self._terminals,
            known=known,
        )

    def _owed(self, person: str, due: Due) -> Spans:
        """Return what of a session lies on days on which the person is obliged."""
        first, last = due.days
        if first == last:
            return due.spans if self._obliged(person, first) else ()
        days = [first + _DAY * n for n in range((last - first).days + 1)]
        free = [
            (midnight(day), midnight(day) + DAY_SECONDS)
            for day in days
            if not self._obliged(person, day)
        ]
        return cut(due.spans, free) if free else due.spans


def _order(due: Due) -> tuple[int, int, int]:
    return due.start, due.end, due.number


def _scheduled(assignment: Assignment, day: date) -> list[OwedSession]:
    """Return the sessions of a shift as they stand, where nobody knows the calendar."""
    start = datetime.combine(day, time())

    def at(seconds: int) -> datetime:
        return start + timedelta(seconds=seconds)

    return [
        OwedSession(number, at(session.span[0]), at(session.span[1]), ())
        for number, session in enumerate(assignment.shift.sessions, 1)
    ]
