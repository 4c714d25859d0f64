"""Attendance exports from a USB stick, as terminals of many years have written them.

Columns are known by what is in them: the date says where the codes begin, the badge
stands first. What cannot be read for certain is refused with its line and the reason;
nothing is guessed (zk-protocol 10.1). The third column of the usual form is the
terminal's own number and no state.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_MOST_BYTES = 65536
UNKNOWN_CODE = 255
_DATE = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?",
    re.ASCII,
)
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_NUMBER = re.compile(r"\d{1,10}", re.ASCII)
_BLANKS = re.compile(r" {2,}")
_SERIAL = re.compile(r"[A-Za-z0-9]{6,24}", re.ASCII)
_CODES = ("device", "state", "verify", "work code")
_MOST_CODES = len(_CODES)
_MOST = {"state": 255, "verify": 255, "work code": 0xFFFFFFFF}
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


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


def read_file(path: Path) -> Iterator[FileRecord | BadLine]:
    """Yield every record and every line that is none, in file order.

    Blank lines are nothing. Some exports have the terminal's serial as their first and
    a checksum as their last line: these are nothing either.

    Raises:
        FileError: no file, not readable, or changed while it was read.
    """
    try:
        with path.open("rb") as file:
            before = path.stat()
            yield from _lines(file)
            after = path.stat()
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from error
    if (before.st_ino, before.st_size, before.st_mtime_ns) != (
        after.st_ino,
        after.st_size,
        after.st_mtime_ns,
    ):
        raise FileError(
            f"{path} was changed or replaced while it was read; import it again,"
            " nothing is counted twice"
        )


def _lines(file: BinaryIO) -> Iterator[FileRecord | BadLine]:
    """Tell records, bad lines and the two lines around them apart."""
    headed = False
    held: BadLine | None = None
    columns = 0
    for number, text, complaint in _texts(file):
        if held is not None:
            yield held  # it was not the last line after all
            held = None
        if complaint:
            yield BadLine(number, complaint)
        elif number == 1 and _SERIAL.fullmatch(text.strip()):
            headed = True
        elif text.strip():
            found = _record(number, text)
            if isinstance(found, FileRecord):
                came = found.raw.count(b"\t")
                if came < columns and not text.endswith("\n"):
                    found = BadLine(number, "cut off: fewer columns than before it")
                columns = came
            if isinstance(found, BadLine) and headed and "\t" not in text:
                held = found
            else:
                yield found


def _texts(file: BinaryIO) -> Iterator[tuple[int, str, str]]:
    """Number, text and complaint of each line, whatever encoding it has."""
    start = file.read(2)
    encoding = _UTF16.get(start)
    file.seek(len(start) if encoding else 0)
    if encoding:
        yield from _wide(file, encoding)
        return
    number = 0
    while line := file.readline(_MOST_BYTES):
        number += 1
        if len(line) == _MOST_BYTES and not line.endswith(b"\n"):
            while (more := file.readline(_MOST_BYTES)) and not more.endswith(b"\n"):
                pass
            yield number, "", f"longer than {_MOST_BYTES} bytes"
            continue
        yield number, _decoded(line), ""


def _wide(file: BinaryIO, encoding: str) -> Iterator[tuple[int, str, str]]:
    """Lines of a file with two bytes a character."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    number, rest = 0, ""
    while piece := file.read(_MOST_BYTES):
        *whole, rest = (rest + decoder.decode(piece)).split("\n")
        for text in whole:
            number += 1
            yield number, text + "\n", ""
        if len(rest) > _MOST_BYTES:
            yield number + 1, "", f"longer than {_MOST_BYTES} characters"
            return
    if rest:
        yield number + 1, rest, ""


def _decoded(line: bytes) -> str:
    """Text of a line: UTF-8 where the bytes are it, else GB18030; NULs are padding."""
    data = line.replace(b"\0", b"").removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gb18030", errors="replace")


def _record(number: int, text: str) -> FileRecord | BadLine:
    """Read one line."""
    columns = _columns(text)
    for index, column in enumerate(columns):
        match = _DATE.fullmatch(column)
        if match is None:
            continue
        rest = columns[index + 1 :]
        if match[4] is None:  # date and time in two columns
            time = _TIME.fullmatch(rest[0]) if rest else None
            if time is None:
                return BadLine(number, f"a date without a time: {column!r}")
            rest = rest[1:]
            clock = time.groups()
        else:
            clock = match.groups()[3:]
        if clock[2] is None:
            return BadLine(number, "a time without seconds, which tell punches apart")
        if index == 0 or not columns[0]:
            return BadLine(number, "no user number in front of the date")
        year, month, day = match.groups()[:3]
        hour, minute, second = clock
        at = f"{year}-{month:>02}-{day:>02}T{hour:>02}:{minute}:{second}"
        while rest and not rest[-1]:
            rest = rest[:-1]
        # A name may stand between badge and date: it is nobody's business here.
        raw = [columns[0], at, *rest]
        return _coded(number, columns[0], at, rest, raw)
    return BadLine(number, f"no date and time in {text.strip()[:60]!r}")


def _columns(text: str) -> list[str]:
    """Columns by tab, else by comma or semicolon, else by two blanks or more."""
    for mark in ("\t", ";", ","):
        if mark in text:
            return [column.strip() for column in text.split(mark)]
    return _BLANKS.split(text.strip())


def _coded(
    number: int, badge: str, at: str, rest: list[str], raw: list[str]
) -> FileRecord | BadLine:
    """Read the codes behind the date: device, state, verify, work; no later ones."""
    codes = rest[:_MOST_CODES]
    if not all(_NUMBER.fullmatch(code) for code in codes):
        return BadLine(number, f"codes that are no numbers: {' '.join(codes)[:60]!r}")
    values = dict(zip(_CODES, map(int, codes), strict=False))
    for name, most in _MOST.items():
        if values.get(name, 0) > most:
            return BadLine(number, f"no {name} of 0 to {most}: {values[name]}")
    return FileRecord(
        number,
        badge,
        at,
        values.get("verify", UNKNOWN_CODE),
        values.get("state", UNKNOWN_CODE),
        values.get("work code"),
        "\t".join(raw).encode(),
    )
