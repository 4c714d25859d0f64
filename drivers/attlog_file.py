"""Attendance exports from a USB stick, as terminals of many years have written them.

Columns are known by what is in them: the date says where the codes begin, the badge
stands first. What cannot be read for certain is refused with its line and the reason;
nothing is guessed (zk-protocol 10.1). The third column of the usual form is the
terminal's own number and no state.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from drivers.attlog_lines import MOST_BYTES, TextLine, read_lines

UNKNOWN_CODE = 255
_MOST_BADGE = 24
_DATE = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?",
    re.ASCII,
)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_USUAL = re.compile(
    r"(\d{1,24})\t(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)"
    r"\t(\d{1,9})\t(\d{1,3})\t(\d{1,3})\t(\d{1,9})",
    re.ASCII,
)
_NUMBER = re.compile(r"\d{1,10}", re.ASCII)
# What is left of a record whose end is lost looks so beside the next one's badge.
_REMNANT = re.compile(r"[\d:/. -]+|.*\d{4}[-/.].*|.*\s{2}\S*\d\S*", re.ASCII)
# Letters and digits, or digits that are too many for a user number that was cut.
_SERIAL = re.compile(r"\d{6,24}|(?=.*\d)(?=.*[A-Za-z])[\w.-]{4,24}", re.ASCII)
_MARKS = ("\t", ";", ",")
_HEADINGS = 3
_PADDING = "\0\x1a \t\r\n\ufeff"
_CODES = ("device", "state", "verify", "work code")
_MOST_CODES = len(_CODES)
_MOST = {"state": 255, "verify": 255, "work code": 0xFFFFFFFF}


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One record of an export, and the line it stands in.

    `at` is device local time `YYYY-MM-DDTHH:MM:SS`, its date possibly impossible. A
    code that the line does not have is 255, which terminals write for «not set».
    `raw` is the line without padding and names: what identifies the record.
    """

    line: int
    badge: str
    at: str
    verify: int
    state: int
    work: int | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no record, and why; `line` counts from 1."""

    line: int
    reason: str


class FileError(Exception):
    """The file as a whole cannot be read, in words."""


class _NoRecordError(ValueError):
    """Why a line is no record."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns in front of date and time, and behind them."""

    front: list[str]
    at: str
    behind: list[str]


def read_file(
    path: Path, progress: Callable[[int], object] = lambda _: None
) -> Iterator[FileRecord | BadLine]:
    """Yield every record and every line that is none, in file order.

    Blank lines and the headings of columns are nothing. Some exports have the
    terminal's serial as their first and a checksum as their last line: these are
    nothing either. `progress` is told how many bytes were read so far.

    Raises:
        FileError: no file, not readable, or changed while it was read.
    """
    try:
        with path.open("rb") as file:
            before = _stamp(os.fstat(file.fileno()))

            def check(read: int) -> None:
                progress(read)
                if _stamp(path.stat()) != before:
                    _changed(path)

            yield from _found(read_lines(file, check))
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error


def serial_in(path: Path) -> str:
    """Return the serial in the first line of an export; empty where there is none.

    Raises:
        FileError: no file, or not readable.
    """
    try:
        with path.open("rb") as file:
            for line in read_lines(file, lambda _: None):
                text = line.text.strip(_PADDING)
                if text or line.is_too_long:
                    return text if _SERIAL.fullmatch(text) else ""
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error
    return ""


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    """Return what changes when somebody writes or replaces a file."""
    return found.st_ino, found.st_size, found.st_mtime_ns


def _changed(path: Path) -> NoReturn:
    raise FileError(
        f"{path} was changed or replaced while it was read; import it again,"
        " nothing is counted twice"
    )


def _found(lines: Iterator[TextLine]) -> Iterator[FileRecord | BadLine]:
    """Tell records, bad lines and the lines around them apart."""
    first = True
    headed = False
    held: BadLine | None = None
    columns = 0
    for line in lines:
        text = line.text.strip(_PADDING)
        if not text and not line.is_too_long:
            continue
        if held is not None:
            yield held  # it was not the last line after all
            held = None
        was_first, first = first, False
        if was_first and (_SERIAL.fullmatch(text) or _is_heading(text)):
            headed = bool(_SERIAL.fullmatch(text))
            continue
        found = _usual(line, text) or _read(line, columns)
        if isinstance(found, FileRecord):
            columns = found.raw.count(b"\t")
        if isinstance(found, BadLine) and headed and _may_be_checksum(line.text):
            held = found
        else:
            yield found


def _usual(line: TextLine, text: str) -> FileRecord | None:
    """Read the form nearly all exports have, at once; None for every other line.

    What this reads, the long way reads alike: a test compares them.
    """
    match = _USUAL.fullmatch(text)
    if match is None or not line.is_ended:
        return None
    badge, day, time, device, state, verify, work = match.groups()
    codes = int(verify), int(state), int(work)
    if codes[0] > UNKNOWN_CODE or codes[1] > UNKNOWN_CODE:
        return None
    raw = f"{badge}\t{day}T{time}\t{device}\t{state}\t{verify}\t{work}"
    return FileRecord(line.number, badge, f"{day}T{time}", *codes, raw.encode())


