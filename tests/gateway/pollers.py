"""A poller on a real journal, with a terminal whose log is a list of numbers."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from drivers import REGISTRY, Driver
from drivers.base import (
    Address,
    Announcement,
    Counts,
    ProtocolError,
    RawPunch,
    TerminalError,
    TerminalInfo,
    TerminalUser,
)
from drivers.virtual import VirtualTerminal
from gateway.clock import text
from gateway.intake import Intake
from gateway.poller import Poller, Spec
from gateway.store import epochs, raw
from gateway.store.journal import Journal
from gateway.terminal_task import TerminalTask
from tests.builders import NOW, SERIAL, book

CLOCK = "2026-11-02T08:00:01"  # NOW on a wall in Shanghai
Log = list[int]


@dataclass
class FakeTerminal:
    """A terminal of the protocol in `drivers.base` whose log is a list of numbers.

    A record's number is all that tells it from others. `whole` is a driver that can
    only read everything; `bytes_` one that sees the records' bytes. One with `no_tail`
    gives the log from its start only, one that `refuses` gives nothing. `capacity` is
    what it says it can hold.
    """

    log: Log = field(default_factory=list)
    whole: bool = False
    bytes_: bool = True
    piece: int = 3
    serial: str = SERIAL
    clocks: list[str] = field(default_factory=list)
    count_off: int = 0
    no_tail: bool = False
    refuses: bool = False
    capacity: int = 1000
    asked: list[int] = field(default_factory=list)
    closed: int = 0
    waited: list[float] = field(default_factory=list)

    async def open(self) -> str:
        """Say who answers."""
        return self.serial

    async def info(self) -> TerminalInfo:
        """Return a name plate without a name."""
        return TerminalInfo(self.serial, "", "", "", 0, len(self.log), self.capacity)

    async def clock(self) -> str:
        """Show the next clock of the list, then the right time."""
        return self.clocks.pop(0) if self.clocks else CLOCK

    async def counts(self) -> Counts:
        """Count, wrongly if told so."""
        return Counts(0, max(len(self.log) + self.count_off, 0), self.capacity)

    async def read(self, start: int = 0) -> AsyncGenerator[Sequence[RawPunch], None]:
        """Yield pieces from `start`, or from 0."""
        self.asked.append(start)
        if self.refuses or (start and self.no_tail):
            raise ProtocolError(f"did not give records behind {start}")
        first = 0 if self.whole else start
        for at in range(first, len(self.log), self.piece):
            numbers = self.log[at : at + self.piece]
            yield [self._punch(at + n, number) for n, number in enumerate(numbers)]

    def _punch(self, position: int, number: int) -> RawPunch:
        at = f"2026-11-02T07:{number // 60:02d}:{number % 60:02d}"
        data = bytes([1, number]) if self.bytes_ else None
        return RawPunch(self.serial, "1001", at, 1, 0, 0, position, data)

    def slots(self) -> Mapping[int, str]:
        """Name no slots."""
        return {}

    async def users(self) -> Sequence[TerminalUser]:
        """Nobody."""
        return []

    async def listen(self) -> None:
        """Announce nothing."""
        raise TerminalError("no events here")

    async def wait(self, seconds: float) -> Sequence[Announcement]:
        """Hear nothing."""
        self.waited.append(seconds)
        return []

    async def close(self) -> None:
        """Count the goodbyes."""
        self.closed += 1


def second_of(at: str) -> int:
    """Return the number of a fake record by its time."""
    return int(at[14:16]) * 60 + int(at[17:])


class Gateway:
    """A poller on a real journal, with one fake terminal."""

    def __init__(self, journal: Journal, terminal: FakeTerminal) -> None:
        self.terminal = terminal
        self._journal = journal
        self.renew(distrust=False)

    def renew(self, *, distrust: bool = True) -> None:
        """Begin as a process does that finds this journal, by default after a kill."""
        self.intake = Intake(self._journal, lambda: NOW, lambda: None, book())
        self.start(distrust=distrust)

    def start(self, *, distrust: bool = False) -> None:
        """Make a poller and its task as after a start."""
        spec = Spec(
            id="lobby",
            serial=SERIAL,
            zone="Asia/Shanghai",
            address=Address("127.0.0.1"),
            driver=Driver("zk", lambda _: self.terminal),
            poll_seconds=0.01,
            live=False,
        )
        self.poller = Poller(
            spec,
            self.intake,
            lambda: NOW,
            distrust=distrust,
            whole_reads=asyncio.Semaphore(2),
            progress=lambda: None,
        )
        self.task = TerminalTask(self.poller, self.intake, lambda: None)

    def poll_virtual(self, terminal: VirtualTerminal, driver: str = "zk") -> None:
        """Poll a virtual terminal by a real driver from now on."""
        self._poll_at(terminal.port, driver)

    async def visit(self, port: int) -> None:
        """Poll whoever serves a port, once."""
        self._poll_at(port, "zk")
        await self.task._converse()

    def _poll_at(self, port: int, driver: str) -> None:
        where = Address("127.0.0.1", port)
        spec = replace(self.poller.spec, driver=REGISTRY[driver], address=where)
        self.poller.spec = spec

    async def stored(self) -> Log:
        """Return the numbers of all raw rows in the order they came."""

        def job(db: Database) -> Log:
            rows = db.query("SELECT at FROM raw ORDER BY id")
            return [second_of(row["at"]) for row in rows]

        return await self.intake.ask(job)

    async def events(self) -> list[str]:
        """Return the entries of the outbox that are events."""

        def job(db: Database) -> list[str]:
            rows = db.query("SELECT entry FROM outbox WHERE kind = 'event'")
            return [bytes(row["entry"]).decode() for row in rows]

        return await self.intake.ask(job)

    async def cursor(self) -> raw.Cursor | None:
        """Return how far the log is read."""
        return await self.intake.ask(lambda db: raw.cursor(db, SERIAL))

    async def poll(self, log: Log) -> None:
        """Read once, with this in the terminal and the last look long ago."""
        self.terminal.log = log
        self.poller._due.anchored_at = float("-inf")
        await self.task._converse()


@asynccontextmanager
async def gateway(**fields: Any) -> AsyncIterator[Gateway]:
    """Give a poller on a new journal."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder), "1.2.3")
        journal.open()
        try:
            found = Gateway(journal, FakeTerminal(**fields))
            await found.intake.ask(lambda db: epochs.current(db, text(NOW)))
            yield found
        finally:
            journal.close()
