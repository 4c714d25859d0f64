"""Rows of the book on their first and last days, and rows beside each other."""

from datetime import date

import pytest

from gateway.core.book import read_book
from gateway.core.book.standing import Act
from tests.gateway.core.judge.days import book, leave, roster, rows

BEFORE, FIRST, LAST, AFTER = (date(2026, 11, day) for day in (1, 2, 4, 5))
DATES = ("from = 2026-11-02", "to = 2026-11-04")


@pytest.mark.parametrize("day", [BEFORE, FIRST, LAST, AFTER])
def test_both_days_count(day: date) -> None:
    """Of an approver, an enrolment, a post, a roster and a contract alike."""
    found = book(
        rows("approvers", 'name = "leader1"', 'may = ["leave"]', *DATES),
        rows("enrolments", 'person = "p1"', 'badge = "7"', *DATES),
        rows("posts", 'id = "noc"', 'name = "值班"', *DATES),
        rows("roster", 'person = "p1"', 'shift = "day"', *DATES),
        contract=rows(
            "contracts",
            'id = "c1"',
            'vendor = "acme"',
            'policy = "client-contract"',
            *DATES,
        ),
    )
    within = FIRST <= day <= LAST
    post = found.post("noc")
    assert post is not None
    assert found.entitled("leader1", Act.LEAVE, day) is within
    assert not found.entitled("leader1", Act.WAIVE, day)
    assert (found.person_of("lobby", "7", day) == "p1") is within
    assert len(found.enrolled("p1", day)) == 1 + within
    assert post.covers(day) is within
    assert bool(found.assignments("p1", day)) is within
    assert (found.contract_of("p1", day) is not None) is within


def test_a_row_without_ends_counts_for_ever() -> None:
    """From the first day there is to the last."""
    found = book(
        rows("approvers", 'name = "leader1"', 'may = ["leave"]'),
        rows("posts", 'id = "noc"', "from = 2026-11-02"),
        roster(),
    )
    post = found.post("noc")
    assert post is not None
    for day in (date.min, date.max):
        assert found.entitled("leader1", Act.LEAVE, day)
    assert post.covers(date.max)
    assert found.assignments("p1", date(9999, 12, 1))


def contracts(*spans: tuple[str, str]) -> list[str]:
    """Return the problems of a vendor's contracts."""
    told = [
        rows(
            "contracts",
            f'id = "c{number}"',
            'vendor = "acme"',
            'policy = "client-contract"',
            f"from = 2026-{first}",
            f"to = 2026-{last}",
        )
        for number, (first, last) in enumerate(spans)
    ]
    head = 'version = "1"\n[site]\nid = "hq"\n[[vendors]]\nid = "acme"\nname = "甲"\n'
    _, problems = read_book(head + "".join(told), "book.toml")
    return [one.reason for one in problems]


@pytest.mark.parametrize(
    "spans, clash",
    [
        ((("01-01", "11-14"), ("11-15", "12-31")), False),
        ((("11-15", "12-31"), ("01-01", "11-14")), False),
        ((("01-01", "11-15"), ("11-15", "12-31")), True),
        ((("11-15", "12-31"), ("01-01", "11-15")), True),
        ((("01-01", "12-31"), ("03-01", "04-01")), True),
        ((("03-01", "04-01"), ("01-01", "12-31")), True),
    ],
)
def test_contracts_share_no_day(
    spans: tuple[tuple[str, str], ...], *, clash: bool
) -> None:
    """In whichever order they are written."""
    assert (contracts(*spans) == ["c0 is in force on some of these days already"]) is (
        clash
    )


