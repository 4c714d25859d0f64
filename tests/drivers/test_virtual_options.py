"""The options of `punchgate virtual`: ports, layouts, capacity, operations, keys."""

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from drivers.attlog import AttlogLine, format_line, parse_line
from drivers.base import Address
from drivers.zk.commands import Command, scramble
from drivers.zk.payloads import BufferRequest, Sizes
from drivers.zk.terminal import ZkTerminal
from drivers.zk.transport import UdpLink
from tests.drivers.terminals import DEADLINE_SECONDS, Client, Datagrams, lines
from tests.drivers.virtual_child import (
    ROOT,
    RUN,
    held,
    held_when,
    running,
    start,
    write,
)

PEOPLE = "uid,user_id,name\n1,1001,甲一\n2,1002,甲二\n"
LATE = AttlogLine("1001", "2026-11-03T08:00:00")


def test_ready_names_both_ports(tmp_path: Path) -> None:
    """One free number for both, or the two that were asked for."""

    async def run() -> None:
        first = await start(attlog=str(tmp_path / "a.dat"))
        assert first.port == first.udp_port != 0
        second = await start(attlog=str(tmp_path / "b.dat"), udp_port=0)
        assert second.udp_port not in {0, second.port, first.port}
        for child in (first, second):
            loop = asyncio.get_running_loop()
            _, link = await loop.create_datagram_endpoint(
                UdpLink, remote_addr=("127.0.0.1", child.udp_port)
            )
            assert (await Datagrams(link, DEADLINE_SECONDS).connect()).session
            link.close()
            child.process.send_signal(signal.SIGTERM)
            assert await child.end() == (0, "")

    asyncio.run(run())


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_in_use(tmp_path: Path, kind: socket.SocketKind) -> None:
    """Exit code 2 and one sentence with the number, whichever of the two is taken."""

    async def run() -> None:
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind(("127.0.0.1", 0))
            if kind is socket.SOCK_STREAM:
                taken.listen()
            port = taken.getsockname()[1]
            child = await start(attlog=str(tmp_path / "a.dat"), port=port)
            code, complaints = await child.end()
        assert code == 2
        assert str(port) in complaints
        assert "ddress already in use" in complaints
        assert len(complaints.splitlines()) == 1

    asyncio.run(run())


