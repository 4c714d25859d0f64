"""Reads a log line back: event words, then `key=value` in order.

A value is a bare text without blanks, quotes and equal signs, a JSON string, or `-` for
none. Written from the grammar in the documents, not from the code that renders.
"""

import json
import re
from dataclasses import dataclass

_PRIORITY = re.compile(r"<([0-7])>")
_WORDS = re.compile(r"[a-z]+(?: [a-z]+)*(?= [a-z_]+=|$)")
_PAIR = re.compile(r' ([a-z_]+)=("(?:[^"\\]|\\.)*"|[^ "=]+)')


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


def _value(written: str) -> str | None:
    if written == "-":
        return None
    return str(json.loads(written)) if written.startswith('"') else written
