"""Entries that go up once more: after a fork, for pruned entries, for whole days.

The punches keep their ids and revisions, so the centre stores nothing twice.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from sqlite_utils import Database

from gateway.store.epochs import Appender, current, open_epoch
from gateway.store.outbox import EncodePunch, punch_of
from gateway.store.schema import table
from sync.commands import Fate, RangeFate

Said = Callable[[int], bytes]
"""An event as the bytes of its entry, given its seq."""

_PIECE = 2_000


def fork(db: Database, now: str, reason: str, common: int, said: Said) -> None:
    """Open a new epoch and queue everything after entry `common` of the old one again.

    Everything up to `common` stands in the centre just so. `said`, the event that tells
    of the fork, is the first entry.
    """
    old = current(db, now)
    open_epoch(db, now, reason)
    appender = Appender(db, now)
    appender.add("event", said, None)
    last = common
    while rows := _entries(db, old["id"], last):
        for row in rows:
            seq = appender.add(row["kind"], _renumbered(row["entry"]), row["punch"])
            _move_punch(db, row, appender.epoch, seq)
        last = rows[-1]["seq"]
        appender.flush()
    appender.flush()


def fates(
    db: Database, epoch: str, spans: Iterable[tuple[int, int]]
) -> list[RangeFate]:
    """Say of entries of an epoch whether they are there, gone, or never were.

    Of an epoch this journal does not know everything is gone.
    """
    found = next(table(db, "epochs").rows_where("name = ?", [epoch]), None)
    told: list[RangeFate] = []
    for first, last in spans:
        if found is None:
            told.append(RangeFate(first=first, last=last, fate="pruned"))
        else:
            told += _fates(found, first, last)
    return told


def requeue_pruned(
    db: Database, now: str, epoch: str, gone: Sequence[RangeFate], entry: EncodePunch
) -> int:
    """Queue the punches of pruned entries again; return how many.

    Which entry brought a later revision is not known any more, so all revised punches
    go up with them.
    """
    again = 0
    appender = Appender(db, now)
    for span in gone:
        rows = table(db, "punches").rows_where(
            "(epoch = (SELECT id FROM epochs WHERE name = ?) AND seq BETWEEN ? AND ?)"
            " OR rev > 1",
            [epoch, span.first, span.last],
            order_by="seq",
        )
        again += _append(appender, rows, entry)
    appender.flush()
    return again


def requeue_days(
    db: Database, now: str, serial: str, days: Iterable[str], entry: EncodePunch
) -> int:
    """Queue all punches of a terminal and these local days again; return how many."""
    again = 0
    appender = Appender(db, now)
    for day in days:
        rows = table(db, "punches").rows_where(
            "serial = ? AND at >= ? AND at < ?",
            [serial, day + "T", day + "U"],  # every time of that day, by the index
            order_by="at, id",
        )
        again += _append(appender, rows, entry)
    appender.flush()
    return again


def _append(
    appender: Appender, rows: Iterable[dict[str, Any]], entry: EncodePunch
) -> int:
    again = 0
    for row in rows:
        punch = punch_of(row)
        appender.add("punch", partial(entry, punch, rev=row["rev"]), punch.id)
        again += 1
    return again


def _entries(db: Database, epoch: int, after: int) -> list[dict[str, Any]]:
    return list(
        table(db, "outbox").rows_where(
            "epoch = ? AND seq > ?", [epoch, after], order_by="seq", limit=_PIECE
        )
    )


def _renumbered(entry: bytes) -> Said:
    values = json.loads(entry)

    def encode(seq: int) -> bytes:
        return json.dumps(
            values | {"seq": seq}, ensure_ascii=False, separators=(",", ":")
        ).encode()

    return encode


def _move_punch(db: Database, row: dict[str, Any], epoch: int, seq: int) -> None:
    """Say that a punch now goes up first with another entry than before."""
    punches = table(db, "punches")
    where = "id = ? AND epoch = ? AND seq = ?"
    values = [row["punch"], row["epoch"], row["seq"]]
    if punches.count_where(where, values):
        punches.update(row["punch"], {"epoch": epoch, "seq": seq})


def _fates(epoch: dict[str, Any], first: int, last: int) -> list[RangeFate]:
    """Cut a range at what is pruned, what is there, and what was never written."""
    pruned, head = epoch["pruned_seq"], epoch["head_seq"]
    cuts: list[tuple[int, int, Fate]] = [
        (first, min(last, pruned), "pruned"),
        (max(first, pruned + 1), min(last, head), "sent"),
        (max(first, head + 1), last, "never_existed"),
    ]
    return [
        RangeFate(first=low, last=high, fate=fate)
        for low, high, fate in cuts
        if low <= high
    ]
