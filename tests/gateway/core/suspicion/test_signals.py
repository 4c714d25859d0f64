"""Hard signals H1-H6: each one seen, and each innocent look-alike left alone."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from gateway.core.suspicion.events import Event, Punch
from gateway.core.suspicion.site import Enrolled, PlainBook
from gateway.core.suspicion.values import DAY, Grade, Kind, Leave, Options
from gateway.core.values import VerifyMode
from tests.gateway.core.suspicion.makers import (
    FIRST,
    book,
    counted,
    covered,
    leave,
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

SITES = {"lobby": "hq", "side": "branch"}
DAYS = workdays(30)
LATE = workdays(40)[22]
PEOPLE = tuple("ABCDEFGH")


def found(
    kind: Kind,
    events: Iterable[Event],
    site: PlainBook | None = None,
    options: Options | None = None,
) -> list[tuple[str, str | None]]:
    """Return (grade, subject or terminal) of the cases of a kind."""
    report = run(events, site, options)
    return [
        (case.grade.value, case.subject or case.terminal)
        for case in report.cases
        if case.kind == kind
    ]


# H1


def trip(minutes: int) -> list[Event]:
    """Return A at the lobby and, minutes later, at the branch."""
    return [
        *usual(PEOPLE[1:4], workdays(3)),
        *usual(PEOPLE[4:], workdays(3), terminal="side"),
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
    events: list[Event] = list(usual(PEOPLE[1:4], workdays(3)))
    slow = usual(PEOPLE[4:], workdays(3), terminal="side")
    events += [one._replace(received=one.received + 1_200) for one in slow]
    events += [punch("A", 1, "09:00:00")]
    events += [punch("A", 1, "09:10:00", "card", terminal="side", delay=1_202)]
    assert found(Kind.TWO_SITES, events, book(sites=SITES)) == []


# H2


def visit(*clocks: str, verify: str = "card", beside: bool = True) -> list[Event]:
    """Return a month of work, then A's punches behind B's on a day of leave."""
    rows = [*usual(PEOPLE[:4], DAYS), *usual(PEOPLE[1:4], [LATE])]
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
        for one in usual(PEOPLE[:4], DAYS)
    ]
    once = [one for one in visit("08:15:00") if one not in usual(PEOPLE[:4], DAYS)]
    twice = [*once, *(one for one in visit("17:20:00") if one not in once)]
    late = [one for one in twice if getattr(one, "at", 0) // DAY == FIRST + LATE]
    assert found(Kind.LEAVE, [*cards, *once], on_leave()) == [("note", "A")]
    assert found(Kind.LEAVE, [*cards, *late], on_leave()) == [("case", "A")]


# H3


def queue_at(delay: int, *, start: str = "08:25:00", spacing: int = 30) -> list[Event]:
    """Return three days of a live terminal, then three punches with another lag."""
    late = [
        punch(name, 3, moved(start, spacing * place), delay=delay)
        for place, name in enumerate("ABC")
    ]
    return [*usual(PEOPLE[:4], workdays(3)), *late]


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
    events = [*usual(PEOPLE[:4], workdays(3)), punch("A", 3, "08:25:00", delay=2_400)]
    assert found(Kind.CLOCK, events) == [("watch", "lobby")]


def test_a_stick_and_a_constant_wrong_time_are_innocent() -> None:
    """H3: a whole day in one reading, or a clock that is always an hour behind."""
    stick = [
        one._replace(received=wall(9, "12:00:00"))
        for one in usual(PEOPLE[:4], workdays(3))
    ]
    assert found(Kind.CLOCK, stick) == []
    wrong = [
        one._replace(received=one.received + 3_600)
        for one in usual(PEOPLE[:4], workdays(3))
    ]
    assert found(Kind.CLOCK, wrong) == []


def test_punches_of_a_moved_clock_make_no_pairs() -> None:
    """H3 episodes are dropped before anybody is compared."""
    near = [
        punch(name, 3, moved("08:25:00", 3 * place), delay=2_400)
        for place, name in enumerate("ABC")
    ]
    assert run([*usual(PEOPLE[:4], workdays(3)), *near]).state.pairs == {}


# H4


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
        events += usual(PEOPLE[:4], [day])
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


# H5


def fed(
    names: str = "ABC", *, link_seconds: int = 2, verify: str = "card"
) -> list[Event]:
    """Return a month, then cards one after the other behind H's finger."""
    rows = [
        punch(name, LATE, moved("08:20:02", link_seconds * place), verify)
        for place, name in enumerate(names)
    ]
    return [*usual(PEOPLE, DAYS), punch("H", LATE, "08:20:00"), *rows]


def test_one_body_feeding_cards() -> None:
    """H5: three different people in a row, all weak, which they never are."""
    (case,) = (one for one in run(fed()).cases if one.kind == Kind.BURST)
    assert (case.grade, case.neighbour) == (Grade.CASE, "H")
    assert case.context["people"] == ["A", "B", "C"]
    assert len(case.events) == 3


