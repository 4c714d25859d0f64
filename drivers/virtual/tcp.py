"""The terminal's TCP port: connections, their frames in and out, and who is hung up on.

Whoever has not said CONNECT takes nobody's place, and of those only the youngest stay.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from drivers.base import ProtocolError
from drivers.virtual.clients import Client, Clients
from drivers.virtual.config import VirtualConfig
from drivers.virtual.wire import PowerLostError, Wire
from drivers.zk.packets import Frame, FrameSplitter

_READ_BYTES = 65536
# No request is longer; what says so is no client.
_MOST_PENDING = 65536
_MOST_STRANGERS = 64
_WRITES_AT_ONCE = 64

Start = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class TcpPort:
    """Serves TCP clients. `start` runs a task the terminal ends with itself."""

    def __init__(
        self,
        config: VirtualConfig,
        clients: Clients,
        wire: Wire,
        start: Start,
        power_lost: Callable[[], None],
    ) -> None:
        self._config = config
        self._clients = clients
        self._wire = wire
        self._start = start
        self._power_lost = power_lost
        self._server: asyncio.Server | None = None
        # In the order they came; those with a place are among them.
        self._open: dict[Client, asyncio.StreamWriter] = {}

    async def listen(self, port: int) -> int:
        """Bind a port, 0: a free one, and return its number.

        Raises:
            OSError: it is not to be had.
        """
        # Known before it serves: whoever stops it in between must find its socket.
        server = self._server = await asyncio.start_server(
            self._accept, self._config.host, port, start_serving=False
        )
        found = int(server.sockets[0].getsockname()[1])
        try:
            await server.start_serving()
        except OSError:
            server.close()
            raise
        return found

    def unplug(self) -> None:
        """Close the port and drop every client as a terminal without power does."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._open.values()):
            writer.transport.abort()

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if not self._clients.room():
            writer.close()
            return
        strangers = [one for one in self._open if not one.session.connected]
        if len(strangers) >= _MOST_STRANGERS:
            self._open[strangers[0]].transport.abort()
        client = self._clients.new(writer.transport.abort)
        self._open[client] = writer
        self._start(self._host(client, reader, writer))

    async def _host(
        self,
        client: Client,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Serve one client until it or the power has gone."""
        sender = self._start(self._send(client, writer))
        try:
            await self._converse(client, reader)
            client.finish()
            await sender
        except (OSError, ProtocolError):
            writer.transport.abort()
        finally:
            self._open.pop(client, None)
            self._clients.leave(client)
            sender.cancel()
            writer.close()
            await asyncio.gather(sender, writer.wait_closed(), return_exceptions=True)

    async def _converse(self, client: Client, reader: asyncio.StreamReader) -> None:
        """Answer until the client leaves; a damaged request is as if it never came.

        Raises:
            ProtocolError: what came is no frame, or too long for a request.
        """
        splitter = FrameSplitter()
        while data := await reader.read(_READ_BYTES):
            for body in splitter.split(data):
                try:
                    frame = Frame.from_bytes(body)
                except ProtocolError:
                    continue
                answer = self._clients.answer(client, frame)
                if answer is None or client.gone:
                    return
                await client.put(answer)
                if client.session.ended:
                    return
            splitter.split(b"")  # what is no frame behind the last one is told now
            if splitter.pending > _MOST_PENDING:
                raise ProtocolError("a request longer than any")

    async def _send(self, client: Client, writer: asyncio.StreamWriter) -> None:
        """Send what waits, in order, until there is nothing more to come."""
        try:
            while (frames := await client.take()) is not None:
                glued: list[bytes] = []
                for frame in frames:
                    try:
                        data = await self._wire.tcp(frame)
                    except PowerLostError as lost:
                        await self._write(writer, b"".join((*glued, lost.half)))
                        self._power_lost()
                        return
                    if self._config.faults.coalesce:
                        glued.append(data)
                        continue
                    await self._write(writer, data)
                    if self._wire.gap_seconds:
                        await asyncio.sleep(self._wire.gap_seconds)
                await self._write(writer, b"".join(glued))
        finally:
            client.leave()

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        step = self._config.faults.split_bytes or len(data) or 1
        for number, at in enumerate(range(0, len(data), step), 1):
            writer.write(data[at : at + step])
            await writer.drain()
            if number % _WRITES_AT_ONCE == 0:
                await asyncio.sleep(0)