def test_a_former_contract() -> None:
    """The nearest before; of the first there is none, nor of another vendor's."""
    told = [
        rows(
            "contracts",
            f'id = "c{number}"',
            f'vendor = "{vendor}"',
            'policy = "client-contract"',
            f"from = 2026-{month:02d}-01",
            f"to = 2026-{month:02d}-28",
        )
        for number, vendor, month in (
            (3, "acme", 9),
            (1, "acme", 1),
            (2, "acme", 5),
            (4, "beta", 7),
        )
    ]
    beta = rows("vendors", 'id = "beta"', 'name = "乙"')
    found = book(beta, contract="".join(told))
    names = {}
    for vendor, month in (("acme", 9), ("acme", 5), ("acme", 1), ("beta", 7)):
        one = found.contract(vendor, date(2026, month, 10))
        assert one is not None
        former = found.former(one)
        names[one.id] = former.id if former else None
    assert names == {"c3": "c2", "c2": "c1", "c1": None, "c4": None}


def warned(*told: str) -> list[str]:
    """Return the warnings about a book."""
    found = book(roster(), *told)
    return [str(one) for one in found.warnings]


def span(name: str, first: int, last: int) -> str:
    """Return a leave over some days of November."""
    return leave(
        f"2026-11-{first:02d}T08:30:00", f"2026-11-{last:02d}T17:30:00"
    ).replace('"L1"', f'"{name}"')


def test_the_leave_that_reaches_furthest_is_the_one_that_is_overlapped() -> None:
    """A long one, one within it, and one behind that within it still."""
    found = warned(span("L1", 2, 20), span("L2", 3, 4), span("L3", 9, 10))
    assert len(found) == 2
    assert all(one.endswith("leave[1]") for one in found)
    assert warned(span("L1", 2, 4), span("L2", 5, 6)) == []


def orders(*told: str) -> list[str]:
    """Return the problems of orders for one day."""
    base = [rows("days", "date = 2026-11-07", 'by = "leader1"', one) for one in told]
    head = 'version = "1"\n[site]\nid = "hq"\n'
    shift = rows(
        "shifts",
        'id = "day"',
        'sessions = [{ start = "08:30", end = "12:00" }]',
        'days = "workdays"',
    )
    _, problems = read_book(head + shift + "".join(base), "book.toml")
    return [one.reason for one in problems]


HOURS = 'sessions = [{ start = "09:00", end = "12:00" }]'
OTHER = 'sessions = [{ start = "10:00", end = "12:00" }]'
DAY = 'shifts = ["day"]\n'


@pytest.mark.parametrize(
    "one, two, clash",
    [
        ('kind = "work"', 'kind = "rest"', True),
        ('kind = "work"', 'kind = "work"', False),
        (DAY + 'kind = "work"', 'kind = "rest"', False),
        (DAY + 'kind = "work"', DAY + 'kind = "rest"', True),
        (
            'kind = "half"\nwhich = "morning"',
            'kind = "half"\nwhich = "afternoon"',
            True,
        ),
        ('kind = "work"', HOURS, False),
        (HOURS, 'kind = "work"', False),
        (HOURS, HOURS, False),
        (HOURS, OTHER, True),
        (DAY + HOURS, OTHER, False),
    ],
)
def test_orders_of_one_scope_say_one_thing(one: str, two: str, *, clash: bool) -> None:
    """Kinds against kinds and hours against hours; who is named goes by himself."""
    assert any("orders otherwise" in said for said in orders(one, two)) is clash


def test_the_history_of_a_row_is_that_row_s_alone() -> None:
    """Every edit of it as written, whichever is asked for, and nobody else's."""
    found = book(
        roster(),
        leave("2026-11-02T08:30:00", "2026-11-02T10:30:00"),
        leave(
            "2026-11-02T08:30:00", "2026-11-02T09:30:00", 'supersedes = "L1"'
        ).replace('id = "L1"', 'id = "L2"'),
        leave("2026-11-09T08:30:00", "2026-11-09T10:30:00").replace(
            'id = "L1"', 'id = "L3"'
        ),
    )
    for name in ("L1", "L2"):
        assert [one.id for one in found.history("leave", name)] == ["L1", "L2"]
    assert [one.id for one in found.history("leave", "L3")] == ["L3"]
    assert found.history("leave", "L9") == ()
