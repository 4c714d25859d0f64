"""`punchgate book import` and `template`: tables that people keep elsewhere."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.book_files import Added
from gateway.cli.app import USAGE, ConfigOption, JsonOption, fail, say, show_json
from gateway.cli.book import (
    ByOption,
    DryRunOption,
    TableArgument,
    added,
    book_app,
    entered,
    known_table,
)
from gateway.cli.book_file import BookOption, book_path, loaded, refuse
from gateway.core.book import ENTRIES, TABLES, cells
from gateway.core.book.meanings import meaning
from gateway.core.book.tables import hints
from gateway.core.walker import Problem
from gateway.sheets import Line, SheetError, read_sheet
from gateway.shipped import file


@book_app.command("import")
def import_rows(
    table: TableArgument,
    sheet: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
    by: ByOption = "",
    dry_run: DryRunOption = False,
    book: BookOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Append the rows of a table (.csv or .xlsx; columns are keys) to entries.jsonl.

    All rows or none: every problem is named by file, row and column.
    """
    known_table(table)
    path = book_path(book, config)
    found = loaded(path)
    try:
        header, *lines = read_sheet(sheet)
    except SheetError as error:
        fail(f"{sheet} {error}", USAGE)
    problems = list(_of_columns(table, header, lines, sheet))
    if problems:
        refuse(problems, as_json=as_json)
    rows = [_row(table, header, line) for line in lines]
    whole = [{"table": table, **row, **entered(found, by, row)} for row in rows]
    done = added(path, whole, write=not dry_run)
    if done.problems:
        refuse(_by_row(done, path, sheet, lines), as_json=as_json)
    if as_json:
        show_json({"ok": True, "written": not dry_run, "rows": whole, "problems": []})
        return
    say("\n".join(done.lines) if dry_run else f"{len(whole)} rows of {table} written")
    if dry_run:
        say(f"{len(whole)} rows would be written to {path.with_name(ENTRIES)}")


def _of_columns(
    table: str, header: Line, lines: Iterable[Line], sheet: Path
) -> Iterable[Problem]:
    """Find what no row's key can be blamed for: columns, and numbers for texts."""
    names = header.cells
    known = hints(TABLES[table])
    for index, name in enumerate(names):
        if name and name not in known:
            there = ", ".join(cells.columns(TABLES[table]))
            reason = f"no column of {table}; there are: {there}"
            yield Problem(str(sheet), header.number, name, reason)
        if name and name in names[:index]:
            yield Problem(str(sheet), header.number, name, "stands twice")
    for line in lines:
        for index, cell in enumerate(line.cells):
            name = names[index] if index < len(names) else ""
            if cell and not name:
                reason = f"{cell!r} stands in a column without a name"
                yield Problem(str(sheet), line.number, f"column {index + 1}", reason)
            if name == "badge" and index in line.numbers:
                reason = "is a number: leading zeros may be lost; make the column text"
                yield Problem(str(sheet), line.number, name, reason)


def _row(table: str, header: Line, line: Line) -> dict[str, Any]:
    pairs = {n: c for n, c in zip(header.cells, line.cells, strict=False) if n}
    return cells.row(TABLES[table], pairs)


def _by_row(
    done: Added, path: Path, sheet: Path, lines: list[Line]
) -> Iterable[Problem]:
    """Name problems of new lines by the row and column they came from."""
    entries = str(path.with_name(ENTRIES))
    for problem in done.problems:
        index = problem.line - done.first_line
        if problem.file != entries or not 0 <= index < len(lines):
            yield problem
            continue
        column = problem.path.partition(".")[2]
        yield Problem(str(sheet), lines[index].number, column, problem.reason)


@book_app.command()
def template(table: TableArgument) -> None:
    """Print an empty table as CSV: its columns, one example row, what they mean."""
    known_table(table)
    cls = TABLES[table]
    columns = cells.columns(cls)
    example = _example(table)
    needed = cells.required(cls)
    for name in columns:
        must = "必填 · required" if name in needed else "可空 · may be empty"
        what = f"{meaning(table, name)} [{cells.kind(hints(cls)[name])}] {must}"
        say(f"# {name}: {what}")
    say(",".join(columns))
    say(",".join(_csv(example.get(name, "")) for name in columns))


def _example(table: str) -> dict[str, str]:
    """Return the first row of a table of the documented example, as cells."""
    found = loaded(file("book.example.toml"))
    row = found.written.of(table)[0]
    fields = {name: f"{name}_" if name == "from" else name for name in hints(type(row))}
    return {name: cells.cell(getattr(row, field)) for name, field in fields.items()}


def _csv(text: str) -> str:
    if any(c in text for c in ',"\n#'):
        return '"' + text.replace('"', '""') + '"'
    return text
