"""Logs of every layout, whole and by their tail, with counters that lie."""

import asyncio
import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from drivers.attlog import AttlogLine
from drivers.base import ProtocolError, RawPunch, TerminalUser, UnsupportedError
from drivers.virtual import VirtualTerminal
from drivers.zk.commands import Command, Reply
from drivers.zk.payloads import Window, block
from drivers.zk.recognise import UnknownLayoutError
from drivers.zk.records import LAYOUTS, encode
from drivers.zk.terminal import ZkTerminal
from drivers.zk.users import USER_LAYOUTS, UserRecord
from tests.drivers.fault_link import (
    Answer,
    Peer,
    Script,
    announced,
    at,
    peer,
    prepared,
    says,
    sizes,
    windows,
)
from tests.drivers.terminals import address, config, lines

USERS = [TerminalUser(slot, str(slot), "甲二", 0, 0) for slot in range(1, 31)]


def records(layout: str, count: int) -> bytes:
    """Return a log as a terminal of this layout writes it."""
    return b"".join(
        encode(
            LAYOUTS[layout],
            str(int(line.badge)),
            line.at,
            verify=line.verify,
            state=line.state,
            work=0,
            slot=int(line.badge),
            encoding="gb18030",
        )
        for line in lines(count)
    )


async def read(driver: ZkTerminal, start: int = 0) -> list[RawPunch]:
    """Everything from `start` on, in one list."""
    return [punch async for piece in driver.read(start) for punch in piece]


def virtual(layout: str, count: int, **fields: Any) -> VirtualTerminal:
    """Make a terminal of this layout with plain numbers for badges."""
    log = [replace(line, badge=str(int(line.badge))) for line in lines(count)]
    return VirtualTerminal(config(0, layout=layout, log=log, users=USERS, **fields))


def asked(script: Script, start: int = 0) -> tuple[list[RawPunch], Peer]:
    """Open a peer, read it from `start` on and close; what was read, and the peer."""

    async def run() -> tuple[list[RawPunch], Peer]:
        async with peer(script) as made, asyncio.timeout(20):
            driver = ZkTerminal(at(made.port))
            await driver.open()
            try:
                return await read(driver, start), made
            finally:
                await driver.close()

    return asyncio.run(run())


