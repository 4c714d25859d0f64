"""entries.jsonl: one row a line, appended and never changed.

A line is a JSON object of a row's keys and `table`; dates and date-times are ISO texts.
`{"table": "leave", "row": {…}}` is read as well.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

TABLE = "table"
_ROW = "row"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: its table and row as written, or why it is none."""

    line: int
    table: str
    row: dict[str, Any]
    reason: str


def read_entries(text: str) -> Iterator[Entry]:
    """Read the lines that are not blank, each by itself."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _entry(number, line)


def _entry(number: int, line: str) -> Entry:
    try:
        found = json.loads(
            line, object_pairs_hook=_without_repeats, parse_constant=_no_constant
        )
        _encodable(found)
    except RecursionError:
        return _bad(number, "nested too deep")
    except ValueError as error:
        return _bad(number, f"not JSON: {error}")
    if not isinstance(found, dict):
        return _bad(number, 'must be an object like {"table": "leave", …}')
    table = found.pop(TABLE, None)
    if not isinstance(table, str):
        return _bad(number, 'the key "table" is missing or no text')
    row = found.get(_ROW)
    if isinstance(row, dict) and len(found) == 1:
        found = row
    return Entry(number, table, found, "")


def _bad(number: int, reason: str) -> Entry:
    return Entry(number, "", {}, reason)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _encodable(found: Any) -> None:
    """Refuse halves of characters, which no file and no terminal can show."""
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise ValueError("a text holds half a character (a lone surrogate)") from None
