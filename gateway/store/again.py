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
_LAST_WORDS = {"attendance": "verdicts", "suspicion": "cases"}
"""Kinds whose last entry is kept, and the tables that keep it as `body`."""


def fork(db: Database, now: str, reason: str, common: int, said: Said) -> None:
    """Open a new epoch and queue everything after entry `common` of the old one again.

    Everything up to `common` stands in the centre just so. `said`, the event that tells
    of the fork, is the first entry.
    """
    old = current(db, now)
    table(db, "epochs").update(old["id"], {"acked_seq": common})
    open_epoch(db, now, reason)
    appender = Appender(db, now)
    appender.add("event", said, None)
    _requeue(db, appender, old["id"], common + 1, old["head_seq"])
    appender.flush()


def requeue_older(db: Database, now: str) -> int:
    """Queue again what older streams delivered; return how many entries.

    For a centre that had something of the present stream and has nothing now: it was
    put back to before this stream began, and nothing else tells what it lacks of those
    before. Entries keep their ids, so what it holds of them counts once.
    """
    newest = current(db, now)["id"]
    appender = Appender(db, now)
    return sum(
        _requeue(db, appender, epoch["id"], 1, epoch["acked_seq"])
        for epoch in list(table(db, "epochs").rows_where("id < ?", [newest]))
    )


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
    """Queue the punches, verdicts and cases of pruned entries again; return how many.

    Which entry brought a later revision of a punch is not known any more, so all
    revised punches go up with them. Of a verdict or case only the last word is kept: an
    older one is gone, and the centre has no use for it.
    """
    again = 0
    if not table(db, "epochs").count_where("name = ?", [epoch]):
        return again
    appender = Appender(db, now)
    for span in gone:
        rows = table(db, "punches").rows_where(
            "(epoch = (SELECT id FROM epochs WHERE name = ?) AND seq BETWEEN ? AND ?)"
            " OR rev > 1",
            [epoch, span.first, span.last],
            order_by="seq",
        )
        again += _append(appender, rows, entry)
        again += _append_last_words(db, appender, span)
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


def _append_last_words(db: Database, appender: Appender, span: RangeFate) -> int:
    """Queue what was said last of sessions and cases within a span of seqs.

    One with such a seq in another epoch goes up with them, and counts once.
    """
    again = 0
    for kind, name in _LAST_WORDS.items():
        rows = table(db, name).rows_where(
            "json_extract(CAST(body AS TEXT), '$.seq') BETWEEN ? AND ?",
            [span.first, span.last],
            select="id, body",
            order_by="id",
        )
        for row in list(rows):
            said = _renumbered(row["body"])
            seq = appender.add(kind, said, None)
            table(db, name).update(row["id"], {"body": said(seq)})
            again += 1
    return again


def _requeue(
    db: Database, appender: Appender, epoch: int, first: int, last: int
) -> int:
    """Queue the entries of an older stream again, piece by piece; return how many."""
    again = 0
    while rows := _entries(db, epoch, first, last):
        for row in rows:
            said = _renumbered(row["entry"])
            seq = appender.add(row["kind"], said, row["punch"])
            _move_punch(db, row, appender.epoch, seq)
            _move_last_word(db, row, said(seq))
        again += len(rows)
        first = rows[-1]["seq"] + 1
        appender.flush()
    return again


def _entries(db: Database, epoch: int, first: int, last: int) -> list[dict[str, Any]]:
    where = "epoch = ? AND seq BETWEEN ? AND ?"
    return list(
        table(db, "outbox").rows_where(
            where, [epoch, first, last], order_by="seq", limit=_PIECE
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


def _move_last_word(db: Database, row: dict[str, Any], said: bytes) -> None:
    """Keep a verdict or case as the entry that it goes up with now."""
    if row["kind"] in _LAST_WORDS:
        words = table(db, _LAST_WORDS[row["kind"]])
        name = json.loads(said)["id"]
        if words.count_where("id = ? AND body = ?", [name, row["entry"]]):
            words.update(name, {"body": said})


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
