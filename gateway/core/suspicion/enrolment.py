"""H6: something is enrolled for an existing user, and from then on B is beside A.

A finger, password or card enrolled for somebody who was there before (operations 6, 7,
8), not within three days of hire. For every neighbour an e-process bets on A's slots
after the operation being beside B (proxy-detection.md 4.4):

    p0 = max(adjacency rate before on days both worked, 0.6 · same-minute rate before,
             3 · typical neighbour rate)
    E  = mean over q of  prod_days mean_slots LR(beside; q, p0) · prod (0.5 + 0.5 L'_d)

with q of .06, .12, .3 and L'_d on the days beside B. Slots of a day are dependent, so
they are averaged, as in the pair process. e-BH runs over all (operation, neighbour).
Honest re-enrolment and friends who merely stood one place apart before stay quiet: the
same-minute term knows them. Companionship alone accuses nobody here either: people find
a new carpool in the week of a new card. A case also needs support from what the pair
process sees on the days after the operation (credential, gaps, slots): E of 5 or more.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core.suspicion.events import Operation
from gateway.core.suspicion.multiplicity import e_bh
from gateway.core.suspicion.pairs import Mark
from gateway.core.suspicion.queues import Queues, Stand
from gateway.core.suspicion.ratios import (
    FAKE_SHARES,
    HIGHEST,
    e_value,
    grow,
    laplace,
    likelihood_ratio,
    mean,
)
from gateway.core.suspicion.state import State
from gateway.core.suspicion.values import DAY, SiteBook, day_date, day_number

ENROLLED = frozenset({6, 7, 8})
HIRE_DAYS = 3
ALTERNATIVES = (0.06, 0.12, 0.3)
SAME_MINUTE_PART = 0.6
TYPICAL_TIMES = 3.0
SEEN_AFTER = 3
SAME_MINUTE_SECONDS = 60
LEAST_SUPPORT = 5.0

Key = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Operations of one day on one existing user."""

    person: str
    day: int
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Companion:
    """The process of one (enrolment, neighbour): E day by day, p0 and its counts."""

    enrolment: Enrolment
    neighbour: str
    base: float
    before: tuple[int, int]
    path: tuple[tuple[int, float], ...]
    stands: tuple[Stand, ...]
    support: float

    @property
    def e(self) -> float:
        """E of today."""
        return self.path[-1][1] if self.path else 1.0

    def e_on(self, day: int) -> float:
        """Return E as it was at the end of a day."""
        return next((e for when, e in reversed(self.path) if when <= day), 1.0)


@dataclass(frozen=True, slots=True)
class Family:
    """All companions of all enrolments, who is selected, and since when."""

    companions: Mapping[Key, Companion] = field(default_factory=dict)
    size: int = 0
    ranks: Mapping[Key, int] = field(default_factory=dict)
    opened: Mapping[Key, int] = field(default_factory=dict)
    unsupported: frozenset[Key] = frozenset()


def enrolments(
    operations: Iterable[Operation], queues: Queues, book: SiteBook
) -> list[Enrolment]:
    """Return the enrolments on existing users, by person and day."""
    first = _first_days(queues)
    found: dict[tuple[str, int], list[Operation]] = {}
    for one in operations:
        if one.code not in ENROLLED:
            continue
        day = one.at // DAY
        person = book.person_of(one.terminal, one.target, day_date(day))
        if person is None or person not in first:
            continue
        hired = book.employed_from(person)
        since = first[person] if hired is None else day_number(hired)
        if since + HIRE_DAYS <= day:
            found.setdefault((person, day), []).append(one)
    return [Enrolment(*key, tuple(rows)) for key, rows in sorted(found.items())]


def _first_days(queues: Queues) -> dict[str, int]:
    found: dict[str, int] = {}
    for queue in queues.by_terminal.values():
        for stand in queue:
            if stand.person and stand.day < found.get(stand.person, stand.day + 1):
                found[stand.person] = stand.day
    return found


def companions(
    found: Sequence[Enrolment], queues: Queues, state: State, alpha: float
) -> Family:
    """Run the process for every neighbour of every enrolment, and choose by e-BH."""
    size = 0
    all_of: dict[Key, Companion] = {}
    names = {one.person for one in found}
    history = _History(queues, names)
    neighbours: dict[str, list[str]] = {}
    for one, other in sorted(state.pairs):
        if one in names:
            neighbours.setdefault(one, []).append(other)
    for enrolment in found:
        for other in neighbours.get(enrolment.person, ()):
            size += 1
            run = _run(enrolment, other, history, state)
            if run is not None:
                all_of[enrolment.person, enrolment.day, other] = run
    return _chosen(all_of, size, alpha)


