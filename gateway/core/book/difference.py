"""Two books compared in words, and the digest that says whether they differ at all.

The words go into logs: ids and counts, never names, reasons or notes.
"""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

from gateway.core.book.index import Book
from gateway.core.book.tables import TABLES

_SHOWN = 5


def digest(book: Book) -> str:
    """Return a SHA-256 in hex over everything a book says, in whatever order.

    Comments, blank lines and the order of rows do not change it.
    """
    tables = {
        table: sorted(_text(row) for row in book.written.of(table)) for table in TABLES
    }
    site = dataclasses.asdict(book.site)
    whole = json.dumps([book.version, site, tables], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def _text(row: Any) -> str:
    return json.dumps(dataclasses.asdict(row), sort_keys=True, default=_iso)


def _iso(value: date) -> str:
    return value.isoformat()


def changes(before: Book, after: Book) -> list[str]:
    """Say what is different, a phrase for each table; empty when nothing is.

    For example `people: p06, p07 added`, `leave: L2 changed`, `roster: 3 rows added`.
    """
    said = []
    if before.version != after.version:
        said.append(f"version: {before.version or '-'} to {after.version or '-'}")
    if before.site != after.site:
        said.append("site: changed")
    for table in TABLES:
        phrases = _phrases(before.written.of(table), after.written.of(table))
        if phrases:
            said.append(f"{table}: {', '.join(phrases)}")
    return said


def _phrases(before: Iterable[Any], after: Iterable[Any]) -> list[str]:
    gone = Counter(before)
    gone.subtract(after)
    removed = [row for row, count in gone.items() for _ in range(count)]
    added = [row for row, count in gone.items() for _ in range(-count)]
    ids_removed = {row.id for row in removed if row.id}
    ids_added = {row.id for row in added if row.id}
    return [
        *_named(ids_added - ids_removed, "added"),
        *_named(ids_added & ids_removed, "changed"),
        *_named(ids_removed - ids_added, "removed"),
        *_counted(sum(not row.id for row in added), "added"),
        *_counted(sum(not row.id for row in removed), "removed"),
    ]


def _named(ids: set[str], what: str) -> list[str]:
    if not ids:
        return []
    if len(ids) > _SHOWN:
        return _counted(len(ids), what)
    return [f"{' '.join(sorted(ids))} {what}"]


def _counted(count: int, what: str) -> list[str]:
    return [f"{count} row{'s' if count > 1 else ''} {what}"] if count else []
