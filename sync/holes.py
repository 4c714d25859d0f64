"""The holes a centre names in what was sent: when to send each of them again.

Pure: times are seconds of a monotonic clock and come in as arguments. A hole waits for
a moment, because what is missing may only be late; one that stays is sent again ever
more rarely, so that a message nobody can take does not fill the line.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Span = tuple[int, int]
"""First and last seq, both included."""


@dataclass(frozen=True, slots=True)
class _Hole:
    span: Span
    due: float
    tries: int = 0

    def touches(self, span: Span) -> bool:
        return self.span[0] <= span[1] and span[0] <= self.span[1]


class Holes:
    """The holes as last named.

    Args:
        wait: how long a hole stands before it is filled (s); doubles with each try.
        longest: the longest wait (s).
    """

    def __init__(self, wait: float, longest: float) -> None:
        self._wait = wait
        self._longest = longest
        self._holes: list[_Hole] = []

    @property
    def spans(self) -> Sequence[Span]:
        """Return the holes as last named."""
        return [hole.span for hole in self._holes]

    def named(self, spans: Iterable[Span], now: float) -> None:
        """Take in all holes there are; what is left of an old one keeps its time."""
        self._holes = [self._known(span, now) for span in spans]

    def due(self, now: float) -> list[Span]:
        """Return the holes to fill now; each is due again later."""
        found = [hole.span for hole in self._holes if hole.due <= now]
        self._holes = [
            self._later(hole, now) if hole.due <= now else hole for hole in self._holes
        ]
        return found

    def next_at(self) -> float | None:
        """Return when a hole is due next, None when there is none."""
        return min((hole.due for hole in self._holes), default=None)

    def clear(self) -> None:
        """Forget them: everything from the last confirmed entry on is sent anyway."""
        self._holes = []

    def _known(self, span: Span, now: float) -> _Hole:
        for hole in self._holes:
            if hole.touches(span):
                return _Hole(span, hole.due, hole.tries)
        return _Hole(span, now + self._wait)

    def _later(self, hole: _Hole, now: float) -> _Hole:
        tries = hole.tries + 1
        return _Hole(hole.span, now + min(self._wait * 2**tries, self._longest), tries)
