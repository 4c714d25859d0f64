"""One way of reading a terminal, in a process of its own; prints what it cost as JSON.

`python -m benchmarks.reader WAY PORT START ROUNDS`. A way is `zk` (our driver as the
poller uses it), `held` (the same on a session that is open already), `pyzk` (the
library as its users call it), or `bare` (a socket loop that asks for the same bytes
and looks at none of them).
"""

import asyncio
import json
import resource
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager

from zk import ZK

from drivers.base import Address
from drivers.zk.commands import Command
from drivers.zk.packets import Frame
from drivers.zk.payloads import BufferRequest, Window
from drivers.zk.terminal import ZkTerminal

HOST = "127.0.0.1"
WINDOW = 65472
_PREFIX = 8


@contextmanager
def cost(found: list[dict[str, float]]) -> Iterator[None]:
    """Add CPU and wall seconds of what happens inside."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    yield
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found.append({"cpu": cpu, "wall": time.perf_counter() - began})


async def ours(port: int, start: int) -> int:
    """Poll as the daemon does, in a session of its own."""
    terminal = ZkTerminal(Address(HOST, port))
    await terminal.open()
    await terminal.clock()
    count = await look(terminal, start)
    await terminal.close()
    return count


async def look(terminal: ZkTerminal, start: int) -> int:
    """Count, and read what is new."""
    counts = await terminal.counts()
    if start and counts.records == start + 1:
        return 0  # nothing but the anchor: the counter is enough
    read = 0
    async with aclosing(terminal.read(start)) as pieces:
        async for piece in pieces:
            read += len(piece)
    return read


async def held(port: int, start: int, rounds: int) -> list[dict[str, float]]:
    """Look again and again in one session."""
    terminal = ZkTerminal(Address(HOST, port))
    await terminal.open()
    found: list[dict[str, float]] = []
    for _ in range(rounds):
        with cost(found):
            await look(terminal, start)
    await terminal.close()
    return found


def pyzk(port: int, start: int) -> int:
    """Read as users of the library do: always everything."""
    del start
    library = ZK(HOST, port=port, timeout=60, ommit_ping=True)
    connection = library.connect()
    connection.get_time()
    count = len(connection.get_attendance())
    connection.disconnect()
    return count


def bare(port: int, start: int) -> int:
    """Fetch the whole log as bytes, frame after frame, and understand nothing."""
    del start
    with socket.create_connection((HOST, port)) as sock:
        session = struct.unpack_from("<H", ask(sock, Command.CONNECT, 0), 4)[0]
        request = BufferRequest(Command.READ_LOG).to_bytes()
        prepared = ask(sock, Command.PREPARE_BUFFER, session, request)
        size = struct.unpack_from("<I", prepared, 9)[0]
        came = 0
        while came < size:
            window = Window(came, min(WINDOW, size - came)).to_bytes()
            ask(sock, Command.READ_BUFFER, session, window)
            data = receive(sock)
            receive(sock)
            came += len(data) - _PREFIX
        return came


def ask(sock: socket.socket, command: int, session: int, data: bytes = b"") -> bytes:
    """Send a request; return the body of the next frame."""
    sock.sendall(Frame(command, session, 1, data).to_tcp())
    return receive(sock)


def receive(sock: socket.socket) -> bytes:
    """Return the body of the next frame."""
    size = struct.unpack_from("<I", exactly(sock, _PREFIX), 4)[0]
    return exactly(sock, size)


def exactly(sock: socket.socket, size: int) -> bytes:
    """Return so many bytes."""
    parts = []
    while size:
        parts.append(sock.recv(min(size, 1 << 16)))
        size -= len(parts[-1])
    return b"".join(parts)


def measure(way: Callable[[int, int], int], port: int, start: int) -> dict[str, float]:
    """Return the cost of one read."""
    found: list[dict[str, float]] = []
    with cost(found):
        way(port, start)
    return found[0]


def main() -> None:
    """Measure one way so many times."""
    way, port, start, rounds = sys.argv[1], *map(int, sys.argv[2:5])
    if way == "held":
        found = asyncio.run(held(port, start, rounds))
    else:
        act = {
            "zk": lambda port, start: asyncio.run(ours(port, start)),
            "pyzk": pyzk,
            "bare": bare,
        }[way]
        found = [measure(act, port, start) for _ in range(rounds)]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
