"""Peers and faulty wires: real sockets on loopback between a driver and a terminal."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from drivers.base import Address
from drivers.zk.commands import Command, EventCode, Reply
from drivers.zk.packets import Frame, FrameSplitter
from drivers.zk.payloads import Sizes, option_reply

SESSION = 0x2B07
SERIAL = "PEER0001"

Answer = Callable[[Frame], Iterable["Frame | bytes"]]
Script = dict[int, Answer]


def reply(
    asked: Frame, command: int = Reply.OK, data: bytes = b"", **fields: Any
) -> Frame:
    """One reply to a request, in the session and under its number."""
    return replace(Frame(command, SESSION, asked.reply_id, data), **fields)


def says(command: int = Reply.OK, data: bytes = b"", **fields: Any) -> Answer:
    """Answer with one frame, always the same."""
    return lambda asked: [reply(asked, command, data, **fields)]


def windows(
    data: bytes, *, step: int = 1 << 20, numbered: bool = False
) -> Callable[[Frame], list[Frame]]:
    """Answer buffer reads from `data` in frames of `step` bytes."""

    def answer(asked: Frame) -> list[Frame]:
        at = int.from_bytes(asked.data[:4], "little")
        size = int.from_bytes(asked.data[4:8], "little")
        part = data[at : at + size]
        return announced(asked, part, step=step, numbered=numbered)

    return answer


def announced(
    asked: Frame, part: bytes, *, step: int = 1 << 20, numbered: bool = False
) -> list[Frame]:
    """Return 1500, the data in frames, 2000."""
    frames = [
        reply(
            asked,
            Command.DATA,
            part[at : at + step],
            session=at // step if numbered else SESSION,
        )
        for at in range(0, len(part), step)
    ]
    size = len(part).to_bytes(4, "little")
    return [reply(asked, Command.PREPARE_DATA, size + size), *frames, reply(asked)]


def prepared(size: int, *, shifted: bool = True) -> Answer:
    """Answer a buffer request with a descriptor, in either shape."""
    word = size.to_bytes(4, "little")
    return says(data=b"\0" * shifted + word + word + bytes(4))


def sizes(records: int = 0, users: int = 0) -> Answer:
    """Answer with counts."""
    return says(data=Sizes(records=records, users=users).to_bytes())


USUAL: Script = {
    Command.CONNECT: says(),
    Command.READ_OPTION: says(data=option_reply("~SerialNumber", SERIAL)),
    Command.FREE_SIZES: sizes(),
    Command.FREE_DATA: says(),
    Command.EXIT: says(),
}


def _nothing(_: Frame) -> list[Frame]:
    return []


class Peer:
    """A terminal that answers by a script: a function for each command.

    A command without one is not answered. Frames go out as frames, bytes as they are,
    and empty bytes hang up.
    """

    def __init__(self, script: Script) -> None:
        self.script = {**USUAL, **script}
        self.port = 0
        self.requests: list[Frame] = []
        self.writers: list[asyncio.StreamWriter] = []

    def of(self, command: int) -> list[Frame]:
        """Requests of one command."""
        return [frame for frame in self.requests if frame.command == command]

    def answers(self, frame: Frame) -> list[Frame | bytes]:
        """Return what the script says to a request."""
        self.requests.append(frame)
        return list(self.script.get(frame.command, _nothing)(frame))

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one TCP client until it leaves."""
        splitter = FrameSplitter()
        self.writers.append(writer)
        try:
            while data := await reader.read(65536):
                for frame in splitter.feed(data):
                    for one in self.answers(frame):
                        if one == b"":
                            return
                        writer.write(one.to_tcp() if isinstance(one, Frame) else one)
        except ConnectionError:
            return
        finally:
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        for one in self._peer.answers(Frame.from_bytes(data)):
            body = one.to_bytes() if isinstance(one, Frame) else one
            self._transport.sendto(body, addr)


@asynccontextmanager
async def peer(
    script: Script | None = None, transport: str = "tcp"
) -> AsyncIterator[Peer]:
    """Listen on loopback and answer by a script."""
    made = Peer(script or {})
    loop = asyncio.get_running_loop()
    if transport == "udp":
        way, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(made), local_addr=("127.0.0.1", 0)
        )
        made.port = way.get_extra_info("sockname")[1]
        try:
            yield made
        finally:
            way.close()
        return
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for writer in made.writers:
            writer.close()
        await asyncio.gather(
            *(writer.wait_closed() for writer in made.writers), return_exceptions=True
        )


def at(port: int, **fields: Any) -> Address:
    """Where a peer is; what it does not say is missed soon."""
    return replace(Address("127.0.0.1", port, timeout_seconds=2.0), **fields)


EVENT = Frame(Command.REGISTER_EVENT, EventCode.FINGER, 0)

