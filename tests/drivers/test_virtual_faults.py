"""Each fault strikes as docs/virtual-terminal.md says, and is spelled one way only."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from drivers.base import ProtocolError, SilentError
from drivers.virtual import Faults, VirtualError, VirtualTerminal, parse_faults
from drivers.virtual.faults import FAULT_LIST
from drivers.zk.commands import Command, Reply
from drivers.zk.payloads import BufferRequest, Sizes, Window, option_request, records_of
from drivers.zk.records import LAYOUTS, punches
from tests.drivers.terminals import (
    Client,
    Datagrams,
    client,
    config,
    session,
    udp_session,
    until_it_listens,
)

LOG = BufferRequest(Command.READ_LOG)
SHORT_SECONDS = 0.2


def talk(
    count: int,
    *faults: str,
    work: Callable[[VirtualTerminal, Client], Awaitable[None]],
) -> None:
    """Run one conversation over TCP and one over UDP, each on a terminal of its own."""

    async def run() -> None:
        made = config(count, *faults)
        for opened in (session, udp_session):
            async with VirtualTerminal(made) as terminal, opened(terminal) as peer:
                await work(terminal, peer)

    asyncio.run(run())


def test_the_list_is_closed_and_complete() -> None:
    """Every fault on the list is read, each into a field of its own."""
    for entry in FAULT_LIST.split():
        name, equals, letter = entry.partition("=")
        changed = parse_faults([f"{name}=7" if equals else name]) != Faults()
        assert changed or name == "past-end-2001", (entry, letter)
    assert parse_faults([]) == Faults()
    assert parse_faults(["slow=5", "slow=6", "count-lies=-2"]) == Faults(
        slow_ms=6, count_lies=-2
    )


@pytest.mark.parametrize(
    "text",
    ["nonsense", "", "coalesce=1", "slow", "slow=", "slow=0", "slow=x", "slow=-1",
     "clock-jump=1.5", "serial-change=", "serial-change=a b", "count-lies=+1",
     "drop-udp=0", "drop-udp=101"],
)  # fmt: skip
def test_wrong_faults_show_the_list(text: str) -> None:
    """A name or argument nobody knows is refused with everything that is known."""
    with pytest.raises(VirtualError) as caught:
        parse_faults([text])
    assert FAULT_LIST in str(caught.value)


@pytest.mark.parametrize("lie, stated", [(7, 12), (-2, 3), (-9, 0)])
def test_count_lies(lie: int, stated: int) -> None:
    """The count is off by N, never below 0; the log is whole."""

    async def work(_: VirtualTerminal, peer: Client) -> None:
        sizes = await peer.one(Command.FREE_SIZES)
        assert Sizes.from_bytes(sizes.data).records == stated
        assert len(records_of(await peer.data_set(LOG))) == 5 * LAYOUTS["40"].size

    talk(5, f"count-lies={lie}", work=work)


@pytest.mark.parametrize(
    "fault", ["split-bytes=1", "split-bytes=7", "coalesce", "slow=1"]
)
def test_transport_faults_change_no_byte(fault: str) -> None:
    """Cut, glued or slow: the frames are the same."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        records = records_of(await peer.data_set(LOG, 1000))
        assert (
            punches(LAYOUTS["40"], terminal.serial, records, "gb18030")
            == terminal.records
        )

    talk(60, fault, work=work)


def test_paced_frames() -> None:
    """A gap between frames, for clients that need one: each answer takes as long."""

    async def run() -> None:
        made = config(60, frame_gap_ms=20)
        for opened in (session, udp_session):
            async with VirtualTerminal(made) as terminal, opened(terminal) as peer:
                began = time.monotonic()
                await peer.data_set(LOG)
                assert time.monotonic() - began >= 0.06

    asyncio.run(run())


@pytest.mark.parametrize("parts, frames", [(3, 3), (304, 304), (5000, 304)])
def test_split_data(parts: int, frames: int) -> None:
    """One window comes in N frames, or in as many as it has bytes."""

    async def work(_: VirtualTerminal, peer: Client) -> None:
        await peer.one(Command.PREPARE_BUFFER, LOG.to_bytes())
        _first, *data, _last = await peer.ask(
            Command.READ_BUFFER, Window(0, 304).to_bytes()
        )
        assert len(data) == frames
        assert sum(len(frame.data) for frame in data) == 304

    talk(50, f"split-data={parts}", work=work)


