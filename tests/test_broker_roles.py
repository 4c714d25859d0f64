"""The example ACL: each role may do its own, on a real broker, and nothing else.

The broker runs the shipped files, everybody is who the certificate says. Every role
tries to write and to read every topic. What may be read is decided by what arrives:
mosquitto before 2.1 accepts any subscription and then sends nothing.
"""

import queue
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from tests.security.authority import HOST, Authority, ShippedBroker

pytestmark = pytest.mark.mosquitto
_SECONDS = 30.0
_REFUSED = 0x87
_FORBIDDEN = 0x80

OWN, NEIGHBOUR, FAR = "att/v1/hq/gw-hq-1", "att/v1/hq/gw-hq-2", "att/v1/north/gw-n-1"
CENTRE, FAR_CENTRE = "att/v1/hq/_central/state", "att/v1/north/_central/state"
OPEN = {"punch", "attendance", "state", "terminal/VT00000001", "live/lobby"}
DELICATE = {"suspicion", "entry"}
UP = OPEN | DELICATE | {"event", "cmd/reply"}
DOWN = {"ack", "cmd", "book"}
GATEWAYS = (OWN, NEIGHBOUR, FAR)
EVERY = {f"{gateway}/{kind}" for gateway in GATEWAYS for kind in UP | DOWN}
EVERY |= {CENTRE, FAR_CENTRE, f"{OWN}/unheard-of", "att/v1/hq", "elsewhere"}
ROLES = ("gw-hq-1", "gw-hq-2", "central", "reader", "reviewer", "nobody")


def below(gateways: tuple[str, ...], kinds: set[str]) -> set[str]:
    """Return topics of gateways."""
    return {f"{gateway}/{kind}" for gateway in gateways for kind in kinds}


CENTRES = {CENTRE, FAR_CENTRE}
WRITES = {
    "gw-hq-1": below((OWN,), UP),
    "gw-hq-2": set[str](),  # no block stands in the file for it
    "central": below(GATEWAYS, DOWN) | CENTRES,
    "reader": set[str](),
    "reviewer": set[str](),
    "nobody": set[str](),
}
READS = {
    "gw-hq-1": below((OWN,), DOWN) | {CENTRE},
    "gw-hq-2": set[str](),
    "central": EVERY - {"elsewhere"},
    "reader": below(GATEWAYS, OPEN) | CENTRES,
    "reviewer": below(GATEWAYS, OPEN | DELICATE) | CENTRES,
    "nobody": set[str](),
}
# Of the commented lines for many gateways: nobody is a gateway of that name, and the
# second one needs no block.
MANY_WRITES = WRITES | {"gw-hq-2": below((NEIGHBOUR,), UP)}
MANY_READS = READS | {
    "gw-hq-1": READS["gw-hq-1"] | CENTRES,
    "gw-hq-2": below((NEIGHBOUR,), DOWN) | CENTRES,
    "nobody": CENTRES,
}


def with_oracle(text: str) -> str:
    """Add somebody who may say everything, and a last word to each."""
    oracle = "\nuser oracle\ntopic readwrite #\n\npattern read last-word/%u\n"
    return text + oracle


def for_many(text: str) -> str:
    """Do what the file says for many gateways."""
    block = re.compile(r"# gateway gw-hq-1.*?(?=\n# the centre)", re.DOTALL)
    without = block.sub("", text)
    assert without != text
    commented = re.compile(r"^#(?=pattern|user|topic)", re.MULTILINE)
    return with_oracle(commented.sub("", without))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return an authority with a certificate for everybody."""
    folder = tmp_path_factory.mktemp("roles") / "ca"
    return Authority.made(folder, *ROLES, "oracle", "reader-2")


@pytest.fixture(scope="module")
def broker(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ShippedBroker]:
    """Return a broker with the shipped files."""
    folder = tmp_path_factory.mktemp("broker")
    with ShippedBroker(folder, authority.folder, acl=with_oracle) as running:
        yield running


@pytest.fixture(scope="module")
def broker_for_many(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ShippedBroker]:
    """Return a broker with the commented alternative in force."""
    folder = tmp_path_factory.mktemp("many")
    with ShippedBroker(folder, authority.folder, acl=for_many) as running:
        yield running


class Member:
    """Somebody with a certificate, connected."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._answers: queue.Queue[tuple[int, list[int]]] = queue.Queue()
        self.heard: queue.Queue[MQTTMessage] = queue.Queue()
        client.on_publish = lambda _c, _u, mid, code, _p: self._answers.put(
            (mid, [int(code.value)])
        )
        client.on_subscribe = lambda _c, _u, mid, codes, _p: self._answers.put(
            (mid, [int(code.value) for code in codes])
        )
        client.on_message = lambda _c, _u, message: self.heard.put(message)

    def subscribe(self, topics: list[str]) -> dict[str, int]:
        """Subscribe; return the code of each topic."""
        self._client.subscribe([(topic, 1) for topic in topics])
        _, codes = self._answers.get(timeout=_SECONDS)
        return dict(zip(topics, codes, strict=True))

    def publish(self, topics: list[str]) -> dict[str, int]:
        """Publish to each topic; return the code of each."""
        found = {}
        for topic in topics:
            sent = self._client.publish(topic, topic.encode(), qos=1)
            mid, (code,) = self._answers.get(timeout=_SECONDS)
            assert mid == sent.mid
            found[topic] = code
        return found


