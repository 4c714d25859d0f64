"""How often each record came so far in one read of a log, in eight bytes a record.

A whole log is read with this beside it, two logs at once, on a machine where a
dictionary of a hundred thousand records would be the largest thing in memory. Records
that came more than once are few and stand in a dictionary.
"""

from array import array
from collections.abc import Mapping

_FIRST_SLOTS = 1 << 10
_EMPTY = 0


def fingerprint(key: bytes) -> int:
    """Return 64 bits that stand for a record's key while one log is read.

    Two keys with one fingerprint, which no log will see, would cost a doubled raw row,
    never a punch.
    """
    return hash(key) or 1


class Seen:
    """Counts fingerprints: an open-addressed table, and a dictionary of repeats."""

    def __init__(self, counted: Mapping[int, int] | None = None) -> None:
        self._slots = array("q", bytes(8 * _FIRST_SLOTS))
        self._used = 0
        self._more = dict(counted or {})

    def __call__(self, key: bytes) -> int:
        """Count one more record of this key; return how often it came before."""
        return self.add(fingerprint(key))

    def count(self, mark: int) -> int:
        """Return how often this one came."""
        more = self._more.get(mark)
        if more is not None:
            return more
        return int(self._slots[self._place(mark)] == mark)

    def add(self, mark: int) -> int:
        """Count one more; return how often it came before."""
        before = self._more.get(mark)
        if before is None:
            slots = self._slots
            place = mark & (len(slots) - 1)
            if slots[place] not in (mark, _EMPTY):
                place = self._place(mark)
            if slots[place] == _EMPTY:
                slots[place] = mark
                self._used += 1
                if 2 * self._used > len(slots):
                    self._grow()
                return 0
            before = 1
        self._more[mark] = before + 1
        return before

    def learn(self, counted: Mapping[int, int]) -> None:
        """Take counts from elsewhere for fingerprints that did not come yet."""
        self._more |= counted

    def _place(self, mark: int) -> int:
        """Return the slot of a fingerprint, or the empty one where it would stand."""
        slots, last = self._slots, len(self._slots) - 1
        place = mark & last
        while slots[place] not in (mark, _EMPTY):
            place = (place + 1) & last
        return place

    def _grow(self) -> None:
        old = self._slots
        self._slots = array("q", bytes(16 * len(old)))
        for mark in old:
            if mark != _EMPTY:
                self._slots[self._place(mark)] = mark
