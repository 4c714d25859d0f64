"""The virtual terminal answers as zk-protocol says a terminal does."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import pytest

from drivers.base import TerminalUser
from drivers.virtual import VirtualConfig, VirtualError, VirtualTerminal
from drivers.zk.commands import Command, Reply, scramble
from drivers.zk.events import PunchEvent, parse_events
from drivers.zk.packets import Frame
from drivers.zk.payloads import (
    BufferRequest,
    Sizes,
    Window,
    parse_announcement,
    parse_prepared,
    records_of,
)
from drivers.zk.records import LAYOUTS, punches
from drivers.zk.times import encode_time
from drivers.zk.users import USER_LAYOUTS, UserRecord
from tests.drivers.terminals import (
    NOON,
    Client,
    client,
    config,
    session,
    user,
)

LOG = BufferRequest(Command.READ_LOG)
USERS = BufferRequest(Command.READ_USERS, 5)


def talk(
    made: VirtualConfig, work: Callable[[VirtualTerminal, Client], Awaitable[None]]
) -> None:
    """Run one conversation with a session already open."""

    async def run() -> None:
        async with VirtualTerminal(made) as terminal, session(terminal) as peer:
            await work(terminal, peer)

    asyncio.run(run())


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


def test_options() -> None:
    """Known names with and without a NUL; unknown ones and writes are refused."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        for name in (b"~SerialNumber", b"~SerialNumber\0"):
            frame = await peer.one(Command.READ_OPTION, name)
            assert frame.data == b"~SerialNumber=VT00000001\0"
        mine = await peer.one(Command.READ_OPTION, b"Mine\0")
        assert mine.data == b"Mine=7\0"
        assert (await peer.one(Command.READ_OPTION, b"Nobody\0")).command == 2001
        assert (await peer.one(Command.WRITE_OPTION, b"SDKBuild=1\0")).command == 2000
        assert terminal.refused == []
        for data in (b"DeviceID=2\0", b"junk"):
            assert (await peer.one(Command.WRITE_OPTION, data)).command == 2001
        assert terminal.refused == [Command.WRITE_OPTION]

    talk(config(options={"Mine": "7"}), work)


def test_name_plate_counts_and_clock() -> None:
    """Version, counts, capacities, pin width, state and packed time."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        version = await peer.one(Command.VERSION)
        assert version.data == terminal.config.firmware.encode() + b"\0"
        sizes = await peer.one(Command.FREE_SIZES)
        assert len(sizes.data) == 80
        assert Sizes.from_bytes(sizes.data) == Sizes(
            users=30,
            records=26,
            user_capacity=10_000,
            record_capacity=500,
            users_free=9_970,
            records_free=474,
        )
        time = await peer.one(Command.GET_TIME)
        packed = encode_time("2026-11-02T11:59:23")
        assert time.data == packed.to_bytes(4, "little")
        assert (await peer.one(Command.PIN_WIDTH, b" P")).data == b"\x18"
        state = await peer.one(Command.STATE)
        assert (state.command, state.session) == (Reply.OK, 0)

    talk(config(26, capacity=500, clock_offset_seconds=-37), work)


@pytest.mark.parametrize("count", [0, 1, 25, 26, 3000])
@pytest.mark.parametrize("window", [0xFFC0, 16384, 1000, 7 * 10**6])
def test_the_log_in_any_window(count: int, window: int) -> None:
    """Inline up to 1024 bytes, else in windows of any size: always the same bytes."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        records = records_of(await peer.data_set(LOG, window))
        assert (
            punches(LAYOUTS["40"], terminal.serial, records, "gb18030")
            == terminal.records
        )
        assert len(terminal.records) == count
        assert bool(terminal.asked(Command.READ_BUFFER)) == (count >= 26)

    talk(config(count), work)


def test_users() -> None:
    """72-byte records, names in the terminal's encoding."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        records = records_of(await peer.data_set(USERS))
        got = [
            UserRecord.from_bytes(USER_LAYOUTS["72"], records[at : at + 72]).user(
                "gb18030"
            )
            for at in range(0, len(records), 72)
        ]
        assert got == list(terminal.users)

    talk(config(), work)


def test_windows_at_any_offset_and_past_the_end() -> None:
    """A buffer is read anywhere; past its end, or where none is, is an error."""

    async def work(_: VirtualTerminal, peer: Client) -> None:
        async def window(offset: int, size: int) -> list[Frame]:
            return await peer.ask(Command.READ_BUFFER, Window(offset, size).to_bytes())

        assert (await window(0, 1))[0].command == Reply.ERROR
        whole = await peer.data_set(LOG)
        assert (await window(0, 1))[0].command == Reply.ERROR
        await peer.one(Command.PREPARE_BUFFER, LOG.to_bytes())
        first, *data, last = await window(1963, 41)
        assert (first.command, last.command) == (1500, 2000)
        assert parse_announcement(first.data) == 41
        assert b"".join(frame.data for frame in data) == whole[1963:]
        for offset, size in ((1963, 42), (0, 2005), (0, 0), (0xFFFFFFFF, 1)):
            assert (await window(offset, size))[0].command == Reply.ERROR
        (bad,) = await peer.ask(Command.READ_BUFFER, b"123")
        assert bad.command == Reply.ERROR

    talk(config(50), work)


def test_a_prepared_buffer_does_not_move() -> None:
    """A punch between 1503 and 1504 is in the next snapshot, and only there."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        request = LOG.to_bytes()
        before = parse_prepared(await peer.one(Command.PREPARE_BUFFER, request))
        assert before.size == 4 + 50 * 40
        terminal.punch("0001")
        window = Window(0, before.size).to_bytes()
        _, data, _ = await peer.ask(Command.READ_BUFFER, window)
        assert records_of(data.data) == b"".join(
            punch.raw or b"" for punch in terminal.records[:50]
        )
        after = parse_prepared(await peer.one(Command.PREPARE_BUFFER, request))
        assert after.size == before.size + 40

    talk(config(50), work)


