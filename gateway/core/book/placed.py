"""Rows while they are checked: where they stand, and what is wrong there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gateway.core.toml import Path
from gateway.core.walker import Walker, show

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file being read: what is a problem in it, and what is worth a warning."""

    file: str
    problems: Walker
    warnings: Walker


@dataclass(frozen=True, slots=True)
class Raw:
    """A row as written and where it stands; `label` names the place to people."""

    table: str
    data: Mapping[str, Any]
    sheet: Sheet
    path: Path
    label: str

    def problem(self, name: str, reason: str) -> None:
        """Note a problem of one key; an empty name means the row."""
        self.sheet.problems.problem(self._at(name), reason)

    def warn(self, name: str, reason: str) -> None:
        """Note a warning of one key."""
        self.sheet.warnings.problem(self._at(name), reason)

    def _at(self, name: str) -> Path:
        return (*self.path, name) if name else self.path


@dataclass(frozen=True, slots=True)
class Placed(Generic[R]):
    """A typed row, where it stands and how late it was written (0 is the first)."""

    row: R
    raw: Raw
    order: int


def label(sheet: Sheet, path: Path, line: int | None = None) -> str:
    """Name a row's place: `people[2]`, or `entries.jsonl:7` for a line."""
    return show(path) if line is None else f"{sheet.file}:{line}"


def of(rows: Iterable[Placed[Any]], table: str) -> list[Placed[Any]]:
    """Return the rows of one table."""
    return [placed for placed in rows if placed.raw.table == table]
