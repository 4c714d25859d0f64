"""The walker: everything that is wrong, in one run, each where it stands."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.toml import parse
from gateway.core.walker import Problem, Walker, between, column, filled, key, show


class Colour(StrEnum):
    """A closed set."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Leg:
    """A row in a list."""

    length: int = key(check=between(1, 100))


@dataclass(frozen=True, slots=True)
class Thing:
    """Every kind of value that a table may have."""

    id: str = key(check=filled)
    from_: date | None = None
    weight: float = 1.0
    on: bool = False
    at: datetime | None = None
    colour: Colour = Colour.RED
    legs: tuple[Leg, ...] = ()
    codes: dict[int, Colour] | None = None
    inner: Leg | None = None
    anything: Any = None


def walk(text: str) -> tuple[Thing | None, list[Problem]]:
    """Read `text` as a `Thing` of the file t.toml."""
    document = parse(text)
    walker = Walker("t.toml", document)
    return walker.table(Thing, document.data, ()), walker.problems


def test_a_table_without_problems() -> None:
    """Every kind of value is read by its type; absent keys have their defaults."""
    thing, problems = walk(
        'id = "a"\nfrom = 2026-11-02\nweight = 2\non = true\n'
        'at = 2026-11-02T08:00:00\ncolour = "blue"\ncodes = { 15 = "red" }\n'
        "inner = { length = 3 }\nanything = [1]\n[[legs]]\nlength = 100\n"
    )
    assert problems == []
    assert thing == Thing(
        id="a",
        from_=date(2026, 11, 2),
        weight=2.0,
        on=True,
        at=datetime(2026, 11, 2, 8),  # noqa: DTZ001 - a local time as TOML has it
        colour=Colour.BLUE,
        legs=(Leg(100),),
        codes={15: Colour.RED},
        inner=Leg(3),
        anything=[1],
    )
    assert type(thing.weight) is float
    assert walk('id = "a"') == (Thing("a"), [])


def test_ten_mistakes_at_once() -> None:
    """Nothing hides behind another mistake; each names file, line, path and reason."""
    thing, problems = walk(
        'id = "  "\n'
        "from = 2026-11-02T08:00:00\n"
        'weight = "heavy"\n'
        "on = 1\n"
        "at = 2026-11-02\n"
        'colour = "green"\n'
        "codes = { x = 'red', 2 = 'pink' }\n"
        "inner = 5\n"
        "colours = 1\n"
        "zzzzzzzzz = 1\n"
        "[[legs]]\n"
        "length = 0\n"
        "[[legs]]\n"
    )
    assert thing is None
    assert sorted(map(str, problems), key=lambda line: int(line.split(":")[1])) == [
        "t.toml:1: id: must not be empty",
        (
            "t.toml:2: from: must be a date, not a date-time"
            " (datetime.datetime(2026, 11, 2, 8, 0))"
        ),
        "t.toml:3: weight: must be a number, not a text ('heavy')",
        "t.toml:4: on: must be true or false, not a whole number (1)",
        "t.toml:5: at: must be a date-time, not a date (datetime.date(2026, 11, 2))",
        "t.toml:6: colour: must be one of red, blue, not 'green'",
        "t.toml:7: codes.x: the key must be a number",
        "t.toml:7: codes.2: must be one of red, blue, not 'pink'",
        "t.toml:8: inner: must be a table",
        "t.toml:9: colours: unknown key; did you mean colour?",
        "t.toml:10: zzzzzzzzz: unknown key",
        "t.toml:12: legs[1].length: must be from 1 to 100",
        "t.toml:13: legs[2].length: is missing",
    ]


def test_lists_and_tables_must_be_such() -> None:
    """A single value is no list and a list is no table."""
    _, problems = walk("id = 'a'\nlegs = 3\ncodes = []\ncolour = 1")
    assert [(p.path, p.reason) for p in problems] == [
        ("colour", "must be one of red, blue, not 1"),
        ("legs", "must be a list"),
        ("codes", "must be a table"),
    ]


def test_rows_must_be_rows_and_bad_ones_are_left_out() -> None:
    """Good rows keep their number beside bad ones."""
    walker = Walker("t.toml", parse(""))
    assert walker.rows(Leg, {"length": 1}, ("legs",)) == []
    assert walker.problems[0].reason == "must be rows: [[legs]]"
    good = walker.rows(Leg, [{"length": 0}, {"length": 7}, 3], ("legs",))
    assert good == [(("legs", 1), Leg(7))]
    assert [p.path for p in walker.problems] == ["legs", "legs[1].length", "legs[3]"]


@pytest.mark.parametrize(
    "written, hint",
    [
        ("form", "; did you mean from?"),
        ("weigth", "; did you mean weight?"),
        ("inne", "; did you mean inner?"),
        ("legsss", "; did you mean legs?"),
        ("anythxxx", ""),
        ("something", ""),
    ],
)
def test_the_nearest_key_is_offered(written: str, hint: str) -> None:
    """Two slips of the finger still find the key; three do not."""
    _, problems = walk(f"id = 'a'\n{written} = 1")
    assert [p.reason for p in problems] == [f"unknown key{hint}"]


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "0.9", "100.1", "-1"])
def test_between_is_inclusive_and_knows_no_endless(number: str) -> None:
    """No infinity and no not-a-number passes a limit; the limits themselves do."""
    check = between(1, 100)
    assert check(float(number)) == "must be from 1 to 100"
    assert check(1) is None
    assert check(100) is None


def test_a_whole_number_too_big_for_a_float_is_a_problem() -> None:
    """A number with 400 digits is reported like any other mistake."""
    thing, problems = walk(f"id = 'a'\nweight = 1{'0' * 400}")
    assert thing is None
    assert [(p.line, p.path) for p in problems] == [(2, "weight")]


def test_a_problem_of_a_whole_file_has_no_path() -> None:
    """Without a key there is no empty one between colons."""
    assert str(Problem("a.toml", 3, "", "not TOML")) == "a.toml:3: not TOML"


def test_paths_count_rows_from_one() -> None:
    """People count rows from one."""
    assert show(("people", 1, "home", "city")) == "people[2].home.city"
    assert show(()) == ""


@given(
    st.dictionaries(
        st.sampled_from(["t", "u"]),
        st.one_of(
            st.integers(),
            st.lists(
                st.one_of(
                    st.integers(),
                    st.dictionaries(
                        st.sampled_from(["id", "x"]),
                        st.text(max_size=3) | st.integers(),
                    ),
                )
            ),
        ),
    )
)
def test_a_column_holds_the_texts_that_stand_there(data: dict[str, Any]) -> None:
    """Whatever the shape of the data, only texts of proper rows are seen."""
    found = column(data, "t", "id")
    rows = data.get("t", [])
    texts = 0
    for index, row in enumerate(rows if isinstance(rows, list) else []):
        if isinstance(row, dict) and isinstance(row.get("id"), str):
            assert found[index] == row["id"]
            texts += 1
    assert len(found) == texts
