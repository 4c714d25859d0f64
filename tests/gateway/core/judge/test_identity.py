"""E30 to E40, E49 and E51: whose punches they are, and when they were, then judged."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.core.book import Book, read_book
from gateway.core.judge import Judge
from gateway.core.moments import read
from gateway.core.normalise import attribute, punch_id
from gateway.core.values import NotJudged
from gateway.core.verdicts import Flag, Judged, Punched, State
from gateway.core.watermark import Whole
from tests.gateway.core.judge.days import (
    DAY,
    GOOD,
    book,
    calendar,
    judge,
    policy,
    punches,
    roster,
    rows,
)

SERIALS = {"lobby": "VT00000001", "annex": "VT00000002", "far": "VT00000009"}
SECOND = rows("people", 'id = "p2"', 'name = "甲二"', 'vendor = "acme"')
RECEIVED = datetime(2026, 11, 3, tzinfo=UTC)
Record = tuple[str, str, str]
"""Terminal, badge and device time."""


def enrolled(person: str, badge: str, *more: str) -> str:
    """Return an enrolment."""
    return rows("enrolments", f'person = "{person}"', f'badge = "{badge}"', *more)


def day(badge: str, terminal: str = "lobby", on: str = DAY) -> list[Record]:
    """Return the records of a good day."""
    return [(terminal, badge, f"{on}T{at}:00") for at in GOOD]


def attributed(found: Book, records: list[Record]) -> dict[str | None, list[Punched]]:
    """Return punches by the person whose they are by the book, None: nobody's."""
    told: dict[str | None, list[Punched]] = defaultdict(list)
    for terminal, badge, at in records:
        person, reason = attribute(found, terminal, badge, at, RECEIVED)
        assert (reason is NotJudged.UNKNOWN_BADGE) == (person is None)
        name = punch_id(SERIALS[terminal], badge, at)
        site = "branch" if terminal == "far" else "hq"
        told[person].append(Punched(name, read(at), site, terminal))
    return told


def judged(found: Book, records: list[Record], person: str, on: str = DAY) -> Judged:
    """Judge a day of a person from the records of everybody."""
    made = Judge(found, calendar(), {"client-contract": policy()}, Whole())
    mine = attributed(found, records).get(person, [])
    return made.person(person, mine, date.fromisoformat(on), date.fromisoformat(on))


def states(found: Judged) -> list[str]:
    """Return what the sessions came to."""
    return [one.state.value for one in found.sessions]


def test_e30_two_people_in_one_second_on_one_terminal() -> None:
    """Two punches: the identity has the badge, and both people are there."""
    world = book(SECOND, enrolled("p2", "2"), roster(), roster(person="p2"))
    records = [*day("1"), *day("2")]
    told = attributed(world, records)
    assert len({one.id for mine in told.values() for one in mine}) == 8
    for person in ("p1", "p2"):
        assert states(judged(world, records, person)) == ["ok", "ok"]


def test_e31_one_second_at_two_sites() -> None:
    """Impossible, and yet both stay: the one here counts, the far one is told."""
    found = judge((*GOOD, "08:20@far"))
    assert found.states == ["ok", "ok"]
    assert found.marks() == ("08:20:00", "12:05:00")
    assert [(one.kind.value, one.punches) for one in found.findings] == [
        ("elsewhere", (f"{DAY}T08:20:00@far",)),
    ]
    assert found.fen == []


def test_e35_a_number_given_to_somebody_new() -> None:
    """The past stays with the old person, whose last day is a day like any other."""
    world = book(
        SECOND,
        enrolled("p1", "7", "to = 2026-11-02"),
        enrolled("p2", "7", "from = 2026-11-03"),
        roster(),
        roster(person="p2"),
    )
    records = [*day("7"), *day("7", on="2026-11-03")]
    assert states(judged(world, records, "p1")) == ["ok", "ok"]
    assert states(judged(world, records, "p2")) == ["found", "found"]
    assert states(judged(world, records, "p1", "2026-11-03")) == ["found", "found"]
    assert states(judged(world, records, "p2", "2026-11-03")) == ["ok", "ok"]


def test_e36_one_number_on_two_terminals_is_two_people() -> None:
    """An enrolment of one terminal says nothing about another."""
    world = book(
        SECOND,
        enrolled("p1", "7", 'terminal = "lobby"'),
        enrolled("p2", "7", 'terminal = "annex"'),
        roster(),
        roster(person="p2"),
    )
    records = day("7", "lobby")
    assert states(judged(world, records, "p1")) == ["ok", "ok"]
    assert states(judged(world, records, "p2")) == ["found", "found"]
    assert states(judged(world, day("7", "annex"), "p2")) == ["ok", "ok"]


def test_e37_one_person_with_two_numbers() -> None:
    """Signed in with one and out with the other: one person, one good day."""
    world = book(enrolled("p1", "8"), roster())
    first, second = day("1"), day("8")
    mixed = [first[0], second[1], second[2], first[3]]
    found = judged(world, mixed, "p1")
    assert (states(found), found.findings) == (["ok", "ok"], [])


def test_e38_an_unknown_number_counts_once_somebody_has_it() -> None:
    """Parked until the book knows it; then the day is another."""
    records = day("9")
    before = book(roster())
    assert list(attributed(before, records)) == [None]
    assert states(judged(before, records, "p1")) == ["found", "found"]
    after = book(roster(), enrolled("p1", "9"))
    assert states(judged(after, records, "p1")) == ["ok", "ok"]


