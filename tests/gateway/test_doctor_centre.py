"""`doctor` before a centre that is there, says so, and confirms nothing."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import Mosquitto, mosquitto_path
from tests.end_to_end.processes import Site, until
from tests.gateway.commands import run

pytestmark = pytest.mark.slow

WARN_SECONDS = 20.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Give a running broker."""
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    with Mosquitto(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def site(tmp_path: Path, broker: Mosquitto) -> Iterator[Site]:
    """Give a site that is well, and warns of a backlog early."""
    site = Site(tmp_path, broker.port)
    site.write()
    with (site.folder / "gateway.toml").open("a", encoding="utf-8") as file:
        file.write(f"[alarms]\nbacklog_warn_minutes = {WARN_SECONDS / 60}\n")
    site.virtual.arguments += ["--timezone", "Asia/Shanghai"]
    site.punch("1000")
    for process in (site.virtual, site.collector, site.daemon):
        process.start()
    yield site
    if site.collector.started:
        site.collector.send(signal.SIGCONT)
    site.close()


def doctor(site: Site) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the first failure, empty where there is none."""
    done = run("doctor", "--json", "-c", site.folder / "gateway.toml")
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)["first"] or {}


def waiting_seconds(site: Site) -> float:
    """Return how long the oldest entry waits for the centre."""
    return site.status()["outbox"]["oldest_age_seconds"] or 0.0


def test_a_centre_that_confirms_nothing_is_the_first_failure(site: Site) -> None:
    """The broker still calls it online; what is old and unconfirmed tells.

    Before the limit nothing is wrong yet, and when it confirms again nothing is.
    """
    until(site.equal, "the first punch at the centre")
    until(lambda: not waiting_seconds(site), "its acknowledgement")
    site.collector.send(signal.SIGSTOP)
    site.punch("1001")
    until(lambda: waiting_seconds(site) > 0.0, "the punch in the outbox")
    assert doctor(site) == (0, {})
    until(lambda: waiting_seconds(site) > WARN_SECONDS, "the limit")
    code, found = doctor(site)
    assert (code, found["terminal"], found["stage"]) == (1, None, "centre")
    assert "the centre c1 is there and has not confirmed 1 entries" in found["words"]
    assert "journalctl -u punchgate-central" in found["do"]
    site.collector.send(signal.SIGCONT)
    until(site.equal, "the punch at the centre")
    until(lambda: not waiting_seconds(site), "its acknowledgement")
    assert doctor(site) == (0, {})
