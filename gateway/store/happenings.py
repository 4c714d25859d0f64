"""What happened at terminals beside punches: operations, counts, links up and down.

Kept for suspicion (proxy-detection.md 2), never changed. An operation has the key
(serial, its 16 bytes, occurrence among identical ones in the terminal's log), so a log
that is read again adds nothing; counts are kept when they fell and every hour.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from gateway.store.schema import table

_NAME = "happenings"


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of a terminal's operation log; `at` is device time, whatever it says.

    `admin` and `target` are badges, empty where the terminal's users do not tell.
    """

    record: bytes
    occurrence: int
    at: str
    code: int
    admin: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Which terminal something happened at, and when the gateway learnt of it."""

    serial: str
    terminal: str
    received_at: str


def new_operations(
    db: Database, serial: str, found: Sequence[Operation]
) -> list[Operation]:
    """Return those of a whole operation log that are not kept yet, in order."""
    rows = table(db, _NAME).rows_where(
        "serial = ? AND record IS NOT NULL", [serial], select="record, occurrence"
    )
    known = {(bytes(row["record"]), row["occurrence"]) for row in rows}
    return [one for one in found if (one.record, one.occurrence) not in known]


def keep_operations(db: Database, place: Place, found: Iterable[Operation]) -> None:
    """Keep operations that are new."""
    table(db, _NAME).insert_all(
        (
            {
                **_row(place, "operation"),
                "at": one.at,
                "code": one.code,
                "admin": one.admin,
                "target": one.target,
                "record": one.record,
                "occurrence": one.occurrence,
            }
            for one in found
        ),
    )


def keep_count(db: Database, place: Place, records: int) -> None:
    """Keep how many records a terminal said it holds."""
    table(db, _NAME).insert({**_row(place, "count"), "value": records})


def keep_link(db: Database, place: Place, *, up: bool) -> None:
    """Keep that a terminal can be reached, or cannot."""
    table(db, _NAME).insert({**_row(place, "link"), "value": int(up)})


def last(db: Database, serial: str, kind: str) -> dict[str, Any] | None:
    """Return the newest row of a kind of a terminal."""
    rows = table(db, _NAME).rows_where(
        "serial = ? AND kind = ?", [serial, kind], order_by="id desc", limit=1
    )
    return next(iter(rows), None)


def signs_of_life(db: Database, serial: str) -> list[str]:
    """Return the last moments at which a terminal showed that it can be reached."""
    rows = table(db, _NAME).rows_where(
        "serial = ?", [serial], order_by="id desc", limit=1, select="received_at"
    )
    found = [str(row["received_at"]) for row in rows]
    cursors = table(db, "cursors").rows_where("serial = ?", [serial])
    return found + [str(row["read_at"]) for row in cursors if row["read_at"]]


def forget(db: Database, before: str) -> None:
    """Let counts and links go that nobody will look at again; operations stay."""
    table(db, _NAME).delete_where(
        "received_at < ? AND kind IN ('count', 'link') AND id NOT IN"
        " (SELECT max(id) FROM happenings GROUP BY serial, kind)",
        [before],
    )


def since(db: Database, received_at: str) -> Iterator[dict[str, Any]]:
    """Yield what was learnt from a moment on, in the order it was."""
    yield from table(db, _NAME).rows_where(
        "received_at >= ?", [received_at], order_by="id"
    )


def _row(place: Place, kind: str) -> dict[str, Any]:
    return {
        "serial": place.serial,
        "terminal": place.terminal,
        "kind": kind,
        "received_at": place.received_at,
        "at": None,
        "code": None,
        "admin": None,
        "target": None,
        "value": None,
        "record": None,
        "occurrence": None,
    }