def test_e39_numbers_are_texts() -> None:
    """«0012» and «12» are two numbers; nine digits and letters are numbers too."""
    world = book(
        SECOND,
        enrolled("p1", "0012"),
        enrolled("p2", "12"),
        enrolled("p2", "123456789"),
        enrolled("p2", "A7"),
        roster(),
    )
    told = attributed(world, [("lobby", one, f"{DAY}T08:20:00") for one in ("12",)])
    assert list(told) == ["p2"]
    names = {"0012": "p1", "123456789": "p2", "A7": "p2", "a7": None, "012": None}
    for badge, person in names.items():
        assert list(attributed(world, [("lobby", badge, f"{DAY}T08:20:00")])) == [
            person
        ]


GATE = rows("terminals", 'id = "gate"', 'serial = "G1"', 'leading_zeros = "ignored"')


@pytest.mark.parametrize(
    "mine, there, person",
    [
        ("0012", "12", "p2"),
        ("12", "00012", "p2"),
        ("0", "000", "p2"),
        ("12", "120", None),
        ("A07", "A7", None),
        ("0A7", "A7", None),
        ("\uff11\uff12", "012", None),
    ],
)
@pytest.mark.parametrize("where", ["gate", "*"])
def test_e39_a_terminal_may_ignore_leading_zeros(
    mine: str, there: str, person: str | None, where: str
) -> None:
    """What the book declares of a terminal holds on it and on no other."""
    world = book(SECOND, GATE, enrolled("p2", mine, f'terminal = "{where}"'))

    def whose(terminal: str, badge: str) -> str | None:
        return attribute(world, terminal, badge, f"{DAY}T08:20:00", RECEIVED)[0]

    assert whose("gate", there) == person
    assert whose("gate", mine) == "p2"
    assert whose("lobby", there) is None


@pytest.mark.parametrize(
    "first, second, conflict",
    [
        (("0012", "gate"), ("12", "gate"), True),
        (("0012", "*"), ("12", "*"), True),
        (("0012", "gate"), ("12", "*"), False),  # the terminal's own goes before
        (("0012", "lobby"), ("12", "lobby"), False),
        (("0012", "gate"), ("13", "gate"), False),
    ],
)
def test_e39_two_people_with_one_number_are_a_problem(
    first: tuple[str, str], second: tuple[str, str], *, conflict: bool
) -> None:
    """Where zeros are ignored, a badge of one must not be the badge of another."""
    rows_of = zip(("p1", "p2"), (first, second), strict=True)
    told = [enrolled(who, no, f'terminal = "{at}"') for who, (no, at) in rows_of]
    own = rows("people", 'id = "p1"', 'name = "甲一"', 'vendor = "acme"')
    base = 'version = "1"\n[site]\nid = "hq"\n' + rows(
        "vendors", 'id = "acme"', 'name = "甲"'
    )
    lobby = rows("terminals", 'id = "lobby"', 'serial = "L1"')
    text = "\n".join([base, lobby, GATE, own, SECOND, *told])
    found, problems = read_book(text, "book.toml")
    assert (found is None) == conflict, problems
    if conflict:
        (problem,) = problems
        assert "badge '12' is '0012' of p1 on 'gate'" in problem.reason


def test_e40_before_the_first_and_behind_the_last_day_of_a_person() -> None:
    """Punches are kept, nothing is owed; both of those days are owed."""
    person = ['id = "p2"', 'name = "甲二"', 'vendor = "acme"']
    limits = ["from = 2026-11-03", "to = 2026-11-04"]
    world = book(
        rows("people", *person, *limits), enrolled("p2", "2"), roster(person="p2")
    )
    for on, owed in (
        ("2026-11-02", 0),
        ("2026-11-03", 2),
        ("2026-11-04", 2),
        ("2026-11-05", 0),
    ):
        found = judged(world, day("2", on=on), "p2", on)
        assert len(found.sessions) == owed
        assert len(found.unassigned) == (0 if owed else 4)


def test_e49_the_hour_that_comes_twice_and_the_one_that_never_comes() -> None:
    """The wall decides: a night keeps its hours, and no time is refused or doubled.

    In New York 01:30 of 2026-11-01 is twice, 02:30 of 2026-03-08 never: such a night is
    flagged where clocks are turned, and no other night or place.
    """
    for on, next_day, odd in (
        ("2026-10-31", "2026-11-01", "01:30"),
        ("2026-03-07", "2026-03-08", "02:30"),
    ):
        night = roster("night", on)
        times = (f"{on}T19:55", f"{next_day}T{odd}", f"{next_day}T08:05")
        found = judge(times, night, day=on, extra=punches(f"{next_day}T{odd}"))
        assert found.ok()
        assert found.marks() == ("19:55:00", "08:05:00")
        left = judge((f"{on}T19:55", f"{next_day}T{odd}"), night, day=on)
        (early,) = left.findings
        owed = 6.5 if odd == "01:30" else 5.5
        assert early.seconds == owed * 3600


@pytest.mark.parametrize(
    "zone, on, flagged",
    [
        ("America/New_York", "2026-10-31", True),
        ("America/New_York", "2026-03-07", True),
        ("America/New_York", "2026-11-01", False),
        ("America/New_York", "2026-10-30", False),
        ("Asia/Shanghai", "2026-10-31", False),
    ],
)
def test_e49_a_session_in_which_clocks_are_turned_is_flagged(
    zone: str, on: str, *, flagged: bool
) -> None:
    """Whoever looks at it knows that an hour was twice, or never."""
    plain = book(roster("night", on))
    world = replace(plain, site=replace(plain.site, timezone=zone))
    next_day = date.fromisoformat(on) + timedelta(days=1)
    times = (f"{on}T19:55:00", f"{next_day}T08:05:00")
    found = judged(world, [("lobby", "1", at) for at in times], "p1", on)
    (session,) = [one for one in found.sessions if one.date.isoformat() == on]
    assert session.state is State.OK
    assert (Flag.CLOCKS_TURNED in session.flags) == flagged
