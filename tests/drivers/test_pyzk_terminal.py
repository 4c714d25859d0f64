"""The pyzk driver: every record as held, or one named error; never a hang between."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from drivers import REGISTRY
from drivers.attlog import AttlogLine
from drivers.base import (
    AuthError,
    ProtocolError,
    RawPunch,
    TerminalError,
    TerminalInfo,
    TerminalUser,
)
from drivers.pyzk_terminal import PyzkTerminal
from drivers.virtual import VirtualConfig, VirtualTerminal
from drivers.virtual.snapshot import Snapshot
from drivers.zk.commands import Command
from drivers.zk.packets import Frame
from drivers.zk.payloads import block
from tests.drivers.terminals import (
    DEADLINE_SECONDS,
    Tap,
    address,
    config,
    everything,
    opened,
    without_bytes,
)

Work = Callable[[VirtualTerminal, PyzkTerminal], Awaitable[None]]


def talk(made: VirtualConfig, work: Work, **fields: Any) -> None:
    """Run one opened conversation; afterwards nobody asked for templates."""

    async def run() -> None:
        async with VirtualTerminal(made) as terminal:
            async with asyncio.timeout(20), opened(terminal, **fields) as driver:
                await work(terminal, driver)
            assert terminal.template_requests == []
            assert terminal.refused == []

    asyncio.run(run())


async def open_and_read(driver: PyzkTerminal) -> list[RawPunch]:
    """Open a conversation and read the whole log in it."""
    await driver.open()
    return await everything(driver)


def refused(made: VirtualConfig, **fields: Any) -> TerminalError:
    """Open and read; return the error that must come."""

    async def run() -> TerminalError:
        async with VirtualTerminal(made) as terminal:
            driver = PyzkTerminal(address(terminal, **fields))
            async with asyncio.timeout(20):
                with pytest.raises(TerminalError) as caught:
                    await open_and_read(driver)
                await driver.close()
            assert terminal.template_requests == []
            return caught.value

    return asyncio.run(run())


def test_the_registry() -> None:
    """Both names lead to a driver."""
    assert {"zk", "pyzk"} <= set(REGISTRY)
    assert all(name == made.name for name, made in REGISTRY.items())


@pytest.mark.parametrize("count", [0, 1, 25, 26, 2500])
@pytest.mark.parametrize("key", [0, 123456])
def test_the_whole_log(count: int, key: int) -> None:
    """Every record in order, positions from 0, bytes and work codes absent."""

    async def work(terminal: VirtualTerminal, driver: PyzkTerminal) -> None:
        assert (await driver.counts()).records == count
        got = await everything(driver)
        assert got == without_bytes(terminal.records)
        assert [punch.position for punch in got] == list(range(count))
        assert await everything(driver) == got

    talk(config(count, comm_key=key), work, comm_key=key)


def test_who_answered() -> None:
    """The name plate, the clock and the users."""

    async def run() -> None:
        made = config(26, clock_offset_seconds=90)
        async with VirtualTerminal(made) as terminal:
            driver = REGISTRY["pyzk"].open(address(terminal))
            assert await driver.open() == "VT00000001"
            assert await driver.info() == TerminalInfo(
                "VT00000001",
                "Ver 6.60 virtual",
                "VIRTUAL_TFT",
                "Virtual terminal",
                30,
                26,
                100_000,
            )
            assert await driver.clock() == "2026-11-02T12:01:30"
            assert await driver.users() == list(terminal.users)
            await driver.close()
            await driver.close()
            assert terminal.sessions == 0

    asyncio.run(run())


def test_users_without_a_name_stay_without() -> None:
    """The name pyzk invents does not reach anybody."""
    users = [TerminalUser(9, "9", "", 0, 0), TerminalUser(2, "2", "王一", 14, 7)]

    async def work(_: VirtualTerminal, driver: PyzkTerminal) -> None:
        assert await driver.users() == users

    talk(config(users=users), work)


@pytest.mark.parametrize(
    "fault",
    ["split-data=7", "split-data=900", "split-bytes=1", "split-bytes=13", "coalesce",
     "interleave-events", "slow=5", "past-end-2001", "single-client", "bad-date",
     "clock-jump=3600", "serial-change=OTHER", "edit-log"],
)  # fmt: skip
def test_faults_that_harm_no_record(fault: str) -> None:
    """Whatever happens to the bytes on the way, the records are those held."""

    async def work(terminal: VirtualTerminal, driver: PyzkTerminal) -> None:
        for _ in range(2):
            got = await everything(driver)
            assert got == without_bytes(terminal.records)
            assert len(got) == 60

    talk(config(60, fault), work)


@pytest.mark.parametrize(
    "fault, kind, words",
    [
        ("count-lies=2", ProtocolError, "2400 bytes, which is not 62 records"),
        ("count-lies=-60", ProtocolError, "2400 bytes, which is not 0 records"),
        ("count-lies=240", ProtocolError, "looks like records of layout 40"),
        ("count-lies=90", ProtocolError, "looks like records of layout 40"),
        ("junk-prefix", ProtocolError, "2409 bytes, which is not 60 records"),
        ("no-buffer-4989", TerminalError, r"answered 4989 \(NO_BUFFER\)"),
        ("secure-6001", ProtocolError, "secure firmware"),
        ("reboot-after=1", TerminalError, "closed the connection|connection broke"),
        ("bad-checksum=1", ProtocolError, "wrong checksum"),
        ("bad-checksum=12", ProtocolError, "wrong checksum"),
        ("wrong-reply-id=1", ProtocolError, "an answer to request 1 came where"),
        ("wrong-reply-id=12", ProtocolError, "an answer to request"),
        ("split-data=2404", ProtocolError, "pyzk could not read the answer"),
    ],
)
def test_faults_that_are_named(
    fault: str, kind: type[TerminalError], words: str
) -> None:
    """What cannot be read rightly is one sentence, and no record comes out."""
    error = refused(config(60, fault))
    assert type(error) is kind
    with pytest.raises(kind, match=words):
        raise error


def test_a_terminal_slower_than_the_timeout() -> None:
    """One wait is bounded, and the sentence says by how much."""
    error = refused(config(60, "slow=2000"), timeout_seconds=0.2)
    assert str(error) == "no answer within 0.2 s"


def test_a_log_cleared_between_counting_and_reading() -> None:
    """A count that no longer holds refuses the read; the next one is right."""

    async def work(_: VirtualTerminal, driver: PyzkTerminal) -> None:
        assert len(await everything(driver)) == 60
        with pytest.raises(ProtocolError, match="is not 60 records"):
            await everything(driver)
        assert await everything(driver) == []

    talk(config(60, "clear-log"), work)


def test_a_wrong_key() -> None:
    """The refusal names its code and where to look."""
    error = refused(config(3, comm_key=2), comm_key=1)
    assert type(error) is AuthError
    assert "2005 (UNAUTHORISED)" in str(error)
    assert "comm_key" in str(error)


def test_a_key_pyzk_cannot_compute() -> None:
    """131071 overflows in the library for half of all sessions: said in words.

    The key itself is in no sentence.
    """

    async def run() -> None:
        refusals: list[str] = []
        async with VirtualTerminal(config(3, comm_key=131071)) as terminal:
            # Session ids just below the overflow, so that both cases come.
            terminal._clients._ids = iter(range(0x7FF8, 0x8008))
            for _ in range(16):
                driver = PyzkTerminal(address(terminal, comm_key=131071))
                try:
                    got = await open_and_read(driver)
                except TerminalError as error:
                    refusals.append(str(error))
                else:
                    assert got == without_bytes(terminal.records)
                await driver.close()
        assert 0 < len(refusals) < 16
        assert all("cannot compute this comm key" in words for words in refusals)
        assert not any("131071" in words for words in refusals)

    asyncio.run(run())


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


ADDRESS = address(VirtualTerminal(VirtualConfig(port=1)))


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


def badge_config(*badges: str) -> VirtualConfig:
    """Make a terminal whose log holds these badges, one a second."""
    return config(
        log=[
            AttlogLine(badge, f"2026-11-02T08:00:{second:02}")
            for second, badge in enumerate(badges)
        ]
    )


@pytest.mark.parametrize(
    "badge",
    ["123456789012345678901234", "007", "a b", "\x01\x1b[31m\n\t", "Ж" * 5, "'--"],
)
def test_badges_as_they_are(badge: str) -> None:
    """24 characters, leading zeros, control characters: as the terminal holds them."""

    async def work(terminal: VirtualTerminal, driver: PyzkTerminal) -> None:
        got = await everything(driver)
        assert got == without_bytes(terminal.records)
        assert got[1].badge == badge

    talk(
        replace(badge_config("1", badge, "2"), encoding="utf-8"), work, encoding="utf-8"
    )


@pytest.mark.parametrize("badge", ["甲二", "一", "A甲", "甲乙丙丁戊己庚辛"])
def test_badges_pyzk_would_bend(badge: str) -> None:
    """A badge in GBK loses bytes in pyzk, or becomes another: not through us."""

    async def work(terminal: VirtualTerminal, driver: PyzkTerminal) -> None:
        assert await everything(driver) == without_bytes(terminal.records)
        assert terminal.records[2].badge == badge

    talk(badge_config("1", "2", badge, "3"), work)


def test_a_badge_too_long_for_pyzk() -> None:
    """A badge that does not fit its field as UTF-8 is refused by position."""
    badge = "甲乙丙丁戊己庚辛壬癸甲乙"
    error = refused(badge_config("1", "2", badge, "3"))
    assert isinstance(error, ProtocolError)
    assert f"record 2: pyzk would drop bytes of the badge '{badge}'" in str(error)
    assert len(error.data) == 40


def test_chinese_badges_in_utf8() -> None:
    """UTF-8 is what pyzk can read."""

    async def work(terminal: VirtualTerminal, driver: PyzkTerminal) -> None:
        assert [punch.badge for punch in await everything(driver)] == ["甲二", "一二"]
        assert terminal.records[0].badge == "甲二"

    talk(replace(badge_config("甲二", "一二"), encoding="utf-8"), work)


def test_a_layout_pyzk_takes_for_another() -> None:
    """Records whose 40-byte slices hold no badges are refused, not sliced."""

    async def run() -> None:
        async with VirtualTerminal(config(4)) as terminal:
            log = terminal._device.memory._log
            log[:] = bytes(range(1, 161))
            async with opened(terminal) as driver:
                for at in (4, 44, 84):
                    log[at : at + 8] = b"\0\1\0\1\0\1\0\1"
                with pytest.raises(ProtocolError, match="unsupported log layout"):
                    await everything(driver)

    asyncio.run(run())


def test_slots_without_a_user_are_no_badges() -> None:
    """In the 8-byte layout a slot nobody has gives an empty badge."""
    packed = (0x33825720).to_bytes(4, "little")
    known, unknown = b"\7\0\1", b"\x63\0\1"

    async def run() -> None:
        # 16 bytes are no record of 40, so the lie makes two records of 8 of them.
        async with VirtualTerminal(config(0, "count-lies=2")) as terminal:
            log = terminal._device.memory._log
            log[:] = known + packed + b"\0" + unknown + packed + b"\1"
            async with opened(terminal) as driver:
                at = "2026-11-21T02:00:00"
                assert await everything(driver) == [
                    RawPunch("VT00000001", "0007", at, 1, 0, None, 0, None),
                    RawPunch("VT00000001", "", at, 1, 1, None, 1, None),
                ]

    asyncio.run(run())


@pytest.mark.parametrize("count", [0, 1, 60])
def test_a_punch_between_counting_and_reading(count: int) -> None:
    """Somebody punching just then is in the log, and nothing is refused.

    An empty log that is not empty any more is read, not taken for empty.
    """

    async def run() -> None:
        async with (
            VirtualTerminal(config(count)) as terminal,
            Tap(terminal) as tap,
            opened(tap) as driver,
        ):
            # Users are asked for before the log and after the count.
            at = Command.PREPARE_BUFFER
            tap.before[at] = lambda: terminal.punch("0001")
            got = await everything(driver)
            assert got == without_bytes(terminal.records)
            assert len(got) == count + 1

    asyncio.run(run())


def test_an_empty_log_that_cannot_be_prepared() -> None:
    """A terminal that has no empty log to give counts 0, and 0 it is."""

    async def work(_: VirtualTerminal, driver: PyzkTerminal) -> None:
        assert await everything(driver) == []

    talk(config(0, "no-buffer-4989", users=[]), work)


def test_events() -> None:
    """A punch wakes the listener at once; without one the time runs out."""

    async def work(terminal: VirtualTerminal, driver: PyzkTerminal) -> None:
        await driver.listen()
        assert not await driver.wait(0.05)
        waiting = asyncio.create_task(driver.wait(DEADLINE_SECONDS))
        await asyncio.sleep(0)
        began = time.monotonic()
        terminal.punch("0001")
        assert await waiting
        took = time.monotonic() - began
        print(f"event seen after {took * 1000:.1f} ms")
        assert took < 1
        assert not await driver.wait(0.05)
        assert len(await everything(driver)) == 4

    talk(config(3), work)


def test_an_event_during_a_read_is_kept() -> None:
    """What is announced while an answer is asked for wakes the next wait, once."""

    async def run() -> None:
        async with (
            VirtualTerminal(config(60)) as terminal,
            Tap(terminal) as tap,
            opened(tap) as driver,
        ):
            await driver.listen()
            tap.before[Command.READ_BUFFER] = lambda: terminal.punch("0001")
            assert len(await everything(driver)) == 61
            assert await driver.wait(DEADLINE_SECONDS)
            assert not await driver.wait(0.05)

    asyncio.run(run())


def test_events_are_acknowledged() -> None:
    """Each event is answered with 2000, the real session id and reply id 0."""

    async def run() -> None:
        async with (
            VirtualTerminal(config()) as terminal,
            Tap(terminal) as tap,
            opened(tap) as driver,
        ):
            await driver.listen()
            session = tap.requests[-1].session
            terminal.punch("0001")
            assert await driver.wait(DEADLINE_SECONDS)
            await driver.clock()
            acknowledged, asked = tap.requests[-2:]
            assert acknowledged == Frame(2000, session, 0)
            assert asked.command == Command.GET_TIME

    asyncio.run(run())


def test_a_cancelled_wait_leaves_the_session_usable() -> None:
    """Whoever borrows the terminal ends the wait and goes on at once."""

    async def work(_: VirtualTerminal, driver: PyzkTerminal) -> None:
        await driver.listen()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(driver.wait(60), 0.1)
        assert await driver.clock() == "2026-11-02T12:00:00"

    talk(config(), work)


def test_a_cancelled_read_breaks_off_at_once() -> None:
    """Nobody waits for half an answer; the terminal's slot is free again."""

    async def run() -> None:
        asked = asyncio.Event()
        async with (
            VirtualTerminal(config(60, "slow=60000")) as terminal,
            Tap(terminal) as tap,
        ):
            driver = PyzkTerminal(address(tap, timeout_seconds=60))
            await driver.open()
            tap.before[Command.READ_BUFFER] = asked.set
            reading = asyncio.create_task(everything(driver))
            async with asyncio.timeout(DEADLINE_SECONDS):
                await asked.wait()
                reading.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await reading
                await driver.close()
                with pytest.raises(TerminalError, match="not open"):
                    await driver.clock()

    asyncio.run(run())


