"""Waiting with the pyzk driver: events, ends of a wait, terminals that go."""

import asyncio
import time

import pytest

from drivers.base import ProtocolError, TerminalError
from drivers.pyzk_terminal import PyzkTerminal
from drivers.virtual import VirtualTerminal
from drivers.zk.commands import Command
from drivers.zk.packets import Frame
from tests.drivers.pyzk_talks import talk
from tests.drivers.terminals import (
    DEADLINE_SECONDS,
    Tap,
    address,
    config,
    everything,
    opened,
)


def test_events() -> None:
    """A punch wakes the listener at once; without one the time runs out."""

    async def work(terminal: VirtualTerminal, driver: PyzkTerminal) -> None:
        await driver.listen()
        assert not await driver.wait(0.05)
        waiting = asyncio.create_task(driver.wait(DEADLINE_SECONDS))
        await asyncio.sleep(0)
        began = time.monotonic()
        terminal.punch("0001")
        assert await waiting
        took = time.monotonic() - began
        print(f"event seen after {took * 1000:.1f} ms")
        assert took < DEADLINE_SECONDS / 4
        assert not await driver.wait(0.05)
        assert len(await everything(driver)) == 4

    talk(config(3), work)


def test_an_event_during_a_read_is_kept() -> None:
    """What is announced while an answer is asked for wakes the next wait, once."""

    async def run() -> None:
        async with (
            VirtualTerminal(config(60)) as terminal,
            Tap(terminal) as tap,
            opened(tap) as driver,
        ):
            await driver.listen()
            tap.before[Command.READ_BUFFER] = lambda: terminal.punch("0001")
            assert len(await everything(driver)) == 61
            assert await driver.wait(DEADLINE_SECONDS)
            assert not await driver.wait(0.05)

    asyncio.run(run())


def test_events_are_acknowledged() -> None:
    """Each event is answered with 2000, the real session id and reply id 0."""

    async def run() -> None:
        async with (
            VirtualTerminal(config()) as terminal,
            Tap(terminal) as tap,
            opened(tap) as driver,
        ):
            await driver.listen()
            session = tap.requests[-1].session
            terminal.punch("0001")
            assert await driver.wait(DEADLINE_SECONDS)
            await driver.clock()
            acknowledged, asked = tap.requests[-2:]
            assert acknowledged == Frame(2000, session, 0)
            assert asked.command == Command.GET_TIME

    asyncio.run(run())


def test_a_cancelled_wait_leaves_the_session_usable() -> None:
    """Whoever borrows the terminal ends the wait and goes on at once."""

    async def work(_: VirtualTerminal, driver: PyzkTerminal) -> None:
        await driver.listen()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(driver.wait(60), 0.1)
        assert await driver.clock() == "2026-11-02T12:00:00"

    talk(config(), work)


def test_a_cancelled_read_breaks_off_at_once() -> None:
    """Nobody waits for half an answer; the terminal's slot is free again."""

    async def run() -> None:
        asked = asyncio.Event()
        async with (
            VirtualTerminal(config(60, "slow=60000")) as terminal,
            Tap(terminal) as tap,
        ):
            driver = PyzkTerminal(address(tap, timeout_seconds=60))
            await driver.open()
            tap.before[Command.READ_BUFFER] = asked.set
            reading = asyncio.create_task(everything(driver))
            async with asyncio.timeout(DEADLINE_SECONDS):
                await asked.wait()
                reading.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await reading
                await driver.close()
                with pytest.raises(TerminalError, match="not open"):
                    await driver.clock()

    asyncio.run(run())


def test_a_terminal_that_goes_while_waited_for() -> None:
    """A reboot ends the wait with an error; a new session is told apart by nothing."""

    async def run() -> None:
        async with VirtualTerminal(config(3)) as terminal:
            async with opened(terminal) as driver:
                await driver.listen()
                waiting = asyncio.create_task(driver.wait(60))
                await asyncio.sleep(0)
                await terminal.reboot()
                with pytest.raises(TerminalError, match=r"closed|broke"):
                    await waiting
                with pytest.raises(TerminalError, match=r"closed|broke"):
                    await driver.clock()
            async with opened(terminal) as again:
                assert len(await everything(again)) == 3

    asyncio.run(run())


def test_a_terminal_that_went_unnoticed() -> None:
    """A question to a terminal that rebooted meanwhile ends in words."""

    async def work(terminal: VirtualTerminal, driver: PyzkTerminal) -> None:
        await terminal.reboot()
        with pytest.raises(TerminalError, match=r"closed|broke"):
            await driver.clock()

    talk(config(3), work)


def test_an_answer_without_a_question() -> None:
    """Listening takes events and nothing else."""

    async def work(terminal: VirtualTerminal, driver: PyzkTerminal) -> None:
        await driver.listen()
        (connection,) = terminal._clients._inside
        connection.offer([Frame(2000, connection.session.id, 9)])
        with pytest.raises(ProtocolError, match="without a question"):
            await driver.wait(DEADLINE_SECONDS)

    talk(config(3), work)
