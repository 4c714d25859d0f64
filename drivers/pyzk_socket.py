"""The socket pyzk believes it has: whole frames, checked, with a deadline.

pyzk takes one `recv` for one frame, checks neither checksum nor reply id, reads an
event as an answer and spins for ever when the terminal hangs up (zk-protocol 8.1).
What goes wrong here is kept in `failure`, because pyzk turns errors into other errors.
"""

import asyncio
import contextlib
import os
import selectors
import socket
import time
from collections import deque
from typing import NoReturn

from drivers.base import Address, ProtocolError, TerminalError
from drivers.zk.commands import Command, Reply
from drivers.zk.packets import PREFIX_BYTES, Frame, FrameSplitter

_READ_BYTES = 65536


async def dial(address: Address) -> "FrameSocket":
    """Connect within the address's timeout.

    Raises:
        TerminalError: nobody answers there.
    """
    where = f"{address.host}:{address.port}"
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(address.timeout_seconds):
            family, kind, number, _, place = (
                await loop.getaddrinfo(
                    address.host, address.port, type=socket.SOCK_STREAM
                )
            )[0]
            with contextlib.ExitStack() as opened:
                connection = opened.enter_context(socket.socket(family, kind, number))
                connection.setblocking(False)
                # An event's acknowledgement must not wait behind the next request.
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await loop.sock_connect(connection, place)
                waker, sleeper = socket.socketpair()
                opened.pop_all()
    except TimeoutError as error:
        raise TerminalError(
            f"no answer from {where} within {address.timeout_seconds:g} s"
        ) from error
    except OSError as error:
        raise TerminalError(f"no connection to {where}: {_why(error)}") from error
    return FrameSocket(connection, waker, sleeper, address.timeout_seconds)


def _why(error: OSError) -> str:
    """Return the system's words; asyncio puts «Connect call failed» before them."""
    number = error.errno or 0
    return os.strerror(number) if number > 0 else str(error.strerror or error)


class FrameSocket:
    """What pyzk calls of a socket, and what listening for events needs besides.

    One thread at a time, except `wake` and `abort`, which any thread may call.
    """

    def __init__(
        self,
        connection: socket.socket,
        waker: socket.socket,
        sleeper: socket.socket,
        timeout_seconds: float,
    ) -> None:
        self._connection = connection
        self._waker = waker
        self._sleeper = sleeper
        self._timeout_seconds = timeout_seconds
        self._splitter = FrameSplitter()
        self._answers: deque[Frame] = deque()
        self._rest = b""
        self._deadline = 0.0
        self._asked = Frame(0, 0, 0)
        self._session = 0
        self._event_seen = False
        self.last_reply = 0
        self.last_asked = 0
        self.failure: TerminalError | None = None

    def send(self, data: bytes) -> int:
        """Send all of one request; what is left of the last answer is dropped."""
        self._refuse_if_failed()
        self._asked = Frame.from_bytes(data[PREFIX_BYTES:])
        self.last_asked = self._asked.command
        self._rest = b""
        self._send(data)
        self._renew_deadline()
        return len(data)

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes of one frame, the rest of it at the next call."""
        self._refuse_if_failed()
        if not self._rest:
            self._rest = self._next_answer().to_tcp()
        part, self._rest = self._rest[:size], self._rest[size:]
        return part

    def wait(self, seconds: float) -> bool:
        """Wait for an event; True when one came, also since the last call.

        Raises:
            TerminalError: the terminal has gone or sent what nobody asked for.
        """
        self._refuse_if_failed()
        end = time.monotonic() + seconds
        with selectors.DefaultSelector() as ready:
            ready.register(self._connection, selectors.EVENT_READ)
            ready.register(self._sleeper, selectors.EVENT_READ)
            while not self._event_seen:
                left = end - time.monotonic()
                keys = [key.fileobj for key, _ in ready.select(max(0.0, left))]
                if self._sleeper in keys:
                    self._sleeper.recv(_READ_BYTES)
                    return False
                if self._connection in keys:
                    self._renew_deadline()
                    self._pump()
                elif left <= 0:
                    return False
                if self._answers:
                    self._fail(ProtocolError("an answer came without a question"))
        self._event_seen = False
        return True

    def hurry(self, seconds: float) -> None:
        """Give the terminal no longer than this from now on."""
        self._timeout_seconds = min(seconds, self._timeout_seconds)

    def wake(self) -> None:
        """End a `wait` in another thread."""
        with contextlib.suppress(OSError):
            self._waker.send(b"\0")

    def abort(self) -> None:
        """Break the connection under a call in another thread."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close everything; may be called twice."""
        for part in (self._connection, self._waker, self._sleeper):
            part.close()

    def _next_answer(self) -> Frame:
        while not self._answers:
            self._pump()
        frame = self._answers.popleft()
        self._renew_deadline()
        self.last_reply = frame.command
        if frame.reply_id != self._asked.reply_id:
            self._fail(
                ProtocolError(
                    f"an answer to request {frame.reply_id} came where request "
                    f"{self._asked.reply_id} was asked",
                    frame.to_bytes(),
                )
            )
        if self._asked.command == Command.CONNECT:
            self._session = frame.session
            if frame.command == Reply.SECURE:
                self._fail(
                    ProtocolError(
                        "secure firmware (it answered 6001): use ADMS push or change "
                        "the terminal's connection mode",
                        frame.to_bytes(),
                    )
                )
        return frame

    def _pump(self) -> None:
        """Read once; put answers aside, acknowledge events and remember them."""
        try:
            frames = self._splitter.feed(b"") or self._splitter.feed(self._read())
        except ProtocolError as error:
            self._fail(error)
        for frame in frames:
            if frame.command == Command.REGISTER_EVENT and frame.reply_id == 0:
                self._event_seen = True
                self._send(Frame(Reply.OK, self._session, 0).to_tcp())
            else:
                self._answers.append(frame)

    def _read(self) -> bytes:
        left = self._deadline - time.monotonic()
        try:
            self._connection.settimeout(max(left, 0.001))
            data = self._connection.recv(_READ_BYTES)
        except TimeoutError:
            self._fail(TerminalError(f"no answer within {self._timeout_seconds:g} s"))
        except OSError as error:
            self._fail(TerminalError(f"the connection broke: {error.strerror}"))
        if not data:
            self._fail(TerminalError("the terminal closed the connection"))
        return data

    def _send(self, data: bytes) -> None:
        try:
            self._connection.settimeout(self._timeout_seconds)
            self._connection.sendall(data)
        except TimeoutError:
            self._fail(TerminalError("the terminal takes no more bytes"))
        except OSError as error:
            self._fail(TerminalError(f"the connection broke: {error.strerror}"))

    def _renew_deadline(self) -> None:
        self._deadline = time.monotonic() + self._timeout_seconds

    def _refuse_if_failed(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _fail(self, error: TerminalError) -> NoReturn:
        self.failure = error
        raise error
