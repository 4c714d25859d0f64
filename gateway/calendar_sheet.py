"""The calendar of a year from a table of days: date, kind, name, which half."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from gateway.core.calendar import Day, DayKind, Half, Year, by_weekday
from gateway.core.walker import Problem
from gateway.sheets import Line

_COLUMNS = ("date", "kind", "name", "which")
_NEEDED = frozenset({"date", "kind", "name"})


def year_of(
    path: Path, lines: Sequence[Line], source: str
) -> tuple[Year | None, list[Problem]]:
    """Read the days of one year; with any problem there is no year.

    Args:
        path: the file, for problems.
        lines: header and rows.
        source: who said so, such as the number of the notice.
    """
    header, *rows = lines
    if set(header.cells) - {""} - set(_COLUMNS) or not set(header.cells) >= _NEEDED:
        reason = f"the columns must be {', '.join(_COLUMNS)}; which may be left out"
        return None, [Problem(str(path), header.number, "", reason)]
    days: dict[date, Day] = {}
    problems: list[Problem] = []
    for row in rows:
        cells = dict(zip(header.cells, row.cells, strict=False))
        wrong = list(_read(cells, days))
        problems += [Problem(str(path), row.number, n, reason) for n, reason in wrong]
    if not days and not problems:
        problems = [Problem(str(path), header.number, "", "has no days")]
    if problems:
        return None, problems
    return Year(min(days).year, source, days), []


def _read(cells: dict[str, str], days: dict[date, Day]) -> Iterator[tuple[str, str]]:
    """Add the day of a row, or say what is wrong with which column."""
    text = cells.get("date", "").replace("/", "-").removesuffix("T00:00:00")
    try:
        day = date(*map(int, text.split("-")))
    except (ValueError, TypeError):
        yield "date", f"must be a date like 2027-01-01, not {text!r}"
        return
    kind, name, which = (cells.get(column, "") for column in _COLUMNS[1:])
    if kind not in set(DayKind):
        yield "kind", f"must be one of {', '.join(DayKind)}, not {kind!r}"
        return
    if not name:
        yield "name", "must name the holiday"
    if which not in ("", *Half):
        yield "which", f"must be one of {', '.join(Half)}, not {which!r}"
        return
    if day in days:
        yield "date", f"{day} stands already above"
    if days and day.year != min(days).year:
        yield "date", f"{day} is not in {min(days).year}, the year of the first row"
    if kind == DayKind.WORK and by_weekday(day).kind is DayKind.WORK:
        yield "kind", f"{day} is worked anyway"
    half = Half(which or Half.MORNING) if kind == DayKind.HALF else None
    days.setdefault(day, Day(DayKind(kind), half, name))
