"""Who speaks with the terminal now, over TCP and UDP together, and who gets no place.

A place is taken by CONNECT and given back at the end of the session. A UDP client that
vanished cannot say so: the one silent longest loses its place when another wants it.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from drivers.virtual.config import VirtualConfig
from drivers.virtual.datasets import Outgoing
from drivers.virtual.device import Device
from drivers.virtual.session import Session
from drivers.zk.commands import Command
from drivers.zk.events import PunchEvent
from drivers.zk.packets import Frame

MOST_SESSIONS: Final = 8

_FIRST_SESSION, _LAST_SESSION = 0x2A01, 0xFFFE
# Frames that may wait for a client. Above the first number no more TCP requests are
# read, above the second one what cannot wait (events, datagrams) is lost.
_PAUSED_ABOVE, _LOST_ABOVE = 256, 16384


class Client:
    """One client: its session, and its frames that wait to go out in order.

    `drop` ends it from the terminal's side, `gone` says that nobody is there to send
    to any more. `unheard` counts datagrams since the client last asked something with
    nothing on its way.
    """

    def __init__(self, session: Session, drop: Callable[[], None]) -> None:
        self.session = session
        self.drop = drop
        self.heard = 0.0
        self.unheard = 0
        self.gone = False
        self.waiting = 0
        self._taken = 0
        self._outgoing: asyncio.Queue[list[Outgoing] | None] = asyncio.Queue()
        self._room = asyncio.Event()
        self._room.set()

    async def put(self, frames: list[Outgoing]) -> None:
        """Queue frames once there is room, or once nobody wants them."""
        await self._room.wait()
        self._push(frames)

    def offer(self, frames: list[Outgoing]) -> None:
        """Queue frames, or lose them when the client does not read what it gets."""
        if not self.waiting or self.waiting + len(frames) <= _LOST_ABOVE:
            self._push(frames)

    def finish(self) -> None:
        """Say that nothing more will come."""
        self._outgoing.put_nowait(None)

    async def take(self) -> list[Outgoing] | None:
        """Return the next frames to send, None when nothing more will come.

        Those before count as sent from now on.
        """
        self.waiting -= self._taken
        self._taken = 0
        if self.waiting <= _PAUSED_ABOVE:
            self._room.set()
        frames = await self._outgoing.get()
        self._taken = len(frames or ())
        return frames

    def leave(self) -> None:
        """Nobody is there any more: whoever waits for room need not."""
        self.gone = True
        self._room.set()

    def _push(self, frames: list[Outgoing]) -> None:
        self.waiting += len(frames)
        if self.waiting > _PAUSED_ABOVE and not self.gone:
            self._room.clear()
        self._outgoing.put_nowait(frames)


class Clients:
    """All clients with a place."""

    def __init__(self, device: Device, config: VirtualConfig) -> None:
        self._device = device
        self._most = 1 if config.faults.single_client else MOST_SESSIONS
        self._idle_seconds = config.udp_idle_seconds
        self._last_id = _LAST_SESSION
        self._inside: list[Client] = []

    def __len__(self) -> int:
        """How many have a place."""
        return len(self._inside)

    @property
    def reading(self) -> int:
        """How many have data prepared."""
        return sum(client.session.reading for client in self._inside)

    def new(self, drop: Callable[[], None], *, datagrams: bool = False) -> Client:
        """Return a client without a place yet; `drop` ends it from this side."""
        last = self._last_id
        self._last_id = last + 1 if last < _LAST_SESSION else _FIRST_SESSION
        session = Session(self._device, self._last_id, datagrams=datagrams)
        return Client(session, drop)

    def answer(self, client: Client, frame: Frame) -> list[Outgoing] | None:
        """Frames that answer this one; None for a CONNECT there is no place for."""
        client.heard = asyncio.get_running_loop().time()
        inside = client in self._inside
        if frame.command == Command.CONNECT and not inside and not self.room():
            return None
        frames = client.session.answer(frame)
        if client.session.connected and not inside:
            self._inside.append(client)
        if client.session.ended:
            self.leave(client)
        return frames

    def room(self) -> bool:
        """Return whether one more gets a place, if need be that of a silent one."""
        if len(self._inside) < self._most:
            return True
        silent = min(self._datagrams(), key=lambda one: one.heard, default=None)
        latest = asyncio.get_running_loop().time() - self._idle_seconds
        if silent is None or silent.heard > latest:
            return False
        self.leave(silent)
        silent.drop()
        return True

    def leave(self, client: Client) -> None:
        """Give a place back, if the client has one."""
        if client in self._inside:
            self._inside.remove(client)

    def announce(self, punch: PunchEvent) -> None:
        """Tell every client that registered."""
        for client in self._inside:
            if client.session.listening:
                client.offer([client.session.event(punch)])

    def _datagrams(self) -> Iterator[Client]:
        return (one for one in self._inside if one.session.datagrams)
