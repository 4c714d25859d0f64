"""What a full log that drops its oldest still holds, by the rows of it."""

from collections.abc import Sequence

from sqlite_utils import Database

from gateway.store.figures import Log
from gateway.store.raw import move_rows
from gateway.store.schema import OF_LOG, get, put, table

DROPPED = -1
"""The generation of records that a full log dropped to take others."""


def stored(db: Database, log: Log) -> int:
    """Return how many records of a log there are."""
    return table(db, "raw").count_where(OF_LOG, log.values)


def newest(db: Database, log: Log, most: int) -> Sequence[bytes]:
    """Return the keys of the last records of a log, in the order they came."""
    rows = table(db, "raw").rows_where(
        OF_LOG, log.values, select="record", order_by="id desc", limit=most
    )
    return [row["record"] for row in rows][::-1]


def oldest(db: Database, log: Log, start: int, most: int) -> Sequence[bytes]:
    """Return the keys of its first records from a place on."""
    rows = table(db, "raw").rows_where(
        OF_LOG, log.values, select="record", order_by="id", limit=most, offset=start
    )
    return [row["record"] for row in rows]


def is_told(db: Database, log: Log) -> bool:
    """Return whether it was said of this state of a log that it drops its oldest."""
    return get(db, _key(log)) == str(log.generation)


def drop(db: Database, log: Log, count: int) -> None:
    """Note that a log no longer holds its oldest records; they stay here."""
    rows = table(db, "raw").rows_where(
        OF_LOG, log.values, select="id, serial, at", order_by="id", limit=count
    )
    move_rows(db, list(rows), DROPPED)
    put(db, _key(log), str(log.generation))


def _key(log: Log) -> str:
    return f"drops:{log.driver}:{log.serial}"
