"""Device time: the packed number of logs and the six bytes of events, as text.

Text is `YYYY-MM-DDTHH:MM:SS`, the device's local wall clock without a zone. A packed
month always has 31 days, so dates that no calendar knows come out of real terminals;
they keep their digits here and go back to the same number.
"""

import re
from functools import lru_cache

_DAY_SECONDS = 24 * 60 * 60
_MONTH_DAYS = 31
_YEAR_DAYS = 12 * _MONTH_DAYS
_CENTURY = 2000
_LAST_PACKED = 0xFFFFFFFF
_LAST_BYTE_YEAR = 255

_MINUTES = tuple(f"T{minute // 60:02}:{minute % 60:02}" for minute in range(24 * 60))
_SECONDS = tuple(f":{second:02}" for second in range(60))
_TEXT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)", re.ASCII)


def decode_time(packed: int) -> str:
    """Text of a packed u32; every number has one. The source is zk-protocol 3.1."""
    day, second = divmod(packed, _DAY_SECONDS)
    minute, rest = divmod(second, 60)
    return _date(day) + _MINUTES[minute] + _SECONDS[rest]


@lru_cache(maxsize=4096)
def _date(day: int) -> str:
    """Date of a day number that counts 31 days to every month."""
    year, rest = divmod(day, _YEAR_DAYS)
    month, left = divmod(rest, _MONTH_DAYS)
    return f"{_CENTURY + year:04}-{month + 1:02}-{left + 1:02}"


def encode_time(text: str) -> int:
    """Packed u32 of a text; 31 February is one, 32 January and 24:00 are not.

    Raises:
        ValueError: not this form, before 2000, after 2133-08-18T06:28:15, or digits
            that a packed time cannot hold.
    """
    year, month, day, hour, minute, second = _fields(text)
    if not (
        1 <= month <= 12  # noqa: PLR2004 - the calendar's own numbers
        and 1 <= day <= _MONTH_DAYS
        and hour < 24  # noqa: PLR2004 - the same
        and minute < 60  # noqa: PLR2004 - the same
        and second < 60  # noqa: PLR2004 - the same
    ):
        raise ValueError(f"a terminal cannot hold the time {text!r}")
    days = (year - _CENTURY) * _YEAR_DAYS + (month - 1) * _MONTH_DAYS + day - 1
    packed = days * _DAY_SECONDS + (hour * 60 + minute) * 60 + second
    if not 0 <= packed <= _LAST_PACKED:
        raise ValueError(f"a terminal cannot hold the time {text!r}")
    return packed


def decode_time6(data: bytes) -> str:
    """Text of the six bytes in an event: year - 2000, month … second, as they are."""
    year, month, day, hour, minute, second = data
    return f"{_CENTURY + year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"


def encode_time6(text: str) -> bytes:
    """Six bytes of a text.

    Raises:
        ValueError: not this form, or a year outside 2000 to 2255.
    """
    year, *rest = _fields(text)
    if not 0 <= year - _CENTURY <= _LAST_BYTE_YEAR:
        raise ValueError(f"an event cannot hold the time {text!r}")
    return bytes((year - _CENTURY, *rest))


def _fields(text: str) -> list[int]:
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(f"not a time of the form YYYY-MM-DDTHH:MM:SS: {text!r}")
    return [int(part) for part in match.groups()]
