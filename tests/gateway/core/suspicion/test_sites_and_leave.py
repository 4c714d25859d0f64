"""Hard signals H1 and H2: two sites at once, punches on leave; and what looks alike."""

from collections.abc import Sequence

import pytest

from gateway.core.suspicion.events import Event, Punch
from gateway.core.suspicion.site import PlainBook
from gateway.core.suspicion.values import DAY, Grade, Kind, Leave
from gateway.core.values import VerifyMode
from tests.gateway.core.suspicion.makers import (
    DAYS,
    FIRST,
    LATE,
    NAMES,
    SITES,
    book,
    covered,
    found,
    leave,
    moved,
    punch,
    run,
    usual,
    workdays,
)


def trip(minutes: int) -> list[Event]:
    """Return A at the lobby and, minutes later, at the branch."""
    return [
        *usual(NAMES[1:4], workdays(3)),
        *usual(NAMES[4:], workdays(3), terminal="side"),
        punch("A", 1, "09:00:00"),
        punch("A", 1, moved("09:00:00", 60 * minutes), "card", terminal="side"),
    ]


def test_two_sites_faster_than_the_way() -> None:
    """H1: ten minutes for a way of twenty-five; the card is the suspected one."""
    (case,) = run(trip(10), book(sites=SITES)).cases
    assert (case.kind, case.subject, case.grade) == (Kind.TWO_SITES, "A", Grade.CASE)
    assert case.events == ("A-1-09:10:00-side",)
    assert "suspected" in case.claim.en.lower()
    assert "疑似" in case.claim.zh


@pytest.mark.parametrize("minutes,cases", [(23, 1), (24, 0), (26, 0)])
def test_a_minute_is_forgiven(minutes: int, cases: int) -> None:
    """H1: less than the way minus 60 s; exactly that is no case."""
    assert len(found(Kind.TWO_SITES, trip(minutes), book(sites=SITES))) == cases


def test_a_way_nobody_wrote_down_accuses_nobody() -> None:
    """H1 needs travel minutes, and two sites."""
    sites = {"lobby": "hq", "side": "elsewhere"}
    assert found(Kind.TWO_SITES, trip(1), book(sites=sites)) == []
    assert found(Kind.TWO_SITES, trip(1), book()) == []


def test_a_wrong_clock_makes_no_journey() -> None:
    """H1: the branch's clock is twenty minutes behind, always; real time decides."""
    events: list[Event] = list(usual(NAMES[1:4], workdays(3)))
    slow = usual(NAMES[4:], workdays(3), terminal="side")
    events += [one._replace(received=one.received + 1_200) for one in slow]
    events += [punch("A", 1, "09:00:00")]
    events += [punch("A", 1, "09:10:00", "card", terminal="side", delay=1_202)]
    assert found(Kind.TWO_SITES, events, book(sites=SITES)) == []


def test_a_stranger_between_two_sites_is_nobody() -> None:
    """H1: badges of nobody travel as they like."""
    rows = [*trip(10), punch("Z", 1, "09:00:00")]
    rows.append(punch("Z", 1, "09:01:00", terminal="side"))
    assert found(Kind.TWO_SITES, rows, book(sites=SITES)) == [("case", "A")]


def visit(*clocks: str, verify: str = "card", beside: bool = True) -> list[Event]:
    """Return a month of work, then A's punches behind B's on a day of leave."""
    rows = [*usual(NAMES[:4], DAYS), *usual(NAMES[1:4], [LATE])]
    for clock in clocks:
        later = 63 if beside else 1_800
        rows.append(punch("A", LATE, moved(clock, later), verify))
        if beside:
            rows.append(punch("B", LATE, moved(clock, 61)))
    return list(rows)


def on_leave(*spans: Leave) -> PlainBook:
    """Return a book with A on leave."""
    return book(absences={"A": spans or (leave(LATE, "00:00:00", "23:59:59"),)})


