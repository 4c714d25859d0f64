"""The values of suspicion (替代打卡嫌疑): what a rule says, and how loudly.

Times inside this package are whole seconds. `at` counts the terminal's own wall clock
from 1970-01-01T00:00:00 as that clock shows it; `received` counts real (UTC) seconds.
The two meet only through the terminal's zone. Days are numbers of days since
1970-01-01 on the wall. Intervals are half-open `[start, end)`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum, StrEnum
from typing import Any, Protocol

from gateway.core.values import VerifyMode

DAY = 86_400
HOUR = 3_600
MINUTE = 60
_EPOCH = date(1970, 1, 1)

# Raised whenever a rule or a constant changes what a case says; stands in every case.
RULES_VERSION = "2"


class Kind(StrEnum):
    """What a case is about."""

    PAIR = "pair"
    BURST = "burst"
    ENROLMENT = "enrolment"
    TWO_SITES = "two_sites"
    LEAVE = "leave"
    CLOCK = "clock"
    RECORDS_GONE = "records_gone"


class Grade(StrEnum):
    """How loudly: only a case may be put before a person, after two people looked."""

    CASE = "case"
    WATCH = "watch"
    NOTE = "note"


class Status(StrEnum):
    """Whether the evidence still carries the case today."""

    OPEN = "open"
    WEAKENED = "weakened"


class Credential(IntEnum):
    """What a verify mode proves about who stood there."""

    UNKNOWN = 0
    WEAK = 1
    STRONG = 2


# The same as names of this module: they are asked for millions of times a night.
UNKNOWN, WEAK, STRONG = Credential

# proxy-detection.md 2. A word nobody vouched for proves nothing either way.
CREDENTIALS: Mapping[VerifyMode, Credential] = {
    VerifyMode.FINGER: Credential.STRONG,
    VerifyMode.FACE: Credential.STRONG,
    VerifyMode.PALM: Credential.STRONG,
    VerifyMode.CARD: Credential.WEAK,
    VerifyMode.PASSWORD: Credential.WEAK,
    VerifyMode.UNKNOWN: Credential.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Leave:
    """Approved absence, wall seconds of the site; `approved_at` None = nobody said.

    `end` is the effective end: shortened or returned from, if that came earlier.
    """

    start: int
    end: int
    approved_at: int | None


# One session of a duty: start and end in seconds after the midnight its day begins
# with; a night shift ends past 86,400.
Sessions = tuple[tuple[int, int], ...]


class SiteBook(Protocol):
    """What suspicion asks of the book; days are dates on the wall of the site."""

    def person_of(self, terminal: str, badge: str, day: date) -> str | None:
        """Return the id of the person with `badge` on `terminal` on `day`."""
        ...

    def zone(self, terminal: str) -> str:
        """Return the time zone of a terminal."""
        ...

    def site_of(self, terminal: str) -> str:
        """Return the id of the site the terminal stands at."""
        ...

    def travel_minutes(self, one: str, other: str) -> float | None:
        """Return the shortest way between two sites; None = nobody wrote it down."""
        ...

    def sessions(self, person: str, day: date) -> Sessions | None:
        """Return the sessions owed on `day`: () = none, None = no roster known."""
        ...

    def leave(self, person: str) -> Sequence[Leave]:
        """Return the approved leave of a person."""
        ...

    def employed_from(self, person: str) -> date | None:
        """Return the first day of employment, if the book has it."""
        ...

    def outages(self, terminal: str) -> Sequence[tuple[int, int]]:
        """Return the outages entered for a terminal, wall seconds `[start, end)`."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """What an operator may set. Everything else is a constant of the rules.

    `through`: last day to look at (None: the last day with a punch).
    `capacity`: records a terminal holds before it deletes its oldest, where known.
    """

    alpha: float = 0.05
    through: date | None = None
    watch_ratio: float = 400.0
    watch_per_week: int = 3
    capacity: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in both languages."""

    zh: str
    en: str

    def to_json(self) -> dict[str, str]:
        """Return the sentence as it stands in a case."""
        return {"zh": self.zh, "en": self.en}


Json = dict[str, Any]


def day_number(day: date) -> int:
    """Return the number of a day."""
    return (day - _EPOCH).days


def day_date(number: int) -> date:
    """Return the day of a number."""
    return _EPOCH + timedelta(days=number)


def wall_text(at: int) -> str:
    """Return wall seconds as `YYYY-MM-DDTHH:MM:SS`."""
    day, rest = divmod(at, DAY)
    hour, rest = divmod(rest, HOUR)
    minute, second = divmod(rest, MINUTE)
    return f"{day_date(day)}T{hour:02}:{minute:02}:{second:02}"
