"""Sessions with the virtual terminal: who gets one, who is told what, how they end."""

import asyncio
import socket
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import pytest

from drivers.virtual import VirtualConfig, VirtualTerminal
from drivers.zk.commands import Command, Reply, scramble
from drivers.zk.events import PunchEvent, parse_events
from drivers.zk.packets import Frame
from drivers.zk.payloads import BufferRequest, records_of
from tests.drivers.terminals import NOON, Client, client, config, session, talk

LOG = BufferRequest(Command.READ_LOG)


def test_connect_and_exit() -> None:
    """A session begins with CONNECT, keeps its id, and ends with EXIT."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        assert peer.session != 0
        again = await peer.one(Command.CONNECT)
        assert (again.command, again.session) == (Reply.OK, peer.session)
        assert again.reply_id == peer.reply_id
        assert terminal.sessions == 1
        assert (await peer.one(Command.EXIT)).command == Reply.OK
        assert terminal.sessions == 0
        with pytest.raises(ConnectionError):
            await peer.frame()

    talk(config(), work)


def test_nothing_without_connect_or_with_another_session() -> None:
    """Before CONNECT and under a wrong id every command is unauthorised."""

    async def run() -> None:
        async with VirtualTerminal(config()) as terminal, client(terminal) as peer:
            assert (await peer.one(Command.FREE_SIZES)).command == Reply.UNAUTHORISED
            await peer.connect()
            peer.session += 1
            assert (await peer.one(Command.FREE_SIZES)).command == Reply.UNAUTHORISED

    asyncio.run(run())


def test_the_comm_key() -> None:
    """With a key set nothing works before the right AUTH."""

    async def run() -> None:
        made = config(comm_key=123456)
        async with VirtualTerminal(made) as terminal, client(terminal) as peer:
            assert (await peer.connect()).command == Reply.UNAUTHORISED
            for key, code in ((1, 2005), (123456, 2000)):
                assert (await peer.one(Command.GET_TIME)).command == 2005
                payload = scramble(key, peer.session, 99)
                assert (await peer.one(Command.AUTH, payload)).command == code
            assert (await peer.one(Command.GET_TIME)).command == Reply.OK

    asyncio.run(run())


def test_eight_sessions_and_no_ninth() -> None:
    """The ninth connection is taken and closed at once."""

    async def run() -> None:
        async with VirtualTerminal(config()) as terminal, AsyncExitStack() as stack:
            enter = stack.enter_async_context
            peers = [await enter(session(terminal)) for _ in range(8)]
            assert len({peer.session for peer in peers}) == 8
            ninth = await enter(client(terminal))
            with pytest.raises(ConnectionError):
                await ninth.frame()
            await peers[0].one(Command.EXIT)
            await enter(session(terminal))

    asyncio.run(run())


def test_reboot() -> None:
    """Sessions end, the port refuses for a while, the log is still there."""

    async def run() -> None:
        made = config(3, reboot_seconds=1.0)
        async with VirtualTerminal(made) as terminal, session(terminal) as peer:
            port = terminal.port
            reboot = asyncio.create_task(terminal.reboot())
            with pytest.raises(ConnectionError):
                await peer.frame()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
            await reboot
            assert terminal.port == port
            async with session(terminal) as again:
                assert len(records_of(await again.data_set(LOG))) == 120

    asyncio.run(run())


def test_reboot_onto_a_taken_port() -> None:
    """Whoever took the port meanwhile is waited for."""

    async def run() -> None:
        async with VirtualTerminal(config(3)) as terminal:
            reboot = asyncio.create_task(terminal.reboot())
            await asyncio.sleep(0)
            other = socket.create_server(("127.0.0.1", terminal.port))
            asyncio.get_running_loop().call_later(0.15, other.close)
            await reboot
            async with session(terminal) as peer:
                assert len(records_of(await peer.data_set(LOG))) == 120

    asyncio.run(run())


def test_the_clock_of_this_host() -> None:
    """A terminal nobody gives a clock has the host's."""
    made = VirtualTerminal(VirtualConfig())
    before = datetime.now()  # noqa: DTZ005 - the host's own wall time
    assert abs(datetime.fromisoformat(made.device_time()) - before) < timedelta(
        minutes=1
    )


def test_live_events() -> None:
    """Only who registered hears a punch, at once; the record is there already."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        async with session(terminal) as deaf:
            assert (await peer.one(500, b"\1\0\0\0")).command == Reply.OK
            at = terminal.punch("0007", verify=15, state=255)
            frame = await peer.event()
            assert (frame.command, frame.session, frame.reply_id) == (500, 1, 0)
            assert len(frame.data) == 32
            event = parse_events(frame.data, "gb18030")[0]
            assert event == PunchEvent("0007", 15, 255, at)
            assert at == f"{NOON:%Y-%m-%dT%H:%M:%S}"
            assert terminal.records[-1].badge == "0007"
            # An acknowledged event has no answer: the next frame answers STATE.
            peer.writer.write(Frame(Reply.OK, peer.session, 0).to_tcp())
            await peer.one(Command.STATE)
            await deaf.one(Command.STATE)
            assert deaf.events == []
            await peer.one(500, bytes(4))
            terminal.punch("0008")
            await peer.one(Command.STATE)
            assert peer.events == []

    talk(config(), work)


@pytest.mark.parametrize("key", [1, 131071, 999999, 2**31, 2**32 - 1])
def test_keys_of_any_size(key: int) -> None:
    """Every key of 32 bits opens, whatever byte the client chose; no other does."""

    async def run() -> None:
        made = config(comm_key=key)
        async with VirtualTerminal(made) as terminal, session(terminal) as peer:
            for ticks in (0, 50, 255):
                wrong = scramble(key ^ 1, peer.session, ticks)
                assert (await peer.one(Command.AUTH, wrong)).command == 2005
                right = scramble(key, peer.session, ticks)
                assert (await peer.one(Command.AUTH, right)).command == Reply.OK

    asyncio.run(run())


@pytest.mark.parametrize("first", [0, 1, 65534, 65535])
def test_any_first_reply_id(first: int) -> None:
    """The terminal repeats whatever number it is given."""

    async def run() -> None:
        async with VirtualTerminal(config()) as terminal, client(terminal) as peer:
            peer.reply_id = first - 1
            assert (await peer.connect()).reply_id == first

    asyncio.run(run())


def test_what_is_reported() -> None:
    """Requests for templates and changes: the 1st, 10th, 100th of a kind."""
    said: list[str] = []

    async def run() -> None:
        made = config(report=said.append)
        async with VirtualTerminal(made) as terminal, session(terminal) as peer:
            for _ in range(12):
                await peer.one(Command.READ_TEMPLATE, b"\1\0\0")
            await peer.one(Command.CLEAR_LOG)
            assert len(terminal.template_requests) == 12

    asyncio.run(run())
    assert said == [
        "request 88 asks for templates or photos: refused (number 1)",
        "request 88 asks for templates or photos: refused (number 10)",
        "request 15 would change the terminal: refused (number 1)",
    ]


def test_a_terminal_that_is_down_stays_down() -> None:
    """A second reboot while the first lasts changes nothing."""

    async def run() -> None:
        async with VirtualTerminal(config(3)) as terminal:
            await asyncio.gather(terminal.reboot(), terminal.reboot())
            assert [one.code for one in terminal.operations] == [0, 0]
            async with session(terminal) as peer:
                assert len(records_of(await peer.data_set(LOG))) == 120

    asyncio.run(run())
