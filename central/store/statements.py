"""The writing statements of the central store, for each database."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from central.store.errors import StoreError
from central.store.tables import (
    FIRST_CAME,
    IDENTITY,
    KNOWN,
    SEEN,
    closed,
    gateways,
    ledger,
    punch_rows,
    quarantine,
    reconciled,
    records,
    sightings,
    streams,
)


@dataclass(frozen=True, slots=True)
class Statements:
    """The writing statements of one database; each takes a list of rows.

    `punches` and `revised` are SQL for rows in the order of `IDENTITY`, `KNOWN`,
    `FIRST_CAME`: the first leaves known punches alone, the second replaces what is
    known of them by a higher `rev`.
    """

    ledger: Insert
    punches: str
    revised: str
    sightings: Insert
    records: Insert
    quarantine: Insert
    closed: Insert
    streams: Insert
    reconciled: Insert
    gateways: Insert


def prepare(dialect: Dialect) -> Statements:
    """Return the statements for a database.

    Raises:
        StoreError: when the toolkit writes the insert otherwise than rows are given.
    """
    insert: Any = sqlite.insert if dialect.name == "sqlite" else postgresql.insert
    rows = insert(punch_rows)
    revised = rows.on_conflict_do_update(
        index_elements=["id"],
        # How the first stream saw it stays beside that stream.
        set_={name: rows.excluded[name] for name in KNOWN if name not in SEEN},
        where=rows.excluded.rev > punch_rows.c.rev,
    )
    put_aside = insert(quarantine)
    again = {"times": quarantine.c.times + 1, "last_at": put_aside.excluded.last_at}
    put_aside = put_aside.on_conflict_do_update(
        index_elements=["topic", "digest"], set_={**again, "stored_at": None}
    )
    return Statements(
        ledger=_latest(insert(ledger), ledger, "last", "head"),
        punches=_positional(rows.on_conflict_do_nothing(), dialect),
        revised=_positional(revised, dialect),
        sightings=insert(sightings).on_conflict_do_nothing(),
        records=insert(records).on_conflict_do_nothing(),
        quarantine=put_aside,
        closed=insert(closed).on_conflict_do_nothing(),
        streams=_latest(insert(streams), streams, "stored_at", "holes_since"),
        reconciled=_latest(insert(reconciled), reconciled),
        gateways=_latest(insert(gateways), gateways),
    )


def _latest(rows: Any, table: Table, *names: str) -> Insert:
    """Return an insert that writes columns (all, unless named) of a known key anew."""
    keys = [column.name for column in table.primary_key]
    names = names or tuple(c.name for c in table.columns if c.name not in keys)
    new = {name: rows.excluded[name] for name in names}
    made: Insert = rows.on_conflict_do_update(index_elements=keys, set_=new)
    return made


def _positional(rows: Insert, dialect: Dialect) -> str:
    """Return the SQL of the punches' insert, its parameters in the columns' order."""
    compiled = rows.compile(dialect=dialect)
    wanted = [*IDENTITY, *KNOWN, *FIRST_CAME]
    if compiled.positiontup != wanted:
        raise StoreError(f"no positional insert for {dialect.name}")
    return str(compiled)