def holding(data: bytes, count: int) -> Script:
    """Script of a terminal with these records that counts so many."""
    held = block(data)
    return {
        Command.FREE_SIZES: sizes(count),
        Command.PREPARE_BUFFER: prepared(len(held)),
        Command.READ_BUFFER: windows(held),
    }


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("count", [3, 26, 1000])
@pytest.mark.parametrize("inline_bytes", [0, 1024])
def test_every_layout_from_anywhere(layout: str, count: int, inline_bytes: int) -> None:
    """Whole, from the middle, the last one, and from beyond the end: none."""

    async def run() -> None:
        async with virtual(layout, count, inline_bytes=inline_bytes) as terminal:
            driver = ZkTerminal(address(terminal))
            await driver.open()
            want = terminal.records
            for start in (0, 1, count // 2, count - 1, count, count + 1, count + 9**6):
                assert await read(driver, start) == want[start:]
                slots = layout in {"8a", "8b"}
                assert len(driver.slots()) == slots * len(USERS)
            await driver.close()
            assert terminal.template_requests == terminal.refused == []

    asyncio.run(run())


def test_sixty_thousand_records_in_pieces() -> None:
    """More than 65,535 bytes many times over; no piece is larger than a window."""

    async def run() -> None:
        async with virtual("40", 60_000) as terminal:
            for transport in ("tcp", "udp"):
                driver = ZkTerminal(address(terminal, transport=transport))
                await driver.open()
                pieces = [piece async for piece in driver.read()]
                assert [p for piece in pieces for p in piece] == terminal.records
                assert max(map(len, pieces)) <= 65472 // 40 + 1
                assert all(pieces)
                await driver.close()

    asyncio.run(run())


SIZES = {"8a": 8, "8b": 8, "16": 16, "36": 36, "40": 40, "49": 49}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("said", [8, 16, 36, 40, 49])
def test_a_count_that_suggests_another_layout(layout: str, said: int) -> None:
    """From any place on: the records as held, or a refusal; never other records."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    chance = random.Random(seed)

    async def run() -> None:
        # Bytes that every size divides.
        count = 720 * 49 // SIZES[layout]
        lie = count * SIZES[layout] // said - count
        faults = () if not lie else (f"count-lies={lie}",)
        made = virtual(layout, count)
        faulty = config(0, *faults).faults
        terminal = VirtualTerminal(replace(made.config, faults=faulty))
        async with terminal:
            driver = ZkTerminal(address(terminal))
            await driver.open()
            assert (await driver.counts()).records == count + lie
            want = terminal.records
            starts = [0, 1, 2, 3, count - 1, count - 2, count - 6, count, count * 2]
            starts += [chance.randrange(count) for _ in range(6)]
            for start in starts:
                assert await read(driver, start) == want[start:], start
            await driver.close()

    asyncio.run(run())


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("lie", [-100_000, -1, 1, 7, 99])
def test_any_other_lie_about_the_count(lie: int, transport: str) -> None:
    """Zero with records, too few, too many: the bytes decide."""

    async def run() -> None:
        async with VirtualTerminal(config(500, f"count-lies={lie}")) as terminal:
            driver = ZkTerminal(address(terminal, transport=transport))
            await driver.open()
            for start in (0, 250, 499, 500, 501):
                assert await read(driver, start) == terminal.records[start:]
            await driver.close()

    asyncio.run(run())


@pytest.mark.parametrize("fault", ["junk-prefix", "bad-date", "split-data=7"])
@pytest.mark.parametrize("count", [1, 26, 1000])
def test_logs_with_something_wrong_in_them(fault: str, count: int) -> None:
    """Junk is left out, an impossible date keeps its digits and its place."""

    async def run() -> None:
        async with VirtualTerminal(config(count, fault)) as terminal:
            driver = ZkTerminal(address(terminal))
            await driver.open()
            want = terminal.records
            assert any("-02-31" in one.at for one in want) is (fault == "bad-date")
            for start in (0, count // 2, count - 1, count):
                assert await read(driver, start) == want[start:]
            await driver.close()

    asyncio.run(run())


EMPTY = block(b"")


@pytest.mark.parametrize(
    "prepare, direct",
    [
        (says(Command.DATA, EMPTY), None),
        (says(Command.DATA), None),
        (prepared(0), None),
        (prepared(4), None),
        (says(Reply.ERROR), says(Reply.ERROR)),
        (says(Reply.ERROR), says(Command.DATA, EMPTY)),
        (says(Reply.UNKNOWN), lambda a: announced(a, EMPTY)),
    ],
)
def test_an_empty_log(prepare: Answer, direct: Answer | None) -> None:
    """In every way a terminal may say it that counts no record: no records."""
    script: Script = {Command.PREPARE_BUFFER: prepare}
    if direct is not None:
        script[Command.READ_LOG] = direct
    for start in (0, 5):
        assert asked(script, start)[0] == []


@pytest.mark.parametrize("count, refusal", [(7, Reply.ERROR), (0, Reply.NO_BUFFER)])
def test_a_refusal_is_never_an_empty_log(count: int, refusal: Reply) -> None:
    """With records counted, or with a refusal that says more: «unsupported»."""
    script = {
        Command.FREE_SIZES: sizes(count),
        Command.PREPARE_BUFFER: says(refusal),
        Command.READ_LOG: says(Reply.ERROR),
    }
    with pytest.raises(UnsupportedError, match="unsupported: the terminal gives no"):
        asked({int(command): answer for command, answer in script.items()})


def test_slots_nobody_knows_have_no_badge() -> None:
    """A slot of a user that left is never taken for a badge."""

    async def run() -> None:
        left = replace(virtual("8a", 60).config, users=USERS)
        async with VirtualTerminal(left) as terminal:
            assert terminal.records[59].badge == "30"
            terminal._device.memory.load(USERS[:29], ())
            driver = ZkTerminal(address(terminal))
            await driver.open()
            got = await read(driver)
            assert [one.badge for one in got] == [
                *map(str, range(1, 30)), "", *map(str, range(1, 30)), ""
            ]  # fmt: skip
            assert [one.raw for one in got] == [one.raw for one in terminal.records]
            assert driver.slots() == {slot: str(slot) for slot in range(1, 30)}
            await driver.close()

    asyncio.run(run())


def test_slots_are_those_of_the_last_read() -> None:
    """A log that lost its 8-byte records leaves no badges by slot behind."""

    async def run() -> None:
        async with virtual("8b", 26) as terminal:
            driver = ZkTerminal(address(terminal))
            await driver.open()
            await read(driver)
            assert driver.slots()
            terminal.clear()
            assert await read(driver) == []
            assert driver.slots() == {}
            await driver.close()

    asyncio.run(run())


def test_a_tail_costs_its_own_bytes_once() -> None:
    """One window, from the record asked for on; what it brought is not asked twice."""
    data = records("40", 5000)
    got, made = asked(holding(data, 5000), 4994)
    assert [one.raw for one in got] == [
        data[at_byte : at_byte + 40] for at_byte in range(4994 * 40, 5000 * 40, 40)
    ]
    assert [one.position for one in got] == list(range(4994, 5000))
    assert [frame.data for frame in made.of(Command.READ_BUFFER)] == [
        Window(4 + 4994 * 40, 240).to_bytes()
    ]


def test_a_long_tail_goes_on_behind_what_told_its_layout() -> None:
    """Nothing is asked for twice and nothing is left out."""
    data = records("40", 5000)
    got, made = asked(holding(data, 5000), 1000)
    assert b"".join(one.raw or b"" for one in got) == data[40_000:]
    ends = [
        (
            int.from_bytes(frame.data[:4], "little"),
            int.from_bytes(frame.data[4:], "little"),
        )
        for frame in made.of(Command.READ_BUFFER)
    ]
    assert ends[0][0] == 40_004
    assert all(a + n == b for (a, n), (b, _) in itertools.pairwise(ends))
    assert sum(ends[-1]) == 200_004


@pytest.mark.parametrize("step", [1, 7, 39, 41, 1000])
@pytest.mark.parametrize("start", [0, 20, 25])
def test_windows_that_end_inside_a_record(step: int, start: int) -> None:
    """Records are put together again."""
    data = records("40", 26)
    script = holding(data, 26)
    held = block(data)

    def short(frame: Any) -> Sequence[Any]:
        at_byte = int.from_bytes(frame.data[:4], "little")
        size = min(step, int.from_bytes(frame.data[4:8], "little"))
        size = size if at_byte >= 4 else 4 + 26 * 40
        return announced(frame, held[at_byte : at_byte + size])

    script[Command.READ_BUFFER] = short
    got, _ = asked(script, start)
    assert b"".join(one.raw or b"" for one in got) == data[start * 40 :]
    assert [one.position for one in got] == list(range(start, 26))


def test_a_length_that_is_not_the_buffers() -> None:
    """The log's own length and the buffer's must agree."""
    script = holding(records("40", 100), 100)
    script[Command.PREPARE_BUFFER] = prepared(4 + 4000 - 40)
    with pytest.raises(ProtocolError, match="the log states another length than its"):
        asked(script)


def test_a_log_no_layout_explains() -> None:
    """Refused with its bytes, whole or by its tail; nothing of it is used."""
    data = random.Random(3).randbytes(16 * 40 * 49)
    for count in (16 * 49, 0):
        for start in (0, 20):
            with pytest.raises(UnknownLayoutError, match="unsupported log layout"):
                asked(holding(data, count), start)
    with pytest.raises(UnknownLayoutError, match="unsupported log layout"):
        asked(holding(data[:1001], 0))


def test_eight_bytes_are_recognised_at_the_head() -> None:
    """Such records make some sense in the middle of others: a tail proves nothing."""
    data = records("8b", 5000)
    users = block(
        b"".join(
            UserRecord.of(USER_LAYOUTS["28"], one, "ascii").to_bytes(USER_LAYOUTS["28"])
            for one in (replace(user, name="") for user in USERS)
        )
    )
    script = holding(data, 5000)
    script[Command.FREE_SIZES] = sizes(5000, len(USERS))

    def prepare(frame: Any) -> Sequence[Any]:
        of_users = frame.data[1] == Command.READ_USERS
        answer = says(Command.DATA, users) if of_users else prepared(4 + len(data))
        return list(answer(frame))

    script[Command.PREPARE_BUFFER] = prepare
    got, made = asked(script, 4990)
    assert b"".join(one.raw or b"" for one in got) == data[4990 * 8 :]
    assert [one.badge for one in got] == [str(n % 30 + 1) for n in range(4990, 5000)]
    reads = made.of(Command.READ_BUFFER)
    assert reads[0].data == Window(0, 8196).to_bytes()
    assert reads[-1].data == Window(4 + 4990 * 8, 80).to_bytes()


def test_a_log_cleared_between_two_reads_has_no_tail() -> None:
    """The count of before is of no use: none, or the records that are there now."""

    async def run() -> None:
        async with VirtualTerminal(config(1000)) as terminal:
            driver = ZkTerminal(address(terminal))
            await driver.open()
            await driver.counts()
            terminal.clear()
            assert await read(driver, 999) == []
            for number in range(400):
                badge = f"{number % 30 + 1:04}"
                terminal.add(
                    AttlogLine(
                        badge, f"2026-11-03T08:{number // 60:02}:{number % 60:02}"
                    )
                )
            # 400 records of 40 bytes, and 1,000 counted: 16 bytes each, it seems.
            assert await read(driver, 999) == []
            assert await read(driver, 300) == terminal.records[300:]
            await driver.close()

    asyncio.run(run())
