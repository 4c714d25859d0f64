"""Core values → the messages of the public contract. The only place that does it."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec

from gateway.clock import text
from gateway.core import moments
from gateway.core.values import Punch, Rejected
from gateway.core.verdicts import (
    Deduction,
    Finding,
    Judged,
    Mark,
    SessionVerdict,
    State,
)
from sync.messages import (
    AttendanceEntry,
    Detail,
    EntryEntry,
    EventEntry,
    LivePunch,
    PunchEntry,
    Said,
    SessionDeduction,
    SessionFinding,
    Sign,
    encode,
)
from sync.suspicions import CaseReview, SuspicionEntry

NOT_OWED = "not_owed"
"""Flag of a verdict whose session is owed no more."""

PolicyOf = Callable[[SessionVerdict | date], str]
"""Returns the id of the policy of a session, or of a day."""

_READ = msgspec.json.Decoder(AttendanceEntry)
_KEY_LENGTH = 26
_MOVES_ON = frozenset({"as_of", "decision_on", "charge_once"})


def punch_entry(punch: Punch, seq: int, rev: int) -> bytes:
    """Return a punch as the bytes of its entry."""
    return encode(
        PunchEntry(
            seq=seq,
            id=punch.id,
            rev=rev,
            serial=punch.serial,
            terminal=punch.terminal,
            badge=punch.badge,
            person=punch.person,
            reason=punch.reason and punch.reason.value,
            at=punch.at,
            zone=punch.zone,
            verify=punch.verify.value,
            state=punch.state,
            work=punch.work,
            received_at=text(punch.received_at),
            offset_seconds=punch.offset_seconds,
            source=punch.source.value,
            raw=None if punch.raw is None else punch.raw.hex(),
            verify_code=punch.verify_code,
        )
    )


def live_punch(punch: Punch, site: str, gateway: str) -> bytes:
    """Return a punch as the message of `live`."""
    return encode(
        LivePunch(
            site=site,
            gateway=gateway,
            terminal=punch.terminal,
            serial=punch.serial,
            id=punch.id,
            badge=punch.badge,
            person=punch.person,
            reason=punch.reason and punch.reason.value,
            at=punch.at,
            zone=punch.zone,
            verify=punch.verify.value,
            state=punch.state,
            received_at=text(punch.received_at),
            offset_seconds=punch.offset_seconds,
        )
    )


def rejected_entry(rejected: Rejected, seq: int, at: str) -> bytes:
    """Return an unreadable record as the bytes of a `record_rejected` event."""
    record = rejected.record
    return event_entry(
        seq,
        kind="record_rejected",
        terminal=record.terminal,
        serial=record.serial,
        at=at,
        reason=rejected.reason.value,
        detail={
            "badge": record.badge,
            "at": record.at,
            "verify_code": record.verify,
            "state": record.state,
            "position": record.position,
        },
        raw=record.raw,
    )


def event_id() -> str:
    """Return a new id of an event."""
    return f"e1_{uuid4().hex}"


def event_entry(  # noqa: PLR0913 - the keys of an event
    seq: int,
    *,
    kind: str,
    terminal: str | None,
    serial: str | None,
    at: str,
    reason: str | None = None,
    detail: Mapping[str, Detail] | None = None,
    raw: bytes | None = None,
    key: str | None = None,
) -> bytes:
    """Return an event as the bytes of its entry; `at` is the gateway's time.

    `key` is the event's id, for one that will be spoken of; else it gets one here.
    """
    return encode(
        EventEntry(
            seq=seq,
            id=key or event_id(),
            kind=kind,
            terminal=terminal,
            serial=serial,
            at=at,
            reason=reason,
            detail=dict(detail or {}),
            raw=None if raw is None else raw.hex(),
        )
    )


def row_entry(
    seq: int, *, key: str, table: str, row: Mapping[str, Detail], at: str
) -> bytes:
    """Return a row of the book that was made here as the bytes of its entry."""
    return encode(EntryEntry(seq=seq, id=key, table=table, row=dict(row), at=at))


def verdict_entries(
    person: str, vendor: str, judged: Judged, policy_of: PolicyOf, zone: ZoneInfo
) -> list[AttendanceEntry]:
    """Return what was judged of a person as entries without a seq and a rev yet.

    One for each session, and one for each day with something found beside its sessions.
    """
    found = {one.id: one for one in judged.findings}
    lines = {one.finding: one for one in judged.deductions}
    entries = []
    for one in judged.sessions:
        mine = [found.pop(name) for name in one.findings]
        entries.append(_verdict(vendor, one, policy_of(one), mine, lines, zone))
    by_day: dict[date, list[Finding]] = {}
    for left in found.values():
        by_day.setdefault(left.date, []).append(left)
    for day, some in by_day.items():
        entries.append(_day_verdict(person, vendor, day, policy_of(day), some, lines))
    return entries


def verdict_entry(entry: AttendanceEntry, seq: int, rev: int) -> bytes:
    """Return a verdict as the bytes of its entry."""
    return encode(msgspec.structs.replace(entry, seq=seq, rev=rev))


def verdict_digest(entry: AttendanceEntry) -> str:
    """Return what is equal where two verdicts say the same.

    Until when a terminal was read is no part of it: that moves on all the time.
    """
    said = encode(msgspec.structs.replace(entry, seq=0, rev=0, waits=None))
    # What it waits for counts; behind the comma stands since when.
    waits = entry.waits.en.partition(",")[0] if entry.waits else ""
    return hashlib.sha256(said + waits.encode()).hexdigest()


def read_verdict(stored: bytes) -> AttendanceEntry:
    """Read back the bytes of a verdict's entry."""
    return _READ.decode(stored)


