"""Hard signals H3 and H4: clocks set back, records gone; and what looks alike."""

from typing import Any

import pytest

from gateway.core.suspicion.events import Event
from gateway.core.suspicion.site import PlainBook
from gateway.core.suspicion.values import DAY, Grade, Kind, Options
from tests.gateway.core.suspicion.makers import (
    DAYS,
    FIRST,
    LATE,
    NAMES,
    book,
    counted,
    found,
    link,
    moved,
    operation,
    punch,
    run,
    usual,
    utc,
    wall,
    workdays,
)


def queue_at(delay: int, *, start: str = "08:25:00", spacing: int = 30) -> list[Event]:
    """Return three days of a live terminal, then three punches with another lag."""
    late = [
        punch(name, 3, moved(start, spacing * place), delay=delay)
        for place, name in enumerate("ABC")
    ]
    return [*usual(NAMES[:4], workdays(3)), *late]


def test_a_clock_set_back_is_a_case_against_the_terminal() -> None:
    """H3: forty minutes behind while the link was up; nobody inside is named."""
    (case,) = run([*queue_at(2_400), operation(21, 3, "09:00:00")]).cases
    assert (case.kind, case.grade) == (Kind.CLOCK, Grade.CASE)
    assert (case.subject, case.neighbour, case.terminal) == (None, None, "lobby")
    assert len(case.events) == 3
    assert case.strength["shift_seconds"] == pytest.approx(2_398)
    assert [row["code"] for row in case.context["operations"]] == [21]


@pytest.mark.parametrize(
    "delay,more,grades",
    [
        (180, [], []),
        (185, [link(0, "00:00:00", up=True)], ["case"]),
        (-600, [], ["case"]),
        (2_400, [link(0, "00:00:00", up=True)], ["case"]),
        (
            2_400,
            [link(3, "08:20:00", up=False), link(3, "09:04:50", up=True)],
            [],
        ),
        (
            2_400,
            [link(3, "08:20:00", up=False), link(3, "08:40:00", up=True)],
            [],
        ),
    ],
    ids=["edge", "over", "future", "link-up", "reconnect", "waited"],
)
def test_what_is_a_moved_clock(
    delay: int, more: list[Event], grades: list[str]
) -> None:
    """H3: beyond 180 s, link up, not a reconnect, not a wait through a break."""
    events = [*queue_at(delay), *more]
    assert [grade for grade, _ in found(Kind.CLOCK, events)] == grades


def test_an_unknown_link_and_one_punch_is_only_watched() -> None:
    """H3: one late record and no word of the link: a late upload looks alike."""
    events = [*usual(NAMES[:4], workdays(3)), punch("A", 3, "08:25:00", delay=2_400)]
    assert found(Kind.CLOCK, events) == [("watch", "lobby")]


def test_a_stick_and_a_constant_wrong_time_are_innocent() -> None:
    """H3: a whole day in one reading, or a clock that is always an hour behind."""
    stick = [
        one._replace(received=wall(9, "12:00:00"))
        for one in usual(NAMES[:4], workdays(3))
    ]
    assert found(Kind.CLOCK, stick) == []
    wrong = [
        one._replace(received=one.received + 3_600)
        for one in usual(NAMES[:4], workdays(3))
    ]
    assert found(Kind.CLOCK, wrong) == []


def test_punches_of_a_moved_clock_make_no_pairs() -> None:
    """H3 episodes are dropped before anybody is compared."""
    near = [
        punch(name, 3, moved("08:25:00", 3 * place), delay=2_400)
        for place, name in enumerate("ABC")
    ]
    assert run([*usual(NAMES[:4], workdays(3)), *near]).state.pairs == {}


def counts(
    days: int,
    *,
    gone: int = 0,
    since: int = 99,
) -> list[Event]:
    """Return people, and two counts a day that lose `gone` from a day on."""
    events: list[Event] = []
    held = 500
    for day in range(days):
        events += usual(NAMES[:4], [day])
        lost = gone if day >= since else 0
        events.append(counted(day, "13:00:00", held + 8 - lost))
        held += 16
        events.append(counted(day, "23:00:00", held - lost))
    return events


def test_a_count_that_falls_behind_is_a_case() -> None:
    """H4a: three records fewer than we have, on a counter right for a week."""
    assert found(Kind.RECORDS_GONE, counts(12, gone=3, since=9)) == [("case", "lobby")]


