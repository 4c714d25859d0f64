"""A virtual terminal in a process of its own, and who reads what it holds."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.attlog import AttlogLine, format_line
from drivers.zk.commands import Command
from drivers.zk.payloads import BufferRequest, records_of
from drivers.zk.records import LAYOUTS, punches
from tests.drivers.terminals import DEADLINE_SECONDS, Client

ROOT = Path(__file__).parents[2]
LOG = BufferRequest(Command.READ_LOG)
RUN = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from drivers.virtual.serve import ServeConfig, serve
story = datetime(2026, 11, 2, 0, 20, tzinfo=UTC)
options = eval(sys.argv[1])
paths = {"attlog", "users", "operations"} & options.keys()
options |= {key: Path(options[key]) for key in paths}
sys.exit(serve(ServeConfig(**options), lambda: story))
"""


@dataclass
class Child:
    """A running virtual terminal."""

    process: asyncio.subprocess.Process
    port: int
    udp_port: int

    async def end(self) -> tuple[int, str]:
        """Wait for its end; exit code and what it said on stderr."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            out, complaints = await self.process.communicate()
        assert out == b""
        assert self.process.returncode is not None
        return self.process.returncode, complaints.decode()


async def start(**options: Any) -> Child:
    """Start one and wait until it is ready or has ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        RUN,
        repr({"serial": "VT9", "port": 0, **options}),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_SECONDS):
        line = (await process.stdout.readline()).decode()
    found = re.fullmatch(r"ready tcp=(\d+) udp=(\d+)\n", line)
    assert found or not line
    ports = (int(found[1]), int(found[2])) if found else (0, 0)
    return Child(process, *ports)


@asynccontextmanager
async def running(attlog: Path, **options: Any) -> AsyncIterator[tuple[Child, Client]]:
    """Start one and hold a session with it; SIGTERM at the end gives exit code 0."""
    child = await start(attlog=str(attlog), **options)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", child.port)
        peer = Client(reader, writer)
        await peer.connect()
        yield child, peer
        writer.close()
    finally:
        if child.process.returncode is None:
            child.process.send_signal(signal.SIGTERM)
    code, _ = await child.end()
    assert code == 0


def write(path: Path, *rows: AttlogLine) -> None:
    """Append lines as another program would."""
    with path.open("ab") as file:
        file.write("".join(format_line(row) + "\n" for row in rows).encode())


async def held(peer: Client) -> list[AttlogLine]:
    """Return what the terminal's log holds, read over the wire."""
    records = records_of(await peer.data_set(LOG))
    return [
        AttlogLine(punch.badge, punch.at, 1, punch.state, punch.verify, punch.work or 0)
        for punch in punches(LAYOUTS["40"], "VT9", records, "gb18030")
    ]


async def held_when(peer: Client, count: int) -> list[AttlogLine]:
    """Return the log as soon as it has so many records."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(got := await held(peer)) < count:
            continue
    return got


async def connected(port: int) -> Client:
    """Connect as soon as somebody listens."""
    while True:
        try:
            return Client(*await asyncio.open_connection("127.0.0.1", port))
        except ConnectionRefusedError:
            await asyncio.sleep(0.02)
