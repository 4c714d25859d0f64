"""Whose verdicts a changed book may change, and of which dates.

A row about one person concerns that person alone, one about a terminal, a day, a shift
or a contract everybody. More than necessary is harmless: a verdict that comes out the
same is not said again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from gateway.core.book import Book
from gateway.core.book.tables import TABLES

_PEOPLE = ("person", "substitute")
_AROUND = timedelta(days=3)
# Rows of single days count whenever they were; others stand for longer than anybody
# asks back.
_DATED = frozenset(
    {
        *("leave", "substitutions", "permits", "corrections", "roll", "outages"),
        *("days", "incidents", "handovers", "sightings", "reports"),
    }
)


@dataclass(frozen=True, slots=True)
class Affected:
    """Whose verdicts, None for everybody's, of which dates, inclusive."""

    person: str | None
    first: date
    last: date


def of(before: Book, after: Book, first: date, last: date) -> Iterator[Affected]:
    """Yield what may come out differently.

    `first` and `last` are the dates judged anyhow; rows of single days count whenever
    they were.
    """
    if before.site != after.site:
        yield Affected(None, first, last)
    for table in TABLES:
        old, new = set(before.rows.of(table)), set(after.rows.of(table))
        for row in old ^ new:
            yield from _of_row(table, row, first, last)


def named(before: Book, after: Book) -> set[str]:
    """Return the ids of findings and cases that new or gone rulings speak of."""
    old, new = set(before.rows.rulings), set(after.rows.rulings)
    return {row.on for row in old ^ new} | {
        punch for row in old ^ new for punch in row.punches
    }


def _of_row(table: str, row: Any, first: date, last: date) -> Iterator[Affected]:
    if table in _DATED and (span := _span(row)):
        low, high = span[0] - _AROUND, min(span[1] + _AROUND, last)
    else:
        low, high = first, last
    if low > high:
        return
    # The row of a person is that person's, and has an id of its own.
    people = [row.id] if table == "people" else _people(row)
    for person in people or [None]:
        yield Affected(person, low, high)


def _people(row: Any) -> list[str]:
    found = (getattr(row, name, None) for name in _PEOPLE)
    return [one for one in found if one]


def _span(row: Any) -> tuple[date, date] | None:
    """Return the first and last day that a row speaks of."""
    names = ("from_", "to", "at", "date", "due")
    said = [_day(getattr(row, name, None)) for name in names]
    days = [day for day in said if day is not None]
    return (min(days), max(days)) if days else None


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None