@pytest.mark.parametrize("count, code", [(0, 2), (50, 1)])
def test_interleaved_events(count: int, code: int) -> None:
    """An event stands in front of the last frame of every answer."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        await peer.one(Command.STATE)
        await peer.data_set(LOG)
        assert {frame.session for frame in peer.events} == {code}
        assert len(peer.events) == (4 if count else 2)
        assert len(terminal.records) == count

    talk(count, "interleave-events", work=work)


@pytest.mark.parametrize(
    "fault, command, code",
    [
        ("no-buffer-4989", Command.PREPARE_BUFFER, 4989),
        ("secure-6001", Command.CONNECT, 6001),
    ],
)
def test_refusals(fault: str, command: int, code: int) -> None:
    """Firmware that does not give its log, and firmware that gives nothing."""

    async def work(_: VirtualTerminal, peer: Client) -> None:
        assert (await peer.one(command, LOG.to_bytes())).command == code

    talk(50, fault, work=work)


def test_no_buffer_leaves_the_old_way() -> None:
    """Where nothing is prepared, log, users and operations come in one answer."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        for command, payload in ((13, b""), (9, b"\5"), (34, b"")):
            inner = BufferRequest(command, 5 * (command == 9)).to_bytes()
            frame = await peer.one(Command.PREPARE_BUFFER, inner)
            assert frame.command == Reply.NO_BUFFER
            first, *data, last = await peer.ask(command, payload)
            assert (first.command, last.command) == (1500, 2000)
            assert max(len(frame.data) for frame in data) <= 1024
            whole = b"".join(frame.data for frame in data)
            assert int.from_bytes(first.data[:4], "little") == len(whole)
            assert len(records_of(whole)) == {13: 2000, 9: 2160, 34: 16}[command]
        assert terminal.template_requests == []

    talk(50, "no-buffer-4989", work=work)


def test_slow() -> None:
    """Each data frame waits so long."""

    async def work(_: VirtualTerminal, peer: Client) -> None:
        began = time.monotonic()
        await peer.data_set(LOG, 1000)
        assert time.monotonic() - began >= 3 * 0.03

    talk(50, "slow=30", work=work)


@pytest.mark.parametrize("steps", range(16))
def test_stopped_while_it_comes_up(steps: int) -> None:
    """However far a reboot got, no port is kept: somebody else can have it."""

    async def run() -> None:
        async with VirtualTerminal(config(0, reboot_seconds=0.0)) as terminal:
            port = terminal.port
            terminal._fall()
            for _ in range(steps):
                await asyncio.sleep(0)
        async with await asyncio.start_server(print, "127.0.0.1", port):
            pass

    asyncio.run(run())


def test_reboot_after() -> None:
    """The second data frame breaks off in its middle, once; then all is well."""

    async def run() -> None:
        made = config(100, "reboot-after=2")
        async with VirtualTerminal(made) as terminal, session(terminal) as peer:
            await peer.one(Command.PREPARE_BUFFER, LOG.to_bytes())
            window = Window(0, 2000).to_bytes()
            await peer.ask(Command.READ_BUFFER, window)
            with pytest.raises(ConnectionError):
                await peer.ask(Command.READ_BUFFER, window)
            assert 0 < peer.splitter.pending < 2016
            await until_it_listens(terminal)
            async with session(terminal) as again:
                assert len(records_of(await again.data_set(LOG, 1000))) == 4000

    asyncio.run(run())


def test_fail_next_read() -> None:
    """Armed by hand, the next data frame breaks off, inline ones as well."""

    async def run() -> None:
        async with VirtualTerminal(config(3)) as terminal:
            async with session(terminal) as peer:
                assert len(records_of(await peer.data_set(LOG))) == 120
                terminal.fail_next_read()
                await peer.one(Command.STATE)
                with pytest.raises(ConnectionError):
                    await peer.data_set(LOG)
                assert peer.splitter.pending > 0
            await until_it_listens(terminal)
            async with session(terminal) as again:
                assert len(records_of(await again.data_set(LOG))) == 120

    asyncio.run(run())


