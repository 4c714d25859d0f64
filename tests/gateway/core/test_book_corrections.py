"""Rows that replace others: which one counts, and whom it speaks of."""

from datetime import date, datetime

import pytest

from tests.gateway.core.books import read, wrong
from tests.gateway.core.small_books import BASE, correction, leave, line

DAY_OF_LEAVE = datetime(2026, 11, 5), datetime(2026, 11, 6)  # noqa: DTZ001 - local


def test_the_newest_row_counts_and_all_stay_visible() -> None:
    """A chain of three: the last one counts, by every id; the rows all stand there."""
    found = read(BASE + leave(), correction("L2", "L1") + correction("L3", "L2"))
    assert [row.id for row in found.leave("p1", *DAY_OF_LEAVE)] == ["L3"]
    assert [found.row("leave", name).id for name in ("L1", "L2", "L3")] == ["L3"] * 3
    assert [row.id for row in found.history("leave", "L2")] == ["L1", "L2", "L3"]
    assert found.history("leave", "L9") == ()
    assert found.row("leave", "L9") is None
    assert [row.id for row in found.written.leave] == ["L1", "L2", "L3"]
    assert found.warnings == ()


@pytest.mark.parametrize(
    "one, two, counts",
    [
        ({}, {}, "L3"),
        ({"entered_at": "2026-11-06T08:00:00"}, {}, "L2"),
        (
            {"entered_at": "2026-11-06T08:00:00"},
            {"entered_at": "2026-11-06T08:00:01"},
            "L3",
        ),
    ],
)
def test_two_edits_of_one_row(
    one: dict[str, object], two: dict[str, object], counts: str
) -> None:
    """Both are kept, the newest counts, and somebody is told (E121)."""
    entries = correction("L2", "L1", **one) + correction("L3", "L1", **two)
    found = read(BASE + leave(), entries)
    assert found.row("leave", "L1").id == counts
    assert len(found.history("leave", "L1")) == 3
    (warning,) = found.warnings
    other = {"L2": 2, "L3": 1}[counts]
    assert (warning.file, warning.line) == ("entries.jsonl", other)
    assert warning.reason.startswith("'L1' is replaced here and in entries.jsonl:")


def test_rows_that_replace_nothing_or_themselves() -> None:
    """An unknown id, and circles of one and two rows, are problems of each row."""
    found = wrong(
        BASE,
        correction("L1", "L9")
        + correction("L2", "L2")
        + correction("L3", "L4")
        + correction("L4", "L3")
        + correction("L5", "L3"),
    )
    circle = "leave.supersedes: goes round in a circle back to this row"
    assert found == [
        "1: leave.supersedes: no row of leave has the id 'L9'",
        f"2: {circle}",
        f"3: {circle}",
        f"4: {circle}",
    ]


def test_who_is_corrected_stays_who_they_are() -> None:
    """A new row for a person changes what is said of them, never who is meant."""
    entries = line("people", id="p1b", name="甲壹", supersedes="p1", vendor="acme")
    entries += line("enrolments", person="p1b", badge="7")
    entries += line("enrolments", person="p1", badge="8")
    found = read(BASE, entries)
    assert [row.id for row in found.people] == ["p1", "p2"]
    assert [row.name for row in found.people] == ["甲壹", "甲二"]
    badges = [found.person_of("lobby", badge, date(2026, 1, 1)) for badge in "78"]
    assert badges == ["p1", "p1"]
    person = found.person("p1b")
    assert person is not None
    assert person.id == "p1"


def test_a_row_without_an_id_can_replace_one() -> None:
    """Seldom named rows need an id only to be replaced."""
    entries = line("roster", id="r1", person="p1", shift="day", dates=["2026-11-02"])
    entries += line(
        "roster", person="p1", shift="night", dates=["2026-11-02"], supersedes="r1"
    )
    found = read(BASE, entries)
    (one,) = found.assignments("p1", date(2026, 11, 2))
    assert one.shift.id == "night"
    assert found.name_of(one.roster) == "entries.jsonl:2"
    assert found.row("roster", "r1") is one.roster


def test_a_list_within_a_key_keeps_its_own_ids() -> None:
    """Corrected people are meant also inside lists."""
    entries = line("people", id="p1b", name="甲壹", supersedes="p1")
    entries += line(
        "days", date="2026-11-14", kind="work", by="l", people=["p2", "p1b"]
    )
    found = read(BASE, entries)
    assert found.rows.days[0].people == ("p2", "p1")
    assert found.written.days[0].people == ("p2", "p1b")
