"""What the centre says: retained words, one per topic, paced by the broker's answers.

Only the newest word on a topic is worth sending, so a thousand gateways that are born
at once, or a hundred commits while the broker is slow, never pile up.
"""

import time

from sync.link import Published
from sync.mqtt import MqttLink


class Outgoing:
    """Queues words and sends as many as may be in flight."""

    def __init__(self, link: MqttLink) -> None:
        self._link = link
        self._window = 0
        self._token = 0
        self._waiting: dict[str, bytes] = {}
        self._in_flight: set[int] = set()
        self._answered_at = 0.0

    @property
    def open(self) -> bool:
        """Say whether there is a connection to speak on."""
        return self._window > 0

    @property
    def idle(self) -> bool:
        """Say whether everything was sent and answered."""
        return not self._waiting and not self._in_flight

    def connected(self, window: int) -> None:
        """Begin on a new connection; at most `window` messages may be in flight."""
        self._window = window

    def lost(self) -> None:
        """Forget everything: the next connection begins with births and states."""
        self._window = 0
        self._waiting.clear()
        self._in_flight.clear()

    def say(self, topic: str, payload: bytes) -> None:
        """Queue a word in place of an older one on the same topic."""
        self._waiting.pop(topic, None)
        self._waiting[topic] = payload

    def send(self) -> None:
        """Send what may be sent now, retained, QoS 1."""
        while self._waiting and len(self._in_flight) < self._window:
            topic = next(iter(self._waiting))
            payload = self._waiting.pop(topic)
            if not self._in_flight:
                self._answered_at = time.monotonic()
            self._token += 1
            self._in_flight.add(self._token)
            self._link.publish(topic, payload, qos=1, retain=True, token=self._token)

    def published(self, event: Published) -> None:
        """Note the broker's answer."""
        self._in_flight.discard(event.token)
        self._answered_at = time.monotonic()

    def waiting_since(self, now: float) -> float:
        """Return for how many seconds the broker has owed an answer."""
        return now - self._answered_at if self._in_flight else 0.0