def test_clock_jump() -> None:
    """The clock is right until the log was first read, and off ever after."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        assert terminal.device_time() == "2026-11-02T12:00:00"
        await peer.data_set(LOG)
        assert terminal.device_time() == "2026-11-02T10:59:59"

    talk(3, "clock-jump=-3601", work=work)


def test_bad_date() -> None:
    """The record in the middle has 31 February, its time and all others as written."""

    async def work(terminal: VirtualTerminal, _: Client) -> None:
        days = [punch.at[:10] for punch in terminal.records]
        assert days == ["2026-11-02"] * 2 + ["2026-02-31"] + ["2026-11-02"] * 2
        assert terminal.records[2].at[10:] == "T08:00:02"
        terminal.punch("0001")
        assert terminal.records[5].at.startswith("2026-11-02")

    talk(5, "bad-date", work=work)


def test_bad_date_of_an_empty_log() -> None:
    """Where no record is, the first punch gets it."""

    async def work(terminal: VirtualTerminal, _: Client) -> None:
        terminal.punch("0001", "2026-11-02T08:00:00")
        terminal.punch("0001", "2026-11-02T09:00:00")
        ats = [punch.at for punch in terminal.records]
        assert ats == ["2026-02-31T08:00:00", "2026-11-02T09:00:00"]

    talk(0, "bad-date", work=work)


def test_bad_checksum() -> None:
    """Every third reply is damaged; CONNECT is the first."""

    async def work(_: VirtualTerminal, peer: Client) -> None:
        await peer.one(Command.STATE)
        # A damaged frame ends a stream; a damaged datagram is as if it never came.
        lost = SilentError if isinstance(peer, Datagrams) else ProtocolError
        if isinstance(peer, Datagrams):
            peer.seconds = SHORT_SECONDS
        with pytest.raises(lost):
            await peer.one(Command.STATE)

    talk(0, "bad-checksum=3", work=work)


def test_wrong_reply_id() -> None:
    """Every third reply answers another request."""

    async def work(_: VirtualTerminal, peer: Client) -> None:
        ids = [(await peer.one(Command.STATE)).reply_id for _ in range(5)]
        assert ids == [1, 3, 3, 4, 6]

    talk(0, "wrong-reply-id=3", work=work)


def test_single_client() -> None:
    """A second connection is closed at once, until the first has gone."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        async with client(terminal) as second:
            with pytest.raises(ConnectionError):
                await second.frame()
        await peer.one(Command.EXIT)
        async with session(terminal) as third:
            assert third.session not in {0, peer.session}

    talk(0, "single-client", work=work)


def test_junk_prefix() -> None:
    """Nine bytes nobody asked for stand before the records."""

    async def work(_: VirtualTerminal, peer: Client) -> None:
        records = records_of(await peer.data_set(LOG))
        assert records[:9] == b"\xff255" + bytes(5)
        assert len(records) == 9 + 2 * LAYOUTS["40"].size

    talk(2, "junk-prefix", work=work)


def test_serial_change() -> None:
    """From the second CONNECT on another terminal seems to sit there."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        request = option_request("~SerialNumber")
        first = await peer.one(Command.READ_OPTION, request)
        async with session(terminal):
            second = await peer.one(Command.READ_OPTION, request)
        assert (first.data, second.data) == (
            b"~SerialNumber=VT00000001\0",
            b"~SerialNumber=OTHER-9\0",
        )

    talk(0, "serial-change=OTHER-9", work=work)


def test_serial_change_by_reboot() -> None:
    """A reboot brings it too."""

    async def work(terminal: VirtualTerminal, _: Client) -> None:
        assert terminal.serial == "VT00000001"
        await terminal.reboot()
        assert terminal.serial == "OTHER-9"

    talk(0, "serial-change=OTHER-9", work=work)


def test_clear_log() -> None:
    """The second read finds an empty log."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        sizes = [len(records_of(await peer.data_set(LOG))) for _ in range(3)]
        assert sizes == [120, 0, 0]
        assert terminal.records == []

    talk(3, "clear-log", work=work)


def test_edit_log() -> None:
    """The second read finds the record changed that was last at the first."""

    async def work(terminal: VirtualTerminal, peer: Client) -> None:
        first = records_of(await peer.data_set(LOG))
        terminal.punch("0001")
        second = records_of(await peer.data_set(LOG))
        assert second[:80] == first[:80]
        assert second[80:120] != first[80:120]
        assert terminal.records[2].at == "2026-11-02T08:01:02"
        assert records_of(await peer.data_set(LOG)) == second

    talk(3, "edit-log", work=work)


def test_past_the_end() -> None:
    """Named as a fault, it is what this terminal always does."""

    async def work(_: VirtualTerminal, peer: Client) -> None:
        await peer.one(Command.PREPARE_BUFFER, LOG.to_bytes())
        answer = await peer.ask(Command.READ_BUFFER, Window(0, 2005).to_bytes())
        assert [frame.command for frame in answer] == [Reply.ERROR]

    talk(50, "past-end-2001", work=work)
