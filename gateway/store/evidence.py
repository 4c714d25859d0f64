"""Where punches came from, and how far they got: from a punch back to its raw bytes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from gateway.store.schema import table

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Evidence:
    """A punch of the journal with its first raw row and its outbox entry.

    `shown` is what the terminal's clock said, in `zone`. `position` counts records of
    the terminal's log from 0, `occurrence` identical ones before it; a `generation` of
    a log goes from clear to clear (0: a file, -1: a full log dropped the record since).
    `raw` is hex, None where the driver saw no bytes. `epoch` is the name of the stream.
    """

    punch: str
    terminal: str
    serial: str
    badge: str
    shown: str
    zone: str
    verify: str
    state: int
    received_at: str
    offset_seconds: float | None
    source: str
    driver: str | None
    position: int | None
    occurrence: int | None
    generation: int | None
    raw: str | None
    reason: str | None
    rev: int
    epoch: str
    seq: int
    acknowledged: bool


def of(db: Database, ids: Iterable[str]) -> dict[str, Evidence]:
    """Return what the journal has of some punches, by their ids."""
    punches = list(_rows(db, "punches", sorted(set(ids))))
    numbers = sorted({row["raw_id"] for row in punches if row["raw_id"] is not None})
    raws = {row["id"]: row for row in _rows(db, "raw", numbers)}
    epochs = {row["id"]: row for row in table(db, "epochs").rows}
    return {
        row["id"]: _evidence(row, raws.get(row["raw_id"], {}), epochs[row["epoch"]])
        for row in punches
    }


def _rows(
    db: Database, name: str, keys: Sequence[str | int]
) -> Iterator[dict[str, Any]]:
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        places = ", ".join("?" * len(chunk))
        yield from table(db, name).rows_where(f"id IN ({places})", chunk)


def _evidence(
    row: dict[str, Any], raw: dict[str, Any], epoch: dict[str, Any]
) -> Evidence:
    return Evidence(
        punch=row["id"],
        terminal=row["terminal"],
        serial=row["serial"],
        badge=row["badge"],
        shown=row["at"],
        zone=row["zone"],
        verify=row["verify"],
        state=row["state"],
        received_at=row["received_at"],
        offset_seconds=row["offset_seconds"],
        source=row["source"],
        driver=raw.get("driver"),
        position=raw.get("position"),
        occurrence=raw.get("occurrence"),
        generation=raw.get("generation"),
        raw=row["raw"].hex() if row["raw"] is not None else None,
        reason=row["reason"],
        rev=row["rev"],
        epoch=epoch["name"],
        seq=row["seq"],
        acknowledged=row["seq"] <= epoch["acked_seq"],
    )