@pytest.mark.parametrize(
    "events,options,expected",
    [
        (counts(12), None, []),
        (counts(12, gone=1, since=9), None, []),
        (counts(6, gone=3, since=4), None, ["note"]),
        (counts(12, gone=3, since=9), Options(capacity={"lobby": 640}), ["note"]),
        (counts(12, gone=640, since=9), None, ["note"]),
        (
            [*counts(12), counted(9, "15:00:00", 500 + 9 * 16 + 8 - 4)],
            None,
            ["note"],
        ),
    ],
    ids=["right", "one", "young", "full", "cleared", "taken-back"],
)
def test_innocent_falls_are_notes(
    events: list[Event], options: Options | None, expected: list[str]
) -> None:
    """H4a: one record, a young counter, a full or cleared log, a wrong answer."""
    grades = [grade for grade, _ in found(Kind.RECORDS_GONE, events, None, options)]
    assert grades == expected


def test_records_that_wait_for_the_upload_are_not_gone() -> None:
    """H4a: the terminal counted them while the link was down."""
    late = [
        one._replace(received=one.received + 90_000)
        if getattr(one, "at", 0) // DAY == FIRST + 9
        else one
        for one in counts(14)
    ]
    late += [link(9, "00:30:00", up=False), link(10, "08:30:00", up=True)]
    late = [
        one for one in late if not (hasattr(one, "records") and _down(one.received))
    ]
    assert found(Kind.RECORDS_GONE, late) == []


def _down(received: int) -> bool:
    return utc(9, "00:30:00") <= received < utc(10, "08:30:00")


def crowd(missing: int, *, people: int = 30, together: bool = False) -> list[Event]:
    """Return a month of thirty people, with arrivals missing on the last day."""
    names = [f"n{number:02}" for number in range(people)]
    apart = 3 if together else 20
    events = usual(names, DAYS, apart=apart)
    gone = set(names[:missing])
    last = usual(names, [LATE], apart=apart)
    noon = wall(LATE, "10:00:00")
    return [*events, *(one for one in last if one.badge not in gone or one.at > noon)]


def many(people: int = 30, **more: Any) -> PlainBook:
    """Return the book of a crowd."""
    return book([f"n{number:02}" for number in range(people)], **more)


def test_a_morning_without_arrivals_is_a_case() -> None:
    """H4b: twelve regulars of thirty have later punches and no arrival."""
    assert found(Kind.RECORDS_GONE, crowd(12), many()) == [("case", "lobby")]


def test_innocent_mornings() -> None:
    """H4b: three people, everybody, an entered outage, one group of companions."""
    assert found(Kind.RECORDS_GONE, crowd(3), many()) == []
    assert found(Kind.RECORDS_GONE, crowd(28), many()) == [("note", "lobby")]
    hours = [(wall(LATE, "07:00:00"), wall(LATE, "09:00:00"))]
    broken = many(broken={"lobby": hours})
    assert found(Kind.RECORDS_GONE, crowd(12), broken) == [("note", "lobby")]
    assert found(Kind.RECORDS_GONE, crowd(12, together=True), many()) == []


def test_five_of_thirty_are_not_unusual_where_people_forget() -> None:
    """H4b: the tail is measured against how often these people forget."""
    forgetful = []
    for place, day in enumerate(DAYS):
        names = [f"n{number:02}" for number in range(30)]
        gone = {names[(place * 5 + step) % 30] for step in range(5)}
        noon = wall(day, "10:00:00")
        forgetful += [
            one
            for one in usual(names, [day], apart=20)
            if one.badge not in gone or one.at > noon
        ]
    assert found(Kind.RECORDS_GONE, forgetful, many()) == []


def test_who_only_arrived_elsewhere_is_no_regular() -> None:
    """H4b: people of the side door are no regulars of the lobby."""
    others = usual([f"n{number:02}" for number in range(20, 30)], DAYS, terminal="side")
    here = [one for one in crowd(12) if int(getattr(one, "badge", "n0")[1:]) < 20]
    (case,) = run([*here, *others], many()).cases
    assert (case.kind, case.null["regulars"]) == (Kind.RECORDS_GONE, 20)
