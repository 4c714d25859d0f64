"""A pretended card reader in another process, and a reader of ours at its port."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from drivers.serial_reader.frames import Decoder, Em4100Frames
from drivers.serial_reader.reader import Event, Port, SerialReader

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 20.0


class Device:
    """Tells the other process what to do."""

    def __init__(self, path: Path, child: "subprocess.Popen[str]") -> None:
        self.path = path
        self.pid = child.pid
        self._child = child
        self._gate = threading.Lock()

    def say(self, command: str) -> str:
        """Give one command; return the answer."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        with self._gate:
            self._child.stdin.write(f"{command}\n")
            self._child.stdin.flush()
            return self._child.stdout.readline().strip()

    def send(self, data: bytes) -> None:
        """Send bytes; all of them must fit."""
        assert self.say(f"send {data.hex()}") == "ok"


@contextmanager
def device(folder: Path) -> Iterator[Device]:
    """Give a device whose port is `folder`/reader."""
    path = folder / "reader"
    command = [sys.executable, "-m", "drivers.virtual.card_reader", str(path)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        yield Device(path, child)


class Watch:
    """A reader of ours and every event of it."""

    def __init__(self, reader: SerialReader) -> None:
        self.reader = reader
        self.events: list[Event] = []

    async def until(self, done: Callable[[list[Event]], Any]) -> list[Event]:
        """Take events until `done` says so; return all of them."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not done(self.events):
                self.events += await self.reader.events()
        return self.events


@asynccontextmanager
async def watched(
    path: Path, decoder: Decoder | None = None, debounce_seconds: float = 0.5
) -> AsyncIterator[Watch]:
    """Give a started reader of ours at a port."""
    port = Port(str(path), 115_200, debounce_seconds)
    reader = SerialReader(port, decoder or Em4100Frames())
    reader.start()
    try:
        yield Watch(reader)
    finally:
        await reader.close()
