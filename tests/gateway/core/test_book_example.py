"""The documented example taken apart: every key is read, every slip is named."""

import json
import re
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.book import TABLES, cells, read_book
from gateway.core.book.tables import hints
from tests.gateway.core.books import (
    EXAMPLE,
    FILE,
    ROWS,
    Piece,
    joined,
    pieces,
    read,
    wrong,
)

KEY = re.compile(r"^(?:# )?(\w+) = ")
DATA = tomllib.loads(EXAMPLE)


def keys() -> list[tuple[int, str, str]]:
    """Return line, table and name of every key of the example."""
    found = []
    for piece in pieces():
        for offset, line in enumerate(piece.lines):
            if (match := KEY.match(line)) and not line.startswith("#"):
                found.append((piece.first + offset, piece.table, match[1]))
    return found


def test_the_example_is_cut_where_its_rows_are() -> None:
    """The pieces below are the example, row for row."""
    assert joined(pieces()) == EXAMPLE
    assert {piece.table for piece in ROWS} == set(TABLES)
    assert len(ROWS) == sum(len(DATA[table]) for table in TABLES)
    assert len(keys()) > 200


@pytest.mark.parametrize("line, table, name", keys())
def test_every_key_is_read(line: int, table: str, name: str) -> None:
    """A value of a wrong type is a problem at its line: no key goes unread."""
    lines = EXAMPLE.split("\n")
    assert lines[line - 1].startswith(f"{name} = ")
    lines[line - 1] = f"{name} = {{ of = [1.5] }}"
    # A list over several lines would leave its rest behind.
    found, problems = read_book("\n".join(lines), FILE)
    assert found is None
    assert (line, True) in [
        (problem.line, problem.path.split(".")[-1].startswith(name))
        for problem in problems
    ]


@pytest.mark.parametrize("table", list(TABLES))
def test_the_example_shows_every_key(table: str) -> None:
    """Every key that is understood is in the example, so that people find it."""
    shown = {name for one, name in ((t, n) for _, t, n in keys()) if one == table}
    commented = {
        "days": {"which", "shifts", "posts"},
        "approvers": {"to"},
        "reserves": {"to"},
    }
    usual = {"entered_by", "entered_at", "supersedes"}
    known = set(hints(TABLES[table]))
    needs_no_id = {"id"} - cells.required(TABLES[table])
    assert known - shown - commented.get(table, set()) - usual - needs_no_id == set()
    assert shown <= known


@pytest.mark.parametrize(
    "piece", ROWS, ids=lambda piece: f"{piece.table}-{piece.first}"
)
def test_a_row_twice_is_a_problem_at_its_line(piece: Piece) -> None:
    """The same row again is named, with the line of the second one."""
    behind = EXAMPLE + "\n" + piece.text
    first = EXAMPLE.count("\n") + 2
    found = wrong(behind)
    assert any(first <= int(one.split(":")[0]) for one in found), found


@pytest.mark.parametrize(
    "piece", ROWS, ids=lambda piece: f"{piece.table}-{piece.first}"
)
def test_a_row_missing_is_named_where_others_need_it(piece: Piece) -> None:
    """Without a row the book reads, or names the lines that refer to it."""
    rest = [one for one in pieces() if one.first != piece.first]
    text = joined(rest)
    found = wrong(text)
    row = tomllib.loads(piece.text)[piece.table][0]
    for one in found:
        line = text.split("\n")[int(one.split(":")[0]) - 1]
        assert repr(row["id"]).replace("'", '"') in line, one


@pytest.mark.parametrize(
    "piece", ROWS, ids=lambda piece: f"{piece.table}-{piece.first}"
)
@pytest.mark.parametrize("garble", ["nonsense = 1", "id = 7", "from = 1", "x.y = 1"])
def test_a_garbled_row_is_named(piece: Piece, garble: str) -> None:
    """A slip in a row is a problem inside that row's lines, whatever the row."""
    name = garble.split(" ", maxsplit=1)[0]
    kept = [line for line in piece.lines if not line.startswith(f"{name} = ")]
    slip = Piece(piece.table, piece.first, (kept[0], garble, *kept[1:]))
    text = joined([slip if one == piece else one for one in pieces()])
    found, problems = read_book(text, FILE)
    assert found is None
    inside = [one for one in problems if piece.first <= one.line <= piece.last + 1]
    assert inside, [str(one) for one in problems]


@given(st.data())
def test_no_text_breaks_the_reader(data: st.DataObject) -> None:
    """Any cut, any byte changed: a book or problems, never an error."""
    start = data.draw(st.integers(0, len(EXAMPLE)))
    end = data.draw(st.integers(start, min(len(EXAMPLE), start + 40)))
    more = data.draw(
        st.text(max_size=8) | st.sampled_from(["[", "{", '"', "9999-12-31"])
    )
    text = EXAMPLE[:start] + more + EXAMPLE[end:]
    found, problems = read_book(text, FILE)
    assert (found is None) == bool(problems)
    assert all(problem.line >= 1 and problem.reason for problem in problems)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=4,
)


@given(st.sampled_from(sorted(TABLES)), st.data())
def test_no_entry_breaks_the_reader(table: str, data: st.DataObject) -> None:
    """A row of entries with any value at any key: a book or problems at its line."""
    row = json.loads(json.dumps(cells.to_json(read(EXAMPLE).written.of(table)[0])))
    for name in data.draw(st.sets(st.sampled_from(sorted(hints(TABLES[table]))))):
        row[name] = data.draw(json_values)
    line = json.dumps({"table": table, **row}, ensure_ascii=False)
    found, problems = read_book(EXAMPLE, FILE, "\n" + line)
    assert (found is None) == bool(problems)
    assert {one.line for one in problems if one.file != FILE} <= {2}


def moved(table: str) -> tuple[str, str]:
    """Return the example with the rows of a table as lines of entries instead."""
    kept = [piece for piece in pieces() if piece.table != table]
    rows: list[Any] = [cells.to_json(row) for row in read(EXAMPLE).written.of(table)]
    lines = [json.dumps({"table": table, **row}, ensure_ascii=False) for row in rows]
    return joined(kept), "\n".join(lines) + "\n"


@pytest.mark.parametrize("table", list(TABLES))
def test_rows_mean_the_same_in_both_files(table: str) -> None:
    """A table may stand in book.toml or come as entries: the rows are equal."""
    text, entries = moved(table)
    assert read(text, entries).written == read(EXAMPLE).written
