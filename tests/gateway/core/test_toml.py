"""The line finder against generated documents and against hard ones by hand."""

import json
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.toml import Path, TomlError, lines_of, parse

BARE = st.text("abcXYZ019_-", min_size=1, max_size=6)
ANY = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8
)
# What a value may look like, from one line to many; each is followed by nothing else.
VALUES = [
    "1",
    '"text with # and [ and \\" in it"',
    "'literal \\'",
    "2026-11-02T08:00:00",
    "[1, 2, 3]  # [ behind a value",
    '[\n  "a]", # a comment with ]\n\n  [1,\n2],\n]',
    '"""\n[no.header]\nkey = 1\n"""',
    '"""one line"""',
    '"""ends with a quote\\""""',
    '"""two quotes at the end"""""',
    "'''\nit's [[no]] header\n'''",
    "'''x''''",
    '["""a"""", 1]',
    '{ inner = 1, "other key" = [ { x = 1 } ] }',
    '"""\\\n   joined \\\n   lines"""',
    '"""\n""\n"""',
]
FILLERS = ["", "# a comment = 1", "   ", "# [header]", "# line\u2028separator \x85"]


@dataclass
class Written:
    """A document in the making, and where its keys stand."""

    lines: list[str] = field(default_factory=list)
    expected: dict[Path, int] = field(default_factory=dict)

    def add(self, text: str, path: Path | None = None) -> None:
        """Write `text`; `path` is what begins on its first line."""
        if path is not None:
            self.expected[path] = len(self.lines) + 1
        self.lines += text.split("\n")


def quoted(name: str) -> str:
    """Write a key as a basic string, as JSON does, which TOML understands."""
    return json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")


@st.composite
def documents(draw: st.DrawFn) -> Written:
    """Documents of tables, arrays of tables, all kinds of keys and values."""
    written = Written()
    prefix: Path = ()
    arrays = Counter[str]()
    for index in range(draw(st.integers(0, 4))):
        if index:
            name = draw(BARE)
            if draw(st.booleans()):
                name = f"rows_{name}"
                prefix = (name, arrays[name])
                arrays[name] += 1
                written.add(f"[[ {name} ]]  # [a]", prefix)
            else:
                prefix = (f"t{index}", name)
                written.add(f"  [t{index} . {quoted(name)}]", prefix)
        for number, key in enumerate(draw(st.lists(BARE | ANY, max_size=4))):
            written.add(draw(st.sampled_from(FILLERS)))
            name = f"{number}{key}"
            value = draw(st.sampled_from(VALUES))
            shown = quoted(name)
            if draw(st.booleans()):
                written.add(f"{shown} = {value}", (*prefix, name))
            else:
                written.add(
                    f"{shown}.'dotted' .x= {value}", (*prefix, name, "dotted", "x")
                )
    return written


@given(documents(), st.sampled_from(["\n", "\r\n"]))
def test_every_key_has_its_line(written: Written, end: str) -> None:
    """A key's line is where the key stands, whatever stands before it."""
    document = parse(end.join(written.lines))
    assert {path: document.line(path) for path in written.expected} == written.expected


def test_a_row_of_a_table_in_a_row() -> None:
    """Tables and arrays inside a row of an array belong to the newest row."""
    text = (
        "[[people]]\nid = 1\n[people.home]\ncity = 1\n[[people.cars]]\nplate = 1\n"
        "[[people]]\n[[people.cars]]\n[[people.cars]]\nplate = 2\n"
    )
    lines = parse(text).lines
    assert lines["people", 0, "home", "city"] == 4
    assert lines["people", 0, "cars", 0, "plate"] == 6
    assert lines["people", 1, "cars", 0] == 8
    assert lines["people", 1, "cars", 1, "plate"] == 10


def test_a_path_without_a_line_has_the_line_of_what_holds_it() -> None:
    """Keys of inline tables and missing keys are shown where their table stands."""
    document = parse('\n[a]\nb = { c = 1 }\nd = ["x",\n"y"]\n')
    assert document.line(("a", "b", "c")) == 3
    assert document.line(("a", "d", 1)) == 4
    assert document.line(("a", "missing")) == 2
    assert document.line(("missing",)) == 1
    assert document.line(()) == 1


def test_escaped_quotes_in_a_key_do_not_open_anything() -> None:
    """A bracket behind an escaped quote in a key is no open array."""
    assert lines_of('"a\\"[" = 1\nb = 2\n') == {('a"[',): 1, ("b",): 2}


def test_unicode_line_ends_do_not_count() -> None:
    """Only a line feed ends a line; an editor counts so too."""
    text = 'a = "one\u2028two\x85three"\nb = 2\n'
    assert parse(text).line(("b",)) == 2


@pytest.mark.parametrize(
    "text, line",
    [("a = 1\nb = = 2\n", 2), ("a = 1\na = 2\n", 2), ('\n\na = "open', 3), ("[a", 1)],
)
def test_what_is_no_toml_says_where(text: str, line: int) -> None:
    """The line of a mistake is in the error, its place is not said twice."""
    with pytest.raises(TomlError, match=f"^line {line}: ") as caught:
        parse(text)
    assert caught.value.line == line
    assert caught.value.reason
    assert "at line" not in caught.value.reason


def test_what_is_no_key_has_no_line() -> None:
    """The line finder goes through any text; `tomllib` has refused this one."""
    assert lines_of("= 1\nx = 1")[("x",)] == 2
