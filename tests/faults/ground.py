"""The ground the fault tests stand on: a running site, proxies on every line of it.

A broker, virtual terminals, the daemon, and as the centre either `punchgate central` or
the example consumer: real processes. Broker and centre can be ended, exchanged and
restored; the lines between them are `FaultProxy`s. What is right is for the checker.
"""

import contextlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path

from tests.brokers import Iotcore, Mosquitto, free_port, mosquitto_path
from tests.end_to_end.pausing_proxy import mqtt_length, zk_length
from tests.end_to_end.processes import (
    BADGES,
    COMMAND,
    SERIAL,
    Process,
    Site,
    until,
)
from tests.faults.asking import ask
from tests.faults.checker import (
    Checker,
    Collected,
    Consumed,
    Journal,
    Recorded,
    Verdict,
    identify,
)
from tests.faults.duty import DUTY, IMPOSSIBLE, OWING
from tests.faults.proxy import FaultProxy
from tests.faults.reading import Reading

CONSUMER = Path(__file__).parents[2] / "docs" / "examples" / "consumer.py"
_FIRST = datetime(2026, 11, 2, 6, 0)  # noqa: DTZ001 - device time has no zone


class Kind(StrEnum):
    """Who is the centre."""

    COLLECTOR = "collector"
    CONSUMER = "consumer"


class Further:
    """A virtual terminal beside the first one, `t1` and so on."""

    def __init__(self, folder: Path, number: int) -> None:
        self.id = f"t{number}"
        self.serial = f"VT{number:08}"
        self.attlog = folder / f"{self.id}.dat"
        self.attlog.touch()
        self.port = free_port()
        options = ["--serial", self.serial, "--attlog", str(self.attlog)]
        options += ["--port", str(self.port)]
        self.process = Process(
            [COMMAND, "virtual", *options], folder / f"{self.id}.log"
        )


