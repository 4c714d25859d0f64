"""What the terminal remembers: a log that can be full, and what was done to it."""

import asyncio
from pathlib import Path

import pytest

from drivers.attlog import AttlogLine
from drivers.base import Address
from drivers.virtual import VirtualError, VirtualTerminal
from drivers.virtual.config import Full
from drivers.virtual.lists import read_operations
from drivers.virtual.operations import MOST_OPERATIONS
from drivers.zk.commands import Command
from drivers.zk.operations import Operation, parse_operations
from drivers.zk.payloads import BufferRequest, Sizes, records_of
from drivers.zk.terminal import ZkTerminal
from tests.drivers.terminals import config, lines, session

LOG = BufferRequest(Command.READ_LOG)
OPERATIONS = BufferRequest(Command.READ_OPERATION_LOG)


def test_a_full_log_refuses() -> None:
    """The next punch is no record and no event; the counts say there is no room."""

    async def run() -> None:
        made = config(4, capacity=5)
        async with VirtualTerminal(made) as terminal, session(terminal) as peer:
            await peer.one(Command.REGISTER_EVENT, b"\1\0\0\0")
            terminal.punch("0001")
            assert terminal.full
            await peer.event()
            with pytest.raises(ValueError, match="the log is full with 5 records"):
                terminal.punch("0002")
            sizes = Sizes.from_bytes((await peer.one(Command.FREE_SIZES)).data)
            assert (sizes.records, sizes.records_free) == (5, 0)
            assert sizes.record_capacity == 5
            assert peer.events == []
            assert [punch.badge for punch in terminal.records][-1] == "0001"
            terminal.clear()
            terminal.punch("0002")
            assert len(terminal.records) == 1

    asyncio.run(run())


def test_a_full_log_overwrites() -> None:
    """The oldest record goes, one for each punch; the rest keeps its order."""

    async def run() -> None:
        made = config(7, capacity=5, full=Full.OVERWRITE)
        async with VirtualTerminal(made) as terminal, session(terminal) as peer:
            rows = lines(7)
            assert [p.at for p in terminal.records] == [row.at for row in rows[2:]]
            terminal.punch("0009", "2026-11-03T08:00:00")
            kept = [*(row.at for row in rows[3:]), "2026-11-03T08:00:00"]
            assert [p.at for p in terminal.records] == kept
            sizes = Sizes.from_bytes((await peer.one(Command.FREE_SIZES)).data)
            assert (sizes.records, sizes.records_free) == (5, 0)
            assert len(records_of(await peer.data_set(LOG))) == 200

    asyncio.run(run())


def test_overwriting_keeps_the_record_that_edit_log_means() -> None:
    """The record moves down with the others, and is left alone once it is gone."""

    async def run(punches: int) -> int:
        made = config(3, "edit-log", capacity=3, full=Full.OVERWRITE)
        async with VirtualTerminal(made) as terminal, session(terminal) as peer:
            await peer.data_set(LOG)
            for number in range(punches):
                terminal.punch("0009", f"2026-11-03T08:00:0{number}")
            before = terminal.records
            await peer.data_set(LOG)
            changed = [
                position
                for position, punch in enumerate(terminal.records)
                if punch != before[position]
            ]
        return changed[0] if changed else -1

    assert [asyncio.run(run(number)) for number in range(4)] == [2, 1, 0, -1]


def test_without_a_capacity_it_is_never_full() -> None:
    """What it states is a round number above what it holds."""
    terminal = VirtualTerminal(config(3))
    terminal.load()
    memory = terminal._device.memory
    assert (memory.capacity, memory.full) == (100_000, False)
    memory._log *= 40_000
    assert (memory.capacity, memory.full) == (200_000, False)
    assert memory.sizes().records_free == 80_000


def test_the_operation_log() -> None:
    """Power on, what a test lets happen, the clearing: 16 bytes each, and counted."""

    async def run() -> None:
        given = Operation(1, 30, "2026-11-01T09:00:00", (7, 0, 0, 0))
        made = config(3, operations=(given,))
        async with VirtualTerminal(made) as terminal, session(terminal) as peer:
            terminal.operate(3, 0, (55, 0, 0, 0))
            terminal.clear()
            await terminal.reboot()
            assert [one.code for one in terminal.operations] == [30, 0, 3, 23, 0]
            assert terminal.operations[0] == given
            assert terminal.operations[2] == Operation(
                0, 3, "2026-11-02T12:00:00", (55, 0, 0, 0)
            )
        async with VirtualTerminal(made) as terminal, session(terminal) as peer:
            records = records_of(await peer.data_set(OPERATIONS))
            assert parse_operations(records) == terminal.operations
            sizes = Sizes.from_bytes((await peer.one(Command.FREE_SIZES)).data)
            assert sizes.operations == 2
            _, data, _ = await peer.ask(Command.READ_OPERATION_LOG)
            assert records_of(data.data) == records
            driver = ZkTerminal(Address("127.0.0.1", terminal.port))
            await driver.open()
            assert list(await driver.operations()) == terminal.operations
            await driver.close()

    asyncio.run(run())


