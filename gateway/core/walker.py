"""Tables into typed values, with every problem found in one run.

The types are the schema: a frozen dataclass names the keys, their types and, through
`key(...)`, their limits. A Python field `from_` is the key `from`. Unknown keys are
problems: a mistyped optional key would otherwise be silently without effect. The walker
never stops at the first problem and never guesses a value.
"""

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar

from gateway.core.toml import Document, Path

T = TypeVar("T")

Check = Callable[[Any], str | None]
_CHECK = "check"
_TYPE_NAMES = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    date: "a date",
    datetime: "a date-time",
}


# Asked for every row of a big book; the answer for a type never changes.
_hints: Callable[[Any], dict[str, Any]] = functools.cache(typing.get_type_hints)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where, and what is expected there."""

    file: str
    line: int
    path: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}"
        return (
            f"{where}: {self.path}: {self.reason}"
            if self.path
            else (f"{where}: {self.reason}")
        )


def key(default: Any = dataclasses.MISSING, *, check: Check | None = None) -> Any:
    """Declare a key with a default, a check of its value, or both."""
    metadata = {_CHECK: check} if check else {}
    return dataclasses.field(default=default, metadata=metadata)


def between(low: float, high: float) -> Check:
    """Return a check for numbers: `low <= value <= high`."""

    def check(value: float) -> str | None:
        return None if low <= value <= high else f"must be from {low:g} to {high:g}"

    return check


def filled(value: str) -> str | None:
    """Check that a text is not empty."""
    return None if value.strip() else "must not be empty"


def show(path: Path) -> str:
    """Write a key path as people read it: `people[2].badge` counts rows from 1."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            text += f".{part}" if text else part
    return text


def column(data: dict[str, Any], table: str, name: str) -> dict[int, str]:
    """Return row index → text of a column, from the rows as written.

    Checks across rows use this, so that they also see rows with other problems.
    """
    rows = data.get(table, [])
    return {
        index: row[name]
        for index, row in enumerate(rows if isinstance(rows, list) else [])
        if isinstance(row, dict) and isinstance(row.get(name), str)
    }


class Walker:
    """Reads one document; `problems` holds everything that was wrong with it."""

    def __init__(self, file: str, document: Document) -> None:
        self._file = file
        self._document = document
        self.problems: list[Problem] = []

    def problem(self, path: Path, reason: str) -> None:
        """Note a problem at `path`."""
        line = self._document.line(path)
        self.problems.append(Problem(self._file, line, show(path), reason))

    def table(self, cls: type[T], data: Any, path: Path) -> T | None:
        """Read one table as `cls`; None when any of its keys had a problem."""
        if not isinstance(data, Mapping):
            self.problem(path, "must be a table")
            return None
        before = len(self.problems)
        hints = _hints(cls)
        fields = {
            field.name.rstrip("_"): field
            for field in dataclasses.fields(cls)  # type: ignore[arg-type]
        }
        self.unknown(data, fields, path)
        values = {}
        for name, field in fields.items():
            if name in data:
                values[field.name] = self._checked(
                    field, hints[field.name], data[name], (*path, name)
                )
            elif (
                field.default is dataclasses.MISSING
                and field.default_factory is dataclasses.MISSING
            ):
                self.problem((*path, name), "is missing")
        return None if len(self.problems) > before else cls(**values)

    def rows(self, cls: type[T], data: Any, path: Path) -> list[tuple[Path, T]]:
        """Read an array of tables; rows with problems are left out."""
        if not isinstance(data, list):
            self.problem(path, f"must be rows: [[{show(path)}]]")
            return []
        found = [
            ((*path, index), self.table(cls, row, (*path, index)))
            for index, row in enumerate(data)
        ]
        return [(where, row) for where, row in found if row is not None]

    def unknown(self, data: Mapping[str, Any], known: Any, path: Path) -> None:
        """Note every key of `data` that is not in `known`, with the nearest name."""
        for name in data:
            if name not in known:
                near = _nearest(name, known)
                hint = f"; did you mean {near}?" if near else ""
                self.problem((*path, name), f"unknown key{hint}")

    def _checked(
        self, field: "dataclasses.Field[Any]", hint: Any, data: Any, path: Path
    ) -> Any:
        before = len(self.problems)
        value = self.value(hint, data, path)
        check: Check | None = field.metadata.get(_CHECK)
        if check and len(self.problems) == before and (reason := check(value)):
            self.problem(path, reason)
        return value

    def value(self, hint: Any, data: Any, path: Path) -> Any:
        """Read one value by its type; None after noting a problem."""
        if hint is Any:
            return data
        origin = typing.get_origin(hint)
        if origin in (types.UnionType, typing.Union):
            (inner,) = (arg for arg in typing.get_args(hint) if arg is not type(None))
            return self.value(inner, data, path)
        if origin is not None:
            return self._collection(origin, typing.get_args(hint), data, path)
        if dataclasses.is_dataclass(hint):
            return self.table(typing.cast("type[Any]", hint), data, path)
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            return self._choice(hint, data, path)
        return self._plain(hint, data, path)

    def _collection(
        self, origin: Any, hints: tuple[Any, ...], data: Any, path: Path
    ) -> Any:
        if origin is tuple:
            return self._tuple(hints[0], data, path)
        return self._mapping(hints, data, path)

    def _tuple(self, inner: Any, data: Any, path: Path) -> Any:
        if not isinstance(data, list):
            self.problem(path, "must be a list")
            return None
        return tuple(
            self.value(inner, item, (*path, index)) for index, item in enumerate(data)
        )

    def _mapping(self, hints: tuple[Any, ...], data: Any, path: Path) -> Any:
        if not isinstance(data, Mapping):
            self.problem(path, "must be a table")
            return None
        return dict(self._pairs(hints, data, path))

    def _pairs(
        self, hints: tuple[Any, ...], data: Mapping[str, Any], path: Path
    ) -> Iterator[tuple[Any, Any]]:
        key_hint, value_hint = hints
        for name, item in data.items():
            where = (*path, name)
            if key_hint is int and not name.isdecimal():
                self.problem(where, "the key must be a number")
                continue
            yield key_hint(name), self.value(value_hint, item, where)

    def _choice(self, hint: type[StrEnum], data: Any, path: Path) -> Any:
        if isinstance(data, str) and data in {str(item) for item in hint}:
            return hint(data)
        self.problem(path, f"must be one of {', '.join(hint)}, not {data!r}")
        return None

    def _plain(self, hint: type, data: Any, path: Path) -> Any:
        if hint is float and type(data) is int:
            try:
                return float(data)
            except OverflowError:
                self.problem(path, "is too big")
                return None
        if type(data) is hint:
            return data
        found = _TYPE_NAMES.get(type(data), "something else")
        self.problem(path, f"must be {_TYPE_NAMES[hint]}, not {found} ({data!r})")
        return None


def _nearest(name: str, known: Any) -> str | None:
    """Return the known key that differs in at most two letters, if there is one."""
    distances = sorted((_distance(name, other), other) for other in known)
    return distances[0][1] if distances and distances[0][0] <= 2 else None  # noqa: PLR2004 - two slips of the finger


def _distance(one: str, two: str) -> int:
    """Levenshtein distance; keys are short."""
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(two, 1):
            previous, row[j] = (
                row[j],
                min(row[j] + 1, row[j - 1] + 1, previous + (a != b)),
            )
    return row[-1]
