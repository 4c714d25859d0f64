"""The traps of the method, each once: what looks like fraud, accuses friends or hides.

Every one of them was found by somebody who fell into it (proxy-detection.md 3 to 6);
others are named in the tests of the signal they belong to.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from gateway.core.suspicion.enrolment import support
from gateway.core.suspicion.events import Event, Punch
from gateway.core.suspicion.pairs import MARKS, Mark, Pair, Pool, Rates
from gateway.core.suspicion.ratios import gap_rate
from gateway.core.suspicion.values import Grade, Kind, Options, Status
from gateway.core.values import VerifyMode
from tests.gateway.core.suspicion.makers import (
    MONDAY,
    NAMES,
    TIMES,
    book,
    covered,
    leave,
    link,
    moved,
    operation,
    punch,
    run,
    text,
    usual,
    workdays,
)

DAYS = workdays(40)
FAKES = DAYS[18:34:2]


def lived(days: Sequence[int] = DAYS, fakes: Sequence[int] = ()) -> list[Punch]:
    """Return days of four people; on some of them B makes A's only punch."""
    rows: list[Punch] = []
    for day in days:
        rows += covered(day) if day in fakes else usual(NAMES[:4], [day])
    return rows


def accused(events: Sequence[Event], **how: Any) -> list[tuple[str, str | None]]:
    """Return kind and subject of everything raised as a case."""
    cases = run(events, **how).cases
    return [(one.kind.value, one.subject) for one in cases if one.grade == Grade.CASE]


def apart(seconds: int) -> list[Punch]:
    """Return a cheat's month in which A's false punch follows B's so many seconds."""
    rows = lived(fakes=FAKES)
    return [
        one._replace(at=one.at + seconds - 3, received=one.received + seconds - 3)
        if one.id.startswith("A") and ":11:03" in one.id
        else one
        for one in rows
    ]


def test_seconds_between_two_people_are_never_scored() -> None:
    """Gaps scored against strangers accuse friends: one second or eleven, E is one."""
    strengths = [run(apart(seconds)).state.pairs["A", "B"].e for seconds in (1, 3, 11)]
    assert strengths == [strengths[0]] * 3
    assert accused(apart(11)) == [("pair", "A")]


def test_only_direct_neighbours_count() -> None:
    """B is not reached through C's card: «weak» would be true by construction."""
    rows = lived(fakes=FAKES)
    for day in FAKES:
        rows.append(punch("C", day, moved(TIMES[0], 62), "card", id=f"between-{day}"))
    state = run(rows).state
    assert ("A", "B") not in state.pairs
    assert ("A", "C") in state.pairs


def test_few_days_without_b_make_a_wide_margin() -> None:
    """Who always comes with B has few days apart: one standard error on top."""
    assert gap_rate(0, 2) > 0.4
    assert 1 / 62 < gap_rate(0, 60) < 0.1


def test_couples_who_leave_early_together_lack_nothing() -> None:
    """A missing punch counts only if B has that punch."""
    rows = usual(("A", "B"), DAYS, apart=3)
    early = {f"{name}-{day}-{TIMES[3][:3]}" for name in "AB" for day in FAKES}
    alone = {name for name in early if name.startswith("A")}
    state = run([one for one in rows if one.id[: one.id.index(":") + 1] not in early])
    assert not any(mark.gap for mark in state.state.pairs["A", "B"].marks[10:])
    state = run([one for one in rows if one.id[: one.id.index(":") + 1] not in alone])
    assert any(mark.gap > 0 for mark in state.state.pairs["A", "B"].marks[10:])


def test_a_cut_finger_beside_a_friend_accuses_nobody() -> None:
    """A week of cards, beside B and elsewhere: the finger hurts, and nothing more."""
    rows = usual(("A", "B"), DAYS, apart=3)
    rows += usual(("C", "D"), DAYS, apart=90, terminal="side")
    rows = [
        one._replace(verify=VerifyMode.CARD)
        if any(_of("A", day, one) for day in DAYS[20:25])
        else one
        for one in rows
    ]
    assert accused(rows) == []


def test_fraud_from_the_first_day_is_the_habit() -> None:
    """What A always did is A's habit; the method says so and stays quiet."""
    rows = [
        one._replace(verify=VerifyMode.CARD) if one.badge == "A" else one
        for one in usual(NAMES[:4], DAYS, apart=3)
    ]
    assert accused(rows) == []


def test_an_emptied_operation_log_clears_nobody() -> None:
    """Absence of an operation proves nothing: the moved clock is a case without it."""
    rows: list[Event] = list(usual(NAMES[:4], workdays(3)))
    rows += [
        punch(name, 3, moved("08:25:00", 30 * place), delay=2_400)
        for place, name in enumerate("ABC")
    ]
    assert accused(rows) == accused([*rows, operation(21, 3, "09:00:00")])
    assert accused(rows) == [("clock", None)]


