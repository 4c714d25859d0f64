"""Short makers for virtual terminals, and a bare client that speaks in frames."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Self

from drivers.attlog import AttlogLine
from drivers.base import Address, RawPunch, TerminalUser
from drivers.pyzk_terminal import PyzkTerminal
from drivers.virtual import VirtualConfig, VirtualTerminal, parse_faults
from drivers.zk.commands import Command
from drivers.zk.packets import Frame, FrameSplitter
from drivers.zk.payloads import BufferRequest, Window, parse_prepared
from drivers.zk.transport import UdpLink

DEADLINE_SECONDS = 20.0
ANSWER_SECONDS = 5.0
NOON = datetime(2026, 11, 2, 12, 0, 0)  # noqa: DTZ001 - a device shows no zone


def user(number: int, name: str = "甲二") -> TerminalUser:
    """One user whose badge has leading zeros."""
    return TerminalUser(number, f"{number:04}", name, 0, 0)


def lines(count: int) -> list[AttlogLine]:
    """Punches of 30 people, one a second from 08:00 on, all codes used."""
    return [
        AttlogLine(
            f"{number % 30 + 1:04}",
            f"2026-11-{number // 36000 + 2:02}"
            f"T{8 + number // 3600 % 10:02}:{number // 60 % 60:02}:{number % 60:02}",
            state=(0, 1, 255)[number % 3],
            verify=(1, 4, 15)[number % 3],
        )
        for number in range(count)
    ]


def config(count: int = 0, *faults: str, **fields: Any) -> VirtualConfig:
    """Make a terminal with `count` records and 30 users at noon, with these faults."""
    made = VirtualConfig(
        log=lines(count),
        users=[user(number) for number in range(1, 31)],
        clock=lambda: NOON,
        reboot_seconds=0.05,
        faults=parse_faults(faults),
    )
    return replace(made, **fields)


class Client:
    """A connection that sends frames and collects whole answers."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.splitter = FrameSplitter()
        self.arrived: deque[Frame] = deque()
        self.events: list[Frame] = []
        self.session = 0
        self.reply_id = -1

    async def frame(self) -> Frame:
        """Return the next frame; ConnectionError when the terminal hangs up."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not self.arrived:
                data = await self.reader.read(65536)
                if not data:
                    raise ConnectionResetError("the terminal hung up")
                self.arrived.extend(self.splitter.feed(data))
        return self.arrived.popleft()

    def send(self, frame: Frame) -> None:
        """Send a frame."""
        self.writer.write(frame.to_tcp())

    async def ask(self, command: int, data: bytes = b"") -> list[Frame]:
        """Frames of the answer; events on the way go to `events`."""
        self.reply_id += 1
        self.send(Frame(command, self.session, self.reply_id, data))
        answer: list[Frame] = []
        while True:
            frame = await self.frame()
            if frame.command == Command.REGISTER_EVENT:
                self.events.append(frame)
                continue
            answer.append(frame)
            if answer[0].command != Command.PREPARE_DATA or frame.command == 2000:
                return answer

    async def one(self, command: int, data: bytes = b"") -> Frame:
        """Return the only frame of an answer."""
        (frame,) = await self.ask(command, data)
        return frame

    async def connect(self) -> Frame:
        """CONNECT, and keep the session id."""
        frame = await self.one(Command.CONNECT)
        self.session = frame.session
        return frame

    async def event(self) -> Frame:
        """Return the next event."""
        while not self.events:
            frame = await self.frame()
            assert frame.command == Command.REGISTER_EVENT
            self.events.append(frame)
        return self.events.pop(0)

    async def data_set(self, request: BufferRequest, window: int = 0xFFC0) -> bytes:
        """Everything a buffer request prepares, fetched in windows."""
        prepared = parse_prepared(
            await self.one(Command.PREPARE_BUFFER, request.to_bytes())
        )
        if prepared.inline is not None:
            return prepared.inline
        data = b""
        while len(data) < prepared.size:
            size = min(window, prepared.size - len(data))
            answer = await self.ask(
                Command.READ_BUFFER, Window(len(data), size).to_bytes()
            )
            data += b"".join(frame.data for frame in answer[1:-1])
        await self.one(Command.FREE_DATA)
        return data


class Datagrams(Client):
    """The same over UDP; frames that do not come are a TimeoutError."""

    def __init__(self, link: UdpLink, seconds: float) -> None:
        self.link = link
        self.seconds = seconds
        self.events = []
        self.session = 0
        self.reply_id = -1

    async def frame(self) -> Frame:
        """Return the next frame; SilentError when none comes."""
        return await self.link.receive(self.seconds)

    def send(self, frame: Frame) -> None:
        """Send a frame."""
        self.link.send(frame)


@asynccontextmanager
async def datagrams(
    terminal: VirtualTerminal, seconds: float = DEADLINE_SECONDS
) -> AsyncIterator[Datagrams]:
    """Open a UDP socket, not yet a session."""
    loop = asyncio.get_running_loop()
    _, link = await loop.create_datagram_endpoint(
        UdpLink, remote_addr=("127.0.0.1", terminal.udp_port)
    )
    try:
        yield Datagrams(link, seconds)
    finally:
        link.close()
        await asyncio.sleep(0)  # the loop closes the socket in its next round


@asynccontextmanager
async def udp_session(
    terminal: VirtualTerminal, seconds: float = DEADLINE_SECONDS
) -> AsyncIterator[Datagrams]:
    """Open a UDP socket with CONNECT done."""
    async with datagrams(terminal, seconds) as made:
        await made.connect()
        yield made


@asynccontextmanager
async def client(terminal: VirtualTerminal) -> AsyncIterator[Client]:
    """Open a bare connection, not yet a session."""
    reader, writer = await asyncio.open_connection("127.0.0.1", terminal.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        try:
            await writer.wait_closed()
        except OSError:
            assert reader.at_eof() or writer.is_closing()


@asynccontextmanager
async def session(terminal: VirtualTerminal) -> AsyncIterator[Client]:
    """Open a connection with CONNECT done."""
    async with client(terminal) as made:
        await made.connect()
        yield made


def talk(
    made: VirtualConfig, work: Callable[[VirtualTerminal, Client], Awaitable[None]]
) -> None:
    """Run one conversation with a session already open."""

    async def run() -> None:
        async with VirtualTerminal(made) as terminal, session(terminal) as peer:
            await work(terminal, peer)

    asyncio.run(run())


async def until_it_listens(terminal: VirtualTerminal) -> None:
    """Connect again and again until somebody answers."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            try:
                async with session(terminal):
                    return
            except ConnectionError:
                await asyncio.sleep(0.01)


