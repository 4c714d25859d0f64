"""A link to a broker whose events a test takes one by one."""

import contextlib
import queue
from collections.abc import Iterator

from sync.link import Broker, Connected, LinkEvent
from sync.mqtt import MqttLink

SECONDS = 20.0


class Listener:
    """A link and the events it told."""

    def __init__(self, port: int, name: str = "t", **more: str) -> None:
        self.events: queue.Queue[LinkEvent] = queue.Queue()
        broker = Broker("127.0.0.1", port, name, **more)  # type: ignore[arg-type]
        self.link = MqttLink(broker, self.events.put)

    def next(self) -> LinkEvent:
        """Return the next event; fail when none comes."""
        return self.events.get(timeout=SECONDS)

    def connect(self) -> Connected:
        """Open and return the broker's welcome."""
        self.link.open()
        event = self.next()
        assert isinstance(event, Connected), event
        return event


@contextlib.contextmanager
def listener(port: int, name: str = "t", **more: str) -> Iterator[Listener]:
    """Return a listener that is closed in the end."""
    made = Listener(port, name, **more)
    try:
        yield made
    finally:
        made.link.close()
