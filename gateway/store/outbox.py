"""From raw rows to punches and outbox entries: one transaction, one seq, one chain.

Everything a subscriber will ever hear passes through `Appender`: seq and chain head are
read and given inside the transaction that stores what they stand for.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sqlite_utils import Database

from gateway.core.normalise import attribute
from gateway.core.values import Punch, Rejected
from gateway.store import raw
from gateway.store.schema import table
from sync.messages import link, origin

Normalise = Callable[[raw.RawRecord], Punch | Rejected]
EncodePunch = Callable[[Punch, int, int], bytes]
"""(punch, seq, rev) → the entry's bytes."""
EncodeRejected = Callable[[Rejected, int, str], bytes]
"""(rejected, seq, now) → the entry's bytes."""

_CODES = ("verify_code", "state", "work")


@dataclass(frozen=True, slots=True)
class Interpreted:
    """What one pass over raw rows made of them."""

    last: int
    punches: Sequence[tuple[int, Punch]] = ()
    rejected: Sequence[Rejected] = ()
    repeats: int = 0
    conflicts: int = 0


def open_epoch(db: Database, now: str, reason: str) -> str:
    """Open a new stream; seqs begin at 1 and the chain at the epoch's own name."""
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
    return name


def current_epoch(db: Database) -> dict[str, Any] | None:
    """Return the epoch that is written now."""
    rows = table(db, "epochs").rows_where(order_by="id desc", limit=1)
    return next(iter(rows), None)


class Appender:
    """Gives seqs and links the chain for the entries of one transaction."""

    def __init__(self, db: Database, now: str) -> None:
        epoch = current_epoch(db)
        if epoch is None:
            open_epoch(db, now, "first")
            epoch = current_epoch(db) or {}
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
        self._head = link(self._head, entry)
        self._rows.append(
            {
                "epoch": self.epoch,
                "seq": self._seq,
                "kind": kind,
                "punch": punch,
                "entry": entry,
                "hash": self._head,
                "created_at": self._now,
            }
        )
        return self._seq

    def flush(self) -> None:
        """Write the entries and the new head, still inside the transaction."""
        if self._rows:
            table(self._db, "outbox").insert_all(self._rows)
            table(self._db, "epochs").update(
                self.epoch, {"head_seq": self._seq, "head_hash": self._head}
            )
            self._rows = []


@dataclass(slots=True)
class _Pass:
    """The rows one pass will insert, collected in log order."""

    appender: Appender
    punches: dict[str, dict[str, Any]] = field(default_factory=dict)
    outcomes: list[dict[str, object]] = field(default_factory=list)
    sightings: list[dict[str, object]] = field(default_factory=list)
    new: list[tuple[int, Punch]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def interpret(  # noqa: PLR0913 - a pass needs its functions injected, the store knows no book
    db: Database,
    last: int,
    limit: int,
    normalise: Normalise,
    encode_punch: EncodePunch,
    encode_rejected: EncodeRejected,
    now: str,
) -> Interpreted:
    """Turn the raw rows behind row `last` into punches, repeats and rejections."""
    records = raw.after(db, last, limit)
    if not records:
        return Interpreted(last)
    found = [(row, record, normalise(record)) for row, record in records]
    work = _Pass(Appender(db, now))
    known = stored(db, [o.id for _, _, o in found if isinstance(o, Punch)])
    for row, record, outcome in found:
        if isinstance(outcome, Rejected):
            _reject(work, row, outcome, encode_rejected, now)
        else:
            first = work.punches.get(outcome.id) or known.get(outcome.id)
            if first is None:
                _accept(work, row, outcome, record.driver, encode_punch)
            else:
                _repeat(work, row, outcome, record.driver, first)
    table(db, "punches").insert_all(work.punches.values())
    table(db, "outcomes").insert_all(work.outcomes)
    table(db, "sightings").insert_all(work.sightings)
    work.appender.flush()
    return Interpreted(
        last=found[-1][0],
        punches=work.new,
        rejected=work.rejected,
        repeats=len(found) - len(work.new) - len(work.rejected),
        conflicts=len(work.sightings),
    )


def last_interpreted(db: Database) -> int:
    """Return the raw row up to which `interpret` has come."""
    rows = table(db, "outcomes").rows_where(order_by="raw_id desc", limit=1)
    return next((int(row["raw_id"]) for row in rows), 0)


def stored(db: Database, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the stored punches among `ids`."""
    wanted = list(dict.fromkeys(ids))
    found = {}
    for start in range(0, len(wanted), 500):
        chunk = wanted[start : start + 500]
        where = f"id IN ({', '.join('?' * len(chunk))})"
        for row in table(db, "punches").rows_where(where, chunk):
            found[row["id"]] = row
    return found


def _accept(
    work: _Pass, row: int, punch: Punch, driver: str, encode: EncodePunch
) -> None:
    seq = work.appender.add("punch", lambda seq: encode(punch, seq, 1), punch.id)
    work.punches[punch.id] = punch_row(punch, 1, work.appender.epoch, seq)
    work.new.append((seq, punch))
    work.outcomes.append(_outcome(row, punch.serial, driver, "punch", punch.id))


def _repeat(
    work: _Pass, row: int, punch: Punch, driver: str, first: Mapping[str, Any]
) -> None:
    codes = {name: getattr(punch, name) for name in _CODES}
    if any(first[name] != value for name, value in codes.items()):
        work.sightings.append({"raw_id": row, "punch": punch.id, **codes})
    work.outcomes.append(_outcome(row, punch.serial, driver, "repeat", punch.id))


def _reject(
    work: _Pass, row: int, rejected: Rejected, encode: EncodeRejected, now: str
) -> None:
    work.appender.add("event", lambda seq: encode(rejected, seq, now), None)
    record = rejected.record
    work.rejected.append(rejected)
    work.outcomes.append(
        _outcome(row, record.serial, record.driver, "rejected", None)
        | {"reason": str(rejected.reason)}
    )


def _outcome(
    row: int, serial: str, driver: str, outcome: str, punch: str | None
) -> dict[str, object]:
    return {
        "raw_id": row,
        "serial": serial,
        "driver": driver,
        "outcome": outcome,
        "punch": punch,
        "reason": None,
    }


def punch_row(punch: Punch, rev: int, epoch: int, seq: int) -> dict[str, Any]:
    """Return the row of a punch."""
    row = {name: getattr(punch, name) for name in Punch.__slots__}
    row |= {
        "reason": punch.reason and str(punch.reason),
        "verify": str(punch.verify),
        "source": str(punch.source),
        "received_at": raw.text(punch.received_at),
        "rev": rev,
        "epoch": epoch,
        "seq": seq,
    }
    return row
