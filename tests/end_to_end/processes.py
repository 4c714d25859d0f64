"""A whole site of real processes on loopback, and the checker that trusts none of them.

Ids are computed here from the terminal's file, and read from the journal and the centre
by `sqlite3`; nothing of the product is asked or imported.
"""

import base64
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests import log_grammar
from tests.brokers import BrokerProcess, free_port

COMMAND = str(Path(sys.executable).with_name("punchgate"))
LOGGING = ("run", "central")
SERIAL = "VT00000001"
BADGES = [str(1000 + number) for number in range(30)]


def until(true: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait for a condition of other processes; fail in words."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.01)


def punch_id(serial: str, badge: str, at: str) -> str:
    """Compute an id from its definition."""
    text = json.dumps([serial, badge, at], ensure_ascii=False, separators=(",", ":"))
    digest = base64.b32encode(hashlib.sha256(text.encode()).digest())
    return "p1_" + digest.decode().lower()[:26]


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Ask a database; one that is not there yet answers nothing."""
    if not path.exists():
        return []
    conn = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        return conn.execute(sql).fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        conn.close()


def pairs(arguments: list[str]) -> list[list[str]]:
    """Return every two arguments that stand side by side."""
    return [arguments[index : index + 2] for index in range(len(arguments) - 1)]


def query_there(inside: list[str], path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Ask a database where only processes started with `inside` see it."""
    if not inside:
        return query(path, sql)
    program = (
        "import json, pathlib, sys; from tests.end_to_end.processes import query;"
        "print(json.dumps(query(pathlib.Path(sys.argv[1]), sys.argv[2])))"
    )
    done = subprocess.run(
        [*inside, sys.executable, "-c", program, str(path), sql],
        capture_output=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    return [tuple(row) for row in json.loads(done.stdout)]


class Process:
    """One child; what it says goes to a file.

    Every line of the daemon and the collector is held against docs/logs.md when the
    process has ended.
    """

    def __init__(self, arguments: list[str], log: Path) -> None:
        self.arguments = arguments
        self.log = log
        self._logs = any([COMMAND, name] in pairs(arguments) for name in LOGGING)
        self._checked = 0
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self.arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )

    @property
    def started(self) -> bool:
        """Say whether it was started ever."""
        return self._child is not None

    @property
    def pid(self) -> int:
        """Return its process id."""
        assert self._child is not None
        return self._child.pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self._child is not None
        self._child.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it with a signal; return its code."""
        self.send(number)
        return self.ended()

    def ended(self, seconds: float = 30.0) -> int:
        """Wait until it ends by itself; return its code."""
        assert self._child is not None
        code = self._child.wait(seconds)
        self.check()
        return code

    def close(self) -> None:
        """End it if it still runs."""
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait(30)

    def check(self) -> None:
        """Hold what it said since the last check against docs/logs.md."""
        if not self._logs or not self.log.exists():
            return
        said = self.log.read_bytes()[self._checked :]
        self._checked += len(said)
        found = log_grammar.problems(said.decode("utf-8", "replace"))
        assert not found, "\n".join(found)

    def text(self) -> str:
        """Return everything it said."""
        return self.log.read_text("utf-8", "replace")


class Site:
    """Files and processes of one site with one terminal, `lobby`."""

    def __init__(self, folder: Path, broker_port: int) -> None:
        self.folder = folder
        self.journal = folder / "data" / "journal.db"
        self.centre = folder / "central.db"
        self.attlog = folder / "lobby.dat"
        self.attlog.touch()
        self.terminal_port = free_port()
        self.gateway_broker_port = self.central_broker_port = broker_port
        self.gateway_terminal_port = self.terminal_port
        self.confirm = "central"
        self.mqtt_extra = self.terminal_extra = ""
        self.inside: list[str] = []
        """What starts a command where the journal is, when that is not here."""
        self.centre_inside: list[str] = []
        self._at = datetime(2026, 11, 2, 6, 0)  # noqa: DTZ001 - device time has no zone
        self.virtual = self._process(
            "virtual", "--serial", SERIAL, "--attlog", str(self.attlog)
        )
        self.daemon = self._process("run", "-c", str(folder / "gateway.toml"))
        self.collector = self._process("central", "-c", str(folder / "central.toml"))

    def _process(self, command: str, *arguments: str) -> Process:
        if command == "virtual":
            arguments = (*arguments, "--port", str(self.terminal_port))
        return Process([COMMAND, command, *arguments], self.folder / f"{command}.log")

    def write(self, badges: list[str] = BADGES) -> None:
        """Write book and configurations as the attributes say."""
        book = '[site]\nid = "hq"\n\n[[terminals]]\nid = "lobby"\n'
        book += f'serial = "{SERIAL}"\n'
        for badge in badges:
            book += f'\n[[people]]\nid = "p{badge}"\nname = "甲{badge}"\n'
            book += f'\n[[enrolments]]\nperson = "p{badge}"\nbadge = "{badge}"\n'
        (self.folder / "book.toml").write_text(book, "utf-8")
        (self.folder / "gateway.toml").write_text(
            f'[gateway]\nid = "gw-1"\nsite = "hq"\ndata_dir = "{self.folder}/data"\n'
            f'book = "book.toml"\n[mqtt]\nhost = "127.0.0.1"\n'
            f'port = {self.gateway_broker_port}\nconfirm = "{self.confirm}"\n'
            f"reconnect_max_seconds = 0.3\n{self.mqtt_extra}\n"
            f'[[terminals]]\nid = "lobby"\nhost = "127.0.0.1"\npoll_seconds = 0.5\n'
            f"port = {self.gateway_terminal_port}\ntimeout_seconds = 5\n"
            f"{self.terminal_extra}\n",
            "utf-8",
        )
        (self.folder / "central.toml").write_text(
            f'[central]\nid = "c1"\nstore = "sqlite:///{self.centre}"\n'
            f'books = ["book.toml"]\n[mqtt]\nhost = "127.0.0.1"\n'
            f"port = {self.central_broker_port}\nreconnect_max_seconds = 0.3\n"
            f"{self.mqtt_extra}\n",
            "utf-8",
        )

    def punch(self, badge: str, at: str | None = None) -> str:
        """Let somebody punch; every punch has a second of its own. Returns the id."""
        if at is None:
            self._at += timedelta(seconds=1)
            at = self._at.isoformat(sep=" ")
        with self.attlog.open("a", encoding="utf-8") as file:
            file.write(f"{badge:>9}\t{at}\t1\t0\t1\t0\n")
        return punch_id(SERIAL, badge, at.replace(" ", "T"))

    def terminal_ids(self) -> set[str]:
        """Compute what the terminal's file holds."""
        found = set()
        for line in self.attlog.read_text("utf-8").splitlines():
            badge, at = line.split("\t")[:2]
            try:
                datetime.fromisoformat(at)
            except ValueError:
                continue
            found.add(punch_id(SERIAL, badge.strip(), at.replace(" ", "T")))
        return found

    def journal_ids(self) -> set[str]:
        """Read what the journal holds."""
        rows = query_there(self.inside, self.journal, "SELECT id FROM punches")
        return {row[0] for row in rows}

    def centre_ids(self) -> list[str]:
        """Read what the centre holds, each row."""
        rows = query_there(self.centre_inside, self.centre, "SELECT id FROM punches")
        return [row[0] for row in rows]

    def equal(self) -> bool:
        """Say whether all three places hold the same, and the centre nothing twice."""
        centre = self.centre_ids()
        held = self.terminal_ids()
        return held == self.journal_ids() == set(centre) and len(centre) == len(held)

    def ask(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command on the gateway file to its end."""
        where = ["-c", str(self.folder / "gateway.toml")]
        return subprocess.run(
            [*self.inside, COMMAND, *arguments, *where],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def status(self) -> dict[str, Any]:
        """Ask for `status --json`."""
        done = self.ask("status", "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def start(self, broker: BrokerProcess) -> None:
        """Start everything."""
        broker.start()
        for process in (self.virtual, self.collector, self.daemon):
            process.start()

    def reads(self) -> None:
        """Start the daemon and wait until its control socket answers."""
        before = self.daemon.text().count("daemon up") if self.daemon.started else 0
        self.daemon.start()
        until(lambda: self.daemon.text().count("daemon up") > before, "the daemon")

    def close(self) -> None:
        """End every process that still runs."""
        processes = (self.daemon, self.collector, self.virtual)
        for process in processes:
            process.close()
        for process in processes:
            process.check()
