"""Conversations of the pyzk driver with virtual terminals, and refused ones."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from drivers.base import RawPunch, TerminalError
from drivers.pyzk_terminal import PyzkTerminal
from drivers.virtual import VirtualConfig, VirtualTerminal
from tests.drivers.terminals import address, everything, opened

Work = Callable[[VirtualTerminal, PyzkTerminal], Awaitable[None]]


def talk(made: VirtualConfig, work: Work, **fields: Any) -> None:
    """Run one opened conversation; afterwards nobody asked for templates."""

    async def run() -> None:
        async with VirtualTerminal(made) as terminal:
            async with asyncio.timeout(20), opened(terminal, **fields) as driver:
                await work(terminal, driver)
            assert terminal.template_requests == []
            assert terminal.refused == []

    asyncio.run(run())


async def open_and_read(driver: PyzkTerminal) -> list[RawPunch]:
    """Open a conversation and read the whole log in it."""
    await driver.open()
    return await everything(driver)


def refused(made: VirtualConfig, **fields: Any) -> TerminalError:
    """Open and read; return the error that must come."""

    async def run() -> TerminalError:
        async with VirtualTerminal(made) as terminal:
            driver = PyzkTerminal(address(terminal, **fields))
            async with asyncio.timeout(20):
                with pytest.raises(TerminalError) as caught:
                    await open_and_read(driver)
                await driver.close()
            assert terminal.template_requests == []
            return caught.value

    return asyncio.run(run())


ADDRESS = address(VirtualTerminal(VirtualConfig(port=1)))
