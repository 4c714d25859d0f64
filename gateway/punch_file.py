"""Punches from a CSV file, put together by person without holding the file in memory.

Rows may stand in any order; a month of ten thousand people is more than a small machine
should hold as objects. So rows go into a few dozen spools by person and are read back
one spool after the other, in the order of the people's ids.
"""

import csv
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

from gateway.core.book.index import Book
from gateway.core.moments import day_of, read, wall
from gateway.core.verdicts import Punched, Unassigned, Warned, Why
from gateway.core.walker import Problem
from gateway.errors import ConfigError

COLUMNS = ("person", "terminal", "badge", "at", "verify", "state", "received_at", "id")
_READ = ("at", "state", "terminal", "id", "person", "badge")
_SPOOLS = 64
_IN_MEMORY = 1 << 20
_MOST_PROBLEMS = 100
_SEPARATOR = "\x1f"  # stands in no field: csv keeps it, ids and terminals refuse it
Row = tuple[str, Punched]


@dataclass(slots=True)
class Spooled:
    """A file as read: punches by person, and what belongs to nobody.

    `unknown` is terminal → moments of punches with badges that nobody has.
    """

    spools: list[IO[str]]
    unassigned: list[Unassigned] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    unknown: dict[str, list[int]] = field(default_factory=dict)
    rows: int = 0

    def people(self) -> Iterator[tuple[str, list[Punched]]]:
        """Yield each person of the file with all punches, by the order of ids."""
        for spool in self.spools:
            spool.seek(0)
            rows = sorted(map(_unpacked, spool), key=itemgetter(0))
            for person, group in groupby(rows, key=itemgetter(0)):
                yield person, [punch for _, punch in group]

    def close(self) -> None:
        """Let the spools go."""
        for spool in self.spools:
            spool.close()


def spool(path: Path, book: Book, progress: Callable[[int], None]) -> Spooled:
    """Read a file of punches.

    Args:
        path: CSV with a header; UTF-8.
        book: names people and badges, and the zone of the site.
        progress: called now and then with the rows read.

    Raises:
        ConfigError: unknown columns or unreadable rows, each with its line.
    """
    people = sorted(one.id for one in book.people)
    spools = [
        tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed by `Spooled.close`
            _IN_MEMORY, "w+", encoding="utf-8", newline="\n"
        )
        for _ in range(_SPOOLS)
    ]
    found = Spooled(list(spools))
    reader = _Reader(path, book, found, people)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader.read(file, progress)
    except OSError as error:
        reader.problem(1, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        reader.problem(1, f"is not UTF-8 (byte {error.start}); save it as UTF-8")
    except csv.Error as error:
        reader.problem(found.rows + 1, f"is no CSV: {error}")
    if reader.problems:
        found.close()
        raise ConfigError(reader.problems)
    return found


class _Reader:
    """Reads rows into spools and notes what is wrong."""

    def __init__(
        self, path: Path, book: Book, found: Spooled, people: Sequence[str]
    ) -> None:
        self._path = path
        self._book = book
        self._found = found
        self._spool_of = {
            person: index * _SPOOLS // max(1, len(people))
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
        header = next(rows, [])
        places = self._places(header)
        if self.problems:
            return
        width = len(header)
        # An absent column is read from a cell behind the last one.
        self._cells = itemgetter(*(places.get(name, width) for name in _READ))
        for row in rows:
            if len(row) == width:
                self._take(rows.line_num, [*map(str.strip, row), ""])
            elif row:
                said = f"has {len(row)} columns, the header {width}"
                self.problem(rows.line_num, said)
            self._found.rows += 1
            if not self._found.rows % 50_000:
                progress(self._found.rows)

    def _places(self, header: list[str]) -> dict[str, int]:
        """Return column → place; note what the header lacks or has too much."""
        places = {name.strip(): place for place, name in enumerate(header)}
        for name in places:
            if name not in COLUMNS:
                known = ", ".join(COLUMNS)
                self.problem(1, f"unknown column {name!r}; known are {known}")
        if len(places) != len(header):
            self.problem(1, "a column stands twice")
        if "at" not in places or not ("person" in places or _badged(places)):
            self.problem(1, "needs `at` and `person`, or `at`, `terminal` and `badge`")
        return places

    def _take(self, line: int, row: list[str]) -> None:
        at, state, terminal, key, person, badge = self._cells(row)
        try:
            moment = self._moment(at)
            if state:
                int(state)
        except ValueError as error:
            self.problem(line, str(error))
            return
        if not person:
            person = self._person(line, terminal, badge, moment)
        if person is None:
            return
        key = key or f"line:{line}"
        place = self._spool_of.get(person)
        if place is None:
            self._stranger(person, terminal, badge, moment, key)
            return
        site = self._sites.get(terminal, terminal and f"?{terminal}")
        self._found.spools[place].write(
            f"{person}\x1f{moment}\x1f{key}\x1f{site}\x1f{terminal}\x1f{state}\n"
        )

    def _moment(self, text: str) -> int:
        try:
            return read(text)
        except ValueError:
            at = datetime.fromisoformat(text)  # an offset, or a blank for the T
        return wall(at.astimezone(self._zone).replace(tzinfo=None) if at.tzinfo else at)

    def _person(self, line: int, terminal: str, badge: str, moment: int) -> str | None:
        """Return whose a badge is, "" for nobody's; None when the row cannot say."""
        if not terminal or not badge:
            self.problem(line, "has neither a person nor a terminal with a badge")
            return None
        return self._book.person_of(terminal, badge, day_of(moment)) or ""

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


def _badged(places: dict[str, int]) -> bool:
    return "terminal" in places and "badge" in places


def _unpacked(line: str) -> Row:
    person, moment, key, site, terminal, state = line.rstrip("\n").split(_SEPARATOR)
    pressed = int(state) if state else None
    return person, Punched(key, int(moment), site, terminal, pressed)
