"""The messages on the wire: the public contract, and the hash chain through them.

JSON, UTF-8, version 1. A known field never changes its meaning and is never removed
inside a version; unknown fields are ignored, so newer writers and older readers live
side by side. The key order of a struct is the key order on the wire.
"""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding hostile bytes may raise: no JSON, wrong types, no UTF-8, too deep."""

_INT64 = 2**63 - 1
Seq = Annotated[int, Meta(ge=1, le=_INT64, description="number in the stream, from 1")]
Count = Annotated[int, Meta(ge=0, le=_INT64)]
Whole = Annotated[int, Meta(ge=-_INT64, le=_INT64)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="SHA-256, hex")]
Verify = Literal["finger", "face", "palm", "card", "password", "unknown"]
Source = Literal["poll", "live", "resync", "resend", "push", "file", "desk"]
Verdict = Literal["pending", "ok", "found", "excused", "ruled", "unpriced"]
Detail = str | int | float | None


class PunchEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One punch of topic `punch`.

    `at` is the terminal's local wall clock, never corrected; `zone` the IANA zone it
    stands in. `person` is null with a `reason`. The same `id` with a higher `rev`
    replaces what was known before. `raw` is the terminal's record in hex.
    """

    seq: Seq
    id: Name
    rev: Count
    serial: str
    terminal: str
    badge: str
    person: str | None
    reason: str | None
    at: str
    zone: str
    verify: Verify
    state: Whole
    work: Whole | None
    received_at: str
    offset_seconds: float | None
    source: Source
    raw: str | None
    verify_code: Whole


class LivePunch(msgspec.Struct, frozen=True, kw_only=True):
    """One punch of now on `live/{terminal}`: QoS 0, not kept, no promise.

    For displays and home automation. What must not be lost comes on `punch`, with the
    same `id`.
    """

    v: Literal[1] = 1
    site: Name
    gateway: Name
    terminal: Name
    serial: str
    id: Name
    badge: str
    person: str | None
    reason: str | None
    at: str
    zone: str
    verify: Verify
    state: Whole
    received_at: str
    offset_seconds: float | None


class EventEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One event of topic `event`: what happened to a gateway or a terminal.

    `at` is the gateway's time in ISO with offset; `raw` bytes in hex where a record
    could not be read.
    """

    seq: Seq
    id: Name
    kind: Name
    terminal: str | None
    serial: str | None
    at: str
    reason: str | None
    detail: dict[str, Detail]
    raw: str | None


class EntryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the book that was made at a gateway, of topic `entry`.

    `table` and `row` are those of the book: `handovers`, `roll`, `substitutions`,
    `rulings`, `outages`. `row` holds ids, several of them with blanks between, and
    local times of the site without offset; no names, no notes. `id` is the row's own,
    `at` the gateway's time in ISO with offset when it was made.
    """

    seq: Seq
    id: Name
    table: Name
    row: dict[str, Detail]
    at: str


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """A sign in or out: ISO local time of the site with its offset, and its punch."""

    at: str
    punch: Name


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence in both languages."""

    zh: str
    en: str


class SessionFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing found, as `punchgate judge --json` has it.

    `seconds` is owed time missed, `rows` are ids or places of rows of the book,
    `setting` is what of the policy decided. `absorbed_by` is the finding charged in its
    place, `ruled_by` the ruling that waived it.
    """

    id: Name
    kind: Name
    policy: Name
    person: Name
    vendor: str
    date: str
    session: Whole | None
    seconds: Whole | None
    clause: str
    punches: list[str]
    rows: list[str]
    setting: str
    final: bool
    absorbed_by: str | None
    ruled_by: str | None
    zh: str
    en: str


class SessionDeduction(msgspec.Struct, frozen=True, kw_only=True):
    """One line of money, in fen; only final findings have one."""

    finding: Name
    policy: Name
    clause: str
    person: Name
    vendor: str
    date: str
    amount_fen: Whole


class AttendanceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one session of a duty, of topic `attendance`.

    `id` is that of person, date, shift, session and policy; a higher `rev` replaces the
    whole verdict, also its findings. `final` false: more data may change it, and no
    finding has a deduction. `waits` says what a pending session waited for when this
    was said. `flags` with `not_owed`: the session is owed no more. Without a `session`
    it holds what was found about the day beside its sessions. Ids only, no names.
    """

    seq: Seq
    id: Name
    rev: Count
    person: Name
    vendor: str
    date: str
    shift: str
    session: Whole | None
    start: str | None
    end: str | None
    arrival: Sign | None
    departure: Sign | None
    state: Verdict
    flags: list[str]
    waits: Said | None
    final: bool
    policy: Name
    findings: list[SessionFinding]
    deductions: list[SessionDeduction]


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """The chain before the first and behind the last entry of an envelope."""

    prev: Hash
    head: Hash


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of consecutive entries of one durable topic.

    `entries` keeps the exact bytes of each entry, which the chain is computed over.
    """

    v: Literal[1] = 1
    site: Name
    gateway: Name
    epoch: Name
    session: Count
    sent: str
    entries: list[msgspec.Raw]
    chain: Chain


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """What a centre holds of a gateway's stream, said after its commit.

    `upto`: every entry from 1 to here is stored. `missing`: `[first, last]` holes above
    it. `chain` is the chain hash behind entry `upto`, null at 0 or when the centre does
    not check chains. `store` and `generation` name the store that says so: when either
    differs from what a gateway knew, `upto` may be lower than before.
    """

    v: Literal[1] = 1
    site: Name
    gateway: Name
    epoch: Name
    upto: Count
    missing: list[tuple[Seq, Seq]]
    store: Name
    generation: Count
    chain: Hash | None
    sent: str


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Birth (`online` true) or death of a gateway; the will carries the same session.

    `backlog` counts entries not yet confirmed, `confirm` says by whom they are. `risks`
    are what `punchgate health` names, as last known: `clock_off:lobby`, `backlog_old`.
    """

    v: Literal[1] = 1
    site: Name
    gateway: Name
    online: bool
    session: Count
    epoch: Name
    backlog: Count
    oldest_age_seconds: float | None
    version: str
    confirm: Literal["central", "broker"]
    at: str
    risks: list[Name] = []


class CentreState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a centre is there to commit, and with which store."""

    v: Literal[1] = 1
    site: Name
    centre: Name
    online: bool
    store: Name
    generation: Count
    session: Count
    version: str
    at: str


class Equation(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the counts of a terminal add up; `term` names the one that does not."""

    holds: bool
    term: str | None


class TerminalState(msgspec.Struct, frozen=True, kw_only=True):
    """A terminal as its gateway sees it: availability, counts, clock, capacity.

    Counts are of the log as it is now: `generation` goes up when somebody clears it,
    and `earlier` is how many records are stored of what it was before.

    A terminal is there only while its gateway's `state` says online too: a gateway that
    dies leaves its last words here.
    """

    v: Literal[1] = 1
    site: Name
    gateway: Name
    terminal: Name
    serial: Name
    online: bool
    driver: str
    generation: Count
    in_terminal: Count | None
    downloaded: Count
    stored: Count
    punches: Count
    repeats: Count
    rejected: Count
    sent: Count
    acknowledged: Count
    earlier: Count = 0
    equation: Equation
    offset_seconds: float | None
    capacity: Count | None
    last_read: str | None
    at: str


def encode(message: msgspec.Struct) -> bytes:
    """Return the compact JSON bytes of a message."""
    return msgspec.json.encode(message)


def origin(epoch: str) -> str:
    """Return the chain hash before entry 1 of an epoch (hex)."""
    return hashlib.sha256(epoch.encode()).hexdigest()


def link(prev: str, entry: bytes) -> str:
    """Return the chain hash (hex) behind `entry`, given the one before it (hex).

    Raises:
        ValueError: when `prev` is not hex.
    """
    return hashlib.sha256(bytes.fromhex(prev) + entry).hexdigest()


def compose(  # noqa: PLR0913 - the keys of an envelope
    *,
    site: str,
    gateway: str,
    epoch: str,
    session: int,
    sent: str,
    entries: Sequence[bytes],
    prev: str,
    head: str,
) -> bytes:
    """Return an envelope around entries that are JSON bytes already.

    The stored bytes are joined, not decoded: what the chain was computed over is what
    travels.
    """
    head_part = msgspec.json.encode(
        {
            "v": 1,
            "site": site,
            "gateway": gateway,
            "epoch": epoch,
            "session": session,
            "sent": sent,
        }
    )
    chain = msgspec.json.encode({"prev": prev, "head": head})
    joined = b",".join(entries)
    return b'%b,"entries":[%b],"chain":%b}' % (head_part[:-1], joined, chain)
