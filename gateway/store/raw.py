"""Raw rows: what terminals said, kept before anybody asks what it means.

A row's key is (serial, record, occurrence): the record's bytes, or where a driver does
not see them the canonical JSON of its fields, and how many identical records stood
before it in the log. Reading the same log again adds nothing.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlite_utils import Database

from gateway.clock import moment, text
from gateway.core.values import RawRecord, Source
from gateway.store.drain import insert
from gateway.store.schema import OF_LOG, get, put, table
from gateway.store.seen import Seen, fingerprint

FILED = 0  # the generation of what came by file: it is part of no terminal's log
_CHUNK = 500
_HALF_READ = "half_read"
_COLUMNS = (
    "serial",
    "record",
    "occurrence",
    "terminal",
    "driver",
    "source",
    "position",
    "badge",
    "at",
    "verify",
    "state",
    "work",
    "received_at",
    "offset_seconds",
    "generation",
)
_BRACE = b"{"
_MOVE = (
    ("UPDATE raw SET generation = ? WHERE id = ?", ("id",)),
    ("UPDATE outcomes SET generation = ? WHERE raw_id = ?", ("id",)),
    (
        "UPDATE punches SET generation = ? WHERE serial = ? AND at = ? AND raw_id = ?",
        ("serial", "at", "id"),
    ),
)
_SOURCES = {str(source): source for source in Source}


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a terminal's log has been read.

    `position` records are stored, `anchor` is the key of the last of them, and
    `in_terminal` is what the terminal said it held at that read. A `generation` of a
    log goes from clear to clear.
    """

    serial: str
    terminal: str
    driver: str
    position: int
    anchor: bytes
    in_terminal: int
    offset_seconds: float | None
    read_at: str
    generation: int = 1


