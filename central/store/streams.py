"""Ledgers as rows: reading one back, writing what changed of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select

from central.store.statements import Statements
from central.store.tables import ledger, streams
from central.values import Stream
from sync.ledger import Ledger, Range


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store holds of a stream; `chain` is the chain hash at `upto`."""

    stream: Stream
    upto: int
    missing: tuple[tuple[int, int], ...]
    chain: str | None


def standing(stream: Stream, booked: Ledger) -> Standing:
    """Return where a stream stands."""
    return Standing(stream, booked.upto, tuple(booked.missing), booked.chain)


def read_ledger(conn: Connection, stream: Stream) -> Ledger:
    """Read a stream's ledger back; an empty one of an unknown stream."""
    columns = (ledger.c.first, ledger.c.last, ledger.c.head)
    rows = conn.execute(select(*columns).where(*_of(stream)))
    return Ledger(Range(*row) for row in rows)


def read_streams(conn: Connection) -> list[Stream]:
    """Return every stream, in the order of site, gateway and epoch."""
    columns = (ledger.c.site, ledger.c.gateway, ledger.c.epoch)
    found = conn.execute(select(*columns).distinct())
    return sorted(
        (Stream(*row) for row in found), key=lambda s: (s.site, s.gateway, s.epoch)
    )


def holes_since(conn: Connection, stream: Stream) -> str | None:
    """Return since when a stream has had holes; None when it has none."""
    where = (
        streams.c.site == stream.site,
        streams.c.gateway == stream.gateway,
        streams.c.epoch == stream.epoch,
    )
    return conn.execute(select(streams.c.holes_since).where(*where)).scalar()


def write_ledger(
    conn: Connection,
    statements: Statements,
    stream: Stream,
    before: Ledger,
    after: Ledger,
) -> None:
    """Write what changed; most often one range grew."""
    old = set(before.ranges)
    changed = [item for item in after.ranges if item not in old]
    kept = {item.first for item in after.ranges}
    gone = [item.first for item in old if item.first not in kept]
    if gone:
        where = (*_of(stream), ledger.c.first.in_(gone))
        conn.execute(delete(ledger).where(*where))
    if changed:
        rows = [_range_row(stream, item) for item in changed]
        conn.execute(statements.ledger, rows)


def stream_row(stream: Stream, at: str, since: str | None) -> dict[str, Any]:
    """Return the row that says when a stream was last written and its holes began."""
    return {
        "site": stream.site,
        "gateway": stream.gateway,
        "epoch": stream.epoch,
        "first_at": at,
        "stored_at": at,
        "holes_since": since,
    }


def _of(stream: Stream) -> Sequence[Any]:
    return (
        ledger.c.site == stream.site,
        ledger.c.gateway == stream.gateway,
        ledger.c.epoch == stream.epoch,
    )


def _range_row(stream: Stream, item: Range) -> dict[str, Any]:
    return {
        "site": stream.site,
        "gateway": stream.gateway,
        "epoch": stream.epoch,
        "first": item.first,
        "last": item.last,
        "head": item.head,
    }
