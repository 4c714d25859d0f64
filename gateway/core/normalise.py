"""RawRecord → Punch, or the reason why it is none.

Decides identity and attribution only: which punch this is, whose it is by the book,
and whether its time can be meant. It never drops a record, never rewrites a time and
never looks at other records.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from gateway.core.book import Book
from gateway.core.values import (
    NotJudged,
    Punch,
    RawRecord,
    Rejected,
    Unreadable,
    VerifyMode,
)

# TFT terminals of the last ten years (zk-protocol.md 5.2); a terminal's own table in
# gateway.toml replaces it as a whole.
VERIFY_CODES: Mapping[int, VerifyMode] = {
    1: VerifyMode.FINGER,
    3: VerifyMode.PASSWORD,
    4: VerifyMode.CARD,
    15: VerifyMode.FACE,
    25: VerifyMode.PALM,
}

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}")
# A terminal that lost power starts again at 2000-01-01 (rules.md E41).
_FIRST_PLAUSIBLE_YEAR = 2001
# A Pi without a clock chip may believe in 1970; this code did not exist before 2026.
_EARLIEST_NOW = 2026
_LEAP = ":59:60"
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
# The id is 26 characters of 5 bits: 13 pairs from the front of a digest.
_PAIRS = [first + second for first in _BASE32 for second in _BASE32]
_PAIR_ENDS = range(256 - 10, 256 - 10 - 13 * 10, -10)
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def punch_id(serial: str, badge: str, at: str) -> str:
    """Return the identity of a punch: serial, badge and device second, nothing else.

    `badge` is stripped of padding and NULs here; leading zeros stay. `at` is
    `YYYY-MM-DDTHH:MM:SS`, also for a date that does not exist.
    """
    badge = clean_badge(badge)
    if _TIME.fullmatch(at):
        return _id(serial, badge, at)
    return _id_of(_json([serial, badge, at]))


def _id(serial: str, badge: str, at: str) -> str:
    """Return the identity of a punch with a clean badge and a time of digits."""
    # Letters and digits are the same in JSON; the encoder would take most of the time.
    if serial.isalnum() and badge.isalnum():
        return _id_of(f'["{serial}","{badge}","{at}"]')
    return _id_of(_json([serial, badge, at]))


def _id_of(text: str) -> str:
    digest = int.from_bytes(hashlib.sha256(text.encode()).digest())
    return "p1_" + "".join([_PAIRS[digest >> end & 0x3FF] for end in _PAIR_ENDS])


def clean_badge(badge: str) -> str:
    """Strip the padding of fixed-width fields; everything else is the badge."""
    return badge.strip(" \0")


def normalise(
    record: RawRecord, book: Book, codes: Mapping[int, VerifyMode] = VERIFY_CODES
) -> Punch | Rejected:
    """Say which punch a record is, or why it is none.

    Args:
        record: what the terminal said.
        book: who has which badge on which terminal, and the terminal's zone.
        codes: the terminal's verify codes; others are `unknown`.
    """
    moment = readable(record.at)
    if moment is None and record.at.endswith(_LEAP):
        # E50: 23:59:60 is the second before; the raw bytes keep what was said.
        before = replace(record, at=record.at.removesuffix("60") + "59")
        moment = readable(before.at)
        record = before if moment else record
    if moment is None:
        return Rejected(record, Unreadable.IMPOSSIBLE_TIME)
    badge = clean_badge(record.badge)
    if not badge:
        return Rejected(record, Unreadable.NO_BADGE)
    person, reason = _attribute(
        book, record.terminal, badge, moment.date(), record.received_at
    )
    return Punch(
        id=_id(record.serial, badge, record.at),
        serial=record.serial,
        terminal=record.terminal,
        badge=badge,
        person=person,
        reason=reason,
        at=record.at,
        zone=book.zone(record.terminal),
        verify=codes.get(record.verify, VerifyMode.UNKNOWN),
        verify_code=record.verify,
        state=record.state,
        work=record.work,
        received_at=record.received_at,
        offset_seconds=record.offset_seconds,
        source=record.source,
        raw=record.raw,
    )


def attribute(
    book: Book, terminal: str, badge: str, at: str, received_at: datetime
) -> tuple[str | None, NotJudged | None]:
    """Return the person of a punch and why it is not judged, if so.

    `at` is a readable device time.
    """
    return _attribute(book, terminal, badge, date.fromisoformat(at[:10]), received_at)


def _attribute(
    book: Book, terminal: str, badge: str, day: date, received_at: datetime
) -> tuple[str | None, NotJudged | None]:
    person = book.person_of(terminal, badge, day)
    if not _plausible(day, received_at):
        return person, NotJudged.IMPLAUSIBLE_TIME
    return person, None if person else NotJudged.UNKNOWN_BADGE


def readable(at: str) -> datetime | None:
    """Return the time if that date exists in the calendar, whatever its year."""
    if not _TIME.fullmatch(at):
        return None
    try:
        return datetime.fromisoformat(at)
    except ValueError:
        return None


def _plausible(day: date, received_at: datetime) -> bool:
    """Tell a clock that was meant from one that was lost or misread.

    Years only: a wrong but steady clock is corrected by its measured offset, it does
    not make its punches implausible.
    """
    latest = max(received_at.year, _EARLIEST_NOW) + 1
    return _FIRST_PLAUSIBLE_YEAR <= day.year <= latest
