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
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_BROKER_PLACES = ("/usr/sbin", "/usr/local/sbin")
_START_SECONDS = 10.0
_STOP_SECONDS = 10.0
_PORTS_TRIED, _PORT_STEP = 100, 10
LOOPBACK = "127.0.0.1"


class ChildError(Exception):
    """A child process did not start or ended by itself."""


@dataclass(frozen=True, slots=True)
class Port:
    """A loopback port that no other demo on this machine takes while this one runs.

    A broker or terminal that is down for a moment leaves its port free for everybody.
    So a name in the kernel is held beside it, which goes when this process ends.
    """

    number: int
    claim: socket.socket

    def release(self) -> None:
        """Let other demos have it."""
        self.claim.close()


def claim_port(wanted: int) -> Port:
    """Claim `wanted`, or the next one in steps of ten that nobody has.

    Raises:
        ChildError: when none can be had.
    """
    for number in range(wanted, wanted + _PORTS_TRIED * _PORT_STEP, _PORT_STEP):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0punchgate-demo-{number}")
            _check_free(number)
        except OSError:
            claim.close()
        else:
            return Port(number, claim)
    raise ChildError(f"no free port near {wanted} on {LOOPBACK}")


def _check_free(number: int) -> None:
    """Raise OSError when somebody listens there or holds the datagram port."""
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stream.bind((LOOPBACK, number))
        datagram.bind((LOOPBACK, number))


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