def _chosen(all_of: Mapping[Key, Companion], size: int, alpha: float) -> Family:
    peaks = {
        key: run
        for key, run in all_of.items()
        if max((e for _, e in run.path), default=0.0) * alpha >= 1.0
    }
    opened: dict[Key, int] = {}
    for day in sorted({day for run in peaks.values() for day, _ in run.path}):
        strengths = [(key, run.e_on(day)) for key, run in peaks.items()]
        for key in e_bh(strengths, size, alpha):
            opened.setdefault(key, day)
    ranks = e_bh([(key, run.e) for key, run in peaks.items()], size, alpha)
    bare = frozenset(key for key in opened if all_of[key].support < LEAST_SUPPORT)
    supported = {key: rank for key, rank in ranks.items() if key not in bare}
    return Family(all_of, size, supported, opened, bare)


class _History:
    """Stands of the enrolled people with who stood beside and near, and work days."""

    def __init__(self, queues: Queues, names: set[str]) -> None:
        self.stands: dict[str, list[Stand]] = {}
        self.beside: dict[str, dict[int, frozenset[str]]] = {}
        self.near: dict[str, dict[int, frozenset[str]]] = {}
        self.worked: dict[str, set[int]] = {}
        for terminal in sorted(queues.by_terminal):
            for stand in queues.by_terminal[terminal]:
                self.worked.setdefault(stand.person, set()).add(stand.day)
                if stand.person in names:
                    self._add(queues, stand)
        for stands in self.stands.values():
            stands.sort(key=lambda stand: (stand.first, stand.punch.id))

    def _add(self, queues: Queues, stand: Stand) -> None:
        mine = self.stands.setdefault(stand.person, [])
        mine.append(stand)
        beside = frozenset(other.person for other in queues.beside(stand))
        near = frozenset(_same_minute(queues, stand))
        self.beside.setdefault(stand.person, {})[id(stand)] = beside
        self.near.setdefault(stand.person, {})[id(stand)] = near


def _same_minute(queues: Queues, stand: Stand) -> Iterator[str]:
    queue = queues.by_terminal[stand.punch.terminal]
    for step in (-1, 1):
        place = stand.place + step
        while 0 <= place < len(queue):
            other = queue[place]
            if abs(other.first - stand.first) > SAME_MINUTE_SECONDS:
                break
            if other.person:
                yield other.person
            place += step


def _run(
    enrolment: Enrolment, other: str, history: _History, state: State
) -> Companion | None:
    """Run the process of one neighbour; None if B was hardly beside A afterwards."""
    name = enrolment.person
    beside, near = history.beside[name], history.near[name]
    start = min(one.at for one in enrolment.operations)
    shared = [
        stand
        for stand in history.stands[name]
        if stand.day in history.worked.get(other, ())
    ]
    before = [stand for stand in shared if stand.first < start]
    after = [stand for stand in shared if stand.first >= start]
    stands = tuple(stand for stand in after if other in beside[id(stand)])
    if len(stands) < SEEN_AFTER:
        return None
    hits = sum(other in beside[id(stand)] for stand in before)
    close = sum(other in near[id(stand)] for stand in before)
    base = max(
        laplace(hits, len(before)),
        SAME_MINUTE_PART * close / max(1, len(before)),
        TYPICAL_TIMES * _typical(history, name, start),
    )
    marks = [mark for mark in state.pairs[name, other].marks if mark.day * DAY >= start]
    blind = {mark.day: mark.blind for mark in marks}
    days: dict[int, list[bool]] = {}
    for stand in after:
        days.setdefault(stand.day, []).append(other in beside[id(stand)])
    path = tuple(_path(days, base, blind))
    counts = (hits, len(before))
    return Companion(enrolment, other, base, counts, path, stands, support(marks))


def support(marks: Iterable[Mark]) -> float:
    """Return E of the pair process over some days alone."""
    products = [1.0] * (2 * len(FAKE_SHARES))
    for mark in marks:
        grow(products, mark.ratio, mark.blind)
    return e_value(products)


def _path(
    days: Mapping[int, Sequence[bool]], base: float, blind: Mapping[int, float]
) -> Iterator[tuple[int, float]]:
    products = [1.0] * len(ALTERNATIVES)
    for day in sorted(days):
        seen = days[day]
        factor = 0.5 + 0.5 * blind.get(day, 1.0) if any(seen) else 1.0
        for index, q in enumerate(ALTERNATIVES):
            ratio = mean([likelihood_ratio(one, q, base) for one in seen])
            products[index] = min(HIGHEST, products[index] * ratio * factor)
        yield day, mean(products)


def _typical(history: _History, name: str, start: int) -> float:
    """Return how often an average neighbour stood beside a stand of A before."""
    before = [one for one in history.stands[name] if one.first < start]
    seen = [other for one in before for other in history.beside[name][id(one)]]
    return len(seen) / max(1, len(before)) / max(1, len(set(seen)))