def test_chunked_answers() -> None:
    """Data frames of a window carry their number where the session id stands."""

    async def work(_: VirtualTerminal, peer: Client) -> None:
        await peer.one(Command.PREPARE_BUFFER, LOG.to_bytes())
        first, *data, last = await peer.ask(
            Command.READ_BUFFER, Window(0, 2004).to_bytes()
        )
        assert [len(frame.data) for frame in data] == [1008, 996]
        assert [frame.session for frame in data] == [0, 1]
        assert first.data == (2004).to_bytes(4, "little") + (1008).to_bytes(4, "little")
        assert {frame.reply_id for frame in (first, *data, last)} == {peer.reply_id}

    talk(config(50, chunk_bytes=1008), work)


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


@pytest.mark.parametrize("command", [60, 61, 62, 1002, 1003, 1502])
def test_harmless_commands(command: int) -> None:
    """What changes nothing is accepted."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        assert (await peer.one(command)).command == Reply.OK
        assert terminal.refused == []

    talk(config(), work)


@pytest.mark.parametrize(
    "command", [8, 10, 14, 15, 18, 19, 20, 31, 32, 33, 87, 110, 134, 202, 1004, 1005]
)
def test_changes_are_refused_and_counted(command: int) -> None:
    """Nothing that comes over the wire changes this terminal."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        before = terminal.records
        assert (await peer.one(command, b"\1\0\0\0")).command == Reply.ERROR
        assert terminal.refused == [command]
        assert terminal.records == before

    talk(config(3), work)


@pytest.mark.parametrize("command", [7, 9, 88, 1009, 1012, 10010])
def test_templates_are_refused_and_written_down(command: int) -> None:
    """Whoever asks for fingers, faces or photos is found by the test that looks."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        assert (await peer.one(command, b"\1\0\0")).command == Reply.ERROR
        inner = BufferRequest(command, 2).to_bytes()
        assert (await peer.one(Command.PREPARE_BUFFER, inner)).command == Reply.ERROR
        assert terminal.template_requests == [command, command]

    talk(config(3), work)


def test_unknown_commands_and_requests() -> None:
    """An unknown command is 65535, an unknown data set 2001, a broken request 2001."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        assert (await peer.one(4242)).command == Reply.UNKNOWN
        other = BufferRequest(Command.READ_OPERATION_LOG).to_bytes()
        for data in (other, b"", bytes(11)):
            answer = await peer.one(Command.PREPARE_BUFFER, data)
            assert answer.command == Reply.ERROR
        assert terminal.template_requests == []
        assert (terminal.asked(4242), terminal.asked(1503)) == (1, 3)

    talk(config(), work)


def test_a_damaged_request_is_as_if_it_never_came() -> None:
    """No answer to a wrong checksum; the next request is answered."""

    async def work(_: VirtualTerminal, peer: Client) -> None:
        damaged = bytearray(Frame(Command.VERSION, peer.session, 77).to_tcp())
        damaged[-1] ^= 1
        peer.writer.write(bytes(damaged))
        frame = await peer.one(Command.STATE)
        assert frame.reply_id == peer.reply_id

    talk(config(), work)


def test_what_is_no_frame_ends_the_connection() -> None:
    """A web browser on this port is hung up on; others go on."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        async with client(terminal) as browser:
            browser.writer.write(b"GET / HTTP/1.1\r\n\r\n")
            with pytest.raises(ConnectionError):
                await browser.frame()
        assert (await peer.one(Command.STATE)).command == Reply.OK

    talk(config(), work)


def test_requests_sent_together_are_answered_in_order() -> None:
    """A client may ask ahead."""

    async def work(_: VirtualTerminal, peer: Client) -> None:
        peer.writer.write(
            b"".join(
                Frame(Command.STATE, peer.session, number).to_tcp()
                for number in range(10, 20)
            )
        )
        got = [(await peer.frame()).reply_id for _ in range(10)]
        assert got == list(range(10, 20))

    talk(config(), work)


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
        made = config(3, reboot_seconds=0.1)
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


@pytest.mark.parametrize(
    "made, words",
    [
        (config(layout="49"), "no layout '49'; there are: 40"),
        (config(users=[user(1, "x" * 24)]), "the field holds 23"),
        (config(users=[TerminalUser(1, "x" * 25, "", 0, 0)]), "the field holds 24"),
    ],
)
def test_terminals_that_cannot_be(made: VirtualConfig, words: str) -> None:
    """What no record can hold is said before anybody connects."""

    async def run() -> None:
        with pytest.raises(VirtualError, match=words):
            await VirtualTerminal(made).start()

    asyncio.run(run())


def test_punches_that_cannot_be() -> None:
    """A badge or time that fits no record is refused, and the log stays as it was."""

    async def work(terminal: VirtualTerminal, _: Client) -> None:
        for badge, at in (("x" * 25, None), ("1", "2026-13-01T00:00:00")):
            with pytest.raises(ValueError, match="hold"):
                terminal.punch(badge, at)
        assert terminal.records == []

    talk(config(), work)
