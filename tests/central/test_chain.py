"""From outbox to store over a real broker, with everything on the way failing."""

import json
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from central.collector import LostError, check_answer
from sync.link import Message, Published, Subscribed
from sync.messages import encode
from tests.brokers import Iotcore, Mosquitto, mosquitto_path
from tests.central.batches import payload
from tests.central.collectors import Centre
from tests.sync.gateways import PREFIX, Gateway
from tests.sync.listeners import listener
from tests.sync.memory_outbox import MemoryOutbox, punch
from tests.sync.test_schema import check

pytestmark = pytest.mark.mosquitto
CONSUMER = Path(__file__).parents[2] / "docs/examples/consumer.py"
ABSENT = "mosquitto is absent: apt-get install mosquitto"


def stored(folder: Path, table: str = "punches") -> list[str]:
    """Read the ids from the file, past our own code."""
    conn = sqlite3.connect(folder / "central.db")
    found = [row[0] for row in conn.execute(f"SELECT id FROM {table}")]
    conn.close()
    return found


def proven(folder: Path, *gateways: Gateway) -> None:
    """Assert that the id sets are equal and nothing is doubled or put aside."""
    found = stored(folder)
    wanted = set[str]().union(*(g.outbox.punch_ids() for g in gateways))
    assert len(found) == len(set(found))
    assert set(found) == wanted
    assert stored(folder, "quarantine") == []
    events = [r for g in gateways for r in g.outbox.rows if r.kind == "event"]
    assert len(stored(folder, "records")) == len(events)


def test_five_thousand_arrive(broker: Mosquitto, tmp_path: Path) -> None:
    """Nothing fails: every id once, every event once, everything confirmed."""
    with Centre(broker.port, tmp_path), Gateway(broker.port) as gateway:
        gateway.add(range(5000))
        gateway.wait_delivered()
    proven(tmp_path, gateway)


