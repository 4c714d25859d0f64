"""Storing what came in: one transaction for ledger and rows, then the word for an ack.

A batch is booked and stored, or neither. What is returned is true only after the
commit, and only what is returned may be acknowledged.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Self

from sqlalchemy import Connection, Engine, delete, func, select

from central.incoming import Batch, Poison, RecordRow, Stream, fork
from central.store.errors import StoreError
from central.store.opening import (
    begin_generation,
    connect,
    read_identity,
    store_errors,
)
from central.store.statements import Statements, prepare
from central.store.tables import (
    IDENTITY,
    KNOWN,
    ledger,
    punch_rows,
    quarantine,
)
from sync.ledger import Ledger, Range

_punch_values = attrgetter(*IDENTITY, *KNOWN)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store holds of a stream; `chain` is the chain hash at `upto`."""

    stream: Stream
    upto: int
    missing: tuple[tuple[int, int], ...]
    chain: str | None


@dataclass(frozen=True, slots=True)
class Stored:
    """What one commit did.

    `standings`: one per gateway of the messages, the newest epoch of each. `punches`
    and `records` count the entries in the messages, repeats included; `poisons` is what
    was put aside.
    """

    standings: tuple[Standing, ...]
    punches: int
    records: int
    poisons: tuple[Poison, ...]


@dataclass(slots=True)
class _Work:
    """What one transaction will write."""

    ledgers: dict[Stream, Ledger] = field(default_factory=dict)
    punches: list[tuple[Any, ...]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    poisons: list[Poison] = field(default_factory=list)
    touched: dict[tuple[str, str], Stream] = field(default_factory=dict)


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
        self._statements = statements
        self.id = known["store"]
        self.generation = int(known["generation"])

    @classmethod
    def open(cls, url: str, at: str) -> Self:
        """Open a store for writing, creating it; `at` is now, ISO with offset."""
        return cls._opened(url, at)

    @classmethod
    def look(cls, url: str) -> Self:
        """Open a store for questions only; nothing is created or changed."""
        return cls._opened(url, None)

    @classmethod
    def _opened(cls, url: str, at: str | None) -> Self:
        engine, conn = connect(url)
        try:
            if at is not None:
                begin_generation(conn, at)
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

    def commit(self, items: Iterable[Batch | Poison], at: str) -> Stored:
        """Store messages in one transaction; `at` is now, ISO with offset."""
        with store_errors("storing", self._engine), self._conn.begin():
            work = _Work()
            for item in items:
                self._take(item, work, at)
            self._write(work, at)
        self._ledgers.update(work.ledgers)
        standings = (self.standing(stream) for stream in work.touched.values())
        return Stored(
            tuple(standings),
            len(work.punches),
            len(work.records),
            tuple(work.poisons),
        )

    def standing(self, stream: Stream) -> Standing:
        """Return what is held of a stream; nothing of an unknown one."""
        with store_errors("reading"), self._conn.begin():
            found = self._ledger(stream)
        return Standing(stream, found.upto, tuple(found.missing), found.chain)

    def count(self) -> int:
        """Return the number of punches."""
        return self._number(select(func.count()).select_from(punch_rows))

    def quarantined(self) -> int:
        """Return the number of different things put aside."""
        return self._number(select(func.count()).select_from(quarantine))

    def gaps(self) -> list[Standing]:
        """Return the streams that have holes."""
        return [standing for standing in self.streams() if standing.missing]

    def streams(self) -> list[Standing]:
        """Return every stream, in the order of site, gateway and epoch."""
        columns = (ledger.c.site, ledger.c.gateway, ledger.c.epoch)
        with store_errors("reading"), self._conn.begin():
            found = self._conn.execute(select(*columns).distinct().order_by(*columns))
            streams = [Stream(*row) for row in found]
            ledgers = [Ledger(self._ranges(stream)) for stream in streams]
        return [
            Standing(stream, item.upto, tuple(item.missing), item.chain)
            for stream, item in zip(streams, ledgers, strict=True)
        ]

    def _number(self, question: Any) -> int:
        with store_errors("reading"), self._conn.begin():
            return int(self._conn.execute(question).scalar_one())

    def _ledger(self, stream: Stream) -> Ledger:
        found = self._ledgers.get(stream)
        if found is None:
            found = Ledger(self._ranges(stream))
            self._ledgers[stream] = found
        return found

    def _ranges(self, stream: Stream) -> list[Range]:
        columns = (ledger.c.first, ledger.c.last, ledger.c.head)
        rows = self._conn.execute(select(*columns).where(*_of(stream)))
        return [Range(*row) for row in rows]

    def _take(self, item: Batch | Poison, work: _Work, at: str) -> None:
        """Book a message; sort its rows into what will be written."""
        if isinstance(item, Poison):
            work.poisons.append(item)
            return
        stream = item.stream
        work.touched[stream.site, stream.gateway] = stream
        if stream not in work.ledgers:
            work.ledgers[stream] = Ledger(self._ledger(stream).ranges)
        booked = work.ledgers[stream]
        before = booked.head_at(item.entries[0][0] - 1)
        if before is not None and before != item.prev:
            work.poisons.append(fork(item))
            return
        booked.add(item.entries)
        work.poisons += item.poisons
        came = (stream.site, stream.gateway, stream.epoch)
        work.punches += [
            (*_punch_values(punch), *came, punch.seq, at) for punch in item.punches
        ]
        work.records += [_record_row(stream, record, at) for record in item.records]

    def _write(self, work: _Work, at: str) -> None:
        for stream, after in work.ledgers.items():
            self._write_ranges(stream, after)
        if work.punches:
            # The driver takes the rows as they are: twice as fast as through the
            # toolkit's parameters, and this is what a backlog waits for.
            self._conn.exec_driver_sql(self._statements.punches, work.punches)
        if work.records:
            self._conn.execute(self._statements.records, work.records)
        if work.poisons:
            rows = [_quarantined(poison, at) for poison in work.poisons]
            self._conn.execute(self._statements.quarantine, rows)

    def _write_ranges(self, stream: Stream, after: Ledger) -> None:
        """Write what changed; most often one range grew."""
        before = set(self._ledger(stream).ranges)
        changed = [item for item in after.ranges if item not in before]
        kept = {item.first for item in after.ranges}
        gone = [item.first for item in before if item.first not in kept]
        if gone:
            where = (*_of(stream), ledger.c.first.in_(gone))
            self._conn.execute(delete(ledger).where(*where))
        if changed:
            rows = [_range_row(stream, item) for item in changed]
            self._conn.execute(self._statements.ledger, rows)


def _record_row(stream: Stream, record: RecordRow, at: str) -> dict[str, Any]:
    return {
        "site": stream.site,
        "gateway": stream.gateway,
        "epoch": stream.epoch,
        "seq": record.seq,
        "kind": record.kind,
        "id": record.id,
        "body": record.body,
        "stored_at": at,
    }


def _of(stream: Stream) -> Sequence[Any]:
    return (
        ledger.c.site == stream.site,
        ledger.c.gateway == stream.gateway,
        ledger.c.epoch == stream.epoch,
    )


def _range_row(stream: Stream, item: Range) -> dict[str, Any]:
    return {
        "site": stream.site,
        "gateway": stream.gateway,
        "epoch": stream.epoch,
        "first": item.first,
        "last": item.last,
        "head": item.head,
    }


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
    }
