"""What is kept of a terminal beside punches: once each, never at the punches' cost."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from drivers.base import ProtocolError, SilentError, TerminalError, TerminalUser
from drivers.zk.operations import Operation
from gateway.clock import moment
from tests.builders import NOW
from tests.gateway.pollers import FakeTerminal, Gateway, gateway


@dataclass
class Menu(FakeTerminal):
    """A terminal whose operation log can be read, or fails in some way."""

    done: list[Operation] = field(default_factory=list)
    failure: TerminalError | None = None
    reads: int = 0

    async def operations(self) -> Sequence[Operation]:
        """Return what was done at the menu."""
        self.reads += 1
        if self.failure is not None:
            raise self.failure
        return list(self.done)

    async def users(self) -> Sequence[TerminalUser]:
        """Slot 3 is badge 0042, slot 9 the administrator."""
        return [TerminalUser(3, "0042", "", 0, 0), TerminalUser(9, "9999", "", 14, 0)]


ENROLLED = Operation(9, 6, "2026-11-02T07:30:00", (3, 0, 7, 1282))
FAILED = Operation(0, 2, "2026-11-02T07:31:00")


@asynccontextmanager
async def watched(menu: Menu) -> AsyncIterator[Gateway]:
    """Give a poller on a new journal that looks at this terminal."""
    async with gateway() as at:
        at.terminal = menu
        at.start()
        yield at


async def kept(at: Gateway) -> list[dict[str, Any]]:
    """Return what the journal has beside punches."""
    return await at.intake.ask(lambda db: list(db["happenings"].rows))


def operations(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return code, administrator and target of operations."""
    return [
        (row["code"], row["admin"], row["target"])
        for row in rows
        if row["kind"] == "operation"
    ]


def test_operations_are_kept_once_with_badges() -> None:
    """Identical lines of one second are two; a second reading adds nothing."""

    async def run() -> None:
        menu = Menu([1, 2], done=[ENROLLED, FAILED, FAILED])
        async with watched(menu) as at:
            await at.poller.visit(menu)
            assert operations(await kept(at)) == [
                (6, "9999", "0042"),
                (2, "", ""),
                (2, "", ""),
            ]
            at.start()
            menu.done.append(Operation(0, 21, "2026-11-02T07:32:00"))
            await at.poller.visit(menu)
            assert [row[0] for row in operations(await kept(at))] == [6, 2, 2, 21]

    asyncio.run(run())


def test_operations_are_not_read_in_every_poll() -> None:
    """Once when the terminal is reached, then not within the hour."""

    async def run() -> None:
        menu = Menu([1], done=[FAILED])
        async with watched(menu) as at:
            for _ in range(3):
                await at.poller.visit(menu)
            assert menu.reads == 1
            await at.poller.witness.link(menu.serial, up=True)
            await at.poller.witness.link(menu.serial, up=False)
            await at.poller.visit(menu)
            assert menu.reads == 2

    asyncio.run(run())


def test_a_bad_operation_log_never_costs_a_punch() -> None:
    """The punches are stored, and the log is not asked again at every connect."""

    async def run() -> None:
        menu = Menu([1, 2], failure=ProtocolError("nonsense", b"x"))
        async with watched(menu) as at:
            for _ in range(3):
                await at.poller.visit(menu)
                await at.poller.witness.link(menu.serial, up=True)
                await at.poller.witness.link(menu.serial, up=False)
            assert menu.reads == 1
            assert at.poller.standing.downloaded == 2

    asyncio.run(run())


def test_a_terminal_that_falls_silent_over_it_is_left_alone_afterwards() -> None:
    """One lost conversation a day at most; the next one reads punches alone."""

    async def run() -> None:
        menu = Menu([1, 2], failure=SilentError("gone"))
        async with watched(menu) as at:
            try:
                await at.poller.visit(menu)
            except SilentError:
                pass
            else:
                raise AssertionError("the silence was swallowed")
            await at.poller.witness.link(menu.serial, up=False)
            await at.poller.visit(menu)
            assert menu.reads == 1
            assert at.poller.standing.downloaded == 2

    asyncio.run(run())


def test_counts_are_kept_when_they_fall() -> None:
    """The first, then only a fall: not every poll."""

    async def run() -> None:
        menu = Menu([1, 2, 3])
        async with watched(menu) as at:
            await at.poller.visit(menu)
            await at.poller.visit(menu)
            menu.log.append(4)
            await at.poller.visit(menu)
            menu.count_off = -2
            await at.poller.visit(menu)
            rows = await kept(at)
            assert [row["value"] for row in rows if row["kind"] == "count"] == [3, 2]

    asyncio.run(run())


def test_links_are_told_at_changes_and_after_an_end_without_a_word() -> None:
    """Down when nobody knows, up when it is reached; a new process says down first."""

    async def run() -> None:
        menu = Menu([1])
        async with watched(menu) as at:

            async def links() -> list[int]:
                rows = await kept(at)
                return [row["value"] for row in rows if row["kind"] == "link"]

            witness = at.poller.witness
            await witness.link(menu.serial, up=False)
            assert await links() == [0]
            await witness.link(menu.serial, up=True)
            await witness.link(menu.serial, up=True)
            assert await links() == [0, 1]
            at.start()
            await at.poller.witness.link(menu.serial, up=False)
            assert await links() == [0, 1, 0]
            at.start()
            await at.poller.witness.link(menu.serial, up=False)
            await at.poller.witness.link("", up=True)
            assert await links() == [0, 1, 0]

    asyncio.run(run())


def test_a_terminal_without_a_serial_has_its_break_before_its_records() -> None:
    """Who it is is known once it was read: the break stands before all that came."""

    async def run() -> None:
        menu = Menu([1])
        async with watched(menu) as at:
            later = NOW + timedelta(minutes=5)
            await at.poller.visit(menu)
            at.poller.witness._now = lambda: later
            await at.poller.witness.link(menu.serial, up=True)
            rows = [row for row in await kept(at) if row["kind"] == "link"]
            assert [row["value"] for row in rows] == [0, 1]
            assert moment(rows[0]["received_at"]) == NOW
            assert moment(rows[1]["received_at"]) == later

    asyncio.run(run())
