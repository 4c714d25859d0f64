"""Which holes to ask for when. Pure: times are seconds of a monotonic clock.

A hole is what is missing below something that came. Most close by themselves: messages
come late, a gateway repeats what no acknowledgement named. One that stands is asked for
by command, ever more rarely, for as long as it stands, in every epoch.

An answer that cannot be read each time is a defective gateway, and would block the
stream behind it for ever. Then the entries are asked for one by one, so that only the
bad ones are left, and these are given up in the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from central.values import Stream

Span = tuple[int, int]
"""First and last seq, both included."""

STAND_SECONDS = 10.0
RANGES = 100
_PAUSE_SECONDS = 30.0
_LONGEST_SECONDS = 600.0
_MOST_DOUBLINGS = 10
_ONE_BY_ONE_AFTER = 2
_HOPELESS_AFTER = 6


@dataclass(frozen=True, slots=True)
class Ask:
    """Ranges to ask for; `asks` says how often the oldest of them was before."""

    stream: Stream
    spans: tuple[Span, ...]
    asks: int


@dataclass(frozen=True, slots=True)
class _Hole:
    """One hole: when it is asked for next, and how often it was.

    `spoilt` says after how many questions something unreadable came, `answered` whether
    that is so of the last one.
    """

    span: Span
    due: float
    asks: int = 0
    spoilt: int = 0
    answered: bool = True

    @property
    def hopeless(self) -> bool:
        """Say whether one entry came unreadable too often."""
        return self.span[0] == self.span[1] and self.spoilt >= _HOPELESS_AFTER

    def spans(self) -> list[Span]:
        """Return what to ask for: the whole, or its first entries one by one."""
        if self.spoilt < _ONE_BY_ONE_AFTER:
            return [self.span]
        first, last = self.span
        return [(seq, seq) for seq in range(first, min(last, first + RANGES - 1) + 1)]


class Holes:
    """The holes of all streams.

    Args:
        stand: how long a hole stands before it is asked for (s).
    """

    def __init__(self, stand: float = STAND_SECONDS) -> None:
        self._stand = stand
        self._streams: dict[Stream, list[_Hole]] = {}
        self._gone: set[tuple[str, str]] = set()

    def seen(self, stream: Stream, missing: Sequence[Span], now: float) -> None:
        """Take in all holes of a stream; what is left of an old one keeps its time.

        Its gateway is there, whatever was said of it: something came from it.
        """
        self._gone.discard((stream.site, stream.gateway))
        if not missing:
            self._streams.pop(stream, None)
            return
        known = self._streams.get(stream, [])
        self._streams[stream] = _inherit(known, missing, now + self._stand)

    def born(self, site: str, gateway: str, now: float) -> None:
        """Begin anew with a gateway that is there again."""
        self._gone.discard((site, gateway))
        for stream, holes in self._streams.items():
            if (stream.site, stream.gateway) == (site, gateway):
                due = now + self._stand
                self._streams[stream] = [
                    replace(hole, due=min(hole.due, due), asks=0) for hole in holes
                ]

    def gone(self, site: str, gateway: str) -> None:
        """Ask a gateway that is not there for nothing until it is born."""
        self._gone.add((site, gateway))

    def spoilt(self, site: str, gateway: str) -> None:
        """Note that a gateway sent what cannot be read as a whole."""
        for stream, holes in self._streams.items():
            if (stream.site, stream.gateway) == (site, gateway):
                self._streams[stream] = [
                    replace(
                        hole, spoilt=hole.spoilt + (not hole.answered), answered=True
                    )
                    for hole in holes
                ]

    def hopeless(self, now: float) -> list[tuple[Stream, Span]]:
        """Return the entries that are due and not worth another question."""
        return [
            (stream, hole.span)
            for stream, holes in self._streams.items()
            for hole in holes
            if hole.due <= now and hole.hopeless
        ]

    def due(self, now: float) -> list[Ask]:
        """Return what to ask for now, at most 100 ranges of a stream at a time."""
        asks = []
        for stream, holes in self._streams.items():
            waiting = [hole for hole in holes if hole.due <= now][:RANGES]
            if not waiting or (stream.site, stream.gateway) in self._gone:
                continue
            spans = [span for hole in waiting for span in hole.spans()]
            times = max(hole.asks for hole in waiting)
            asks.append(Ask(stream, tuple(spans[:RANGES]), times))
            asked = {hole.span for hole in waiting}
            self._streams[stream] = [
                _asked(hole, now) if hole.span in asked else hole for hole in holes
            ]
        return asks


def _asked(hole: _Hole, now: float) -> _Hole:
    pause = _PAUSE_SECONDS * 2.0 ** min(hole.asks, _MOST_DOUBLINGS)
    due = now + min(pause, _LONGEST_SECONDS)
    return replace(hole, due=due, asks=hole.asks + 1, answered=False)


def _inherit(known: list[_Hole], missing: Sequence[Span], due: float) -> list[_Hole]:
    """Return the holes as they are; both lists are in order and without overlaps."""
    found, index = [], 0
    for span in missing:
        while index < len(known) and known[index].span[1] < span[0]:
            index += 1
        old = known[index] if index < len(known) else None
        if old is not None and old.span[0] <= span[1]:
            found.append(replace(old, span=span))
        else:
            found.append(_Hole(span, due))
    return found