# What a wire does with one frame of the terminal: the pieces that go on, None: hang up.
Spoil = Callable[[Frame, int], Sequence[bytes | None]]


@dataclass(slots=True)
class Traffic:
    """What went over a wire: bytes both ways, requests, and what the terminal sent."""

    up: int = 0
    down: int = 0
    requests: int = 0
    commands: tuple[int, ...] = ()
    frames: int = 0
    sent: bytes = b""


class Wire:
    """A wire to a terminal that spoils frames on their way to the driver.

    `spoil` gets each frame and its number over all connections. `cut` hangs up after
    so many bytes of the terminal's.
    """

    def __init__(self, port: int, spoil: Spoil | None = None, cut: int = -1) -> None:
        self.traffic = Traffic()
        self.port = 0
        self._far_port = port
        self._spoil = spoil
        self._left = cut
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def tcp(self) -> AsyncIterator["Wire"]:
        """Carry TCP."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            # A task cancelled before its first step has closed nothing.
            for writer in self._writers:
                writer.close()
            closings = (writer.wait_closed() for writer in self._writers)
            await asyncio.gather(*closings, return_exceptions=True)

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._writers.append(writer)
        self._tasks.add(asyncio.create_task(self._carry(reader, writer)))

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            far, out = await asyncio.open_connection("127.0.0.1", self._far_port)
        except (OSError, asyncio.CancelledError):
            writer.close()
            return
        ways = [
            asyncio.create_task(self._up(reader, out)),
            asyncio.create_task(self._down(far, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            writer.close()
            out.close()
            await asyncio.gather(
                writer.wait_closed(), out.wait_closed(), return_exceptions=True
            )

    async def _up(
        self, reader: asyncio.StreamReader, out: asyncio.StreamWriter
    ) -> None:
        splitter = FrameSplitter()
        while data := await reader.read(65536):
            self.traffic.up += len(data)
            for frame in splitter.feed(data):
                if frame.command != Reply.OK:
                    self.traffic.requests += 1
                    self.traffic.commands += (frame.command,)
            out.write(data)

    async def _down(
        self, far: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        splitter = FrameSplitter()
        while data := await far.read(65536):
            self.traffic.down += len(data)
            self.traffic.sent += data
            if self._left >= 0:
                writer.write(data[: self._left])
                await writer.drain()
                self._left -= min(self._left, len(data))
                if not self._left:
                    return
                continue
            if self._spoil is None:
                writer.write(data)
                continue
            for frame in splitter.feed(data):
                pieces = self._spoil(frame, self.traffic.frames)
                self.traffic.frames += 1
                for piece in pieces:
                    if piece is None:
                        return
                    writer.write(piece)
                    await writer.drain()
                    if len(pieces) > 1:
                        await asyncio.sleep(0)

    @asynccontextmanager
    async def udp(self) -> AsyncIterator["Wire"]:
        """Carry UDP, one client at a time."""
        loop = asyncio.get_running_loop()
        near, inner = await loop.create_datagram_endpoint(
            lambda: _Near(self, self._far_port), local_addr=("127.0.0.1", 0)
        )
        self.port = near.get_extra_info("sockname")[1]
        try:
            yield self
        finally:
            near.close()
            inner.close()

    def datagram(self, data: bytes) -> Sequence[bytes | None]:
        """Return what becomes of one datagram of the terminal."""
        self.traffic.down += len(data)
        number = self.traffic.frames
        self.traffic.frames += 1
        if self._spoil is None:
            return [data]
        return self._spoil(Frame.from_bytes(data), number)


class _Near(asyncio.DatagramProtocol):
    """The side of a wire where the client is; a way out for each client."""

    def __init__(self, wire: Wire, far_port: int) -> None:
        self.wire = wire
        self._far_port = far_port
        self._ways: dict[Any, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        frame = Frame.from_bytes(data)
        self.wire.traffic.up += len(data)
        self.wire.traffic.requests += 1
        self.wire.traffic.commands += (frame.command,)
        if addr not in self._ways:
            self._ways[addr] = asyncio.ensure_future(
                asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: _Far(self, addr), remote_addr=("127.0.0.1", self._far_port)
                )
            )
        task = asyncio.ensure_future(self._send(addr, data))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, addr: Any, data: bytes) -> None:
        transport, _ = await asyncio.shield(self._ways[addr])
        transport.sendto(data)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for way in self._ways.values():
            if not way.done():
                way.cancel()
            elif not way.cancelled():
                way.result()[0].close()


class _Far(asyncio.DatagramProtocol):
    def __init__(self, near: _Near, addr: Any) -> None:
        self._near = near
        self._addr = addr

    def datagram_received(self, data: bytes, _addr: Any) -> None:
        for piece in self._near.wire.datagram(data):
            if piece is not None:
                self._near.transport.sendto(piece, self._addr)
