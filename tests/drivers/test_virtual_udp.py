"""The virtual terminal over UDP: datagrams, who is who, and what gets lost."""

import asyncio
import socket
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from drivers.base import Address, SilentError, TerminalError
from drivers.virtual import VirtualTerminal
from drivers.zk.commands import Command, Reply, scramble
from drivers.zk.events import parse_events
from drivers.zk.packets import Frame
from drivers.zk.payloads import (
    BufferRequest,
    Window,
    parse_announcement,
    parse_prepared,
    records_of,
)
from drivers.zk.records import LAYOUTS, punches
from drivers.zk.terminal import ZkTerminal
from tests.drivers.terminals import (
    DEADLINE_SECONDS,
    client,
    config,
    datagrams,
    session,
    udp_session,
    until_it_listens,
)

LOG = BufferRequest(Command.READ_LOG)
USERS = BufferRequest(Command.READ_USERS, 5)
SHORT_SECONDS = 0.2


def test_one_number_for_both() -> None:
    """TCP and UDP have one number, unless another one is asked for."""

    async def run() -> None:
        async with VirtualTerminal(config()) as terminal:
            assert terminal.udp_port == terminal.port != 0
        async with VirtualTerminal(config(udp_port=0)) as terminal:
            assert terminal.udp_port not in {0, terminal.port}

    asyncio.run(run())


def test_a_number_taken_for_udp() -> None:
    """With port 0 another number is found; with a number of one's own it is said."""

    async def run() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            terminal = VirtualTerminal(config(port=port))
            with pytest.raises(OSError, match=f"UDP port {port}: "):
                await terminal.start()
            with socket.create_server(("127.0.0.1", port)):
                pass  # the TCP half was given back at once, for the next try
            await terminal.stop()

    asyncio.run(run())


def test_data_come_in_numbered_datagrams() -> None:
    """1500 with the size, 1501 of at most 1024 bytes with their number, then 2000."""

    async def run() -> None:
        async with (
            VirtualTerminal(config(100)) as terminal,
            udp_session(terminal) as peer,
        ):
            prepared = await peer.one(Command.PREPARE_BUFFER, LOG.to_bytes())
            assert parse_prepared(prepared).size == 4004
            window = Window(0, 4004).to_bytes()
            first, *data, last = await peer.ask(Command.READ_BUFFER, window)
            assert parse_announcement(first.data) == 4004
            assert [len(frame.data) for frame in data] == [1024, 1024, 1024, 932]
            assert [frame.session for frame in data] == [0, 1, 2, 3]
            assert (last.command, last.data) == (Reply.OK, b"")
            assert {f.reply_id for f in (first, *data, last)} == {peer.reply_id}

    asyncio.run(run())


@pytest.mark.parametrize("count", [0, 1, 25, 26, 3000])
def test_both_transports_tell_the_same(count: int) -> None:
    """Log and users byte for byte, prepared or read directly."""

    async def run() -> None:
        async with (
            VirtualTerminal(config(count)) as terminal,
            session(terminal) as stream,
            udp_session(terminal) as peer,
        ):
            for request in (LOG, USERS):
                expected = await stream.data_set(request)
                assert await peer.data_set(request, 16384) == expected
                payload = b"" if request == LOG else b"\5"
                for one in (stream, peer):
                    first, *data, last = await one.ask(request.inner, payload)
                    assert parse_announcement(first.data) == len(expected)
                    assert b"".join(frame.data for frame in data) == expected
                    assert max(len(frame.data) for frame in data) <= 1024
                    assert last.command == Reply.OK
            assert terminal.template_requests == []

    asyncio.run(run())


@pytest.mark.parametrize("count, pieces", [(25, 0), (26, 1)])
def test_an_inline_datagram_fits_what_pyzk_reads(count: int, pieces: int) -> None:
    """Header and data are 1024 bytes at most; a byte more is fetched in windows."""

    async def run() -> None:
        made = replace(config(count), inline_bytes=5000)
        async with VirtualTerminal(made) as terminal, udp_session(terminal) as peer:
            frame = await peer.one(Command.PREPARE_BUFFER, LOG.to_bytes())
            assert (parse_prepared(frame).inline is None) == pieces

    asyncio.run(run())


def test_an_address_is_a_client() -> None:
    """CONNECT again gives the same id and begins anew; another address another id."""

    async def run() -> None:
        async with (
            VirtualTerminal(config(comm_key=7)) as terminal,
            datagrams(terminal) as one,
            datagrams(terminal) as two,
        ):
            assert (await one.connect()).command == Reply.UNAUTHORISED
            payload = scramble(7, one.session, 50)
            assert (await one.one(Command.AUTH, payload)).command == Reply.OK
            assert (await one.one(Command.GET_TIME)).command == Reply.OK
            first = one.session
            assert (await one.connect()).command == Reply.UNAUTHORISED
            assert one.session == first
            assert (await one.one(Command.GET_TIME)).command == Reply.UNAUTHORISED
            await two.connect()
            assert two.session not in {0, first}
            assert terminal.sessions == 2
            # A repeated CONNECT whose reply was lost is no second one.
            assert terminal._device.connects == 3

    asyncio.run(run())


