"""Spans in which a full log may have refused punches, until the book has them.

Few and short-lived: one value of `meta` holds them all, by serial.
"""

import json
from dataclasses import asdict, dataclass

from sqlite_utils import Database

from gateway.store import schema

_KEY = "full_logs"


@dataclass(frozen=True, slots=True)
class Span:
    """When a terminal's log took no punches for certain, ISO with offset.

    `last_row` is the last raw row that was stored when it began. `until` is empty while
    it lasts; `row` is the id of the outage that the book gets of it, empty before it
    was made.
    """

    terminal: str
    since: str
    last_row: int
    until: str = ""
    row: str = ""


def spans(db: Database) -> dict[str, Span]:
    """Return serial → its span, of every terminal that has one."""
    found = json.loads(schema.get(db, _KEY) or "{}")
    return {serial: Span(**one) for serial, one in found.items()}


def keep(db: Database, serial: str, span: Span | None) -> None:
    """Write down the span of a serial as it is now; None: there is none any more."""
    known = {name: asdict(one) for name, one in spans(db).items() if name != serial}
    if span is not None:
        known[serial] = asdict(span)
    schema.put(db, _KEY, json.dumps(known, ensure_ascii=False))
