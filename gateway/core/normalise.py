"""RawRecord → Punch, or the reason why it is none.

Decides identity and attribution only: which punch this is, whose it is by the book,
and whether its time can be meant. It never drops a record, never rewrites a time and
never looks at other records.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
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
_ID_BYTES = 20  # 32 characters; 26 of them are the id
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def punch_id(serial: str, badge: str, at: str) -> str:
    """Return the identity of a punch: serial, badge and device second, nothing else.

    `badge` is stripped of padding and NULs here; leading zeros stay. `at` is
    `YYYY-MM-DDTHH:MM:SS`, also for a date that does not exist.
    """
    badge = clean_badge(badge)
    # Letters and digits are the same in JSON; the encoder would take most of the time.
    plain = serial.isalnum() and badge.isalnum() and _TIME.fullmatch(at)
    text = f'["{serial}","{badge}","{at}"]' if plain else _json([serial, badge, at])
    digest = hashlib.sha256(text.encode()).digest()
    return "p1_" + base64.b32encode(digest[:_ID_BYTES]).decode().lower()[:26]


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
    if readable(record.at) is None:
        return Rejected(record, Unreadable.IMPOSSIBLE_TIME)
    badge = clean_badge(record.badge)
    if not badge:
        return Rejected(record, Unreadable.NO_BADGE)
    person, reason = attribute(
        book, record.terminal, badge, record.at, record.received_at
    )
    return Punch(
        id=punch_id(record.serial, badge, record.at),
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
    day = date.fromisoformat(at[:10])
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
