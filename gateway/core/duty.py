"""Who owes presence when: roster, calendar and orders into sessions of a person.

Sessions are owed by people who belong to the site under a contract in force; a session
that crosses the border of either is cut there (rules.md E40, E56).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from gateway.core.book.index import Assignment, Book
from gateway.core.book.plan import OwedSession, plan
from gateway.core.calendar import Calendar
from gateway.core.moments import DAY_SECONDS, Span, day_of, midnight, wall
from gateway.core.rules.spans import Spans, cut

_DAY = timedelta(days=1)
Obliged = Callable[[str, date], bool]


@dataclass(frozen=True, slots=True)
class Due:
    """A session that a person owes on a duty date.

    `spans` is the session less its breaks. `terminals` are those that satisfy it: all
    of the site where the roster names none. `known` is False where nobody knows the
    calendar of that year.
    """

    person: str
    date: date
    shift: str
    number: int
    start: int
    end: int
    spans: Spans
    post: str = ""
    terminals: tuple[str, ...] = ()
    known: bool = True


class Duties:
    """Answers who owes what; days alike for many are worked out once.

    Args:
        book: the book.
        calendar: of the site.
        obliged: says whether a person owes anything at all on a day.
    """

    def __init__(self, book: Book, calendar: Calendar, obliged: Obliged) -> None:
        self._book = book
        self._calendar = calendar
        self._obliged = obliged
        self._terminals = tuple(
            one.id for one in book.terminals if one.site in (None, book.site.id)
        )
        self._plans: dict[tuple[str, bool, date], tuple[bool, tuple[Due, ...]]] = {}

    def of(self, person: str, first: date, last: date) -> list[Due]:
        """Return the sessions of a person whose duty date is in `[first, last]`."""
        found: list[Due] = []
        day = first
        while day <= last:
            for assignment in self._book.assignments(person, day):
                found += self._on(person, assignment, day)
            day += _DAY
        return sorted(found, key=lambda due: (due.start, due.end, due.number))

    def _on(self, person: str, assignment: Assignment, day: date) -> list[Due]:
        known, dues = self._planned(assignment, day)
        row = assignment.roster
        return [
            Due(
                person=person,
                date=day,
                shift=assignment.shift.id,
                number=due.number,
                start=due.start,
                end=due.end,
                spans=spans,
                post=row.post,
                terminals=row.terminals or self._terminals,
                known=known,
            )
            for due in dues
            if (spans := self._owed(person, due))
        ]

    def _planned(
        self, assignment: Assignment, day: date
    ) -> tuple[bool, tuple[Due, ...]]:
        """Return what a shift means on a day, from memory where nobody is named."""
        if self._book.day_orders(day):
            return self._plan(assignment, day)
        key = (assignment.shift.id, bool(assignment.roster.dates), day)
        if key not in self._plans:
            self._plans[key] = self._plan(assignment, day)
        return self._plans[key]

    def _plan(self, assignment: Assignment, day: date) -> tuple[bool, tuple[Due, ...]]:
        found = plan(self._book, self._calendar, assignment, day)
        sessions = found.sessions if found.known else _scheduled(assignment, day)
        return found.known, tuple(_due(session, day) for session in sessions)

    def _owed(self, person: str, due: Due) -> Spans:
        """Return what of a session lies on days on which the person is obliged."""
        first, last = day_of(due.start), day_of(due.end - 1)
        if first == last:
            return due.spans if self._obliged(person, first) else ()
        days = [first + _DAY * n for n in range((last - first).days + 1)]
        free = [
            (midnight(day), midnight(day) + DAY_SECONDS)
            for day in days
            if not self._obliged(person, day)
        ]
        return cut(due.spans, free) if free else due.spans


def _scheduled(assignment: Assignment, day: date) -> list[OwedSession]:
    """Return the sessions of a shift as they stand, where nobody knows the calendar."""
    start = datetime.combine(day, time())

    def at(seconds: int) -> datetime:
        return start + timedelta(seconds=seconds)

    return [
        OwedSession(number, at(session.span[0]), at(session.span[1]), ())
        for number, session in enumerate(assignment.shift.sessions, 1)
    ]


def _due(session: OwedSession, day: date) -> Due:
    start, end = wall(session.start), wall(session.end)
    breaks: list[Span] = [(wall(low), wall(high)) for low, high in session.breaks]
    spans = cut([(start, end)], breaks)
    return Due("", day, "", session.number, start, end, spans)
