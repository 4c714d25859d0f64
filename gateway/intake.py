"""From raw rows to punches, with the book of today; and what people read in the log.

One pass at a time, in the order the rows came. The journal does the work in its own
thread; here it is asked for it, logged, and the uplink is told.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from sqlite_utils import Database

from gateway.clock import Now, text
from gateway.core.book import Book
from gateway.core.normalise import VERIFY_CODES, attribute, normalise
from gateway.core.values import Punch, RawRecord, Rejected, VerifyMode
from gateway.outgoing import event_entry, punch_entry, rejected_entry
from gateway.store import outbox, raw, schema
from gateway.store.epochs import Appender
from gateway.store.journal import Job, Journal, T
from gateway.store.seen import Seen
from sync.messages import Detail

log = logging.getLogger("punchgate.intake")

_PIECE = 8_000
_FEW = 20


class Intake:
    """Stores what pollers bring, and makes punches of it.

    `made` is told of the punches of every pass, after their commit.
    """

    def __init__(
        self,
        journal: Journal,
        now: Now,
        wake: Callable[[], None],
        book: Book,
        made: Callable[[Sequence[Punch]], None] = lambda _: None,
    ) -> None:
        self._journal = journal
        self._now = now
        self._wake = wake
        self._book = book
        self._made = made
        self._codes: Mapping[str, Mapping[int, VerifyMode]] = {}
        self._pass = asyncio.Lock()
        self._last: int | None = None
        self._fresh: dict[int, Sequence[raw.Row]] = {}

    async def ask(self, job: Job[T]) -> T:
        """Run a job in the journal's thread; return after its commit.

        Raises:
            StoreError: when the journal writes no more.
        """
        return await asyncio.wrap_future(self._journal.submit(job))

    async def learn(
        self,
        book: Book,
        codes: Mapping[str, Mapping[int, VerifyMode]],
        digest: str | None,
    ) -> int:
        """Use this book from now on; return how many stored punches it changed.

        Punches are attributed again only when the book is not the one they were
        attributed with; without a digest it is none yet, and they stay as they are.
        """
        async with self._pass:
            self._book, self._codes = book, codes
            if (
                digest is None
                or await self.ask(lambda db: schema.get(db, "book")) == digest
            ):
                return 0
            changed = 0
            after: str | None = ""
            while after is not None:
                after, more = await self.ask(self._relearn(after))
                changed += more
            await self.ask(lambda db: schema.put(db, "book", digest))
        if changed:
            self._wake()
        return changed

    async def store(
        self,
        records: Sequence[RawRecord],
        seen: Seen,
        generation: int = raw.FILED,
    ) -> int:
        """Keep records of one terminal in log order; return how many were new."""
        new = 0
        for start in range(0, len(records), _PIECE):
            piece = records[start : start + _PIECE]
            stored = await self.ask(
                partial(raw.store, records=piece, before=seen, generation=generation)
            )
            new += stored.new
            if stored.rows:
                self._fresh[stored.rows[0].id - 1] = stored.rows
        return new

    async def file(
        self, records: Sequence[RawRecord], occurrences: Sequence[int]
    ) -> int:
        """Keep records that came by file and make punches of them, in one transaction.

        `occurrences` says of each how many identical ones stood before it. Returns how
        many of the punches are new. Should it fail, the file is still there and nothing
        of this piece is kept.
        """
        async with self._pass:
            last = await self._catch_up()
            job = self._filing(last, records, occurrences)
            passes, new = await self.ask(job)
            for done in passes:
                self._tell(done)
        return new

    async def carry(
        self, records: Sequence[RawRecord], seen: Seen, generation: int
    ) -> None:
        """Note that records, stored now or long ago, are in this generation."""
        for start in range(0, len(records), _PIECE):
            piece = records[start : start + _PIECE]
            await self.ask(
                partial(raw.carry, records=piece, seen=seen, generation=generation)
            )

    async def interpret(self) -> None:
        """Make punches of every raw row that has no outcome yet."""
        async with self._pass:
            await self._catch_up()

    async def event(
        self,
        kind: str,
        terminal: str,
        serial: str,
        reason: str,
        detail: dict[str, Detail],
    ) -> None:
        """Send an event up; it is as durable as a punch."""
        at = text(self._now())

        def append(db: Database) -> None:
            appender = Appender(db, at)
            appender.add(
                "event",
                lambda seq: event_entry(
                    seq,
                    kind=kind,
                    terminal=terminal,
                    serial=serial,
                    at=at,
                    reason=reason,
                    detail=detail,
                ),
                None,
            )
            appender.flush()

        await self.ask(append)
        said = json.dumps(detail, ensure_ascii=False)
        values = {"kind": kind, "terminal": terminal, "reason": reason}
        log.warning("event", {**values, "detail": said})
        self._wake()

    def _meaning(self) -> outbox.Meaning:
        book, codes = self._book, self._codes

        def meant(record: RawRecord) -> Punch | Rejected:
            return normalise(record, book, codes.get(record.terminal, VERIFY_CODES))

        def whose(punch: Punch) -> outbox.Attribution:
            return attribute(
                book, punch.terminal, punch.badge, punch.at, punch.received_at
            )

        return outbox.Meaning(meant, whose, punch_entry, rejected_entry)

    def _interpret(self, last: int) -> Job[outbox.Interpreted]:
        meaning, now = self._meaning(), text(self._now())
        fresh = self._fresh.get(last, ())
        return lambda db: outbox.interpret(db, last, _PIECE, meaning, now, fresh)

    def _filing(
        self, last: int, records: Sequence[RawRecord], occurrences: Sequence[int]
    ) -> Job[tuple[list[outbox.Interpreted], int]]:
        meaning, now = self._meaning(), text(self._now())

        def file(db: Database) -> tuple[list[outbox.Interpreted], int]:
            numbers = iter(occurrences)
            before = raw.newest(db)
            rows = raw.store(db, records, lambda _: next(numbers)).rows
            passes, at = [], last
            while True:
                # Others may have stored in between: theirs come first then.
                fresh = rows if rows and rows[0].id == at + 1 else ()
                done = outbox.interpret(db, at, _PIECE, meaning, now, fresh)
                if done.last == at:
                    break
                passes.append(done)
                at = done.last
            ours = (row > before for done in passes for row in done.rows)
            return passes, sum(ours)

        return file

    async def _catch_up(self) -> int:
        """Interpret what is stored; return the last row. One at a time."""
        if self._last is None:
            self._last = await self.ask(outbox.last_interpreted)
        while True:
            done = await self.ask(self._interpret(self._last))
            if done.last == self._last:
                return done.last
            self._tell(done)

    def _tell(self, done: outbox.Interpreted) -> None:
        """Say what a pass made, after its commit."""
        self._last = done.last
        # Rows that were stored just now and are interpreted are let go.
        self._fresh = {at: rows for at, rows in self._fresh.items() if at >= done.last}
        self._report(done)
        self._wake()
        self._made([punch for _, punch in done.punches])

    def _relearn(self, after: str) -> Job[tuple[str | None, int]]:
        meaning, now = self._meaning(), text(self._now())
        return lambda db: outbox.relearn(db, after, _PIECE, meaning, now)

    def _report(self, done: outbox.Interpreted) -> None:
        """Log few punches one by one and many as one line."""
        for rejected in done.rejected:
            record = rejected.record
            log.warning(
                "record rejected",
                {
                    "terminal": record.terminal,
                    "position": record.position,
                    "reason": rejected.reason,
                    "at": record.at,
                },
            )
        if done.conflicts:
            log.info("attribute conflict", {"count": done.conflicts})
        if len(done.punches) > _FEW:
            first, last = done.punches[0][0], done.punches[-1][0]
            log.info(
                "punches", {"count": len(done.punches), "first": first, "last": last}
            )
            return
        for seq, punch in done.punches:
            values = {
                "terminal": punch.terminal,
                "badge": punch.badge,
                "at": punch.at,
                "verify": punch.verify,
                "seq": seq,
            }
            if punch.reason:
                values["reason"] = punch.reason
            log.info("punch", values)
