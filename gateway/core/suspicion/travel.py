"""H1: one identity at two sites closer in time than the way allows.

Signal (proxy-detection.md 3a): the time between two punches is shorter than the way
between their sites by more than a minute. Device times are carried to real time by each
terminal's own usual lag; where a lag is not known, five more minutes are forgiven. A
way nobody wrote down raises nothing.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from gateway.core.suspicion.clock import Clocks
from gateway.core.suspicion.queues import Queues, Stand
from gateway.core.suspicion.values import DAY, MINUTE, Credential, SiteBook

MARGIN_SECONDS = 60
UNKNOWN_CLOCK_SECONDS = 5 * MINUTE


class Trip(NamedTuple):
    """Two stands of one person, seconds apart, and the way in seconds."""

    here: Stand
    there: Stand
    apart: int
    way: int


def trips(queues: Queues, clocks: Clocks, book: SiteBook) -> Iterator[Trip]:
    """Yield the impossible trips, by person and time."""
    sites = {name: book.site_of(name) for name in queues.by_terminal}
    if len(set(sites.values())) > 1:
        for stands in _by_person(queues).values():
            yield from _trips(stands, sites, clocks, book)


def _by_person(queues: Queues) -> dict[str, list[Stand]]:
    found: dict[str, list[Stand]] = {}
    for queue in queues.by_terminal.values():
        for stand in queue:
            if stand.person:
                found.setdefault(stand.person, []).append(stand)
    return dict(sorted(found.items()))


def _trips(
    stands: list[Stand], sites: dict[str, str], clocks: Clocks, book: SiteBook
) -> Iterator[Trip]:
    if len({sites[stand.punch.terminal] for stand in stands}) == 1:
        return
    timed = sorted(
        (clocks.instant(stand.punch), stand.punch.id, stand) for stand in stands
    )
    for (first, _, here), (second, _, there) in pairwise(timed):
        one, other = sites[here.punch.terminal], sites[there.punch.terminal]
        minutes = book.travel_minutes(one, other) if one != other else None
        if minutes is None:
            continue
        way = round(minutes * MINUTE)
        left = second - first - max(0, here.last - here.first)
        margin = max(_margin(stand, clocks) for stand in (here, there))
        if left < way - margin:
            yield Trip(here, there, max(0, left), way)


def _margin(stand: Stand, clocks: Clocks) -> int:
    known = clocks.offset(stand.punch.terminal, stand.first // DAY) is not None
    return MARGIN_SECONDS if known else MARGIN_SECONDS + UNKNOWN_CLOCK_SECONDS


def suspected(trip: Trip) -> tuple[Stand, ...]:
    """Return the stands that may be false: the weaker credential, else both."""
    weak = [one for one in (trip.here, trip.there) if one.credential == Credential.WEAK]
    return tuple(weak) if len(weak) == 1 else (trip.here, trip.there)
