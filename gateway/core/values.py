"""The values that pass through the core: records, punches and why one is none.

Times: `at` is the terminal's own local wall clock as text and is never rewritten;
`received_at` is aware. `offset_seconds` is terminal clock minus gateway clock.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class VerifyMode(StrEnum):
    """How a person proved who they are (验证方式); codes differ by terminal family."""

    FINGER = "finger"
    FACE = "face"
    PALM = "palm"
    CARD = "card"
    PASSWORD = "password"  # noqa: S105 - a way to verify, no secret
    UNKNOWN = "unknown"


class Source(StrEnum):
    """By which way a record reached the gateway."""

    POLL = "poll"
    LIVE = "live"
    RESYNC = "resync"
    RESEND = "resend"
    PUSH = "push"
    FILE = "file"
    DESK = "desk"


class NotJudged(StrEnum):
    """Why a punch travels but is not judged yet (待核)."""

    UNKNOWN_BADGE = "unknown_badge"
    IMPLAUSIBLE_TIME = "implausible_time"


class Unreadable(StrEnum):
    """Why a record can never be a punch; its bytes are kept and reported."""

    IMPOSSIBLE_TIME = "impossible_time"
    NO_BADGE = "no_badge"


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record of a terminal's log and how it came here, before any meaning.

    `verify` and `state` are the terminal's codes; `raw` the record's bytes where the
    driver sees them; `position` counts from 0 in the log it was read from.
    """

    terminal: str
    serial: str
    badge: str
    at: str
    verify: int
    state: int
    work: int | None
    position: int
    raw: bytes | None
    driver: str
    source: Source
    received_at: datetime
    offset_seconds: float | None


@dataclass(frozen=True, slots=True)
class Punch:
    """A punch (打卡): who, when and where, as far as the book knows today.

    `id` depends on serial, badge and device second alone, so the same punch read by
    network, pushed or carried on a stick is one. `person` is None with a `reason`.
    """

    id: str
    serial: str
    terminal: str
    badge: str
    person: str | None
    reason: NotJudged | None
    at: str
    zone: str
    verify: VerifyMode
    verify_code: int
    state: int
    work: int | None
    received_at: datetime
    offset_seconds: float | None
    source: Source
    raw: bytes | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that no reading turns into a punch."""

    record: RawRecord
    reason: Unreadable
