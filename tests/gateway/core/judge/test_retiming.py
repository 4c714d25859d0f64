"""Times of a punch by clocks that moved: which are possible, and which one stands."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from gateway.core import retiming
from gateway.core.moments import day_of
from gateway.core.policy.kinds import FindingKind
from gateway.core.retiming import Timed
from gateway.core.rules.clock import Reading, clock
from gateway.core.verdicts import (
    Finding,
    Flag,
    Judged,
    Mark,
    Punched,
    SessionVerdict,
    State,
)
from tests.gateway.core.judge.days import MONDAY, NOON


def times(
    readings: Sequence[tuple[int, float]],
    shown: int,
    received: int = 9000,
    seen: tuple[int, float] | None = None,
) -> tuple[int, ...]:
    """Return the times of a punch."""
    last = Reading(*seen) if seen else None
    found = clock([Reading(*one) for one in readings], 5, last)
    return found.times(shown, received)


@pytest.mark.parametrize(
    "shown, expected",
    [
        (1090, (1000,)),
        (1089, (1089, 999)),
        (2090, (2000,)),
        (2091, (2091, 2001)),
    ],
)
def test_a_steady_stretch_holds_from_its_first_to_its_last_reading(
    shown: int, expected: tuple[int, ...]
) -> None:
    """Both seconds count; beside it the raw time is possible too."""
    assert times([(1000, 90.0), (2000, 90.0)], shown) == expected


def test_the_offset_is_that_of_the_reading_before() -> None:
    """It drifts by a few seconds; each punch is corrected by what was measured last."""
    drift = [(1000, 0.0), (2000, 4.0), (3000, 8.0)]
    assert times(drift, 1500) == (1500,)
    assert times(drift, 2003) == (2003,)
    assert times(drift, 2004) == (2000,)
    assert times(drift, 2500) == (2496,)
    assert times(drift, 3008) == (3000,)


@pytest.mark.parametrize(
    "shown, received, expected",
    [
        (1500, 9000, (1500,)),
        (1501, 9000, (1501,)),
        (2001, 9000, (2001,)),
        (2099, 9000, (2099,)),
        (2100, 9000, (2100, 1500)),
        (2599, 9000, (2599, 1999)),
        (2600, 9000, (2000,)),
        (3600, 9000, (3000,)),
        (3601, 9000, (3601, 3001)),
        (3601, 3001, (3601, 3001)),
        (3601, 3000, (3601,)),
        (3601, 9, (3601,)),
    ],
)
def test_between_stretches_both_are_possible(
    shown: int, received: int, expected: tuple[int, ...]
) -> None:
    """Next to a stretch, no further than the next one and never behind the receipt."""
    moved = [(1000, 0.0), (1500, 0.0), (2000, 600.0), (3000, 600.0)]
    assert times(moved, shown, received) == expected


def test_before_the_first_stretch_any_time_is_possible() -> None:
    """What lies behind another stretch belongs to what came after it."""
    assert times([(1000, 90.0), (2000, 90.0)], 150) == (150, 60)
    back = [(1000, 0.0), (1500, 0.0), (2000, -600.0), (3000, -600.0)]
    assert times(back, 899) == (899,)
    assert times(back, 900) == (900, 1500)
    assert times(back, 1400) == (1400, 2000)
    assert times(back, 1000) == (1000, 1600)


def test_a_last_look_counts_only_where_it_agrees() -> None:
    """And where there is a stretch to go on; it never shortens one."""
    assert times([], 1000, seen=(2000, 0.0)) == (1000,)
    assert times([(1000, 90.0)], 1590, seen=(2000, 90.0)) == (1500,)
    assert times([(1000, 90.0)], 1590, seen=(2000, 96.0)) == (1590, 1500)
    assert times([(1000, 90.0), (2000, 90.0)], 2090, seen=(1500, 90.0)) == (2000,)


def priced(_: str, kind: FindingKind) -> int:
    """Return what findings cost here."""
    return {FindingKind.LATE: 500, FindingKind.OFF_POST: 1000}.get(kind, 0)


def finding(
    name: str, kind: FindingKind, seconds: int | None = 60, **more: object
) -> Finding:
    """Return a finding of the Monday."""
    made = Finding(
        *(name, kind, "rule", "p1", "acme", MONDAY, 1, seconds, "c", (), (), "s"),
        *(True, "", ""),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def verdict(arrival: Mark | None, departure: Mark | None = None) -> SessionVerdict:
    """Return a session from noon on, of an hour."""
    end = NOON + 3600
    return SessionVerdict(
        "p1", MONDAY, "day", 1, NOON, end, arrival, departure, State.OK
    )


class Costs:
    """Judges by a table: the moment of the punch called `a` decides what is found."""

    def __init__(self, found: dict[int, list[Finding]]) -> None:
        self.found = found
        self.asked: list[int] = []

    def __call__(self, punches: Sequence[Punched]) -> Judged:
        """Judge the punch called `a`."""
        moment = next(one.moment for one in punches if one.id == "a")
        self.asked.append(moment)
        marks = Mark(moment, "a")
        return Judged([verdict(marks)], list(self.found.get(moment, [])))


def tried(costs: Costs, *at: int) -> Judged:
    """Judge the one punch."""
    return retiming.judged([Timed(Punched("a", 0, "hq"), at)], costs, priced)


LATE, OFF, NOTE = (
    FindingKind.LATE,
    FindingKind.OFF_POST,
    FindingKind.RETURN_UNCONFIRMED,
)


def test_certain_times_are_judged_once() -> None:
    """Nothing is tried, nothing flagged."""
    costs = Costs({NOON: [finding("f", LATE)]})
    assert tried(costs, NOON).sessions[0].flags == ()
    assert costs.asked == [NOON]


@pytest.mark.parametrize(
    "first, second, stands",
    [
        ([("f", LATE, 60)], [], 1),
        ([("f", LATE, 60)], [("f", LATE, 60)], 0),
        ([("f", LATE, 61)], [("f", LATE, 60)], 1),
        ([("f", LATE, 60)], [("f", OFF, 1)], 0),
        ([("f", OFF, 1)], [("f", LATE, 9000)], 1),
        ([("f", LATE, 60)], [("f", LATE, None)], 1),
        ([("f", LATE, 1)], [("f", LATE, None)], 1),
        ([("f", LATE, 60), ("n", NOTE, 99)], [("f", LATE, 60)], 0),
    ],
)
def test_less_money_then_less_time(
    first: list[tuple[str, FindingKind, int | None]],
    second: list[tuple[str, FindingKind, int | None]],
    stands: int,
) -> None:
    """The likeliest stands where all cost the same; notices cost nothing at all."""
    moments_ = (NOON, NOON + 100)
    costs = Costs(
        {
            moments_[0]: [finding(*one) for one in first],
            moments_[1]: [finding(*one) for one in second],
        }
    )
    arrival = tried(costs, *moments_).sessions[0].arrival
    assert arrival is not None
    assert arrival.at == moments_[stands]


@pytest.mark.parametrize("waived", [{"absorbed_by": "x"}, {"ruled_by": "x"}])
def test_what_nobody_is_charged_for_weighs_nothing(waived: dict[str, str]) -> None:
    """A finding that was waived, or that another one is charged for."""
    free = replace(finding("f", OFF), **waived)  # type: ignore[arg-type]
    costs = Costs({NOON: [free], NOON + 1: [finding("f", LATE)]})
    arrival = tried(costs, NOON, NOON + 1).sessions[0].arrival
    assert arrival is not None
    assert arrival.at == NOON


@pytest.mark.parametrize(
    "days, matters", [(-3, False), (-2, True), (2, True), (3, False)]
)
def test_times_are_tried_where_something_is_found_near(
    days: int, *, matters: bool
) -> None:
    """Two days around; elsewhere nothing can change."""
    day = date.fromordinal(MONDAY.toordinal() + days)
    costs = Costs({NOON: [finding("f", LATE, date=day), finding("g", LATE, date=day)]})
    tried(costs, NOON, NOON + 1)
    assert (costs.asked == [NOON, NOON + 1]) is matters


def test_one_finding_near_is_enough() -> None:
    """Whatever else is found far away."""
    far = date(2026, 11, 27)
    costs = Costs({NOON: [finding("f", LATE), finding("g", LATE, date=far)]})
    tried(costs, NOON, NOON + 1)
    assert costs.asked == [NOON, NOON + 1]


def test_all_times_of_a_punch_say_where_it_lies() -> None:
    """A time days away concerns the days around it too."""
    far = NOON + 4 * 86_400
    day = day_of(far + 86_400)
    for at in ((NOON, far), (far, NOON)):
        costs = Costs({at[0]: [finding("f", LATE, date=day)]})
        tried(costs, *at)
        assert costs.asked == list(at)
    early = day_of(NOON - 86_400)
    costs = Costs({far: [finding("f", LATE, date=early)]})
    tried(costs, far, NOON)
    assert costs.asked == [far, NOON]


@pytest.mark.parametrize(
    "other, flagged",
    [(-1, False), (0, True), (3599, True), (3600, False)],
)
def test_a_session_that_a_time_falls_into_is_flagged(
    other: int, *, flagged: bool
) -> None:
    """From its first second to its last, though another time stands."""

    def judging(_: Sequence[Punched]) -> Judged:
        return Judged([verdict(None)])

    timed = [
        Timed(Punched("a", 0, "hq"), (NOON - 7200, NOON + other)),
        Timed(Punched("b", 0, "hq"), (NOON - 7200, NOON - 7100)),
    ]
    found = retiming.judged(timed, judging, priced)
    assert (Flag.TIME_UNCERTAIN in found.sessions[0].flags) is flagged


@pytest.mark.parametrize(
    "marks, flagged",
    [(("a", None), True), ((None, "a"), True), (("b", "b"), False), (("b", "a"), True)],
)
def test_a_session_that_rests_on_an_uncertain_sign_is_flagged(
    marks: tuple[str | None, str | None], *, flagged: bool
) -> None:
    """Its IN or its OUT; another punch makes nothing uncertain."""
    signs = [Mark(NOON, name) if name else None for name in marks]

    def judging(_: Sequence[Punched]) -> Judged:
        return Judged([verdict(*signs)])

    timed = [
        Timed(Punched("a", 0, "hq"), (NOON - 7200, NOON - 7100)),
        Timed(Punched("b", 0, "hq"), (NOON,)),
    ]
    found = retiming.judged(timed, judging, priced)
    assert (Flag.TIME_UNCERTAIN in found.sessions[0].flags) is flagged
