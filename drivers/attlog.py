"""Attendance log as text: the six columns terminals write to a USB disk.

User id, `YYYY-MM-DD HH:MM:SS`, device id, state, verify, work code, tab separated; the
id right-aligned (zk-protocol 10.1). The virtual terminal keeps its memory in this form.
"""

import re
from dataclasses import dataclass

_COLUMNS = 6
_BADGE_WIDTH = 9
_MOST = (0xFFFF, 0xFF, 0xFF, 0xFFFFFFFF)
_NAMES = ("device id", "state", "verify", "work code")
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_NUMBER = re.compile(r"\d{1,10}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AttlogLine:
    """One line. `at` is device local time `YYYY-MM-DDTHH:MM:SS`, not looked at here."""

    badge: str
    at: str
    device: int = 1
    state: int = 0
    verify: int = 1
    work: int = 0


def format_line(line: AttlogLine) -> str:
    """Text of a line without its end.

    Raises:
        ValueError: a badge that would read back as something else.
    """
    if line.badge != line.badge.strip(" ") or set(line.badge) & set("\t\r\n"):
        raise ValueError(f"a log line cannot hold the badge {line.badge!r}")
    at = line.at.replace("T", " ")
    codes = (line.device, line.state, line.verify, line.work)
    return "\t".join((line.badge.rjust(_BADGE_WIDTH), at, *map(str, codes)))


def parse_line(text: str) -> AttlogLine:
    """Read one line, its end stripped or not.

    Raises:
        ValueError: another number of columns, no time, or a number out of range.
    """
    columns = text.rstrip("\r\n").split("\t")
    if len(columns) != _COLUMNS:
        raise ValueError(f"{len(columns)} columns instead of {_COLUMNS}")
    badge, at, *codes = columns
    if _TIME.fullmatch(at) is None:
        raise ValueError(f"no time YYYY-MM-DD HH:MM:SS: {at!r}")
    numbers: list[int] = []
    for name, code, most in zip(_NAMES, codes, _MOST, strict=True):
        if _NUMBER.fullmatch(code) is None or int(code) > most:
            raise ValueError(f"no {name} of 0 to {most}: {code!r}")
        numbers.append(int(code))
    return AttlogLine(badge.strip(" "), at.replace(" ", "T"), *numbers)
