"""`punchgate book`: check the book, and add a row to its entries."""

import getpass
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from gateway import book_files
from gateway.cli.app import (
    PROBLEM,
    USAGE,
    ConfigOption,
    JsonOption,
    app,
    fail,
    now_of_process,
    say,
    show_json,
)
from gateway.cli.book_file import BookOption, as_rows, book_path, loaded, refuse
from gateway.core.book import TABLES, Book, cells, digest
from gateway.core.walker import Problem
from gateway.errors import ConfigError

book_app = typer.Typer(
    help="The book of the site: people, badges, shifts, leave and decisions.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(book_app, name="book")

DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Only say what would be written.")
]
TableArgument = Annotated[
    str, typer.Argument(metavar="TABLE", help="Such as leave.", show_default=False)
]
ByOption = Annotated[
    str, typer.Option("--by", metavar="NAME", help="Who enters it; else your login.")
]
# First letters of ids that are given where none is.
_LETTERS = {
    "leave": "L",
    "substitutions": "S",
    "handovers": "H",
    "permits": "P",
    "corrections": "C",
    "incidents": "I",
    "rulings": "R",
    "objections": "O",
    "changes": "X",
    "notices": "N",
}


@book_app.command()
def check(
    given: Annotated[
        Path | None, typer.Argument(metavar="FILE", show_default=False)
    ] = None,
    book: BookOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Name every problem of a book and its entries; exit 1 when there is one."""
    path = book_path(given or book, config)
    try:
        found, problems = book_files.open_files(path).read()
    except ConfigError as error:
        found, problems = None, list(error.problems)
    warnings = list(found.warnings) if found else []
    if as_json:
        show_json(
            {
                "ok": found is not None,
                "problems": as_rows(problems),
                "warnings": as_rows(warnings),
                "version": found.version if found else None,
                "digest": digest(found) if found else None,
                "rows": _counts(found) if found else {},
            }
        )
    else:
        _show_check(found, problems, warnings)
    if found is None:
        raise typer.Exit(PROBLEM)


def _show_check(
    found: Book | None, problems: Sequence[Problem], warnings: Sequence[Problem]
) -> None:
    for problem in problems:
        say(str(problem))
    for warning in warnings:
        say(f"warning: {warning}")
    if found is None:
        say(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}")
        return
    counts = [f"{count} {table}" for table, count in _counts(found).items()]
    say(f"ok: version {found.version or '-'}, {', '.join(counts) or 'no rows'}")


def _counts(found: Book) -> dict[str, int]:
    return {
        table: len(found.written.of(table)) for table in TABLES if found.rows.of(table)
    }


@book_app.command()
def add(
    table: TableArgument,
    values: Annotated[
        list[str], typer.Argument(metavar="KEY=VALUE…", show_default=False)
    ],
    by: ByOption = "",
    dry_run: DryRunOption = False,
    book: BookOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Append one row to entries.jsonl; what `check` would refuse is refused."""
    known_table(table)
    path = book_path(book, config)
    found = loaded(path)
    row = cells.row(TABLES[table], _pairs(values))
    if table in _LETTERS and "id" not in row:
        row = {"id": _free_id(found, table), **row}
    line = {"table": table, **row, **entered(found, by, row)}
    done = added(path, [line], write=not dry_run)
    if done.problems:
        refuse(done.problems, as_json=as_json)
    if as_json:
        show_json({"ok": True, "written": not dry_run, "rows": [line], "problems": []})
        return
    say(("would write: " if dry_run else "written: ") + done.lines[0])


def known_table(table: str) -> None:
    """End the command where no such table is."""
    if table not in TABLES:
        fail(f"no table is called {table!r}; there are: {', '.join(TABLES)}", USAGE)


def _pairs(values: Iterable[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals:
            fail(f"{text!r} is not KEY=VALUE, such as person=p01", USAGE)
        if name in pairs:
            fail(f"{name} is given twice", USAGE)
        pairs[name] = value
    return pairs


def _free_id(found: Book, table: str) -> str:
    number = len(found.written.of(table)) + 1
    while found.row(table, f"{_LETTERS[table]}{number}"):
        number += 1
    return f"{_LETTERS[table]}{number}"


def entered(found: Book, by: str, row: Mapping[str, Any]) -> dict[str, str]:
    """Say who entered a row and when, where the row does not."""
    zone = ZoneInfo(found.site.timezone)
    now = now_of_process()().astimezone(zone).replace(microsecond=0, tzinfo=None)
    said = {"entered_at": now.isoformat()}
    if "entered_by" not in row:
        said = {"entered_by": by or _login(), **said}
    return {name: value for name, value in said.items() if name not in row}


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        return fail("say who you are with --by NAME", USAGE)


def added(
    path: Path, rows: Iterable[Mapping[str, Any]], *, write: bool
) -> book_files.Added:
    """Add rows to the entries, or end the command in words."""
    try:
        return book_files.add(path, rows, write=write)
    except ConfigError as error:
        fail(f"the book has problems:\n{error}", USAGE)
    except OSError as error:
        fail(f"nothing was written: {error}")
