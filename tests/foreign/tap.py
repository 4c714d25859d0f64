"""A proxy between a foreign client and the terminal that judges every frame.

It hands a client the next frame only when the client has read the one before. The
terminal's `--frame-gap 4` does the same for clients that take one frame per read, as
long as the machine is idle; tests run on busy ones. Where the kernel does not say how
much is unread, the gap stands alone.
"""

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self

from tests.foreign.wire import PREFIX_BYTES, Judge, cut

Transport = Literal["tcp", "udp"]

_HOST = "127.0.0.1"
_PATIENCE_SECONDS = 20.0
_LOOK_SECONDS = 0.0002
_CHUNK_BYTES = 1 << 16


def unread(transport: Transport, port: int, peer: int | None = None) -> int:
    """Bytes that wait in the receive queue of a local socket, 0 where unknown.

    Args:
        transport: which table of the kernel to look into.
        port: the socket's own port.
        peer: the port at its other end, for TCP.
    """
    try:
        table = Path(f"/proc/net/{transport}").read_text("ascii")
    except OSError:
        return 0
    for line in table.splitlines()[1:]:
        fields = line.split()
        ours, theirs = (int(fields[at].split(":")[1], 16) for at in (1, 2))
        if ours == port and peer in {None, theirs}:
            return int(fields[4].split(":")[1], 16)
    return 0


def _until(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not (done := true()) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    return done


class Tap:
    """Listens on `port` and passes what it judges; one judge per conversation."""

    def __init__(self, transport: Transport, target: int) -> None:
        self.transport = transport
        self.port = 0
        self.judges: list[Judge] = []
        self._target = target
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        if self.transport == "tcp":
            listener = self._own(socket.create_server((_HOST, 0)))
            listener.settimeout(0.05)
            self._run(self._accept, listener)
        else:
            listener = self._own(socket.socket(type=socket.SOCK_DGRAM))
            listener.bind((_HOST, 0))
            self._run(self._datagrams, listener)
        self.port = listener.getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(2 * _PATIENCE_SECONDS)
        for sock in self._sockets:
            sock.close()

    @property
    def problems(self) -> list[str]:
        """What the terminal did wrong, with requests that it never answered.

        Asked when the client has ended; the last answers may still be on their way.
        """
        _until(lambda: not any(judge.unanswered for judge in self.judges))
        found = [problem for judge in self.judges for problem in judge.problems]
        found += [
            f"{judge.unanswered} requests without an answer"
            for judge in self.judges
            if judge.unanswered
        ]
        return found

    @property
    def oddities(self) -> list[str]:
        """What the clients did wrong."""
        return [oddity for judge in self.judges for oddity in judge.oddities]

    def listening(self) -> bool:
        """Wait until a client has registered for events; False: none did."""
        return _until(lambda: any(judge.listening for judge in self.judges))

    def _own(self, sock: socket.socket) -> socket.socket:
        self._sockets.append(sock)
        return sock

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _judge(self) -> Judge:
        self.judges.append(Judge(datagrams=self.transport == "udp"))
        return self.judges[-1]

    def _accept(self, listener: socket.socket) -> None:
        while not self._closing.is_set():
            try:
                client, (_, port) = listener.accept()
            except TimeoutError:
                continue
            server = socket.create_connection((_HOST, self._target), _PATIENCE_SECONDS)
            judge = self._judge()
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(0.05)
                self._own(sock)
            self._run(self._pump, client, server, judge, judge.request, None)
            self._run(self._pump, server, client, judge, judge.reply, port)

    def _pump(
        self,
        source: socket.socket,
        sink: socket.socket,
        judge: Judge,
        look: Callable[[bytes], None],
        reader: int | None,
    ) -> None:
        """Pass frames one way; `reader` is the client's port on the way to it."""
        stream, passed = bytearray(), True
        while chunk := self._receive(source):
            stream += chunk
            try:
                for frame in cut(stream):
                    look(frame)
                    if reader is not None:
                        _until(lambda: not unread("tcp", reader, self.port))
                    passed = passed and self._send(sink, frame)
            except ValueError as error:
                judge.problems.append(str(error))
                break
        if stream:
            judge.problems.append(f"the stream ends with {len(stream)} bytes too few")
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _receive(self, source: socket.socket) -> bytes:
        while not self._closing.is_set():
            try:
                return source.recv(_CHUNK_BYTES)
            except TimeoutError:
                continue
            except OSError:
                break
        return b""

    @staticmethod
    def _send(sink: socket.socket, frame: bytes) -> bool:
        """Send a frame; False when the client has gone, who may leave as it likes."""
        prefix = bytes.fromhex("5050827d") + len(frame).to_bytes(4, "little")
        assert len(prefix) == PREFIX_BYTES
        try:
            sink.settimeout(_PATIENCE_SECONDS)
            sink.sendall(prefix + frame)
        except OSError:
            return False
        return True

    def _datagrams(self, listener: socket.socket) -> None:
        """Pass datagrams; every client address has a socket of its own behind us."""
        behind: dict[int, tuple[socket.socket, Judge]] = {}
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ, None)
            while not self._closing.is_set():
                for key, _ in selector.select(0.05):
                    if key.data is None:
                        data, (_, port) = listener.recvfrom(_CHUNK_BYTES)
                        if port not in behind:
                            server = self._own(socket.socket(type=socket.SOCK_DGRAM))
                            server.connect((_HOST, self._target))
                            selector.register(server, selectors.EVENT_READ, port)
                            behind[port] = server, self._judge()
                        server, judge = behind[port]
                        judge.request(data)
                        server.send(data)
                    else:
                        server, judge = behind[key.data]
                        data = server.recv(_CHUNK_BYTES)
                        judge.reply(data)
                        port = key.data
                        _until(lambda port=port: not unread("udp", port))  # type: ignore[misc]
                        listener.sendto(data, (_HOST, port))
