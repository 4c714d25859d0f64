"""Cases against the truth: subject, neighbour and event apart, with honest intervals.

A case that names the right subject and the wrong neighbour is half right and, where
money follows, wholly wrong: both shares are reported.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, log, sqrt

from benchmarks.suspicion.cast import START
from benchmarks.suspicion.plant import Plant
from gateway.core.suspicion.cases import Case
from gateway.core.suspicion.values import Grade, Kind, day_number

FIRST_DAY = day_number(START)
PEOPLE_KINDS = frozenset({Kind.PAIR, Kind.ENROLMENT})
_BY_KIND = {Kind.TWO_SITES: "e", Kind.LEAVE: "f", Kind.BURST: "g"}


@dataclass
class Score:
    """What the cases of one site are worth."""

    cases: dict[str, int] = field(default_factory=dict)
    false: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    named: int = 0
    neighbour_right: int = 0
    subject_right: int = 0
    events: int = 0
    events_right: int = 0
    one_offs_raised: int = 0
    planted: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    by_days: list[tuple[int, bool]] = field(default_factory=list)
    by_tie: list[tuple[bool, bool]] = field(default_factory=list)
    by_part: list[tuple[str, bool]] = field(default_factory=list)
    delay: dict[str, list[int]] = field(default_factory=dict)
    used: dict[str, list[int]] = field(default_factory=dict)
    watch: int = 0
    watch_right: int = 0
    one_offs_listed: int = 0


def score(cases: Sequence[Case], plants: Sequence[Plant]) -> Score:
    """Return the score of a site's cases; notes and the watch list accuse nobody."""
    result = Score()
    found: dict[int, int] = {}
    for case in cases:
        if case.grade == Grade.WATCH and case.kind == Kind.PAIR:
            _watch(result, case, plants)
        if case.grade != Grade.CASE:
            continue
        _add(result.cases, case.kind)
        right = [n for n, plant in enumerate(plants) if _matches(case, plant)]
        if not right:
            _add(result.false, case.kind)
            result.wrong.append(f"{case.kind} {case.subject} {case.neighbour}")
        if case.kind in PEOPLE_KINDS:
            _people(result, case, [plants[n] for n in right])
        for n in right:
            found[n] = min(found.get(n, case.opened_on), case.opened_on)
    for n, plant in enumerate(plants):
        _recall(result, plant, found.get(n))
    return result


def _add(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1


def _matches(case: Case, plant: Plant) -> bool:
    """Say whether a case is about this plant."""
    day = case.opened_on - FIRST_DAY
    if case.kind == Kind.CLOCK:
        near = abs(day - plant.first) <= 1
        return plant.behaviour == "h" and case.terminal == plant.terminal and near
    if case.kind == Kind.RECORDS_GONE:
        near = abs(day - plant.first) <= 1
        return plant.behaviour == "i" and case.terminal == plant.terminal and near
    if set(case.events) & set(plant.events):
        return True
    people = {case.subject, *case.context.get("people", ())}
    if not people & set(plant.subjects):
        return False
    wanted = _BY_KIND.get(case.kind)
    return wanted is None or plant.behaviour == wanted


def _people(result: Score, case: Case, plants: Sequence[Plant]) -> None:
    result.named += 1
    result.subject_right += bool(plants)
    pairs = {
        (subject, neighbour) for plant in plants for subject, neighbour in _pairs(plant)
    }
    result.neighbour_right += (case.subject, case.neighbour) in pairs
    if case.kind == Kind.PAIR:
        true = {event for plant in plants for event in plant.events}
        result.events += len(case.events)
        result.events_right += len(true & set(case.events))
    result.one_offs_raised += any(plant.behaviour == "d" for plant in plants)


def _pairs(plant: Plant) -> set[tuple[str, str]]:
    if plant.behaviour == "c":
        return set(zip(plant.subjects, plant.neighbours, strict=True))
    return {(one, other) for one in plant.subjects for other in plant.neighbours}


def _watch(result: Score, case: Case, plants: Sequence[Plant]) -> None:
    result.watch += 1
    true = {event for plant in plants for event in plant.events}
    right = bool(true & set(case.events))
    result.watch_right += right
    ones = {event for one in plants if one.behaviour == "d" for event in one.events}
    result.one_offs_listed += bool(ones & set(case.events))


def _recall(result: Score, plant: Plant, opened: int | None) -> None:
    _add(result.planted, plant.behaviour)
    if plant.behaviour in "aj":
        result.by_days.append((len(plant.days), opened is not None))
        result.by_tie.append((plant.friends, opened is not None))
    if plant.behaviour in "bi":
        part = plant.variant or ("a friend" if plant.friends else "no friend")
        result.by_part.append((f"{plant.behaviour} {part}", opened is not None))
    if opened is None:
        return
    _add(result.found, plant.behaviour)
    day = opened - FIRST_DAY
    result.delay.setdefault(plant.behaviour, []).append(day - plant.first)
    used = sum(one <= day for one in plant.days)
    result.used.setdefault(plant.behaviour, []).append(used)


def wilson(hits: int, tries: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson)."""
    if not tries:
        return 0.0, 1.0
    z = 1.96
    share = hits / tries
    middle = share + z * z / (2 * tries)
    half = z * sqrt(share * (1 - share) / tries + z * z / (4 * tries * tries))
    scale = 1 + z * z / tries
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def poisson_upper(hits: int, size: float) -> float:
    """Return the exact one-sided 97.5 % upper bound of a rate."""
    low, high = 0.0, 10.0 + 4.0 * hits
    for _ in range(100):
        middle = (low + high) / 2
        below = sum(
            exp(-middle + (n * log(middle) if n else 0.0)) / _factorial(n)
            for n in range(hits + 1)
        )
        low, high = (middle, high) if below > 0.025 else (low, middle)
    return high / size


def _factorial(n: int) -> float:
    return 1.0 if n < 2 else n * _factorial(n - 1)


def median(values: Sequence[int]) -> int:
    """Return the lower median."""
    return sorted(values)[(len(values) - 1) // 2]


def p90(values: Sequence[int]) -> int:
    """Return the ninetieth percentile."""
    return sorted(values)[min(len(values) - 1, len(values) * 9 // 10)]
