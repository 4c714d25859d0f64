"""Requests and replies on one connection: a session and the link it runs over."""

import asyncio
import codecs
import contextlib

from drivers.base import Address, Announcement, SilentError, TerminalError
from drivers.zk.commands import Command
from drivers.zk.packets import Frame
from drivers.zk.session import Session
from drivers.zk.transport import Link, connect

_TCP_WINDOW, _UDP_WINDOW = 65472, 16384
_UDP_ATTEMPTS = 3
_GOODBYE_SECONDS = 1.0
# Events and strays come between; for a reply nobody waits longer than this many times
# the time of a single wait.
_PATIENCE = 6


class Conversation:
    """One connection to one terminal. No method may be called by two tasks at once."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._session = Session(address.encoding)
        self._link: Link | None = None

    async def open(self) -> Frame:
        """Connect and say hello; return the terminal's answer to it.

        Raises:
            TerminalError: nobody there, no answer, or no such encoding.
        """
        try:
            codecs.lookup(self.address.encoding)
        except LookupError as error:
            raise TerminalError(f"no encoding {self.address.encoding!r}") from error
        self._session = Session(self.address.encoding)
        self._link = await connect(self.address)
        reply = await self.ask(Command.CONNECT)
        self._session.id = reply.session
        return reply

    @property
    def session_id(self) -> int:
        """What the terminal called this session."""
        return self._session.id

    @property
    def lossy(self) -> bool:
        """Whether frames may vanish, come twice or overtake each other."""
        return self._opened().lossy

    @property
    def attempts(self) -> int:
        """How often a request is sent before its silence counts."""
        return _UDP_ATTEMPTS if self.lossy else 1

    @property
    def window(self) -> int:
        """Bytes of a data set to ask for at once."""
        return _UDP_WINDOW if self.lossy else _TCP_WINDOW

    async def ask(self, command: int, data: bytes = b"") -> Frame:
        """Send a request and return the first reply to it.

        Raises:
            SilentError: none came, over UDP also when asked again.
            TerminalError: the connection is broken.
        """
        link = self._opened()
        for _ in range(self.attempts - 1):
            with contextlib.suppress(SilentError):
                link.send(self._session.request(command, data))
                return await self.more(command)
        link.send(self._session.request(command, data))
        return await self.more(command)

    async def more(self, command: int) -> Frame:
        """Return the next reply to the last request, which was `command`."""
        link = self._opened()
        seconds = self.address.timeout_seconds / self.attempts
        loop = asyncio.get_running_loop()
        latest = loop.time() + seconds * _PATIENCE
        try:
            while loop.time() < latest:
                frame = await link.receive(seconds)
                if self._take(link, frame):
                    return frame
        except SilentError:
            pass
        raise SilentError(self._session.silence(command, seconds))

    async def wait(self, seconds: float) -> list[Announcement]:
        """Return what was announced; when nothing was yet, wait for it."""
        link = self._opened()
        announced = self._session.announced
        loop = asyncio.get_running_loop()
        latest = loop.time() + seconds
        with contextlib.suppress(SilentError):
            while not announced and (left := latest - loop.time()) > 0:
                self._take(link, await link.receive(left))
        found = list(announced)
        announced.clear()
        return found

    async def close(self) -> None:
        """Say goodbye where that still makes sense, and leave."""
        link, self._link = self._link, None
        if link is None:
            return
        try:
            # One deadline for all of it: a flood of other frames holds nobody up.
            with contextlib.suppress(TerminalError, TimeoutError):
                async with asyncio.timeout(_GOODBYE_SECONDS):
                    link.send(self._session.request(Command.EXIT))
                    while not self._take(link, await link.receive(_GOODBYE_SECONDS)):
                        pass
        finally:
            link.close()

    def _opened(self) -> Link:
        if self._link is None:
            raise TerminalError("the terminal is not open")
        return self._link

    def _take(self, link: Link, frame: Frame) -> bool:
        """Acknowledge an event; return whether a frame is the reply waited for."""
        if frame.command == Command.REGISTER_EVENT:
            link.send(self._session.acknowledgement())
        return self._session.is_reply(frame)
