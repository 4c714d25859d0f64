"""Reads a log line back: event words, then `key=value` in order.

A value is a bare text without blanks, quotes and equal signs, a JSON string, or `-` for
none. Written from the grammar in the documents, not from the code that renders.
Which events there are, with which keys and level, is read from docs/logs.md.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

_PRIORITY = re.compile(r"<([0-7])>")
_WORDS = re.compile(r"[a-z]+(?: [a-z]+)*(?= [a-z_]+=|$)")
_PAIR = re.compile(r' ([a-z_]+)=("(?:[^"\\]|\\.)*"|[^ "=]+)')
_ROW = re.compile(r"^\| `([a-z ]+)` \| ([a-z_ ]+) \| (\w+) \|", re.MULTILINE)
_DOCUMENT = Path(__file__).parents[1] / "docs" / "logs.md"

PRIORITIES = {"info": 6, "warning": 4, "error": 3, "critical": 2}
# What the table says in words: keys that may follow, and levels beside the usual one.
_MAY_FOLLOW = {"punch": ["reason"]}
_OTHER_LEVEL = {"uplink rewound": "info"}


@dataclass(frozen=True, slots=True)
class Documented:
    """A row of the table."""

    keys: list[str]
    level: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the log; `values` has None for `-` and texts for all else."""

    event: str
    values: dict[str, str | None]
    priority: int | None = None


def parse(line: str) -> Line:
    """Read one line.

    Raises:
        ValueError: when the line is not of the grammar.
    """
    if not line.isprintable():
        raise ValueError(f"control characters in {line!r}")
    priority = _PRIORITY.match(line)
    rest = line[priority.end() :] if priority else line
    words = _WORDS.match(rest)
    if not words:
        raise ValueError(f"no event words in {line!r}")
    values: dict[str, str | None] = {}
    position = words.end()
    while position < len(rest):
        pair = _PAIR.match(rest, position)
        if not pair or pair[1] in values:
            raise ValueError(f"no key=value at {position} of {line!r}")
        values[pair[1]] = _value(pair[2])
        position = pair.end()
    return Line(words[0], values, int(priority[1]) if priority else None)


def documented() -> dict[str, Documented]:
    """Read the table of docs/logs.md: event → keys in order, level."""
    rows = _ROW.findall(_DOCUMENT.read_text("utf-8"))
    return {event: Documented(keys.split(), level) for event, keys, level in rows}


def problems(text: str) -> list[str]:
    """Return what is wrong with the standard error of a process, line by line.

    A sentence for people (`punchgate: …`) may stand among the lines, and a line that
    begins with two blanks continues the one before.
    """
    known = documented()
    found = []
    for line in text.splitlines():
        rest = _PRIORITY.sub("", line)
        if not rest.startswith(("  ", "punchgate: ")) and (
            why := _against(line, known)
        ):
            found.append(f"{why}: {line}")
    return found


def _against(line: str, known: dict[str, Documented]) -> str | None:
    """Say what a line has against the table, or None."""
    try:
        read = parse(line)
    except ValueError as error:
        return str(error)
    row = known.get(read.event)
    if row is None:
        return "not in docs/logs.md"
    if list(read.values) not in (row.keys, row.keys + _MAY_FOLLOW.get(read.event, [])):
        return f"keys are not {' '.join(row.keys)}"
    levels = {row.level, _OTHER_LEVEL.get(read.event, row.level)}
    if read.priority not in (None, *(PRIORITIES[level] for level in levels)):
        return f"level is not {row.level}"
    return None


def _value(written: str) -> str | None:
    if written == "-":
        return None
    return str(json.loads(written)) if written.startswith('"') else written
