"""Suspicions: the last word on each case, what people decided, and running products.

A case that says something else than the stored one gets the next revision and its
outbox entry in the same transaction; one that says the same changes nothing. Nothing
here knows what a case is: it comes as bytes, with a digest of what it says.

The running products of the pair process are kept twice: a night writes the older copy
anew, piece by piece, and only the last piece makes it count. A process that dies in
between leaves the other copy as it was.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlite_utils import Database

from gateway.store import schema
from gateway.store.drain import insert
from gateway.store.epochs import Appender
from gateway.store.schema import table

KIND = "suspicion"
_LOOKED = "suspected"
_COPIES = 2
_CHUNK = 500
_RUNNING = ("copy", "part", "number", "body")
_CASES = ("id", "rev", "grade", "status", "digest", "body", "known")


@dataclass(frozen=True, slots=True)
class Looked:
    """The last look that was finished: its day, and the copy it wrote."""

    day: str = ""
    copy: int = 0


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A case as it is now.

    `encode` gives the bytes of its entry for a seq and a rev; `known` its whole JSON.
    """

    id: str
    grade: str
    status: str
    digest: str
    known: Mapping[str, Any]
    encode: Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Changed:
    """A case that says something else now; `before` its status and grade, if any."""

    case: Suspicion
    rev: int
    before: tuple[str, str] | None


def looked(db: Database) -> Looked:
    """Return the last look that was finished."""
    found = schema.get(db, _LOOKED)
    return Looked(**json.loads(found)) if found else Looked()


def running(db: Database, copy: int) -> Iterator[tuple[str, Any]]:
    """Yield the parts of a copy of the running products, in the order they came."""
    rows = table(db, "running").rows_where("copy = ?", [copy], order_by="number")
    for row in rows:
        yield row["part"], json.loads(row["body"])


def other(found: Looked) -> int:
    """Return the copy that a new look writes."""
    return found.copy % _COPIES + 1


def clear(db: Database, copy: int, most: int) -> bool:
    """Delete a piece of a copy; return whether more is there."""
    rows = table(db, "running").rows_where(
        "copy = ?", [copy], select="number", order_by="number", limit=most
    )
    numbers = [row["number"] for row in rows]
    if numbers:
        table(db, "running").delete_where(
            "copy = ? AND number <= ?", [copy, numbers[-1]]
        )
    return len(numbers) == most


def write(
    db: Database, copy: int, first: int, parts: Iterable[tuple[str, Any]]
) -> None:
    """Write a piece of a copy; its parts are numbered from `first`."""
    insert(
        db,
        "running",
        _RUNNING,
        (
            (copy, part, number, json.dumps(body, separators=(",", ":")))
            for number, (part, body) in enumerate(parts, first)
        ),
    )


def finish(
    db: Database, now: str, done: Looked, found: Iterable[Suspicion]
) -> list[Changed]:
    """Let a look count: its copy, its day, and what it says of every case."""
    changed = keep(db, now, found)
    schema.put(db, _LOOKED, json.dumps({"day": done.day, "copy": done.copy}))
    return changed


def keep(db: Database, now: str, found: Iterable[Suspicion]) -> list[Changed]:
    """Store the cases that say something else, with their outbox entries."""
    appender = Appender(db, now)
    changed: list[Changed] = []
    for one in found:
        old = next(table(db, "cases").rows_where("id = ?", [one.id]), None)
        if old is not None and old["digest"] == one.digest:
            continue
        rev = old["rev"] + 1 if old else 1
        body = one.encode(appender.next_seq, rev)
        appender.append(KIND, body, None)
        if old:
            table(db, "cases").delete(one.id)
        known = json.dumps(one.known, ensure_ascii=False)
        values = (one.id, rev, one.grade, one.status, one.digest, body, known)
        insert(db, "cases", _CASES, [values])
        before = (old["status"], old["grade"]) if old else None
        changed.append(Changed(one, rev, before))
    appender.flush()
    return changed


def every(db: Database) -> list[dict[str, Any]]:
    """Return the JSON of all cases, in the order of their ids."""
    rows = table(db, "cases").rows_where(order_by="id", select="known")
    return [json.loads(row["known"]) for row in rows]


def one(db: Database, key: str) -> dict[str, Any] | None:
    """Return the JSON of a case; None for an id nobody gave."""
    rows = table(db, "cases").rows_where("id = ?", [key], select="known")
    return next((json.loads(row["known"]) for row in rows), None)


def count(db: Database, since: str) -> int:
    """Count the punches of a day and later."""
    return table(db, "punches").count_where("at >= ?", [f"{since}T"])


def punches(db: Database, since: str, without: str) -> Iterator[dict[str, Any]]:
    """Yield the punches of a day and later with their places in the log, in any order.

    `since` is that day by the clocks of terminals, `without` the reason of those that
    are left out.
    """
    rows = table(db, "punches").rows_where(
        "at >= ? AND coalesce(reason, '') != ?",
        [f"{since}T", without],
        select="id, terminal, badge, at, received_at, verify_code, state, raw_id",
    )
    while piece := list(islice(rows, _CHUNK)):
        numbers = [row["raw_id"] for row in piece if row["raw_id"] is not None]
        raws = table(db, "raw").rows_where(
            f"id IN ({', '.join('?' * len(numbers))})", numbers, select="id, position"
        )
        positions = {row["id"]: row["position"] for row in raws}
        for row in piece:
            yield {**row, "position": positions.get(row["raw_id"])}


def label(db: Database, case: str, review: Mapping[str, Any]) -> None:
    """Keep what people decided of a case: the only true labels there are."""
    said = json.dumps(review, ensure_ascii=False)
    table(db, "labels").insert({"case": case, "review": said})


def labels(db: Database) -> dict[str, list[dict[str, Any]]]:
    """Return case → what was decided of it, oldest first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in table(db, "labels").rows_where(order_by="id"):
        found.setdefault(row["case"], []).append(json.loads(row["review"]))
    return found
