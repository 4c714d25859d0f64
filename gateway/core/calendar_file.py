"""Files of one calendar year, written from the official notice (放假安排通知).

A file tells the whole year: where there is one, nothing else is asked for that year.
Each holiday is its free days from the first to the last and the days worked in
exchange (调休上班).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.core.calendar import Day, DayKind, Half, Year, by_weekday
from gateway.core.toml import Path, TomlError, parse
from gateway.core.walker import Problem, Walker, between, filled, key

_LONGEST_HOLIDAY = 31
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holiday:
    """A holiday: free from its first to its last day, and what is worked for it."""

    name: str = key(check=filled)
    from_: date
    to: date
    work: tuple[date, ...] = ()

    def free(self) -> Iterator[date]:
        """Give its free days."""
        for offset in range((self.to - self.from_).days + 1):
            yield self.from_ + offset * _DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfDay:
    """A day of which one half is worked."""

    name: str = key(check=filled)
    date: date
    work: Half = Half.MORNING


@dataclass(frozen=True, slots=True, kw_only=True)
class YearFile:
    """A file as a whole."""

    calendar: str = key(check=filled)
    year: int = key(check=between(1900, 2199))
    source: str = key(check=filled)
    issued: date | None = None
    holidays: tuple[Holiday, ...] = ()
    half_days: tuple[HalfDay, ...] = ()


def read_year(text: str, file: str) -> tuple[Year | None, list[Problem]]:
    """Read the file of a year, or name every problem of it."""
    try:
        document = parse(text)
    except TomlError as error:
        return None, [Problem(file, error.line, "", f"not TOML: {error.reason}")]
    except (ValueError, RecursionError):
        reason = "not TOML: nested too deep or a number too long"
        return None, [Problem(file, 1, "", reason)]
    walker = Walker(file, document)
    found = walker.table(YearFile, document.data, ())
    days = _days(found, walker) if found else {}
    if found is None or walker.problems:
        return None, sorted(walker.problems, key=lambda problem: problem.line)
    return Year(found.year, found.source, days), []


Claim = tuple[Path, date, Day]


def _days(found: YearFile, walker: Walker) -> dict[date, Day]:
    """Return what the file says of each day; every day is said once."""
    days: dict[date, Day] = {}
    claims = [*_of_holidays(found, walker), *_of_half_days(found)]
    for path, day, what in claims:
        if day.year != found.year:
            reason = f"{day} is not in {found.year}; it belongs into that year's file"
            walker.problem(path, reason)
        elif day in days:
            walker.problem(path, f"{day} stands already above")
        days.setdefault(day, what)
    return days


def _of_holidays(found: YearFile, walker: Walker) -> Iterator[Claim]:
    for index, row in enumerate(found.holidays):
        where = ("holidays", index)
        if not 1 <= (row.to - row.from_).days + 1 <= _LONGEST_HOLIDAY:
            reason = f"must be 1 to {_LONGEST_HOLIDAY} days from {row.from_}"
            walker.problem((*where, "to"), reason)
            continue
        for day in row.free():
            yield (*where, "from"), day, Day(DayKind.REST, name=row.name)
        for day in row.work:
            if by_weekday(day).kind is DayKind.WORK:
                walker.problem((*where, "work"), f"{day} is no weekend day")
            else:
                yield (*where, "work"), day, Day(DayKind.WORK, name=row.name)


def _of_half_days(found: YearFile) -> Iterator[Claim]:
    for index, row in enumerate(found.half_days):
        what = Day(DayKind.HALF, row.work, row.name)
        yield ("half_days", index, "date"), row.date, what


def write_year(year: Year, calendar: str, issued: date | None = None) -> str:
    """Return the text of a file that reads back as `year`."""
    lines = [
        f"calendar = {_quoted(calendar)}",
        f"year = {year.number}",
        f"source = {_quoted(year.source)}",
        *([f"issued = {issued}"] if issued else []),
    ]
    exchanged = _exchanged(year)
    for name, first, last in _stretches(year):
        lines += ["", "[[holidays]]", f"name = {_quoted(name)}"]
        lines += [f"from = {first}", f"to = {last}"]
        # With the first stretch of a holiday; a list may be empty.
        lines.append(f"work = [{', '.join(exchanged.pop(name, []))}]")
    for day, what in sorted(year.days.items()):
        if what.half:
            lines += ["", "[[half_days]]", f"name = {_quoted(what.name)}"]
            lines += [f"date = {day}", f'work = "{what.half}"']
    return "\n".join(lines) + "\n"


def _exchanged(year: Year) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for day, what in sorted(year.days.items()):
        if what.kind is DayKind.WORK:
            found.setdefault(what.name, []).append(day.isoformat())
    return found


def _stretches(year: Year) -> list[tuple[str, date, date]]:
    """Return runs of free days of one name."""
    found: list[tuple[str, date, date]] = []
    for day, what in sorted(year.days.items()):
        if what.kind is not DayKind.REST:
            continue
        if found and found[-1][0] == what.name and day - found[-1][2] == _DAY:
            found[-1] = (what.name, found[-1][1], day)
        else:
            found.append((what.name, day, day))
    return found


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
