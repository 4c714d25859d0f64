"""Clients that misbehave: whatever they send, the others notice nothing."""

import asyncio
import random
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.virtual import VirtualTerminal
from drivers.virtual.manners import CHANGES, HARMLESS, TEMPLATES, Rare
from drivers.virtual.snapshot import Snapshot
from drivers.virtual.wire import Wire
from drivers.zk.commands import Command, Reply
from drivers.zk.packets import MAGIC, Frame, checksum
from drivers.zk.payloads import BufferRequest, Window, records_of
from tests.drivers.terminals import (
    DEADLINE_SECONDS,
    Client,
    client,
    config,
    session,
    udp_session,
)

LOG = BufferRequest(Command.READ_LOG)
SEED = 20261121
TINY_SECONDS = 0.05


def beside(work: Callable[[VirtualTerminal, Client], Awaitable[None]]) -> None:
    """Let somebody misbehave; a good client reads before and after."""

    async def run() -> None:
        async with VirtualTerminal(config(100)) as terminal, session(terminal) as good:
            expected = await good.data_set(LOG)
            async with client(terminal) as bad:
                await work(terminal, bad)
            assert await good.data_set(LOG) == expected
            async with session(terminal) as new:
                assert await new.data_set(LOG) == expected

    asyncio.run(run())


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        MAGIC + struct.pack("<I", 0xFFFFFFFF),
        MAGIC + struct.pack("<I", 0),
        MAGIC + struct.pack("<I", 7) + bytes(7),
        MAGIC + struct.pack("<I", 1 << 20) + bytes(70_000),
        Frame(Command.CONNECT, 0, 0).to_tcp() + b"\0junk",
    ],
)
def test_what_is_no_request_is_hung_up_on(data: bytes) -> None:
    """Another protocol, impossible lengths, endless requests: the connection ends."""

    async def work(_: VirtualTerminal, bad: Client) -> None:
        bad.writer.write(data)
        answered = 0
        with pytest.raises(ConnectionError):
            answered += len([await bad.frame() for _ in range(3)])
        assert answered == 0

    beside(work)


@pytest.mark.parametrize("cut", range(1, 16))
def test_half_a_frame(cut: int) -> None:
    """Who goes away in the middle of a request leaves nothing behind."""

    async def work(terminal: VirtualTerminal, bad: Client) -> None:
        bad.writer.write(Frame(Command.CONNECT, 0, 0).to_tcp()[:cut])
        await bad.writer.drain()
        assert terminal.sessions == 1

    beside(work)


def test_noise() -> None:
    """Requests with every command and random data are all answered, or ignored."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)

    async def work(terminal: VirtualTerminal, bad: Client) -> None:
        await bad.connect()
        async with udp_session(terminal) as other:
            for number in [*range(2, 140), *range(496, 504), *range(1002, 1108)]:
                data = chance.randbytes(chance.randrange(0, 40))
                for one in (bad, other):
                    answer = await one.ask(number, data)
                    assert answer
            for number in range(1500, 1506):
                for size in (0, 1, 4, 8, 11, 12):
                    for one in (bad, other):
                        await one.ask(number, chance.randbytes(size))

    beside(work)


def test_every_command_has_one_verdict() -> None:
    """The three sets do not overlap, and every rare command is in one or answered."""
    assert not HARMLESS & CHANGES
    assert not HARMLESS & TEMPLATES
    assert not CHANGES & TEMPLATES
    assert set(Rare) - HARMLESS - CHANGES == {Rare.CHECKSUM_BUFFER}


@pytest.mark.parametrize("command", sorted(HARMLESS))
def test_harmless_commands(command: int) -> None:
    """What changes nothing is accepted, before and after."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        await peer.connect()
        assert (await peer.one(command, b"\1\0\0\0")).command == Reply.OK
        assert terminal.refused == terminal.template_requests == []

    beside(work)


def test_the_checksum_of_the_buffer() -> None:
    """Four bytes, another number for other data."""

    async def work(_: VirtualTerminal, peer: Client) -> None:
        await peer.connect()
        empty = await peer.one(Rare.CHECKSUM_BUFFER)
        await peer.one(Command.PREPARE_BUFFER, LOG.to_bytes())
        full = await peer.one(Rare.CHECKSUM_BUFFER)
        assert len(full.data) == len(empty.data) == 4
        assert full.data != empty.data

    beside(work)


