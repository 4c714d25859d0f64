"""Every site hears that the centre is there, and that it was killed."""

import contextlib
import json
import queue
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from central.presence import Presence
from sync.link import Broker, Message, Will
from tests.brokers import Mosquitto
from tests.central.collectors import Centre
from tests.sync.gateways import PREFIX
from tests.sync.listeners import Listener, listener

pytestmark = pytest.mark.mosquitto
SECONDS = 20.0
SITES = ("s1", "s2", "s3")
CHILD = """
import sys
from pathlib import Path
from tests.central.collectors import Centre
centre = Centre(int(sys.argv[1]), Path(sys.argv[2]), sites=("s1", "s2", "s3"))
centre.__enter__()
centre.thread.join()
"""


class Watcher:
    """Hears what is said of the centre, site by site."""

    def __init__(self, line: Listener) -> None:
        self._line = line
        self.said: dict[str, list[bool]] = {}

    def hear(self, seconds: float) -> None:
        """Take in what comes within a while."""
        with contextlib.suppress(queue.Empty):
            event = self._line.events.get(timeout=seconds)
            if isinstance(event, Message) and not event.retained:
                state = json.loads(event.payload)
                self.said.setdefault(state["site"], []).append(state["online"])

    def wait(self, what: Callable[[], bool]) -> None:
        """Listen until something is true; fail when it does not come true."""
        until = time.monotonic() + SECONDS
        while not what():
            assert time.monotonic() < until, self.said
            self.hear(0.05)

    def last(self) -> dict[str, bool]:
        """Return the last word for each site."""
        return {site: words[-1] for site, words in self.said.items()}


@pytest.fixture
def watcher(broker: Mosquitto) -> Iterator[Watcher]:
    """Return one who listens for all sites."""
    with listener(broker.port, "watcher") as line:
        line.connect()
        line.link.subscribe([f"{PREFIX}/+/_central/state"])
        line.next()
        yield Watcher(line)


def all_are(*, online: bool) -> dict[str, bool]:
    """Return the word wanted for each site."""
    return dict.fromkeys(SITES, online)


def test_a_killed_centre_is_told_to_every_site(
    broker: Mosquitto, watcher: Watcher, tmp_path: Path
) -> None:
    """SIGKILL, no goodbye: the broker speaks for it, for the third site as well."""
    command = [sys.executable, "-c", CHILD, str(broker.port), str(tmp_path)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2]) as child:
        try:
            watcher.wait(lambda: watcher.last() == all_are(online=True))
        finally:
            child.kill()
    watcher.wait(lambda: watcher.last() == all_are(online=False))


def test_birth_and_goodbye_are_said_once(
    broker: Mosquitto, watcher: Watcher, tmp_path: Path
) -> None:
    """A start and a stop: one birth and one death for each site, no will beside."""
    with Centre(broker.port, tmp_path, sites=SITES):
        watcher.wait(lambda: watcher.last() == all_are(online=True))
    watcher.wait(lambda: watcher.last() == all_are(online=False))
    watcher.hear(0.3)
    assert watcher.said == {site: [True, False] for site in SITES}


def test_a_lost_broker_is_told_again_when_it_is_back(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """After a restart of the broker every site has a birth that it keeps."""
    with Centre(broker.port, tmp_path, sites=SITES):
        for _ in "12":
            with listener(broker.port, "late") as line:
                line.connect()
                line.link.subscribe([f"{PREFIX}/+/_central/state"])
                kept: dict[str, bool] = {}
                until = time.monotonic() + SECONDS
                while kept != all_are(online=True):
                    assert time.monotonic() < until, kept
                    with contextlib.suppress(queue.Empty):
                        event = line.events.get(timeout=0.05)
                        if isinstance(event, Message):
                            state = json.loads(event.payload)
                            kept[state["site"]] = state["online"]
            broker.restart()


@contextlib.contextmanager
def present(port: int) -> Iterator[Presence]:
    """Return the presence of one site, closed in the end."""

    def words(site: str, online: bool) -> Will:  # noqa: FBT001 - as `Words` has it
        return Will(f"{PREFIX}/{site}/_central/state", b"1" if online else b"0")

    made = Presence(Broker("127.0.0.1", port, "c"), ["s9"], words, lambda: None, 0.2)
    try:
        yield made
    finally:
        made.goodbye(time.monotonic() + 1)


def test_a_broker_that_says_nothing_is_left_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No answer within its time, or hung up on: said at the first failure, retried."""
    with (
        contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent,
        present(silent.getsockname()[1]) as presence,
    ):
        silent.settimeout(SECONDS)
        presence.tend(0.0)
        first, _ = silent.accept()
        presence.tend(14.9)
        assert caplog.records == []
        presence.tend(15.0)
        (line,) = caplog.records
        assert (line.msg, line.args["site"]) == ("central site down", "s9")  # type: ignore[index, call-overload]
        presence.tend(20.0)
        second, _ = silent.accept()
        first.close()
        second.close()


def test_a_refused_site_does_not_hold_up_the_collector(
    broker: Mosquitto,
    watcher: Watcher,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Another client of the same name pushes a site's connection out: it comes back."""
    with Centre(broker.port, tmp_path, sites=SITES):
        watcher.wait(lambda: watcher.last().get("s3") is True)
        with listener(broker.port, "central-1-s3") as twin:
            twin.connect()
            watcher.wait(lambda: watcher.said["s3"][-2:] == [False, True])
    assert "central site down" in {record.msg for record in caplog.records}
