"""From raw rows to punches and outbox entries: one transaction, one seq, one chain.

A punch and its outbox entry are committed together or not at all. Nothing here knows
the book or the wire: both come in as functions.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
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
from gateway.store.schema import INTERPRETED, get, put, table

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


Codes = tuple[int, int, int | None]
_PLACE = ("epoch", "seq", "raw_id", "driver", "generation")
_PUNCH = (*Punch.__slots__, "rev", *_PLACE)
_OUTCOME = ("raw_id", "serial", "driver", "generation", "outcome", "punch", "reason")
_CODES = ("verify_code", "state", "work")
_SIGHTING = ("raw_id", "punch", *_CODES)


@dataclass(frozen=True, slots=True)
class Interpreted:
    """What one pass over raw rows made of them: up to row `last`.

    `punches` are the new ones with their seqs, `rows` the raw rows they came from.
    """

    last: int
    punches: Sequence[tuple[int, Punch]] = ()
    rows: Sequence[int] = ()
    rejected: Sequence[Rejected] = ()
    repeats: int = 0
    conflicts: int = 0


@dataclass(slots=True)
class _Pass:
    """The rows one pass will insert, collected in log order.

    `known` has the codes of the punches that were stored before, `new` the punches of
    this pass with their seqs, `firsts` the raw rows of these. `outcomes` is of all
    other rows.
    """

    appender: Appender
    known: dict[str, Codes]
    outcomes: list[tuple[object, ...]] = field(default_factory=list)
    sightings: list[tuple[object, ...]] = field(default_factory=list)
    new: dict[str, Punch] = field(default_factory=dict)
    seqs: list[int] = field(default_factory=list)
    firsts: list[raw.Row] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


def interpret(  # noqa: PLR0913, PLR0917 - a pass: from where, how far, and what it means
    db: Database,
    last: int,
    limit: int,
    meaning: Meaning,
    now: str,
    fresh: Sequence[raw.Row] = (),
) -> Interpreted:
    """Turn the raw rows behind row `last` into punches, repeats and rejections.

    `fresh` are the next of these rows where somebody has them in memory still; else at
    most `limit` are read.
    """
    rows = fresh or raw.after(db, last, limit)
    if not rows:
        return Interpreted(last)
    found = [meaning.normalise(row.record) for row in rows]
    known = stored(db, [one.id for one in found if isinstance(one, Punch)])
    work = _Pass(Appender(db, now), known)
    for row, outcome in zip(rows, found, strict=True):
        if isinstance(outcome, Rejected):
            _reject(work, row, outcome, meaning, now)
        elif outcome.id in known or outcome.id in work.new:
            _repeat(work, row, outcome)
        else:
            _accept(work, row, outcome, meaning)
    insert(db, "punches", _PUNCH, _punch_rows(work))
    insert(db, "outcomes", _OUTCOME, work.outcomes)
    insert(db, "sightings", _SIGHTING, work.sightings)
    work.appender.flush()
    put(db, INTERPRETED, str(rows[-1].id))
    return Interpreted(
        last=rows[-1].id,
        punches=list(zip(work.seqs, work.new.values(), strict=True)),
        rows=[row.id for row in work.firsts],
        rejected=work.rejected,
        repeats=len(found) - len(work.new) - len(work.rejected),
        conflicts=len(work.sightings),
    )


def last_interpreted(db: Database) -> int:
    """Return the raw row up to which `interpret` has come."""
    return int(get(db, INTERPRETED) or 0)


def stored(db: Database, ids: Iterable[str]) -> dict[str, Codes]:
    """Return which of `ids` are stored punches, and with which codes."""
    wanted = list(dict.fromkeys(ids))
    found: dict[str, Codes] = {}
    for start in range(0, len(wanted), 500):
        chunk = wanted[start : start + 500]
        rows = table(db, "punches").rows_where(
            f"id IN ({', '.join('?' * len(chunk))})",
            chunk,
            select=", ".join(("id", *_CODES)),
        )
        for row in rows:
            found[row["id"]] = (row["verify_code"], row["state"], row["work"])
    return found


def _accept(work: _Pass, row: raw.Row, punch: Punch, meaning: Meaning) -> None:
    seq = work.appender.next_seq
    work.appender.append("punch", meaning.punch_entry(punch, seq, 1), punch.id)
    work.new[punch.id] = punch
    work.seqs.append(seq)
    work.firsts.append(row)


def _repeat(work: _Pass, row: raw.Row, punch: Punch) -> None:
    codes = _codes(punch)
    first = work.new.get(punch.id)
    if codes != (_codes(first) if first else work.known[punch.id]):
        work.sightings.append((row.id, punch.id, *codes))
    work.outcomes.append(_outcome(row, "repeat", punch.id))


def _reject(
    work: _Pass, row: raw.Row, rejected: Rejected, meaning: Meaning, now: str
) -> None:
    entry = meaning.rejected_entry(rejected, work.appender.next_seq, now)
    work.appender.append("event", entry, None)
    work.rejected.append(rejected)
    work.outcomes.append(_outcome(row, "rejected", None, str(rejected.reason)))


def _codes(punch: Punch) -> Codes:
    return punch.verify_code, punch.state, punch.work


def _outcome(
    row: raw.Row, outcome: str, punch: str | None, reason: str | None = None
) -> tuple[object, ...]:
    record = row.record
    return (
        row.id,
        record.serial,
        record.driver,
        row.generation,
        outcome,
        punch,
        reason,
    )


def _punch_rows(work: _Pass) -> Iterator[tuple[object, ...]]:
    epoch = work.appender.epoch
    places = zip(work.new.values(), work.seqs, work.firsts, strict=True)
    for punch, seq, row in places:
        yield punch_row(punch, 1, epoch, seq, row)


def punch_row(
    punch: Punch, rev: int, epoch: int, seq: int, first: raw.Row
) -> tuple[object, ...]:
    """Return the row of a punch that came `first` so, in the order of its columns."""
    return (
        punch.id,
        punch.serial,
        punch.terminal,
        punch.badge,
        punch.person,
        punch.reason and str(punch.reason),
        punch.at,
        punch.zone,
        str(punch.verify),
        punch.verify_code,
        punch.state,
        punch.work,
        text(punch.received_at),
        punch.offset_seconds,
        str(punch.source),
        punch.raw,
        rev,
        epoch,
        seq,
        first.id,
        first.record.driver,
        first.generation,
    )


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