def test_strangers_are_unauthorised() -> None:
    """Without CONNECT and after EXIT the answer is 2005; EXIT frees a place."""

    async def run() -> None:
        async with (
            VirtualTerminal(config()) as terminal,
            datagrams(terminal) as peer,
        ):
            assert (await peer.one(Command.GET_TIME)).command == Reply.UNAUTHORISED
            await peer.connect()
            assert (await peer.one(Command.EXIT)).command == Reply.OK
            assert terminal.sessions == 0
            assert (await peer.one(Command.EXIT)).command == Reply.UNAUTHORISED
            assert terminal.sessions == 0

    asyncio.run(run())


def test_events_over_udp() -> None:
    """Who registered hears a punch; the acknowledgement has no answer."""

    async def run() -> None:
        async with VirtualTerminal(config()) as terminal, udp_session(terminal) as peer:
            await peer.one(Command.REGISTER_EVENT, b"\xff\xff\0\0")
            terminal.punch("0007")
            frame = await peer.event()
            assert (frame.session, frame.reply_id) == (1, 0)
            assert parse_events(frame.data, "gb18030")[0].badge == "0007"
            peer.send(Frame(Reply.OK, peer.session, 0))
            assert (await peer.one(Command.STATE)).reply_id == peer.reply_id

    asyncio.run(run())


def test_damaged_datagrams_are_lost_ones() -> None:
    """Half a header, a wrong checksum, text: no answer, and nobody is disturbed."""

    async def run() -> None:
        async with (
            VirtualTerminal(config(3)) as terminal,
            udp_session(terminal) as peer,
        ):
            damaged = bytearray(Frame(Command.STATE, peer.session, 9).to_bytes())
            damaged[2] ^= 1
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                for data in (b"", b"\1\2\3", bytes(damaged), b"GET / HTTP/1.1"):
                    other.sendto(data, ("127.0.0.1", terminal.udp_port))
                other.setblocking(False)
                assert len(records_of(await peer.data_set(LOG))) == 120
                with pytest.raises(BlockingIOError):
                    other.recv(100)

    asyncio.run(run())


def test_eight_places_for_both_transports() -> None:
    """Five and three are eight; the ninth hears nothing, or is hung up on."""

    async def run() -> None:
        async with VirtualTerminal(config()) as terminal, AsyncExitStack() as stack:
            enter = stack.enter_async_context
            peers = [await enter(session(terminal)) for _ in range(5)]
            peers += [await enter(udp_session(terminal)) for _ in range(3)]
            assert len({peer.session for peer in peers}) == terminal.sessions == 8
            ninth = await enter(datagrams(terminal, SHORT_SECONDS))
            with pytest.raises(SilentError):
                await ninth.connect()
            other = await enter(client(terminal))
            with pytest.raises(ConnectionError):
                await other.frame()
            await peers[-1].one(Command.EXIT)
            ninth.seconds = DEADLINE_SECONDS
            await ninth.connect()

    asyncio.run(run())


@pytest.mark.parametrize("idle", [60.0, 0.0])
def test_a_silent_client_loses_its_place(idle: float) -> None:
    """UDP clients cannot hang up: one that is silent too long is given up."""

    async def run() -> None:
        made = config(0, "single-client", udp_idle_seconds=idle)
        async with VirtualTerminal(made) as terminal, udp_session(terminal) as old:
            patience = SHORT_SECONDS if idle else DEADLINE_SECONDS
            async with datagrams(terminal, patience) as new:
                if not idle:
                    await new.connect()
                    frame = await old.one(Command.STATE)
                    assert frame.command == Reply.UNAUTHORISED
                else:
                    with pytest.raises(SilentError):
                        await new.connect()
                    assert (await old.one(Command.STATE)).command == Reply.OK
            assert terminal.sessions == 1

    asyncio.run(run())


def test_reboot_over_udp() -> None:
    """What was on its way is lost, sessions are gone, the numbers stay the same."""

    async def run() -> None:
        made = config(100, "reboot-after=2")
        async with VirtualTerminal(made) as terminal:
            ports = (terminal.port, terminal.udp_port)
            async with udp_session(terminal) as peer:
                peer.seconds = SHORT_SECONDS
                with pytest.raises(TerminalError):
                    await peer.data_set(LOG)
            await until_it_listens(terminal)
            assert (terminal.port, terminal.udp_port) == ports
            async with udp_session(terminal) as peer:
                assert (await peer.data_set(LOG, 16384))[4:] == b"".join(
                    punch.raw or b"" for punch in terminal.records
                )

    asyncio.run(run())


def test_the_driver_over_udp() -> None:
    """Log, tail, users, operations and clock as over TCP."""

    async def run() -> None:
        async with VirtualTerminal(config(3000)) as terminal:
            driver = ZkTerminal(
                Address("127.0.0.1", terminal.udp_port, transport="udp")
            )
            assert await driver.open() == terminal.serial
            tail = [punch async for piece in driver.read(2990) for punch in piece]
            assert tail == terminal.records[2990:]
            assert list(await driver.users()) == list(terminal.users)
            assert list(await driver.operations()) == terminal.operations
            assert await driver.clock() == terminal.device_time()
            await driver.close()
            assert terminal.sessions == 0

    asyncio.run(run())


def test_records_read_the_same_through_the_layout_table() -> None:
    """What a datagram carries is what the terminal says it holds."""

    async def run() -> None:
        async with (
            VirtualTerminal(config(60)) as terminal,
            udp_session(terminal) as peer,
        ):
            records = records_of(await peer.data_set(LOG, 999))
            assert (
                punches(LAYOUTS["40"], terminal.serial, records, "gb18030")
                == terminal.records
            )

    asyncio.run(run())
