"""Opening the central store: connection, tables, identity.

Every opening for writing begins a new generation. Gateways that hear a generation they
do not know take the store's word for where they stand, so a store that came back from
a backup asks again for what it lost, and nobody has to remember to tell it.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, select, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from central.store.errors import NewerStoreError, StoreError
from central.store.migrations import begin_writing, bring_up
from central.store.tables import SCHEMA, VIEW, meta

# Ids are hashes: every commit changes pages all over their index. The rarer pages move
# from the log into the file, the more commits share one write: a third less is written
# while a backlog comes in, for a log of 64 MB.
_SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -65536",
    "PRAGMA wal_autocheckpoint = 16000",
)


_ADVICE = (
    "see that it can be reached and written and start again, the gateways keep what is"
    " not acknowledged"
)


@contextmanager
def store_errors(doing: str, engine: Engine | None = None) -> Iterator[None]:
    """Turn what the database raises into a `StoreError` that says what failed.

    With `engine` it says where, without the password, and what to do.
    """
    try:
        yield
    except (SQLAlchemyError, ArgumentError) as error:
        cause = getattr(error, "orig", None) or error
        where = f" {engine.url.render_as_string()}" if engine else ""
        advice = f"; {_ADVICE}" if engine else ""
        raise StoreError(
            f"the central store{where}: {doing} failed: {cause}{advice}"
        ) from error


def connect(url: str) -> tuple[Engine, Connection]:
    """Connect to a store by its SQLAlchemy URL.

    Raises:
        StoreError: when it cannot be reached.
    """
    with store_errors("opening"):
        # Positional parameters on every database: rows go to the driver as tuples.
        style = "qmark" if url.startswith("sqlite") else "format"
        engine = create_engine(url, paramstyle=style)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _pragmas)
    with store_errors("opening", engine):
        return engine, engine.connect()


def begin_generation(conn: Connection, at: str) -> None:
    """Create what is missing, name the store, and begin a generation.

    A store of an older version is brought up to this one, wholly or not at all.

    Args:
        conn: outside a transaction.
        at: now, ISO with offset. The generation is at least its microsecond, so it
            is a new one even when an old copy of the store was put back.

    Raises:
        NewerStoreError: when a newer version wrote it; nothing is changed then.
        StoreError: when it cannot be written.
    """
    with store_errors("preparing", conn.engine), conn.begin():
        begin_writing(conn)
        known = _identity(conn)
        _check_schema(known)
        bring_up(conn, int(known.get("schema", SCHEMA)), at)
        _view(conn)
        generation = int(known.get("generation", "0")) + 1
        now = int(datetime.fromisoformat(at).timestamp() * 1_000_000)
        values = {
            "schema": str(SCHEMA),
            "store": known.get("store", "st_" + secrets.token_hex(8)),
            "generation": str(max(generation, now)),
        }
        conn.execute(meta.delete())
        rows = [{"key": key, "value": value} for key, value in values.items()]
        conn.execute(meta.insert(), rows)


def read_identity(conn: Connection) -> dict[str, str]:
    """Return who the store says it is.

    Raises:
        NewerStoreError: when a newer version wrote it.
        StoreError: when there is no store, an older one, or it cannot be read.
    """
    with store_errors("reading"), conn.begin():
        known = _identity(conn)
    _check_schema(known)
    if not known:
        raise StoreError("the central store is empty: no collector wrote it yet")
    if int(known["schema"]) < SCHEMA:
        raise StoreError(
            f"the central store has tables of version {known['schema']}, this program"
            f" wants version {SCHEMA}; start its collector, which brings them up"
        )
    return known


def forbid_writing(conn: Connection) -> None:
    """Let a connection ask and nothing else.

    Raises:
        StoreError: when the database refuses.
    """
    with store_errors("opening", conn.engine), conn.begin():
        if conn.dialect.name == "sqlite":
            conn.exec_driver_sql("PRAGMA query_only = ON")
        else:
            conn.exec_driver_sql("SET default_transaction_read_only = on")


def _identity(conn: Connection) -> dict[str, str]:
    """Return the rows of `meta`; empty when there is no store yet."""
    if not inspect(conn).has_table("meta"):
        return {}
    return {row.key: row.value for row in conn.execute(select(meta))}


def _check_schema(known: dict[str, str]) -> None:
    """Refuse a store from the future.

    Raises:
        NewerStoreError: naming both versions.
    """
    found = int(known.get("schema", SCHEMA))
    if found > SCHEMA:
        raise NewerStoreError(
            f"the central store has tables of version {found}, this program knows"
            f" version {SCHEMA}; install the newer program, nothing was changed"
        )


def _view(conn: Connection) -> None:
    if "punches" not in inspect(conn).get_view_names():
        conn.execute(text(f"CREATE VIEW punches AS {VIEW}"))


def _pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in _SQLITE_PRAGMAS:
        cursor.execute(pragma)
    cursor.close()