def _at_door(one: Event) -> Event:
    return one._replace(terminal="door")


@pytest.mark.parametrize(
    "events",
    [
        fed("AB"),
        fed(link_seconds=4),
        fed(verify="finger"),
        fed("ABA"),
        [
            *fed(),
            *(
                punch(name, LATE, moved("08:30:00", 40 * place), "card")
                for place, name in enumerate("DEFG")
            ),
        ],
        [
            one if getattr(one, "at", 0) < wall(LATE, "00:00:00") else _at_door(one)
            for one in fed()
        ],
    ],
    ids=["two", "slow", "fingers", "one-twice", "dirty-reader", "card-reader"],
)
def test_no_feeding(events: list[Event]) -> None:
    """H5: two people, four seconds, fingers, a dirty or a card-only reader."""
    assert found(Kind.BURST, events) == []


# H6


def enrolled(
    code: int = 8, *, fake: bool = True, before: bool = False, day: int = 20
) -> list[Event]:
    """Return work, an operation for A, and A beside B ever after.

    `fake`: every third day, in the morning alone; else every day, at every slot.
    `before`: beside B in the weeks before too.
    """
    first = [number for number in workdays(60) if number < day]
    after = [number for number in workdays(60) if number >= day]
    events: list[Event] = [*usual(tuple("ABCD"), first, apart=3 if before else 100)]
    for place, number in enumerate(after):
        if not fake:
            events += usual(tuple("ABCD"), [number], apart=3)
        elif place % 3:
            events += usual(tuple("ABCD"), [number], apart=100)
        else:
            events += covered(number, verify="finger")
    return [*events, operation(code, day, "07:00:00", "A")]


def test_enrolment_then_companionship_with_gaps() -> None:
    """H6: from the new finger on beside B, and A's other punches are gone."""
    cases = [one for one in run(enrolled(6)).cases if one.kind == Kind.ENROLMENT]
    assert [(one.grade, one.subject, one.neighbour) for one in cases] == [
        (Grade.CASE, "A", "B")
    ]


def test_a_new_card_and_new_friends_accuse_nobody() -> None:
    """H6: companionship alone is a note at most, however sudden."""
    assert ("case", "A") not in found(Kind.ENROLMENT, enrolled(fake=False))
    assert ("note", "A") in found(Kind.ENROLMENT, enrolled(fake=False))


@pytest.mark.parametrize(
    "events",
    [
        enrolled(6, before=True, fake=False),
        enrolled(9),
        enrolled(6, day=2),
        [one for one in enrolled() if not hasattr(one, "code")],
    ],
    ids=["friends-before", "deleted", "hired", "no-operation"],
)
def test_no_enrolment_case(events: list[Event]) -> None:
    """H6: old friends, another operation, a new hire, no operation."""
    site = PlainBook([Enrolled(name, name) for name in PEOPLE])
    assert found(Kind.ENROLMENT, events, site) == []


# What else may lie around a signal


def test_leave_on_a_free_day_and_far_from_every_slot() -> None:
    """H2: a day without duty has the hours of the leave; far from a slot: a note."""
    free = 26
    rest = on_leave(leave(free, "00:00:00", "23:59:59"))
    rows = [*usual(PEOPLE[:4], DAYS), punch("A", free, "10:00:03", "card")]
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


def test_chains_that_share_a_person_are_one_case() -> None:
    """H5: the same cards on two mornings are one burst, other cards another."""
    again = [
        punch(name, LATE, moved("14:00:02", 2 * place), "card")
        for place, name in enumerate("BCD")
    ]
    other = [
        punch(name, LATE, moved("17:00:02", 2 * place), "card")
        for place, name in enumerate("EFG")
    ]
    cases = [one for one in run([*fed(), *again, *other]).cases if one.kind == "burst"]
    assert sorted(one.strength["times"] for one in cases) == [1, 2]


def test_a_stranger_between_two_sites_is_nobody() -> None:
    """H1: badges of nobody travel as they like."""
    rows = [*trip(10), punch("Z", 1, "09:00:00")]
    rows.append(punch("Z", 1, "09:01:00", terminal="side"))
    assert found(Kind.TWO_SITES, rows, book(sites=SITES)) == [("case", "A")]


def test_the_stronger_of_two_enrolments_makes_the_case() -> None:
    """H6: one case per subject, of the operation that explains most."""
    rows = [*enrolled(6), operation(6, 35, "07:00:00", "A")]
    rows += [punch("H", 21, "08:08:00"), punch("A", 21, "08:08:05")]
    rows += [punch("Z", 22, "08:09:58"), punch("Z", 23, "08:09:58")]
    cases = [one for one in run(rows).cases if one.kind == Kind.ENROLMENT]
    assert [(one.grade, one.subject, one.neighbour) for one in cases] == [
        (Grade.CASE, "A", "B")
    ]