class Ground:
    """A site with faults at hand.

    `up` is the gateway's line to the broker, `down` the centre's, `wire` the gateway's
    to its terminal.

    Args:
        folder: an empty one.
        kind: who is the centre.
        terminals: how many; all but the first are reached without a proxy.
        secure: the lines to the broker carry TLS, of which no proxy understands a word.
    """

    def __init__(
        self, folder: Path, kind: Kind, terminals: int = 1, *, secure: bool = False
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.kind = kind
        self.folder = folder
        self.broker_port = free_port()
        self.broker: Mosquitto | Iotcore = self.plain()
        self.site = Site(folder, self.broker_port)
        length = anything if secure else mqtt_length
        self.up = FaultProxy(self.broker_port, length)
        self.down = FaultProxy(self.broker_port, length)
        self.reading = Reading()
        if not secure:
            self.up.read = self.down.read = self.reading.take
        self.wire = FaultProxy(self.site.terminal_port, zk_length)
        self.further = [Further(folder, number) for number in range(2, terminals + 1)]
        self.sticks: list[Recorded] = []
        self.journal = Journal("gw-1", self.site.journal)
        self._moment = _FIRST
        self.made = 0
        self.centre = self.site.collector
        self.store = self.site.centre
        self.checker = self.against([self.journal])
        self.dirty = False

    def plain(
        self, *, acl: str | None = None, settings: Sequence[str] = ()
    ) -> Mosquitto | Iotcore:
        """Return a broker for our port; Iotcore, where it must be, takes none."""
        if mosquitto_path() is None:
            return Iotcore(self.broker_port)
        return Mosquitto(
            self.folder / "broker", acl=acl, settings=settings, port=self.broker_port
        )

    def against(self, journals: Sequence[Journal]) -> Checker:
        """Return a checker of this site with these gateways."""
        recorded = [Recorded(SERIAL, self.site.attlog), *self.sticks]
        recorded += [Recorded(one.serial, one.attlog) for one in self.further]
        if self.kind is Kind.CONSUMER:
            return Checker(recorded, journals, Consumed(self.store))
        return Checker(recorded, journals, Collected(self.store))

    def stick(self, recorded: Recorded) -> None:
        """Count what stands on a stick among what was recorded."""
        self.sticks.append(recorded)
        self.checker = self.against([self.journal])

    def open(self) -> None:
        """Start everything and wait until the first punch is confirmed."""
        for proxy in (self.up, self.down, self.wire):
            proxy.open()
        self.site.gateway_broker_port = self.up.port
        self.site.central_broker_port = self.down.port
        self.site.gateway_terminal_port = self.wire.port
        self.write()
        self.site.attlog.write_text(IMPOSSIBLE)
        if self.kind is Kind.CONSUMER:
            self.store = self.folder / "consumer.db"
            options = ["--port", str(self.down.port), "--db", str(self.store)]
            self.centre = Process(
                [sys.executable, str(CONSUMER), *options], self.folder / "consumer.log"
            )
        self.checker = self.against([self.journal])
        self.broker.start()
        for process in (*self.terminals, self.centre, self.site.daemon):
            process.start()
        self.punch(1)
        self.settle()

    def write(self) -> None:
        """Write book and configurations, with the further terminals."""
        self.site.write()
        book, gateway = (self.folder / f"{name}.toml" for name in ("book", "gateway"))
        text, terminals = book.read_text("utf-8"), ""
        text = text.replace("[site]\n", '[site]\ncalendar = "weekdays"\n', 1) + DUTY
        text = text.replace(OWING, OWING + 'vendor = "acme"\n', 1)
        for one in self.further:
            text += f'\n[[terminals]]\nid = "{one.id}"\nserial = "{one.serial}"\n'
            terminals += f'\n[[terminals]]\nid = "{one.id}"\nhost = "127.0.0.1"\n'
            terminals += f"port = {one.port}\npoll_seconds = 0.5\n"
        book.write_text(text, "utf-8")
        gateway.write_text(gateway.read_text("utf-8") + terminals, "utf-8")

    @property
    def terminals(self) -> list[Process]:
        """Return the processes of the virtual terminals."""
        return [self.site.virtual, *(one.process for one in self.further)]

    def punch(self, count: int, rng: random.Random | None = None) -> None:
        """Let people punch, each in a second of its own, at terminals by chance."""
        rng = rng or random.Random(count)
        self.made += count
        files = [self.site.attlog, *(one.attlog for one in self.further)]
        lines: dict[Path, list[str]] = {file: [] for file in files}
        for _ in range(count):
            self._moment += timedelta(seconds=1)
            line = f"{rng.choice(BADGES):>9}\t{self._moment}\t1\t0\t1\t0\n"
            lines[rng.choice(files)].append(line)
        for file, text in lines.items():
            with file.open("a", encoding="utf-8") as log:
                log.write("".join(text))

    def waiting(self) -> int:
        """Return about how many punches are on their way to the centre."""
        return self.made - self.checker.arrived()

    def newest(self) -> str:
        """Return the id of the last punch at the first terminal."""
        badge, at = self.site.attlog.read_text("utf-8").splitlines()[-1].split("\t")[:2]
        return identify(SERIAL, badge.strip(), at.replace(" ", "T"))

    def arrived(self, punch: str) -> bool:
        """Say whether the centre has committed a punch."""
        return bool(ask(self.store, "SELECT 1 FROM punches WHERE id = ?", punch))

    def read(self, *journals: Journal, seconds: float = 60.0) -> None:
        """Wait until every journal holds what the terminals recorded."""
        want = self.checker.recorded()
        wanted = journals or (self.journal,)
        for one in wanted:
            held = partial(_holds, one, want)
            until(held, f"every punch in the journal of {one.gateway}", seconds)

    def confirmed(self, seconds: float = 60.0) -> None:
        """Wait until the gateway wrote down that all of its stream is delivered."""

        def delivered() -> bool:
            stream = self.journal.stream()
            return stream.confirmed == stream.head

        until(delivered, "the last acknowledgement", seconds)

    def settle(self, seconds: float = 60.0, checker: Checker | None = None) -> Verdict:
        """Wait until nothing is lost, doubled or open; fail with the ids otherwise."""
        checker = checker or self.checker
        found: list[Verdict] = []

        def right() -> bool:
            if not checker.near():
                return False
            found[:] = [checker.verdict()]
            return found[0].right

        with contextlib.suppress(AssertionError):
            until(right, "a right verdict", seconds)
        verdict = found[0] if found and found[0].right else checker.verdict()
        assert verdict.right, f"{verdict}\n{self.last_words()}"
        self.reading.check()
        return verdict

    def ask(
        self, *arguments: str, seconds: float = 1800.0
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command on the gateway file to its end, however long that takes."""
        return subprocess.run(
            [COMMAND, *arguments, "-c", str(self.folder / "gateway.toml")],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def listen(self) -> Callable[[], str]:
        """Return what gives everything the daemon says from now on."""
        before = len(self.site.daemon.text())
        return lambda: self.site.daemon.text()[before:]

    def last_words(self) -> str:
        """Return the ends of the logs, for whoever reads a failure."""
        parts = []
        for process in (self.site.daemon, self.centre):
            text = process.text() if process.log.exists() else ""
            parts += [f"--- {process.log.name}", *text.splitlines()[-12:]]
        return "\n".join(parts)

    @contextlib.contextmanager
    def other_broker(
        self, *, acl: str | None = None, settings: Sequence[str] = ()
    ) -> Iterator[Mosquitto | Iotcore]:
        """Put another broker in the place of ours, for a while."""
        other = self.plain(acl=acl, settings=settings)
        self.broker.kill()
        other.start()
        try:
            yield other
        finally:
            other.kill()
            self.broker.start()

    @contextlib.contextmanager
    def without_broker(self) -> Iterator[None]:
        """Kill the broker; it comes back with everything forgotten."""
        self.broker.kill()
        try:
            yield
        finally:
            self.broker.start()

    @contextlib.contextmanager
    def without(
        self, process: Process, number: signal.Signals = signal.SIGKILL
    ) -> Iterator[None]:
        """End a process and start it again."""
        process.end(number)
        try:
            yield
        finally:
            process.start()

    @contextlib.contextmanager
    def stopped(self, process: Process) -> Iterator[None]:
        """Let a process stand still: it keeps its connections and answers nothing."""
        process.send(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send(signal.SIGCONT)

    def restarted(self, *processes: Process) -> None:
        """End processes politely and start them: they forget what they learned."""
        for process in processes:
            process.end()
            process.start()

    @contextlib.contextmanager
    def older_centre(self) -> Iterator[None]:
        """Copy the centre's store; put the copy back at the end, as a restore does."""
        copy = self.folder / "centre.backup"
        copy.unlink(missing_ok=True)
        with (
            contextlib.closing(sqlite3.connect(self.store)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
        try:
            yield
        finally:
            with self.without(self.centre):
                for ending in ("-wal", "-shm"):
                    Path(f"{self.store}{ending}").unlink(missing_ok=True)
                shutil.copyfile(copy, self.store)

    @contextlib.contextmanager
    def older_gateway(self) -> Iterator[None]:
        """Copy the gateway's data; put the copy back at the end: an old SD card."""
        data, image = self.site.journal.parent, self.folder / "image"
        shutil.rmtree(image, ignore_errors=True)
        with self.without(self.site.daemon):
            shutil.copytree(data, image, ignore=_sockets)
        try:
            yield
        finally:
            with self.without(self.site.daemon):
                shutil.rmtree(data)
                shutil.copytree(image, data)

    def close(self) -> None:
        """End everything."""
        with contextlib.ExitStack() as stack:
            for proxy in (self.up, self.down, self.wire):
                stack.callback(proxy.close)
            stack.callback(self.broker.kill)
            stack.callback(self.site.close)
            for process in (self.centre, *self.terminals):
                stack.callback(process.close)


def _holds(journal: Journal, want: set[str]) -> bool:
    """Say whether a journal holds all of it; a look at all of it only when it can."""
    return journal.rows() >= len(want) and want <= set(journal.punches())


def anything(data: bytes) -> int | None:
    """Take whatever came at once for a packet: TLS is not to be understood."""
    return len(data) or None


def _sockets(folder: str, names: list[str]) -> set[str]:
    """Return what cannot be copied: the control socket."""
    return {name for name in names if (Path(folder) / name).is_socket()}
