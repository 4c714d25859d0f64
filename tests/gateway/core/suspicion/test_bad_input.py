"""Bad input: no crash, and no case from missing data alone."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.suspicion.detect import suspect
from gateway.core.suspicion.events import (
    Count,
    Event,
    Link,
    Operation,
    Punch,
    gather,
    read_events,
)
from gateway.core.suspicion.site import Enrolled, PlainBook, Turn
from gateway.core.suspicion.values import Grade
from gateway.core.values import VerifyMode
from tests.gateway.core.suspicion.makers import (
    MONDAY,
    NAMES,
    OFFICE,
    book,
    counted,
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


def everything() -> list[Event]:
    """Return a site with a cheat, counts, links and operations: the whole trade."""
    rows: list[Event] = []
    for place, day in enumerate(DAYS):
        rows += covered(day) if day in FAKES else usual(NAMES[:4], [day])
        rows += [counted(day, "13:00:00", 500 + 16 * place)]
        rows += [counted(day, "20:00:00", 500 + 16 * place)]
    rows += [link(3, "10:00:00", up=False), link(3, "11:00:00", up=True)]
    rows += [operation(8, 20, "07:00:00", "A"), operation(21, 7, "03:00:00")]
    return rows


def accused(events: Sequence[Event], site: PlainBook | None = None) -> set[str]:
    """Return the kinds raised as a case."""
    cases = run(events, site).cases
    return {one.kind.value for one in cases if one.grade == Grade.CASE}


def honest() -> list[Event]:
    """Return the same site without the cheat."""
    return [*usual(NAMES[:4], DAYS), *(one for one in everything() if not _punch(one))]


def _punch(one: Event) -> bool:
    return isinstance(one, Punch)


@pytest.mark.parametrize("kind", [Operation, Count, Link, Punch])
def test_no_operation_log_no_counts_no_links_no_punches(kind: type[Event]) -> None:
    """Any kind of event may be absent; what is absent accuses nobody."""
    rest = [one for one in everything() if not isinstance(one, kind)]
    assert accused(rest) <= {"pair", "enrolment"}
    assert accused([one for one in honest() if not isinstance(one, kind)]) == set()


@pytest.mark.parametrize(
    "factor,least,modulus",
    [(0, 0, 9), (0, 7, 9), (7_919, 0, 31), (-1, 10**9, 2 * 10**9)],
    ids=["nothing", "stuck", "noise", "backwards"],
)
def test_a_lying_counter_is_no_case(factor: int, least: int, modulus: int) -> None:
    """H4a needs a counter that was right for a week; others are notes at most."""
    rows = [one for one in honest() if not isinstance(one, Count)]
    lies = ((day, (least + factor * day) % modulus) for day in DAYS)
    assert accused([*rows, *(counted(day, "13:00:00", n) for day, n in lies)]) == set()


def test_unknown_codes_everywhere_are_neutral() -> None:
    """Nobody vouched for a code: no contrast, nobody fed, no case of leave."""
    rows = [
        one._replace(verify=VerifyMode.UNKNOWN) if isinstance(one, Punch) else one
        for one in everything()
    ]
    away = {"C": [leave(DAYS[28], "00:00:00", "23:00:00")]}
    report = run(rows, book(absences=away))
    loud = {one.kind.value for one in report.cases if one.grade == Grade.CASE}
    assert loud <= {"pair", "enrolment"}
    marks = report.state.pairs["A", "B"].marks
    assert [mark.judged_slots for mark in marks] == [0] * len(marks)


def test_a_whole_day_inside_a_clock_episode_accuses_its_people_of_nothing() -> None:
    """Times that mean nothing are left out; the terminal is the only one accused."""
    rows = [
        one._replace(received=one.received + 10_000)
        if isinstance(one, Punch) and one.id.split("-")[1] == str(DAYS[20])
        else one
        for one in honest()
    ]
    assert accused(rows) <= {"clock"}


def test_a_clock_that_stays_wrong_becomes_the_usual_one() -> None:
    """H3: one episode on the day it was moved, and then that is how it runs."""
    rows = [
        one._replace(received=one.received + 10_000)
        if isinstance(one, Punch) and int(one.id.split("-")[1]) >= DAYS[20]
        else one
        for one in honest()
    ]
    cases = [one for one in run(rows).cases if one.kind == "clock"]
    assert len(cases) == 1
    assert len(cases[0].events) < 20


def test_people_without_a_roster_have_ordinary_days() -> None:
    """No roster is no absence: a book with badges alone, honest and not."""
    plain = PlainBook([Enrolled(name, name) for name in NAMES])
    assert accused(honest(), plain) == set()
    assert accused(everything(), plain) <= {"pair", "enrolment"}


def test_badges_nobody_owns_are_nobody() -> None:
    """An empty book, or one whose rows ended: no people, no cases, no crash."""
    assert accused(everything(), PlainBook([])) == set()
    over = [Enrolled(name, name, until=MONDAY) for name in NAMES]
    assert accused(everything(), PlainBook(over)) <= {"records_gone"}
    assert run(everything(), PlainBook([])).state.pairs == {}


def test_two_people_on_one_badge_are_one_identity() -> None:
    """Twice a minute apart, at two terminals: odd, but nobody's case from it alone."""
    shared = [
        *honest(),
        *(
            one._replace(badge="A", id="too " + one.id)
            for one in usual(("H",), DAYS, terminal="side")
        ),
    ]
    assert accused(shared) == set()


