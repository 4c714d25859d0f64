"""The book of a site as suspicion asks it: whose badge, what is owed, leave, outages.

Answers `gateway.core.suspicion.values.SiteBook`; names of people are never read here.
Official leave is attendance elsewhere and none of what is meant by leave.
"""

from collections.abc import Sequence
from datetime import date, datetime

from gateway.core.book.days import Leave as LeaveRow
from gateway.core.book.days import LeaveKind
from gateway.core.book.index import Book
from gateway.core.book.standing import Act
from gateway.core.calendar import Calendar
from gateway.core.duty import Due, Duties
from gateway.core.moments import midnight, wall
from gateway.core.suspicion.values import Leave, Sessions

# Moments count from the year 1, suspicion's wall seconds from 1970.
_EPOCH = midnight(date(1970, 1, 1))


class SuspicionBook:
    """Answers for one book and its calendar, each roster question from memory.

    Args:
        book, calendar: of the site.
    """

    def __init__(self, book: Book, calendar: Calendar) -> None:
        self._book = book
        self._duties = Duties(book, calendar, self._is_present)
        self._rostered = {row.person for row in book.rows.roster}
        self._present = {one.id: one for one in book.people}
        self._site_of = {one.id: one.site or book.site.id for one in book.terminals}
        self._leave: dict[str, list[Leave]] = {}
        for row in book.rows.leave:
            if self._counts(row):
                self._leave.setdefault(row.person, []).append(_away(row))
        self._outages: dict[str, list[tuple[int, int]]] = {}
        for broken in book.rows.outages:
            span = (_seconds(broken.from_), _seconds(broken.to))
            self._outages.setdefault(broken.terminal, []).append(span)

    def person_of(self, terminal: str, badge: str, day: date) -> str | None:
        """Return the id of the person with `badge` on `terminal` on `day`."""
        return self._book.person_of(terminal, badge, day)

    def zone(self, terminal: str) -> str:
        """Return the time zone of a terminal."""
        return self._book.zone(terminal)

    def site_of(self, terminal: str) -> str:
        """Return the site of a terminal; one the book lacks stands at this one."""
        return self._site_of.get(terminal, self._book.site.id)

    def travel_minutes(self, one: str, other: str) -> float | None:
        """Return the shortest way between two sites; None = nobody wrote it down."""
        return self._book.travel_minutes(one, other)

    def sessions(self, person: str, day: date) -> Sessions | None:
        """Return the sessions owed on a day; None where nobody can know."""
        if person not in self._rostered:
            return None
        dues = self._duties.of(person, day, day)
        if not all(due.known for due in dues):
            return None
        start = midnight(day)
        return tuple(_session(due, start) for due in dues)

    def leave(self, person: str) -> Sequence[Leave]:
        """Return the approved leave of a person."""
        return self._leave.get(person, ())

    def employed_from(self, person: str) -> date | None:
        """Return the first day of employment, if the book has it."""
        found = self._present.get(person)
        return found.from_ if found else None

    def outages(self, terminal: str) -> Sequence[tuple[int, int]]:
        """Return the outages entered for a terminal, wall seconds `[start, end)`."""
        return self._outages.get(terminal, ())

    def _is_present(self, person: str, day: date) -> bool:
        found = self._present.get(person)
        return found is not None and found.present(day)

    def _counts(self, row: LeaveRow) -> bool:
        """Say whether somebody entitled approved it, and it means not being here."""
        day = row.from_.date()
        return row.kind is not LeaveKind.OFFICIAL and self._book.entitled(
            row.approved_by, Act.LEAVE, day
        )


def closes_after(book: Book) -> int:
    """Return by how many seconds the latest session ends after its day began."""
    ends = [end for shift in book.rows.shifts for _, end in _spans(shift.sessions)]
    return max(ends, default=0)


def _spans(sessions: Sequence[object]) -> list[tuple[int, int]]:
    return [session.span for session in sessions]  # type: ignore[attr-defined]


def _session(due: Due, start: int) -> tuple[int, int]:
    return due.start - start, due.end - start


def _away(row: LeaveRow) -> Leave:
    ends = [row.to, row.ended_at, row.returned_at]
    end = min(at for at in ends if at is not None)
    approved = row.approved_at
    return Leave(
        _seconds(row.from_),
        _seconds(end),
        None if approved is None else _seconds(approved),
    )


def _seconds(local: datetime) -> int:
    return wall(local) - _EPOCH
