"""SIGKILL at every stage between a terminal and the centre: nothing lost or doubled."""

import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.brokers import Mosquitto, mosquitto_path
from tests.end_to_end.pausing_proxy import (
    PausingProxy,
    mqtt_length,
    published_to,
    zk_command,
    zk_length,
)
from tests.end_to_end.processes import BADGES, Process, Site, query, until
from tests.end_to_end.stages import (
    ACKNOWLEDGED,
    STAGES,
    cursor_moved,
    stage_at_death,
)

ROUNDS = 20
CONNECT, FREE, PREPARE = 1000, 1502, 1503
# A log of more than a kilobyte is fetched from a buffer, which is given back when its
# records are stored: a place to pause between the rows and the cursor.
FIRST_RECORDS = 30


class KillSite:
    """A site whose every connection passes a proxy that can hold it."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self.broker = broker
        self.site = Site(folder, broker.port)
        self.to_terminal = PausingProxy(self.site.terminal_port, zk_length)
        self.up = PausingProxy(broker.port, mqtt_length)
        self.down = PausingProxy(broker.port, mqtt_length)
        self.site.gateway_terminal_port = self.to_terminal.port
        self.site.gateway_broker_port = self.up.port
        self.site.central_broker_port = self.down.port
        self.site.write()

    def arm(self, stage: str) -> PausingProxy:
        """Hold the transport where `stage` is; return the proxy that does."""
        chosen: dict[str, tuple[PausingProxy, Callable[[bool, bytes], bool]]] = {
            STAGES[0]: (self.to_terminal, _asks(CONNECT)),
            STAGES[1]: (self.to_terminal, _EndOfLog()),
            STAGES[2]: (self.up, _sends("/punch", up=True)),
            STAGES[3]: (self.up, _sends("/ack", up=False)),
            STAGES[4]: (self.down, _sends("/ack", up=True)),
        }
        proxy, choice = chosen[stage]
        proxy.arm(choice)
        return proxy

    def stage_at_death(self, newest: str, stage: str) -> str:
        """Read from disk how far the newest punch had come when its carrier died."""
        arrived = newest in self.site.centre_ids()
        found = stage_at_death(self.site, newest, arrived=arrived)
        # Whether the ack had left the collector is known to the transport alone.
        there = found in {ACKNOWLEDGED, STAGES[4]}
        return stage if there and stage in STAGES[3:] else found

    def close(self) -> None:
        """End everything."""
        self.site.close()
        for proxy in (self.to_terminal, self.up, self.down):
            proxy.close()


def _asks(command: int) -> Callable[[bool, bytes], bool]:
    return lambda up, packet: up and zk_command(packet) == command


def _sends(topic: str, *, up: bool) -> Callable[[bool, bytes], bool]:
    def chosen(towards: bool, packet: bytes) -> bool:  # noqa: FBT001 - a `Chosen`
        return towards is up and (published_to(packet) or "").endswith(topic)

    return chosen


class _EndOfLog:
    """Chooses the request that gives a read log back: rows in, cursor not moved."""

    def __init__(self) -> None:
        self._log_read = False

    def __call__(self, up: bool, packet: bytes) -> bool:  # noqa: FBT001 - a `Chosen`
        if up and zk_command(packet) == PREPARE:
            self._log_read = packet[17:19] == (13).to_bytes(2, "little")
        return up and self._log_read and zk_command(packet) == FREE


@pytest.fixture
def kill_site(tmp_path: Path) -> Iterator[KillSite]:
    """Give a site behind proxies with a broker that keeps nothing."""
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    with Mosquitto(tmp_path / "broker") as broker:
        site = KillSite(tmp_path, broker)
        yield site
        site.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_is_lost_or_doubled_whoever_dies_wherever(
    kill_site: KillSite,
) -> None:
    """Each stage dies at least twenty times; the three id sets are equal at the end."""
    seed = int(os.environ.get("PUNCHGATE_SEED", "20261121"))
    rng = random.Random(seed)
    print(f"seed {seed}")
    schedule = [stage for stage in STAGES for _ in range(ROUNDS)]
    rng.shuffle(schedule)
    site = kill_site.site
    for process in (site.virtual, site.collector, site.daemon):
        process.start()
    for _ in range(FIRST_RECORDS):
        site.punch(rng.choice(BADGES))
    until(site.equal, "the first punches at the centre")
    seen: Counter[str] = Counter()
    victims: Counter[str] = Counter()
    for stage in schedule:
        name, found = _round(kill_site, stage, rng)
        seen[found] += 1
        victims[name] += 1
    for stage in STAGES:
        print(f"{seen[stage]:>4}  {stage}")
    print(f"killed: {dict(victims)}; all stages: {dict(seen)}")
    for _ in range(5):
        site.punch(rng.choice(BADGES))
    until(site.equal, "equal id sets after the last kill", 60)
    assert min(seen[stage] for stage in STAGES) >= ROUNDS
    seqs = [r[0] for r in query(site.journal, "SELECT seq FROM outbox ORDER BY seq")]
    assert seqs == list(range(1, len(seqs) + 1))


def _round(kill_site: KillSite, stage: str, rng: random.Random) -> tuple[str, str]:
    """Drive one punch to a stage, kill, restart; return the victim and the stage."""
    site = kill_site.site
    if stage == STAGES[0]:
        site.daemon.end(signal.SIGKILL)
    proxy = kill_site.arm(stage)
    if stage == STAGES[0]:
        site.daemon.start()
        until(proxy.reached.is_set, f"the pause point of {stage}")
        newest = site.punch(rng.choice(BADGES))
    else:
        newest = site.punch(rng.choice(BADGES))
        until(proxy.reached.is_set, f"the pause point of {stage}")
        if stage in STAGES[3:]:
            until(lambda: newest in site.centre_ids(), "the punch at the centre")
        if stage == STAGES[2]:
            until(lambda: newest in site.journal_ids(), "the punch in the journal")
        if stage != STAGES[1]:
            until(lambda: cursor_moved(site), "the cursor behind the rows")
    name = _victim(stage, rng)
    process: Process | None = {"daemon": site.daemon, "collector": site.collector}.get(
        name
    )
    if process is None:
        kill_site.broker.kill()
    else:
        process.end(signal.SIGKILL)
    found = kill_site.stage_at_death(newest, stage)
    proxy.release()
    if process is None:
        kill_site.broker.start()
    else:
        process.start()
    return name, found


def _victim(stage: str, rng: random.Random) -> str:
    """Choose who dies: whoever carries the punch at that stage, or the broker."""
    carriers = {
        STAGES[2]: ["daemon", "broker"],
        STAGES[3]: ["daemon", "broker"],
        STAGES[4]: ["collector", "broker"],
    }
    return rng.choice(carriers.get(stage, ["daemon"]))
