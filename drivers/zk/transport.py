"""Frames over TCP and over UDP, with a deadline on every wait.

Both ends of the difference are here: a TCP stream cut anywhere becomes frames, a
damaged frame ends the connection; a damaged datagram is as if it had been lost.
"""

import asyncio
import os
import socket
from collections import deque
from typing import Protocol, cast

from drivers.base import Address, ProtocolError, SilentError, TerminalError
from drivers.zk.packets import Frame, FrameSplitter

# Bytes may drip, but a frame must be whole after so many deadlines.
_PATIENCE = 6
_UDP_RECEIVE_BYTES = 1 << 21


class Link(Protocol):
    """A way for frames. `lossy` says that frames may vanish without a trace."""

    lossy: bool

    def send(self, frame: Frame) -> None:
        """Send a frame.

        Raises:
            TerminalError: the way is broken.
        """
        ...

    async def receive(self, seconds: float) -> Frame:
        """Return the next frame.

        Raises:
            SilentError: nothing came for so long.
            ProtocolError: what came is no frame; the way is of no further use.
            TerminalError: the way is broken.
        """
        ...

    def close(self) -> None:
        """Leave; may be called twice."""
        ...


class _Queue:
    """Frames that came and nobody took yet, and why no more will come."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._failure: TerminalError | None = None
        self._waiter: asyncio.Future[None] | None = None

    def check(self) -> None:
        """Raise what broke the way, once every frame before it is taken."""
        if self._failure is not None and not self._frames:
            raise self._failure

    async def receive(self, seconds: float) -> Frame:
        """Return the next frame; see `Link.receive`."""
        loop = asyncio.get_running_loop()
        latest = loop.time() + seconds * _PATIENCE
        while not self._frames:
            self.check()
            self._waiter = loop.create_future()
            try:
                async with asyncio.timeout_at(min(loop.time() + seconds, latest)):
                    await self._waiter
            except TimeoutError:
                raise SilentError(f"nothing came for {seconds:g} s") from None
        return self._frames.popleft()

    def _come(self, frames: list[Frame], failure: TerminalError | None = None) -> None:
        self._frames += frames
        self._failure = self._failure or failure
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class TcpLink(_Queue, asyncio.Protocol):
    """Frames in a TCP stream."""

    lossy = False

    def __init__(self) -> None:
        super().__init__()
        self._splitter = FrameSplitter()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out; answers are small and must not wait for each other."""
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a refusal comes out behind the frames before it."""
        frames: list[Frame] = []
        try:
            while bodies := self._splitter.split(data):
                for body in bodies:
                    frames.append(Frame.from_bytes(body))  # noqa: PERF401 - kept if one raises
                data = b""
        except ProtocolError as error:
            self._come(frames, error)
            self.close()
        else:
            self._come(frames)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say how it ended: in the middle of a frame, by force, or politely."""
        why = "the terminal closed the connection"
        if self._splitter.pending:
            why += " in the middle of an answer"
        if exc is not None:
            why = f"the connection broke: {_words(exc)}"
        self._come([], TerminalError(why))

    def send(self, frame: Frame) -> None:
        """Send a frame; see `Link.send`."""
        self.check()
        if self._transport is not None:
            self._transport.write(frame.to_tcp())

    def close(self) -> None:
        """Leave; see `Link.close`."""
        if self._transport is not None:
            self._transport.close()


class UdpLink(_Queue, asyncio.DatagramProtocol):
    """One frame per datagram; a damaged one is dropped as if it had been lost."""

    lossy = True

    def __init__(self) -> None:
        super().__init__()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way out, and room for a whole answer that comes at once."""
        self._transport = cast("asyncio.DatagramTransport", transport)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UDP_RECEIVE_BYTES)

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Take a datagram; the socket is connected, so it is the terminal's."""
        del addr
        try:
            frame = Frame.from_bytes(data)
        except ProtocolError:
            return
        self._come([frame])

    def error_received(self, exc: Exception) -> None:
        """Note that nobody listens there."""
        self._come([], TerminalError(f"the terminal is not there: {_words(exc)}"))

    def send(self, frame: Frame) -> None:
        """Send a frame; see `Link.send`."""
        self.check()
        if self._transport is not None:
            self._transport.sendto(frame.to_bytes())

    def close(self) -> None:
        """Leave; see `Link.close`."""
        if self._transport is not None:
            self._transport.close()


async def connect(address: Address) -> Link:
    """Open a way to a terminal.

    Raises:
        TerminalError: the name is unknown, nobody listens, or no answer in time.
    """
    loop = asyncio.get_running_loop()
    where = f"{address.host}:{address.port}"
    try:
        async with asyncio.timeout(address.timeout_seconds):
            if address.transport == "udp":
                _, datagrams = await loop.create_datagram_endpoint(
                    UdpLink, remote_addr=(address.host, address.port)
                )
                return datagrams
            _, stream = await loop.create_connection(
                TcpLink, address.host, address.port
            )
            return stream
    except TimeoutError:
        raise SilentError(
            f"no connection to {where} within {address.timeout_seconds:g} s"
        ) from None
    except (OSError, ValueError, OverflowError) as error:
        # No name, or no port: Python refuses some before the system is asked.
        raise TerminalError(f"no connection to {where}: {_words(error)}") from None


def _words(error: Exception) -> str:
    """Return the system's own words; those of asyncio name no reason."""
    if isinstance(error, socket.gaierror) and error.strerror:
        return error.strerror
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else str(error)
