"""What the desk keeps in the journal: rows and events on their way up, and its memory.

One transaction holds everything that a presented card came to: the entry for the
centre, the row that entries.jsonl still lacks, and who waits for the other half of a
handover. So a process that dies at any moment neither forgets a card nor counts a
handover twice.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlite_utils import Database

from gateway.core.redaction import TRAVELS
from gateway.handover import Press
from gateway.outgoing import event_entry, row_entry
from gateway.store import schema
from gateway.store.epochs import Appender
from sync.messages import Detail

_KEY = "desk"
# Who vouched may be named in the file; only the reader's id travels.
_VOUCHERS = ("witnessed_by", "attested_by")
# Written by people; the centre has it in the row that is superseded.
_STAYS = frozenset({"approved_by"})
_ALWAYS = ("id", "supersedes", "entered_at")


@dataclass(frozen=True, slots=True)
class Made:
    """A row for the book that a reader made; `row` has an id."""

    reader: str
    table: str
    row: Mapping[str, str]

    def travelling(self) -> dict[str, Detail]:
        """Return what of the row goes up: what of a book goes down, without names."""
        keys = {*_ALWAYS, *TRAVELS[self.table]} - _STAYS
        found: dict[str, Detail] = {k: v for k, v in self.row.items() if k in keys}
        return found | {key: self.reader for key in _VOUCHERS if key in found}

    def line(self) -> dict[str, str]:
        """Return the line of entries.jsonl."""
        return {"table": self.table, **self.row}


@dataclass(frozen=True, slots=True)
class Happening:
    """Something at a reader that is no row, and goes up as an event."""

    kind: str
    reader: str
    reason: str
    detail: Mapping[str, Detail]
    raw: bytes | None = None


@dataclass(slots=True)
class Memory:
    """Who waits at which reader, and rows that entries.jsonl does not have yet."""

    waiting: dict[str, list[Press]] = field(default_factory=dict)
    unwritten: list[dict[str, str]] = field(default_factory=list)

    def to_json(self) -> str:
        """Return what `recall` reads."""
        waiting = {
            reader: [[press.person, press.at.isoformat()] for press in presses]
            for reader, presses in self.waiting.items()
            if presses
        }
        said: dict[str, Any] = {"waiting": waiting, "unwritten": self.unwritten}
        return json.dumps(said, ensure_ascii=False)


def recall(db: Database) -> Memory:
    """Return what the last process knew."""
    found = json.loads(schema.get(db, _KEY) or "{}")
    waiting = {
        reader: [Press(person, datetime.fromisoformat(at)) for person, at in presses]
        for reader, presses in found.get("waiting", {}).items()
    }
    return Memory(waiting, found.get("unwritten", []))


def keep(
    db: Database,
    memory: str,
    made: Sequence[Made],
    happenings: Sequence[Happening],
    at: str,
) -> None:
    """Write down what cards came to; `memory` is that of afterwards, as text."""
    appender = Appender(db, at)
    for one in made:
        entry = row_entry(
            appender.next_seq,
            key=one.row["id"],
            table=one.table,
            row=one.travelling(),
            at=at,
        )
        appender.append("entry", entry, None)
    for event in happenings:
        entry = event_entry(
            appender.next_seq,
            kind=event.kind,
            terminal=event.reader,
            serial=None,
            at=at,
            reason=event.reason,
            detail=event.detail,
            raw=event.raw,
        )
        appender.append("event", entry, None)
    appender.flush()
    schema.put(db, _KEY, memory)
