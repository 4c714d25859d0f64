"""Where the pyzk driver is told to go: nowhere, somebody else's port, silence."""

import asyncio
import socket
from dataclasses import replace
from typing import Any

import pytest

from drivers.base import TerminalError
from drivers.pyzk_terminal import PyzkTerminal
from drivers.virtual import VirtualTerminal
from drivers.zk.packets import Frame
from tests.drivers.pyzk_talks import ADDRESS, refused
from tests.drivers.terminals import (
    DEADLINE_SECONDS,
    address,
    config,
    everything,
    opened,
)


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"transport": "udp"}, 'set transport = "tcp"'),
        ({"encoding": "klingon"}, "no encoding 'klingon'"),
        ({"port": 1}, "no connection to 127.0.0.1:1"),
        ({"host": "no.such.host.invalid"}, "no connection to no.such.host"),
    ],
)
def test_addresses_that_lead_nowhere(fields: dict[str, Any], words: str) -> None:
    """Said at once and in words; closing afterwards does no harm."""
    error = refused(config(), **fields)
    assert words in str(error)


def test_methods_of_a_closed_terminal() -> None:
    """Nothing but the error every driver gives."""

    async def run() -> None:
        async with VirtualTerminal(config()) as terminal:
            driver = PyzkTerminal(address(terminal))
            await driver.close()
            for ask in (driver.counts, driver.clock, driver.users, driver.listen):
                with pytest.raises(TerminalError, match="not open"):
                    await ask()
            with pytest.raises(TerminalError, match="not open"):
                await driver.wait(1)

    asyncio.run(run())


async def answering(answer: bytes) -> asyncio.Server:
    """Serve a peer that answers every connection with the same bytes."""

    def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    return await asyncio.start_server(accept, "127.0.0.1", 0)


@pytest.mark.parametrize(
    "answer, words",
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", '"HTTP/1.1 400 Bad Request"'),
        (b"\xaa\x01\x00\x00\x00", "access panel"),
        (b"\x50\x50\x83\x7c\x08\x00\x00\x00", "secure firmware"),
        (b"", "closed the connection"),
        (Frame(2000, 5, 0).to_tcp()[:11], "closed the connection"),
        (Frame(2001, 5, 0).to_tcp(), "connect: the terminal answered 2001"),
        (Frame(2032, 5, 0).to_tcp(), "did not accept the comm key"),
    ],
)
def test_others_on_the_port(answer: bytes, words: str) -> None:
    """A web server, a panel, a hang-up: named, not waited for."""

    async def run() -> None:
        async with await answering(answer) as server:
            port = server.sockets[0].getsockname()[1]
            driver = PyzkTerminal(
                replace(ADDRESS, port=port, timeout_seconds=DEADLINE_SECONDS)
            )
            with pytest.raises(TerminalError) as caught:
                await driver.open()
            assert words in str(caught.value) or "connection broke" in str(caught.value)

    asyncio.run(run())


def test_a_peer_that_says_nothing() -> None:
    """A port that takes connections and stays silent costs one timeout."""

    async def run() -> None:
        kept = []

        def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            kept.append(writer)

        async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            driver = PyzkTerminal(replace(ADDRESS, port=port, timeout_seconds=0.1))
            with pytest.raises(TerminalError, match=r"no answer within 0\.1 s"):
                await driver.open()
            for writer in kept:
                writer.close()

    asyncio.run(run())


def test_a_dead_address_holds_up_nobody() -> None:
    """While one terminal is dialled in vain, another is read."""

    async def run() -> None:
        async with VirtualTerminal(config(60)) as terminal, opened(terminal) as driver:
            # Nobody accepts, and the queue is full: further calls are not answered.
            with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:
                port = deaf.getsockname()[1]
                with socket.create_connection(("127.0.0.1", port)):
                    nowhere = replace(ADDRESS, port=port, timeout_seconds=3)
                    dialling = asyncio.create_task(PyzkTerminal(nowhere).open())
                    await asyncio.sleep(0)
                    assert len(await everything(driver)) == 60
                    assert not dialling.done()
                    with pytest.raises(TerminalError, match=r"no answer .* 3 s"):
                        await dialling

    asyncio.run(run())
