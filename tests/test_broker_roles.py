"""The example ACL: each role may do its own, on a real broker, and nothing else."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from tests.brokers import Mosquitto, mosquitto_path

pytestmark = pytest.mark.mosquitto
FOLDER = Path(__file__).parents[1] / "config/mosquitto"
_SECONDS = 10.0
_OWN = "att/v1/hq/gw-hq-1"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """Return a broker with the ACL of the example, without its certificates."""
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    acl = (FOLDER / "punchgate.acl").read_text()
    with Mosquitto(tmp_path_factory.mktemp("broker"), acl=acl) as running:
        yield running


def _may_write(broker: Mosquitto, user: str, topic: str) -> bool:
    """Publish as a user; return whether the broker let it."""
    client = Client(CallbackAPIVersion.VERSION2, f"test-{user}", protocol=MQTTv5)
    client.username_pw_set(user)
    answered = threading.Event()
    codes: list[ReasonCode] = []

    def on_publish(
        _c: object, _u: object, _m: int, code: ReasonCode, _p: object
    ) -> None:
        codes.append(code)
        answered.set()

    client.on_publish = on_publish
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    try:
        client.publish(topic, b"{}", qos=1)
        assert answered.wait(_SECONDS), "no answer to a publish"
    finally:
        client.disconnect()
        client.loop_stop()
    return not codes[0].is_failure


@pytest.mark.parametrize(
    "user, topic, may",
    [
        ("gw-hq-1", f"{_OWN}/punch", True),
        ("gw-hq-1", f"{_OWN}/event", True),
        ("gw-hq-1", f"{_OWN}/state", True),
        ("gw-hq-1", f"{_OWN}/terminal/VT00000001", True),
        ("gw-hq-1", f"{_OWN}/ack", False),
        ("gw-hq-1", f"{_OWN}/book", False),
        ("gw-hq-1", "att/v1/hq/gw-hq-2/punch", False),
        ("gw-hq-1", "att/v1/hq/_central/state", False),
        ("central", f"{_OWN}/ack", True),
        ("central", "att/v1/hq/_central/state", True),
        ("central", f"{_OWN}/punch", False),
        ("reader", f"{_OWN}/punch", False),
        ("reader", f"{_OWN}/ack", False),
        ("reviewer", f"{_OWN}/entry", False),
        ("nobody", f"{_OWN}/punch", False),
    ],
)
def test_roles_write_their_own_only(
    broker: Mosquitto, user: str, topic: str, *, may: bool
) -> None:
    """A gateway cannot acknowledge itself, nor a reader invent a punch."""
    assert _may_write(broker, user, topic) is may
