"""Rows by time: which of them touch a span, asked often and of many."""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Generic, TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
Span = Callable[[T], tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Timeline(Generic[T]):
    """Rows in the order of their starts; spans are half-open."""

    rows: tuple[T, ...]
    starts: tuple[Any, ...]
    ends: tuple[Any, ...]
    # The latest end among a row and all before it: where looking back may stop.
    reach: tuple[Any, ...]

    def touching(self, start: Any, end: Any) -> tuple[T, ...]:
        """Return the rows that have something of `[start, end)`, earliest first."""
        found = []
        position = bisect_left(self.starts, end)
        while position and self.reach[position - 1] > start:
            position -= 1
            if self.ends[position] > start:
                found.append(self.rows[position])
        return tuple(found[::-1])


def timeline(rows: Iterable[T], span: Span[T]) -> Timeline[T]:
    """Order rows by their spans; equal starts keep their order."""
    placed = sorted(((span(row), row) for row in rows), key=lambda pair: pair[0][0])
    starts = tuple(start for (start, _), _ in placed)
    ends = tuple(end for (_, end), _ in placed)
    return Timeline(
        tuple(row for _, row in placed), starts, ends, tuple(accumulate(ends, max))
    )


def timelines(
    rows: Iterable[T], key: Callable[[T], K], span: Span[T]
) -> Mapping[K, Timeline[T]]:
    """Order rows by their spans for each of their keys."""
    return {name: timeline(group, span) for name, group in grouped(rows, key).items()}


def grouped(rows: Iterable[T], key: Callable[[T], K]) -> dict[K, tuple[T, ...]]:
    """Put rows of one key together, in their order."""
    groups: dict[K, list[T]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return {name: tuple(group) for name, group in groups.items()}
