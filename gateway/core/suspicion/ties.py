"""Stage 1, the tie: do two people come together? Context for a reviewer, never a score.

Null hypothesis (proxy-detection.md 4.2): strangers. Time at a terminal is cut into
windows of 120 s; given who came and how many stood within 12 s of the next, the order
inside a window is exchangeable, so the number of windows in which A and B stand side by
side is Poisson-binomial. A small tail means acquaintance and nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

from gateway.core.suspicion.queues import ADJACENT_SECONDS, Queue, Queues, Stand, gap
from gateway.core.suspicion.ratios import poisson_binomial_tail

WINDOW_SECONDS = 120


class Tie(NamedTuple):
    """Windows shared, windows side by side, what strangers would have, and the tail."""

    windows: int
    beside: int
    expected: float
    tail: float


def ties(
    queues: Queues, couples: Iterable[tuple[str, str]]
) -> Mapping[tuple[str, str], Tie]:
    """Return the ties of some couples, whichever way they are named."""
    wanted: dict[str, set[str]] = {}
    for one, other in couples:
        wanted.setdefault(one, set()).add(other)
    chances: dict[tuple[str, str], list[float]] = {}
    counts: dict[tuple[str, str], int] = {}
    for queue in queues.by_terminal.values():
        for window in _windows(queue):
            names = {stand.person for stand in window if stand.person}
            subjects = sorted(names & wanted.keys())
            sides = _sides(window) if subjects else set()
            pairs = len(names) * (len(names) - 1) / 2
            for one in subjects:
                for other in sorted(wanted[one] & names):
                    couple = (one, other)
                    chances.setdefault(couple, []).append(min(1.0, len(sides) / pairs))
                    hit = frozenset(couple) in sides
                    counts[couple] = counts.get(couple, 0) + hit
    return {
        couple: Tie(
            len(found),
            counts[couple],
            sum(found),
            poisson_binomial_tail(found, counts[couple]),
        )
        for couple, found in chances.items()
    }


def _windows(queue: Queue) -> Iterator[list[Stand]]:
    window: list[Stand] = []
    for stand in queue:
        if (
            window
            and window[0].first // WINDOW_SECONDS != stand.first // WINDOW_SECONDS
        ):
            yield window
            window = []
        window.append(stand)
    yield window


def _sides(window: list[Stand]) -> set[frozenset[str]]:
    """Return the unordered pairs that stand side by side in a window."""
    return {
        frozenset((one.person, other.person))
        for one, other in pairwise(window)
        if one.person
        and other.person
        and one.person != other.person
        and gap(one, other) <= ADJACENT_SECONDS
    }
