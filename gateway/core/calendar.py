"""Which days are worked: the protocol, years as tables, and files of years.

Pure: where the tables come from (a library, files) is decided outside the core. A year
that nobody knows is not guessed: its days are None and verdicts on them stay pending.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol

_SATURDAY = 5


class DayKind(StrEnum):
    """Whether a day is worked (工作日、休息日、半天)."""

    WORK = "work"
    REST = "rest"
    HALF = "half"


class Half(StrEnum):
    """The half of a day that is worked; the other one is free."""

    MORNING = "morning"
    AFTERNOON = "afternoon"


@dataclass(frozen=True, slots=True)
class Day:
    """What a calendar says of a day.

    `half` is the worked half of a half day and None otherwise; `name` is the holiday it
    belongs to, also for a weekend day that is worked in exchange (调休), else empty.
    """

    kind: DayKind
    half: Half | None = None
    name: str = ""


WORKDAY = Day(DayKind.WORK)
RESTDAY = Day(DayKind.REST)


class Calendar(Protocol):
    """Answers for one day; `None` means that nobody knows this year."""

    def day(self, day: date) -> Day | None:
        """Return what `day` is."""
        ...

    @property
    def digest(self) -> str:
        """Changes when any answer does."""
        ...


def by_weekday(day: date) -> Day:
    """Return what a day is where nothing is said about it."""
    return RESTDAY if day.weekday() >= _SATURDAY else WORKDAY


@dataclass(frozen=True, slots=True)
class Weekdays:
    """Monday to Friday are worked, in every year."""

    digest: str = "weekdays"

    def day(self, day: date) -> Day | None:
        """Return what `day` is."""
        return by_weekday(day)


@dataclass(frozen=True, slots=True)
class Year:
    """The days of a year that are not what their weekday says, and who said so."""

    number: int
    source: str
    days: Mapping[date, Day]

    def day(self, day: date) -> Day:
        """Return what a day of this year is."""
        return self.days.get(day) or by_weekday(day)


@dataclass(frozen=True, slots=True)
class Years:
    """Years as tables; a year without one is not known."""

    years: Mapping[int, Year] = field(default_factory=dict)

    def day(self, day: date) -> Day | None:
        """Return what `day` is."""
        year = self.years.get(day.year)
        return year.day(day) if year else None

    @property
    def digest(self) -> str:
        """A SHA-256 in hex over every day that is said."""
        said = [
            [day.isoformat(), what.kind, what.half]
            for _, year in sorted(self.years.items())
            for day, what in sorted(year.days.items())
        ]
        whole = json.dumps([sorted(self.years), said])
        return hashlib.sha256(whole.encode()).hexdigest()


def differences(one: Year, other: Year) -> list[tuple[date, Day, Day]]:
    """Return the days that two tables of a year tell differently, in order."""
    days = sorted({*one.days, *other.days})
    pairs = [(day, one.day(day), other.day(day)) for day in days]
    return [
        (day, mine, yours)
        for day, mine, yours in pairs
        if (mine.kind, mine.half) != (yours.kind, yours.half)
    ]


def unknown_year(calendar: Calendar, today: date) -> int | None:
    """Return the year that somebody should see to today, if one is not known.

    The next year's holidays are published in November: from the 1st on it is missed.
    """
    if calendar.day(today) is None:
        return today.year
    november = 11
    if today.month >= november and calendar.day(date(today.year + 1, 1, 1)) is None:
        return today.year + 1
    return None