@contextmanager
def member(authority: Authority, broker: ShippedBroker, name: str) -> Iterator[Member]:
    """Connect with somebody's certificate."""
    client = Client(CallbackAPIVersion.VERSION2, f"test-{name}", protocol=MQTTv5)
    files = authority.files(name)
    context = ssl.create_default_context(cafile=files["tls_ca"])
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python 3.13 does by itself
    context.load_cert_chain(files["tls_cert"], files["tls_key"])
    client.tls_set_context(context)
    one = Member(client)
    client.connect(HOST, broker.port)
    client.loop_start()
    try:
        yield one
    finally:
        client.disconnect()
        client.loop_stop()


def may_write(authority: Authority, broker: ShippedBroker, role: str) -> set[str]:
    """Return every topic the broker took a message for; the others it refused."""
    with member(authority, broker, role) as one:
        codes = one.publish(sorted(EVERY))
    assert {code for code in codes.values() if code >= _FORBIDDEN} <= {_REFUSED}
    return {topic for topic, code in codes.items() if code < _FORBIDDEN}


def may_read(authority: Authority, broker: ShippedBroker, role: str) -> set[str]:
    """Return every topic of which a message arrives when somebody says something."""
    with (
        member(authority, broker, role) as one,
        member(authority, broker, "oracle") as oracle,
    ):
        last = f"last-word/{role}"
        codes = one.subscribe([*sorted(EVERY), last])
        oracle.publish([*sorted(EVERY), last])
        found = set[str]()
        while (topic := one.heard.get(timeout=_SECONDS).topic) != last:
            found.add(topic)
    assert {topic for topic in found if codes[topic] >= _FORBIDDEN} == set()
    return found


@pytest.mark.parametrize("role", ROLES)
def test_roles_write_their_own_only(
    authority: Authority, broker: ShippedBroker, role: str
) -> None:
    """A gateway cannot acknowledge itself, nor a reader invent a punch."""
    assert may_write(authority, broker, role) == WRITES[role]


@pytest.mark.parametrize("role", ROLES)
def test_roles_read_their_own_only(
    authority: Authority, broker: ShippedBroker, role: str
) -> None:
    """Suspicions reach the reviewer and the centre; a neighbour sees nothing."""
    assert may_read(authority, broker, role) == READS[role]


@pytest.mark.parametrize("role", [role for role in ROLES if role != "nobody"])
def test_pattern_lines_give_every_gateway_its_own(
    authority: Authority, broker_for_many: ShippedBroker, role: str
) -> None:
    """The lines for many gateways give each what a block would, and roles no more."""
    assert may_write(authority, broker_for_many, role) == MANY_WRITES[role]
    assert may_read(authority, broker_for_many, role) == MANY_READS[role]


def test_a_role_is_no_gateway_of_its_name(
    authority: Authority, broker_for_many: ShippedBroker
) -> None:
    """With pattern lines a reader could else send punches as a gateway «reader»."""
    for role in ("central", "reader", "reviewer"):
        topic = f"att/v1/hq/{role}/punch"
        with member(authority, broker_for_many, role) as one:
            assert one.publish([topic]) == {topic: _REFUSED}
    with member(authority, broker_for_many, "reader-2") as one:
        (code,) = one.publish(["att/v1/hq/reader-2/punch"]).values()
        assert code < _FORBIDDEN, "the file says that it would be one"
