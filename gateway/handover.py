"""Who hands a post over to whom, from two presented cards and the roster.

The roster decides first: whose turn at the post ends about now goes, whose turn begins
comes. Where it says nothing of either the order of the cards decides. Where it fits
both ways or neither, nobody decides for the two people: they are told.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.core.book import Book
from gateway.core.book.plan import plan
from gateway.core.calendar import Calendar

# A change of duty that lies further off is another one.
_NEAR = timedelta(hours=3)
_DAY = timedelta(days=1)


class Side(StrEnum):
    """The two sides of a handover."""

    OUTGOING = "outgoing"
    INCOMING = "incoming"


class Doubt(StrEnum):
    """Why two cards are no handover."""

    SAME_SIDE = "same_side"
    EITHER_WAY = "either_way"


@dataclass(frozen=True, slots=True)
class Press:
    """A card presented: whose, and when by the site's clock (local, zone-less)."""

    person: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Handed:
    """Who went and who came."""

    outgoing: Press
    incoming: Press


@dataclass(frozen=True, slots=True)
class Duties:
    """The book and the calendar, asked for turns at one post."""

    book: Book
    calendar: Calendar
    post: str

    def sides(self, press: Press) -> frozenset[Side]:
        """Return what a person may be at a moment; empty: the roster says nothing.

        The nearer end of a turn counts. Two equally near ones, as between two turns in
        a row, leave both sides open.
        """
        near: dict[Side, timedelta] = {}
        for start, end in self._turns(press):
            for side, edge in ((Side.INCOMING, start), (Side.OUTGOING, end)):
                gap = abs(press.at - edge)
                if gap <= _NEAR:
                    near[side] = min(gap, near.get(side, gap))
        nearest = min(near.values(), default=None)
        return frozenset(side for side, gap in near.items() if gap == nearest)

    def _turns(self, press: Press) -> Iterator[tuple[datetime, datetime]]:
        """Yield the turns at the post about a moment, those of the night before too."""
        for days in (-1, 0, 1):
            day = press.at.date() + days * _DAY
            for assignment in self.book.assignments(press.person, day):
                if assignment.roster.post != self.post:
                    continue
                for session in plan(self.book, self.calendar, assignment, day).sessions:
                    yield session.start, session.end

    def pair(self, first: Press, second: Press) -> Handed | Doubt:
        """Say who of two people handed over to whom, or why nobody can say."""
        one, other = self.sides(first), self.sides(second)
        if not one and not other:
            return Handed(first, second)
        forth = _may(one, Side.OUTGOING) and _may(other, Side.INCOMING)
        back = _may(one, Side.INCOMING) and _may(other, Side.OUTGOING)
        if forth and back:
            return Doubt.EITHER_WAY
        if forth:
            return Handed(first, second)
        return Handed(second, first) if back else Doubt.SAME_SIDE


def _may(sides: frozenset[Side], side: Side) -> bool:
    """Say whether the roster lets somebody be on a side; unsaid lets both."""
    return not sides or side in sides
