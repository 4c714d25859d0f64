"""The uplink on brokers that forbid, vanish, stop, or take little; and their word."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sync.link import Subscribed
from sync.uplink_link import UplinkError
from sync.uplink_values import Confirm
from tests.brokers import Iotcore, Mosquitto, free_port, mosquitto_path
from tests.end_to_end.processes import until
from tests.sync.centres import Centre
from tests.sync.gateways import QUICK, Gateway

pytestmark = pytest.mark.mosquitto


def test_a_forbidden_topic_stops_loudly_and_keeps_everything(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """0x87: one error line, nothing confirmed, the gate says why."""
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    acl = "topic readwrite #\ntopic deny att/v1/s1/g1/punch\n"
    with (
        Mosquitto(tmp_path, acl=acl) as broker,
        Centre(broker.port),
        Gateway(broker.port) as gateway,
    ):
        gateway.add(range(10))
        gateway.wait(lambda: gateway.uplink.gate == "refused")
        gateway.wait(lambda: gateway.uplink.refusals >= 3)
        assert gateway.outbox.acked == 0
    said = [r for r in caplog.records if r.msg == "uplink refused"]
    assert len(said) == 1
    assert said[0].levelname == "ERROR"


def test_a_forbidden_ack_is_no_connection(caplog: pytest.LogCaptureFixture) -> None:
    """Without the right to read acknowledgements nothing could ever be confirmed."""
    gateway = Gateway(free_port())
    topic = gateway.uplink._of("ack")
    answer = Subscribed(1, {topic: 0x87, "att/v1/s1/g1/cmd": 0x87})
    with pytest.raises(UplinkError, match="forbids reading"):
        gateway.uplink._check(answer)
    relaxed = Gateway(free_port(), options=replace(QUICK, confirm=Confirm.BROKER))
    relaxed.uplink._check(answer)
    assert {r.msg for r in caplog.records} == {"uplink refused"}


def test_the_broker_is_away_for_a_while(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Repeated failures are logged at 1 and 10; what waited is delivered then."""
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    port = free_port()
    options = replace(QUICK, reconnect_seconds=0.001, reconnect_max_seconds=0.01)
    with Gateway(port, options=options) as gateway:
        gateway.add(range(10))
        downs: list[int] = []

        def said() -> bool:
            lines = [r for r in caplog.records if r.msg == "uplink down"]
            downs[:] = [r.args["after"] for r in lines if isinstance(r.args, dict)]
            return len(downs) >= 2

        gateway.wait(said)
        assert downs[:2] == [1, 10]
        assert not gateway.uplink.connected
        assert gateway.uplink.protocol is None
        with Mosquitto(tmp_path, port=port) as broker, Centre(broker.port):
            gateway.wait_delivered()


def test_a_broker_that_stops_answering_is_left(broker: Mosquitto) -> None:
    """No PUBACK for the agreed time while something is in flight: a new connection."""
    assert broker._child is not None
    child = broker._child._child
    assert child is not None
    options = replace(QUICK, stuck_seconds=0.5, connect_seconds=0.5)
    with Centre(broker.port), Gateway(broker.port, options=options) as gateway:
        gateway.wait(lambda: gateway.uplink.connected)
        child.send_signal(19)  # SIGSTOP
        gateway.add(range(10))
        gateway.wait(lambda: not gateway.uplink.connected)
        child.send_signal(18)  # SIGCONT
        gateway.wait_delivered()


def test_confirm_by_broker_with_a_plain_subscriber(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    """`mosquitto_sub` reads everything; the broker's success confirms, in order."""
    options = replace(QUICK, confirm=Confirm.BROKER)
    command = ["mosquitto_sub", "-V", "5", "-p", str(broker.port), "-q", "1"]
    with subprocess.Popen(
        [*command, "-t", "att/+/#", "-F", "%t %p"], stdout=subprocess.PIPE, text=True
    ) as child:
        # To the broker anybody else who has subscribed is enough for success.
        until(lambda: broker.subscribed("att/+/#"), "its subscription")
        with Gateway(broker.port, options=options) as gateway:
            gateway.add(range(300))
            gateway.wait_delivered()
        assert child.stdout is not None
        ids: set[str] = set()
        while not gateway.outbox.punch_ids() <= ids:
            topic, data = child.stdout.readline().split(" ", 1)
            if topic.endswith("/punch"):
                ids |= {entry["id"] for entry in json.loads(data)["entries"]}
        child.terminate()
    assert gateway.outbox.confirms == sorted(gateway.outbox.confirms)
    assert gateway.outbox.store is None
    warned = [r for r in caplog.records if r.msg == "uplink confirm"]
    assert len(warned) == 1


@pytest.mark.unwatched("nobody may have subscribed")
def test_confirm_by_broker_waits_for_a_subscriber(broker: Mosquitto) -> None:
    """Success without a subscriber (0x10) is not delivered."""
    options = replace(QUICK, confirm=Confirm.BROKER)
    with Gateway(broker.port, options=options) as gateway:
        gateway.add(range(20))
        gateway.wait(lambda: gateway.uplink.gate == "no_subscriber")
        assert gateway.outbox.acked == 0
        with Centre(broker.port, acks=False):
            gateway.wait_delivered()


def test_a_3_1_1_broker_with_a_small_limit() -> None:
    """Batches that such a broker hangs up on become small enough, unasked."""
    with Iotcore() as broker, Centre(broker.port), Gateway(broker.port) as g:
        g.add(range(400))
        g.wait_delivered()
        assert g.uplink.protocol == "3.1.1"


def test_batches_keep_to_the_broker_s_packet_limit(tmp_path: Path) -> None:
    """An MQTT 5 broker says how much it takes; no connection is lost over it."""
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    settings = ["max_packet_size 8000"]
    with (
        Mosquitto(tmp_path, settings=settings) as broker,
        Centre(broker.port) as centre,
        Gateway(broker.port) as gateway,
    ):
        gateway.add(range(200))
        gateway.wait_delivered()
        sizes = [len(data) for _, data, _ in centre.payloads]
        assert gateway.uplink._flow is not None
        assert gateway.uplink._flow.rows == 100  # nothing was learnt the hard way
    assert 4_000 < max(sizes) < 8_000