def test_a_terminal_that_goes_while_waited_for() -> None:
    """A reboot ends the wait with an error; a new session is told apart by nothing."""

    async def run() -> None:
        async with VirtualTerminal(config(3)) as terminal:
            async with opened(terminal) as driver:
                await driver.listen()
                waiting = asyncio.create_task(driver.wait(60))
                await asyncio.sleep(0)
                await terminal.reboot()
                with pytest.raises(TerminalError, match=r"closed|broke"):
                    await waiting
                with pytest.raises(TerminalError, match=r"closed|broke"):
                    await driver.clock()
            async with opened(terminal) as again:
                assert len(await everything(again)) == 3

    asyncio.run(run())


def test_a_terminal_that_went_unnoticed() -> None:
    """A question to a terminal that rebooted meanwhile ends in words."""

    async def work(terminal: VirtualTerminal, driver: PyzkTerminal) -> None:
        await terminal.reboot()
        with pytest.raises(TerminalError, match=r"closed|broke"):
            await driver.clock()

    talk(config(3), work)


def test_an_answer_without_a_question() -> None:
    """Listening takes events and nothing else."""

    async def work(terminal: VirtualTerminal, driver: PyzkTerminal) -> None:
        await driver.listen()
        (connection,) = terminal._clients._inside
        connection.offer([Frame(2000, connection.session.id, 9)])
        with pytest.raises(ProtocolError, match="without a question"):
            await driver.wait(DEADLINE_SECONDS)

    talk(config(3), work)


