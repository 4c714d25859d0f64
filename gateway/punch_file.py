"""Punches from a CSV file, put together by person without holding the file in memory.

Rows may stand in any order; a month of ten thousand people is more than a small machine
should hold as objects. So rows go into a few dozen spools by person and are read back
one spool after the other, in the order of the people's ids.
"""

import csv
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, Protocol
from zoneinfo import ZoneInfo

import msgspec

from gateway.core.book.index import Book
from gateway.core.moments import day_of, read, wall
from gateway.core.verdicts import Punched, Unassigned, Warned, Why
from gateway.core.walker import Problem
from gateway.errors import ConfigError

COLUMNS = ("person", "terminal", "badge", "at", "verify", "state", "received_at", "id")
_READ = ("at", "state", "terminal", "id", "person", "badge")
_SPOOLS = 64
_IN_MEMORY = 1 << 16
_BATCH = 128
_MOST_PROBLEMS = 100
_SHOWN = 40
_LENGTH_BYTES = 4
_DIGITS = 9

Row = tuple[str, str, int, str, str, int | None]
"""person, id, moment, site, terminal, key pressed"""

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[Row])


class _Lines(Protocol):
    """A reader of CSV."""

    @property
    def line_num(self) -> int:
        """The line that the last row ended on."""
        ...

    def __iter__(self) -> Iterator[list[str]]: ...


