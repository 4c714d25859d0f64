"""The working days of China: what a maintained library knows, and files of years.

The library is chinesecalendar: it holds the published notices since 2004 and refuses
years that are not published yet instead of guessing them. A file `CN-YYYY.toml` tells
a whole year and goes before it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

from chinese_calendar import Holiday, constants

from gateway.core.book import Book
from gateway.core.book.standing import CalendarName
from gateway.core.calendar import (
    Calendar,
    Day,
    DayKind,
    Weekdays,
    Year,
    Years,
    unknown_year,
)
from gateway.core.calendar_file import read_year
from gateway.core.walker import Problem
from gateway.errors import ConfigError
from gateway.texts import read_text

_Said = dict[date, Day]
_LIBRARY = "chinesecalendar"
_FILE = re.compile(r"CN-(\d{4})\.toml")


@dataclass(frozen=True, slots=True)
class Found:
    """A calendar, the years that files tell (with their paths), and their problems."""

    calendar: Calendar
    files: dict[int, Path]
    problems: list[Problem]


def library_years() -> dict[int, Year]:
    """Return the years the library knows."""
    days: dict[int, _Said] = {}
    for kind, table in (
        (DayKind.REST, constants.holidays),
        (DayKind.WORK, constants.workdays),
    ):
        for day, name in table.items():
            what = Day(kind, name=Holiday(name).chinese)
            days.setdefault(day.year, {})[day] = what
    source = f"{_LIBRARY} {version(_LIBRARY)}"
    return {number: Year(number, source, said) for number, said in days.items()}


def find(name: CalendarName, folders: Sequence[Path]) -> Found:
    """Return a calendar from the library and the files of years in these folders.

    The first folder that has a file for a year tells it; a file with problems is
    listed with them and leaves its year unknown.
    """
    if name is CalendarName.WEEKDAYS:
        return Found(Weekdays(), {}, [])
    years = library_years()
    files = _files(folders)
    problems: list[Problem] = []
    for number, path in files.items():
        years.pop(number, None)
        year, wrong = _read(number, path)
        problems += wrong
        if year:
            years[number] = year
    return Found(Years(dict(sorted(years.items()))), files, problems)


def _files(folders: Iterable[Path]) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("CN-*.toml")):
            match = _FILE.fullmatch(path.name)
            if match:
                found.setdefault(int(match[1]), path)
    return dict(sorted(found.items()))


def _read(number: int, path: Path) -> tuple[Year | None, list[Problem]]:
    try:
        year, problems = read_year(read_text(path), str(path))
    except ConfigError as error:
        return None, list(error.problems)
    if year and year.number != number:
        reason = f"must be {number}, as the file's name says"
        return None, [Problem(str(path), 1, "year", reason)]
    return year, problems


def concerns(
    book: Book, file: str, folders: Sequence[Path], today: date
) -> list[Problem]:
    """Return what is wrong with the calendar that a book's shifts follow.

    Problems of files of years, and a year that should be known by now: the present one,
    from 1 November on the next one too.
    """
    if not any(shift.follows_calendar for shift in book.rows.shifts):
        return []
    found = find(book.site.calendar, folders)
    missing = unknown_year(found.calendar, today)
    words = [Problem(file, 1, "site.calendar", words_of(missing))] if missing else []
    return [*found.problems, *words]


def words_of(missing: int) -> str:
    """Say what to do about a year that is not known."""
    return (
        f"the calendar of {missing} is not known: verdicts of its days stay pending;"
        f" update {_LIBRARY}, or write calendars/CN-{missing}.toml from the official"
        " notice (punchgate calendar import)"
    )
