"""Reads one terminal: what is new, stored first, and only then the cursor moves.

The log of the terminal is the truth; announcements only say «read now», and no time
tells what is new. Nothing is ever disabled, cleared or set on a terminal.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TypeVar

from drivers.base import (
    Announcement,
    Counts,
    ProtocolError,
    Terminal,
    TerminalError,
    UnsupportedError,
)
from gateway.clock import Now, text
from gateway.core.values import RawRecord, Source
from gateway.full_log import FullLog
from gateway.intake import Intake
from gateway.log_changes import LogChanges
from gateway.reading import AnchorLostError, Announced, Due, LogRead, Tail
from gateway.rolling import rolled_in
from gateway.slots import Slots
from gateway.stamping import stamped
from gateway.store import raw
from gateway.store.figures import Log
from gateway.terminal_clock import TerminalClock
from gateway.terminal_spec import Spec, Standing, WrongTerminalError
from gateway.witness import Witness

__all__ = ["Poller", "Spec", "Standing", "WrongTerminalError"]

log = logging.getLogger("punchgate.poller")

_QUEUE_SECONDS = 30.0
T = TypeVar("T")


class Poller:
    """Knows how far one terminal is read, and reads on.

    Args:
        spec: the terminal.
        intake: where records go.
        now: the wall clock.
        distrust: the last stop was unclean, so the first read takes the whole log.
            Set later, the next look does; it stays until one was read to its end.
        whole_reads: how many whole logs may be read at once, over all terminals.
        progress: called whenever it got on; the watchdog looks at it.
        claim: asked whether a serial may be this terminal's, where `spec` has none:
            returns the terminal that has it already, else None.
    """

    def __init__(  # noqa: PLR0913 - the seams to the daemon
        self,
        spec: Spec,
        intake: Intake,
        now: Now,
        *,
        distrust: bool,
        whole_reads: asyncio.Semaphore,
        progress: Callable[[], None],
        claim: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self.spec = spec
        self.standing = Standing()
        self.progress = progress
        self._intake = intake
        self._now = now
        self.distrust = distrust
        self._whole_reads = whole_reads
        self._claim = claim
        self._reported: str | None = None
        self._cursor: raw.Cursor | None = None
        self._due = Due()
        self._full_log = FullLog(spec.id, spec.zone, intake)
        self._announced = Announced()
        self._clock = TerminalClock(spec.id, spec.serial, spec.zone, intake, now)
        self._tail = Tail()
        self._changes = LogChanges(intake, now)
        self._slots = Slots(intake, now)
        self._asked = now()
        self.witness = Witness(spec.id, intake, now, steady=spec.steady)

    async def remember(self) -> None:
        """Take up where the journal says the last process stopped."""
        known = partial(raw.cursor, serial=self.spec.serial)
        self._cursor = await self._intake.ask(known)
        if self._cursor is not None:
            self._show(self._cursor)
        await self._full_log.remember(self.spec.serial, self.standing.last_read)

    @property
    def clock_due_in(self) -> float:
        """In how many seconds at the latest the terminal's clock is to be looked at."""
        return self._clock.due_in()

    @property
    def waits_for_records(self) -> bool:
        """Whether a punch was announced that the log does not show yet."""
        return bool(self._announced.waiting)

    async def visit(self, terminal: Terminal) -> None:
        """Open a conversation: who answers, its clock, its log as far as it is due.

        Raises:
            TerminalError: the terminal failed, or is another one.
            StoreError: the journal writes no more.
        """
        await self._check_serial(await terminal.open())
        await self._measure(terminal)
        counts = await self._count(terminal)
        await self._read_if_due(terminal, counts, Source.POLL)
        await self._complete(counts)
        await self.witness.look(self.spec.serial, terminal, counts, self._asked)

    async def look(
        self, terminal: Terminal, announced: Sequence[Announcement] = ()
    ) -> None:
        """Look again in a held conversation; what was announced is read at once."""
        self._announced.note(announced, self._slots.badges, time.monotonic())
        if self._clock.is_due():
            await self._measure(terminal)
        counts = await self._count(terminal)
        if announced or self.waits_for_records:
            await self._read(terminal, counts, Source.LIVE)
            await self._settle()
        else:
            await self._read_if_due(terminal, counts, Source.POLL)
        await self._complete(counts)
        await self.witness.look(self.spec.serial, terminal, counts, self._asked)

    async def _complete(self, counts: Counts) -> None:
        """Note until when nothing can be missing: what was counted then is stored."""
        whole = counts.records <= self.standing.downloaded and not self.distrust
        if whole and not self.waits_for_records:
            asked, brought = self._asked, self._due.brought
            log_now = Log(
                self.spec.serial, self.spec.driver.name, self.standing.generation
            )
            if not await self._full_log.leaves_open(
                asked, counts, log_now, brought=brought
            ):
                self.standing.complete_at = asked

    async def _check_serial(self, serial: str) -> None:
        if not self.spec.serial:
            await self._believe(serial)
        if serial == self.spec.serial:
            self._reported = None
            return
        if serial != self._reported:
            self._reported = serial
            await self._event(
                "terminal_replaced",
                "another serial answers at this address; nothing of it is read",
                {"found": serial},
            )
        raise WrongTerminalError(
            f"serial {serial} answers instead of {self.spec.serial}; put the right"
            " terminal there or correct the serial in the book"
        )

    async def _believe(self, serial: str) -> None:
        """Take a terminal that nobody gave a serial for what it says it is."""
        other = self._claim(serial)
        if other is not None:
            raise WrongTerminalError(f"serial {serial} is terminal {other}")
        spec = self.spec = replace(self.spec, serial=serial)
        self._clock = TerminalClock(spec.id, serial, spec.zone, self._intake, self._now)
        await self.remember()

    async def _count(self, terminal: Terminal) -> Counts:
        """Return what the terminal says it holds."""
        self._asked = self._now()
        counts = await terminal.counts()
        if counts.record_capacity > 0:
            self.standing.capacity = counts.record_capacity
        return counts

    async def _measure(self, terminal: Terminal) -> None:
        """Look at the terminal's clock; a jump goes up as an event."""
        jump = await self._clock.measure(terminal)
        self.standing.offset_seconds = self._clock.offset
        self.standing.offset_at = self._now()
        if jump is not None:
            await self._event(
                "clock_jumped",
                "the terminal's clock is not where it was at the last look",
                {"before": jump[0], "after": jump[1]},
            )

    async def _read_if_due(
        self, terminal: Terminal, counts: Counts, source: Source
    ) -> None:
        if self.distrust or self._due.is_due(counts, time.monotonic()):
            await self._read(terminal, counts, source)

    async def _read(self, terminal: Terminal, counts: Counts, source: Source) -> None:
        """Read on behind the cursor; a log that is another one is read whole."""
        cursor = self._cursor
        if cursor is not None and cursor.driver != self.spec.driver.name:
            cursor = None  # its anchor says nothing to this driver
        before = generation = self.standing.generation
        try:
            self._due.refuse_shrunk(counts)
            if self.distrust and cursor is not None:
                await self._behind(cursor, partial(self._check_anchor, terminal))
                cursor, source = None, Source.RESYNC
            take = partial(self._take, terminal, generation, source)
            read = await self._behind(cursor, take)
        except AnchorLostError as lost:
            rolled = await self._roll(terminal, counts, cursor, source)
            if rolled is None:
                generation += 1
                await self._changes.opened(
                    self.spec, generation, str(lost), self.standing.downloaded, counts
                )
                rolled = await self._take(
                    terminal, generation, Source.RESYNC, LogRead(None)
                )
            read = rolled
        except TerminalError:
            if counts.records >= 0:
                self.standing.in_terminal = counts.records  # what waits there is told
            raise
        await self._move(read, counts, generation)
        await self._slots.note(self.spec.serial, terminal.slots())
        self.distrust = False
        if generation > before:
            await self._changes.report_gone(self.spec, before)

    async def _roll(
        self,
        terminal: Terminal,
        counts: Counts,
        cursor: raw.Cursor | None,
        source: Source,
    ) -> LogRead | None:
        """Store what a full log took for its oldest, if that is all that happened."""
        given = self._tail.is_asked(time.monotonic())
        if cursor is None or self.distrust or not given:
            return None
        part = partial(self._records, terminal, source)
        taken = await rolled_in(part, counts, cursor, self._intake)
        if not taken:
            return None
        read = LogRead(cursor)
        read.anchor = raw.record_key(taken[-1])
        await self._keep(read, taken, cursor.generation)
        await self._changes.dropped(self.spec, cursor.generation, len(taken))
        return read

    async def _records(
        self, terminal: Terminal, source: Source, start: int
    ) -> AsyncGenerator[list[RawRecord], None]:
        """Yield the records of the log from `start` on, stamped, piece by piece."""
        async with aclosing(terminal.read(start)) as pieces:
            async for piece in pieces:
                self.progress()
                received, off = self._now(), self.standing.offset_seconds
                yield [stamped(one, self.spec, source, received, off) for one in piece]

    async def _check_anchor(self, terminal: Terminal, read: LogRead) -> None:
        """See whether the log is still the one its cursor stands in; store nothing.

        Raises:
            AnchorLostError: it is not.
        """
        async with aclosing(
            self._records(terminal, Source.RESYNC, read.start)
        ) as pieces:
            async for piece in pieces:
                read.fresh(piece)
                if read.anchored:
                    return
        read.finish()

    async def _behind(
        self, cursor: raw.Cursor | None, act: Callable[[LogRead], Awaitable[T]]
    ) -> T:
        """Read behind a cursor; from the log's start where its end makes no sense."""
        tail = LogRead(cursor, from_zero=not self._tail.is_asked(time.monotonic()))
        try:
            found = await act(tail)
        except AnchorLostError:
            if tail.start:
                self._tail.given()
            raise
        except (ProtocolError, UnsupportedError) as odd:
            if not tail.start:
                raise
            if self._tail.refused(time.monotonic()):
                reason = "the end of the log makes no sense alone: all of it is read"
                await self._event("tail_unreadable", reason, {"error": str(odd)})
            return await act(LogRead(cursor, from_zero=True))
        if tail.start:
            self._tail.given()
        return found

    async def _take(
        self, terminal: Terminal, generation: int, source: Source, read: LogRead
    ) -> LogRead:
        """Store everything behind the anchor of a read, piece by piece."""
        if read.start:
            return await self._pieces(terminal, read, generation, source)
        while True:
            try:
                async with asyncio.timeout(_QUEUE_SECONDS):
                    await self._whole_reads.acquire()
            except TimeoutError:
                self.progress()  # waiting for a turn is no standstill
            else:
                break
        try:
            return await self._pieces(terminal, read, generation, source)
        finally:
            self._whole_reads.release()

    async def _pieces(
        self, terminal: Terminal, read: LogRead, generation: int, source: Source
    ) -> LogRead:
        carried = generation > 1 and not read.tail
        async with aclosing(self._records(terminal, source, read.start)) as pieces:
            async for piece in pieces:
                fresh = read.fresh(piece)
                if fresh:
                    await self._keep(read, fresh, generation)
                if fresh and carried:
                    await self._intake.carry(fresh, read.seen, generation)
        read.finish()
        return read

    async def _keep(
        self, read: LogRead, fresh: Sequence[RawRecord], generation: int
    ) -> None:
        """Store records of a log and make punches of them."""
        self.distrust = True  # until the cursor stands behind these rows
        # How many identical ones stand before the anchor.
        unknown = read.uncounted({raw.record_key(record) for record in fresh})
        if unknown:
            stored = partial(raw.occurrences, serial=self.spec.serial, keys=unknown)
            read.seen.learn(await self._intake.ask(stored))
        read.new += await self._intake.store(fresh, read.seen, generation)
        await self._intake.interpret()

    async def _move(self, read: LogRead, counts: Counts, generation: int) -> None:
        """Move the cursor behind what is stored."""
        count = counts.records
        if 0 <= count < read.position and read.new:
            count = read.position  # somebody punched since it was asked
        cursor = raw.Cursor(
            serial=self.spec.serial,
            terminal=self.spec.id,
            driver=self.spec.driver.name,
            position=read.position,
            anchor=read.anchor,
            in_terminal=count,
            offset_seconds=self.standing.offset_seconds,
            read_at=text(self._now()),
            generation=generation,
        )
        await self._intake.ask(lambda db: raw.move(db, cursor))
        brought = self._cursor is not None and read.new > 0
        self._cursor = cursor
        self._due.done(counts, read.position, time.monotonic(), brought=brought)
        self._show(cursor)

    def _show(self, cursor: raw.Cursor) -> None:
        self.standing.in_terminal = cursor.in_terminal
        self.standing.downloaded = cursor.position
        self.standing.generation = cursor.generation
        self.standing.offset_seconds = self._clock.offset = cursor.offset_seconds
        self.standing.last_read = cursor.read_at

    async def _settle(self) -> None:
        """Look whether what was announced is in the log by now."""
        for badge, at in list(self._announced.waiting):
            there = partial(raw.holds, serial=self.spec.serial, badge=badge, at=at)
            if await self._intake.ask(there):
                self._announced.seen(badge, at)
        for badge, at in self._announced.overdue(time.monotonic()):
            await self._event(
                "event_without_record",
                "a punch was announced and never came into the log",
                {"badge": badge, "at": at},
            )

    async def _event(
        self, kind: str, reason: str, detail: dict[str, str | int | float | None]
    ) -> None:
        await self._intake.event(kind, self.spec.id, self.spec.serial, reason, detail)
