"""A TCP proxy that does wrong what it is told to, while it runs.

Everything a line can do stands here: wait, break after so many bytes, carry nothing and
say nothing, let nobody in. What needs to understand packets (lost, repeated, mixed up,
corrupted messages) is a `Rule` of `tests.faults.rules`. One thread with its own event
loop; settings are plain attributes and count from the next piece on.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tests.faults.rules import Rule, unchanged

_LOOK_SECONDS = 0.005
_SECONDS = 10.0
Length = Callable[[bytes], int | None]
Read = Callable[[object, bytes], None]
"""Is given a connection and each packet of its client, before anything goes wrong."""
T = TypeVar("T")


def _nobody(_line: object, _packet: bytes) -> None:
    """Read nothing."""


@dataclass(eq=False, slots=True, weakref_slot=True)
class _Line:
    """One connection; a `gone` one carries nothing and never ends by itself."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    gone: bool = False
    late: set[asyncio.TimerHandle] = field(default_factory=set)

    def end(self) -> None:
        """Close both ends at once."""
        for handle in self.late:
            handle.cancel()
        for writer in (self.client, self.server):
            writer.transport.abort()


class FaultProxy:
    """Listens on `port` and passes packets between clients and `target`.

    `delay`: seconds every piece waits. `paused`: nothing passes, everything comes
    later, as when a cable was out for a moment. `closed`: new connections are refused.
    `cut_after`: so many bytes pass, then the connection breaks in the middle of one.

    Args:
        target: the port on loopback where everything goes to.
        length: tells packets apart: the length of the first one, None while unknown.
    """

    def __init__(self, target: int, length: Length) -> None:
        self.target = target
        self.delay = 0.0
        self.paused = False
        self.closed = False
        self.cut_after: int | None = None
        self.rule: Rule = unchanged
        self.read: Read = _nobody
        self.port = 0
        self._length = length
        self._lines: set[_Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: asyncio.Server | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Listen on a free port."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._do(self._open())

    def close(self) -> None:
        """End every connection and the thread."""
        if self._loop is None or self._thread is None:
            return
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)
        self._loop.close()

    def cut(self) -> None:
        """Break every connection there is."""
        self._do(self._each(_Line.end))

    def swallow(self) -> None:
        """Let every connection there is stand and carry nothing any more: half-open."""
        self._do(self._each(lambda line: setattr(line, "gone", True)))

    @contextlib.contextmanager
    def does(self, **settings: Any) -> Iterator[None]:
        """Do wrong what the settings say, for a while."""
        before = {name: getattr(self, name) for name in settings}
        vars(self).update(settings)
        try:
            yield
        finally:
            vars(self).update(before)

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None, "the proxy is not open"
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_SECONDS)

    async def _each(self, act: Callable[[_Line], None]) -> None:
        for line in list(self._lines):
            act(line)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        await self._each(_Line.end)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.closed:
            writer.transport.abort()
            return
        try:
            there = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        line = _Line(writer, there[1])
        self._lines.add(line)
        for work in (self._pump(line, reader, up=True), self._pump(line, there[0])):
            task = asyncio.ensure_future(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(
        self, line: _Line, source: asyncio.StreamReader, *, up: bool = False
    ) -> None:
        data = b""
        try:
            while chunk := await source.read(1 << 16):
                data += chunk
                while (size := self._length(data)) is not None and len(data) >= size:
                    packet, data = data[:size], data[size:]
                    await self._pass(line, packet, up=up)
        except (OSError, asyncio.IncompleteReadError):
            pass  # whose end broke is told to the other by the end of both
        finally:
            self._lines.discard(line)
            line.end()

    async def _pass(self, line: _Line, packet: bytes, *, up: bool) -> None:
        await asyncio.sleep(self.delay)
        while self.paused and not line.gone:  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(_LOOK_SECONDS)
        if line.gone:
            return
        sink, back = (line.server, line.client) if up else (line.client, line.server)
        if up:
            self.read(line, packet)
        passed = self.rule(packet, up=up)
        back.write(passed.back)
        for seconds, data in passed.on:
            if seconds:
                self._later(line, sink, seconds, data)
            else:
                self._write(line, sink, data)
        if passed.close:
            await back.drain()
            raise ConnectionResetError
        await sink.drain()

    def _later(
        self, line: _Line, sink: asyncio.StreamWriter, seconds: float, data: bytes
    ) -> None:
        def write() -> None:
            line.late.discard(handle)
            self._write(line, sink, data)

        handle = asyncio.get_running_loop().call_later(seconds, write)
        line.late.add(handle)

    def _write(self, line: _Line, sink: asyncio.StreamWriter, data: bytes) -> None:
        """Write, or break in the middle when the bytes are used up."""
        if self.cut_after is None:
            sink.write(data)
            return
        sink.write(data[: max(self.cut_after, 0)])
        self.cut_after -= len(data)
        if self.cut_after < 0:
            self.cut_after = None
            # The bytes before the break must get there: it is a break, not a loss.
            asyncio.get_running_loop().call_later(_LOOK_SECONDS, line.end)
            line.gone = True
