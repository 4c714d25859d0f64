"""Polls leave nothing behind: counted in objects, which no allocator hides."""

import asyncio
import gc
import logging
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from drivers import REGISTRY
from drivers.base import Address
from drivers.virtual import VirtualConfig, VirtualTerminal
from tests.builders import SERIAL
from tests.drivers.terminals import lines
from tests.gateway.pollers import Gateway, gateway

WARM, POLLS = 800, 1_500
# What comes and goes with the collector's rounds; one object a poll is four times that.
SLACK = 400


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Let nobody keep log lines: the objects of each would count."""
    caplog.set_level(logging.CRITICAL, "punchgate")


def at_a_virtual_terminal(site: Gateway, terminal: VirtualTerminal) -> None:
    """Let the site poll a real conversation with a virtual terminal."""
    where = Address("127.0.0.1", terminal.port)
    spec = replace(site.poller.spec, driver=REGISTRY["zk"], address=where)
    site.poller.spec = spec


async def kept(act: Callable[[], Awaitable[Any]]) -> int:
    """Return how many memory blocks are left by many times the same."""
    for _ in range(WARM):
        await act()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(POLLS):
        await act()
    gc.collect()
    found = sys.getallocatedblocks() - before
    print(f"{found} blocks left by {POLLS} polls")
    return found


@pytest.mark.parametrize("whole", [False, True])
def test_a_poll_that_finds_nothing_new_keeps_nothing(*, whole: bool) -> None:
    """A new session each time: with a look at the counter only, or with a tail read."""

    async def run() -> int:
        config = VirtualConfig(serial=SERIAL, log=lines(300))
        async with VirtualTerminal(config) as terminal, gateway() as site:
            at_a_virtual_terminal(site, terminal)

            async def poll() -> None:
                if whole:
                    site.poller._due.anchored_at = float("-inf")
                await site.task._converse()

            return await kept(poll)

    assert asyncio.run(run()) < SLACK


def test_a_failure_keeps_nothing() -> None:
    """A terminal that is away for weeks is tried again and again."""

    async def run() -> int:
        async with gateway(serial="OTHER") as site:

            async def fail() -> None:
                try:
                    await site.task._converse()
                except Exception as error:  # noqa: BLE001 - as the task does
                    site.task._failed(str(error))

            return await kept(fail)

    assert asyncio.run(run()) < SLACK
