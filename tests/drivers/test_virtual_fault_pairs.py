"""Any two faults together: the terminal survives, and clients fail in words only."""

import asyncio
import contextlib
from itertools import combinations
from typing import Any

import pytest

from drivers.base import Address, TerminalError
from drivers.virtual import VirtualTerminal
from drivers.zk.terminal import ZkTerminal
from tests.drivers.terminals import config

pytestmark = pytest.mark.slow

FAULTS = (
    "count-lies=3", "split-data=3", "split-bytes=7", "coalesce", "interleave-events",
    "slow=1", "past-end-2001", "no-buffer-4989", "secure-6001", "reboot-after=2",
    "clock-jump=-90", "clear-log", "edit-log", "junk-prefix", "bad-date",
    "drop-udp=30", "bad-checksum=5", "wrong-reply-id=7", "single-client",
    "serial-change=OTHER",
)  # fmt: skip
PATIENCE_SECONDS = 0.06


async def read_everything(terminal: VirtualTerminal, transport: str) -> None:
    """Talk as a gateway does and take every TerminalError for an answer."""
    port = terminal.port if transport == "tcp" else terminal.udp_port
    driver = ZkTerminal(
        Address("127.0.0.1", port, transport, timeout_seconds=PATIENCE_SECONDS)
    )
    with contextlib.suppress(TerminalError):
        await driver.open()
        await driver.listen()
        for _ in range(2):
            async for _piece in driver.read():
                terminal.punch("0001")
        await driver.users()
        await driver.operations()
        await driver.clock()
    await driver.close()
    await asyncio.sleep(0)


@pytest.mark.parametrize("pair", list(combinations(FAULTS, 2)), ids="+".join)
def test_a_pair(pair: tuple[str, str]) -> None:
    """Nothing breaks in the loop; the same port then serves a sound terminal."""

    async def run() -> None:
        broken: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: broken.append(context))
        made = config(60, *pair, reboot_seconds=0.01, seed=1)
        async with VirtualTerminal(made) as terminal:
            port = terminal.port
            for transport in ("tcp", "udp"):
                await read_everything(terminal, transport)
            await terminal.reboot()
            punched = terminal.punch("0002")
            assert terminal.records[-1].at[10:] == punched[10:]
        async with VirtualTerminal(config(60, port=port)) as sound:
            driver = ZkTerminal(Address("127.0.0.1", port))
            await driver.open()
            got = [punch async for piece in driver.read() for punch in piece]
            await driver.close()
            assert got == sound.records
        assert broken == []

    asyncio.run(run())
