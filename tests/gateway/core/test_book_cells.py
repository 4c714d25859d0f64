"""Cells of tables: what people type, read and written."""

import json
from typing import Any

import pytest

from gateway.core.book import TABLES, cells, shape
from gateway.core.book.duty import Roster, Shift
from gateway.core.book.meanings import MEANINGS, meaning
from gateway.core.book.tables import hints
from gateway.core.toml import Document
from gateway.core.walker import Walker
from tests.gateway.core.books import EXAMPLE, read

EVERY = list(read(EXAMPLE).written.every())


def walked(table: str, data: dict[str, Any]) -> Any:
    """Return the row that a line of entries makes."""
    walker = Walker("x", Document({}, {}))
    found = walker.table(TABLES[table], shape.row(TABLES[table], data), (table,))
    assert found is not None, walker.problems
    return found


@pytest.mark.parametrize("table, row", EVERY)
def test_a_row_goes_through_cells_and_lines(table: str, row: Any) -> None:
    """A row written as cells, or as JSON, reads back as the same row."""
    fields = {"from": "from_"}
    written = {
        name: cells.cell(getattr(row, fields.get(name, name)))
        for name in cells.columns(type(row))
    }
    assert walked(table, cells.row(type(row), written)) == row
    assert walked(table, json.loads(json.dumps(cells.to_json(row)))) == row


@pytest.mark.parametrize("table", list(TABLES))
def test_every_column_says_what_it_means(table: str) -> None:
    """Each key has words in Chinese and English and a kind; ids come first."""
    cls = TABLES[table]
    columns = cells.columns(cls)
    assert set(columns) == set(hints(cls))
    assert columns[0] == "id"
    assert len(columns) == len(set(columns))
    assert columns[-3:] == ["entered_by", "entered_at", "supersedes"]
    for name in columns:
        assert " · " in meaning(table, name)
        assert cells.kind(hints(cls)[name])
    assert cells.required(cls) <= set(columns)


def test_no_meaning_is_left_over() -> None:
    """A key that no table has any more has no words either."""
    known = {n for cls in TABLES.values() for n in hints(cls)}
    known |= {f"{t}.{n}" for t, cls in TABLES.items() for n in hints(cls)}
    assert set(MEANINGS) <= known


@pytest.mark.parametrize(
    "name, text, expected",
    [
        (
            "dates",
            "2026/11/5; 2026-11-6，2026.1.7、",
            ["2026-11-05", "2026-11-06", "2026-01-07"],
        ),
        ("from", "2026-11-05T00:00:00", "2026-11-05"),
        ("from", "tomorrow", "tomorrow"),
        ("entered_at", "2026/11/5 8:30", "2026-11-05T08:30:00"),
        ("entered_at", "2026-11-05T08:30:15", "2026-11-05T08:30:15"),
        ("entered_at", "2026/11/5", "2026-11-05"),
        ("terminals", " lobby ; gate ", ["lobby", "gate"]),
        ("person", " p1 ", "p1"),
    ],
)
def test_how_people_write(name: str, text: str, expected: object) -> None:
    """Dates as spreadsheets write them, lists with any of the usual separators."""
    assert cells.row(Roster, {name: text}) == {name: expected}


def test_empty_cells_are_absent_and_unknown_columns_stay() -> None:
    """The walker names unknown keys; it must see them."""
    assert cells.row(Roster, {"to": " ", "nix": " x "}) == {"nix": " x "}


@pytest.mark.parametrize(
    "hint, text, expected",
    [
        (bool, "是", True),
        (bool, "No", False),
        (bool, "perhaps", "perhaps"),
        (int, "12", 12),
        (int, "1.5", "1.5"),
        (float, "1.5", 1.5),
        (int | None, "x", "x"),
        (str, "0042", "0042"),
    ],
)
def test_plain_values(hint: Any, text: str, expected: object) -> None:
    """What cannot be read stays text, for the walker to name."""
    assert cells.value(hint, text) == expected


def test_sessions_in_a_cell() -> None:
    """Sessions with and without breaks; what is none stays as it is."""
    found = cells.row(
        Shift, {"sessions": "8:30-12:00，13:00-18:00 (15:00-15:10+16:00至16:05)"}
    )
    assert found["sessions"] == [
        {"start": "8:30", "end": "12:00"},
        {
            "start": "13:00",
            "end": "18:00",
            "breaks": [
                {"start": "15:00", "end": "15:10"},
                {"start": "16:00", "end": "16:05"},
            ],
        },
    ]
    assert cells.row(Shift, {"sessions": "all day"})["sessions"] == ["all day"]


def test_days_of_a_shift_as_one_word() -> None:
    """`days` is a word or a list, in every way of writing a row."""
    data = {
        "id": "x",
        "sessions": [{"start": "08:00", "end": "09:00"}],
        "days": "every",
    }
    assert walked("shifts", data).days == ("every",)
    assert walked("shifts", data | {"days": ["mon", "tue"]}).days == ("mon", "tue")


def test_a_line_begins_with_its_id_and_ends_with_who_wrote_it() -> None:
    """Lines are read by people, too."""
    row = walked(
        "enrolments",
        {
            "entered_by": "x",
            "supersedes": "e0",
            "badge": "7",
            "id": "e1",
            "person": "p",
        },
    )
    names = ["id", "person", "badge", "entered_by", "supersedes"]
    assert list(cells.to_json(row)) == names


def test_json_of_other_values() -> None:
    """Mappings and plain values go through as they are."""
    assert cells.to_json({"a": (1, None)}) == {"a": [1, None]}
    assert cells.cell(True) == "true"
    assert cells.cell(None) == ""
