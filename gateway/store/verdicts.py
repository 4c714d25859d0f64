"""The last verdict on every session, and what verdicts are made from.

A verdict that says something else than the stored one gets the next revision and its
outbox entry in the same transaction; one that says the same changes nothing. Nothing
here knows what a verdict is: it comes as bytes, with a digest of what it says.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlite_utils import Database

from gateway.store import schema
from gateway.store.drain import insert
from gateway.store.epochs import Appender
from gateway.store.outbox import last_interpreted
from gateway.store.schema import table

KIND = "attendance"
_COLUMNS = ("id", "person", "date", "rev", "final", "digest", "body")
_UPTO, _LAW, _DAY = "judged_upto", "judged_by", "judged_day"
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was judged of one session.

    `encode` gives the bytes of its entry for a seq and a rev; `quiet`: it is kept only
    where it replaces another one.
    """

    id: str
    person: str
    date: str
    final: bool
    digest: str
    encode: Callable[[int, int], bytes]
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """A verdict that was stored now: its revision, its bytes, and those before it."""

    rev: int
    body: bytes
    before: bytes | None


@dataclass(frozen=True, slots=True)
class Piece:
    """Everything that was judged of one person from one date to another.

    A stored verdict on these dates that is not among `verdicts` is owed no more.
    """

    person: str
    first: str
    last: str
    verdicts: Sequence[Verdict]


Withdraw = Callable[[bytes], Verdict]
"""The bytes of a stored verdict → the verdict that its session is owed no more."""


def keep(
    db: Database,
    now: str,
    pieces: Iterable[Piece],
    withdraw: Withdraw,
    read_until: Mapping[str, int],
) -> list[Kept]:
    """Store what changed, with its outbox entries; return it in the order given.

    `read_until` is serial → moment: how far the data went that was judged.
    """
    appender = Appender(db, now)
    kept = [one for piece in pieces for one in _keep(db, appender, piece, withdraw)]
    if kept:
        appender.flush()
        table(db, "watermarks").upsert_all(
            ({"serial": name, "read_until": at} for name, at in read_until.items()),
            pk="serial",
        )
    return kept


def _keep(
    db: Database, appender: Appender, piece: Piece, withdraw: Withdraw
) -> list[Kept]:
    stored = {
        row["id"]: row
        for row in table(db, "verdicts").rows_where(
            "person = ? AND date BETWEEN ? AND ?",
            [piece.person, piece.first, piece.last],
        )
    }
    said = list(piece.verdicts)
    found = {one.id for one in said}
    said += [withdraw(row["body"]) for key, row in stored.items() if key not in found]
    kept: list[Kept] = []
    rows: list[tuple[object, ...]] = []
    for one in said:
        old = stored.get(one.id)
        if old["digest"] == one.digest if old else one.quiet:
            continue
        rev = old["rev"] + 1 if old else 1
        body = one.encode(appender.next_seq, rev)
        appender.append(KIND, body, None)
        before = old["body"] if old else None
        kept.append(Kept(rev, body, before))
        rows.append(
            (one.id, one.person, one.date, rev, int(one.final), one.digest, body)
        )
        if old:
            table(db, "verdicts").delete(one.id)
    insert(db, "verdicts", _COLUMNS, rows)
    return kept


def watermarks(db: Database) -> dict[str, int]:
    """Return serial → the moment until which it was read, as verdicts rest on it."""
    rows = table(db, "watermarks").rows
    return {row["serial"]: row["read_until"] for row in rows}


def punches(db: Database, person: str, first: date, last: date) -> list[dict[str, Any]]:
    """Return the rows of a person's punches that may be judged, by their device days.

    Those with an implausible time are none of them.
    """
    return list(
        table(db, "punches").rows_where(
            "person = ? AND at >= ? AND at < ? AND reason IS NULL",
            [person, f"{first}T", f"{last}U"],
            select="id, terminal, serial, at, zone, state, received_at",
        )
    )


def unknown(db: Database, first: date) -> set[tuple[str, str, str, str]]:
    """Return (terminal, serial, zone, minute) of punches with badges nobody has."""
    rows = table(db, "punches").rows_where(
        "reason = 'unknown_badge' AND at >= ?",
        [str(first)],
        select="DISTINCT terminal, serial, zone, substr(at, 1, 16) AS minute",
    )
    return {
        (row["terminal"], row["serial"], row["zone"], row["minute"]) for row in rows
    }


def newest(db: Database) -> int:
    """Return the last raw row that was made a punch, or none."""
    return last_interpreted(db)


def since(db: Database, raw_id: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of the punches that came first with a raw row behind one."""
    yield from table(db, "punches").rows_where(
        "raw_id > ?",
        [raw_id],
        select="person, reason, serial, terminal, at, zone, received_at",
    )


def absent_on(db: Database, first: date, last: date) -> list[tuple[str, str]]:
    """Return (person, date) of the verdicts that an unknown badge may concern."""
    rows = table(db, "verdicts").rows_where(
        "date BETWEEN ? AND ? AND (final = 0 OR instr(body, ?))",
        [str(first), str(last), b'"kind":"absence"'],
        select="person, date",
    )
    return [(row["person"], row["date"]) for row in rows]


def people(db: Database) -> list[str]:
    """Return everybody of whom there is a verdict."""
    rows = table(db, "verdicts").rows_where(select="DISTINCT person")
    return [row["person"] for row in rows]


def readings(db: Database, after: int) -> list[dict[str, Any]]:
    """Return the measurements of clocks behind a row, in order."""
    return list(table(db, "clocks").rows_where("id > ?", [after], order_by="id"))


def open_dates(db: Database) -> list[tuple[str, str]]:
    """Return (person, date) of the verdicts that are not final."""
    rows = table(db, "verdicts").rows_where("final = 0", select="person, date")
    return [(row["person"], row["date"]) for row in rows]


def dates_with(db: Database, text: str) -> list[tuple[str, str]]:
    """Return (person, date) of the verdicts that name something: an id of theirs."""
    rows = table(db, "verdicts").rows_where(
        "instr(body, ?)", [text.encode()], select="person, date"
    )
    return [(row["person"], row["date"]) for row in rows]


def count(db: Database, people: Iterable[str] | None, since_date: str) -> int:
    """Count the verdicts from a date on, of some people or of all."""
    verdicts = table(db, "verdicts")
    if people is None:
        return verdicts.count_where("date >= ?", [since_date])
    wanted = sorted(people)
    return sum(
        verdicts.count_where(
            f"date >= ? AND person IN ({', '.join('?' * len(chunk))})",
            [since_date, *chunk],
        )
        for start in range(0, len(wanted), _CHUNK)
        if (chunk := wanted[start : start + _CHUNK])
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """What had been judged when nothing waited any more.

    `upto` is the last raw row, `law` the digest of book, policies and calendar, `day`
    the last day that had begun.
    """

    upto: int = 0
    law: str = ""
    day: str = ""


def progress(db: Database) -> Progress:
    """Return how far judging has come."""
    return Progress(
        int(schema.get(db, _UPTO) or 0),
        schema.get(db, _LAW) or "",
        schema.get(db, _DAY) or "",
    )


def note(db: Database, done: Progress) -> None:
    """Write down that nothing waits to be judged."""
    schema.put(db, _UPTO, str(done.upto))
    schema.put(db, _LAW, done.law)
    schema.put(db, _DAY, done.day)
