"""Storing punches: each once, who else saw it beside it, the highest revision on top.

A backlog is nearly all new punches, and those cost one insert: the database says how
many rows it added, and only where that is fewer than were given is it asked which.
"""

import hashlib
from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from central.store.statements import Statements
from central.store.tables import FIRST_CAME, IDENTITY, KNOWN, punch_rows
from central.values import Poison, Reason, Stream
from sync.messages import PunchEntry

Row = tuple[Any, ...]
"""A punch in the order of `IDENTITY`, `KNOWN`, `FIRST_CAME`."""

_PIECE = 5_000
_COLUMNS = (*IDENTITY, *KNOWN, *FIRST_CAME)
_ID, _REV = _COLUMNS.index("id"), _COLUMNS.index("rev")
_STREAM = slice(_COLUMNS.index("site"), _COLUMNS.index("epoch") + 1)
_WHOSE = ("person", "reason")
_ENTRY = (*IDENTITY, *KNOWN, "seq")
_values = attrgetter(*IDENTITY, *KNOWN)


class _Known(NamedTuple):
    """What the store holds of a punch: its revision, whose it is, where it came by."""

    rev: int
    whose: tuple[str | None, str | None]
    stream: tuple[str, str, str]


def punch_row(stream: Stream, punch: PunchEntry, at: str) -> Row:
    """Return a punch as it is stored; `at` is now, ISO with offset."""
    came = (stream.site, stream.gateway, stream.epoch)
    return (*_values(punch), *came, punch.seq, at)


def write_punches(
    conn: Connection, statements: Statements, rows: Sequence[Row]
) -> list[Poison]:
    """Store punches in the order they came; `conn` is in a transaction.

    Returns those of a revision that is stored already and says otherwise whose they
    are: nothing tells which of the two is right.
    """
    # The driver takes the rows as they are: twice as fast as through the toolkit's
    # parameters, and this is what a backlog waits for.
    added = conn.exec_driver_sql(
        statements.punches, list(rows), execution_options={"preserve_rowcount": True}
    ).rowcount
    if added == len(rows):
        return []
    return [
        poison
        for start in range(0, len(rows), _PIECE)
        for poison in _write_known(conn, statements, rows[start : start + _PIECE])
    ]


def _write_known(
    conn: Connection, statements: Statements, rows: Sequence[Row]
) -> list[Poison]:
    """Write what known punches add: another stream saw them, more is known of them.

    Returns what contradicts them.
    """
    known = _known(conn, {row[_ID] for row in rows})
    seen = [_sighting(row) for row in rows if row[_STREAM] != known[row[_ID]].stream]
    if seen:
        conn.execute(statements.sightings, seen)
    revised = [row for row in rows if row[_REV] > known[row[_ID]].rev]
    if revised:
        conn.exec_driver_sql(statements.revised, revised)
    return [_other(row) for row in rows if _contradicts(row, known[row[_ID]])]


def _known(conn: Connection, ids: set[str]) -> dict[str, _Known]:
    """Ask for punches by their ids, given as one value whatever their number."""
    names = ("id", "rev", *_WHOSE, "site", "gateway", "epoch")
    asked = select(*(punch_rows.c[name] for name in names))
    return {
        row[0]: _Known(row[1], tuple(row[2:4]), tuple(row[4:]))
        for row in conn.execute(asked.where(_among(conn, ids)))
    }


def _among(conn: Connection, ids: set[str]) -> Any:
    if conn.dialect.name == "sqlite":
        values = func.json_each(msgspec.json.encode(sorted(ids)).decode())
        return punch_rows.c.id.in_(select(column("value")).select_from(values))
    return punch_rows.c.id == func.any(bindparam(None, sorted(ids), ARRAY(Text)))


def _contradicts(row: Row, known: _Known) -> bool:
    """Say whether a row says otherwise whose a punch is, with the same revision."""
    whose = tuple(row[_COLUMNS.index(name)] for name in _WHOSE)
    return row[_REV] == known.rev and whose != known.whose


def _other(row: Row) -> Poison:
    named = dict(zip(_COLUMNS, row, strict=True))
    said = [named[name] for name in ("id", "rev", *_WHOSE)]
    return Poison(
        topic=f"{named['site']}/{named['gateway']}/punch",
        payload=msgspec.json.encode({name: named[name] for name in _ENTRY}),
        reason=Reason.REVISION,
        detail=f"revision {row[_REV]} of this punch says otherwise whose it is",
        digest=hashlib.sha256(msgspec.json.encode(said)).hexdigest(),
        epoch=named["epoch"],
    )


def _sighting(row: Row) -> dict[str, Any]:
    named = dict(zip(_COLUMNS, row, strict=True))
    columns = ("id", "received_at", "source", *FIRST_CAME)
    return {name: named[name] for name in columns}
