"""Moments on the site's wall clock as whole seconds, fast to compare and to subtract.

A moment counts seconds of local time from 0001-01-01T00:00:00 as if every day had
86,400: rules speak of the clock on the wall, so 08:30 is 08:30 in every season, and
neither the zone nor the clock of the machine that judges can matter. Where a zone turns
its clocks, the hour that comes twice has the same moments twice (rules.md E49): the
sessions of such a day say so.
"""

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_SECONDS = 86_400
HOUR_SECONDS = 3_600
_LENGTH = len("2026-03-02T08:30:00")
_HOUR_LENGTH = len("2026-03-02T08")
_MINUTES = tuple(
    f":{minute:02}:{second:02}" for minute in range(60) for second in range(60)
)

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
    try:
        return _midnight_of(text[:11]) + _second_of(text[11:])
    except ValueError:
        raise ValueError(f"{text!r} is no time like 2026-03-02T08:30:00") from None


def text(moment: int, zone: ZoneInfo) -> str:
    """Return a moment as ISO local time with the offset it has in a zone."""
    hours, seconds = divmod(moment, HOUR_SECONDS)
    hour, offset = _hour_text(hours, zone)
    return f"{hour}{_MINUTES[seconds]}{offset}"


def turned(span: Span, zone: ZoneInfo) -> bool:
    """Return whether a zone turns its clocks within a span."""
    first, last = (moment // HOUR_SECONDS for moment in span)
    return _hour_text(first, zone)[1] != _hour_text(last, zone)[1]


# People punch at much the same times of the same days: what they share is read and
# written once.
@lru_cache(maxsize=4096)
def _midnight_of(text: str) -> int:
    day = date.fromisoformat(text[:-1])
    if text != f"{day}T":
        raise ValueError(text)
    return midnight(day)


@lru_cache(maxsize=16_384)
def _second_of(text: str) -> int:
    at = time.fromisoformat(text)
    if text != f"{at:%H:%M:%S}":
        raise ValueError(text)
    return at.hour * HOUR_SECONDS + at.minute * 60 + at.second


@lru_cache(maxsize=65_536)
def _hour_text(hours: int, zone: ZoneInfo) -> tuple[str, str]:
    """Return `2026-03-02T08` and the offset of that hour."""
    # Zones turn their clocks on the hour, as far as anybody punches in them.
    whole = local(hours * HOUR_SECONDS).replace(tzinfo=zone).isoformat()
    return whole[:_HOUR_LENGTH], whole[_LENGTH:]
