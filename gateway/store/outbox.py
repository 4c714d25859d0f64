"""From raw rows to punches and outbox entries: one transaction, one seq, one chain.

A punch and its outbox entry are committed together or not at all. Nothing here knows
the book or the wire: both come in as functions.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from sqlite_utils import Database

from gateway.clock import moment, text
from gateway.core.values import (
    NotJudged,
    Punch,
    RawRecord,
    Rejected,
    Source,
    VerifyMode,
)
from gateway.store import raw
from gateway.store.drain import insert
from gateway.store.epochs import Appender
from gateway.store.schema import table

Attribution = tuple[str | None, NotJudged | None]


class EncodePunch(Protocol):
    """A punch as the bytes of its entry."""

    def __call__(self, punch: Punch, seq: int, rev: int) -> bytes:
        """Return the entry."""


class EncodeRejected(Protocol):
    """A rejected record as the bytes of its event."""

    def __call__(self, rejected: Rejected, seq: int, at: str) -> bytes:
        """Return the entry."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What records and punches mean by the book of today, and how they are written.

    `normalise` turns a record into a punch or a rejection, `attribute` says whose a
    stored punch is now; the other two give the bytes of entries.
    """

    normalise: Callable[[RawRecord], Punch | Rejected]
    attribute: Callable[[Punch], Attribution]
    punch_entry: EncodePunch
    rejected_entry: EncodeRejected


_CODES = ("verify_code", "state", "work")


@dataclass(frozen=True, slots=True)
class Interpreted:
    """What one pass over raw rows made of them."""

    last: int
    punches: Sequence[tuple[int, Punch]] = ()
    rejected: Sequence[Rejected] = ()
    repeats: int = 0
    conflicts: int = 0


@dataclass(slots=True)
class _Pass:
    """The rows one pass will insert, collected in log order."""

    appender: Appender
    punches: dict[str, dict[str, Any]] = field(default_factory=dict)
    outcomes: list[dict[str, object]] = field(default_factory=list)
    sightings: list[dict[str, object]] = field(default_factory=list)
    new: list[tuple[int, Punch]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def interpret(
    db: Database, last: int, limit: int, meaning: Meaning, now: str
) -> Interpreted:
    """Turn the raw rows behind row `last` into punches, repeats and rejections."""
    rows = raw.after(db, last, limit)
    if not rows:
        return Interpreted(last)
    found = [(row, meaning.normalise(row.record)) for row in rows]
    work = _Pass(Appender(db, now))
    known = stored(db, [o.id for _, o in found if isinstance(o, Punch)])
    for row, outcome in found:
        if isinstance(outcome, Rejected):
            _reject(work, row, outcome, meaning, now)
        else:
            first = work.punches.get(outcome.id) or known.get(outcome.id)
            if first is None:
                _accept(work, row, outcome, meaning)
            else:
                _repeat(work, row, outcome, first)
    insert(db, "punches", work.punches.values())
    insert(db, "outcomes", work.outcomes)
    insert(db, "sightings", work.sightings)
    work.appender.flush()
    return Interpreted(
        last=rows[-1].id,
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


def _accept(work: _Pass, row: raw.Row, punch: Punch, meaning: Meaning) -> None:
    seq = work.appender.add(
        "punch", partial(meaning.punch_entry, punch, rev=1), punch.id
    )
    work.punches[punch.id] = punch_row(punch, 1, work.appender.epoch, seq) | {
        "raw_id": row.id
    }
    work.new.append((seq, punch))
    work.outcomes.append(_outcome(row, "punch", punch.id))


def _repeat(work: _Pass, row: raw.Row, punch: Punch, first: Mapping[str, Any]) -> None:
    codes = {name: getattr(punch, name) for name in _CODES}
    if any(first[name] != value for name, value in codes.items()):
        work.sightings.append({"raw_id": row.id, "punch": punch.id, **codes})
    work.outcomes.append(_outcome(row, "repeat", punch.id))


def _reject(
    work: _Pass, row: raw.Row, rejected: Rejected, meaning: Meaning, now: str
) -> None:
    work.appender.add("event", partial(meaning.rejected_entry, rejected, at=now), None)
    work.rejected.append(rejected)
    work.outcomes.append(
        _outcome(row, "rejected", None) | {"reason": str(rejected.reason)}
    )


def _outcome(row: raw.Row, outcome: str, punch: str | None) -> dict[str, object]:
    return {
        "raw_id": row.id,
        "serial": row.record.serial,
        "driver": row.record.driver,
        "generation": row.generation,
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
        "received_at": text(punch.received_at),
        "rev": rev,
        "epoch": epoch,
        "seq": seq,
    }
    return row


def relearn(
    db: Database, after: str, limit: int, meaning: Meaning, now: str
) -> tuple[str | None, int]:
    """Attribute stored punches again; changed ones go up with a higher `rev`.

    Works through ids behind `after`; returns the last id looked at (None: done) and
    how many changed.
    """
    rows = list(
        table(db, "punches").rows_where("id > ?", [after], order_by="id", limit=limit)
    )
    appender = Appender(db, now)
    changed = 0
    for row in rows:
        punch = punch_of(row)
        person, reason = meaning.attribute(punch)
        if (person, reason) == (punch.person, punch.reason):
            continue
        punch = replace(punch, person=person, reason=reason)
        rev = row["rev"] + 1
        appender.add("punch", partial(meaning.punch_entry, punch, rev=rev), punch.id)
        table(db, "punches").update(
            punch.id,
            {"person": person, "reason": reason and str(reason), "rev": rev},
        )
        changed += 1
    appender.flush()
    return (rows[-1]["id"] if rows else None), changed


def punch_of(row: dict[str, Any]) -> Punch:
    """Return the punch of a row."""
    fields = {name: row[name] for name in Punch.__slots__}
    fields |= {
        "reason": NotJudged(row["reason"]) if row["reason"] else None,
        "verify": VerifyMode(row["verify"]),
        "source": Source(row["source"]),
        "received_at": moment(row["received_at"]),
    }
    return Punch(**fields)
