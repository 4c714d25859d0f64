"""Reads what our programs publish, as they wrote it: before a proxy does any wrong.

Each message is held against what `sync/schema` publishes, as `Watcher` does where
nothing is broken on purpose and a subscriber is welcome.
"""

from collections import Counter
from weakref import WeakKeyDictionary

from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.end_to_end.watcher import BATCHES, Watcher
from tests.faults.rules import CONNECT, PUBLISH, V5, body, version

# A batch of 100 takes 11 ms to check; of a million punches one batch in twenty will do.
_EVERY_ONE = 1_000
_THEN_ONE_IN = 20


class Reading:
    """Takes the packets of clients; `check` says what is wrong with them."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        """Name of message → how many were found as published."""
        self._versions: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        self._seen: Counter[str] = Counter()
        self._waiting: list[MQTTMessage] = []
        self._contract = Watcher(0)

    def take(self, line: object, packet: bytes) -> None:
        """Take a packet of the client of a connection."""
        kind = packet[0] >> 4
        if kind == CONNECT:
            self._versions[line] = version(packet)
        elif kind == PUBLISH:
            message = published(packet, self._versions.get(line, V5))
            if self._wanted(message.topic):
                self._waiting.append(message)

    def check(self) -> None:
        """Fail with what was published and is not as the contract says."""
        problems = []
        while self._waiting:
            message = self._waiting.pop()
            try:
                self.heard[self._contract.check(message)] += 1
            except ValueError as error:
                shown = bytes(message.payload)[:300]
                problems.append(f"{message.topic}: {error}: {shown!r}")
        assert not problems, "\n".join(problems[:10])

    def _wanted(self, topic: str) -> bool:
        """Say whether to keep a message: all, but of many batches not every one."""
        kind = topic.rsplit("/", 1)[-1]
        self._seen[kind] += 1
        count = self._seen[kind]
        return kind not in BATCHES or count <= _EVERY_ONE or count % _THEN_ONE_IN == 0


def published(packet: bytes, spoken: int) -> MQTTMessage:
    """Return a PUBLISH as a subscriber would be given it."""
    rest = body(packet)
    size = 2 + int.from_bytes(rest[:2], "big")
    message = MQTTMessage(topic=rest[2:size])
    message.qos, message.retain = packet[0] >> 1 & 3, bool(packet[0] & 1)
    rest = rest[size + (2 if message.qos else 0) :]
    if spoken == V5:
        message.properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        _, size = message.properties.unpack(rest)  # type: ignore[no-untyped-call]
        rest = rest[size:]
    message.payload = rest
    return message
