"""Every fault of a wire × every command: the right answer or a named error, no hang.

One conversation uses every command of the driver; a fault strikes at each of its
frames in turn. Whatever came out is compared with the terminal itself, and after a
failure a new conversation must read everything right.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest

from drivers.base import (
    Address,
    Announcement,
    TerminalError,
    TerminalInfo,
    TerminalUser,
)
from drivers.virtual import VirtualConfig, VirtualTerminal
from drivers.zk.commands import Command
from drivers.zk.operations import Operation
from drivers.zk.packets import Frame
from drivers.zk.terminal import ZkTerminal
from tests.drivers.fault_link import EVENT, Spoil, Wire, at
from tests.drivers.terminals import NOON, config

KEY = 123456
PUNCH = "2026-11-02T09:00:00"
TIMEOUT_SECONDS = 0.15
# Where nothing is lost nothing is waited for, and a busy machine must not matter.
PATIENT_SECONDS = 10.0
# What is lost over UDP is asked for again, and must come.
REPEATING_SECONDS = 0.9
CELL_SECONDS = 20
AT_ONCE = 6


def made(*faults: str, **fields: Any) -> VirtualConfig:
    """Make a small terminal with a key whose data sets come in several frames each."""
    people = [TerminalUser(slot, f"{slot:04}", "甲二", 0, 0) for slot in range(1, 31)]
    done = [Operation(1, 5, "2026-11-02T07:00:00", (1, 2, 3, 4))] * 7
    usual: dict[str, Any] = {
        "users": people[:4],
        "operations": done,
        "comm_key": KEY,
        "inline_bytes": 0,
        "chunk_bytes": 100,
    }
    return config(12, *faults, **{**usual, **fields})


async def converse(terminal: VirtualTerminal, driver: ZkTerminal) -> None:
    """Use every command; each answer must be the terminal's own.

    Raises:
        TerminalError: a named error, in words.
    """
    records = terminal.records
    assert await driver.open() == terminal.serial
    plate = ("Ver 6.60 virtual", "VIRTUAL_TFT", "Virtual terminal")
    info = await driver.info()
    # A terminal may refuse its name plate, and then it is empty.
    told = (info.firmware, info.platform, info.name)
    assert all(a in {b, ""} for a, b in zip(told, plate, strict=True))
    counts = (len(terminal.users), len(records), 100_000)
    assert info == TerminalInfo(terminal.serial, *told, *counts)
    assert await driver.clock() == f"{NOON:%Y-%m-%dT%H:%M:%S}"
    assert (await driver.counts()).records == len(records)
    assert await driver.users() == list(terminal.users)
    for start in (0, len(records) - 3):
        got = [punch async for piece in driver.read(start) for punch in piece]
        assert got == records[start:]
    assert await driver.operations() == terminal.operations
    await driver.listen()


async def hear(terminal: VirtualTerminal, driver: ZkTerminal, wait: float) -> None:
    """Wait for a punch: announced as it was, or not announced at all."""
    terminal.punch("0002", PUNCH)
    heard = await driver.wait(wait)
    right = Announcement("0002", PUNCH)
    # Doubled and repeated events are hints too; none may say anything else.
    assert all(one == right or one.at < PUNCH for one in heard), heard


async def cell(
    terminal: VirtualTerminal,
    port: int,
    transport: str,
    seconds: float = TIMEOUT_SECONDS,
) -> TerminalError | None:
    """Run one conversation over a faulty wire, bounded in time."""
    driver = ZkTerminal(
        at(port, comm_key=KEY, transport=transport, timeout_seconds=seconds)
    )
    async with asyncio.timeout(CELL_SECONDS):
        try:
            await converse(terminal, driver)
            await hear(terminal, driver, 0.1)
        except TerminalError as error:
            return error
        finally:
            await driver.close()
    return None


def carried(wire: Wire, transport: str) -> AbstractAsyncContextManager[Wire]:
    """Lay a wire for one of the transports."""
    return wire.tcp() if transport == "tcp" else wire.udp()


async def run_cell(
    config_: VirtualConfig,
    transport: str,
    spoil: Spoil | None = None,
    cut: int = -1,
    seconds: float = TIMEOUT_SECONDS,
) -> tuple[TerminalError | None, Wire]:
    """Run a cell; behind a failure everything is read right in a new conversation."""
    async with VirtualTerminal(config_) as terminal:
        far = terminal.port if transport == "tcp" else terminal.udp_port
        wire = Wire(far, spoil, cut)
        async with carried(wire, transport):
            error = await cell(terminal, wire.port, transport, seconds)
        if error is not None:
            assert str(error)
            assert await cell(terminal, far, transport, CELL_SECONDS) is None
        assert terminal.template_requests == terminal.refused == []
    return error, wire


def run_cells(
    cells: Sequence[tuple[VirtualConfig, Spoil | None, int]],
    transport: str,
    seconds: float = TIMEOUT_SECONDS,
) -> list[TerminalError | None]:
    """Run cells, some at a time; return how each ended."""

    async def run() -> list[TerminalError | None]:
        room = asyncio.Semaphore(AT_ONCE)

        async def one(
            config_: VirtualConfig, spoil: Spoil | None, cut: int
        ) -> TerminalError | None:
            async with room:
                return (await run_cell(config_, transport, spoil, cut, seconds))[0]

        return await asyncio.gather(*(one(*row) for row in cells))

    return asyncio.run(run())


def unspoiled(transport: str) -> Wire:
    """Run a conversation over a sound wire, which counts its frames and bytes."""

    def number(frame: Frame, _: int) -> list[bytes]:
        return [out(frame) if transport == "tcp" else frame.to_bytes()]

    whole = run_cell(made(), transport, number, seconds=PATIENT_SECONDS)
    error, wire = asyncio.run(whole)
    assert error is None
    return wire


def out(frame: Frame) -> bytes:
    """Bytes of a frame in a stream."""
    return frame.to_tcp()


def on(number: int, act: Callable[[Frame], Sequence[bytes | None]]) -> Spoil:
    """Spoil one frame of the conversation, and no other."""
    return lambda frame, index: act(frame) if index == number else [out(frame)]


def flipped(data: bytes, place: int) -> bytes:
    """Bytes with one bit turned over."""
    return bytes((*data[:place], data[place] ^ 1, *data[place + 1 :]))


AT_ONE_FRAME: dict[str, Callable[[Frame], Sequence[bytes | None]]] = {
    "lost": lambda _: [],
    "doubled": lambda frame: [out(frame), out(frame)],
    "wrong checksum": lambda frame: [flipped(out(frame), 10)],
    "wrong reply id": lambda f: [out(replace(f, reply_id=f.reply_id ^ 0x101))],
    "number of before": lambda f: [out(replace(f, reply_id=(f.reply_id - 1) & 0xFFFF))],
    "wrong session": lambda frame: [
        out(replace(frame, session=frame.session ^ 0x4000))
    ],
    "cut off": lambda _: [None],
    "cut off inside": lambda frame: [out(frame)[: len(out(frame)) // 2], None],
    "cut off behind": lambda frame: [out(frame), None],
    "wrong length": lambda frame: [flipped(out(frame), 4)],
    "wrong start": lambda frame: [flipped(out(frame), 0)],
    "no frame before": lambda frame: [b"HTTP/1.1 200 OK\r\n", out(frame)],
    "event before": lambda frame: [out(EVENT), out(frame)],
    "refused": lambda f: [out(Frame(2001, f.session, f.reply_id))],
    "unknown": lambda f: [out(Frame(65535, f.session, f.reply_id))],
    "data of nobody": lambda f: [out(Frame(Command.DATA, 0, f.reply_id, b"\7" * 9))],
}
# Nothing of this may cost more than time.
HARMLESS = {"event before"}


@pytest.mark.parametrize("fault", AT_ONE_FRAME)
def test_a_fault_at_each_frame(fault: str) -> None:
    """TCP: at every frame of a conversation that uses every command."""
    frames = unspoiled("tcp").traffic.frames
    assert frames >= 40
    cells = [(made(), on(n, AT_ONE_FRAME[fault]), -1) for n in range(frames)]
    seconds = PATIENT_SECONDS if fault in HARMLESS else TIMEOUT_SECONDS
    ends = run_cells(cells, "tcp", seconds)
    failed = [error for error in ends if error is not None]
    print(f"{fault}: {len(failed)} named errors at {frames} frames")
    assert not failed if fault in HARMLESS else failed


ALWAYS: dict[str, Spoil] = {
    "one byte at a time": lambda f, _: [bytes((byte,)) for byte in out(f)],
    "split in the length": lambda f, _: [out(f)[:6], out(f)[6:]],
    "split in the header": lambda f, _: [out(f)[:11], out(f)[11:]],
    "an event before each": lambda f, _: [out(EVENT), out(f)],
    "an event behind each": lambda f, _: [out(f), out(EVENT)],
    "a stray before each": lambda f, _: [
        out(replace(f, reply_id=(f.reply_id + 7) & 0xFFFF)), out(f)
    ],
}  # fmt: skip


@pytest.mark.parametrize("fault", ALWAYS)
def test_faults_that_harm_nothing(fault: str) -> None:
    """Cut anywhere, or with events and strays at every frame: everything is right."""
    cells = [(made(), ALWAYS[fault], -1)]
    assert run_cells(cells, "tcp", PATIENT_SECONDS) == [None]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(
    "fault", ["coalesce", "split-bytes=1", "split-bytes=5", "split-data=7",
              "interleave-events", "slow=5", "past-end-2001", "no-buffer-4989"],
)  # fmt: skip
def test_manners_of_a_terminal(fault: str, transport: str) -> None:
    """What terminals do that is odd and no fault: everything is right."""
    cells = [(made(fault), None, -1)]
    assert run_cells(cells, transport, PATIENT_SECONDS) == [None]


@pytest.mark.parametrize("fault", ["bad-checksum", "wrong-reply-id", "reboot-after"])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_terminal_that_is_out_of_order(fault: str, transport: str) -> None:
    """Every n-th reply is wrong: the right answers, or a named error."""

    async def run() -> int:
        failed = 0
        for number in (2, 3, 5, 17, 40):
            made_ = made(f"{fault}={number}")
            async with VirtualTerminal(made_) as terminal:
                port = terminal.port if transport == "tcp" else terminal.udp_port
                failed += await cell(terminal, port, transport) is not None
                assert terminal.template_requests == terminal.refused == []
        return failed

    assert asyncio.run(run())


def borders(wire: Wire) -> list[int]:
    """Offsets around every border of what a terminal sent, and inside lengths."""
    stream = wire.traffic.sent
    found = set()
    at_byte = 0
    while at_byte < len(stream):
        found |= {at_byte + step for step in (0, 1, 4, 6, 8, 12, 16)}
        at_byte += 8 + int.from_bytes(stream[at_byte + 4 : at_byte + 8], "little")
    return sorted(offset for offset in found if 0 <= offset < len(stream))


def cut_at(offsets: Sequence[int], **fields: Any) -> None:
    """Cut conversations off after so many bytes each; all end in a named error."""
    ends = run_cells([(made(**fields), None, cut) for cut in offsets], "tcp")
    whole = [cut for cut, error in zip(offsets, ends, strict=True) if error is None]
    # Only what was cut behind the last answer that anybody waits for is whole.
    assert all(cut >= offsets[-1] - 80 for cut in whole), whole


def test_cut_off_around_every_frame() -> None:
    """At each border, and inside start, length and header of each frame."""
    cut_at(borders(unspoiled("tcp"))[::2])


@pytest.mark.soak
def test_cut_off_after_every_byte() -> None:
    """Wherever a connection breaks there is an error, and never a wrong record."""
    cut_at(range(len(unspoiled("tcp").traffic.sent)))


AT_ONE_DATAGRAM: dict[str, Callable[[bytes], list[bytes]]] = {
    "lost": lambda _: [],
    "doubled": lambda data: [data, data],
    "damaged": lambda data: [flipped(data, len(data) - 1)],
    "damaged number": lambda data: [flipped(data, 6)],
    "cut short": lambda data: [data[:-1]],
    "cut to its header": lambda data: [data[:8]],
    "cut in its header": lambda data: [data[:7]],
    "empty before": lambda data: [b"", data],
}


@pytest.mark.parametrize("fault", AT_ONE_DATAGRAM)
def test_a_fault_at_each_datagram(fault: str) -> None:
    """UDP: asked again, everything is right, whichever datagram it was."""
    frames = unspoiled("udp").traffic.frames
    assert frames >= 40
    act = AT_ONE_DATAGRAM[fault]
    cells = [(made(), on_datagram(number, act), -1) for number in range(frames)]
    ends = run_cells(cells, "udp", REPEATING_SECONDS)
    failed = [error for error in ends if error is not None]
    print(f"{fault}: {len(failed)} named errors at {frames} datagrams")
    assert len(failed) <= (3 if fault.startswith("cut") else 0), failed


def on_datagram(number: int, act: Callable[[bytes], list[bytes]]) -> Spoil:
    """Spoil one datagram of the conversation."""
    return lambda frame, index: (
        act(frame.to_bytes()) if index == number else [frame.to_bytes()]
    )


class Swapped:
    """Holds one datagram back until the next has gone."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._held: bytes | None = None

    def __call__(self, frame: Frame, index: int) -> list[bytes]:
        """Return what goes on now."""
        data = frame.to_bytes()
        if index == self._number:
            self._held = data
            return []
        held, self._held = self._held, None
        return [data] if held is None else [data, held]