def test_records_of_a_moved_clock_were_not_taken_away() -> None:
    """H4b after H3: arrivals whose times mean nothing are there all the same."""
    names = [f"n{number:02}" for number in range(30)]
    late = workdays(40)[22]
    rows: list[Event] = [*usual(names, [*workdays(30), late], apart=20)]
    rows.append(link(0, "00:00:00", up=True))
    twelve = set(names[:12])
    rows = [
        one._replace(received=one.received + 6_000)
        if isinstance(one, Punch)
        and one.badge in twelve
        and one.id.split("-")[1:3]
        == [str(late), moved("08:10:00", 20 * int(one.badge[1:]))]
        else one
        for one in rows
    ]
    rows.append(punch("nobody", late, "08:20:00", delay=6_002))
    rows.append(punch("nobody", late, "08:21:30", delay=6_002))
    assert accused(rows, site=book(names)) == [("clock", None)]


def test_a_new_card_is_there_to_be_used() -> None:
    """H6: after a new card its use beside B holds nothing up by itself."""
    rates = Rates(0.02, 0.1, 0.1)
    day = Mark(1, 1, 1, 1, 0, False, 30.0, 0.5, rates)
    assert support([day] * 6, finger=False) == support([day] * 6, finger=True) < 1
    other = Mark(1, 0, 1, 1, 2, True, 0.3, 9.0, rates)
    assert support([other] * 6, finger=True) > 1_000 > support([day], finger=True)


def test_a_closed_case_is_not_reopened_by_its_own_past() -> None:
    """e-BH on running maxima exceeds alpha: today's E decides, never the peak."""
    rows = lived(DAYS[:26], FAKES[:3])
    later = workdays(120)[26:60]
    rows += usual(("C", "D"), later, terminal="side")
    rows += [one for day in later for one in usual(("B", "A"), [day], apart=3)]
    report = run(rows)
    (case,) = report.cases
    pair = report.state.pairs["A", "B"]
    assert pair.peak > 1_000 > pair.e
    assert (case.status, case.grade) == (Status.WEAKENED, Grade.NOTE)


def test_nobody_is_charged_twice_in_a_month() -> None:
    """Two kinds of case about one person carry the same mark."""
    rows: list[Event] = [*lived(fakes=FAKES)]
    day = DAYS[-1]
    site = book(absences={"A": [leave(day, "00:00:00", "23:59:59")]})
    rows = [one for one in rows if not _of("A", day, one)]
    rows += [punch("A", day, "08:13:03", "card"), punch("B", day, "08:13:00", id="b2")]
    cases = [one.to_json() for one in run(rows, site).cases if one.grade == Grade.CASE]
    assert {one["kind"] for one in cases} == {"pair", "leave"}
    assert {one["charge_once"] for one in cases} == {"A/2026-04"}


def _of(name: str, day: int, one: Event) -> bool:
    return isinstance(one, Punch) and one.id.startswith(f"{name}-{day}-")


def test_an_accused_person_is_not_watched_as_well() -> None:
    """The watch list is for days that are nobody's case."""
    cases = run(lived(fakes=FAKES), options=Options(watch_ratio=10.0)).cases
    assert [(one.kind, one.grade) for one in cases] == [(Kind.PAIR, Grade.CASE)]


def test_a_long_acquaintance_keeps_its_last_days_and_all_of_its_evidence() -> None:
    """References are kept for sixty shared days; the products know every one."""
    pair = Pair()
    for day in range(MARKS + 5):
        pair.mark(day, 0, 1, 1, 0, 0, 1.0, 1.0, 0.1, 0.1, 0.1)
    assert [mark.day for mark in pair.marks] == list(range(5, MARKS + 5))
    rows = usual(("A", "B"), workdays(100), apart=3)
    kept = run(rows).state.pairs["A", "B"]
    assert (kept.days, len(kept.marks)) == (len(workdays(100)), MARKS)


def test_the_second_slot_is_measured_against_everybody_and_the_pair_itself() -> None:
    """S4: the pool first, the pair's own rate as soon as there is one."""
    assert Pool(shared=98, twice=9).together() == pytest.approx(0.1)
    friends = run(usual(("A", "B"), DAYS, apart=3)).state.pairs["A", "B"].marks
    assert friends[-1].rates.twice > 0.9
    assert friends[-1].blind <= 1.0


def test_a_case_shows_breaks_and_the_third_in_the_row() -> None:
    """A reviewer sees the link that was down, and only B's seconds as B's."""
    rows: list[Event] = [*lived(fakes=FAKES)]
    behind = moved("08:11:03", 2)
    rows += [punch("D", day, behind, id=f"D-{day}-behind") for day in FAKES]
    rows += [link(FAKES[0], "08:30:00", up=False), link(FAKES[0], "08:50:00", up=True)]
    (case,) = (one for one in run(rows).cases if one.kind == Kind.PAIR)
    broken = (MONDAY + timedelta(days=FAKES[0])).isoformat()
    assert f"lobby {broken}" in str(case.context)
    assert all(len(day["beside"]) == 1 for day in case.days)
    assert text(run(rows)) == text(run(list(reversed(rows))))
