"""`punchgate calendar`: which years are known, and files of years from the notice."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway import calendars
from gateway.calendar_sheet import year_of
from gateway.calendars import Found, library_years
from gateway.cli.app import (
    PROBLEM,
    USAGE,
    ConfigOption,
    JsonOption,
    app,
    config_path,
    fail,
    now_of_process,
    say,
    show_json,
)
from gateway.core.book.standing import CalendarName
from gateway.core.calendar import Day, DayKind, Year, Years, differences, unknown_year
from gateway.core.calendar_file import read_year, write_year
from gateway.core.walker import Problem
from gateway.errors import ConfigError
from gateway.sheets import SheetError, read_sheet
from gateway.shipped import folders
from gateway.texts import read_text

calendar_app = typer.Typer(
    help="Public holidays and the days worked in exchange.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(calendar_app, name="calendar")


@calendar_app.command()
def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show which years are known and by whom; exit 1 when a file has a problem."""
    found = calendars.find(CalendarName.CN, _folders(config))
    today = now_of_process()().date()
    missing = unknown_year(found.calendar, today)
    years = _years(found)
    if as_json:
        rows = [_as_row(found, year) for year in years]
        problems = [str(problem) for problem in found.problems]
        show_json({"years": rows, "missing": missing, "problems": problems})
    else:
        for year in years:
            _show_year(found, year)
        for problem in found.problems:
            say(str(problem))
        if missing:
            say(f"warning: {calendars.words_of(missing)}")
    if found.problems:
        raise typer.Exit(PROBLEM)


def _folders(config: Path | None) -> Sequence[Path]:
    return folders("calendars", config_path(config).parent)


def _years(found: Found) -> list[Year]:
    known = found.calendar.years if isinstance(found.calendar, Years) else {}
    return [known[number] for number in sorted(known)]


def _as_row(found: Found, year: Year) -> dict[str, Any]:
    file = found.files.get(year.number)
    return {
        "year": year.number,
        "source": year.source,
        "file": str(file) if file else None,
        "free": _count(year, DayKind.REST),
        "exchanged": _count(year, DayKind.WORK),
        "half": _count(year, DayKind.HALF),
        "differs": [
            [day.isoformat(), mine.kind, other.kind]
            for day, mine, other in _against_library(year)
        ],
    }


def _against_library(year: Year) -> list[tuple[date, Day, Day]]:
    other = library_years().get(year.number)
    return differences(year, other) if other else []


def _count(year: Year, kind: DayKind) -> int:
    return sum(day.kind is kind for day in year.days.values())


def _show_year(found: Found, year: Year) -> None:
    row = _as_row(found, year)
    where = f"  {row['file']}" if row["file"] else ""
    say(
        f"{year.number}  {row['free']:>2} days of holidays,"
        f" {row['exchanged']} weekend days worked  {year.source}{where}"
    )
    for day, mine, other in _against_library(year):
        say(f"      {day} is {mine.kind} here and {other.kind} in the library")


@calendar_app.command("import")
def import_year(
    file: Annotated[Path, typer.Argument(metavar="FILE", show_default=False)],
    source: Annotated[
        str, typer.Option(help="Who said so, such as the number of the notice.")
    ] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the file of that year.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only print the file.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Put a year into the calendars beside the configuration.

    FILE is a CN-YYYY.toml, or a table (.csv, .xlsx) of date, kind, name and which.
    """
    year, problems = _read(file, source)
    if year is None:
        say("\n".join(map(str, problems)))
        raise typer.Exit(PROBLEM)
    text = write_year(year, CalendarName.CN)
    if dry_run:
        say(text.rstrip())
        return
    target = _folders(config)[0] / f"CN-{year.number}.toml"
    if target.exists() and not replace:
        fail(f"{target} is there already; --replace replaces it")
    try:
        _write(target, text)
    except OSError as error:
        fail(f"{target} cannot be written: {error.strerror}")
    say(f"written: {target}")
    for day, mine, other in _against_library(year):
        say(f"  {day} is {mine.kind} here and {other.kind} in the library")


def _read(file: Path, source: str) -> tuple[Year | None, list[Problem]]:
    try:
        if file.suffix == ".toml":
            return read_year(read_text(file), str(file))
        if not source:
            fail("say who published these days with --source", USAGE)
        return year_of(file, read_sheet(file), source)
    except ConfigError as error:
        return None, list(error.problems)
    except SheetError as error:
        fail(f"{file} {error}", USAGE)


def _write(target: Path, text: str) -> None:
    """Write beside and move, so that a daemon never reads half a file."""
    target.parent.mkdir(exist_ok=True)
    new = target.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(target)