def record_key(record: RawRecord) -> bytes:
    """Return what identifies a record apart from its occurrence."""
    if record.raw is not None:
        return record.raw
    fields = {
        "serial": record.serial,
        "badge": record.badge,
        "at": record.at,
        "verify": record.verify,
        "state": record.state,
        "work": record.work,
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


class Row(NamedTuple):
    """A stored record, its row, and the generation of the log it was seen in."""

    id: int
    generation: int
    record: RawRecord


@dataclass(frozen=True, slots=True)
class Stored:
    """How many records were new, and their rows if all of them were."""

    new: int
    rows: Sequence[Row]


Before = Callable[[bytes], int]
"""Says of each record, in turn, how many with its key stood before it in the log."""


def store(
    db: Database,
    records: Sequence[RawRecord],
    before: Before,
    generation: int = FILED,
) -> Stored:
    """Store records of one terminal in log order.

    `before` is carried on from piece to piece of one read, such as a `Seen`.
    """
    last = newest(db)
    new = insert(db, "raw", _COLUMNS, _rows(records, before, generation), ignore=True)
    if new < len(records):
        return Stored(new, [])
    # Rows are never deleted, so their numbers have no gaps.
    numbered = enumerate(records, last + 1)
    return Stored(new, [Row(id_, generation, record) for id_, record in numbered])


def newest(db: Database) -> int:
    """Return the number of the last raw row, 0 without one."""
    rows = table(db, "raw").rows_where(select="id", order_by="id desc", limit=1)
    return next((int(row["id"]) for row in rows), 0)


def newest_at(db: Database, serial: str) -> str:
    """Return the device time of the last record stored of a serial, or nothing."""
    rows = table(db, "raw").rows_where(
        "+serial = ?", [serial], select="at", order_by="id desc", limit=1
    )
    return next((str(row["at"]) for row in rows), "")


def still_there(
    db: Database, serial: str, driver: str, generation: int, last_row: int
) -> bool:
    """Return whether a log holds any of the records up to a raw row."""
    where, values = f"{OF_LOG} AND id <= ?", [serial, driver, generation, last_row]
    return any(table(db, "raw").rows_where(where, values, select="id", limit=1))


def carry(
    db: Database,
    records: Sequence[RawRecord],
    seen: Seen,
    generation: int,
) -> None:
    """Note that these records are in this generation of the log, wherever they came.

    `seen` counts the identical records that came so far, these included.

    For a log that is read anew after somebody changed it: what was stored before and
    is still there belongs to the new generation too.
    """
    keys = list({record_key(record) for record in records})
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        where = (
            "serial = ? AND driver = ? AND generation != ?"
            f" AND record IN ({', '.join('?' * len(chunk))})"
        )
        values = [records[0].serial, records[0].driver, generation, *chunk]
        found = table(db, "raw").rows_where(
            where, values, select="id, serial, at, record, occurrence"
        )
        # One more than the log holds now stays where it was.
        there = [
            row
            for row in found
            if row["occurrence"] < seen.count(fingerprint(row["record"]))
        ]
        move_rows(db, there, generation)


def move_rows(db: Database, rows: Sequence[Mapping[str, Any]], generation: int) -> None:
    """Put raw rows, by id, serial and time, and what became of them elsewhere."""
    for statement, columns in _MOVE:
        values = [(generation, *(row[name] for name in columns)) for row in rows]
        db.conn.executemany(statement, values)


def left_behind(db: Database, serial: str, driver: str, generation: int) -> int:
    """Count the records of a generation that a later one no longer holds."""
    return table(db, "raw").count_where(OF_LOG, [serial, driver, generation])


def holds(db: Database, serial: str, badge: str, at: str) -> bool:
    """Return whether a record of this badge and second was ever read."""
    where = "serial = ? AND badge = ? AND at = ?"
    return bool(table(db, "raw").count_where(where, [serial, badge, at]))


def occurrences(db: Database, serial: str, keys: set[bytes]) -> dict[int, int]:
    """Count the stored rows of each key: where a read begins behind the cursor.

    Returns fingerprint → how many.
    """
    raw = table(db, "raw")
    return {
        fingerprint(key): raw.count_where("serial = ? AND record = ?", [serial, key])
        for key in keys
    }


def _rows(
    records: Sequence[RawRecord], before: Before, generation: int
) -> Iterator[tuple[object, ...]]:
    for record in records:
        key = record_key(record)
        yield (
            record.serial,
            key,
            before(key),
            record.terminal,
            record.driver,
            str(record.source),
            record.position,
            record.badge,
            record.at,
            record.verify,
            record.state,
            record.work,
            text(record.received_at),
            record.offset_seconds,
            generation,
        )


def after(db: Database, last: int, limit: int) -> list[Row]:
    """Return stored records behind row `last`, in the order they came."""
    rows = table(db, "raw").rows_where("id > ?", [last], order_by="id", limit=limit)
    return [Row(row["id"], row["generation"], _record(row)) for row in rows]


def _record(row: Mapping[str, Any]) -> RawRecord:
    key: bytes = row["record"]
    record = RawRecord(
        terminal=row["terminal"],
        serial=row["serial"],
        badge=row["badge"],
        at=row["at"],
        verify=row["verify"],
        state=row["state"],
        work=row["work"],
        position=row["position"],
        raw=None if key.startswith(_BRACE) else key,
        driver=row["driver"],
        source=_SOURCES[row["source"]],
        received_at=moment(row["received_at"]),
        offset_seconds=row["offset_seconds"],
    )
    # Bytes may begin with a brace too (a user in slot 123): only the key that the
    # fields themselves give says that there were none.
    if record.raw is None and record_key(record) != key:
        return replace(record, raw=key)
    return record


def cursor(db: Database, serial: str) -> Cursor | None:
    """Return how far the log of `serial` has been read."""
    rows = table(db, "cursors").rows_where("serial = ?", [serial])
    return next((Cursor(**row) for row in rows), None)


def move(db: Database, to: Cursor) -> None:
    """Move a cursor; its rows must have been committed before."""
    table(db, "cursors").upsert(
        {name: getattr(to, name) for name in Cursor.__slots__}, pk="serial"
    )


def open_generation(  # noqa: PLR0913 - the columns of one row
    db: Database,
    *,
    serial: str,
    generation: int,
    opened_at: str,
    reason: str,
    position: int,
    in_terminal: int,
) -> None:
    """Write down that a terminal's log is another one from now on, and why."""
    table(db, "generations").upsert(
        {
            "serial": serial,
            "generation": generation,
            "opened_at": opened_at,
            "reason": reason,
            "position": position,
            "in_terminal": in_terminal,
        },
        pk=("serial", "generation"),
    )


def note_slots(
    db: Database, serial: str, badges: Mapping[int, str], since: str
) -> None:
    """Write down which badge stands behind which slot from now on, where that is new.

    A record keeps the badge its slot had when it was read: slots are given to others.
    """
    known = {
        row["slot"]: row["badge"]
        for row in table(db, "slots").rows_where(
            "serial = ?", [serial], order_by="since, rowid"
        )
    }
    table(db, "slots").insert_all(
        {"serial": serial, "slot": slot, "badge": badge, "since": since}
        for slot, badge in badges.items()
        if known.get(slot) != badge
    )


def note_clock(db: Database, serial: str, measured_at: str, offset: float) -> None:
    """Add a measurement to the history of a terminal's clock."""
    table(db, "clocks").insert(
        {"serial": serial, "measured_at": measured_at, "offset_seconds": offset}
    )


def half_read(db: Database) -> list[str]:
    """Return the terminals that were being read, or still to be, at the last stop."""
    return list(json.loads(get(db, _HALF_READ) or "[]"))


def note_half_read(db: Database, terminals: Iterable[str]) -> None:
    """Write down at a stop whose rows may stand behind their cursor."""
    put(db, _HALF_READ, json.dumps(sorted(terminals)))
