"""How keys of the book are declared: what they may hold and whom they name.

Texts that are absent are empty. Times of day are texts such as "08:30" and may pass
24:00, so that "32:00" is 08:00 of the next day; `seconds_of_day` reads them.
"""

import dataclasses
import re
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.core.walker import Check, between, filled

TABLE = "table"
_CHECK = "check"
_TIME_OF_DAY = re.compile(r"([0-9]{1,2}):([0-5][0-9])(?::([0-5][0-9]))?")
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
DAY_SECONDS = 86400
_LATEST_SECONDS = 2 * DAY_SECONDS


def ref(table: str, default: Any = dataclasses.MISSING) -> Any:
    """Declare a key that names a row of `table`; an empty text names none.

    A tuple of texts names several.
    """
    return dataclasses.field(default=default, metadata={TABLE: table})


def maybe(check: Check) -> Check:
    """Return a check that lets an absent text pass."""
    return lambda value: None if value in ("", None) else check(value)


def zone(name: str) -> str | None:
    """Check a time zone by the zone database."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"unknown time zone {name!r}; write it like Asia/Shanghai"
    return None


def identifier(value: str) -> str | None:
    """Check an id of ours: it stands in topics, files and logs."""
    if not value or any(
        c in "/+#" or c.isspace() or not c.isprintable() for c in value
    ):
        return "must be a short text without blanks, /, + or #"
    return None


def badge(value: str) -> str | None:
    """Check a badge: those of terminals come without padding."""
    if value.strip() and value != value.strip():
        return "must not have blanks around it"
    return filled(value)


def time_of_day(value: str) -> str | None:
    """Check a time of day, up to 48:00."""
    found = _TIME_OF_DAY.fullmatch(value)
    if not found or seconds_of_day(value) > _LATEST_SECONDS:
        return f'must be a time of day like "08:30" or "32:00", not {value!r}'
    return None


@lru_cache(maxsize=4096)
def seconds_of_day(value: str) -> int:
    """Return the seconds since midnight of a checked time of day."""
    hours, minutes, *rest = value.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + (int(rest[0]) if rest else 0)


def moment(value: date) -> str | None:
    """Check a date or a local date-time: of our times, whole seconds, no offset."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return "must be the local time of the site, without an offset"
    if isinstance(value, datetime) and value.microsecond:
        return "must be of whole seconds"
    return between(_FIRST_YEAR, _LAST_YEAR)(value.year) and (
        f"the year must be from {_FIRST_YEAR} to {_LAST_YEAR}"
    )


def some(value: tuple[object, ...]) -> str | None:
    """Check that a list is not empty."""
    return None if value else "must not be empty"


def names(value: tuple[str, ...]) -> str | None:
    """Check a list of names: not empty, and none of them is."""
    return None if value and all(map(str.strip, value)) else "must name somebody"


def amount(value: int | None) -> str | None:
    """Check an amount in fen."""
    return None if value is None else between(0, 10**12)(value)
