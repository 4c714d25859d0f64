"""UDP that loses datagrams: on purpose, from a full buffer, or when the power goes."""

import asyncio
import contextlib
import socket
import threading
from typing import Any

from drivers.base import Address, SilentError
from drivers.virtual import VirtualTerminal
from drivers.zk.commands import Command
from drivers.zk.packets import Frame
from drivers.zk.payloads import parse_announcement
from drivers.zk.terminal import ZkTerminal
from tests.drivers.terminals import config, datagrams, session, udp_session

SILENCE_SECONDS = 2.0
ATTEMPTS = 8


def lost(seed: int | None, percent: int) -> list[int]:
    """Which of 200 answers did not come."""

    async def run() -> list[int]:
        made = config(0, f"drop-udp={percent}", seed=seed)
        async with VirtualTerminal(made) as terminal, datagrams(terminal) as peer:
            for number in range(200):
                peer.send(Frame(Command.CONNECT, 0, number))
            came: set[int] = set()
            while not came or max(came) < 199:
                try:
                    came.add((await peer.link.receive(SILENCE_SECONDS)).reply_id)
                except SilentError:
                    break
        return sorted(set(range(200)) - came)

    return asyncio.run(run())


def test_drop_udp() -> None:
    """So many of a hundred datagrams vanish, the same ones for the same seed."""
    first = lost(11, 30)
    assert first == lost(11, 30) != lost(12, 30)
    assert 35 <= len(first) <= 85
    assert len(lost(None, 100)) == 200


def test_lost_datagrams_and_a_client_that_asks_again() -> None:
    """Our own driver gets the whole log through a wire that loses some of it."""

    async def run() -> None:
        made = config(3000, "drop-udp=1", seed=7)
        async with VirtualTerminal(made) as terminal:
            where = Address(
                "127.0.0.1", terminal.udp_port, transport="udp", timeout_seconds=0.6
            )
            driver = ZkTerminal(where)
            try:
                await driver.open()
                got = [punch async for piece in driver.read() for punch in piece]
                assert got == terminal.records
                assert terminal.asked(Command.READ_BUFFER) > -(-120_004 // 16384)
            finally:
                await driver.close()
                await asyncio.sleep(0)

    asyncio.run(run())


def slow_reader(port: int, size: int) -> int:
    """Read a log directly with a socket of the usual buffer, a while for each."""
    rest = threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.settimeout(20.0)
        peer.connect(("127.0.0.1", port))
        peer.send(Frame(Command.CONNECT, 0, 0).to_bytes())
        session_id = Frame.from_bytes(peer.recv(2000)).session
        peer.send(Frame(Command.READ_LOG, session_id, 1).to_bytes())
        came = 0
        frame = Frame.from_bytes(peer.recv(2000))
        assert parse_announcement(frame.data) == size
        peer.settimeout(1.0)
        with contextlib.suppress(TimeoutError):  # the end itself may be lost
            while (frame := Frame.from_bytes(peer.recv(2000))).command == Command.DATA:
                came += len(frame.data)
                rest.wait(0.0003)
    return came


def test_a_slow_reader_loses_nothing() -> None:
    """A whole log in one answer is paced, so that a plain socket buffer holds it.

    A busy machine may keep the reader from running for longer than the buffer lasts,
    so it may read again; what is not paced comes whole in no attempt.
    """

    async def run() -> None:
        async with VirtualTerminal(config(10_000)) as terminal:
            size = 4 + 10_000 * 40
            came = 0
            for attempt in range(ATTEMPTS):
                came = await asyncio.to_thread(slow_reader, terminal.udp_port, size)
                print(f"attempt {attempt}: {came} of {size} bytes")
                if came == size:
                    break
            assert came == size

    asyncio.run(run())


def test_a_lost_datagram_is_nothing_at_all() -> None:
    """Not even an empty one arrives."""

    async def run() -> None:
        made = config(0, "drop-udp=100")
        async with VirtualTerminal(made) as terminal, session(terminal) as stream:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
                peer.setblocking(False)
                peer.sendto(Frame(1000, 0, 0).to_bytes(), ("127.0.0.1", terminal.port))
                for _ in range(3):
                    await stream.one(Command.STATE)
                assert terminal.sessions == 2
                try:
                    came = peer.recv(100)
                except BlockingIOError:
                    return
                raise AssertionError(came)

    asyncio.run(run())


def test_reboot_while_an_answer_is_on_its_way() -> None:
    """A long answer ends with the power; nothing of it comes after the reboot."""

    async def run() -> None:
        broken: list[dict[str, Any]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: broken.append(context))
        async with VirtualTerminal(config(10_000)) as terminal:
            async with udp_session(terminal) as peer:
                peer.send(Frame(Command.READ_LOG, peer.session, 9))
                assert (await peer.frame()).command == Command.PREPARE_DATA
                await terminal.reboot()
            assert terminal.sessions == 0
            async with udp_session(terminal) as peer:
                assert (await peer.one(Command.STATE)).reply_id == peer.reply_id
            async with udp_session(terminal) as peer:
                peer.send(Frame(Command.READ_LOG, peer.session, 9))
                await peer.frame()
        assert broken == []

    asyncio.run(run())
