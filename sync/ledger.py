"""Which entries of a stream have been received: ranges, their hashes, the holes.

Pure bookkeeping for one (site, gateway, epoch). A batch is booked by the seqs it lists,
never by its first and last: seqs run over five topics, so the numbers between may have
come with another topic or not at all. A hash once booked is never replaced; a stream
that tells another story later is for its gateway to notice and to fork. A range that is
known to be gone for ever is closed: booked without a hash.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """Entries `first` to `last`, both received; `head` is the chain hash at `last`."""

    first: int
    last: int
    head: str | None = None


class Ledger:
    """The received ranges of one stream, in order, never touching each other."""

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._ranges = sorted(ranges, key=lambda item: item.first)

    @property
    def ranges(self) -> tuple[Range, ...]:
        """Return the ranges in order."""
        return tuple(self._ranges)

    @property
    def upto(self) -> int:
        """Return the last entry up to which everything from 1 on is here; else 0."""
        first = self._ranges[:1]
        return first[0].last if first and first[0].first == 1 else 0

    @property
    def chain(self) -> str | None:
        """Return the chain hash at `upto`, None when that is 0 or was not given."""
        return self._ranges[0].head if self.upto else None

    @property
    def missing(self) -> list[tuple[int, int]]:
        """Return the holes below the last entry received, `(first, last)` in order."""
        ends = [0, *(item.last for item in self._ranges)]
        return [
            (end + 1, item.first - 1)
            for end, item in zip(ends, self._ranges, strict=False)
            if item.first > end + 1
        ]

    def head_at(self, seq: int) -> str | None:
        """Return the chain hash booked at the end of a range, None elsewhere."""
        found = self._at(seq)
        return found.head if found and found.last == seq else None

    def add(self, entries: Iterable[tuple[int, str | None]]) -> None:
        """Book entries as `(seq, chain hash at seq or None)`; repeats change nothing.

        Raises:
            ValueError: for a seq below 1.
        """
        for run in _runs(entries):
            self._add(run)

    def close(self, first: int, last: int) -> None:
        """Book entries that will never come; no hash is known of them.

        What was received among them stays as it is; an entry that comes after all is a
        repeat.

        Raises:
            ValueError: for a seq below 1 or a range that ends before it begins.
        """
        if not 1 <= first <= last:
            raise ValueError(f"{first} to {last} is no range of a stream")
        self._add(Range(first, last))

    def _at(self, seq: int) -> Range | None:
        """Return the range that starts at or before `seq`, the nearest one."""
        index = bisect_right(self._ranges, seq, key=lambda item: item.first)
        return self._ranges[index - 1] if index else None

    def _add(self, run: Range) -> None:
        """Merge one run into the ranges it overlaps or touches."""
        low = bisect_left(self._ranges, run.first, key=lambda item: item.last + 1)
        high = bisect_right(self._ranges, run.last + 1, key=lambda item: item.first)
        merged = [*self._ranges[low:high], run]
        first = min(item.first for item in merged)
        # max returns the first of equals: a hash that was booked before stands.
        end = max(merged, key=lambda item: (item.last, item.head is not None))
        self._ranges[low:high] = [Range(first, end.last, end.head)]


def _runs(entries: Iterable[tuple[int, str | None]]) -> Iterator[Range]:
    """Yield the entries as runs of consecutive seqs, in the order they came."""
    first = last = 0
    head: str | None = None
    for seq, hashed in entries:
        if seq < 1:
            raise ValueError(f"a stream begins at 1, not {seq}")
        if seq != last + 1 or not first:
            if first:
                yield Range(first, last, head)
            first = seq
        last, head = seq, hashed
    if first:
        yield Range(first, last, head)
