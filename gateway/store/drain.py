"""The only hand-written SQL of the edge: pragmas, many rows at once, the outbox read.

Everything else goes through sqlite-utils, which writes a new statement for every sixty
rows; one prepared statement for all takes a quarter of the time (ADR 0006). The outbox
is drained by its own reading connection, so that sending never waits for writing nor
writing for sending.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlite_utils import Database

_INCREMENTAL = 2
# Ids are hashes, so a piece of 2,000 rows changes some 5 MB of pages all over their
# index: with the usual 2 MB of memory, and a checkpoint at every commit, many of them
# would be written several times.
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -6000",
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA journal_size_limit = 67108864",
)


def connect(path: Path) -> Database:
    """Open the journal for writing, creating it.

    Raises:
        sqlite3.Error: when it cannot be opened, written or is no database.
    """
    conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        if conn.execute("PRAGMA auto_vacuum").fetchone() != (_INCREMENTAL,):
            # Only for a new file: setting it again would write to a journal that may
            # have to be refused untouched.
            conn.execute(f"PRAGMA auto_vacuum = {_INCREMENTAL}")
        for pragma in _PRAGMAS:
            conn.execute(pragma)
    except sqlite3.Error:
        conn.close()
        raise
    return Database(conn)


def begin(db: Database) -> None:
    """Begin a transaction that has the write lock from its first statement."""
    db.execute("BEGIN IMMEDIATE")


def insert(
    db: Database,
    name: str,
    columns: Sequence[str],
    rows: Iterable[tuple[object, ...]],
    *,
    ignore: bool = False,
) -> int:
    """Insert rows, each with its values in the order of `columns`.

    Returns how many went in. With `ignore`, rows whose key is there already are left
    out.
    """
    names, places = ", ".join(columns), ", ".join("?" * len(columns))
    how = "INSERT OR IGNORE" if ignore else "INSERT"
    before = db.conn.total_changes
    db.conn.executemany(f"{how} INTO {name} ({names}) VALUES ({places})", rows)
    return int(db.conn.total_changes - before)


def damage(db: Database) -> str | None:
    """Return what `quick_check` has against the file, or None."""
    (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    return None if found == "ok" else str(found)


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of the outbox; the chain's head before it and behind it."""

    seq: int
    kind: str
    entry: bytes
    prev: str
    hash: str


class Reader:
    """Reads the outbox and the figures of a journal; it can never write.

    Raises:
        sqlite3.Error: from every method, when there is no journal or it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._conn: sqlite3.Connection | None = None

    def open(self) -> None:
        """Connect; the journal must exist."""
        self._conn = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=ro",
            uri=True,
            check_same_thread=False,
        )
        self._conn.row_factory = sqlite3.Row
        self._conn.execute("PRAGMA busy_timeout = 5000")

    def close(self) -> None:
        """Close the connection."""
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    @property
    def db(self) -> Database:
        """Return the connection for reading through sqlite-utils."""
        return Database(self._connection(), recursive_triggers=False)

    def _connection(self) -> sqlite3.Connection:
        if self._conn is None:
            raise sqlite3.ProgrammingError(f"{self._path} is not open")
        return self._conn

    def _one(self, sql: str, *values: object) -> Any:
        return self._connection().execute(sql, values).fetchone()

    def epoch(self) -> sqlite3.Row:
        """Return the row of the epoch that is written now.

        Raises:
            sqlite3.DatabaseError: when the journal has none yet.
        """
        found: sqlite3.Row | None = self._one(
            "SELECT * FROM epochs ORDER BY id DESC LIMIT 1"
        )
        if found is None:
            raise sqlite3.DatabaseError(f"{self._path} has no epoch yet")
        return found

    def batch(self, epoch: int, after: int, limit: int) -> list[Row]:
        """Return at most `limit` consecutive rows behind `after`, of one kind."""
        found = self._connection().execute(
            "SELECT seq, kind, entry, prev, hash FROM outbox"
            " WHERE epoch = ? AND seq > ? ORDER BY seq LIMIT ?",
            (epoch, after, limit),
        )
        return _alike(found)

    def between(self, epoch: str, first: int, last: int, limit: int) -> list[Row]:
        """Return at most `limit` consecutive rows of one kind from `first` to `last`.

        The epoch by its name. Rows that are gone are left out, whole runs too.
        """
        found = self._connection().execute(
            "SELECT seq, kind, entry, prev, hash FROM outbox"
            " WHERE epoch = (SELECT id FROM epochs WHERE name = ?)"
            " AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",
            (epoch, first, last, limit),
        )
        return _alike(found)

    def hash_at(self, epoch: int, seq: int) -> str | None:
        """Return the chain's head behind `seq`, None for a seq that never was."""
        found = self._one(
            "SELECT hash FROM outbox WHERE epoch = ? AND seq = ?", epoch, seq
        )
        return str(found[0]) if found else None

    def created_at(self, epoch: int, seq: int) -> str | None:
        """Return when an entry was put into the outbox."""
        found = self._one(
            "SELECT created_at FROM outbox WHERE epoch = ? AND seq = ?", epoch, seq
        )
        return str(found[0]) if found else None


def _alike(found: Iterable[tuple[Any, ...]]) -> list[Row]:
    """Return the first rows that are of one kind and have no gap between them."""
    rows: list[Row] = []
    for values in found:
        row = Row(*values)
        if rows and (row.kind, row.seq) != (rows[0].kind, rows[-1].seq + 1):
            break
        rows.append(row)
    return rows
