"""What a full log that drops its oldest still holds, by the rows of it."""

from collections.abc import Sequence
from dataclasses import replace

from sqlite_utils import Database

from gateway.store.figures import Log
from gateway.store.raw import move_rows
from gateway.store.schema import OF_LOG, table

DROPPED = -1
"""The generation of records that a full log dropped to take others."""


def newest(db: Database, log: Log, most: int) -> Sequence[bytes]:
    """Return the keys of the last records of a log, in the order they came."""
    rows = table(db, "raw").rows_where(
        OF_LOG, _values(log), select="record", order_by="id desc", limit=most
    )
    return [row["record"] for row in rows][::-1]


def oldest(db: Database, log: Log, place: int) -> bytes | None:
    """Return the key of the record with so many before it, None if there is none."""
    rows = table(db, "raw").rows_where(
        OF_LOG, _values(log), select="record", order_by="id", limit=1, offset=place
    )
    return next((row["record"] for row in rows), None)


def drop(db: Database, log: Log, count: int) -> bool:
    """Note that a log no longer holds its oldest records; they stay here.

    Returns whether these are the first that it dropped.
    """
    first = oldest(db, replace(log, generation=DROPPED), 0) is None
    rows = table(db, "raw").rows_where(
        OF_LOG, _values(log), select="id, serial, at", order_by="id", limit=count
    )
    move_rows(db, list(rows), DROPPED)
    return first


def _values(log: Log) -> list[str | int]:
    return [log.serial, log.driver, log.generation]
