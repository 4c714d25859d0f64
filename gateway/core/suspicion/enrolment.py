"""H6: something is enrolled for an existing user, and from then on B is beside A.

A finger, password or card enrolled for somebody who was there before (operations 6, 7,
8), not within three days of hire. For every neighbour an e-process bets on A's slots
after the operation being beside B (proxy-detection.md 4.4):

    p0 = max(adjacency rate before on days both worked, 0.6 · same-minute rate before,
             3 · typical neighbour rate)
    E  = mean over q of  prod_slots LR(beside; q, p0) · prod_days (0.5 + 0.5 L'_d)

with q of .06, .12, .3 and L'_d on the days beside B. The bet is on slots, as the paper
writes it; slots of one day are not quite independent, so E may be too large for people
who come and go in pairs, and e-BH over all (operation, neighbour) is not all it takes.
Companionship alone accuses nobody here either: people find a new carpool in the week of
a new card. A case also needs support of 3 or more from what the pair process sees on
the days after the operation (gaps and second slots; for a card or password also the
credential). Honest re-enrolment and friends who merely stood one place apart before
stay quiet: the same-minute term knows them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

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

FINGER = 6
ENROLLED = frozenset({FINGER, 7, 8})
HIRE_DAYS = 3
ALTERNATIVES = (0.06, 0.12, 0.3)
SAME_MINUTE_PART = 0.6
TYPICAL_TIMES = 3.0
SEEN_AFTER = 3
SAME_MINUTE_SECONDS = 60
LEAST_SUPPORT = 3.0

Key = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Operations of one day on one existing user."""

    person: str
    day: int
    operations: tuple[Operation, ...]

    @property
    def start(self) -> int:
        """Wall seconds of the first operation."""
        return min(one.at for one in self.operations)

    @property
    def finger(self) -> bool:
        """Whether fingers were enrolled and nothing else."""
        return all(one.code == FINGER for one in self.operations)


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
        others = neighbours.get(enrolment.person, ())
        size += len(others)
        met = history.met(enrolment.person, enrolment.start)
        for other in others:
            if met[other] < SEEN_AFTER:
                continue
            run = _run(enrolment, other, history, state, alpha)
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


class _Sight(NamedTuple):
    """A stand of an enrolled person, who stood beside, and who within the minute."""

    stand: Stand
    beside: tuple[str, ...]
    near: tuple[str, ...]


class _History:
    """What the enrolled people saw, in time, and on which days everybody worked."""

    def __init__(self, queues: Queues, names: set[str]) -> None:
        self._since: dict[str, dict[str, int]] = {}
        self._worked: dict[str, int] = {}
        self.sights: dict[str, list[_Sight]] = {}
        self._low = min((q[0].day for q in queues.by_terminal.values()), default=0) - 1
        for terminal in sorted(queues.by_terminal):
            since = self._since[terminal] = {}
            for stand in queues.by_terminal[terminal]:
                name = stand.person
                if name not in since:
                    since[name] = stand.first
                bit = 1 << stand.day - self._low
                self._worked[name] = self._worked.get(name, 0) | bit
                if name in names:
                    self.sights.setdefault(name, []).append(_sight(queues, stand))
        for sights in self.sights.values():
            sights.sort(key=lambda sight: (sight.stand.first, sight.stand.punch.id))

    def met(self, name: str, start: int) -> Counter[str]:
        """Return how often others stood beside an enrolled person from a moment on."""
        return Counter(
            other
            for sight in self.sights[name]
            if sight.stand.first >= start
            for other in sight.beside
        )

    def shared(self, name: str, other: str) -> list[_Sight]:
        """Return what a person saw on the days on which another worked too."""
        days, low = self._worked.get(other, 0), self._low
        return [one for one in self.sights[name] if days >> one.stand.day - low & 1]

    def crowd(self, terminals: Iterable[str], until: int) -> int:
        """Return how many people used some terminals before a moment."""
        names = {
            name
            for terminal in terminals
            for name, first in self._since[terminal].items()
            if first < until
        }
        return len(names - {""})


def _sight(queues: Queues, stand: Stand) -> _Sight:
    beside = tuple({other.person for other in queues.beside(stand)})
    return _Sight(stand, beside, tuple(set(_same_minute(queues, stand))))


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
    enrolment: Enrolment, other: str, history: _History, state: State, alpha: float
) -> Companion | None:
    """Run the process of one neighbour; None if B was hardly beside A afterwards."""
    name, start = enrolment.person, enrolment.start
    shared = history.shared(name, other)
    before = [one for one in shared if one.stand.first < start]
    after = [one for one in shared if one.stand.first >= start]
    stands = tuple(one.stand for one in after if other in one.beside)
    if len(stands) < SEEN_AFTER:
        return None
    hits = sum(other in one.beside for one in before)
    close = sum(other in one.near for one in before)
    base = max(
        laplace(hits, len(before)),
        SAME_MINUTE_PART * close / max(1, len(before)),
        TYPICAL_TIMES * _typical(history, name, start),
    )
    marks = [mark for mark in state.pairs[name, other].marks if mark.day * DAY >= start]
    blind = {mark.day: mark.blind for mark in marks}
    days: dict[int, list[bool]] = {}
    for one in after:
        days.setdefault(one.stand.day, []).append(other in one.beside)
    path = tuple(_path(days, base, blind))
    if max(e for _, e in path) * alpha < 1.0:
        path = path[-1:]  # never strong enough to be chosen: today's E will do
    counts = (hits, len(before))
    held = support(marks, finger=enrolment.finger)
    return Companion(enrolment, other, base, counts, path, stands, held)


def support(marks: Iterable[Mark], *, finger: bool) -> float:
    """Return E of the pair process over some days alone.

    Where a finger was enrolled the fake is a finger too, so the part of E that is blind
    to the credential asks the question, and it is taken whole. A new card or password
    is there to be used and proves nothing by being used: both must hold then.
    """
    products = [1.0] * (2 * len(FAKE_SHARES))
    for mark in marks:
        grow(products, mark.ratio, mark.blind)
    blind = mean(products[len(FAKE_SHARES) :])
    return blind if finger else min(blind, e_value(products))


def _path(
    days: Mapping[int, Sequence[bool]], base: float, blind: Mapping[int, float]
) -> Iterator[tuple[int, float]]:
    products = [1.0] * len(ALTERNATIVES)
    for day in sorted(days):
        seen = days[day]
        factor = 0.5 + 0.5 * blind.get(day, 1.0) if any(seen) else 1.0
        for index, q in enumerate(ALTERNATIVES):
            ratio = prod(likelihood_ratio(one, q, base) for one in seen)
            products[index] = min(HIGHEST, products[index] * ratio * factor)
        yield day, mean(products)


def _typical(history: _History, name: str, start: int) -> float:
    """Return how often an average other stood beside a stand of A before.

    The average is over everybody who used A's terminals, also those never met: with
    few days behind, those met were met once, and once in ten stands is no typical rate.
    """
    before = [one for one in history.sights[name] if one.stand.first < start]
    seen = sum(len(one.beside) for one in before)
    others = history.crowd({one.stand.punch.terminal for one in before}, start) - 1
    return seen / max(1, len(before)) / max(1, others)