def test_the_broker_is_killed_again_and_again(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """Killed without persistence ten times while 5,000 rows pass: none lost."""
    rng = random.Random(20261102)
    print("seed 20261102")
    with Centre(broker.port, tmp_path), Gateway(broker.port) as gateway:
        for part in range(10):
            gateway.add(range(part * 500, part * 500 + 500))
            upto = part * 500 + rng.randint(1, 400)
            gateway.wait_acked(upto)
            broker.restart()
        gateway.wait_delivered()
    proven(tmp_path, gateway)


def test_the_collector_is_restarted(broker: Mosquitto, tmp_path: Path) -> None:
    """It ends and begins anew; what came meanwhile waits in the outbox."""
    with Gateway(broker.port) as gateway:
        for part in range(5):
            with Centre(broker.port, tmp_path):
                gateway.add(range(part * 1000, part * 1000 + 1000))
                gateway.wait_acked(part * 1000 + 300)
        with Centre(broker.port, tmp_path):
            gateway.wait_delivered()
    proven(tmp_path, gateway)


def test_the_store_comes_back_from_a_backup(broker: Mosquitto, tmp_path: Path) -> None:
    """An older copy of the store asks for what it lacks, unasked by anybody."""
    with Gateway(broker.port) as gateway:
        with Centre(broker.port, tmp_path):
            gateway.add(range(1000))
            gateway.wait_delivered()
        copy = (tmp_path / "central.db").read_bytes()
        with Centre(broker.port, tmp_path):
            gateway.add(range(1000, 2000))
            gateway.wait_delivered()
        (tmp_path / "central.db").write_bytes(copy)
        assert len(stored(tmp_path)) == 1000
        before = len(gateway.outbox.confirms)
        with Centre(broker.port, tmp_path):
            gateway.wait(
                lambda: min(gateway.outbox.confirms[before:], default=2000) < 2000
            )
            gateway.wait_delivered()
    proven(tmp_path, gateway)


def test_the_gateway_comes_back_from_a_backup(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """An older copy of the journal forks; old and new punches are all there."""
    outbox = MemoryOutbox("g1-epoch")
    with Centre(broker.port, tmp_path):
        with Gateway(broker.port, outbox=outbox) as gateway:
            gateway.add(range(1000))
            gateway.wait_delivered()
        before = outbox.punch_ids()
        outbox.truncate(700)
        outbox.add_punches(range(5000, 6000))
        with Gateway(broker.port, outbox=outbox) as gateway:
            gateway.wait(lambda: bool(outbox.forks))
            gateway.wait_delivered()
    assert set(stored(tmp_path)) == before | outbox.punch_ids()


def test_a_broker_with_a_tiny_queue_drops_and_nothing_is_lost(tmp_path: Path) -> None:
    """Success for messages it throws away: the watermark brings them again."""
    if mosquitto_path() is None:
        pytest.skip(ABSENT)
    settings = ["max_queued_messages 2", "max_inflight_messages 1"]
    with (
        Mosquitto(tmp_path / "broker", settings=settings) as broker,
        Centre(broker.port, tmp_path),
        Gateway(broker.port) as gateway,
    ):
        gateway.add(range(5000))
        gateway.wait_delivered()
    proven(tmp_path, gateway)


def test_two_gateways_on_one_terminal(broker: Mosquitto, tmp_path: Path) -> None:
    """The same punches twice: stored once, both streams complete."""
    with (
        Centre(broker.port, tmp_path),
        Gateway(broker.port, "g1") as one,
        Gateway(broker.port, "g2") as two,
    ):
        one.add(range(2000))
        two.add(range(1000, 3000))
        one.wait_delivered()
        two.wait_delivered()
    proven(tmp_path, one, two)


def test_the_broker_of_the_wheel(tmp_path: Path) -> None:
    """3.1.1, memory only, 20 KB a message: nothing is lost there either."""
    with (
        Iotcore() as broker,
        Centre(broker.port, tmp_path),
        Gateway(broker.port) as gateway,
    ):
        gateway.add(range(1500))
        gateway.wait_delivered()
    proven(tmp_path, gateway)


@pytest.mark.unwatched("it talks nonsense")
def test_garbage_is_put_aside_and_blocks_nothing(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Bytes on a durable topic are kept with a reason; others go on."""
    with (
        Centre(broker.port, tmp_path),
        Gateway(broker.port) as gateway,
        listener(broker.port, "vandal") as vandal,
    ):
        vandal.connect()
        gateway.add(range(10))
        gateway.wait_delivered()
        for token, data in enumerate([b"\xff", b"", b"{}"]):
            topic = f"{PREFIX}/s1/g1/punch"
            vandal.link.publish(topic, data, qos=1, retain=False, token=token)
            vandal.next()
        topic = f"{PREFIX}/s1/g1/state"
        vandal.link.publish(topic, b"no state", qos=1, retain=False, token=9)
        vandal.next()
        gateway.add(range(10, 500))
        gateway.wait_delivered()
    assert len(stored(tmp_path, "quarantine")) == 3
    assert set(stored(tmp_path)) == gateway.outbox.punch_ids()
    said = {record.msg for record in caplog.records}
    assert {"central quarantined", "central unreadable"} <= said


def test_a_store_that_fails_ends_the_collector_without_an_ack(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is acknowledged that is not stored; the next start goes on."""
    path = tmp_path / "central.db"
    with Gateway(broker.port) as gateway:
        with Centre(broker.port, tmp_path):
            gateway.add(range(100))
            gateway.wait_delivered()
        with Centre(broker.port, tmp_path) as centre:
            gateway.wait(lambda: gateway.uplink.gate == "open")
            thief = sqlite3.connect(path, timeout=30)
            thief.execute("BEGIN IMMEDIATE")  # as good as a disk that says no
            gateway.add(range(100, 200))
            centre.thread.join(30)
            assert centre.failed is not None
            assert "locked" in str(centre.failed)
            assert gateway.outbox.acked == 100
            thief.rollback()
            thief.close()
        with Centre(broker.port, tmp_path):
            gateway.wait_delivered()
    proven(tmp_path, gateway)
    assert "central store failed" in {record.msg for record in caplog.records}


def test_state_of_the_centre_is_said_and_taken_back(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """Every site hears that the centre is there, and that it went."""
    with listener(broker.port, "watcher") as watcher:
        watcher.connect()
        watcher.link.subscribe([f"{PREFIX}/+/_central/state"])
        watcher.next()
        with Centre(broker.port, tmp_path):
            born = [json.loads(watcher.next().payload) for _ in "12"]  # type: ignore[union-attr]
        died = [json.loads(watcher.next().payload) for _ in "12"]  # type: ignore[union-attr]
    assert {(b["site"], b["online"]) for b in born} == {("s1", True), ("s2", True)}
    assert {(d["site"], d["online"]) for d in died} == {("s1", False), ("s2", False)}
    assert {b["generation"] for b in born} == {d["generation"] for d in died}


def test_an_unknown_gateway_hears_where_it_stands(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """A birth is answered with an ack, `upto` 0 for a stream nobody knows."""
    gateway = Gateway(broker.port, "new")
    with listener(broker.port, "watcher") as watcher, Centre(broker.port, tmp_path):
        watcher.connect()
        watcher.link.subscribe([f"{PREFIX}/s1/new/ack"])
        watcher.next()
        topic = f"{PREFIX}/s1/new/state"
        watcher.link.publish(
            topic, encode(gateway.state()), qos=1, retain=True, token=1
        )
        events = [watcher.next(), watcher.next()]
    (ack,) = [json.loads(e.payload) for e in events if hasattr(e, "payload")]
    assert (ack["upto"], ack["chain"], ack["missing"]) == (0, None, [])
    assert ack["epoch"] == "new-epoch"


def test_a_forbidden_subscription_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """A centre that may not read everything does not pretend to."""
    with pytest.raises(LostError, match="forbids reading"):
        check_answer(Subscribed(1, {"att/v1/+/+/punch": 1, "att/v1/+/+/event": 0x87}))
    check_answer(Subscribed(1, {"att/v1/+/+/punch": 1}))
    assert [record.msg for record in caplog.records] == ["central refused"]


class ExampleCentre:
    """`docs/examples/consumer.py` as a child process."""

    def __init__(self, port: int, path: Path) -> None:
        command = [sys.executable, str(CONSUMER), "--port", str(port)]
        self._command = [*command, "--prefix", PREFIX, "--db", str(path)]

    def __enter__(self) -> "subprocess.Popen[str]":
        self._child = subprocess.Popen(self._command, text=True)
        return self._child

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.wait(10)


def test_the_example_consumer_is_a_centre(broker: Mosquitto, tmp_path: Path) -> None:
    """The documented 80 lines take the collector's place, killed twice on the way."""
    path = tmp_path / "consumer.db"
    with Gateway(broker.port) as gateway:
        for part in range(3):
            with ExampleCentre(broker.port, path):
                gateway.add(range(part * 1000, part * 1000 + 1000))
                gateway.wait_acked(part * 1000 + 300)
        with ExampleCentre(broker.port, path):
            gateway.wait_delivered()
    conn = sqlite3.connect(path)
    found = [row[0] for row in conn.execute("SELECT id FROM punches")]
    (entries,) = conn.execute("SELECT count(*) FROM entries").fetchone()
    conn.close()
    assert set(found) == gateway.outbox.punch_ids()
    assert len(found) == 3000
    assert entries == len(gateway.outbox.rows)
    assert not gateway.outbox.forks


def test_the_example_consumer_says_what_is_missing(
    broker: Mosquitto, tmp_path: Path
) -> None:
    """Entries 1, 4 and 6 arrive; a broken message changes nothing."""
    outbox = MemoryOutbox()
    for seq in (1, 4, 6):
        outbox.add_bytes("punch", encode(punch(seq)))
    topic, data = f"{PREFIX}/s1/g1/punch", payload(outbox.rows, outbox.epoch)
    with listener(broker.port, "watcher") as watcher:
        watcher.connect()
        watcher.link.subscribe([f"{PREFIX}/s1/g1/ack"])
        watcher.next()
        acks: list[bytes] = []
        with ExampleCentre(broker.port, tmp_path / "consumer.db"):
            token = 0
            while len(acks) < 2:  # until it has subscribed
                token += 1
                broken = data.replace(b'"0001"', b'"0009"')
                for body in (broken, data):
                    watcher.link.publish(topic, body, qos=1, retain=False, token=token)
                answered = 0
                while answered < 2:
                    event = watcher.next()
                    answered += isinstance(event, Published)
                    acks += [event.payload] if isinstance(event, Message) else []
    for ack in map(json.loads, acks):
        assert (ack["upto"], ack["missing"]) == (1, [[2, 3], [5, 5]])
        assert ack["chain"] == outbox.rows[0].hash
        check("ack", json.dumps(ack).encode())


def test_the_example_stays_short() -> None:
    """A stranger reads it at a sitting."""
    assert len(CONSUMER.read_text(encoding="utf-8").splitlines()) <= 80