def test_datagrams_that_overtake_each_other() -> None:
    """Each datagram in turn comes behind the next: right, or a named error."""
    frames = unspoiled("udp").traffic.frames
    cells = [(made(), Swapped(number), -1) for number in range(frames)]
    ends = run_cells(cells, "udp", REPEATING_SECONDS)
    assert ends == [None] * frames


@pytest.mark.parametrize("percent", [1, 5, 20])
def test_lost_datagrams(percent: int) -> None:
    """A line that loses datagrams: right, or a named error; few cost nothing."""
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    cells = [
        (made(f"drop-udp={percent}", seed=seed + number), None, -1)
        for number in range(12)
    ]

    seconds = REPEATING_SECONDS if percent < 20 else TIMEOUT_SECONDS

    async def run() -> list[TerminalError | None]:
        room = asyncio.Semaphore(AT_ONCE)

        async def one(config_: VirtualConfig) -> TerminalError | None:
            async with room, VirtualTerminal(config_) as terminal:
                return await cell(terminal, terminal.udp_port, "udp", seconds)

        return await asyncio.gather(*(one(row[0]) for row in cells))

    ends = asyncio.run(run())
    right = sum(error is None for error in ends)
    print(f"{percent} %: {right} of {len(ends)} conversations right")
    assert right >= {1: 10, 5: 3, 20: 0}[percent]


def test_junk_alone_is_an_empty_log() -> None:
    """Firmware that writes junk in front of its records writes it with none behind."""

    async def run() -> None:
        async with VirtualTerminal(config(0, "junk-prefix")) as terminal:
            driver = ZkTerminal(Address("127.0.0.1", terminal.port))
            await driver.open()
            try:
                assert [piece async for piece in driver.read()] == []
            finally:
                await driver.close()

    asyncio.run(run())
