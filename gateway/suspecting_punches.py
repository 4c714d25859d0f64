"""Punches from a CSV file as events of terminals, for `punchgate suspect`.

A CSV knows neither counters nor links, and often no time of receipt: signals that need
those stay silent, and nothing is suspected because something is missing.
"""

import csv
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

from gateway.core.book.index import Book
from gateway.core.suspicion.events import Events, Punch, gather
from gateway.core.values import VerifyMode
from gateway.core.walker import Problem
from gateway.errors import ConfigError
from gateway.punch_file import COLUMNS
from gateway.settings import load

_NEEDED = ("terminal", "badge", "at")
_MODES = {mode.value: mode for mode in VerifyMode}
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall clock without a zone
_MOST_PROBLEMS = 100
Codes = Mapping[str, Mapping[int, VerifyMode]]


def read_punches(path: Path, book: Book, config: Path | None) -> Events:
    """Read a file of punches.

    Args:
        path: CSV with a header; UTF-8.
        book: gives the zones of terminals.
        config: a gateway file whose `verify_codes` say what numbers mean; without one
            every number is unknown and proves nothing.

    Raises:
        ConfigError: unknown columns or unreadable rows, each with its line.
    """
    codes: Codes = {}
    if config is not None:
        terminals = load(config).settings.terminals
        codes = {one.id: one.verify_codes or {} for one in terminals}
    rows = _Rows(path, book, codes)
    found = Events()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            found = gather(rows.read(file))
    except OSError as error:
        rows.problem(1, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        rows.problem(1, f"is not UTF-8 (byte {error.start}); save it as UTF-8")
    except csv.Error as error:
        rows.problem(rows.line + 1, f"is no CSV: {error}")
    if rows.problems:
        raise ConfigError(rows.problems)
    return found


class _Rows:
    """Reads rows and notes what is wrong with them."""

    def __init__(self, path: Path, book: Book, codes: Codes) -> None:
        self._path = path
        self._book = book
        self._codes = codes
        self.problems: list[Problem] = []
        self.line = 0

    def problem(self, line: int, reason: str) -> None:
        """Note what is wrong with a line."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(Problem(str(self._path), line, "", reason))

    def read(self, file: IO[str]) -> Iterator[Punch]:
        """Yield the punches of good rows."""
        rows = csv.reader(file, strict=True)
        header = [name.strip() for name in next(rows, [])]
        self._check(header)
        if self.problems:
            return
        for row in rows:
            self.line = rows.line_num
            if not row:
                continue
            if len(row) != len(header):
                said = f"has {len(row)} columns, the header {len(header)}"
                self.problem(self.line, said)
                continue
            cells = dict(zip(header, map(str.strip, row), strict=True))
            try:
                yield self._punch(cells)
            except (ValueError, OverflowError) as error:
                self.problem(self.line, str(error))

    def _check(self, header: list[str]) -> None:
        for name in header:
            if name not in COLUMNS:
                known = ", ".join(COLUMNS)
                self.problem(1, f"unknown column {name!r}; known are {known}")
        if len(set(header)) != len(header):
            self.problem(1, "a column stands twice")
        if missing := [name for name in _NEEDED if name not in header]:
            said = "terminals are where people stand side by side"
            self.problem(1, f"needs `{'`, `'.join(missing)}`: {said}")

    def _punch(self, cells: Mapping[str, str]) -> Punch:
        terminal, badge = cells["terminal"], cells["badge"]
        if not terminal or not badge:
            raise ValueError("has no terminal, or no badge")
        zone = ZoneInfo(self._book.zone(terminal))
        at = datetime.fromisoformat(cells["at"])
        local = at.astimezone(zone).replace(tzinfo=None) if at.tzinfo else at
        gone = local.replace(microsecond=0) - _EPOCH
        received = cells.get("received_at", "")
        came = datetime.fromisoformat(received) if received else local
        came = came if came.tzinfo else came.replace(tzinfo=zone)
        state = cells.get("state", "")
        return Punch(
            cells.get("id") or f"line:{self.line}",
            terminal,
            self.line,
            badge,
            gone.days * 86_400 + gone.seconds,
            int((came - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() // 1),
            self._mode(terminal, cells.get("verify", "")),
            int(state) if state else None,
        )

    def _mode(self, terminal: str, said: str) -> VerifyMode:
        if not said:
            return VerifyMode.UNKNOWN
        if said.isdecimal():
            return self._codes.get(terminal, {}).get(int(said), VerifyMode.UNKNOWN)
        if said not in _MODES:
            raise ValueError(f"{said!r} is none of {', '.join(_MODES)}")
        return _MODES[said]
