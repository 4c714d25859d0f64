"""Epochs: the ordered, hash-chained streams of the outbox, and what is confirmed.

Seqs begin at 1 in every epoch and the chain at the epoch's own name. Seq and chain head
are read and given inside the transaction that stores what they stand for, so commit
order is seq order is chain order.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from sqlite_utils import Database

from gateway.clock import Now, text
from gateway.store.drain import Reader, Row, insert
from gateway.store.journal import Journal
from gateway.store.schema import table
from sync.messages import link, origin
from sync.outbox import Position


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


def fork(db: Database, now: str, reason: str) -> int:
    """Open a new epoch and queue everything after the last confirmed entry again.

    The last confirmed entry is the last common one: the centre said its hash. Returns
    how many entries were queued again.
    """
    old = current(db, now)
    rows = list(
        table(db, "outbox").rows_where(
            "epoch = ? AND seq > ?", [old["id"], old["acked_seq"]], order_by="seq"
        )
    )
    open_epoch(db, now, reason)
    appender = Appender(db, now)
    for row in rows:
        seq = appender.add(row["kind"], _renumbered(row["entry"]), row["punch"])
        if row["punch"]:
            for punch in table(db, "punches").rows_where(
                "id = ? AND epoch = ? AND seq = ?",
                [row["punch"], old["id"], row["seq"]],
            ):
                table(db, "punches").update(
                    punch["id"], {"epoch": appender.epoch, "seq": seq}
                )
    appender.flush()
    return len(rows)


def _renumbered(entry: bytes) -> Callable[[int], bytes]:
    values = json.loads(entry)

    def encode(seq: int) -> bytes:
        return json.dumps(
            values | {"seq": seq}, ensure_ascii=False, separators=(",", ":")
        ).encode()

    return encode


class Appender:
    """Gives seqs and links the chain for the entries of one transaction."""

    def __init__(self, db: Database, now: str) -> None:
        epoch = current(db, now)
        self._db = db
        self._now = now
        self.epoch: int = epoch["id"]
        self._seq: int = epoch["head_seq"]
        self._head: str = epoch["head_hash"]
        self._rows: list[dict[str, object]] = []

    def add(self, kind: str, encode: Callable[[int], bytes], punch: str | None) -> int:
        """Append one entry; `encode` gets the seq. Returns the seq."""
        self._seq += 1
        entry = encode(self._seq)
        prev, self._head = self._head, link(self._head, entry)
        self._rows.append(
            {
                "epoch": self.epoch,
                "seq": self._seq,
                "kind": kind,
                "punch": punch,
                "entry": entry,
                "prev": prev,
                "hash": self._head,
                "created_at": self._now,
            }
        )
        return self._seq

    def flush(self) -> None:
        """Write the entries and the new head, still inside the transaction."""
        if self._rows:
            insert(self._db, "outbox", self._rows)
            table(self._db, "epochs").update(
                self.epoch, {"head_seq": self._seq, "head_hash": self._head}
            )
            self._rows = []


class JournalOutbox:
    """The outbox as the uplink sees it: read by its own connection, written by jobs."""

    def __init__(self, journal: Journal, reader: Reader, now: Now) -> None:
        self._journal = journal
        self._reader = reader
        self._now = now

    def position(self) -> Position:
        """Return where the stream stands."""
        row = self._reader.epoch()
        return Position(
            epoch=row["name"],
            acked=row["acked_seq"],
            acked_hash=row["acked_hash"],
            head=row["head_seq"],
            head_hash=row["head_hash"],
            store=row["store"],
            generation=row["generation"],
        )

    def batch(self, after: int, limit: int) -> Sequence[Row]:
        """Return at most `limit` consecutive rows behind `after`, all of one kind."""
        return self._reader.batch(self._reader.epoch()["id"], after, limit)

    def hash_at(self, seq: int) -> str | None:
        """Return the chain hash behind an entry of this epoch, None if unknown."""
        return self._reader.hash_at(self._reader.epoch()["id"], seq)

    async def confirm(
        self, upto: int, chain: str | None, store: str | None, generation: int
    ) -> None:
        """Write down that everything to `upto` is delivered.

        Raises:
            StoreError: when it cannot be written.
        """
        await asyncio.wrap_future(
            self._journal.submit(lambda db: confirm(db, upto, chain, store, generation))
        )

    async def fork(self, reason: str) -> None:
        """Open a new epoch; queue everything after the last confirmed entry again.

        Raises:
            StoreError: when it cannot be written.
        """
        now = text(self._now())
        await asyncio.wrap_future(
            self._journal.submit(lambda db: fork(db, now, reason))
        )
