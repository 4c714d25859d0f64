"""One task per terminal: read what is new, store it, then move the cursor.

The only place that turns a driver's `RawPunch` into the core's `RawRecord`. The log of
the terminal is the truth; announcements only say «read now». A terminal that fails is
tried again with growing pauses and never delays another. Nothing is ever disabled,
cleared or set on a terminal.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from drivers import Driver
from drivers.base import Address, RawPunch, Terminal, TerminalError
from gateway.clock import Now, text
from gateway.core.values import RawRecord, Source
from gateway.errors import StoreError
from gateway.intake import Intake
from gateway.log import loud
from gateway.store import raw

log = logging.getLogger("punchgate.poller")

_RETRY_SECONDS = 1.0
_RETRY_MAX_SECONDS = 60.0
_CLOCK_AGREES_SECONDS = 5.0


class WrongTerminalError(TerminalError):
    """Another terminal answers at this address; nothing of it is read."""


@dataclass(frozen=True, slots=True)
class Spec:
    """Which terminal this is by the configuration and the book."""

    id: str
    serial: str
    zone: str
    address: Address
    driver: Driver
    poll_seconds: float
    live: bool


@dataclass(slots=True)
class Standing:
    """What is known of a terminal now; the daemon shows it."""

    online: bool = False
    in_terminal: int | None = None
    downloaded: int = 0
    capacity: int | None = None
    offset_seconds: float | None = None
    last_read: str | None = None
    error: str | None = None


class _AnchorLostError(Exception):
    """The log is not the one the cursor stands in."""


class Poller:
    """Reads one terminal for ever.

    Args:
        spec: the terminal.
        intake: where records go.
        now: the wall clock.
        distrust: the last stop was unclean, so the first read takes the whole log.
        progress: called whenever the task got on; the watchdog looks at it.
        changed: called when `standing` changed.
    """

    def __init__(  # noqa: PLR0913 - the seams to the daemon
        self,
        spec: Spec,
        intake: Intake,
        now: Now,
        *,
        distrust: bool,
        progress: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        self.spec = spec
        self.standing = Standing()
        self._intake = intake
        self._now = now
        self._distrust = distrust
        self._progress = progress
        self._changed = changed
        self._failures = 0
        self._reported: str | None = None

    async def run(self) -> None:
        """Poll until cancelled.

        Raises:
            StoreError: when the journal writes no more.
        """
        cursor = await self._intake.ask(lambda db: raw.cursor(db, self.spec.serial))
        if cursor is not None:
            self.standing.in_terminal = cursor.in_terminal
            self.standing.downloaded = cursor.position
            self.standing.offset_seconds = cursor.offset_seconds
            self.standing.last_read = cursor.read_at
        while True:
            self._progress()
            try:
                await self._converse()
                pause = self.spec.poll_seconds
            except TerminalError as error:
                pause = self._failed(str(error))
            except StoreError:
                raise
            except Exception as error:
                log.exception("terminal task failed", {"terminal": self.spec.id})
                pause = self._failed(f"{type(error).__name__}: {error}")
            await asyncio.sleep(pause)

    def _failed(self, error: str) -> float:
        self._failures += 1
        pause: float = min(
            _RETRY_SECONDS * 2.0 ** min(self._failures - 1, 9), _RETRY_MAX_SECONDS
        )
        pause *= random.uniform(0.8, 1.2)  # noqa: S311 - spreads retries, guards nothing
        self.standing.online = False
        self.standing.error = error
        if loud(self._failures):
            log.warning(
                "terminal down",
                {
                    "terminal": self.spec.id,
                    "after": self._failures,
                    "error": error,
                    "next": f"{pause:.0f}s",
                },
            )
        self._changed()
        return pause

    async def _converse(self) -> None:
        """Open, read, and for a live terminal stay and listen."""
        terminal = self.spec.driver.open(self.spec.address)
        try:
            await self._check_serial(await terminal.open())
            await self._count(terminal)
            await self._read(terminal, Source.RESYNC if self._distrust else Source.POLL)
            self._up()
            if self.spec.live:
                await self._listen(terminal)
        finally:
            await terminal.close()

    async def _listen(self, terminal: Terminal) -> None:
        """Hold the session; every announcement and every silence makes a read."""
        try:
            await terminal.listen()
        except TerminalError as error:
            values = {"terminal": self.spec.id, "error": str(error)}
            log.info("terminal not live", values)
            return
        # Between the read and the registration a punch is announced to nobody.
        if await self._count(terminal) != self.standing.downloaded:
            await self._read(terminal, Source.POLL)
        while True:
            self._progress()
            announced = await terminal.wait(self.spec.poll_seconds)
            await self._read(terminal, Source.LIVE if announced else Source.POLL)

    async def _count(self, terminal: Terminal) -> int:
        """Return how many records the terminal says it holds."""
        counts = await terminal.counts()
        if counts.record_capacity > 0:
            self.standing.capacity = counts.record_capacity
        return counts.records

    async def _check_serial(self, serial: str) -> None:
        if serial == self.spec.serial:
            self._reported = None
            return
        if serial != self._reported:
            self._reported = serial
            await self._intake.event(
                "terminal_replaced",
                self.spec.id,
                self.spec.serial,
                "another serial answers at this address; nothing of it is read",
                {"found": serial},
            )
        raise WrongTerminalError(
            f"serial {serial} answers instead of {self.spec.serial}; put the right"
            " terminal there or correct the serial in the book"
        )

    def _up(self) -> None:
        if not self.standing.online:
            log.info(
                "terminal up",
                {
                    "terminal": self.spec.id,
                    "serial": self.spec.serial,
                    "records": self.standing.in_terminal,
                    "offset": self.standing.offset_seconds,
                },
            )
        self._failures = 0
        self.standing.online = True
        self.standing.error = None
        self._changed()

    async def _offset(self, terminal: Terminal) -> float:
        """Measure terminal clock minus ours; the terminal shows whole seconds only."""
        asked = self._now()
        shown = await terminal.clock()
        answered = self._now()
        middle = asked + (answered - asked) / 2
        try:
            device = datetime.fromisoformat(shown)
        except ValueError:
            raise TerminalError(f"its clock shows {shown}, no date") from None
        device = device.replace(tzinfo=ZoneInfo(self.spec.zone))
        return round((device + timedelta(seconds=0.5) - middle).total_seconds(), 1)

    async def _read(self, terminal: Terminal, source: Source) -> None:
        """Read once: clock, log, store, clock again, and only then the cursor."""
        before = await self._offset(terminal)
        cursor = None
        if not self._distrust:
            cursor = await self._intake.ask(lambda db: raw.cursor(db, self.spec.serial))
        try:
            read = await self._take(terminal, cursor, before, source)
        except _AnchorLostError as lost:
            await self._intake.event(
                "log_changed",
                self.spec.id,
                self.spec.serial,
                str(lost),
                {"position": cursor.position if cursor else 0},
            )
            read = await self._take(terminal, None, before, Source.RESYNC)
        count = await self._count(terminal)
        if 0 <= count < read.position:
            count = read.position  # the counter lies low; what came is what there is
        self._progress()
        after = await self._offset(terminal)
        if abs(after - before) > _CLOCK_AGREES_SECONDS:
            log.warning(
                "clock jumped",
                {"terminal": self.spec.id, "before": before, "after": after},
            )
        to = raw.Cursor(
            serial=self.spec.serial,
            terminal=self.spec.id,
            driver=self.spec.driver.name,
            position=read.position,
            anchor=read.anchor,
            in_terminal=count,
            offset_seconds=after,
            read_at=text(self._now()),
        )
        await self._intake.ask(lambda db: raw.move(db, to))
        self._distrust = False
        self._note(to, read.new)

    def _note(self, to: raw.Cursor, new: int) -> None:
        before = (self.standing.in_terminal, self.standing.downloaded)
        self.standing.in_terminal = to.in_terminal
        self.standing.downloaded = to.position
        self.standing.offset_seconds = to.offset_seconds
        self.standing.last_read = to.read_at
        if new or before != (to.in_terminal, to.position):
            self._changed()

    async def _take(
        self,
        terminal: Terminal,
        cursor: raw.Cursor | None,
        offset: float,
        source: Source,
    ) -> "_Read":
        """Store everything behind the cursor's anchor, piece by piece."""
        read = _Read(cursor)
        async for piece in terminal.read(read.start):
            self._progress()
            received = self._now()
            records = [self._record(p, offset, source, received) for p in piece]
            fresh = read.fresh(records)
            if fresh:
                self._distrust = True  # until the cursor stands behind these rows
                await self._count_stored(read, fresh)
                read.new += await self._intake.store(fresh, read.seen)
                await self._intake.interpret()
        read.finish()
        return read

    async def _count_stored(self, read: "_Read", fresh: Sequence[RawRecord]) -> None:
        """Learn how many records identical to these stand before the anchor."""
        unknown = read.uncounted({raw.record_key(record) for record in fresh})
        if unknown:
            read.seen += await self._intake.ask(
                partial(raw.occurrences, serial=self.spec.serial, keys=unknown)
            )

    def _record(
        self, punch: RawPunch, offset: float, source: Source, received: datetime
    ) -> RawRecord:
        return RawRecord(
            terminal=self.spec.id,
            serial=punch.serial,
            badge=punch.badge,
            at=punch.at,
            verify=punch.verify,
            state=punch.state,
            work=punch.work,
            position=punch.position,
            raw=punch.raw,
            driver=self.spec.driver.name,
            source=source,
            received_at=received,
            offset_seconds=offset,
        )


