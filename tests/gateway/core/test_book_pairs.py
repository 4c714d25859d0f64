"""What is wrong between rows: names that dangle, two that contradict each other."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.book import read_book
from tests.gateway.core.books import FILE, read
from tests.gateway.core.small_books import BASE, CONTRACT, leave, order, reasons, roster


@pytest.mark.parametrize(
    "more, expected",
    [
        (roster("late", "from = 2026-01-01"), "roster[1].shift: no shift is 'late'"),
        (
            roster("day", 'from = 2026-01-01\npost = "x"'),
            "roster[1].post: no post is 'x'",
        ),
        (
            roster("day", 'from = 2026-01-01\nterminals = ["lobby", "*"]'),
            "roster[1].terminals: no terminal is '*'",
        ),
        (
            '[[reserves]]\nvendor = "x"\nperson = "p1"\nfrom = 2026-01-01\n',
            "reserves[1].vendor: no vendor is 'x'",
        ),
        (
            '[[objections]]\nid = "O"\non = "f"\nby = "p9"\nat = 2026-12-03T10:00:00\n',
            "objections[1].by: neither a person nor a vendor is 'p9'",
        ),
        (
            (
                '[[substitutions]]\nid = "S1"\nperson = "p1"\nsubstitute = "p2"\n'
                'leave = "L9"\nhandover = ""\n'
                "from = 2026-11-05T08:30:00\nto = 2026-11-05T10:30:00\n"
            ),
            "substitutions[1].leave: no leave is 'L9'",
        ),
    ],
)
def test_references_that_dangle(more: str, expected: str) -> None:
    """A key that names a row names one that is there; empty names none."""
    assert reasons(more) == [expected]


def test_what_is_not_the_books_to_resolve() -> None:
    """Findings, cases, other sites and vendors as objectors are left alone."""
    found = read(
        BASE + '[[travel]]\na = "hq"\nb = "elsewhere"\nminutes = 5\n'
        '[[objections]]\nid = "O"\non = "f-1"\nby = "acme"\nat = 2026-12-03T10:00:00\n'
        '[[rulings]]\nid = "R"\non = "c-1"\ndecision = "dismiss"\nby = ["a"]\n'
        'at = 2026-11-12T10:00:00\nreason = "x"\n'
        '[[notices]]\nid = "N"\nvendor = "acme"\nperson = "p1"\nfinding = "f-1"\n'
        "sent_at = 2026-11-12\n"
    )
    assert found.warnings == ()


ALL = "from = 2026-01-01\nto = 2026-12-31"
CLASHES = [
    (roster("day", ALL), roster("day", "dates = [2026-11-02]"), True),
    (roster("day", ALL), roster("day", "dates = [2026-11-01]"), False),
    (roster("day", "dates = [2026-11-02]"), roster("day", ALL), True),
    (roster("day", "dates = [2026-11-01]"), roster("day", ALL), False),
    (roster("day", ALL), roster("day", ALL.replace("01-01", "06-01")), True),
    (roster("day", ALL), roster("day", "from = 2027-01-01"), False),
    (roster("day", ALL), roster("night", ALL), False),
    (roster("night", ALL), roster("early", ALL), True),
    (roster("early", ALL), roster("night", ALL), True),
    (roster("day", ALL), roster("early", ALL), False),
    (roster("day", ALL), roster("day", ALL, "p2"), False),
    (
        roster("night", "dates = [2026-11-06]"),
        roster("early", "dates = [2026-11-07]"),
        True,
    ),
    (
        roster("early", "dates = [2026-11-07]"),
        roster("night", "dates = [2026-11-06]"),
        True,
    ),
    (
        roster("night", "from = 2026-01-01\nto = 2026-11-06"),
        roster("early", "from = 2026-11-07"),
        True,
    ),
    (
        roster("early", "from = 2026-11-07"),
        roster("night", "from = 2026-01-01\nto = 2026-11-06"),
        True,
    ),
    (
        roster("night", "dates = [2026-11-05]"),
        roster("early", "dates = [2026-11-07]"),
        False,
    ),
    (
        roster("early", "dates = [2026-11-07]"),
        roster("night", "from = 2026-01-01\nto = 2026-11-06"),
        True,
    ),
    (
        roster("night", "dates = [2026-11-06]"),
        roster("early", "from = 2026-11-07"),
        True,
    ),
]


@pytest.mark.parametrize("one, two, clash", CLASHES)
def test_one_duty_at_a_time(one: str, two: str, clash: bool) -> None:  # noqa: FBT001 - a column of the table
    """Two duties of one person at the same hours contradict each other."""
    found, problems = read_book(BASE + one + two, FILE)
    assert [str(p).split(": ")[1] for p in problems] == ["roster[2].shift"] * clash
    assert (found is None) == clash
    if clash:
        assert "roster[1] is duty of the same hours on 2026-" in problems[0].reason


@pytest.mark.parametrize("days", ["dates = [2026-11-02]", ALL, ""])
@pytest.mark.parametrize("shift", ["nix", "day"])
def test_a_row_that_cannot_be_compared_is_named_for_itself(
    shift: str, days: str
) -> None:
    """Beside a row without a shift or days the others are compared all the same."""
    both = roster("day", ALL) + roster(shift, days) + roster("day", ALL + '\nid = "x"')
    found = reasons(both)
    assert "roster[3].shift: roster[1] is duty of the same hours on 2026-01-01" in found
    assert ("roster[2].shift: no shift is 'nix'" in found) == (shift == "nix")
    assert ("roster[2].from: is missing; or give dates" in found) == (not days)


days = st.dates(date(2026, 11, 1), date(2026, 11, 12))
spans = st.lists(days, min_size=1, max_size=3).map(sorted)
# A row of the roster: shift, dates, and whether it is the whole span of them.
Row = tuple[str, list[date], bool]
some_row = st.tuples(st.sampled_from(["day", "night", "early"]), spans, st.booleans())
LATE_OCTOBER = date(2026, 10, 30).toordinal()


def written(row: Row) -> str:
    """Return a row as TOML."""
    shift, dates, span = row
    several = ", ".join(map(str, dates))
    whole = f"from = {dates[0]}\nto = {dates[-1]}"
    return roster(shift, whole if span else f"dates = [{several}]")


def owed(row: Row) -> set[int]:
    """Return ten-minute marks of duty, counted day by day."""
    name, dates, span = row
    shift = read(BASE).shift(name)
    assert shift is not None
    marks: set[int] = set()
    for number in range(LATE_OCTOBER, LATE_OCTOBER + 20):
        day = date.fromordinal(number)
        week = name == "night" or (day.weekday() > 4) == (name == "early")
        if (dates[0] <= day <= dates[-1] and week) if span else day in dates:
            for session in shift.sessions:
                first, last = (second // 60 for second in session.span)
                start = number * 1440 + first
                marks |= set(range(start, start + last - first, 10))
    return marks


@given(some_row, some_row)
def test_clashes_are_those_that_a_count_finds(one: Row, two: Row) -> None:
    """Whatever the dates, a clash is found when some moment is owed twice."""
    text = BASE + written(one) + written(two) + 'id = "another"\n'
    book, problems = read_book(text, FILE)
    assert (book is None) == bool(owed(one) & owed(two)), problems


def test_a_vendor_has_one_contract_at_a_time() -> None:
    """Contracts follow each other; on a day with two nobody knows which rule counts."""
    first = CONTRACT.format("c1", "2026-01-01", "2026-11-14")
    after = CONTRACT.format("c2", "2026-11-15", "2026-12-31")
    found = read(BASE + first + after)
    days = [date(2026, 11, 14), date(2026, 11, 15), date(2027, 1, 1)]
    contracts = [found.contract_of("p1", day) for day in days]
    assert [one and one.id for one in contracts] == ["c1", "c2", None]
    again = CONTRACT.format("c2", "2026-11-14", "2026-12-31")
    assert reasons(first + again) == [
        "contracts[2].from: c1 is in force on some of these days already"
    ]


WORK, REST = order('kind = "work"'), order('kind = "rest"')


@pytest.mark.parametrize(
    "one, two, contradict",
    [
        (WORK, REST, True),
        (WORK, order('kind = "work"\nnote = "again"'), False),
        (WORK, order('kind = "rest"\npeople = ["p1"]'), False),
        (
            order('kind = "work"\npeople = ["p1"]'),
            order('kind = "rest"\npeople = ["p2", "p1"]'),
            True,
        ),
        (
            order('kind = "work"\npeople = ["p1"]'),
            order('kind = "rest"\nshifts = ["day"]'),
            False,
        ),
        (
            order('kind = "half"\nposts = ["noc"]'),
            order('kind = "half"\nwhich = "afternoon"\nposts = ["noc"]'),
            True,
        ),
        (
            order('sessions = [ { start = "09:00", end = "12:00" } ]'),
            order('sessions = [ { start = "09:00", end = "12:01" } ]'),
            True,
        ),
        (WORK, order('sessions = [ { start = "09:00", end = "12:00" } ]'), False),
    ],
)
def test_orders_for_one_day(one: str, two: str, contradict: bool) -> None:  # noqa: FBT001 - a column of the table
    """Two orders of the same scope that say different things contradict each other."""
    expected = ["days[2].date: days[1] orders otherwise for the same scope"]
    assert reasons(one + two) == expected * contradict


def test_what_is_only_odd_is_a_warning() -> None:
    """Overlapping leave and policies that come later do not stop anything."""
    contract = CONTRACT.format("c1", "2026-01-01", "2026-11-14")
    found = read(
        BASE
        + contract.replace("client-contract", "supplier-staff")
        + 'also = ["grades", "mine/own", "own.toml", "single-session", "unheard-of"]\n'
        + leave()
        + leave("2026-11-05T10:29:59", "2026-11-05T12:00:00", "L2")
        + leave("2026-11-05T12:00:00", "2026-11-05T13:00:00", "L3")
    )
    assert [f"{one.path}: {one.reason}" for one in found.warnings] == [
        (
            "contracts[1].policy: the policy 'supplier-staff' is not built;"
            " nothing by it"
        ),
        "contracts[1].also: the policy 'grades' is not built; nothing by it",
        "contracts[1].also: the policy 'unheard-of' is not built; nothing by it",
        "leave[2].from: overlaps a leave of the same person, leave[1]",
    ]