def test_a_flood_of_connections() -> None:
    """Two hundred that say nothing take no place; the youngest stay connected."""

    async def run() -> None:
        async with VirtualTerminal(config(100)) as terminal, session(terminal) as good:
            expected = await good.data_set(LOG)
            async with AsyncExitStack() as stack:
                crowd = [
                    await stack.enter_async_context(client(terminal))
                    for _ in range(200)
                ]
                async with session(terminal) as new:
                    assert await new.data_set(LOG) == expected
                    assert terminal.sessions == 2
                with pytest.raises(ConnectionError):
                    await crowd[0].frame()
                await crowd[-1].connect()
            assert await good.data_set(LOG) == expected

    asyncio.run(run())


def test_a_place_is_taken_by_connect() -> None:
    """Of two that wait the first gets the single place; the other is hung up on."""

    async def run() -> None:
        made = config(0, "single-client")
        async with (
            VirtualTerminal(made) as terminal,
            client(terminal) as one,
            client(terminal) as two,
        ):
            await one.connect()
            with pytest.raises(ConnectionError):
                await two.connect()
            assert (await one.one(Command.STATE)).command == Reply.OK

    asyncio.run(run())


def test_a_client_that_never_reads() -> None:
    """It waits; its answers are not piled up, and others are served."""

    async def work(terminal: VirtualTerminal, bad: Client) -> None:
        await bad.connect()
        await bad.one(Command.PREPARE_BUFFER, LOG.to_bytes())
        window = Frame(
            Command.READ_BUFFER, bad.session, 3, Window(0, 4004).to_bytes()
        ).to_tcp()
        bad.writer.transport.pause_reading()  # type: ignore[attr-defined]
        bad.writer.write(window * 20_000)
        async with session(terminal) as other:
            assert len(records_of(await other.data_set(LOG))) == 4000
        (held,) = (
            one for one in terminal._clients._inside if one.session.id == bad.session
        )
        assert held.waiting < 1000
        bad.writer.transport.abort()

    beside(work)


def test_events_to_a_client_that_never_reads_are_lost() -> None:
    """So many punches at once are not all announced; the log has them all."""

    async def work(terminal: VirtualTerminal, bad: Client) -> None:
        await bad.connect()
        await bad.one(Command.REGISTER_EVENT, b"\1\0\0\0")
        (held,) = (
            one for one in terminal._clients._inside if one.session.id == bad.session
        )
        for _ in range(20_000):
            terminal.punch("0001")
        assert len(terminal.records) == 20_100
        assert held.waiting <= 16384
        for _ in range(16_000):
            await bad.event()
        terminal.clear()
        for row in config(100).log:
            terminal.add(row, announce=False)

    beside(work)


def test_a_flood_of_datagrams() -> None:
    """Many addresses that say CONNECT take eight places and no more."""

    async def run() -> None:
        async with VirtualTerminal(config(10)) as terminal, session(terminal) as good:
            sockets = [
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(100)
            ]
            try:
                for one in sockets:
                    for data in (Frame(1000, 0, 0).to_bytes(), b"\xe8\3" * 30_000):
                        one.sendto(data, ("127.0.0.1", terminal.udp_port))
                assert len(records_of(await good.data_set(LOG))) == 400
                async with asyncio.timeout(DEADLINE_SECONDS):
                    while terminal.sessions < 8:
                        await good.one(Command.STATE)
                await asyncio.sleep(TINY_SECONDS)  # a ninth would have come by now
                assert terminal.sessions == 8
            finally:
                for one in sockets:
                    one.close()

    asyncio.run(run())


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=300),
    st.integers(1, 64),
    st.integers(0, 0xFFFF),
)
def test_pieces_are_frames(data: bytes, step: int, reply_id: int) -> None:
    """A piece with its kept sum is byte for byte the frame of the codec."""

    async def run() -> None:
        wire = Wire(config())
        snapshot = Snapshot(data)
        for _ in range(2):
            pieces = snapshot.pieces(0, len(data), step, reply_id)
            assert b"".join(piece.data for piece in pieces) == data
            for piece in pieces:
                frame = Frame(
                    Command.DATA, piece.session, piece.reply_id, bytes(piece.data)
                )
                assert await wire.tcp(piece) == frame.to_tcp() == await wire.tcp(frame)
                assert await wire.udp(piece) == frame.to_bytes()

    asyncio.run(run())


def test_sums_do_not_pile_up() -> None:
    """Whoever asks for ever other pieces fills no memory, and gets right sums."""
    snapshot = Snapshot(bytes(range(256)) * 40)
    for at in range(10_000):
        (piece,) = snapshot.pieces(at, 7, 7, 1)
        assert piece.total == checksum(piece.data) ^ 0xFFFF
    assert len(snapshot._sums) <= 8192
