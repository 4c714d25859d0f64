"""systemd hears from us while everything gets on, and only then."""

import asyncio
import logging
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import settings
from gateway.clock import real_now
from gateway.daemon import Daemon
from gateway.watchdog import Heartbeats, interval_seconds, notify
from tests.brokers import free_port
from tests.end_to_end.processes import Site

SECONDS = 20.0


class Withheld(logging.Handler):
    """Notes who was late."""

    def __init__(self) -> None:
        super().__init__()
        self.named = asyncio.Event()
        self.late: set[object] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Note the parts of one line."""
        if record.msg == "watchdog withheld" and isinstance(record.args, dict):
            self.late.add(record.args["late"])
            self.named.set()


@pytest.fixture
def heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Give the socket systemd would listen on; this process and children know it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(tmp_path / "notify"))
        server.settimeout(SECONDS)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "100000")
        yield server


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a site whose terminal and broker do not answer."""
    site = Site(tmp_path, free_port())
    site.write()
    yield site
    site.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give a monotonic clock that stands still: its one value may be set."""
    times = [100.0]
    monkeypatch.setattr("gateway.watchdog.time.monotonic", lambda: times[0])
    return times


def test_a_part_is_late_behind_its_own_limit(clock: list[float]) -> None:
    """Exactly at the limit it is not late; each part has its own."""
    beats = Heartbeats()
    assert beats.late() == []
    beats.expect("lobby", 10.0)
    beats.expect("gate", 20.0)
    clock[0] = 110.0
    assert beats.late() == []
    clock[0] = 110.1
    assert beats.late() == ["lobby"]
    clock[0] = 121.0
    assert beats.late() == ["lobby", "gate"]


def test_a_beat_counts_from_now(clock: list[float]) -> None:
    """Whoever gets on again is no longer late; the others still are."""
    beats = Heartbeats()
    beats.expect("lobby", 10.0)
    beats.expect("gate", 10.0)
    clock[0] = 200.0
    beats.beat("lobby")
    assert beats.late() == ["gate"]
    clock[0] = 210.5
    assert beats.late() == ["lobby", "gate"]


@pytest.mark.parametrize(
    "given, seconds", [("30000000", 15.0), ("100000", 0.05), ("", None), (None, None)]
)
def test_how_often_systemd_wants_to_hear(
    monkeypatch: pytest.MonkeyPatch, given: str | None, seconds: float | None
) -> None:
    """Half of its limit; without a watchdog there is none."""
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    if given is not None:
        monkeypatch.setenv("WATCHDOG_USEC", given)
    assert interval_seconds() == seconds


def test_notify_sends_one_datagram(heard: socket.socket) -> None:
    """The text as it is, to the socket of the environment."""
    notify("READY=1")
    assert heard.recv(100) == b"READY=1"


def test_notify_to_an_abstract_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    """`@name` is an abstract address: systemd in containers uses it."""
    name = f"punchgate-test-{free_port()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind("\0" + name)
        server.settimeout(SECONDS)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        notify("WATCHDOG=1")
        assert server.recv(100) == b"WATCHDOG=1"


def test_without_systemd_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No address, no error."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")


def test_a_late_part_withholds_the_watchdog(heard: socket.socket, site: Site) -> None:
    """While a part is late nothing is sent and it is named; afterwards it goes on."""
    loaded = settings.load(site.folder / "gateway.toml")

    async def live() -> list[bytes]:
        loop = asyncio.get_running_loop()
        heard.setblocking(False)
        daemon, stop = Daemon(loaded, real_now), asyncio.Event()
        daemon._beats.expect("lift", -1.0)  # late from its first moment
        async with asyncio.timeout(SECONDS):
            running = asyncio.create_task(daemon.run(stop))
            said = [await loop.sock_recv(heard, 100)]
            await withheld.named.wait()
            daemon._beats.expect("lift", 60.0)
            said.append(await loop.sock_recv(heard, 100))
            stop.set()
            while said[-1] != b"STOPPING=1":
                said.append(await loop.sock_recv(heard, 100))
            await running
        return said

    withheld = Withheld()
    logging.getLogger("punchgate").addHandler(withheld)
    try:
        said = asyncio.run(live())
    finally:
        logging.getLogger("punchgate").removeHandler(withheld)
    assert withheld.late == {"lift"}
    assert said[:2] == [b"READY=1", b"WATCHDOG=1"]
    assert set(said[1:-1]) == {b"WATCHDOG=1"}


@pytest.mark.slow
def test_a_daemon_reports_from_start_to_end(heard: socket.socket, site: Site) -> None:
    """READY once, the watchdog while it runs, STOPPING when asked to end."""
    site.daemon.start()
    assert heard.recv(100) == b"READY=1"
    assert [heard.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
    site.daemon.send(signal.SIGTERM)
    said = heard.recv(100)
    while said == b"WATCHDOG=1":
        said = heard.recv(100)
    assert said == b"STOPPING=1"
    assert site.daemon.ended() == 0
