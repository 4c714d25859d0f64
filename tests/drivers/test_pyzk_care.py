"""Orders through pyzk, and what a terminal set to obey makes of them."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from drivers.attlog import AttlogLine, format_line
from drivers.base import Address, TerminalError
from drivers.pyzk_care import PyzkCare
from drivers.virtual import VirtualConfig, VirtualTerminal
from drivers.virtual.logfile import LogFile
from drivers.virtual.manners import Rare
from drivers.zk.commands import Command
from drivers.zk.terminal import ZkTerminal
from tests.drivers.terminals import session

AT = datetime(2026, 11, 2, 8, 20)  # noqa: DTZ001 - a device's time has no zone
LOG = [AttlogLine("1", f"2026-11-02T07:00:{second:02}") for second in range(5)]


def tended(
    work: Callable[[VirtualTerminal, PyzkCare], Coroutine[Any, Any, None]],
    **changes: Any,
) -> None:
    """Run `work` with an open session to a terminal that obeys."""
    made = {"care": True, "log": LOG, "reboot_seconds": 0.05, **changes}

    async def both() -> None:
        async with VirtualTerminal(VirtualConfig(**made)) as terminal:
            care = PyzkCare(Address("127.0.0.1", terminal.port, timeout_seconds=5))
            await care.open()
            try:
                await work(terminal, care)
            finally:
                await care.close()
            assert terminal.template_requests == terminal.refused == []

    asyncio.run(both())


def test_it_speaks() -> None:
    """A spoken sentence changes nothing."""

    async def work(terminal: VirtualTerminal, care: PyzkCare) -> None:
        assert await care.voice(10)
        assert terminal.asked(Rare.TEST_VOICE) == 1
        assert (terminal.obeyed, len(terminal.records)) == ([], 5)

    tended(work)


def test_its_clock_is_set() -> None:
    """The clock shows what was set and goes on from there; the log is as it was."""
    now = [AT]

    async def work(terminal: VirtualTerminal, care: PyzkCare) -> None:
        assert await care.clock() == "2026-11-02T08:25:00"
        await care.set_clock(AT)
        assert await care.clock() == "2026-11-02T08:20:00"
        now[0] = AT.replace(minute=21)
        assert await care.clock() == "2026-11-02T08:21:00"
        assert terminal.obeyed == [Command.SET_TIME]
        assert terminal.asked(Command.REFRESH_DATA) == 1
        assert [one.code for one in terminal.operations] == [0, 21]
        assert len(terminal.records) == 5

    tended(work, clock=lambda: now[0], clock_offset_seconds=300)


@pytest.mark.parametrize("replies", [True, False])
def test_it_restarts(*, replies: bool) -> None:
    """With or without an answer it goes down, and comes back with its log."""

    async def work(terminal: VirtualTerminal, care: PyzkCare) -> None:
        await care.restart()
        with pytest.raises(TerminalError):
            await care.wait(10)
        deadline = asyncio.get_running_loop().time() + 10
        while terminal._down or not terminal._device.reboots:
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.01)
        again = PyzkCare(Address("127.0.0.1", terminal.port, timeout_seconds=5))
        assert await again.open() == terminal.serial
        assert (await again.counts()).records == 5
        await again.close()
        assert terminal.obeyed == [Command.RESTART]

    tended(work, restart_replies=replies)


def test_its_log_is_cleared() -> None:
    """Held, cleared, released: the log is empty, users stay, the operation is noted."""

    async def work(terminal: VirtualTerminal, care: PyzkCare) -> None:
        await care.hold(60)
        await care.clear_log()
        await care.release()
        assert (await care.counts()).records == 0
        assert terminal.asked(Command.DISABLE) == terminal.asked(Command.ENABLE) == 1
        assert (terminal.clears, terminal.records) == (1, [])
        assert terminal.operations[-1].code == 23

    tended(work)


def test_one_that_does_not_obey_refuses() -> None:
    """Without being set so, every order is refused in words and nothing changes."""

    async def work() -> None:
        config = VirtualConfig(log=LOG)
        async with VirtualTerminal(config) as terminal:
            care = PyzkCare(Address("127.0.0.1", terminal.port, timeout_seconds=5))
            await care.open()
            for order in (care.set_clock(AT), care.restart(), care.clear_log()):
                with pytest.raises(TerminalError, match="answered 2001"):
                    await order
            await care.close()
            assert terminal.obeyed == []
            assert terminal.refused == [
                Command.SET_TIME,
                Command.RESTART,
                Command.CLEAR_LOG,
            ]
            assert len(terminal.records) == 5

    asyncio.run(work())


@pytest.mark.parametrize("data", [b"", b"\1\2\3", b"\1\2\3\4\5", b"\xff\xff\xff\xff"])
def test_a_time_that_is_none_is_refused(data: bytes) -> None:
    """Times of another length or date are an error, not a clock somewhere else."""

    async def work() -> None:
        config = VirtualConfig(care=True, clock=lambda: AT)
        async with VirtualTerminal(config) as terminal, session(terminal) as peer:
            answer = await peer.one(Command.SET_TIME, data)
            # The last time that four bytes hold is one, far away.
            fine = data == b"\xff\xff\xff\xff"
            assert answer.command == (2000 if fine else 2001)
            assert terminal.device_time().startswith("2133" if fine else "2026")

    asyncio.run(work())


def test_the_reading_driver_gives_no_orders() -> None:
    """Everything `zk` does on a terminal leaves it as it was, also one that obeys."""

    async def work() -> None:
        async with VirtualTerminal(VirtualConfig(care=True, log=LOG)) as terminal:
            reading = ZkTerminal(Address("127.0.0.1", terminal.port))
            await reading.open()
            await reading.info()
            await reading.clock()
            await reading.counts()
            await reading.users()
            assert [p async for piece in reading.read(0) for p in piece]
            await reading.listen()
            await reading.close()
            assert terminal.obeyed == terminal.refused == []
            orders = (Command.SET_TIME, Command.RESTART, Command.CLEAR_LOG)
            assert not any(terminal.asked(one) for one in (*orders, Command.DISABLE))

    asyncio.run(work())


def test_a_cleared_memory_keeps_what_came_since(tmp_path: Path) -> None:
    """The file of the log forgets what was read, not a line added meanwhile."""
    path = tmp_path / "log.dat"
    lines = [format_line(line) + "\n" for line in LOG]
    path.write_text("".join(lines[:4]), "utf-8")
    taken: list[AttlogLine] = []
    file = LogFile(path, pytest.fail)
    file.poll(taken.append)
    with path.open("a", encoding="utf-8") as more:
        more.write(lines[4])
    file.empty()
    assert path.read_text("utf-8") == lines[4]
    assert not file.shrunk()
    file.poll(taken.append)
    assert taken == LOG
