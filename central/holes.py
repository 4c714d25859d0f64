"""Which holes to ask for when. Pure: times are seconds of a monotonic clock.

A hole is what is missing below something that came. Most close by themselves: messages
come late, a gateway repeats what no acknowledgement named. One that stands is asked for
by command, ever more rarely, for as long as it stands, in every epoch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from central.values import Stream

Span = tuple[int, int]
"""First and last seq, both included."""

STAND_SECONDS = 10.0
RANGES = 100
_PAUSE_SECONDS = 30.0
_LONGEST_SECONDS = 600.0
_MOST_DOUBLINGS = 10


@dataclass(frozen=True, slots=True)
class Ask:
    """Ranges to ask for; `asks` says how often the oldest of them was before."""

    stream: Stream
    spans: tuple[Span, ...]
    asks: int


@dataclass(frozen=True, slots=True)
class _Hole:
    """One hole: when it is asked for next, and how often it was."""

    span: Span
    due: float
    asks: int = 0


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
                    _Hole(hole.span, min(hole.due, due)) for hole in holes
                ]

    def gone(self, site: str, gateway: str) -> None:
        """Ask a gateway that is not there for nothing until it is born."""
        self._gone.add((site, gateway))

    def due(self, now: float) -> list[Ask]:
        """Return what to ask for now, at most 100 ranges of a stream at a time."""
        asks = []
        for stream, holes in self._streams.items():
            waiting = [hole for hole in holes if hole.due <= now][:RANGES]
            if not waiting or (stream.site, stream.gateway) in self._gone:
                continue
            spans = tuple(hole.span for hole in waiting)
            asks.append(Ask(stream, spans, max(hole.asks for hole in waiting)))
            asked = set(spans)
            self._streams[stream] = [
                _asked(hole, now) if hole.span in asked else hole for hole in holes
            ]
        return asks


def _asked(hole: _Hole, now: float) -> _Hole:
    pause = _PAUSE_SECONDS * 2.0 ** min(hole.asks, _MOST_DOUBLINGS)
    return _Hole(hole.span, now + min(pause, _LONGEST_SECONDS), hole.asks + 1)


def _inherit(known: list[_Hole], missing: Sequence[Span], due: float) -> list[_Hole]:
    """Return the holes as they are; both lists are in order and without overlaps."""
    found, index = [], 0
    for span in missing:
        while index < len(known) and known[index].span[1] < span[0]:
            index += 1
        old = known[index] if index < len(known) else None
        if old is not None and old.span[0] <= span[1]:
            found.append(_Hole(span, old.due, old.asks))
        else:
            found.append(_Hole(span, due))
    return found
