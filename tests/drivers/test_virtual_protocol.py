"""The virtual terminal answers as zk-protocol says a terminal does."""

import asyncio

import pytest

from drivers.base import TerminalUser
from drivers.virtual import VirtualConfig, VirtualError, VirtualTerminal
from drivers.zk.commands import Command, Reply
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
    Client,
    client,
    config,
    talk,
    user,
)

LOG = BufferRequest(Command.READ_LOG)
USERS = BufferRequest(Command.READ_USERS, 5)


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
            operations=1,
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


@pytest.mark.parametrize(
    "command", [10, 14, 15, 19, 20, 31, 32, 33, 87, 110, 134, 202, 1004, 1005]
)
def test_changes_are_refused_and_counted(command: int) -> None:
    """Over the wire users may be written and deleted; nothing else is changed."""

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
        other = BufferRequest(4242).to_bytes()
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


@pytest.mark.parametrize(
    "made, words",
    [
        (config(layout="41"), "no layout '41'; there are: 8a, 8b, 16, 36, 40, 49"),
        (config(comm_key=2**32), "no comm key of 0 to 4294967295"),
        (config(comm_key=-1), "no comm key of 0"),
        (config(capacity=0), "no capacity of 1 or more: 0"),
        (config(capacity=3, count=4), "the log is full with 3 records"),
        (config(frame_gap_ms=-1), "no frame gap"),
        (config(port=65536), "no port of 0 to 65535: 65536"),
        (config(udp_port=-1), "no port of 0 to 65535: -1"),
        (config(encoding="klingon"), "no encoding 'klingon'"),
        (config(layout="16"), "28-byte users have plain numbers only, not '0001'"),
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


@pytest.mark.parametrize("payload", [b"", b"\1", b"\5\0", b"\1\0\0"])
def test_command_9_is_users_with_one_payload_only(payload: bytes) -> None:
    """Only the single byte 5 asks for users; everything else asks for a finger."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        frame = await peer.one(Command.READ_USERS, payload)
        assert frame.command == Reply.ERROR
        assert terminal.template_requests == [Command.READ_USERS]

    talk(config(3), work)


def test_templates_are_written_down_before_login_too() -> None:
    """Whoever asks without a session is refused, and found as well."""

    async def run() -> None:
        async with VirtualTerminal(config(3)) as terminal, client(terminal) as peer:
            for command, payload in ((88, b"\1\0\0"), (9, b"\1\0\0"), (9, b"\5")):
                frame = await peer.one(command, payload)
                assert frame.command == Reply.UNAUTHORISED
            assert terminal.template_requests == [88, 9]

    asyncio.run(run())
