"""Real brokers as child processes, for tests, end-to-end runs and benchmarks."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, Self

_PLACES = ("/usr/sbin", "/usr/local/sbin")
_READY_SECONDS = 20.0
# Below what the kernel gives to whoever asks for any port, or connects, and above what
# demos choose from; every worker of one run has its own share, or two could be given a
# port nobody has bound yet.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PORTS = range(
    20_000 + _WORKER,
    32_768,
    max(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")), _WORKER + 1),
)
_given: set[int] = set()


class BrokerError(RuntimeError):
    """The broker did not start; what it said is in the text."""


class BrokerProcess(Protocol):
    """A broker on loopback that can be ended in every way."""

    port: int

    def start(self) -> None:
        """Start and wait until it listens."""

    def stop(self) -> None:
        """End it politely."""

    def kill(self) -> None:
        """End it at once, as a power cut would."""


def free_port() -> int:
    """Return a loopback port, free for TCP and UDP, that stays free until it is used.

    Nobody gets it by asking for any port, and this process is given it once.
    """
    while True:
        port = random.SystemRandom().choice(_PORTS)
        if port not in _given and _free(port):
            _given.add(port)
            return port


def _free(port: int) -> bool:
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        try:
            for sock in (stream, datagrams):
                sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def mosquitto_path() -> str | None:
    """Return where mosquitto is, or None."""
    return shutil.which("mosquitto") or shutil.which(
        "mosquitto", path=os.pathsep.join(_PLACES)
    )


class _Child:
    """A broker child: started, watched until a line says it listens, ended."""

    def __init__(self, command: Sequence[str], ready: str) -> None:
        self._command = command
        self._ready_word = ready
        self._child: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._ready = threading.Event()
        self.lines: list[str] = []

    def start(self) -> None:
        self._ready.clear()
        self._child = subprocess.Popen(
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(_READY_SECONDS) or self._child.poll() is not None:
            self.end(kill=True)
            raise BrokerError("\n".join(self.lines[-20:]))

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        if self._child is not None:
            self._child.send_signal(number)

    def end(self, *, kill: bool) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if kill:
            child.kill()
        else:
            child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait(5)
        if self._reader is not None:
            self._reader.join(10)
        if child.stdout is not None:
            child.stdout.close()

    def _read(self) -> None:
        child = self._child
        if child is None or child.stdout is None:
            return
        for line in child.stdout:
            self.lines.append(line.rstrip())
            if self._ready_word in line:
                self._ready.set()
        self._ready.set()


class Mosquitto:
    """Mosquitto with a generated configuration, without persistence.

    Args:
        folder: for its configuration.
        acl: text of an ACL file; None: everything is allowed.
        settings: further configuration lines.
        port: None: a free one, kept over restarts.
    """

    def __init__(
        self,
        folder: Path,
        *,
        acl: str | None = None,
        settings: Sequence[str] = (),
        port: int | None = None,
    ) -> None:
        self.port = port or free_port()
        self._folder = folder
        self._acl = acl
        self._settings = settings
        self._child: _Child | None = None

    def start(self) -> None:
        """Start and wait until it listens."""
        path = mosquitto_path()
        if path is None:
            raise BrokerError("mosquitto is absent")
        self._child = _Child([path, "-c", str(self._configuration())], " running")
        self._child.start()

    def stop(self) -> None:
        """End it politely."""
        if self._child is not None:
            self._child.end(kill=False)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._child is not None:
            self._child.end(kill=True)

    def subscribed(self, topic: str) -> bool:
        """Say whether somebody has subscribed to just this filter since it started."""
        lines = self._child.lines if self._child is not None else []
        return any(line.endswith(f" {topic}") for line in list(lines))

    def restart(self) -> None:
        """Kill it and start it on the same port, with everything forgotten."""
        self.kill()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _configuration(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        lines = [
            f"listener {self.port} 127.0.0.1",
            "allow_anonymous true",
            "set_tcp_nodelay true",
            "persistence false",
            "log_dest stderr",
            "log_type information",
            "log_type notice",
            "log_type error",
            "log_type warning",
            "log_type subscribe",
            *self._settings,
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # it would give up the right to read its files
        if self._acl is not None:
            acl = self._folder / f"acl-{self.port}"
            acl.write_text(self._acl)
            lines.append(f"acl_file {acl}")
        path = self._folder / f"mosquitto-{self.port}.conf"
        path.write_text("\n".join(lines) + "\n")
        return path


class Iotcore:
    """The broker from the `iotcore` wheel: MQTT 3.1.1, memory only."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        command = ["-m", "iotcore", "--listen", "127.0.0.1", "--port", str(self.port)]
        self._child = _Child([sys.executable, *command], "Listening for remote")

    def start(self) -> None:
        """Start and wait until it listens."""
        self._child.start()

    def stop(self) -> None:
        """End it politely."""
        self._child.end(kill=False)

    def kill(self) -> None:
        """End it at once."""
        self._child.end(kill=True)

    def restart(self) -> None:
        """Kill it and start it on the same port."""
        self.kill()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
