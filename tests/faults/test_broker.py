"""What brokers do wrong (rows 5 to 7 of docs/reliability.md)."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.brokers import Iotcore, mosquitto_path
from tests.end_to_end.processes import until
from tests.faults.checker import Recorded
from tests.faults.ground import Ground, Kind
from tests.faults.rules import OldBroker

pytestmark = pytest.mark.slow
mosquitto = pytest.mark.skipif(
    mosquitto_path() is None, reason="mosquitto is absent: apt-get install mosquitto"
)
BACKLOG = int(os.environ.get("PUNCHGATE_BACKLOG", "3000"))
SOME = 20
DENIED = "topic read att/v1/#\ntopic write att/v1/hq/gw-1/{}\n"


@pytest.mark.timeout(120 + BACKLOG // 200)
def test_a_broker_away_for_days(ground: Ground) -> None:
    """The backlog of days waits on disk and goes out when the broker is back."""
    began = time.monotonic()
    with ground.without_broker():
        ground.punch(BACKLOG)
        ground.read(seconds=60 + BACKLOG / 500)
        read = time.monotonic()
    ground.confirmed(60 + BACKLOG / 500)
    sent = time.monotonic()
    ground.settle(60 + BACKLOG / 1000)
    print(f"{BACKLOG} rows read in {read - began:.1f} s, sent in {sent - read:.1f} s")


def test_a_broker_that_restarts(ground: Ground, rng: random.Random) -> None:
    """A polite end and a new start, again and again, in the middle of the flow."""
    for _ in range(3):
        ground.punch(rng.randint(1, SOME))
        ground.broker.stop()
        ground.punch(rng.randint(1, SOME))
        ground.broker.start()
    ground.settle()


def test_a_broker_that_forgets(ground: Ground, rng: random.Random) -> None:
    """Killed without persistence, at once after it took messages."""
    for _ in range(3):
        ground.punch(rng.randint(SOME, 5 * SOME))
        ground.read()
        ground.broker.restart()
    ground.settle()


@mosquitto
def test_a_broker_that_drops_what_its_queue_cannot_hold(ground: Ground) -> None:
    """It says success and drops what waits for a centre that stands still."""
    tiny = ["max_queued_messages 1", "max_inflight_messages 1"]
    with ground.other_broker(settings=tiny):
        ground.punch(1)
        ground.settle()
        with ground.stopped(ground.centre):
            for _ in range(5):
                ground.punch(SOME)
                ground.read()
        ground.settle()


def test_nobody_has_subscribed(ground: Ground) -> None:
    """No centre: on version 5 the broker says so, and nothing counts as delivered."""
    ground.restarted(ground.site.daemon)
    said = ground.listen()
    with ground.without(ground.centre, signal.SIGTERM):
        ground.punch(SOME)
        ground.read()
        until(lambda: "uplink held" in said(), "single probes")
        stream = ground.journal.stream()
        assert stream.confirmed < stream.head
    ground.settle()


@mosquitto
def test_nobody_has_subscribed_and_311_calls_it_success(ground: Ground) -> None:
    """On 3.1.1 the answer is the same as with a centre; it is still no delivery."""
    with ground.up.does(rule=OldBroker()):
        ground.restarted(ground.site.daemon)
        with ground.without(ground.centre, signal.SIGTERM):
            until(lambda: _spoken(ground) == "3.1.1", "a connection of version 3.1.1")
            ground.punch(SOME)
            ground.read()
            stream = ground.journal.stream()
            assert stream.confirmed < stream.head
        ground.settle()
    ground.restarted(ground.site.daemon)


@mosquitto
def test_a_broker_that_forbids(ground: Ground) -> None:
    """Version 5 says 0x87: loud, one try in 30 s, and everything when it is allowed."""
    ground.restarted(ground.site.daemon)
    said = ground.listen()
    with ground.other_broker(acl=DENIED.format("state")):
        ground.punch(SOME)
        ground.read()
        until(lambda: "uplink refused" in said(), "the refusal")
    began = time.monotonic()
    ground.settle()
    print(f"in order {time.monotonic() - began:.1f} s after it was allowed")


@mosquitto
def test_a_broker_that_forbids_and_311_calls_it_success(ground: Ground) -> None:
    """Version 3.1.1 cannot say no: the message is gone, and it is sent again."""
    with ground.up.does(rule=OldBroker()):
        ground.restarted(ground.site.daemon)
        said = ground.listen()
        with ground.other_broker(acl=DENIED.format("state")):
            ground.punch(SOME)
            ground.read()
            until(lambda: _spoken(ground) == "3.1.1", "a connection of version 3.1.1")
            until(lambda: "no acknowledgement" in said(), "a step back")
        ground.settle()
    ground.restarted(ground.site.daemon)


@mosquitto
@pytest.mark.parametrize("window", [1, 2])
def test_a_broker_with_a_tiny_window(ground: Ground, window: int) -> None:
    """Receive Maximum 1 and 2 slow everything down and change nothing else."""
    with ground.other_broker(settings=[f"max_inflight_messages {window}"]):
        ground.punch(300)
        ground.settle()


@mosquitto
def test_a_broker_that_takes_small_packets_only(ground: Ground) -> None:
    """Messages are cut to what the broker takes; no batch of 100 gets through here."""
    with ground.other_broker(settings=["max_packet_size 3000"]):
        ground.punch(100)
        ground.settle()


def test_a_broker_of_version_311_only(ground: Ground) -> None:
    """Another product that knows nothing newer: all of it arrives all the same."""
    old = Iotcore(ground.broker_port)
    collector = ground.kind is Kind.COLLECTOR
    if not collector:  # the example speaks version 5 only: the gateway alone is old
        with ground.up.does(rule=OldBroker()):
            ground.restarted(ground.site.daemon)
            ground.punch(SOME)
            ground.settle()
            assert _spoken(ground) == "3.1.1"
        ground.restarted(ground.site.daemon)
        return
    ground.broker.kill()
    try:
        old.start()
        ground.punch(SOME)
        ground.settle()
        assert _spoken(ground) == "3.1.1"
    finally:
        old.kill()
        ground.broker.start()
        ground.restarted(ground.site.daemon, ground.centre)


def _spoken(ground: Ground) -> str:
    """Return the MQTT version the gateway speaks now, as `status` has it.

    A daemon that is just starting does not answer yet.
    """
    until(lambda: ground.site.status()["uplink"] is not None, "an answer of the daemon")
    return str(ground.site.status()["uplink"]["protocol"])


@pytest.mark.timeout(60 + BACKLOG // 200)
@pytest.mark.parametrize("kind", list(Kind))
def test_a_backlog_from_a_stick(tmp_path: Path, kind: Kind) -> None:
    """Rows imported while the broker is away go out like those read from the line."""
    if kind is Kind.CONSUMER and mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    ground = Ground(tmp_path / "site", kind)
    file = tmp_path / "1_attlog.dat"
    with file.open("w", encoding="utf-8") as log:
        for number in range(BACKLOG):
            day, second = divmod(number, 86_400)
            clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
            at = f"2020-{1 + day // 28:02}-{1 + day % 28:02} {clock}"
            log.write(f"     1001\t{at}\t1\t0\t1\t0\n")
    try:
        ground.open()
        ground.stick(Recorded("VT00000001", file))
        with ground.without_broker():
            done = ground.ask("import", str(file), "--terminal", "lobby")
            assert done.returncode == 0, done.stdout + done.stderr
        began = time.monotonic()
        print(ground.settle(60 + BACKLOG / 500))
        print(f"{BACKLOG} rows sent in {time.monotonic() - began:.1f} s")
    finally:
        ground.close()