def _is_heading(text: str) -> bool:
    """Say whether a line names columns: several, and no digit in any."""
    names = next((text.split(mark) for mark in _MARKS if mark in text), [])
    wordy = all(name.strip() and name.isprintable() for name in names)
    return len(names) >= _HEADINGS and wordy and not re.search(r"\d", text)


def _may_be_checksum(text: str) -> bool:
    """Say whether a line is one word; behind padding it is a number that was cut."""
    text = text.rstrip(_PADDING).lstrip("\0\ufeff")
    return text.isprintable() and not any(c in " ,;" for c in text)


def _read(line: TextLine, columns: int) -> FileRecord | BadLine:
    """Read one line; `columns` is how many separators the record before it had."""
    if line.is_too_long:
        return BadLine(line.number, f"longer than {MOST_BYTES} bytes")
    try:
        found = _record(line.number, _columns(line.text))
    except _NoRecordError as error:
        return BadLine(line.number, str(error))
    if found.raw.count(b"\t") < columns and not line.is_ended:
        return BadLine(line.number, "cut off: fewer columns than before it")
    return found


def _columns(text: str) -> _Columns:
    """Columns by tab, else by semicolon or comma, else by blanks."""
    for mark in _MARKS:
        if mark in text:
            quotes = _PADDING if mark == "\t" else _PADDING + '"'
            return _marked([column.strip(quotes) for column in text.split(mark)], text)
    text = text.strip(_PADDING)
    match = _DATE.search(text)
    if match is None or match[4] is None:
        raise _no_date(text)
    front = text[: match.start()].split()
    # «7 Wang Li»: a number and a name. «a b»: nobody knows.
    if len(front) > 1 and not _NUMBER.fullmatch(front[0]):
        raise _NoRecordError("which column is the user number is not clear")
    return _Columns(front, _at(match, match.groups()[3:]), text[match.end() :].split())


def _marked(columns: list[str], text: str) -> _Columns:
    """Find date and time, in one column or in two that stand side by side."""
    for index, column in enumerate(columns):
        match = _DATE.fullmatch(column)
        if match is None:
            continue
        behind = columns[index + 1 :]
        if match[4] is not None:
            return _Columns(columns[:index], _at(match, match.groups()[3:]), behind)
        time = _TIME.fullmatch(behind[0]) if behind else None
        if time is None:
            raise _NoRecordError(f"a date without a time: {column!r}")
        return _Columns(columns[:index], _at(match, time.groups()), behind[1:])
    raise _no_date(text)


def _no_date(text: str) -> _NoRecordError:
    return _NoRecordError(f"no date and time in {text.strip(_PADDING)[:60]!r}")


def _at(date: re.Match[str], clock: tuple[str | None, ...]) -> str:
    """Write date and time in one form; a date that does not exist keeps its digits."""
    hour, minute, second = clock
    if second is None:
        raise _NoRecordError("a time without seconds, which tell punches apart")
    day = f"{date[1]}-{date[2]:>02}-{date[3]:>02}"
    return f"{day}T{hour or '':>02}:{minute}:{second}"


def _record(number: int, columns: _Columns) -> FileRecord:
    """Make a record of columns that are certain."""
    badge = columns.front[0] if columns.front else ""
    if not badge:
        raise _NoRecordError("no user number in front of the date")
    if len(badge) > _MOST_BADGE or not badge.isprintable() or "\ufffd" in badge:
        raise _NoRecordError(f"no user number: {badge[:_MOST_BADGE]!r}")
    # A name may stand between badge and date: it is nobody's business here. Anything
    # else there means that these columns are not of one record.
    names = [name for name in columns.front[1:] if name and name != badge]
    if "  " in badge or any(_REMNANT.fullmatch(name) or "\0" in name for name in names):
        raise _NoRecordError("which column is the user number is not clear")
    behind = columns.behind
    if any(_DATE.search(column) for column in behind):
        raise _NoRecordError("two dates: two records in one line")
    while behind and not behind[-1]:
        behind = behind[:-1]
    verify, state, work = _codes(behind[:_MOST_CODES])
    kept = [column if _NUMBER.fullmatch(column) else "" for column in behind]
    raw = "\t".join([badge, columns.at, *kept]).rstrip("\t")
    return FileRecord(number, badge, columns.at, verify, state, work, raw.encode())


def _codes(codes: list[str]) -> tuple[int, int, int | None]:
    """Read the codes behind the date; an empty column is a code that is not set."""
    if not all(_NUMBER.fullmatch(code) for code in codes if code):
        raise _NoRecordError(f"codes that are no numbers: {' '.join(codes)[:60]!r}")
    named = zip(_CODES, codes, strict=False)
    values = {name: int(code) for name, code in named if code}
    for name, most in _MOST.items():
        if values.get(name, 0) > most:
            raise _NoRecordError(f"no {name} of 0 to {most}: {values[name]}")
    return (
        values.get("verify", UNKNOWN_CODE),
        values.get("state", UNKNOWN_CODE),
        values.get("work code"),
    )