def test_two_badges_of_one_person_are_never_neighbours() -> None:
    """A card and a finger under two numbers: nobody covers for himself."""
    both = book()
    twice = PlainBook(
        [*both.enrolments, Enrolled("A", "A2")], turns={n: [Turn(OFFICE)] for n in "AB"}
    )
    rows = [
        *honest(),
        *(
            punch("A2", day, moved("08:10:00", 3), "card", id=f"A2-{day}")
            for day in DAYS
        ),
    ]
    report = run(rows, twice)
    assert all("A2" not in couple for couple in report.state.pairs)
    assert all(one != other for one, other in report.state.pairs)
    assert accused(rows, twice) == set()


def test_a_month_with_one_working_day_says_nothing() -> None:
    """Without a record there are no habits to differ from."""
    assert accused(covered(DAYS[0])) == set()
    assert (
        accused([*usual(NAMES, DAYS[:1], apart=3), operation(8, 0, "07:00:00", "A")])
        == set()
    )


def test_a_terminal_silent_for_a_day_accuses_nobody() -> None:
    """A missing day is no gap of anybody: nobody has a punch on it."""
    gone = str(DAYS[25])
    rows = [
        one
        for one in honest()
        if not (isinstance(one, Punch) and one.id.split("-")[1] == gone)
    ]
    assert accused(rows) == set()


def test_operations_on_nobody_are_left_aside() -> None:
    """Enrolments of unknown numbers, of nobody, of people who never came."""
    rows = [*honest(), *(operation(6, 20, "07:00:00", who) for who in ("", "Z", "H"))]
    assert accused(rows) == set()


def test_work_on_different_days_is_no_companionship() -> None:
    """H6: a night watch that leaves as B comes shares no work day with B."""
    night = ((72_000, 115_200),)
    site = book(
        turns={
            "A": [Turn(night, frozenset({6, 1, 3}))],
            "B": [Turn(OFFICE, frozenset({0, 2, 4}))],
        }
    )
    rows: list[Event] = [operation(6, 30, "12:00:00", "A")]
    for day in range(1, 80):
        if day % 7 in {0, 2, 4}:
            rows += [punch("A", day, "08:00:00"), punch("B", day, "08:00:05")]
        if day % 7 in {6, 1, 3}:
            rows.append(punch("A", day, "19:50:00"))
    report = run(rows, site)
    assert report.state.pairs["A", "B"].days > 20
    assert report.cases == ()


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(2, 6))
def test_order_repeats_and_pieces_leave_no_trace(rng: object, parts: int) -> None:
    """Lines shuffled, doubled and read in pieces: the same events, the same bytes."""
    rows = everything()
    expected = text(run(rows))
    rng.shuffle(rows)  # type: ignore[attr-defined]  # a Random, as hypothesis makes it
    pieces = [rows[part::parts] for part in range(parts)]
    met: list[Event] = []
    for piece in pieces:
        gathered = gather(piece + piece[:7])
        met += [*gathered.punches, *gathered.operations, *gathered.counts]
        met += gathered.links
    assert text(run(met)) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(
            Punch,
            st.text(min_size=1, max_size=3),
            st.sampled_from(["lobby", "side", "\n"]),
            st.integers(-5, 2**33),
            st.sampled_from(["A", "B", "", "0", "\u202e"]),
            st.integers(0, 4_000_000_000),
            st.integers(0, 4_000_000_000),
            st.sampled_from(list(VerifyMode)),
            st.none(),
        )
        | st.builds(
            Operation,
            st.sampled_from(["lobby", "x"]),
            st.integers(0, 9),
            st.integers(0, 4_000_000_000),
            st.integers(0, 4_000_000_000),
            st.sampled_from([6, 8, 13, 21, 999]),
            st.just("9"),
            st.sampled_from(["A", "", "Z"]),
        )
        | st.builds(
            Count,
            st.sampled_from(["lobby", "x"]),
            st.integers(0, 4_000_000_000),
            st.integers(0, 2**40),
        )
        | st.builds(
            Link,
            st.sampled_from(["lobby"]),
            st.integers(0, 4_000_000_000),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_hostile_events_never_break_it(events: list[Event]) -> None:
    """Any times, any numbers, any words: a document comes out, twice the same."""
    site = book(sites={"lobby": "hq", "side": "branch"})
    first = suspect(site, gather(events)).to_json()
    assert first == suspect(site, gather(list(reversed(events)))).to_json()


def test_lines_that_are_no_events_leave_the_good_ones() -> None:
    """Half of a file broken: every problem named, the rest looked at."""
    events, problems = read_events(["{", "[]", '{"type": "count"}', ""])
    assert len(problems) == 5
    assert suspect(book(), events).cases == ()


def test_records_from_a_stick_count_from_their_own_time() -> None:
    """H4a: read long afterwards in one go, they were in the terminal all the same."""
    late = max(one.received for one in honest() if isinstance(one, Punch)) + 10**6
    rows = [
        one._replace(received=late) if isinstance(one, Punch) else one
        for one in honest()
    ]
    assert accused(rows) == set()
