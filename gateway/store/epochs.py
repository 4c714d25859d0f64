"""Epochs: the ordered, hash-chained streams of the outbox, and what is confirmed.

Seqs begin at 1 in every epoch and the chain at the epoch's own name. Seq and chain head
are read and given inside the transaction that stores what they stand for, so commit
order is seq order is chain order.
"""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from sqlite_utils import Database

from gateway.store.drain import insert
from gateway.store.schema import table
from sync.messages import link, origin


def open_epoch(db: Database, now: str, reason: str) -> dict[str, Any]:
    """Open a new stream and return its row."""
    name = uuid4().hex
    table(db, "epochs").insert(
        {
            "name": name,
            "opened_at": now,
            "reason": reason,
            "head_seq": 0,
            "head_hash": origin(name),
            "acked_seq": 0,
            "acked_hash": origin(name),
            "store": None,
            "generation": 0,
        }
    )
    return current(db, now)


def current(db: Database, now: str) -> dict[str, Any]:
    """Return the epoch that is written now; the first one is opened here."""
    rows = table(db, "epochs").rows_where(order_by="id desc", limit=1)
    return next(iter(rows), None) or open_epoch(db, now, "first")


def confirm(
    db: Database, upto: int, chain: str | None, store: str | None, generation: int
) -> None:
    """Write down that everything to `upto` is delivered, and who said so."""
    epoch = current(db, "")
    table(db, "epochs").update(
        epoch["id"],
        {
            "acked_seq": upto,
            "acked_hash": chain or _own_hash(db, epoch, upto),
            "store": store,
            "generation": generation,
        },
    )


def _own_hash(db: Database, epoch: dict[str, Any], seq: int) -> str:
    """Return our hash behind an entry, for a confirmation that brings none."""
    found = table(db, "outbox").rows_where(
        "epoch = ? AND seq = ?", [epoch["id"], seq], select="hash"
    )
    return next((str(row["hash"]) for row in found), origin(epoch["name"]))


# Of the table `outbox`, in the order of the rows below.
_COLUMNS = ("epoch", "seq", "kind", "punch", "entry", "prev", "hash", "created_at")


class Appender:
    """Gives seqs and links the chain for the entries of one transaction."""

    def __init__(self, db: Database, now: str) -> None:
        epoch = current(db, now)
        self._db = db
        self._now = now
        self.epoch: int = epoch["id"]
        self.next_seq: int = epoch["head_seq"] + 1
        self._head: str = epoch["head_hash"]
        self._rows: list[tuple[object, ...]] = []

    def add(self, kind: str, encode: Callable[[int], bytes], punch: str | None) -> int:
        """Append one entry; `encode` gets the seq. Returns the seq."""
        seq = self.next_seq
        self.append(kind, encode(seq), punch)
        return seq

    def append(self, kind: str, entry: bytes, punch: str | None) -> None:
        """Append an entry that has `next_seq` in it."""
        prev, self._head = self._head, link(self._head, entry)
        self._rows.append(
            (self.epoch, self.next_seq, kind, punch, entry, prev, self._head, self._now)
        )
        self.next_seq += 1

    def flush(self) -> None:
        """Write the entries and the new head, still inside the transaction."""
        if self._rows:
            insert(self._db, "outbox", _COLUMNS, self._rows)
            table(self._db, "epochs").update(
                self.epoch, {"head_seq": self.next_seq - 1, "head_hash": self._head}
            )
            self._rows = []
