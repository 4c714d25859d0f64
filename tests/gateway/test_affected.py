"""Whose verdicts a changed book may change."""

from datetime import date

import pytest

from gateway import affected
from gateway.core.book import Book
from tests.gateway.core.judge.days import book, leave, roster, rows

FIRST, LAST = date(2026, 10, 1), date(2026, 11, 15)
OLD = "2026-05-04"
BOTH = (roster(), rows("people", 'id = "p2"', 'name = "甲二"', 'vendor = "acme"'))


def what(before: Book, after: Book) -> set[tuple[str | None, str, str]]:
    """Return whose verdicts, of which dates."""
    return {
        (one.person, str(one.first), str(one.last))
        for one in affected.of(before, after, FIRST, LAST)
    }


WINDOW = (str(FIRST), str(LAST))


def test_the_same_book_changes_nothing() -> None:
    """However often it is read."""
    assert what(book(*BOTH), book(*BOTH)) == set()


def test_a_leave_concerns_its_person_and_its_days() -> None:
    """With the days around: overstayed, joined, over midnight; old ones too."""
    told = book(*BOTH, leave("2026-11-04T08:30:00", "2026-11-04T12:00:00"))
    assert what(book(*BOTH), told) == {("p1", "2026-11-01", "2026-11-07")}
    old = leave(f"{OLD}T08:30:00", f"{OLD}T12:00:00", applied="2026-05-01T09:00:00")
    assert what(book(*BOTH, old), book(*BOTH)) == {("p1", "2026-05-01", "2026-05-07")}


@pytest.mark.parametrize(
    "row, person",
    [
        (roster(person="p2"), "p2"),
        (rows("enrolments", 'person = "p2"', 'badge = "2"'), "p2"),
        (rows("people", 'id = "p3"', 'name = "甲三"', 'vendor = "acme"'), "p3"),
        (rows("approvers", 'name = "x"', 'may = ["leave"]'), None),
    ],
)
def test_rows_that_stand_concern_the_whole_window(row: str, person: str | None) -> None:
    """Of their person, or of everybody where none is named."""
    assert what(book(*BOTH), book(*BOTH, row)) == {(person, *WINDOW)}


def test_an_order_for_a_day_concerns_everybody_around_it() -> None:
    """Nobody is named in it."""
    order = rows("days", "date = 2026-11-04", 'kind = "rest"', 'by = "leader1"')
    told = {(None, "2026-11-01", "2026-11-07")}
    assert what(book(*BOTH), book(*BOTH, order)) == told


def test_days_to_come_concern_nobody_yet() -> None:
    """They are judged when they come."""
    told = book(*BOTH, leave("2026-12-04T08:30:00", "2026-12-04T12:00:00"))
    assert what(book(*BOTH), told) == set()


def test_a_ruling_names_findings_and_punches() -> None:
    """Verdicts that have them are judged again, however old."""
    ruling = rows(
        "rulings",
        'id = "R1"',
        'on = "f1_x"',
        'decision = "waive"',
        'by = ["leader1"]',
        "at = 2026-11-04T10:00:00",
        'reason = "x"',
    )
    told = book(*BOTH, ruling)
    assert affected.named(book(*BOTH), told) == {"f1_x"}
    assert affected.named(told, told) == set()
