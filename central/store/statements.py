"""The writing statements of the central store, for each database."""

from dataclasses import dataclass

from sqlalchemy import Dialect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from central.store.errors import StoreError
from central.store.tables import (
    FIRST_CAME,
    IDENTITY,
    KNOWN,
    ledger,
    punch_rows,
    quarantine,
    records,
)


@dataclass(frozen=True, slots=True)
class Statements:
    """The writing statements of one database; each takes a list of rows.

    `punches` is SQL for rows in the order of `IDENTITY`, `KNOWN`, `FIRST_CAME`.
    """

    ledger: Insert
    punches: str
    records: Insert
    quarantine: Insert


def prepare(dialect: Dialect) -> Statements:
    """Return the statements for a database.

    Raises:
        StoreError: when the toolkit writes the insert otherwise than rows are given.
    """
    insert = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
    ranges = insert(ledger)
    ranges = ranges.on_conflict_do_update(
        index_elements=["site", "gateway", "epoch", "first"],
        set_={"last": ranges.excluded.last, "head": ranges.excluded.head},
    )
    rows = insert(punch_rows)
    rows = rows.on_conflict_do_update(
        index_elements=["id"],
        set_={name: rows.excluded[name] for name in KNOWN},
        where=rows.excluded.rev > punch_rows.c.rev,
    )
    put_aside = insert(quarantine)
    put_aside = put_aside.on_conflict_do_update(
        index_elements=["topic", "digest"],
        set_={"times": quarantine.c.times + 1, "last_at": put_aside.excluded.last_at},
    )
    return Statements(
        ledger=ranges,
        punches=_positional(rows, dialect),
        records=insert(records).on_conflict_do_nothing(),
        quarantine=put_aside,
    )


def _positional(rows: Insert, dialect: Dialect) -> str:
    """Return the SQL of the punches' insert, its parameters in the columns' order."""
    compiled = rows.compile(dialect=dialect)
    wanted = [*IDENTITY, *KNOWN, *FIRST_CAME]
    if compiled.positiontup != wanted:
        raise StoreError(f"no positional insert for {dialect.name}")
    return str(compiled)
