"""What was put aside: looking at it, and reading it again with a newer program.

Reading again adds rows and never books: an entry put aside out of a message was booked
when it came, and a message put aside as a whole is not acknowledged until its gateway
sends it in a form that is believed. So a running collector is not disturbed.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, select, update

from central.incoming import fork, read, read_entry
from central.store.punching import punch_row, write_punches
from central.store.store import CentralStore, record_values
from central.store.streams import read_ledger, read_streams
from central.store.tables import quarantine
from central.values import Batch, Poison, Reason, RecordRow, Stream
from sync.messages import PunchEntry
from sync.topics import TopicError, Topics

_SHOWN = (
    *("id", "topic", "reason", "detail", "at", "last_at", "times", "epoch"),
    "stored_at",
)


class StillUnreadableError(Exception):
    """Nothing was stored; why, in words."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What reading again brought: numbers of entries, repeats included."""

    punches: int
    records: int


@dataclass(frozen=True, slots=True)
class _Found:
    """Entries to store, of one stream."""

    stream: Stream
    punches: tuple[PunchEntry, ...] = ()
    records: tuple[RecordRow, ...] = ()


def listed(store: CentralStore, *, everything: bool) -> list[dict[str, Any]]:
    """Return what is put aside, the oldest first; `everything`: also what is stored."""
    asked = select(quarantine).order_by(quarantine.c.id)
    if not everything:
        asked = asked.where(quarantine.c.stored_at.is_(None))
    with store.reading() as conn:
        rows = conn.execute(asked).mappings().all()
    return [_shown(row) for row in rows]


def one(store: CentralStore, number: int) -> tuple[dict[str, Any], bytes] | None:
    """Return one thing put aside and its bytes; None when there is none of that id."""
    row = _row(store, number)
    return None if row is None else (_shown(row), bytes(row["payload"]))


def retry(store: CentralStore, topics: Topics, number: int, at: str) -> Restored:
    """Read bytes again and store what they hold; `at` is now, ISO with offset.

    Raises:
        StillUnreadableError: when they cannot be stored, with the reason.
    """
    row = _row(store, number)
    if row is None:
        raise StillUnreadableError(f"nothing was put aside under {number}")
    if row["stored_at"] is not None:
        raise StillUnreadableError(f"{number} was stored at {row['stored_at']}")
    found = _read(store, topics, row)
    punches = [punch_row(found.stream, punch, at) for punch in found.punches]
    records = [record_values(found.stream, record, at) for record in found.records]
    with store.writing() as conn:
        if punches:
            write_punches(conn, store.statements, punches)
        if records:
            conn.execute(store.statements.records, records)
        done = update(quarantine).where(quarantine.c.id == number)
        conn.execute(done.values(stored_at=at))
    return Restored(len(punches), len(records))


def _shown(row: RowMapping) -> dict[str, Any]:
    return {name: row[name] for name in _SHOWN} | {"bytes": len(row["payload"])}


def _row(store: CentralStore, number: int) -> RowMapping | None:
    with store.reading() as conn:
        asked = select(quarantine).where(quarantine.c.id == number)
        return conn.execute(asked).mappings().first()


def _read(store: CentralStore, topics: Topics, row: RowMapping) -> _Found:
    topic, payload = str(row["topic"]), bytes(row["payload"])
    if row["reason"] == Reason.STRANGER:
        raise StillUnreadableError("it is an answer that nobody asked for")
    if row["reason"] == Reason.REVISION:
        raise StillUnreadableError("the store keeps what came first of a revision")
    if row["reason"] == Reason.ENTRY and b'"entries"' not in payload:
        return _entry(store, topics, row)
    found = read(topics, topic, payload)
    if isinstance(found, Poison):
        raise StillUnreadableError(f"{found.reason.value}: {found.detail}")
    _check_story(store, found)
    if found.poisons:
        raise StillUnreadableError(f"an entry of it: {found.poisons[0].detail}")
    return _Found(found.stream, found.punches, found.records)


def _check_story(store: CentralStore, batch: Batch) -> None:
    """Refuse a message that contradicts what is stored.

    Raises:
        StillUnreadableError: naming the entry.
    """
    with store.reading() as conn:
        booked = read_ledger(conn, batch.stream)
    before = booked.head_at(batch.entries[0][0] - 1)
    if before is not None and before != batch.prev:
        raise StillUnreadableError(fork(batch).detail)


def _entry(store: CentralStore, topics: Topics, row: RowMapping) -> _Found:
    """Read one entry that was put aside out of a believed message."""
    topic, payload = str(row["topic"]), bytes(row["payload"])
    poison = Poison(topic, payload, Reason.ENTRY, row["detail"], row["digest"])
    try:
        where = topics.parse(topic)
        found = read_entry(poison, where.kind)
    except (TopicError, ValueError) as error:
        raise StillUnreadableError(str(error)) from None
    if isinstance(found, Poison):
        raise StillUnreadableError(found.detail)
    epoch = row["epoch"] or _epoch(store, where.site, where.gateway)
    stream = Stream(where.site, where.gateway, epoch)
    if isinstance(found, PunchEntry):
        return _Found(stream, punches=(found,))
    return _Found(stream, records=(found,))


def _epoch(store: CentralStore, site: str, gateway: str) -> str:
    """Return the one epoch of a gateway; older stores did not note it.

    Raises:
        StillUnreadableError: when there are several.
    """
    with store.reading() as conn:
        streams = read_streams(conn)
    epochs = [s.epoch for s in streams if (s.site, s.gateway) == (site, gateway)]
    if len(epochs) != 1:
        raise StillUnreadableError("it was not noted to which epoch it belongs")
    return epochs[0]
