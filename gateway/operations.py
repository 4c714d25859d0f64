"""What other processes may ask of a running daemon through its control socket."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from gateway import handwork
from gateway.clock import Now
from gateway.control import Arguments, Lease, Operation, RefusedError, Renewed
from gateway.filing import file_piece, read_request
from gateway.intake import Intake
from gateway.reconcile import Reconciler
from gateway.settings import Loaded
from gateway.terminals import Terminals

log = logging.getLogger("punchgate.daemon")


class View(Protocol):
    """What operations need of the daemon."""

    @property
    def loaded(self) -> Loaded:
        """Settings and book in force."""
        ...

    async def status(self) -> dict[str, Any]:
        """Return `status --json`."""
        ...

    async def reload(self) -> dict[str, Any]:
        """Read settings and book again."""
        ...


class Operations:
    """Operations, answered at once, and leases, held while the caller stays."""

    def __init__(
        self,
        view: View,
        intake: Intake,
        now: Now,
        terminals: Terminals,
        reconciler: Reconciler,
    ) -> None:
        self._view = view
        self._intake = intake
        self._now = now
        self._terminals = terminals
        self._reconciler = reconciler

    def answered(self) -> Mapping[str, Operation]:
        """Return name → what answers it."""

        def without(asked: Callable[[], Awaitable[Any]]) -> Operation:
            return lambda _: asked()

        return {
            "status": without(self._view.status),
            "reload": without(self._view.reload),
            "import": self._file,
            "handled": self._handled,
            "reconcile": without(self._reconcile),
            "reconciled": without(self._reconciled),
        }

    def leased(self) -> Mapping[str, Lease]:
        """Return name → what is lent."""
        return {"borrow": self._lend}

    async def _file(self, asked: Arguments) -> dict[str, Any]:
        """Take in a piece of a file that a command reads."""
        try:
            terminal, piece = read_request(asked)
        except ValueError as error:
            raise RefusedError(str(error)) from None
        serial = self._view.loaded.book_serial(terminal)
        if not serial:
            raise RefusedError(f"the book has no terminal {terminal!r} with a serial")
        filed = await file_piece(self._intake, terminal, serial, piece, self._now)
        said = asdict(filed)
        log.info("imported", {"terminal": terminal, "read": len(piece.records), **said})
        return said

    @asynccontextmanager
    async def _lend(self, asked: Arguments) -> AsyncIterator[Renewed]:
        """Leave a terminal to a command for a while; it is polled again afterwards.

        A command that goes on for long is progress, not a terminal's task that hangs.
        """
        name = str(asked.get("terminal"))
        if name not in self._terminals.standings():
            raise RefusedError(f"no terminal {name!r} here")
        async with self._terminals.lent(name):
            log.info("terminal lent", {"terminal": name})
            try:
                yield self._terminals.poller(name).progress
            finally:
                log.info("terminal returned", {"terminal": name})

    async def _handled(self, asked: Arguments) -> None:
        """Send up what somebody did to a terminal by hand."""
        try:
            deeds = handwork.read(asked)
        except ValueError as error:
            raise RefusedError(str(error)) from None
        serial = self._view.loaded.book_serial(deeds.terminal)
        await handwork.keep(self._intake, deeds, serial)

    async def _reconcile(self) -> list[dict[str, Any]]:
        """Count with the centre now; what it says comes later."""
        zone = ZoneInfo(self._view.loaded.book.site.timezone)
        await self._reconciler.count(zone)
        return self._reconciler.summary()

    async def _reconciled(self) -> list[dict[str, Any]]:
        """Return what came of the last counting until now."""
        return self._reconciler.summary()
