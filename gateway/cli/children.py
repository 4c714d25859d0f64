"""The child processes of the demo: the real commands, and a broker that was found."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

_BROKER_PLACES = ("/usr/sbin", "/usr/local/sbin")
_START_SECONDS = 10.0
_STOP_SECONDS = 10.0
LOOPBACK = "127.0.0.1"


class ChildError(Exception):
    """A child process did not start or ended by itself."""


def free_port(wanted: int) -> int:
    """Return `wanted` if nobody listens there, else any free port."""
    for port in (wanted, 0):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(sock.getsockname()[1])
    raise ChildError("no free port on 127.0.0.1")


def wait_for_port(port: int) -> None:
    """Wait until something listens.

    Raises:
        ChildError: when nothing does in time.
    """
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection((LOOPBACK, port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise ChildError(f"nothing listens on {LOOPBACK}:{port}")


def command() -> str:
    """Return the console script of this installation."""
    beside = Path(sys.executable).with_name("punchgate")
    found = str(beside) if beside.exists() else shutil.which("punchgate")
    if not found:
        raise ChildError("the command punchgate is not installed beside this Python")
    return found


def broker_command(folder: Path, port: int) -> tuple[str, list[str]]:
    """Return the name and command of a broker: mosquitto if found, else iotcore.

    Raises:
        ChildError: when neither is there.
    """
    path = os.pathsep.join([os.environ.get("PATH", ""), *_BROKER_PLACES])
    mosquitto = shutil.which("mosquitto", path=path)
    if mosquitto:
        config = folder / "mosquitto.conf"
        # Small packets at once: collecting them would cost 40 ms per punch.
        lines = [f"listener {port} {LOOPBACK}", "allow_anonymous true"]
        config.write_text("\n".join([*lines, "set_tcp_nodelay true\n"]), "utf-8")
        return "mosquitto", [mosquitto, "-c", str(config)]
    if find_spec("iotcore"):
        options = ["--listen", LOOPBACK, "--port", str(port)]
        return "iotcore", [sys.executable, "-m", "iotcore", *options]
    raise ChildError(
        "no MQTT broker: install mosquitto, or iotcore into this environment"
    )


class Child:
    """One child process; its output goes to a file and, line by line, to a callable."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        log: Path,
        environment: dict[str, str],
        heard: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.name = name
        self._arguments = list(arguments)
        self._log = log
        self._environment = environment
        self._heard = heard
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start it in a session of its own: Ctrl-C reaches the demo alone."""
        self._process = subprocess.Popen(  # noqa: S603 - our own command or a broker
            self._arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=self._environment,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        if self._process is None or self._process.stdout is None:
            return
        with self._log.open("a", encoding="utf-8") as log:
            for line in self._process.stdout:
                log.write(line)
                log.flush()
                self._heard(line.rstrip("\n"))

    def check(self) -> None:
        """Raise `ChildError` if it has ended."""
        if self._process is not None and self._process.poll() is not None:
            raise ChildError(
                f"{self.name} ended with {self._process.returncode}; see {self._log}"
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        if self._process is not None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.signal(signal.SIGKILL)
        self._gone()

    def stop(self) -> None:
        """Ask it to end, and make it if it does not."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._gone()

    def _gone(self) -> None:
        if self._process is None:
            return
        self._process.wait()
        if self._reader is not None:
            self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
