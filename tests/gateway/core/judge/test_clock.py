"""Which times a punch may have, and which of them stands."""

from collections.abc import Sequence
from datetime import date

import pytest

from gateway.core import retiming
from gateway.core.judge import Judge
from gateway.core.moments import local, read
from gateway.core.rules.clock import Reading, clock, uncertain
from gateway.core.verdicts import Flag, Judged, Punched
from gateway.core.watermark import Whole
from tests.gateway.core.judge import days

AGREE = 5


def at(text: str) -> int:
    """Return a moment of the day of all tests."""
    return read(f"{days.DAY}T{text}")


def times(
    readings: Sequence[tuple[str, float]],
    shown: str,
    received: str = "23:59:59",
    seen: tuple[str, float] | None = None,
) -> list[str]:
    """Return the times of a punch, given what was measured when."""
    found = clock(
        [Reading(at(when), offset) for when, offset in readings],
        AGREE,
        Reading(at(seen[0]), seen[1]) if seen else None,
    )
    return [f"{local(t):%H:%M:%S}" for t in found.times(at(shown), at(received))]


def test_a_clock_nobody_measured_is_believed() -> None:
    """Without a reading there is nothing to correct by."""
    assert times([], "08:30:00") == ["08:30:00"]


def test_between_readings_that_agree_the_time_is_corrected() -> None:
    """E45: 90 s fast before and after: the punch was 90 s earlier, certainly."""
    steady = [("08:00:00", 90.0), ("09:00:00", 92.4)]
    assert times(steady, "08:31:07") == ["08:29:37"]


def test_less_than_a_second_is_no_offset() -> None:
    """Terminals show whole seconds: half a one is how it was measured."""
    assert times([("08:00:00", 0.9), ("09:00:00", -0.9)], "08:30:00") == ["08:30:00"]


def test_devices_that_differ_are_corrected_each_by_its_own() -> None:
    """E53: 40 s between two doors do not turn the order round."""
    fast = [("08:00:00", 40.0), ("09:00:00", 40.0)]
    slow = [("08:00:00", -3.0), ("09:00:00", -3.0)]
    assert times(fast, "08:30:40") == ["08:30:00"]
    assert times(slow, "08:29:57") == ["08:30:00"]


@pytest.mark.parametrize("after, certain", [(95.0, True), (95.1, False)])
def test_agreeing_means_within_so_many_seconds(after: float, certain: bool) -> None:  # noqa: FBT001 - the expectation
    """Exactly five seconds apart still agree."""
    readings = [("08:00:00", 90.0), ("09:00:00", after)]
    assert (len(times(readings, "08:31:30")) == 1) is certain


def test_where_readings_differ_raw_and_corrected_are_possible() -> None:
    """E46: moved by hand between two looks: nobody knows when."""
    moved = [("08:00:00", 0.0), ("09:00:00", 600.0)]
    assert times(moved, "08:31:00") == ["08:31:00", "08:21:00"]


def test_before_the_first_and_behind_the_last_reading_nothing_is_sure() -> None:
    """A history that was there before us is tried both ways."""
    known = [("12:00:00", 90.0), ("13:00:00", 90.0)]
    assert times(known, "08:31:30") == ["08:31:30", "08:30:00"]
    assert times(known, "13:31:30", "13:40:00") == ["13:31:30", "13:30:00"]


def test_a_later_look_that_is_not_kept_settles_it() -> None:
    """Measurements alike are not written down; they tell all the same."""
    known = [("08:00:00", 90.0)]
    assert times(known, "08:31:30", seen=("08:40:00", 90.6)) == ["08:30:00"]
    assert len(times(known, "08:31:30", seen=("08:40:00", 20.0))) == 2


def test_an_hour_that_comes_twice() -> None:
    """E47: set back by an hour at nine: 08:29 was twice, told apart by the receipt."""
    back = [("08:00:00", 0.0), ("08:50:00", 0.0), ("09:10:00", -3600.0)]
    back.append(("10:00:00", -3600.0))
    assert times(back, "08:29:00", "08:30:00")[0] == "08:29:00"
    assert set(times(back, "08:29:00")) == {"08:29:00", "09:29:00"}


def judged(*timed: tuple[str, Sequence[str]]) -> Judged:
    """Judge p1's day, with every time a punch may have."""
    rule = days.policy()
    judge = Judge(
        days.book(days.roster()),
        days.calendar(),
        {"client-contract": rule},
        Whole(),
    )
    day = date.fromisoformat(days.DAY)

    def price(_: str, kind: object) -> int:
        found = next(one for name, one in rule.prices.items() if name == kind)
        return found.amount_fen or 0

    return retiming.judged(
        [
            retiming.Timed(
                Punched(name, 0, "hq", "lobby"), tuple(at(one) for one in possible)
            )
            for name, possible in timed
        ],
        lambda punches: judge.person("p1", punches, day, day),
        price,
    )


GOOD = (("b", ["12:01:00"]), ("c", ["14:20:00"]), ("d", ["17:31:00"]))


def test_the_time_that_costs_less_stands_and_is_flagged() -> None:
    """E45: raw late by a minute, corrected in time: not late, and a clerk may look."""
    found = judged(("a", ["08:31:00", "08:29:30"]), *GOOD)
    assert not found.findings
    assert Flag.TIME_UNCERTAIN in found.sessions[0].flags
    assert found.sessions[0].arrival is not None
    assert found.sessions[0].arrival.at == at("08:29:30")
    assert Flag.TIME_UNCERTAIN not in found.sessions[1].flags


def test_correction_that_would_cost_more_does_not_stand() -> None:
    """The raw time stays where the corrected one makes somebody late."""
    found = judged(("a", ["08:29:00", "08:31:00"]), *GOOD)
    assert not found.findings
    assert found.sessions[0].arrival is not None
    assert found.sessions[0].arrival.at == at("08:29:00")


def test_each_punch_is_decided_by_itself() -> None:
    """Earlier for the sign in, later for the sign out: both in the worker's favour."""
    found = judged(
        ("a", ["08:31:00", "08:29:30"]),
        ("b", ["11:59:00", "12:00:30"]),
        *GOOD[1:],
    )
    assert not found.findings


def test_where_both_are_late_the_shorter_stands() -> None:
    """It costs the same and says less."""
    found = judged(("a", ["08:40:00", "08:35:00"]), *GOOD)
    assert [one.seconds for one in found.findings] == [300]


def test_more_than_one_time_is_uncertain() -> None:
    """One time is certain."""
    assert uncertain((1, 2))
    assert not uncertain((1,))