def test_a_card_on_leave_beside_somebody_is_a_case() -> None:
    """H2: weak, beside, within 45 minutes of a start."""
    (case,) = run(visit("08:15:00"), on_leave()).cases
    assert (case.kind, case.grade, case.subject) == (Kind.LEAVE, Grade.CASE, "A")
    assert (case.neighbour, case.days[0]["speaks"]) == ("B", "for")


@pytest.mark.parametrize(
    "events,spans",
    [
        (visit("08:15:00", verify="finger"), ()),
        (visit("08:15:00", verify="unknown"), ()),
        (visit("10:15:00"), ()),
        (visit("12:05:00"), ()),
        (visit("08:15:00", beside=False), ()),
        (visit("08:15:00"), (leave(LATE, "00:00:00", "23:00:00", 0),)),
        (visit("08:15:00"), (leave(LATE, "00:00:00", "23:00:00", None),)),
        (
            [*visit("08:15:00"), punch("A", LATE, "08:40:00")],
            (),
        ),
    ],
    ids=[
        "finger",
        "unknown",
        "mid",
        "noon",
        "alone",
        "approved-later",
        "nobody",
        "was-there",
    ],
)
def test_anything_else_on_leave_is_a_note(
    events: Sequence[Event], spans: Sequence[Leave]
) -> None:
    """H2: people do drop in, and leave is approved late."""
    assert found(Kind.LEAVE, events, on_leave(*spans)) == [("note", "A")]


def test_leaving_for_leave_and_coming_back_are_no_visit() -> None:
    """H2: punches near the edges of leave inside a day are a departure or a return."""
    afternoon = on_leave(leave(LATE, "12:00:00", "17:30:00"))
    assert found(Kind.LEAVE, visit("12:04:00"), afternoon) == []
    morning = on_leave(leave(LATE, "08:30:00", "14:30:00"))
    assert found(Kind.LEAVE, visit("14:20:00"), morning) == []
    assert found(Kind.LEAVE, visit("08:20:00"), morning) == [("case", "A")]


def test_who_always_uses_a_card_needs_two_punches() -> None:
    """H2: a habitual card user on leave is a case only with an hour between punches."""
    cards = [
        one._replace(verify=covered(0)[-1].verify) if one.badge == "A" else one
        for one in usual(NAMES[:4], DAYS)
    ]
    once = [one for one in visit("08:15:00") if one not in usual(NAMES[:4], DAYS)]
    twice = [*once, *(one for one in visit("17:20:00") if one not in once)]
    late = [one for one in twice if getattr(one, "at", 0) // DAY == FIRST + LATE]
    assert found(Kind.LEAVE, [*cards, *once], on_leave()) == [("note", "A")]
    assert found(Kind.LEAVE, [*cards, *late], on_leave()) == [("case", "A")]


def test_leave_on_a_free_day_and_far_from_every_slot() -> None:
    """H2: a day without duty has the hours of the leave; far from a slot: a note."""
    free = 26
    rest = on_leave(leave(free, "00:00:00", "23:59:59"))
    rows = [*usual(NAMES[:4], DAYS), punch("A", free, "10:00:03", "card")]
    rows.append(punch("B", free, "10:00:00"))
    assert found(Kind.LEAVE, rows, rest) == [("note", "A")]


def test_a_reader_that_takes_cards_only_makes_notes_of_leave() -> None:
    """H2: at a door without a finger reader a card is no sign."""
    rows = [one._replace(terminal="door") for one in visit("08:15:00") if _is_late(one)]
    earlier = [one for one in visit("08:15:00") if not _is_late(one)]
    cards = [
        one._replace(verify=VerifyMode.CARD) if isinstance(one, Punch) else one
        for one in rows
    ]
    assert found(Kind.LEAVE, [*earlier, *cards], on_leave()) == [("note", "A")]


def _is_late(one: Event) -> bool:
    return getattr(one, "at", 0) // DAY == FIRST + LATE
