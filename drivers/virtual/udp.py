"""The terminal's UDP port: one frame per datagram, clients known by their address.

A datagram has no back-pressure, so a long answer pauses now and then: a client that
reads slowly would lose its rest from a full socket buffer.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from drivers.base import ProtocolError
from drivers.virtual.clients import Client, Clients
from drivers.virtual.config import VirtualConfig
from drivers.virtual.session import Session
from drivers.virtual.tcp import Start
from drivers.virtual.wire import PowerLostError, Wire
from drivers.zk.commands import Command
from drivers.zk.packets import Frame

# Linux gives a socket 208 KiB unasked, which is room for some 90 datagrams of 1 KiB.
_UNPACED, _STEP = 32, 8
# Clients that join what came anew for every datagram get slower the more came: zklib
# 0.2.11 needs about a millisecond for each at 60,000 records.
_PAUSE_SECONDS, _MORE_SECONDS = 0.004, 5e-6


class UdpPort(asyncio.DatagramProtocol):
    """Serves UDP clients. `start` runs a task the terminal ends with itself."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a port shares with the other
        self,
        config: VirtualConfig,
        clients: Clients,
        wire: Wire,
        start: Start,
        power_lost: Callable[[], None],
        stranger: Session,
    ) -> None:
        self._config = config
        self._clients = clients
        self._wire = wire
        self._start = start
        self._power_lost = power_lost
        self._stranger = stranger
        self._transport: asyncio.DatagramTransport | None = None
        self._known: dict[Any, Client] = {}

    async def listen(self, port: int) -> int:
        """Bind a port, 0: a free one, and return its number.

        Raises:
            OSError: it is not to be had.
        """
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=(self._config.host, port)
        )
        self._transport = transport
        return int(transport.get_extra_info("sockname")[1])

    def unplug(self) -> None:
        """Close the port and forget every client."""
        if self._transport is not None:
            self._transport.abort()
        for client in list(self._known.values()):
            client.leave()
            client.drop()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Answer one datagram; a damaged one is as if it had been lost."""
        try:
            frame = Frame.from_bytes(data)
        except ProtocolError:
            return
        client = self._known.get(addr)
        if client is None and frame.command != Command.CONNECT:
            self._answer_stranger(frame, addr)
            return
        if client is None:
            client = self._clients.new(lambda: self._forget(addr), datagrams=True)
        answer = self._clients.answer(client, frame)
        if answer is None:
            return
        if addr not in self._known:
            self._known[addr] = client
            self._start(self._send(client, addr))
        if not client.waiting:
            client.unheard = 0
        client.offer(answer)
        if client.session.ended or not client.session.connected:
            self._forget(addr)

    def _answer_stranger(self, frame: Frame, addr: Any) -> None:
        """Say to who has no session that it has none."""
        for reply in self._stranger.answer(frame):
            if isinstance(reply, Frame):
                self._put(reply.to_bytes(), addr)

    def _forget(self, addr: Any) -> None:
        """Give up a client once what waits for it has gone out."""
        client = self._known.pop(addr, None)
        if client is not None:
            self._clients.leave(client)
            client.finish()

    async def _send(self, client: Client, addr: Any) -> None:
        while (frames := await client.take()) is not None:
            for frame in frames:
                try:
                    data = await self._wire.udp(frame)
                except PowerLostError:
                    self._power_lost()
                    return
                if client.gone:
                    return
                self._put(data, addr)
                await self._pace(client)

    def _put(self, data: bytes, addr: Any) -> None:
        """Send a datagram; an empty one got lost on the way."""
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, addr)

    async def _pace(self, client: Client) -> None:
        """Wait as a slow client needs it that has not asked since this all began."""
        client.unheard += 1
        if self._wire.gap_seconds:
            await asyncio.sleep(self._wire.gap_seconds)
        elif client.unheard > _UNPACED and client.unheard % _STEP == 0:
            await asyncio.sleep(_PAUSE_SECONDS + client.unheard * _MORE_SECONDS)
