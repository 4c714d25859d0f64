"""Punches into queues: who stood before a terminal, in which order, for which duty.

Preparation of proxy-detection.md 4.1: the terminal's own order, repeats of one person
within a minute are one stand, every stand belongs to a work day and, where the roster
allows, to one slot (a start or an end of a session). Judges nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from gateway.core.suspicion.events import Punch
from gateway.core.suspicion.values import (
    CREDENTIALS,
    DAY,
    HOUR,
    Credential,
    Sessions,
    SiteBook,
    day_date,
)

ADJACENT_SECONDS = 12
REPEAT_SECONDS = 60
# A punch further than this from every start and end belongs to none of them.
REACH_SECONDS = 4 * HOUR
# Before this hour a punch without a slot belongs to the day before.
NEW_DAY = 4 * HOUR
# Where the book knows no roster: an ordinary day, so that a stay still has a shape.
ORDINARY_DAY: Sessions = ((30_600, 43_200), (50_400, 63_000))


class Stand(NamedTuple):
    """One person once before one terminal: a punch and its repeats within a minute.

    `person` is "" for a badge of nobody. `slot` counts starts and ends of the day's
    sessions: even = a start, odd = an end; None = none is near. `credential` is the
    best of the repeats: a finger in the same minute proves the card's owner there.
    `place` is the index in the terminal's queue.
    """

    person: str
    punch: Punch
    last: int
    credential: Credential
    day: int
    slot: int | None
    place: int

    @property
    def first(self) -> int:
        """Wall seconds of the first punch of the stand."""
        return self.punch.at


Queue = list[Stand]


@dataclass(frozen=True, slots=True)
class Queues:
    """The queues of all terminals and the sessions of every day that was looked at."""

    by_terminal: Mapping[str, Queue]
    roster: "Roster"

    def before(self, stand: Stand) -> Stand | None:
        """Return who stood before, if within the adjacency window."""
        if not stand.place:
            return None
        other = self.by_terminal[stand.punch.terminal][stand.place - 1]
        return other if gap(other, stand) <= ADJACENT_SECONDS else None

    def after(self, stand: Stand) -> Stand | None:
        """Return who stood behind, if within the adjacency window."""
        queue = self.by_terminal[stand.punch.terminal]
        if stand.place + 1 == len(queue):
            return None
        other = queue[stand.place + 1]
        return other if gap(stand, other) <= ADJACENT_SECONDS else None

    def beside(self, stand: Stand) -> list[Stand]:
        """Return the direct neighbours with a known person, nearest first."""
        found = [other for other in (self.before(stand), self.after(stand)) if other]
        found = [other for other in found if other.person]
        return sorted(found, key=lambda other: (_apart(stand, other), other.place))


def gap(one: Stand, other: Stand) -> int:
    """Return the seconds from the last punch of one to the first of the next."""
    return max(0, other.first - one.last)


def _apart(one: Stand, other: Stand) -> int:
    return max(0, other.first - one.last, one.first - other.last)


class Roster:
    """The sessions of people by day number, each asked of the book once."""

    def __init__(self, book: SiteBook) -> None:
        self._book = book
        self._known: dict[str, dict[int, Sessions]] = {}
        self._around: dict[str, tuple[int, tuple[tuple[int, int, int], ...]]] = {}

    def sessions(self, person: str, day: int) -> Sessions:
        """Return the sessions of a day; an ordinary day where no roster is known."""
        mine = self._known.setdefault(person, {})
        found = mine.get(day)
        if found is None:
            asked = self._book.sessions(person, day_date(day))
            found = mine[day] = ORDINARY_DAY if asked is None else asked
        return found

    def place(self, person: str, at: int) -> tuple[int, int | None]:
        """Return the work day of a punch and its slot."""
        today, second = divmod(at, DAY)
        around = self._around.get(person)
        if around is None or around[0] != today:
            around = self._around[person] = (
                today,
                _bounds(
                    self.sessions(person, today - 1),
                    self.sessions(person, today),
                    self.sessions(person, today + 1),
                ),
            )
        best, near = REACH_SECONDS + 1, None
        for bound in around[1]:
            apart = abs(bound[0] - second)
            if apart < best:
                best, near = apart, bound
        if near is not None:
            return today + near[1], near[2]
        return (today if second >= NEW_DAY else today - 1), None

    def bound(self, person: str, day: int, slot: int) -> int:
        """Return the wall seconds of a slot's start or end."""
        return day * DAY + self.sessions(person, day)[slot // 2][slot % 2]


@lru_cache(maxsize=1024)
def _bounds(
    before: Sessions, today: Sessions, after: Sessions
) -> tuple[tuple[int, int, int], ...]:
    """Return (second from today's midnight, day ahead, slot) of three days."""
    return tuple(
        (second + ahead * DAY, ahead, slot)
        for ahead, sessions in ((-1, before), (0, today), (1, after))
        for slot, second in enumerate(one for both in sessions for one in both)
    )


def line_up(
    punches: Iterable[Punch], book: SiteBook, dropped: frozenset[str] = frozenset()
) -> Queues:
    """Put punches into the queues of their terminals.

    Args:
        punches: in canonical order (`Events.punches`).
        book: whose badge it is, and who owes what.
        dropped: ids inside an episode of a moved clock; their times mean nothing.
    """
    roster = Roster(book)
    whose = _Whose(book)
    found: dict[str, Queue] = {}
    last: dict[tuple[str, str], Stand] = {}
    numbers: dict[int, int] = {}
    for punch in punches:
        if punch.id in dropped:
            continue
        key = (punch.terminal, punch.badge)
        known = last.get(key)
        if known is not None and punch.at - known.last <= REPEAT_SECONDS:
            last[key] = found[punch.terminal][known.place] = known._replace(
                last=punch.at,
                credential=max(known.credential, CREDENTIALS[punch.verify]),
            )
            continue
        queue = found.setdefault(punch.terminal, [])
        place = len(queue)
        person, at = whose(punch), punch.at
        day, slot = roster.place(person, at) if person else (at // DAY, None)
        stand = last[key] = Stand(
            person,
            punch,
            at,
            CREDENTIALS[punch.verify],
            numbers.setdefault(day, day),
            slot,
            numbers.setdefault(place, place),
        )
        queue.append(stand)
    return Queues({terminal: found[terminal] for terminal in sorted(found)}, roster)


class _Whose:
    """The person of a badge, each asked once per day."""

    def __init__(self, book: SiteBook) -> None:
        self._book = book
        self._day = -1
        self._date = date.min
        self._known: dict[tuple[str, str], str] = {}
        self._names: dict[str, str] = {}

    def __call__(self, punch: Punch) -> str:
        day = punch.at // DAY
        if day != self._day:
            self._day, self._date = day, day_date(day)
            self._known.clear()
        key = (punch.terminal, punch.badge)
        found = self._known.get(key)
        if found is None:
            found = self._book.person_of(*key, self._date) or ""
            found = self._known[key] = self._names.setdefault(found, found)
        return found


class Beside(NamedTuple):
    """A stand and a direct neighbour, from the side of the stand."""

    stand: Stand
    neighbour: str


@dataclass(slots=True)
class Sheet:
    """One work day: who stood where, and who stood beside whom."""

    day: int
    people: dict[str, list[Stand]]
    beside: list[Beside]


def sheets(queues: Queues) -> list[Sheet]:
    """Return the work days in order; people and neighbours in canonical order."""
    found: dict[int, Sheet] = {}
    for queue in queues.by_terminal.values():
        previous: Stand | None = None
        for stand in queue:
            person = stand.person
            if person:
                sheet = found.get(stand.day)
                if sheet is None:
                    sheet = found[stand.day] = Sheet(stand.day, {}, [])
                mine = sheet.people.get(person)
                if mine is None:
                    mine = sheet.people[person] = []
                mine.append(stand)
                if (
                    previous is not None
                    and previous.person
                    and previous.person != person
                    and stand.punch.at - previous.last <= ADJACENT_SECONDS
                ):
                    sheet.beside.append(Beside(stand, previous.person))
                    found[previous.day].beside.append(Beside(previous, person))
            previous = stand
    return [found[day] for day in sorted(found)]
