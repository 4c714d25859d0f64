"""Storing what came in: one transaction for ledger and rows, then the word for an ack.

A batch is booked and stored, or neither. What is returned is true only after the
commit, and only what is returned may be acknowledged.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from sqlalchemy import Connection, Engine, func, select, update

from central.incoming import fork
from central.store.errors import StoreError
from central.store.opening import (
    begin_generation,
    connect,
    forbid_writing,
    read_identity,
    store_errors,
)
from central.store.punching import Row, punch_row, write_punches
from central.store.recording import write_records
from central.store.statements import Statements, prepare
from central.store.streams import (
    Standing,
    holes_since,
    read_ledger,
    read_streams,
    standing,
    stream_row,
    write_ledger,
)
from central.store.tables import closed, punch_rows, quarantine
from central.values import Batch, Gone, Poison, RecordRow, Stream
from sync.commands import RangeFate
from sync.ledger import Ledger

COUNTED = "day_counts"


@dataclass(frozen=True, slots=True)
class Stored:
    """What one commit did.

    `standings`: one per stream of the messages, in the order in which they last came.
    `punches` and `records` count the entries in the messages, repeats included;
    `poisons` is what was put aside; `counted` says where day counts came, which wait
    for a comparison.
    """

    standings: tuple[Standing, ...]
    punches: int
    records: int
    poisons: tuple[Poison, ...]
    counted: tuple[tuple[Stream, int], ...] = ()


@dataclass(slots=True)
class _Work:
    """What one transaction will write."""

    ledgers: dict[Stream, Ledger] = field(default_factory=dict)
    punches: list[Row] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    poisons: list[Poison] = field(default_factory=list)
    counted: list[tuple[Stream, int]] = field(default_factory=list)


class CentralStore:
    """An open store. One process writes it; others look.

    Raises:
        StoreError: from every method, when the database does not do it.
    """

    def __init__(
        self,
        engine: Engine,
        conn: Connection,
        statements: Statements,
        known: dict[str, str],
    ) -> None:
        self._engine = engine
        self._conn = conn
        self._ledgers: dict[Stream, Ledger] = {}
        self._holes_since: dict[Stream, str | None] = {}
        self.statements = statements
        self.id = known["store"]
        self.generation = int(known["generation"])

    @classmethod
    def open(cls, url: str, at: str) -> Self:
        """Open a store for writing, creating it; `at` is now, ISO with offset."""
        return cls._opened(url, lambda conn: begin_generation(conn, at))

    @classmethod
    def look(cls, url: str) -> Self:
        """Open a store for questions only; nothing is created or changed."""
        return cls._opened(url, forbid_writing)

    @classmethod
    def amend(cls, url: str) -> Self:
        """Open a store to add rows beside a running collector, never to book."""
        return cls._opened(url, lambda _: None)

    @classmethod
    def _opened(cls, url: str, prepared: "Any") -> Self:
        engine, conn = connect(url)
        try:
            prepared(conn)
            known = read_identity(conn)
            statements = prepare(engine.dialect)
        except StoreError:
            conn.close()
            engine.dispose()
            raise
        return cls(engine, conn, statements, known)

    def close(self) -> None:
        """Close the connection."""
        self._conn.close()
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Ask something in one transaction."""
        with store_errors("reading"), self._conn.begin():
            yield self._conn

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Write something in one transaction; never the ledger."""
        with store_errors("storing", self._engine), self._conn.begin():
            yield self._conn

    def commit(self, items: Iterable[Batch | Poison], at: str) -> Stored:
        """Store messages in one transaction; `at` is now, ISO with offset."""
        with self.writing():
            work = _Work()
            for item in items:
                self._take(item, work, at)
            since = self._write(work, at)
        self._booked(work, since)
        return Stored(
            tuple(standing(*item) for item in work.ledgers.items()),
            len(work.punches),
            len(work.records),
            tuple(work.poisons),
            tuple(work.counted),
        )

    def close_ranges(
        self, stream: Stream, fates: Iterable[RangeFate | Gone], at: str
    ) -> tuple[Standing, list[Gone]]:
        """Book ranges that will never come, as far as they are missing.

        Returns where the stream stands then, and what was closed. Told twice it closes
        nothing more.
        """
        with self.writing() as conn:
            work = _Work()
            booked = self._copy(stream, work)
            parts = [part for fate in fates for part in _holes_in(booked, fate)]
            for part in parts:
                booked.close(part.first, part.last)
            if parts:
                rows = [_closed_row(stream, part, at) for part in parts]
                conn.execute(self.statements.closed, rows)
            since = self._write(work, at)
        self._booked(work, since)
        return standing(stream, booked), parts

    def accept_closed(self, at: str) -> None:
        """Write down that somebody took note of every range closed up to now."""
        with self.writing() as conn:
            conn.execute(
                update(closed).where(closed.c.accepted_at.is_(None)),
                {"accepted_at": at},
            )

    def standing(self, stream: Stream) -> Standing:
        """Return what is held of a stream; nothing of an unknown one."""
        with self.reading():
            return standing(stream, self._ledger(stream))

    def count(self) -> int:
        """Return the number of punches."""
        return self._number(select(func.count()).select_from(punch_rows))

    def quarantined(self) -> int:
        """Return the number of different things put aside and not stored since."""
        waits = quarantine.c.stored_at.is_(None)
        return self._number(select(func.count()).select_from(quarantine).where(waits))

    def gaps(self) -> list[Standing]:
        """Return the streams that have holes."""
        return [item for item in self.streams() if item.missing]

    def streams(self) -> list[Standing]:
        """Return every stream, in the order of site, gateway and epoch."""
        with self.reading() as conn:
            found = read_streams(conn)
            return [standing(stream, read_ledger(conn, stream)) for stream in found]

    def _number(self, question: Any) -> int:
        with self.reading() as conn:
            return int(conn.execute(question).scalar_one())

    def _ledger(self, stream: Stream) -> Ledger:
        found = self._ledgers.get(stream)
        if found is None:
            found = read_ledger(self._conn, stream)
            self._ledgers[stream] = found
            self._holes_since[stream] = holes_since(self._conn, stream)
        return found

    def _copy(self, stream: Stream, work: _Work) -> Ledger:
        """Return the ledger to book in, moved behind those that came before."""
        booked = work.ledgers.pop(stream, None) or Ledger(self._ledger(stream).ranges)
        work.ledgers[stream] = booked
        return booked

    def _take(self, item: Batch | Poison, work: _Work, at: str) -> None:
        """Book a message; sort its rows into what will be written."""
        if isinstance(item, Poison):
            work.poisons.append(item)
            return
        stream = item.stream
        booked = self._copy(stream, work)
        before = booked.head_at(item.entries[0][0] - 1)
        if before is not None and before != item.prev:
            work.poisons.append(fork(item))
            return
        booked.add(item.entries)
        work.poisons += item.poisons
        work.punches += [punch_row(stream, punch, at) for punch in item.punches]
        work.records += [record_values(stream, record, at) for record in item.records]
        work.counted += [
            (stream, record.seq)
            for record in item.records
            if record.entry_kind == COUNTED
        ]

    def _write(self, work: _Work, at: str) -> dict[Stream, str | None]:
        since: dict[Stream, str | None] = {}
        for stream, after in work.ledgers.items():
            before = self._ledger(stream)
            write_ledger(self._conn, self.statements, stream, before, after)
            known = self._holes_since.get(stream) or at
            since[stream] = known if after.missing else None
        if since:
            rows = [stream_row(stream, at, known) for stream, known in since.items()]
            self._conn.execute(self.statements.streams, rows)
        if work.punches:
            work.poisons += write_punches(self._conn, self.statements, work.punches)
        if work.records:
            work.poisons += write_records(self._conn, self.statements, work.records)
        if work.poisons:
            put_aside = [_quarantined(poison, at) for poison in work.poisons]
            self._conn.execute(self.statements.quarantine, put_aside)
        return since

    def _booked(self, work: _Work, since: dict[Stream, str | None]) -> None:
        """Remember what the database committed."""
        self._ledgers.update(work.ledgers)
        self._holes_since.update(since)


def record_values(stream: Stream, record: RecordRow, at: str) -> dict[str, Any]:
    """Return a record as it is stored; `at` is now, ISO with offset."""
    return {**asdict(stream), **asdict(record), "stored_at": at}


def _holes_in(booked: Ledger, fate: RangeFate | Gone) -> Sequence[Gone]:
    """Return what of a range is missing."""
    parts = (
        (max(first, fate.first), min(last, fate.last)) for first, last in booked.missing
    )
    return [Gone(first, last, fate.fate) for first, last in parts if first <= last]


def _closed_row(stream: Stream, part: Gone, at: str) -> dict[str, Any]:
    found = {"first": part.first, "last": part.last, "fate": part.fate, "at": at}
    return {**asdict(stream), **found}


def _quarantined(poison: Poison, at: str) -> dict[str, Any]:
    return {
        "topic": poison.topic,
        "digest": poison.digest,
        "reason": poison.reason.value,
        "detail": poison.detail,
        "payload": poison.payload,
        "at": at,
        "last_at": at,
        "times": 1,
        "epoch": poison.epoch or None,
    }
