"""What a virtual terminal keeps for a test to ask: records fetched, where it fell."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from drivers.base import Address, SilentError, TerminalError
from drivers.virtual import VirtualTerminal
from drivers.zk.commands import Command, EventCode, Reply
from drivers.zk.payloads import BufferRequest, Window
from drivers.zk.records import LAYOUTS
from drivers.zk.terminal import ZkTerminal
from tests.drivers.terminals import (
    Client,
    address,
    config,
    lines,
    session,
    talk,
    until_it_listens,
    user,
)

LOG = BufferRequest(Command.READ_LOG)
FIRST_40 = Window(0, 4 + 3 * 40)


def test_registration_refused() -> None:
    """Who may not register hears «error», and no punch ever."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        mask = int(EventCode.PUNCH).to_bytes(4, "little")
        reply = await peer.one(Command.REGISTER_EVENT, mask)
        assert reply.command == Reply.ERROR
        terminal.punch("0001")
        await peer.one(Command.STATE)
        assert peer.events == []

    talk(config(3, announces=False), work)


@pytest.mark.parametrize(
    "layout, faults",
    [
        *((layout, []) for layout in LAYOUTS),
        *((layout, ["no-buffer-4989"]) for layout in LAYOUTS),
        ("40", ["junk-prefix"]),
    ],
)
@pytest.mark.parametrize("count", [2, 300])
def test_a_log_that_was_read_was_fetched(
    layout: str, faults: list[str], count: int
) -> None:
    """All of it, whatever the layout and however it came; nothing before."""

    async def run() -> None:
        log = [replace(one, badge=str(int(one.badge))) for one in lines(count)]
        users = [replace(user(number), badge=str(number)) for number in range(1, 31)]
        made = config(0, *faults, layout=layout, remembers=True, log=log, users=users)
        async with VirtualTerminal(made) as terminal:
            driver = ZkTerminal(address(terminal))
            await driver.open()
            assert terminal.fetched == []
            async for _ in driver.read():
                continue
            await driver.clock()
            await driver.close()
            got = {(one.badge, one.at, one.serial) for one in terminal.fetched}
            held = {(one.badge, one.at, one.serial) for one in terminal.records}
            assert got == held
            assert len(got) == len(terminal.fetched) == count

    asyncio.run(run())


def prepared(**fields: Any) -> Any:
    """Make a terminal of which a client may fetch a part, and keep what it did."""
    return config(100, remembers=True, **fields)


def test_only_what_was_asked_for_and_done_with_was_fetched() -> None:
    """Half a log, whole records of it, and only with FREE_DATA behind."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        await peer.one(Command.PREPARE_BUFFER, LOG.to_bytes())
        await peer.ask(Command.READ_BUFFER, FIRST_40.to_bytes())
        await peer.ask(Command.READ_BUFFER, Window(204, 10).to_bytes())
        await peer.ask(Command.READ_BUFFER, Window(214, 60).to_bytes())
        await peer.one(Command.FREE_SIZES)
        assert terminal.fetched == []
        await peer.one(Command.FREE_DATA)
        ats = {one.at for one in terminal.fetched}
        assert ats == {terminal.records[n].at for n in (0, 1, 2, 5)}

    talk(prepared(), work)


def test_what_is_prepared_anew_was_not_fetched() -> None:
    """Nor what a client left behind that went without a word, or asked for again."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        for _ in range(2):
            await peer.one(Command.PREPARE_BUFFER, LOG.to_bytes())
            await peer.ask(Command.READ_BUFFER, FIRST_40.to_bytes())
        await peer.one(Command.PREPARE_BUFFER, BufferRequest(9, 5).to_bytes())
        await peer.one(Command.FREE_DATA)
        await peer.one(Command.PREPARE_BUFFER, LOG.to_bytes())
        await peer.ask(Command.READ_BUFFER, FIRST_40.to_bytes())
        async with session(terminal) as other:
            await other.one(Command.FREE_DATA)
        await peer.one(Command.EXIT)
        assert terminal.fetched == []

    talk(prepared(), work)


def test_a_log_in_one_answer_counts_with_the_next_question() -> None:
    """A goodbye or the same question says nothing; an answer may have been lost."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        for _ in range(2):
            await peer.one(Command.PREPARE_BUFFER, LOG.to_bytes())
        async with session(terminal) as other:
            await other.one(Command.PREPARE_BUFFER, LOG.to_bytes())
            await other.one(Command.EXIT)
        assert terminal.fetched == []
        operations = BufferRequest(Command.READ_OPERATION_LOG).to_bytes()
        await peer.one(Command.PREPARE_BUFFER, operations)
        assert len(terminal.fetched) == 5

    talk(config(5, remembers=True), work)


async def everything(driver: ZkTerminal) -> None:
    """Read a log from the first hello on."""
    await driver.open()
    await driver.counts()
    async for _ in driver.read():
        continue


@pytest.mark.parametrize("at", range(1, 8))
def test_the_power_goes_in_any_reply(at: int) -> None:
    """Half of that reply comes, once; the terminal tells which one it was."""

    async def run() -> None:
        made = config(30, falls_at=at)
        async with VirtualTerminal(made) as terminal:
            where = Address("127.0.0.1", terminal.port, timeout_seconds=2)
            driver = ZkTerminal(where)
            with pytest.raises(TerminalError) as caught:
                await everything(driver)
            assert not isinstance(caught.value, SilentError)
            await driver.close()
            said = [
                (Command.CONNECT, Reply.OK),
                (Command.READ_OPTION, Reply.OK),
                (Command.FREE_SIZES, Reply.OK),
                (Command.PREPARE_BUFFER, Reply.OK),
                (Command.READ_BUFFER, Command.PREPARE_DATA),
                (Command.READ_BUFFER, Command.DATA),
                (Command.READ_BUFFER, Reply.OK),
            ]
            assert terminal.fell_in == said[at - 1]
            await until_it_listens(terminal)
            async with session(terminal) as peer:
                for _ in range(10):
                    await peer.one(Command.STATE)

    asyncio.run(run())


def test_a_client_is_reading_while_something_is_prepared_for_it() -> None:
    """From the buffer request to FREE_DATA, or until it has gone."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        assert terminal.reading == 0
        await peer.one(Command.PREPARE_BUFFER, LOG.to_bytes())
        async with session(terminal) as other:
            await other.one(Command.PREPARE_BUFFER, LOG.to_bytes())
            assert terminal.reading == 2
            await other.one(Command.EXIT)
        assert terminal.reading == 1
        await peer.one(Command.FREE_DATA)
        assert terminal.reading == 0

    talk(config(100), work)
