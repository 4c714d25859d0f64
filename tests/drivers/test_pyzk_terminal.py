"""The pyzk driver: every record as held, or one named error; never a hang between."""

import asyncio

import pytest

from drivers import REGISTRY
from drivers.base import (
    AuthError,
    ProtocolError,
    TerminalError,
    TerminalInfo,
    TerminalUser,
    UnsupportedError,
)
from drivers.pyzk_terminal import PyzkTerminal
from drivers.virtual import VirtualTerminal
from drivers.virtual.snapshot import Snapshot
from drivers.zk.commands import Command, Reply
from drivers.zk.payloads import block
from tests.drivers.fault_link import Answer, Script, at, peer, says
from tests.drivers.pyzk_talks import open_and_read, refused, talk
from tests.drivers.terminals import (
    Tap,
    address,
    config,
    everything,
    opened,
    without_bytes,
)


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
        ("no-buffer-4989", UnsupportedError, r"unsupported.*4989 \(NO_BUFFER\).*zk"),
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
            terminal._clients._last_id = 0x7FF7
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


@pytest.mark.parametrize("held, faults", [(0, ()), (3, ("count-lies=-3",))])
def test_a_refused_log_is_never_an_empty_one(
    held: int, faults: tuple[str, ...]
) -> None:
    """A count of 0 excuses no terminal that does not give its log: «unsupported»."""
    made = config(held, "no-buffer-4989", *faults, users=[])
    error = refused(made)
    assert type(error) is UnsupportedError
    assert str(error) == (
        "unsupported: the terminal does not give its data in the one way pyzk knows;"
        ' it answered 4989 (NO_BUFFER); read this terminal with driver = "zk"'
    )


@pytest.mark.parametrize(
    "refusal, direct, empty",
    [
        (Reply.ERROR, says(Reply.ERROR), True),
        (Reply.ERROR, says(Reply.UNKNOWN), False),
        (Reply.ERROR, says(Command.DATA, block(b"")), False),
        (Reply.NO_BUFFER, says(Reply.ERROR), False),
        (Reply.UNKNOWN, says(Reply.ERROR), False),
    ],
)
def test_two_plain_errors_are_an_empty_log(
    refusal: Reply, direct: Answer, *, empty: bool
) -> None:
    """Only with 0 counted and nothing but «error» to both ways of asking."""
    script: Script = {
        Command.PREPARE_BUFFER: says(refusal),
        Command.READ_LOG: direct,
    }

    async def run() -> None:
        async with peer(script) as made:
            driver = PyzkTerminal(at(made.port))
            await driver.open()
            if empty:
                assert await everything(driver) == []
            else:
                with pytest.raises(UnsupportedError, match="unsupported"):
                    await everything(driver)
            await driver.close()

    asyncio.run(run())


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
