"""Polls the same again and again; prints how many memory blocks are left by it.

A process of its own, `python -m tests.gateway.poller_memory looks|tails|failures`:
what else a process did, or still does, would count too.
"""

import asyncio
import gc
import logging
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from drivers.virtual import VirtualConfig, VirtualTerminal
from tests.builders import SERIAL
from tests.drivers.terminals import lines
from tests.gateway.pollers import gateway

WARM, POLLS = 800, 1_500


async def kept(act: Callable[[], Awaitable[Any]]) -> int:
    """Return how many memory blocks are left by many times the same."""
    for _ in range(WARM):
        await act()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(POLLS):
        await act()
    gc.collect()
    return sys.getallocatedblocks() - before


async def polls(*, tail: bool) -> int:
    """Look at a terminal that has nothing new."""
    config = VirtualConfig(serial=SERIAL, log=lines(300))
    async with VirtualTerminal(config) as terminal, gateway() as site:
        site.poll_virtual(terminal)

        async def poll() -> None:
            if tail:
                site.poller._due.anchored_at = float("-inf")
            await site.task._converse()

        return await kept(poll)


async def failures() -> int:
    """Fail at a terminal that is another one."""
    async with gateway(serial="OTHER") as site:

        async def fail() -> None:
            try:
                await site.task._converse()
            except Exception as error:  # noqa: BLE001 - as the task does
                site.task._failed(str(error))

        return await kept(fail)


if __name__ == "__main__":
    logging.disable()
    ways = {
        "looks": lambda: polls(tail=False),
        "tails": lambda: polls(tail=True),
        "failures": failures,
    }
    print(asyncio.run(ways[sys.argv[1]]()))
