"""What is still to be judged: people and dates now, and what to wait for.

Dates of a person are bits of a number, so that a month of ten thousand people is small.
What came just now goes before what is old.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

_FIRST = date(2001, 1, 1).toordinal()
Place = tuple[str, date]


@dataclass(frozen=True, slots=True)
class Item:
    """A person, and consecutive dates to be judged."""

    person: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Until:
    """A moment to be reached: by the clock, or by reading a terminal so far."""

    moment: int
    terminal: str = ""


class Agenda:
    """Keeps what is to be judged, each once however often it is said."""

    def __init__(self) -> None:
        self._urgent: dict[str, int] = {}
        self._later: dict[str, int] = {}
        self._waiting: dict[Until, set[Place]] = {}

    def add(self, person: str, first: date, last: date, *, urgent: bool) -> None:
        """Put dates of a person on it."""
        low = max(first.toordinal() - _FIRST, 0)
        high = last.toordinal() - _FIRST
        if high >= low:
            bits = ((1 << (high - low + 1)) - 1) << low
            table = self._urgent if urgent else self._later
            table[person] = table.get(person, 0) | bits

    def take(self, most: int, days: int, *, late: bool) -> Iterator[Item]:
        """Take at most `most` items of at most so many days; `late`: of all."""
        for _ in range(most):
            table = self._urgent or (self._later if late else {})
            if not table:
                return
            yield _taken(table, days)

    def waits(self, *, late: bool) -> bool:
        """Say whether there is something to take."""
        return bool(self._urgent or (late and self._later))

    def wait(self, until: Until, place: Place) -> None:
        """Put a date of a person on it when a moment is reached."""
        self._waiting.setdefault(until, set()).add(place)

    def reached(self, is_reached: Callable[[Until], bool]) -> None:
        """Put on it what waited for moments that are reached now."""
        for until in [one for one in self._waiting if is_reached(one)]:
            self.add_all(self._waiting.pop(until))

    def add_all(self, places: Iterable[Place]) -> None:
        """Put single dates on it, at once."""
        for person, day in places:
            self.add(person, day, day, urgent=True)


def _taken(table: dict[str, int], days: int) -> Item:
    """Take the first person's first run of dates."""
    person = next(iter(table))
    bits = table.pop(person)
    low = (bits & -bits).bit_length() - 1
    run = bits >> low
    length = min((~run & (run + 1)).bit_length() - 1, days)
    left = bits & ~(((1 << length) - 1) << low)
    if left:
        table[person] = left
    first = _FIRST + low
    return Item(person, date.fromordinal(first), date.fromordinal(first + length - 1))