class Tap:
    """A wire in front of a terminal: sees every request, and may act before it passes.

    `before` holds what to do before the next request of a command goes on.
    """

    def __init__(self, terminal: VirtualTerminal) -> None:
        self.terminal = terminal
        self.port = 0
        self.requests: list[Frame] = []
        self.before: dict[int, Callable[[], object]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._tasks.add(asyncio.create_task(self._pass(reader, writer)))

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        far, out = await asyncio.open_connection("127.0.0.1", self.terminal.port)

        async def down() -> None:
            while data := await far.read(65536):
                writer.write(data)

        answers = asyncio.create_task(down())
        splitter = FrameSplitter()
        try:
            while data := await reader.read(65536):
                for frame in splitter.feed(data):
                    self.requests.append(frame)
                    self.before.pop(frame.command, lambda: None)()
                    out.write(frame.to_tcp())
        finally:
            answers.cancel()
            writer.close()
            out.close()


def address(terminal: "VirtualTerminal | Tap", **fields: Any) -> Address:
    """Where a virtual terminal is; a wait is short, since nothing is far."""
    made = Address("127.0.0.1", terminal.port, timeout_seconds=ANSWER_SECONDS)
    return replace(made, **fields)


@asynccontextmanager
async def opened(
    terminal: VirtualTerminal | Tap, **fields: Any
) -> AsyncIterator[PyzkTerminal]:
    """Open the pyzk driver's conversation, closed at the end."""
    driver = PyzkTerminal(address(terminal, **fields))
    await driver.open()
    try:
        yield driver
    finally:
        await driver.close()


async def everything(driver: PyzkTerminal) -> list[RawPunch]:
    """Return the whole log."""
    return [punch async for piece in driver.read() for punch in piece]


def without_bytes(punches: Sequence[RawPunch]) -> list[RawPunch]:
    """Punches as a driver gives them that sees neither bytes nor work codes."""
    return [replace(punch, raw=None, work=None) for punch in punches]
