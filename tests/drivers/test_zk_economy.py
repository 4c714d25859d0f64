"""What a poll costs on the wire, and what is never sent over it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from drivers.base import RawPunch
from drivers.virtual import VirtualTerminal
from drivers.virtual.manners import CHANGES, HARMLESS, TEMPLATES
from drivers.zk.commands import Command
from drivers.zk.terminal import ZkTerminal
from tests.drivers.fault_link import Wire, at
from tests.drivers.terminals import config, lines

ROWS = 100_000
MOST_BYTES = 4096


async def poll(driver: ZkTerminal, known: int) -> list[RawPunch]:
    """Ask for the count and for what is new behind the record read last."""
    await driver.counts()
    return [one async for piece in driver.read(known - 1) for one in piece]


def cost(wire: Wire, before: tuple[int, int, int] = (0, 0, 0)) -> tuple[int, int, int]:
    """Bytes up and down and round trips since `before`."""
    now = wire.traffic
    up, down, trips = before
    return now.up - up, now.down - down, now.requests - trips


@pytest.mark.parametrize("new", [0, 5])
def test_a_poll_in_a_log_of_100000(new: int) -> None:
    """A new session: 4 KiB and 8 round trips at most; on a held one 4 round trips."""

    async def run() -> Sequence[tuple[int, int, int]]:
        async with VirtualTerminal(config(ROWS)) as terminal:
            wire = Wire(terminal.port)
            async with wire.tcp():
                driver = ZkTerminal(at(wire.port, timeout_seconds=10))
                await driver.open()
                await driver.clock()
                got = await poll(driver, ROWS - new)
                await driver.close()
                fresh = cost(wire)
                want = terminal.records[ROWS - new - 1 :]
                assert got == want
                assert len(want) == new + 1
                held = ZkTerminal(at(wire.port, timeout_seconds=10))
                await held.open()
                now = wire.traffic
                before = (now.up, now.down, now.requests)
                assert await poll(held, ROWS - new) == want
                again = cost(wire, before)
                await held.close()
        return fresh, again

    fresh, again = asyncio.run(run())
    for name, (up, down, trips), most in (("new", fresh, 8), ("held", again, 4)):
        print(f"{name} session: {up} + {down} bytes, {trips} round trips")
        assert up + down <= MOST_BYTES
        assert trips <= most


WRITES = frozenset(
    {Command.WRITE_OPTION, Command.DISABLE, Command.ENABLE, Command.START_ENROL}
)


@pytest.mark.parametrize("layout", ["40", "16", "8a", "8b"])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("fault", ["past-end-2001", "no-buffer-4989"])
def test_what_is_never_sent(layout: str, transport: str, fault: str) -> None:
    """Nothing that disables, clears, sets, writes, or asks for templates."""

    async def run() -> tuple[int, ...]:
        log = [replace(one, badge=str(int(one.badge))) for one in lines(200)]
        users = [replace(one, badge=str(one.slot)) for one in config().users]
        made = config(0, fault, layout=layout, log=log, users=users, comm_key=7)
        async with VirtualTerminal(made) as terminal:
            tcp = transport == "tcp"
            wire = Wire(terminal.port if tcp else terminal.udp_port, None)
            async with wire.tcp() if tcp else wire.udp():
                driver = ZkTerminal(at(wire.port, comm_key=7, transport=transport))
                await driver.open()
                await driver.info()
                await driver.clock()
                await driver.users()
                await driver.operations()
                assert await poll(driver, 1) == terminal.records
                await driver.listen()
                terminal.punch("7")
                assert await driver.wait(5)
                await driver.close()
            assert terminal.refused == terminal.template_requests == []
            assert terminal.sessions == 0
        return wire.traffic.commands

    sent = set(asyncio.run(run()))
    allowed = {
        Command.CONNECT, Command.AUTH, Command.EXIT, Command.READ_OPTION,
        Command.VERSION, Command.FREE_SIZES, Command.GET_TIME, Command.PREPARE_BUFFER,
        Command.READ_BUFFER, Command.FREE_DATA, Command.REGISTER_EVENT,
    }  # fmt: skip
    if fault == "no-buffer-4989":
        allowed |= {Command.READ_LOG, Command.READ_USERS, Command.READ_OPERATION_LOG}
    assert sent - {2000} <= allowed
    users = {Command.WRITE_USER, Command.DELETE_USER}
    assert not sent & (CHANGES | HARMLESS | WRITES | users)
    assert not sent & (TEMPLATES - {Command.READ_USERS})
