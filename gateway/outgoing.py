"""Core values → the messages of the public contract. The only place that does it."""

from collections.abc import Mapping
from uuid import uuid4

from gateway.clock import text
from gateway.core.values import Punch, Rejected
from sync.messages import Detail, EventEntry, LivePunch, PunchEntry, encode


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
