"""What the centre says, paced by the broker's answers.

Words are retained and only the newest word under a name is worth sending, so a thousand
gateways that are born at once, or a hundred commits while the broker is slow, never
pile up. Commands are for now: not retained, and gone when nobody took them in time.
"""

import time
from collections.abc import Hashable
from dataclasses import dataclass

from sync.link import Published
from sync.mqtt import MqttLink


@dataclass(frozen=True, slots=True)
class _Word:
    """One thing to send; `mark` comes back with the broker's answer."""

    topic: str
    payload: bytes
    expiry_seconds: int | None = None
    mark: Hashable = None


class Outgoing:
    """Queues words and commands and sends as many as may be in flight."""

    def __init__(self, link: MqttLink) -> None:
        self._link = link
        self._window = 0
        self._token = 0
        self._waiting: dict[Hashable, _Word] = {}
        self._in_flight: dict[int, Hashable] = {}
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

    def say(self, topic: str, payload: bytes, about: str = "") -> None:
        """Queue a word, to be kept by the broker, in place of an older one.

        Words on one topic `about` different things do not replace each other here;
        the broker keeps the last one.
        """
        name = (topic, about)
        self._waiting.pop(name, None)
        self._waiting[name] = _Word(topic, payload)

    def command(
        self, topic: str, payload: bytes, expiry_seconds: int, mark: Hashable
    ) -> None:
        """Queue a command; `published` will return its `mark`."""
        self._waiting[mark] = _Word(topic, payload, expiry_seconds, mark)

    def send(self) -> None:
        """Send what may be sent now, QoS 1."""
        while self._waiting and len(self._in_flight) < self._window:
            word = self._waiting.pop(next(iter(self._waiting)))
            if not self._in_flight:
                self._answered_at = time.monotonic()
            self._token += 1
            self._in_flight[self._token] = word.mark
            self._link.publish(
                word.topic,
                word.payload,
                qos=1,
                retain=word.expiry_seconds is None,
                token=self._token,
                expiry_seconds=word.expiry_seconds,
            )

    def published(self, event: Published) -> Hashable:
        """Note the broker's answer; return the mark of a command, else None."""
        self._answered_at = time.monotonic()
        return self._in_flight.pop(event.token, None)

    def waiting_since(self, now: float) -> float:
        """Return for how many seconds the broker has owed an answer."""
        return now - self._answered_at if self._in_flight else 0.0
