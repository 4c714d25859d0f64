"""Moments on the site's wall clock as whole seconds, fast to compare and to subtract.

A moment counts seconds of local time from 0001-01-01T00:00:00 as if every day had
86,400: rules speak of the clock on the wall, so 08:30 is 08:30 in every season, and
neither the zone nor the clock of the machine that judges can matter. Where a zone turns
its clocks, the hour that comes twice has the same moments twice; who reads punches says
so (rules.md E49).
"""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_SECONDS = 86_400
HOUR_SECONDS = 3_600
_LENGTH = len("2026-03-02T08:30:00")

Span = tuple[int, int]
"""From a moment to another, half-open."""


def wall(local: datetime) -> int:
    """Return the moment of a naive local time; parts of a second are dropped."""
    seconds = local.hour * HOUR_SECONDS + local.minute * 60 + local.second
    return local.toordinal() * DAY_SECONDS + seconds


def midnight(day: date) -> int:
    """Return the moment at which a local day begins."""
    return day.toordinal() * DAY_SECONDS


def local(moment: int) -> datetime:
    """Return the naive local time of a moment."""
    days, seconds = divmod(moment, DAY_SECONDS)
    return datetime.combine(date.fromordinal(days), time()) + timedelta(seconds=seconds)


def day_of(moment: int) -> date:
    """Return the local day of a moment."""
    return date.fromordinal(moment // DAY_SECONDS)


def read(text: str) -> int:
    """Return the moment of `2026-03-02T08:30:00`, whole seconds, no offset.

    Raises:
        ValueError: when it is no such time.
    """
    if len(text) != _LENGTH or text[10] != "T" or text[13] != ":" or text[16] != ":":
        raise ValueError(f"{text!r} is no time like 2026-03-02T08:30:00")
    hour, minute, second = text[11:13], text[14:16], text[17:19]
    if not (hour + minute + second).isdecimal() or not text.isascii():
        raise ValueError(f"{text!r} is no time like 2026-03-02T08:30:00")
    hours, minutes, seconds = int(hour), int(minute), int(second)
    if hours > 23 or minutes > 59 or seconds > 59:  # noqa: PLR2004 - a clock's limits
        raise ValueError(f"{text!r} is no time of day")
    return _midnight_of(text[:10]) + hours * HOUR_SECONDS + minutes * 60 + seconds


def text(moment: int, zone: ZoneInfo) -> str:
    """Return a moment as ISO local time with the offset it has in a zone."""
    days, seconds = divmod(moment, DAY_SECONDS)
    offset = _offset(moment // HOUR_SECONDS, zone)
    return f"{_day_text(days)}T{_clock_text(seconds)}{offset}"


@lru_cache(maxsize=4096)
def _midnight_of(day: str) -> int:
    return midnight(date.fromisoformat(day))


@lru_cache(maxsize=4096)
def _day_text(days: int) -> str:
    return date.fromordinal(days).isoformat()


# People punch at much the same times every day.
@lru_cache(maxsize=16_384)
def _clock_text(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}"


@lru_cache(maxsize=65_536)
def _offset(hours: int, zone: ZoneInfo) -> str:
    # Zones turn their clocks on the hour, as far as anybody punches in them.
    whole = local(hours * HOUR_SECONDS).replace(tzinfo=zone).isoformat()
    return whole[_LENGTH:]
