"""Reads along on a broker and holds every message against what is published.

A topic that is not in the AsyncAPI document, a message that does not fit its schema,
ids that are not those of the topic, another QoS, retain flag or expiry than is said
there: each fails the test. A message published for the first time is covered by being
in the document.
"""

import json
import re
import threading
from collections import Counter
from functools import cache
from typing import Any, Self

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from sync.schema.generate import FOLDER
from tests.sync.schema_compat import Sending, read, sendings

BATCHES = ("punch", "event", "attendance", "suspicion", "entry")
_EVERYTHING = "att/v1/#"
_RECONNECT_SECONDS = 0.05
_SHOWN = 10


class _Way:
    """How one message is published, ready to be compared."""

    def __init__(self, sending: Sending, schema: Any) -> None:
        self.sending = sending
        parts = re.split(r"\{(\w+)\}", sending.address)
        plain = [re.escape(part) for part in parts[::2]]
        named = [f"(?P<{name}>[^/]+)" for name in parts[1::2]]
        pieces = [*(a + b for a, b in zip(plain, [*named, ""], strict=True))]
        self.topic = re.compile("".join(pieces))
        self.schema = Draft202012Validator(schema)


@cache
def _ways() -> dict[str, _Way]:
    contract = read(FOLDER)
    return {
        name: _Way(sending, contract.schemas[sending.payload])
        for name, sending in sendings(contract.document).items()
    }


class Watcher:
    """Subscribes to everything, again after every loss, until closed.

    It counts as a subscriber: a test of what a gateway does without one cannot have it.
    """

    def __init__(self, port: int) -> None:
        self.heard: Counter[str] = Counter()
        """Name of message → how many."""
        self.messages: list[tuple[str, dict[str, Any]]] = []
        """Every message that is no batch, under its name."""
        self.problems: list[str] = []
        self.ready = threading.Event()
        self._ways = _ways()
        self._port = port
        self._client = Client(
            CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5
        )

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Begin, whether or not the broker is there yet."""
        options = SubscribeOptions(qos=2, retainAsPublished=True)
        client = self._client
        client.on_connect = lambda c, *_: c.subscribe(_EVERYTHING, options=options)
        client.on_subscribe = lambda *_: self.ready.set()
        client.on_message = lambda _c, _u, message: self._take(message)
        # Typed for whole seconds; it only waits so long.
        client.reconnect_delay_set(_RECONNECT_SECONDS, _RECONNECT_SECONDS)  # type: ignore[arg-type]
        client.connect_async("127.0.0.1", self._port)
        client.loop_start()

    def close(self) -> None:
        """Stop, and fail for everything that was not as published."""
        self._client.disconnect()
        self._client.loop_stop()
        more = len(self.problems) - _SHOWN
        shown = self.problems[:_SHOWN] + [f"… and {more} more"] * (more > 0)
        assert not shown, "\n".join(shown)

    def said(self, name: str, **fields: object) -> int:
        """Return how many messages said these things."""
        found = (message for of, message in list(self.messages) if of == name)
        return sum(
            all(message.get(key) == value for key, value in fields.items())
            for message in found
        )

    def _take(self, message: MQTTMessage) -> None:
        try:
            name = self.check(message)
        except ValueError as error:
            shown = bytes(message.payload)[:300]
            self.problems.append(f"{message.topic}: {error}: {shown!r}")
        else:
            self.heard[name] += 1

    def check(self, message: MQTTMessage) -> str:
        """Return which message this is.

        Raises:
            ValueError: when it is none that is published, or not as published.
        """
        found = [
            (name, match.groupdict())
            for name, way in self._ways.items()
            if (match := way.topic.fullmatch(message.topic))
        ]
        # `_central` is a gateway's level too: the address without a parameter counts.
        name, ids = min(found, key=lambda one: len(one[1]), default=("", {}))
        if not name:
            raise ValueError("no such topic is published")
        _sent_as(self._ways[name].sending, message)
        data = json.loads(bytes(message.payload).decode())
        error = best_match(self._ways[name].schema.iter_errors(data))
        if error is not None:
            raise ValueError(f"{error.json_path}: {error.message}")
        repeated = self._ways[name].sending.repeated
        strange = {key: ids[key] for key in repeated if data[key] != ids[key]}
        if strange:
            raise ValueError(f"its topic says {strange}")
        if name not in BATCHES:
            self.messages.append((name, data))
        return name


def _sent_as(sending: Sending, message: MQTTMessage) -> None:
    """Compare the flags of a message; an expiry counts down on its way."""
    if (message.qos, message.retain) != (sending.qos, sending.retain):
        raise ValueError(f"QoS {message.qos}, retain {message.retain}")
    if message.properties is None:
        return  # MQTT 3.1.1 knows no expiry
    expiry = getattr(message.properties, "MessageExpiryInterval", None)
    longest = sending.expiry
    if (expiry is None) != (longest is None) or (expiry or 0) > (longest or 0):
        raise ValueError(f"message expiry {expiry}")
