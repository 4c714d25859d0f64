"""book.toml and entries.jsonl into a book, or every problem of both at once."""

from collections.abc import Collection, Iterator
from typing import Any

from gateway.core.book import conflicts, placed, row_checks, shape, succession
from gateway.core.book import references as known_ids
from gateway.core.book.entries import read_entries
from gateway.core.book.index import Book, Parts, assemble
from gateway.core.book.placed import Placed, Raw, Sheet
from gateway.core.book.standing import Site
from gateway.core.book.tables import TABLES, Rows
from gateway.core.toml import Document, TomlError, parse
from gateway.core.walker import Problem, Walker

ENTRIES = "entries.jsonl"
# Profiles whose policy files exist. Others of the rules are known by name only.
BUILT = frozenset({"client-contract", "single-session"})


def read_book(
    text: str,
    file: str,
    entries: str = "",
    entries_file: str = ENTRIES,
    policies: Collection[str] = BUILT,
) -> tuple[Book | None, list[Problem]]:
    """Read a book; a book with any problem is None beside all of its problems.

    Args:
        text: book.toml.
        file: its name, for problems.
        entries: entries.jsonl, empty where there is none.
        entries_file: its name, for problems.
        policies: names of policies that exist.
    """
    try:
        document = parse(text)
    except TomlError as error:
        return None, [Problem(file, error.line, "", f"not TOML: {error.reason}")]
    except (ValueError, RecursionError):
        reason = "not TOML: nested too deep or a number too long"
        return None, [Problem(file, 1, "", reason)]
    main = Sheet(file, Walker(file, document), Walker(file, document))
    lines = _Lines(entries_file)
    raws = [*_of_tables(main, document.data), *lines.read(entries)]
    book = _book(main, document.data, raws, policies)
    problems = _sorted(main.problems) + lines.sorted_problems()
    if problems or book is None:
        return None, problems
    warnings = (*_sorted(main.warnings), *lines.sorted_warnings())
    return assemble(book, warnings), []


def _sorted(walker: Walker) -> list[Problem]:
    return sorted(walker.problems, key=lambda problem: problem.line)


class _Lines:
    """The lines of entries.jsonl; each has a sheet that knows its number."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._problems: list[Problem] = []
        self._warnings: list[Problem] = []

    def read(self, text: str) -> Iterator[Raw]:
        for entry in read_entries(text):
            sheet = self._sheet(entry.line)
            if entry.reason:
                sheet.problems.problem((), entry.reason)
            elif entry.table not in TABLES:
                sheet.problems.unknown({entry.table: None}, TABLES, ())
            else:
                data = shape.row(TABLES[entry.table], entry.row)
                where = f"{self._file}:{entry.line}"
                yield Raw(entry.table, data, sheet, (entry.table,), where)

    def _sheet(self, line: int) -> Sheet:
        document = Document({}, {(): line})
        sheet = Sheet(
            self._file, Walker(self._file, document), Walker(self._file, document)
        )
        sheet.problems.problems = self._problems
        sheet.warnings.problems = self._warnings
        return sheet

    def sorted_problems(self) -> list[Problem]:
        return sorted(self._problems, key=lambda problem: problem.line)

    def sorted_warnings(self) -> list[Problem]:
        return sorted(self._warnings, key=lambda problem: problem.line)


def _of_tables(sheet: Sheet, data: dict[str, Any]) -> Iterator[Raw]:
    for table in TABLES:
        rows = data.get(table, [])
        if not isinstance(rows, list):
            sheet.problems.problem((table,), f"must be rows: [[{table}]]")
            continue
        for index, row in enumerate(rows):
            path = (table, index)
            if isinstance(row, dict):
                row_ = _with_lists(table, row)
                yield Raw(table, row_, sheet, path, placed.label(sheet, path))
            else:
                sheet.problems.problem(path, "must be a table")


def _with_lists(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """Write `days = "every"` of a shift as a list of one word."""
    if table == "shifts" and isinstance(row.get("days"), str):
        return row | {"days": [row["days"]]}
    return row


def _book(
    main: Sheet, data: dict[str, Any], raws: list[Raw], policies: Collection[str]
) -> Parts | None:
    walker = main.problems
    walker.unknown(data, {"version", "site", *TABLES}, ())
    version = data.get("version", "")
    if not isinstance(version, str):
        walker.problem(("version",), "must be a text")
    if "site" not in data:
        walker.problem(("site",), "the table [site] is missing")
    site = walker.table(Site, data["site"], ("site",)) if "site" in data else None
    rows = list(row_checks.sound(_typed(raws), policies))
    known_ids.check(raws)
    settled = succession.settle(rows, raws)
    conflicts.check(settled.rows)
    if site is None:
        return None
    labels = {one.row: one.raw.label for one in rows}
    return Parts(version, site, _rows(settled.rows), _rows(rows), labels, settled.by_id)


def _typed(raws: list[Raw]) -> Iterator[Placed[Any]]:
    for order, raw in enumerate(raws):
        row = raw.sheet.problems.table(TABLES[raw.table], raw.data, raw.path)
        if row is not None:
            yield Placed(row, raw, order)


def _rows(rows: list[Placed[Any]]) -> Rows:
    tables: dict[str, list[Any]] = {}
    for one in rows:
        tables.setdefault(one.raw.table, []).append(one.row)
    return Rows(**{name: tuple(found) for name, found in tables.items()})