class _Spool:
    """Rows of some people, on disk where they are many."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - see `close`
            _IN_MEMORY
        )
        self._waiting: list[Row] = []

    def add(self, row: Row) -> None:
        """Keep a row."""
        self._waiting.append(row)
        if len(self._waiting) == _BATCH:
            packed = _ENCODER.encode(self._waiting)
            self._file.write(len(packed).to_bytes(_LENGTH_BYTES))
            self._file.write(packed)
            self._waiting.clear()

    def rows(self) -> list[Row]:
        """Return all rows, in the order they came."""
        found: list[Row] = []
        self._file.seek(0)
        while length := self._file.read(_LENGTH_BYTES):
            found += _DECODER.decode(self._file.read(int.from_bytes(length)))
        return found + self._waiting

    def close(self) -> None:
        """Let the file go."""
        self._file.close()


@dataclass(slots=True)
class Spooled:
    """A file as read: punches by person, and what belongs to nobody.

    `unknown` is terminal → moments of punches with badges that nobody has.
    """

    spools: Sequence[_Spool]
    unassigned: list[Unassigned] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    unknown: dict[str, list[int]] = field(default_factory=dict)
    rows: int = 0
    _shared: set[tuple[str, str]] = field(default_factory=set)

    def people(self) -> Iterator[tuple[str, list[Punched]]]:
        """Yield each person of the file with all punches, by the order of ids."""
        for spool in self.spools:
            rows = sorted(spool.rows(), key=itemgetter(0))
            for person, group in groupby(rows, key=itemgetter(0)):
                found = [_punched(row) for row in group]
                if len({one.id for one in found}) < len(found):
                    found = self._told_apart(person, found)
                yield person, found

    def close(self) -> None:
        """Let the spools go."""
        for spool in self.spools:
            spool.close()

    def _told_apart(self, person: str, punches: list[Punched]) -> list[Punched]:
        """Give different punches of one id ids of their own; repeated rows are one."""
        by_id: dict[str, list[Punched]] = {}
        for one in sorted(set(punches), key=_order):
            by_id.setdefault(one.id, []).append(one)
        found: list[Punched] = []
        for name, group in by_id.items():
            found += group[:1]
            found += [
                replace(one, id=f"{name}~{n}") for n, one in enumerate(group[1:], 2)
            ]
            if len(group) > 1 and (person, name) not in self._shared:
                self._shared.add((person, name))
                zh = f"编号 {name} 用于 {len(group)} 次不同的打卡，其余记为 {name}~2 等"
                en = f"id {name} stands for {len(group)} punches; more are {name}~2, …"
                self.warnings.append(Warned(person, None, zh, en))
        return found


def spool(path: Path, book: Book, progress: Callable[[int], None]) -> Spooled:
    """Read a file of punches.

    Args:
        path: CSV with a header; UTF-8.
        book: names people and badges, and the zone of the site.
        progress: called now and then with the rows read.

    Raises:
        ConfigError: unknown columns or unreadable rows, each with its line.
    """
    found = Spooled([_Spool() for _ in range(_SPOOLS)])
    reader = _Reader(path, book, found)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader.read(file, progress)
    except OSError as error:
        reader.problem(1, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        reader.problem(_undecodable(path), "is not UTF-8; save the file as UTF-8")
    if reader.problems:
        found.close()
        raise ConfigError(reader.problems)
    return found


class _Reader:
    """Reads rows into spools and notes what is wrong."""

    def __init__(self, path: Path, book: Book, found: Spooled) -> None:
        self._path = path
        self._book = book
        self._found = found
        people = sorted(one.id for one in book.people)
        self._spool_of = {
            person: found.spools[index * _SPOOLS // len(people)]
            for index, person in enumerate(people)
        }
        self._zone = ZoneInfo(book.site.timezone)
        self._sites = {one.id: one.site or book.site.id for one in book.terminals}
        self._strangers: set[str] = set()
        self._cells = itemgetter(*range(len(_READ)))
        self.problems: list[Problem] = []

    def problem(self, line: int, reason: str) -> None:
        """Note what is wrong with a line."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(Problem(str(self._path), line, "", reason))

    def read(self, file: IO[str], progress: Callable[[int], None]) -> None:
        """Read header and rows."""
        rows = csv.reader(file, strict=True)
        try:
            header = next(rows, [])
            places = self._places([name.strip() for name in header])
            if not self.problems:
                # An absent column is read from a cell behind the last one.
                width = len(header)
                at = (places.get(name, width) for name in _READ)
                self._cells = itemgetter(*at)
                self._rows(rows, width, progress)
        except csv.Error as error:
            self.problem(rows.line_num, f"is no CSV: {error}")

    def _rows(
        self, rows: "_Lines", width: int, progress: Callable[[int], None]
    ) -> None:
        for number, row in enumerate(rows, 1):
            if len(row) == width:
                row.append("")
                self._take(rows.line_num, row)
            elif row:
                said = f"has {len(row)} columns, the header {width}"
                self.problem(rows.line_num, said)
            if not number % 50_000:
                progress(number)
            self._found.rows = number

    def _places(self, header: list[str]) -> dict[str, int]:
        """Return column → place; note what the header lacks or has too much."""
        if not any(header):
            self.problem(1, "has no header; the first line names the columns")
            return {}
        places = {name: place for place, name in enumerate(header)}
        for name in places:
            if name not in COLUMNS:
                known = ", ".join(COLUMNS)
                self.problem(1, f"unknown column {_short(name)}; known are {known}")
            elif header.count(name) > 1:
                self.problem(1, f"the column {name!r} stands twice")
        if "at" not in places or not ("person" in places or _badged(places)):
            self.problem(1, "needs `at` and `person`, or `at`, `terminal` and `badge`")
        return places

    def _take(self, line: int, row: list[str]) -> None:
        at, state, terminal, key, person, badge = map(str.strip, self._cells(row))
        try:
            moment = read(at)
        except ValueError:
            other = self._moment(at)
            if other is None:
                said = f"{_short(at)} is no time like 2026-11-01T08:30:00"
                self.problem(line, said)
                return
            moment = other
        if state and not (state.isdecimal() and len(state) <= _DIGITS):
            self.problem(line, f"state {_short(state)} is no number")
            return
        if not person:
            if not terminal or not badge:
                said = "has neither a person nor a terminal with a badge"
                self.problem(line, said)
                return
            day = day_of(moment)
            person = self._book.person_of(terminal, badge, day) or ""
        key = key or f"line:{line}"
        spool = self._spool_of.get(person)
        if spool is None:
            self._stranger(person, terminal, badge, moment, key)
            return
        site = self._sites.get(terminal, terminal and f"?{terminal}")
        pressed = int(state) if state else None
        spool.add((person, key, moment, site, terminal, pressed))

    def _moment(self, text: str) -> int | None:
        """Return the moment of a time with an offset, or with a blank for the T."""
        try:
            at = datetime.fromisoformat(text)
            if at.tzinfo:
                at = at.astimezone(self._zone).replace(tzinfo=None)
        except (ValueError, OverflowError):
            return None
        return wall(at)

    def _stranger(
        self, person: str, terminal: str, badge: str, moment: int, key: str
    ) -> None:
        """Keep a punch of nobody the book knows; it is told once for each name."""
        self._found.unassigned.append(
            Unassigned(key, person, moment, Why.UNKNOWN_PERSON)
        )
        if not person:
            self._found.unknown.setdefault(terminal, []).append(moment)
        name = person or f"{terminal} {badge}"
        if name not in self._strangers:
            self._strangers.add(name)
            zh = f"花名册中没有 {name}" if person else f"未登记的工号 {name}"
            en = f"the book has no {name}" if person else f"nobody has badge {name}"
            self._found.warnings.append(Warned(person, None, zh, en))


def _punched(row: Row) -> Punched:
    _, key, moment, site, terminal, state = row
    return Punched(key, moment, site, terminal, state)


def _badged(places: dict[str, int]) -> bool:
    return "terminal" in places and "badge" in places


def _short(text: str) -> str:
    """Quote a cell, which may be of any size."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _undecodable(path: Path) -> int:
    """Return the first line that is not UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 1


def _order(one: Punched) -> tuple[int, str, str, int]:
    return one.moment, one.terminal, one.site, -1 if one.state is None else one.state