def withdrawn(stored: bytes) -> AttendanceEntry:
    """Return the verdict that a stored one's session is owed no more."""
    return msgspec.structs.replace(
        _READ.decode(stored),
        state=State.EXCUSED.value,
        flags=[NOT_OWED],
        waits=None,
        final=True,
        findings=[],
        deductions=[],
    )


def _verdict(  # noqa: PLR0913, PLR0917 - what an entry is made of
    vendor: str,
    one: SessionVerdict,
    policy: str,
    found: list[Finding],
    lines: Mapping[str, Deduction],
    zone: ZoneInfo,
) -> AttendanceEntry:
    key = [one.person, one.date.isoformat(), one.shift, one.session, policy]
    waits = Said(zh=one.waits.zh, en=one.waits.en) if one.waits else None
    return AttendanceEntry(
        seq=0,
        id=_verdict_id(key),
        rev=0,
        person=one.person,
        vendor=vendor,
        date=one.date.isoformat(),
        shift=one.shift,
        session=one.session,
        start=moments.text(one.start, zone),
        end=moments.text(one.end, zone),
        arrival=_sign(one.arrival, zone),
        departure=_sign(one.departure, zone),
        state=one.state.value,
        flags=[flag.value for flag in one.flags],
        waits=waits,
        final=one.state is not State.PENDING and all(each.final for each in found),
        policy=policy,
        findings=[_finding(each) for each in found],
        deductions=list(_deductions(found, lines)),
    )


def _day_verdict(  # noqa: PLR0913, PLR0917 - what an entry is made of
    person: str,
    vendor: str,
    day: date,
    policy: str,
    found: list[Finding],
    lines: Mapping[str, Deduction],
) -> AttendanceEntry:
    charged = any(each.id in lines for each in found)
    return AttendanceEntry(
        seq=0,
        id=_verdict_id([person, day.isoformat(), "", None, policy]),
        rev=0,
        person=person,
        vendor=vendor,
        date=day.isoformat(),
        shift="",
        session=None,
        start=None,
        end=None,
        arrival=None,
        departure=None,
        state="found" if charged else "unpriced",
        flags=[],
        waits=None,
        final=all(each.final for each in found),
        policy=policy or found[0].policy,  # of who has left since
        findings=[_finding(each) for each in found],
        deductions=list(_deductions(found, lines)),
    )


def case_entry(case: Mapping[str, Any], seq: int, rev: int) -> bytes:
    """Return a suspicion, as `suspect --json` has it, as the bytes of its entry."""
    return encode(msgspec.convert({**case, "seq": seq, "rev": rev}, SuspicionEntry))


def review(said: object) -> dict[str, Any]:
    """Return what people decided, as a case carries it.

    Raises:
        ValueError: it is nothing of the kind.
    """
    found: dict[str, Any] = msgspec.to_builtins(msgspec.convert(said, CaseReview))
    return found


def case_digest(case: Mapping[str, Any]) -> str:
    """Return what is equal where two versions of a case say the same.

    Until which day was looked is no part of it, nor what follows from that alone.
    """
    said = {key: one for key, one in case.items() if key not in _MOVES_ON}
    text_ = json.dumps(said, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(text_.encode()).hexdigest()


def _verdict_id(key: list[object]) -> str:
    said = json.dumps(key, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(said.encode()).digest()
    return "a1_" + base64.b32encode(digest).decode().lower()[:_KEY_LENGTH]


def _sign(mark: Mark | None, zone: ZoneInfo) -> Sign | None:
    return Sign(at=moments.text(mark.at, zone), punch=mark.punch) if mark else None


def _finding(one: Finding) -> SessionFinding:
    return SessionFinding(
        id=one.id,
        kind=one.kind.value,
        policy=one.policy,
        person=one.person,
        vendor=one.vendor,
        date=one.date.isoformat(),
        session=one.session,
        seconds=one.seconds,
        clause=one.clause,
        punches=list(one.punches),
        rows=list(one.rows),
        setting=one.setting,
        final=one.final,
        absorbed_by=one.absorbed_by,
        ruled_by=one.ruled_by,
        zh=one.zh,
        en=one.en,
    )


def _deductions(
    found: Iterable[Finding], lines: Mapping[str, Deduction]
) -> Iterator[SessionDeduction]:
    for each in found:
        line = lines.get(each.id)
        if line is not None:
            yield SessionDeduction(
                finding=line.finding,
                policy=line.policy,
                clause=line.clause,
                person=line.person,
                vendor=line.vendor,
                date=line.date.isoformat(),
                amount_fen=line.amount_fen,
            )