def test_a_terminal_that_says_little_of_itself() -> None:
    """Without platform and name the serial is enough; without a serial nothing is."""

    async def work(_: VirtualTerminal, driver: PyzkTerminal) -> None:
        assert len(await everything(driver)) == 3

    quiet: dict[str, str | None] = {"~Platform": None, "~DeviceName": None}
    talk(config(3, options=quiet), work)
    error = refused(config(3, options={"~SerialNumber": None}))
    assert str(error) == "connect: the terminal answered 2001 (ERROR)"


def test_a_cut_user_list() -> None:
    """Users that are not as many as counted are refused before pyzk slices them."""

    async def work(terminal: VirtualTerminal, driver: PyzkTerminal) -> None:
        users = terminal._device.memory.users
        whole = users.snapshot()
        users._snapshot = Snapshot(block(whole.data[4:-1]))
        with pytest.raises(ProtocolError, match="2159 bytes, which is not 30 users"):
            await driver.users()

    talk(config(3), work)


def test_two_terminals_at_once() -> None:
    """One process-wide lock: both are read, with their own encodings and badges."""

    async def run() -> None:
        first = config(60, "slow=5")
        second = config(60, users=[TerminalUser(1, "1", "é", 0, 0)], encoding="latin-1")
        async with (
            VirtualTerminal(first) as one,
            VirtualTerminal(second) as two,
            opened(one) as a,
            opened(two, encoding="latin-1") as b,
        ):
            logs = await asyncio.gather(everything(a), everything(b), a.users())
            assert logs[0] == without_bytes(one.records)
            assert logs[1] == without_bytes(two.records)
            assert logs[2][0].name == "甲二"
            assert (await b.users())[0].name == "é"

    asyncio.run(run())


def test_a_dead_address_holds_up_nobody() -> None:
    """While one terminal is dialled in vain, another is read."""

    async def run() -> None:
        async with VirtualTerminal(config(60)) as terminal, opened(terminal) as driver:
            # Nobody accepts, and the queue is full: further calls are not answered.
            with socket.create_server(("127.0.0.1", 0), backlog=0) as deaf:
                port = deaf.getsockname()[1]
                with socket.create_connection(("127.0.0.1", port)):
                    nowhere = replace(ADDRESS, port=port, timeout_seconds=0.5)
                    dialling = asyncio.create_task(PyzkTerminal(nowhere).open())
                    await asyncio.sleep(0)
                    assert len(await everything(driver)) == 60
                    assert not dialling.done()
                    with pytest.raises(TerminalError, match=r"no answer .* 0\.5 s"):
                        await dialling

    asyncio.run(run())
