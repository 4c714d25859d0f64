"""One task per terminal, for ever: visit, listen, back off, lend the terminal out.

A terminal that fails is tried again with growing pauses and never delays another.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from drivers.base import Announcement, ProtocolError, Terminal, TerminalError
from gateway.errors import StoreError
from gateway.intake import Intake
from gateway.log import loud
from gateway.poller import Poller, Spec

log = logging.getLogger("punchgate.poller")

_RETRY_SECONDS = 1.0
_RETRY_MAX_SECONDS = 60.0
# A record may come into the log a moment after it was announced.
_LOOK_AGAIN_SECONDS = 0.5
_KEPT_BYTES = 1024


class TerminalTask:
    """Keeps one poller going.

    `changed` is called when the poller's standing may say something new.
    """

    def __init__(
        self, poller: Poller, intake: Intake, changed: Callable[[], None]
    ) -> None:
        self.poller = poller
        self._intake = intake
        self._changed = changed
        self._failures = 0
        self._refusals = 0
        self._kept: str | None = None
        self._free = asyncio.Lock()
        self._borrowers = 0
        self._wanted = asyncio.Event()

    @property
    def _spec(self) -> Spec:
        return self.poller.spec

    async def run(self) -> None:
        """Poll until cancelled.

        Raises:
            StoreError: when the journal writes no more.
        """
        await self.poller.remember()
        await self._linked(up=False)  # what the last process did not come to say
        while True:
            self.poller.progress()
            try:
                async with self._free:
                    await self._converse()
                # Who left for a borrower comes back when the borrower has gone.
                pause = 0.0 if self._wanted.is_set() else self._spec.poll_seconds
            except TerminalError as error:
                await self._keep(error)
                pause = self._failed(str(error))
            except StoreError:
                raise
            except Exception as error:
                log.exception("terminal task failed", {"terminal": self._spec.id})
                pause = self._failed(f"{type(error).__name__}: {error}")
            if not self.poller.standing.online:
                await self._linked(up=False)
            await asyncio.sleep(pause)

    async def _linked(self, *, up: bool) -> None:
        await self.poller.witness.link(self._spec.serial, up=up)

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[None]:
        """Leave the terminal to somebody else for a while: it may take one client."""
        self._borrowers += 1
        self._wanted.set()
        try:
            async with self._free:
                await self._linked(up=False)  # nothing is read while it is away
                yield
        finally:
            self._borrowers -= 1
            if not self._borrowers:
                self._wanted.clear()

    async def _converse(self) -> None:
        """Open, read, and for a live terminal stay and listen."""
        terminal = self._spec.driver.open(self._spec.address)
        try:
            await self.poller.visit(terminal)
            self._up()
            await self._linked(up=True)
            if self._spec.live:
                await self._listen(terminal)
        finally:
            await terminal.close()

    async def _listen(self, terminal: Terminal) -> None:
        """Hold the session; every announcement and every silence makes a look."""
        try:
            await terminal.listen()
        except TerminalError as error:
            # A connection that broke is no refusal: it fails here.
            await self.poller.look(terminal)
            self._refusals += 1
            if loud(self._refusals):
                values = {"terminal": self._spec.id, "error": str(error)}
                log.info("terminal not live", values)
            return
        self._refusals = 0
        # Between the read and the registration a punch is announced to nobody.
        await self.poller.look(terminal)
        while True:
            self._changed()
            self.poller.progress()
            announced = await self._wait(terminal)
            if announced is None:
                return
            await self.poller.look(terminal, announced)

    async def _wait(self, terminal: Terminal) -> Sequence[Announcement] | None:
        """Wait for an announcement; None when somebody wants the terminal."""
        seconds = min(self._spec.poll_seconds, self.poller.clock_due_in)
        if self.poller.waits_for_records:
            seconds = min(seconds, _LOOK_AGAIN_SECONDS)
        waiting = asyncio.ensure_future(terminal.wait(seconds))
        wanted = asyncio.ensure_future(self._wanted.wait())
        try:
            await asyncio.wait({waiting, wanted}, return_when=asyncio.FIRST_COMPLETED)
            return await waiting if waiting.done() else None
        finally:
            for task in (waiting, wanted):
                task.cancel()
            await asyncio.gather(waiting, wanted, return_exceptions=True)

    def _up(self) -> None:
        standing = self.poller.standing
        if not standing.online:
            log.info(
                "terminal up",
                {
                    "terminal": self._spec.id,
                    "serial": self._spec.serial,
                    "records": standing.in_terminal,
                    "offset": standing.offset_seconds,
                },
            )
        self._failures = 0
        self._kept = None
        standing.online = True
        standing.error = None
        self._changed()

    def _failed(self, error: str) -> float:
        """Note a failure; return how long to wait before the next try."""
        self._failures += 1
        pause: float = min(
            _RETRY_SECONDS * 2.0 ** min(self._failures - 1, 9), _RETRY_MAX_SECONDS
        )
        pause *= random.uniform(0.8, 1.2)  # noqa: S311 - spreads retries, guards nothing
        self.poller.standing.online = False
        self.poller.standing.error = error
        if loud(self._failures):
            log.warning(
                "terminal down",
                {
                    "terminal": self._spec.id,
                    "after": self._failures,
                    "error": error,
                    "next": f"{pause:.0f}s",
                },
            )
        self._changed()
        return pause

    async def _keep(self, error: TerminalError) -> None:
        """Send up the bytes that made no sense, once for the same complaint."""
        if not isinstance(error, ProtocolError) or not error.data:
            return
        if error.reason == self._kept:
            return
        self._kept = error.reason
        kept = error.data[:_KEPT_BYTES]
        await self._intake.event(
            "answer_unreadable",
            self._spec.id,
            self._spec.serial,
            error.reason,
            {"bytes": len(error.data), "kept": kept.hex()},
        )
