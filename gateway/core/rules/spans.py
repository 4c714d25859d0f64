"""Stretches of time as ordered, disjoint half-open spans of whole seconds."""

from collections.abc import Iterable, Sequence

from gateway.core.moments import Span

Spans = tuple[Span, ...]


def cut(spans: Iterable[Span], holes: Iterable[Span]) -> Spans:
    """Return `spans` without `holes`; the holes in any order, overlapping or empty."""
    left = list(spans)
    for hole in holes:
        left = [piece for span in left for piece in _without(span, hole)]
    return tuple(left)


def clip(spans: Iterable[Span], start: int, end: int) -> Spans:
    """Return what of `spans` lies within `[start, end)`."""
    clipped = ((max(low, start), min(high, end)) for low, high in spans)
    return tuple(span for span in clipped if span[0] < span[1])


def total(spans: Iterable[Span]) -> int:
    """Return the seconds of all spans together."""
    return sum(high - low for low, high in spans)


def before(spans: Iterable[Span], moment: int) -> int:
    """Return how many seconds of the spans lie before a moment."""
    seconds = 0
    for low, high in spans:
        if low < moment:
            seconds += min(high, moment) - low
    return seconds


def after(spans: Iterable[Span], moment: int) -> int:
    """Return how many seconds of the spans lie at or after a moment."""
    seconds = 0
    for low, high in spans:
        if high > moment:
            seconds += high - max(low, moment)
    return seconds


def common(groups: Sequence[Iterable[Span]]) -> Spans:
    """Return what lies in a span of every group; nothing of no groups."""
    if not groups:
        return ()
    found = merged(groups[0])
    for other in groups[1:]:
        spans = merged(other)
        found = tuple(
            (max(a, c), min(b, d))
            for a, b in found
            for c, d in spans
            if max(a, c) < min(b, d)
        )
    return found


def merged(spans: Iterable[Span]) -> Spans:
    """Return spans in order, those that touch or overlap joined, empty ones gone."""
    found: list[Span] = []
    for low, high in sorted(span for span in spans if span[0] < span[1]):
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return tuple(found)


def _without(span: Span, hole: Span) -> list[Span]:
    low, high = span
    first, last = hole
    if first >= last or last <= low or first >= high:
        return [span]
    pieces = [(low, min(first, high)), (max(last, low), high)]
    return [piece for piece in pieces if piece[0] < piece[1]]
