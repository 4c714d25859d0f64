"""Log lines in one grammar: event words, then keys in a fixed order.

Modules call `log.warning("terminal down", {"terminal": "lobby", "after": 3})` and need
nothing but the standard library for it. This module renders the line; values come from
terminals and networks, so everything that could break a line or a parser is quoted.
"""

import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from typing import TextIO

_SYSLOG = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}
_PRIORITY = re.compile(r"^<\d>")
_PAIR = re.compile(r"""(?:^|(?<= ))([a-z_]+)=("(?:[^"\\]|\\.)*"|\S*)""")
_LOUD_AT = (1, 10)
_LOUD_EVERY = 100


def render(event: str, values: Mapping[str, object]) -> str:
    """Write one line: `punch terminal=lobby badge=1001`."""
    return " ".join([event, *(f"{key}={_value(v)}" for key, v in values.items())])


def _value(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    if text and text != "-" and all(c.isprintable() and c not in ' "=' for c in text):
        return text
    return json.dumps(text)


def parse(line: str) -> tuple[str, dict[str, str]]:
    """Read a rendered line back: event words and values as text."""
    line = _PRIORITY.sub("", line)
    values = {
        key: json.loads(value) if value.startswith('"') else value
        for key, value in _PAIR.findall(line)
    }
    first = _PAIR.search(line)
    return (line[: first.start()] if first else line).strip(), values


def _continued(traceback: str) -> str:
    """Indent a traceback and escape hostile text: no line of it is an event."""
    lines = traceback.split("\n")
    shown = (line if line.isprintable() else json.dumps(line) for line in lines)
    return "".join(f"\n  {line}" for line in shown)


def loud(count: int) -> bool:
    """Say whether the `count`-th repetition of a failure is logged: 1, 10, 100, 200."""
    return count in _LOUD_AT or count % _LOUD_EVERY == 0


class Lines(logging.Formatter):
    """Formats records of the `punchgate` loggers; others keep their message."""

    def __init__(self, *, priority: bool = False) -> None:
        super().__init__()
        self._priority = priority

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the syslog priority in front under systemd."""
        values = record.args if isinstance(record.args, Mapping) else None
        if record.name.startswith("punchgate") and (values or not record.args):
            line = render(record.msg, values or {})
        else:
            line = render("library", {"name": record.name, "says": record.getMessage()})
        if record.exc_info:
            line += _continued(self.formatException(record.exc_info))
        if self._priority:
            level = _SYSLOG.get(record.levelno, 6)
            line = "\n".join(f"<{level}>{part}" for part in line.split("\n"))
        return line


def start(level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log line of this process to standard error."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Lines(priority="JOURNAL_STREAM" in os.environ))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("punchgate").setLevel(level.upper())
