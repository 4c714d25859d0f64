"""A TCP proxy that understands packets and can hold the stream before a chosen one.

This is where the kill test pauses the product: in the transport between its processes,
never inside them. MQTT packets and ZK frames are passed on whole.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

ToServer = bool
Packet = bytes
Chosen = Callable[[ToServer, Packet], bool]
"""(towards the server, packet) → hold the stream before it?"""


def mqtt_length(data: bytes) -> int | None:
    """Return the length of the first MQTT packet, None while it is not known."""
    length, factor = 0, 1
    for index in range(1, min(len(data), 5)):
        length += (data[index] & 0x7F) * factor
        factor *= 128
        if not data[index] & 0x80:
            return 1 + index + length
    return None


def zk_length(data: bytes) -> int | None:
    """Return the length of the first ZK frame, None while it is not known."""
    if len(data) < 8:
        return None
    return 8 + int.from_bytes(data[4:8], "little")


def published_to(packet: Packet) -> str | None:
    """Return the topic of an MQTT PUBLISH, None for another packet."""
    if packet[0] >> 4 != 3:
        return None
    start = 1
    while packet[start] & 0x80:
        start += 1
    size = int.from_bytes(packet[start + 1 : start + 3], "big")
    return packet[start + 3 : start + 3 + size].decode()


def zk_command(packet: Packet) -> int:
    """Return the command of a ZK frame."""
    return int.from_bytes(packet[8:10], "little")


class PausingProxy:
    """Listens on `port` and passes packets between clients and a server."""

    def __init__(self, target: int, length: Callable[[bytes], int | None]) -> None:
        self._target = target
        self._length = length
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._chosen: Chosen | None = None
        self._release = threading.Event()
        self.reached = threading.Event()
        self._sockets: set[socket.socket] = set()
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, chosen: Chosen) -> None:
        """Hold the stream before the next packet that is chosen."""
        with self._lock:
            self.reached.clear()
            self._release = threading.Event()
            self._chosen = chosen

    def release(self) -> None:
        """Let everything pass again; whose end is dead goes nowhere."""
        with self._lock:
            self._chosen = None
            self._release.set()

    def close(self) -> None:
        """Stop; every connection ends."""
        self._closed = True
        self.release()
        self._listener.close()
        for sock in list(self._sockets):
            self._drop(sock)

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target), 5)
            except OSError:
                client.close()
                continue
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sockets.add(sock)
            for source, sink, up in ((client, server, True), (server, client, False)):
                threading.Thread(
                    target=self._pump, args=(source, sink, up), daemon=True
                ).start()

    def _pump(self, source: socket.socket, sink: socket.socket, up: ToServer) -> None:
        with contextlib.suppress(OSError):
            for packet in self._packets(source):
                self._hold(up, packet)
                sink.sendall(packet)
        self._drop(source)
        self._drop(sink)

    def _packets(self, source: socket.socket) -> Iterator[Packet]:
        data = b""
        while chunk := source.recv(1 << 16):
            data += chunk
            while (size := self._length(data)) is not None and len(data) >= size:
                yield data[:size]
                data = data[size:]

    def _hold(self, up: ToServer, packet: Packet) -> None:
        with self._lock:
            held = self._chosen is not None and self._chosen(up, packet)
            release = self._release
            if held:
                self._chosen = None
        if held:
            self.reached.set()
            release.wait()

    def _drop(self, sock: socket.socket) -> None:
        self._sockets.discard(sock)
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()
