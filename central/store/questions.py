"""Questions to the store, for people and programs; nothing is changed by asking."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select, text

from central.store.store import CentralStore
from central.store.tables import closed, gateways, punch_rows, sightings, streams
from central.values import By

_DAY_LETTERS = 10
_SEEN = ("site", "gateway", "epoch", "seq", "received_at", "source", "stored_at")
_PUNCH = (
    *("id", "at", "zone", "terminal", "serial", "badge", "person", "reason"),
    *("verify", "state", "rev", "offset_seconds"),
)


def count_by(store: CentralStore, groups: Sequence[By]) -> list[dict[str, Any]]:
    """Return the number of punches of each group, in order."""
    columns: Mapping[By, ColumnElement[Any]] = {
        By.SITE: punch_rows.c.site,
        By.GATEWAY: punch_rows.c.gateway,
        By.DAY: func.substr(punch_rows.c.at, 1, _DAY_LETTERS),
    }
    chosen = [columns[group].label(group.value) for group in dict.fromkeys(groups)]
    # By name: a repeated expression with parameters is another one to PostgreSQL.
    names = [column.name for column in chosen]
    asked = select(*chosen, func.count().label("punches"))
    asked = asked.group_by(*(text(name) for name in names))
    with store.reading() as conn:
        found = [dict(row) for row in conn.execute(asked).mappings()]
    return sorted(found, key=lambda row: [row[group.value] for group in groups])


def punches_of(
    store: CentralStore, person: str, first: str | None, last: str | None
) -> list[dict[str, Any]]:
    """Return a person's punches of the days `first` to `last`, with who saw them when.

    `seen` begins with the stream that brought it first; what a later revision knows
    better stands in the punch.
    """
    day = func.substr(punch_rows.c.at, 1, _DAY_LETTERS)
    asked = select(punch_rows).where(punch_rows.c.person == person)
    asked = asked.where(day >= first) if first else asked
    asked = asked.where(day <= last) if last else asked
    with store.reading() as conn:
        found = conn.execute(asked.order_by(punch_rows.c.at, punch_rows.c.id))
        rows = [dict(row) for row in found.mappings()]
        as_well = (
            select(sightings)
            .join(punch_rows, sightings.c.id == punch_rows.c.id)
            .where(punch_rows.c.person == person)
            .order_by(sightings.c.stored_at, sightings.c.seq)
        )
        seen: dict[str, list[dict[str, Any]]] = {}
        for row in conn.execute(as_well).mappings():
            seen.setdefault(row["id"], []).append({name: row[name] for name in _SEEN})
    return [
        {name: row[name] for name in _PUNCH}
        | {"seen": [{n: row[n] for n in _SEEN}, *seen.get(row["id"], [])]}
        for row in rows
    ]


def holes(store: CentralStore) -> list[dict[str, Any]]:
    """Return the streams with holes, and since when they have had some."""
    standings = store.gaps()
    with store.reading() as conn:
        rows = conn.execute(select(streams)).mappings()
        since = {(r["site"], r["gateway"], r["epoch"]): r["holes_since"] for r in rows}
    found = []
    for item in standings:
        stream = (item.stream.site, item.stream.gateway, item.stream.epoch)
        named = dict(zip(("site", "gateway", "epoch"), stream, strict=True))
        missing = [list(span) for span in item.missing]
        known = {"upto": item.upto, "missing": missing, "since": since.get(stream)}
        found.append({**named, **known})
    return found


def closed_ranges(store: CentralStore) -> list[dict[str, Any]]:
    """Return what was booked without having come, the oldest first.

    `accepted_at`: when somebody took note of it; null before.
    """
    asked = select(closed).order_by(closed.c.at, closed.c.epoch, closed.c.first)
    with store.reading() as conn:
        return [dict(row) for row in conn.execute(asked).mappings()]


def last_words(store: CentralStore) -> list[dict[str, Any]]:
    """Return of each gateway what came last, and what it last said of itself."""
    with store.reading() as conn:
        said = {
            (row["site"], row["gateway"]): dict(row)
            for row in conn.execute(select(gateways)).mappings()
        }
        newest = select(streams).order_by(streams.c.first_at, streams.c.stored_at)
        came = {
            (row["site"], row["gateway"]): dict(row)
            for row in conn.execute(newest).mappings()
        }
    upto = {item.stream: item.upto for item in store.streams()}
    by_name = {(s.site, s.gateway, s.epoch): seq for s, seq in upto.items()}
    found = []
    for site, gateway in sorted(said.keys() | came.keys()):
        stream, state = came.get((site, gateway)), said.get((site, gateway))
        epoch = stream["epoch"] if stream else None
        found.append(
            {
                "site": site,
                "gateway": gateway,
                "epoch": epoch,
                "seq": by_name.get((site, gateway, epoch), 0) if epoch else 0,
                "stored_at": stream["stored_at"] if stream else None,
                "online": state["online"] if state else None,
                "since": state["since"] if state else None,
                "backlog": state["backlog"] if state else None,
                "version": state["version"] if state else None,
            }
        )
    return found