class _Read:
    """One read of a log: what is behind the anchor, and where the cursor goes."""

    def __init__(self, cursor: raw.Cursor | None) -> None:
        self._cursor = cursor
        self.start = cursor.position - 1 if cursor and cursor.position else 0
        self.position = cursor.position if cursor else 0
        self.anchor = cursor.anchor if cursor else b""
        self.new = 0
        self._anchored = not self.position
        self.seen: Counter[bytes] = Counter()
        self._tail = bool(self.position)
        self._counted: set[bytes] = set()

    def uncounted(self, keys: set[bytes]) -> set[bytes]:
        """Return the keys whose stored rows must still be counted.

        None when the log is read from its start: then the read itself counts.
        """
        new = keys - self._counted if self._tail else set()
        self._counted |= new
        return new

    def fresh(self, records: Sequence[RawRecord]) -> Sequence[RawRecord]:
        """Return the records behind the anchor.

        Raises:
            _AnchorLostError: when another record stands where the anchor stood.
        """
        found = [r for r in records if r.position >= self.position]
        if not self._anchored:
            last = [r for r in records if r.position == self.position - 1]
            if last and raw.record_key(last[0]) != self.anchor:
                raise _AnchorLostError("another record stands where the last one stood")
            self._anchored = bool(last)
        if found:
            self.position = found[-1].position + 1
            self.anchor = raw.record_key(found[-1])
        return found

    def finish(self) -> None:
        """Check that the log reached the anchor.

        Raises:
            _AnchorLostError: when the log is shorter than what was read before.
        """
        if not self._anchored:
            raise _AnchorLostError("the log is shorter than before")
