"""The virtual terminal as a TCP server in the running event loop."""

import asyncio
import itertools
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Self

from drivers.attlog import AttlogLine
from drivers.base import ProtocolError, RawPunch, TerminalUser
from drivers.virtual.config import VirtualConfig
from drivers.virtual.device import Device
from drivers.virtual.errors import VirtualError
from drivers.virtual.session import Session
from drivers.virtual.wire import PowerLostError, Wire
from drivers.zk.packets import Frame, FrameSplitter

LAYOUTS = ("40",)
MOST_SESSIONS = 8

_READ_BYTES = 65536
_FIRST_SESSION = 0x2A01
_REBIND_TRIES = 100
_REBIND_SECONDS = 0.05


class _Connection:
    """One client: its session, and its frames that wait to go out in order."""

    def __init__(self, session: Session, writer: asyncio.StreamWriter) -> None:
        self.session = session
        self.writer = writer
        self.outgoing: asyncio.Queue[list[Frame] | None] = asyncio.Queue()

    def abort(self) -> None:
        """Drop the client as a terminal without power does."""
        self.writer.transport.abort()


class VirtualTerminal:
    """A terminal on a TCP port between `start` and `stop` (or inside `async with`).

    Not for use from other threads: it lives in the event loop that started it.
    """

    def __init__(self, config: VirtualConfig | None = None) -> None:
        self.config = config or VirtualConfig()
        self._device = Device(self.config)
        self._wire = Wire(self.config.faults, self.config.frame_gap_ms)
        self._server: asyncio.Server | None = None
        self._port = self.config.port
        self._loaded = False
        self._ids = itertools.cycle(range(_FIRST_SESSION, 0xFFFF))
        self._connections: set[_Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Load users and log, and listen.

        Raises:
            VirtualError: a layout, user or record this terminal cannot hold.
            OSError: the port is not to be had.
        """
        if self.config.layout not in LAYOUTS:
            raise VirtualError(
                f"no layout {self.config.layout!r}; there are: {', '.join(LAYOUTS)}"
            )
        self.load()
        self._device.memory.spoil_date()
        await self._listen()

    def load(self) -> None:
        """Take users and log of the configuration; `start` does it when nobody did.

        Raises:
            VirtualError: a user or record this terminal cannot hold.
        """
        if not self._loaded:
            self._loaded = True
            self._device.memory.load(self.config.users, self.config.log)

    async def stop(self) -> None:
        """Close the port, drop every client and wait until all is quiet."""
        self._unplug()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        """TCP port, known once the terminal listens; the same after a reboot."""
        return self._port

    @property
    def serial(self) -> str:
        """Serial number the terminal states now."""
        return self._device.serial

    @property
    def users(self) -> Sequence[TerminalUser]:
        """Everybody enrolled."""
        return self.config.users

    @property
    def records(self) -> list[RawPunch]:
        """Return the log as it stands in the terminal, decoded anew at each call."""
        return self._device.memory.punches(self.serial)

    @property
    def refused(self) -> list[int]:
        """Commands that would have changed the terminal, in the order they came."""
        return self._device.refused

    @property
    def template_requests(self) -> list[int]:
        """Commands that asked for fingers, faces or photos: a gateway sends none."""
        return self._device.template_requests

    @property
    def sessions(self) -> int:
        """Clients connected now."""
        return sum(not item.session.ended for item in self._connections)

    def asked(self, command: int) -> int:
        """How often this command came, over all sessions."""
        return self._device.asked[command]

    def punch(
        self, badge: str, at: str | None = None, verify: int = 1, state: int = 0
    ) -> str:
        """Somebody punches: a record, and an event to every listening session.

        `at` is device local time `YYYY-MM-DDTHH:MM:SS`, the device's own clock when
        left out; returned as written.

        Raises:
            ValueError: a badge, time or code that no record can hold.
        """
        text = at or self._device.time_text()
        self.add(AttlogLine(badge, text, state=state, verify=verify))
        return text

    def add(self, line: AttlogLine, *, announce: bool = True) -> None:
        """Append a log line to the memory; before `start` only after `load`.

        Raises:
            ValueError: a badge, time or code that no record can hold.
        """
        event = self._device.memory.add(line)
        if self._server is not None:
            self._device.memory.spoil_date()
        if not announce:
            return
        for connection in self._connections:
            if connection.session.listening:
                connection.outgoing.put_nowait([connection.session.event(event)])

    def clear(self) -> None:
        """Forget the log, as an administrator at the menu does."""
        self._device.memory.clear()

    def device_time(self) -> str:
        """Local time the terminal shows now, `YYYY-MM-DDTHH:MM:SS`."""
        return self._device.time_text()

    def fail_next_read(self) -> None:
        """Arm a reboot in the middle of the next data frame, whoever reads it."""
        self._wire.reboot_armed = True

    async def reboot(self) -> None:
        """Drop every client, refuse new ones for `reboot_seconds`, then serve again.

        The log survives, sessions do not.
        """
        self._unplug()
        self._device.reboots += 1
        await asyncio.sleep(self.config.reboot_seconds)
        await self._listen()

    def _unplug(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.abort()

    async def _listen(self) -> None:
        """Bind; after a reboot somebody else may sit on the port for a moment."""
        tries = _REBIND_TRIES if self._server is not None else 1
        for left in reversed(range(tries)):
            try:
                self._server = await asyncio.start_server(
                    self._accept, self.config.host, self._port
                )
            except OSError:
                if not left:
                    raise
                await asyncio.sleep(_REBIND_SECONDS)
            else:
                self._port = self._server.sockets[0].getsockname()[1]
                return

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        most = 1 if self.config.faults.single_client else MOST_SESSIONS
        if self.sessions >= most:
            writer.close()
            return
        connection = _Connection(Session(self._device, next(self._ids)), writer)
        self._connections.add(connection)
        self._start(self._host(connection, reader))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _host(
        self, connection: _Connection, reader: asyncio.StreamReader
    ) -> None:
        """Serve one client until it or the power has gone."""
        sender = self._start(self._send(connection))
        try:
            await self._converse(connection, reader)
            connection.outgoing.put_nowait(None)
            await sender
        except (OSError, ProtocolError):
            connection.abort()
        finally:
            self._connections.discard(connection)
            sender.cancel()
            connection.writer.close()
            await asyncio.gather(
                sender, connection.writer.wait_closed(), return_exceptions=True
            )

    async def _converse(
        self, connection: _Connection, reader: asyncio.StreamReader
    ) -> None:
        """Answer until the client leaves; a damaged request is as if it never came."""
        splitter = FrameSplitter()
        while data := await reader.read(_READ_BYTES):
            for body in splitter.split(data):
                try:
                    frame = Frame.from_bytes(body)
                except ProtocolError:
                    continue
                connection.outgoing.put_nowait(connection.session.answer(frame))
                if connection.session.ended:
                    return

    async def _send(self, connection: _Connection) -> None:
        """Send what waits, in order, until there is nothing more to come."""
        while (frames := await connection.outgoing.get()) is not None:
            try:
                await self._wire.send(connection.writer, frames)
            except PowerLostError:
                self._start(self.reboot())
                return
