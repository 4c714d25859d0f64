"""H5: one body feeding cards.

Signal (proxy-detection.md 3a): three or more different people in a row, all weak, links
of at most three seconds, and the product of their own weak rates below 0.0005. (The
paper has 0.002, which named a queue of habitual card users on a clean simulated site.)
The rates are of other days, and at least those of the queue around: when the finger
reader is dirty everybody takes a card, and that is no sign.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from math import prod
from typing import NamedTuple

from gateway.core.suspicion.people import PROVEN_AFTER, Person
from gateway.core.suspicion.queues import Queue, Queues, Stand, gap
from gateway.core.suspicion.ratios import laplace, shrunk
from gateway.core.suspicion.values import MINUTE, Credential

LINK_SECONDS = 3
LEAST_PEOPLE = 3
LEVEL = 0.0005
AROUND_SECONDS = 30 * MINUTE
# A finger that hurts, hurts for days.
NEAR_DAYS = 3
# One or two people with a card around are no dirty reader.
LEAST_AROUND = 3
FINGER_PEOPLE = 0.2


class Chain(NamedTuple):
    """Stands in a row, the weak rate each was measured against, and the product."""

    stands: tuple[Stand, ...]
    rates: tuple[float, ...]
    product: float


def chains(queues: Queues, people: Mapping[str, Person]) -> Iterator[Chain]:
    """Yield the chains of every terminal in time."""
    weak_on = _weak_days(queues)
    for terminal in sorted(queues.by_terminal):
        queue = queues.by_terminal[terminal]
        for run in _runs(queue):
            around = weak_share(queue, run, people)
            rates = tuple(
                max(around, _rate(people.get(stand.person), weak_on, stand))
                for stand in run
            )
            if prod(rates) < LEVEL:
                yield Chain(tuple(run), rates, prod(rates))


def _weak_days(queues: Queues) -> dict[tuple[str, int], tuple[int, int]]:
    """Return weak and known stands of the people and days that hold a weak one."""
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for queue in queues.by_terminal.values():
        for stand in queue:
            if stand.person and stand.credential != Credential.UNKNOWN:
                key = (stand.person, stand.day)
                weak, known = found.get(key, (0, 0))
                weak += stand.credential == Credential.WEAK
                found[key] = (weak, known + 1)
    return found


def _rate(
    person: Person | None,
    days: Mapping[tuple[str, int], tuple[int, int]],
    stand: Stand,
) -> float:
    """Return the weak rate without that stand: long-run, or of the days around.

    1 where no finger was ever proven. The days around know a cut finger.
    """
    if person is None or person.strong_at.get(stand.punch.terminal, 0) < PROVEN_AFTER:
        return 1.0
    weak, known = days[stand.person, stand.day]
    usual = laplace(person.weak - weak, person.known - known)
    near_weak, near_known = -1, -1
    for day in range(stand.day - NEAR_DAYS, stand.day + NEAR_DAYS + 1):
        weak, known = days.get((stand.person, day), (0, 0))
        near_weak, near_known = near_weak + weak, near_known + known
    return max(usual, shrunk(near_weak, near_known, usual, 2.0))


def weak_share(queue: Queue, run: list[Stand], people: Mapping[str, Person]) -> float:
    """Return the weak share, half an hour around, of people who use a finger."""
    start = bisect_left(queue, run[0].first - AROUND_SECONDS, key=_first)
    end = bisect_right(queue, run[-1].first + AROUND_SECONDS, key=_first)
    names = {stand.person for stand in run}
    others = [
        stand.credential == Credential.WEAK
        for stand in queue[start:end]
        if stand.person not in names
        and stand.credential != Credential.UNKNOWN
        and _takes_finger(people.get(stand.person))
    ]
    weak = sum(others)
    return weak / len(others) if weak >= LEAST_AROUND else 0.0


def _takes_finger(person: Person | None) -> bool:
    return person is not None and laplace(person.weak, person.known) < FINGER_PEOPLE


def _first(stand: Stand) -> int:
    return stand.first


def _runs(queue: Queue) -> Iterator[list[Stand]]:
    run: list[Stand] = []
    for stand in queue:
        if stand.credential != Credential.WEAK or not stand.person:
            linked = False
        else:
            linked = bool(run) and gap(run[-1], stand) <= LINK_SECONDS
            linked = linked and all(stand.person != one.person for one in run)
        if not linked:
            if len(run) >= LEAST_PEOPLE:
                yield run
            run = []
        if stand.credential == Credential.WEAK and stand.person:
            run = [*run, stand]
    if len(run) >= LEAST_PEOPLE:
        yield run
