"""Bringing the tables of an older version up to this one, in place.

Everything happens in the one transaction that `begin_writing` opens: a store is of the
old version or of the new one, whatever ends the process. Nothing is deleted.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Table,
    bindparam,
    func,
    inspect,
    select,
    text,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.schema import CreateColumn

from central.record_keys import record_row
from central.store.tables import (
    closed,
    ledger,
    metadata,
    punch_rows,
    quarantine,
    records,
    streams,
)
from central.values import Stream
from sync.ledger import Ledger, Range
from sync.messages import UNREADABLE

_PIECE = 1_000
_KEYS = ("id", "rev", "entry_kind", "person", "date", "terminal", "serial", "at")


def begin_writing(conn: Connection) -> None:
    """Make everything that follows one transaction, tables included.

    SQLite's driver by itself begins one at the first row only; changes of tables
    before it would stay when the rest fails.
    """
    if conn.dialect.name == "sqlite":
        conn.exec_driver_sql("BEGIN IMMEDIATE")


def bring_up(conn: Connection, found: int, at: str) -> None:
    """Create what is missing and bring an older store up.

    Args:
        conn: in a transaction.
        found: the version of the tables as they are.
        at: now, ISO with offset.
    """
    metadata.create_all(conn)
    if found < 2:  # noqa: PLR2004 - the version that brought these
        for table in (records, quarantine):
            _add_columns(conn, table)
        _fill_keys(conn)
        _fill_streams(conn, at)
    if found < 3:  # noqa: PLR2004 - the version that brought this
        _add_columns(conn, closed)
    for table in metadata.sorted_tables:
        for index in table.indexes:
            index.create(conn, checkfirst=True)


def _add_columns(conn: Connection, table: Table) -> None:
    there = {column["name"] for column in inspect(conn).get_columns(table.name)}
    for column in table.columns:
        if column.name not in there:
            words = CreateColumn(column).compile(dialect=conn.dialect)
            conn.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {words}"))


def _fill_keys(conn: Connection) -> None:
    """Read what records can be found by out of their texts."""
    place = (records.c.site, records.c.gateway, records.c.epoch, records.c.seq)
    change = update(records).where(
        *(column == bindparam(f"of_{column.name}") for column in place)
    )
    for rows in _pages(conn, place):
        values = [
            {**_keys(row), **{f"of_{c.name}": getattr(row, c.name) for c in place}}
            for row in rows
        ]
        conn.execute(change.values({k: bindparam(k) for k in _KEYS}), values)


def _pages(conn: Connection, place: Sequence[Column[Any]]) -> Iterator[Sequence[Any]]:
    asked = select(*place, records.c.kind, records.c.body).order_by(*place)
    rows = conn.execute(asked.limit(_PIECE)).all()
    while rows:
        yield rows
        after = tuple_(*place) > tuple(rows[-1][: len(place)])
        rows = conn.execute(asked.where(after).limit(_PIECE)).all()


def _keys(row: Any) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(row.body)
    except UNREADABLE:
        value = None
    found = record_row(row.seq, row.kind, row.body, value)
    return {name: getattr(found, name) for name in _KEYS}


def _fill_streams(conn: Connection, at: str) -> None:
    """Say of each stream when it began and when something came last."""
    came = union_all(
        *(
            select(
                t.c.site,
                t.c.gateway,
                t.c.epoch,
                func.min(t.c.stored_at).label("first_at"),
                func.max(t.c.stored_at).label("stored_at"),
            ).group_by(t.c.site, t.c.gateway, t.c.epoch)
            for t in (punch_rows, records)
        )
    ).subquery()
    asked = select(
        came.c.site,
        came.c.gateway,
        came.c.epoch,
        func.min(came.c.first_at),
        func.max(came.c.stored_at),
    ).group_by(came.c.site, came.c.gateway, came.c.epoch)
    times = {Stream(*row[:3]): (row[3], row[4]) for row in conn.execute(asked)}
    rows = []
    for stream, item in _ledgers(conn).items():
        first_at, stored_at = times.get(stream, (at, at))
        since = at if item.missing else None
        rows.append(
            {
                "site": stream.site,
                "gateway": stream.gateway,
                "epoch": stream.epoch,
                "first_at": first_at,
                "stored_at": stored_at,
                "holes_since": since,
            }
        )
    if rows:
        conn.execute(streams.insert(), rows)


def _ledgers(conn: Connection) -> dict[Stream, Ledger]:
    ranges: dict[Stream, list[Range]] = {}
    columns = (ledger.c.site, ledger.c.gateway, ledger.c.epoch, ledger.c.first)
    for row in conn.execute(select(*columns, ledger.c.last, ledger.c.head)):
        ranges.setdefault(Stream(*row[:3]), []).append(Range(*row[3:]))
    return {stream: Ledger(found) for stream, found in ranges.items()}
