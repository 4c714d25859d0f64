"""What a centre may ask of this gateway, and the answers.

Commands come from the network: what cannot be read is said in the log, what cannot be
done is answered in words, and none can hold up another part of the daemon.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec
from sqlite_utils import Database

from gateway.clock import Now, text
from gateway.control import RefusedError
from gateway.intake import Intake
from gateway.outgoing import punch_entry
from gateway.reconcile import Reconciler
from gateway.settings import Loaded
from gateway.store import again
from sync.commands import Command, RangeFate, Reply
from sync.messages import UNREADABLE, encode

log = logging.getLogger("punchgate.daemon")

_WAITING = 100


class Outlet(Protocol):
    """The way to the centre."""

    def centre_now(self) -> datetime | None:
        """Return the time by the centre's clock, None when it did not speak yet."""
        ...

    def resend(self, epoch: str, spans: Iterable[tuple[int, int]]) -> None:
        """Send entries again that the centre asked for."""
        ...

    def answer(self, payload: bytes) -> None:
        """Publish the answer to a command."""
        ...


class View(Protocol):
    """What a command may touch of the daemon."""

    @property
    def loaded(self) -> Loaded:
        """Settings in force."""
        ...

    @property
    def outlet(self) -> Outlet:
        """Where answers and entries go."""
        ...

    def read_again(self, terminal: str) -> None:
        """Read the whole log of a terminal; raises `RefusedError` for an unknown."""
        ...


class Commands:
    """Does what it is asked, one after the other."""

    def __init__(
        self, view: View, intake: Intake, now: Now, reconciler: Reconciler
    ) -> None:
        self._view = view
        self._intake = intake
        self._now = now
        self._reconciler = reconciler
        self._waiting: asyncio.Queue[Command] = asyncio.Queue(_WAITING)
        self._operations: dict[str, Callable[[Command], Awaitable[Reply]]] = {
            "resend": self._resend,
            "resync": self._read_again,
            "counts": self._counts,
        }

    def take(self, payload: bytes) -> None:
        """Take a message of `cmd`; what does not fit into the queue is asked again."""
        try:
            command = msgspec.json.decode(payload, type=Command)
        except UNREADABLE as error:
            values = {"bytes": len(payload), "error": str(error)}
            log.warning("command unreadable", values)
            return
        ours = self._view.loaded.settings.gateway
        if (command.site, command.gateway) != (ours.site, ours.id):
            log.warning("command misplaced", {"for": command.gateway})
        elif self._waiting.full():
            log.warning("command dropped", {"op": command.op, "id": command.id})
        else:
            self._waiting.put_nowait(command)

    async def run(self) -> None:
        """Do what comes, for ever.

        Raises:
            StoreError: when the journal writes no more.
        """
        while True:
            command = await self._waiting.get()
            reply = await self._do(command)
            values = {"op": command.op, "id": command.id, "result": reply.result}
            log.info("command", {**values, "reason": reply.reason})
            self._view.outlet.answer(encode(reply))

    async def _do(self, command: Command) -> Reply:
        operation = self._operations.get(command.op)
        if operation is None:
            return self._reply(command, "unknown", f"no operation {command.op!r} here")
        # By the centre's own clock: ours may be years off, and is not asked.
        now = self._view.outlet.centre_now()
        try:
            if now is not None and now > _expiry(command):
                said = f"it was to be done by {command.expires}, it is {text(now)}"
                return self._reply(command, "expired", said)
            return await operation(command)
        except RefusedError as error:
            return self._reply(command, "refused", str(error))

    async def _resend(self, command: Command) -> Reply:
        """Send entries again; what is gone goes up anew."""
        epoch, spans = command.epoch, command.ranges
        if epoch is None or not spans:
            raise RefusedError("resend needs an epoch and ranges")
        if any(first > last for first, last in spans):
            raise RefusedError("a range ends before it begins")
        now = text(self._now())

        def job(db: Database) -> tuple[list[RangeFate], int]:
            told = again.fates(db, epoch, spans)
            gone = [one for one in told if one.fate == "pruned"]
            return told, again.requeue_pruned(db, now, epoch, gone, punch_entry)

        told, requeued = await self._intake.ask(job)
        there = [(one.first, one.last) for one in told if one.fate == "sent"]
        if requeued:
            log.warning("entries pruned", {"epoch": epoch, "again": requeued})
        self._view.outlet.resend(epoch, there)
        return self._reply(command, "done", None, epoch=epoch, ranges=told)

    async def _read_again(self, command: Command) -> Reply:
        if command.terminal is None:
            raise RefusedError("resync needs a terminal")
        self._view.read_again(command.terminal)
        return self._reply(command, "done", None)

    async def _counts(self, command: Command) -> Reply:
        if command.serial is None:
            raise RefusedError("counts need a serial")
        await self._reconciler.answered(command)
        return self._reply(command, "done", None)

    def _reply(
        self,
        command: Command,
        result: Literal["done", "refused", "expired", "unknown"],
        reason: str | None,
        *,
        epoch: str | None = None,
        ranges: Sequence[RangeFate] = (),
    ) -> Reply:
        return Reply(
            site=command.site,
            gateway=command.gateway,
            id=command.id,
            op=command.op,
            result=result,
            reason=reason,
            sent=text(self._now()),
            epoch=epoch,
            ranges=list(ranges),
        )


def _expiry(command: Command) -> datetime:
    with contextlib.suppress(ValueError):
        found = datetime.fromisoformat(command.expires)
        if found.tzinfo is not None:
            return found
    raise RefusedError(f"{command.expires!r} is no time with an offset")