def test_faults_that_leave_a_trace() -> None:
    """A clock that is set and a log that is cleared are in the operation log."""

    async def run() -> None:
        made = config(3, "clock-jump=3600", "clear-log")
        async with VirtualTerminal(made) as terminal, session(terminal) as peer:
            for expected in ([0, 21], [0, 21, 23], [0, 21, 23]):
                await peer.data_set(LOG)
                assert [one.code for one in terminal.operations] == expected
            assert terminal.operations[1].at == "2026-11-02T13:00:00"

    asyncio.run(run())


def test_the_operation_log_is_a_ring() -> None:
    """The oldest operation goes; numbers no record can hold are refused."""
    terminal = VirtualTerminal(config())
    for number in range(MOST_OPERATIONS + 3):
        terminal.operate(4, number)
    assert len(terminal.operations) == MOST_OPERATIONS
    assert terminal.operations[0].admin == 3
    with pytest.raises(ValueError, match="an operation cannot hold this"):
        terminal.operate(256)


@pytest.mark.parametrize("seconds", [10**18, -(10**18), 10**10, -(10**10)])
def test_a_clock_far_off_stands_still(seconds: int) -> None:
    """What four bytes cannot say is the first or last time that they can."""

    async def run() -> None:
        made = config(clock_offset_seconds=seconds)
        async with VirtualTerminal(made) as terminal, session(terminal) as peer:
            frame = await peer.one(Command.GET_TIME)
            expected = 0xFFFFFFFF if seconds > 0 else 0
            assert int.from_bytes(frame.data, "little") == expected

    asyncio.run(run())


def test_operations_of_a_file(tmp_path: Path) -> None:
    """Header, time with a blank or a T, numbers."""
    path = tmp_path / "operations.csv"
    path.write_text(
        "at,code,admin,p1,p2,p3,p4\n2026-11-01 09:00:00,6,0,3,0,7,1282\n"
        "\n2026-02-31T09:00:00,21,1,0,0,0,65535\n",
        "utf-8",
    )
    assert read_operations(path) == (
        Operation(0, 6, "2026-11-01T09:00:00", (3, 0, 7, 1282)),
        Operation(1, 21, "2026-02-31T09:00:00", (0, 0, 0, 65535)),
    )


@pytest.mark.parametrize(
    "row, words",
    [
        ("2026-11-01 09:00:00,256,0,0,0,0,0", "line 2: no code of 0 to 255: '256'"),
        ("2026-11-01 09:00:00,1,-1,0,0,0,0", "line 2: no admin of 0 to 65535: '-1'"),
        ("2026-11-01 09:00:00,1,0,0,0,0,x", "line 2: no p4 of 0 to 65535: 'x'"),
        ("2026-11-01 09:00:00,1,0", "line 2: 3 columns instead of 7"),
        ("yesterday,1,0,0,0,0,0", "line 2: not a time"),
        ("1999-11-01 09:00:00,1,0,0,0,0,0", "line 2: a terminal cannot hold"),
    ],
)
def test_operations_that_are_none(tmp_path: Path, row: str, words: str) -> None:
    """File, line and reason."""
    path = tmp_path / "operations.csv"
    path.write_text(f"at,code,admin,p1,p2,p3,p4\n{row}\n", "utf-8")
    with pytest.raises(VirtualError) as caught:
        read_operations(path)
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)


def test_a_line_before_power_on_needs_room_too() -> None:
    """`add` without `start` follows the same rules."""
    terminal = VirtualTerminal(config(0, capacity=1))
    terminal.load()
    terminal.add(AttlogLine("1", "2026-11-02T08:00:00"), announce=False)
    with pytest.raises(ValueError, match="full"):
        terminal.add(AttlogLine("1", "2026-11-02T08:00:01"), announce=False)