def test_stdin_closed(tmp_path: Path) -> None:
    """Started without standard input, as by a supervisor, it serves and ends well."""
    options = repr({"serial": "VT9", "port": 0, "attlog": str(tmp_path / "a.dat")})
    with subprocess.Popen(
        ["/bin/sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-c", RUN, options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().startswith("ready tcp=")
        child.terminate()
        assert child.wait(DEADLINE_SECONDS) == 0


@pytest.mark.parametrize("layout", ["8a", "8b", "16", "36", "40", "49"])
def test_live_in_every_layout(tmp_path: Path, layout: str) -> None:
    """Somebody punches; what the driver reads is what the file holds."""
    path, users = tmp_path / "memory.dat", tmp_path / "users.csv"
    users.write_text(PEOPLE, "utf-8")

    async def run() -> None:
        options: dict[str, Any] = {"users": str(users), "layout": layout}
        async with running(path, live_seconds=0.01, seed=3, **options) as (_, peer):
            async with asyncio.timeout(DEADLINE_SECONDS):
                while True:
                    sizes = Sizes.from_bytes((await peer.one(Command.FREE_SIZES)).data)
                    if sizes.records >= 5:
                        break
        rows = [parse_line(text) for text in path.read_text("utf-8").splitlines()]
        assert len(rows) >= 5
        assert {row.badge for row in rows} <= {"1001", "1002"}

    asyncio.run(run())


@pytest.mark.parametrize("layout, good", [("8a", 1), ("16", 2), ("40", 3), ("49", 3)])
def test_badges_a_layout_cannot_hold(tmp_path: Path, layout: str, good: int) -> None:
    """A known user, a plain number, a text: what does not fit is named by its line."""
    path, users = tmp_path / "memory.dat", tmp_path / "users.csv"
    users.write_text(PEOPLE, "utf-8")
    rows = [AttlogLine(badge, LATE.at) for badge in ("1001", "77", "A-1")]
    write(path, *rows)

    async def run() -> None:
        child = await start(attlog=str(path), users=str(users), layout=layout)
        reader, writer = await asyncio.open_connection("127.0.0.1", child.port)
        peer = Client(reader, writer)
        await peer.connect()
        sizes = Sizes.from_bytes((await peer.one(Command.FREE_SIZES)).data)
        assert sizes.records == good
        writer.close()
        child.process.send_signal(signal.SIGTERM)
        code, complaints = await child.end()
        assert code == 0
        assert [line.split(": ")[1] for line in complaints.splitlines()] == [
            f"{path} line {number}" for number in range(good + 1, 4)
        ]

    asyncio.run(run())


def test_a_full_log(tmp_path: Path) -> None:
    """Lines beyond the capacity are named and left out, at start and later."""
    path = tmp_path / "memory.dat"
    write(path, *lines(4))

    async def run() -> None:
        child = await start(attlog=str(path), capacity=3)
        reader, writer = await asyncio.open_connection("127.0.0.1", child.port)
        peer = Client(reader, writer)
        await peer.connect()
        write(path, LATE)
        assert child.process.stderr is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            said = [(await child.process.stderr.readline()).decode() for _ in range(2)]
        assert [text.split(": ")[1] for text in said] == [
            f"{path} line 4",
            f"{path} line 5",
        ]
        assert all("the log is full with 3 records; skipped" in text for text in said)
        assert await held(peer) == lines(3)
        writer.close()
        child.process.send_signal(signal.SIGTERM)
        assert await child.end() == (0, "")

    asyncio.run(run())


def test_a_log_that_overwrites(tmp_path: Path) -> None:
    """The file keeps everything, the terminal the youngest."""
    path = tmp_path / "memory.dat"
    write(path, *lines(5))

    async def run() -> None:
        async with running(path, capacity=3, full="overwrite") as (_, peer):
            assert await held(peer) == lines(5)[2:]
            write(path, LATE)
            async with asyncio.timeout(DEADLINE_SECONDS):
                while await held(peer) != [*lines(5)[3:], LATE]:
                    continue
        assert path.read_text("utf-8").endswith(format_line(LATE) + "\n")

    asyncio.run(run())


def test_live_stops_at_a_full_log(tmp_path: Path) -> None:
    """Nobody writes lines that the terminal then leaves out."""
    path, users = tmp_path / "memory.dat", tmp_path / "users.csv"
    users.write_text(PEOPLE, "utf-8")

    async def run() -> None:
        child = await start(
            attlog=str(path), users=str(users), live_seconds=0.002, capacity=3
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", child.port)
        peer = Client(reader, writer)
        await peer.connect()
        await held_when(peer, 3)
        for _ in range(50):
            assert len(await held(peer)) == 3
        writer.close()
        child.process.send_signal(signal.SIGTERM)
        assert await child.end() == (0, "")
        assert len(path.read_text("utf-8").splitlines()) == 3

    asyncio.run(run())


def test_operations_of_a_file(tmp_path: Path) -> None:
    """The lines of the file come first, then what happens to the terminal itself."""
    path, operations = tmp_path / "memory.dat", tmp_path / "operations.csv"
    operations.write_text(
        "at,code,admin,p1,p2,p3,p4\n2026-11-01 09:00:00,30,1,7,0,0,0\n", "utf-8"
    )
    write(path, *lines(3))

    async def run() -> None:
        async with running(path, operations=str(operations)) as (child, peer):
            path.write_bytes(b"")
            async with asyncio.timeout(DEADLINE_SECONDS):
                while await held(peer):
                    continue
            driver = ZkTerminal(Address("127.0.0.1", child.port))
            await driver.open()
            got = await driver.operations()
            assert [one.code for one in got] == [30, 0, 23]
            assert (got[0].at, got[0].parameters) == (
                "2026-11-01T09:00:00",
                (7, 0, 0, 0),
            )
            await driver.close()

    asyncio.run(run())


def test_keys_and_reports(tmp_path: Path) -> None:
    """The largest key works; who asks for templates is named on standard error."""
    key = 2**32 - 1

    async def run() -> None:
        child = await start(attlog=str(tmp_path / "a.dat"), comm_key=key)
        reader, writer = await asyncio.open_connection("127.0.0.1", child.port)
        peer = Client(reader, writer)
        assert (await peer.connect()).command == 2005
        payload = scramble(key, peer.session, 7)
        assert (await peer.one(Command.AUTH, payload)).command == 2000
        inner = BufferRequest(Command.READ_TEMPLATES, 2).to_bytes()
        assert (await peer.one(Command.PREPARE_BUFFER, inner)).command == 2001
        writer.close()
        child.process.send_signal(signal.SIGTERM)
        code, complaints = await child.end()
        assert code == 0
        assert complaints == (
            "punchgate virtual: request 7 asks for templates or photos: refused"
            " (number 1)\n"
        )

    asyncio.run(run())
