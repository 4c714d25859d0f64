"""Storing entries that are no punches: each number of a stream once.

A number that comes again with the same entry is a repeat. With another one its gateway
tells another story: those bytes are put aside, because nothing may drop from the
record.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select, tuple_

from central.store.statements import Statements
from central.store.tables import records
from central.values import Poison, Reason

Row = dict[str, Any]
_PLACE = ("site", "gateway", "epoch", "seq")
_PIECE = 200


def write_records(
    conn: Connection, statements: Statements, rows: Sequence[Row]
) -> list[Poison]:
    """Store rows; return those whose number another entry has already."""
    found: list[Poison] = []
    for start in range(0, len(rows), _PIECE):
        piece = rows[start : start + _PIECE]
        stored = _stored(conn, piece)
        found += [
            _other(row)
            for row in piece
            if stored.get(_place(row), row["body"]) != row["body"]
        ]
    conn.execute(statements.records, list(rows))
    return found


def _stored(conn: Connection, rows: Sequence[Row]) -> dict[tuple[Any, ...], str]:
    """Return place → body of the rows whose numbers are taken."""
    columns = [records.c[name] for name in _PLACE]
    places = [_place(row) for row in rows]
    asked = select(*columns, records.c.body).where(tuple_(*columns).in_(places))
    return {tuple(row[:-1]): row[-1] for row in conn.execute(asked)}


def _place(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _PLACE)


def _other(row: Row) -> Poison:
    body = row["body"].encode()
    return Poison(
        topic=f"{row['site']}/{row['gateway']}/{row['kind']}",
        payload=body,
        reason=Reason.FORK,
        detail=f"another entry {row['seq']} was stored before",
        digest=hashlib.sha256(body).hexdigest(),
        epoch=row["epoch"],
    )
