"""A centre of a few lines on a real broker: it books what it hears and acknowledges."""

import json
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Self

import msgspec

from sync.ledger import Ledger
from sync.link import Broker, Connected, LinkEvent, Message, Refused, Subscribed
from sync.messages import Ack, CentreState, Envelope, encode, link
from sync.mqtt import MqttLink
from tests.sync.gateways import NOW, PREFIX, SITE
from tests.sync.test_schema import check

SECONDS = 60.0


def chain_of(payload: bytes) -> list[str]:
    """Return the chain hash behind each entry, as a stranger computes it."""
    data = msgspec.json.decode(payload, type=Envelope)
    prev, found = data.chain.prev, []
    for raw in data.entries:
        prev = link(prev, bytes(raw))
        found.append(prev)
    assert prev == data.chain.head
    return found


class Centre:
    """Books what it hears and acknowledges, unless told otherwise."""

    def __init__(
        self,
        port: int,
        *,
        acks: bool = True,
        store: str = "A",
        loses: Callable[[], bool] = lambda: False,
    ) -> None:
        self.acks = acks
        self.loses = loses
        self.store = store
        self.ledgers: dict[str, Ledger] = {}
        self.payloads: list[tuple[str, bytes, bool]] = []
        self.changed = threading.Condition()
        self._queue: queue.SimpleQueue[LinkEvent | None] = queue.SimpleQueue()
        self.link = MqttLink(Broker("127.0.0.1", port, "centre"), self._queue.put)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.ready = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self.link.open()
        assert self.ready.wait(SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.put(None)
        self._thread.join(SECONDS)
        self.link.close()

    def say(self, topic: str, payload: bytes, *, retain: bool = True) -> None:
        """Publish something."""
        self.link.publish(topic, payload, qos=1, retain=retain, token=1)

    def ack(
        self,
        epoch: str,
        upto: int,
        chain: str | None,
        name: str = "g1",
        missing: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Acknowledge something, true or not."""
        message = Ack(
            site=SITE,
            gateway=name,
            epoch=epoch,
            upto=upto,
            missing=list(missing),
            store=self.store,
            generation=1,
            chain=chain,
            sent=NOW,
        )
        check("ack", encode(message))
        self.say(f"{PREFIX}/{SITE}/{name}/ack", encode(message))

    def online(self, *, online: bool) -> None:
        """Publish the centre's state."""
        state = CentreState(
            site=SITE,
            centre="c",
            online=online,
            store=self.store,
            generation=1,
            session=1,
            version="0",
            at=NOW,
        )
        check("centre_state", encode(state))
        self.say(f"{PREFIX}/{SITE}/_central/state", encode(state))

    def wait(self, what: Callable[[], bool]) -> None:
        """Wait until something heard makes it true."""
        with self.changed:
            assert self.changed.wait_for(what, SECONDS)

    def received(self, kind: str) -> int:
        """Return how many entries came on a topic, repeats included."""
        return sum(
            len(json.loads(data)["entries"])
            for topic, data, _ in list(self.payloads)
            if topic.endswith(f"/{kind}")
        )

    def last(self, kind: str) -> tuple[bytes, bool] | None:
        """Return the last message on a gateway's topic."""
        topic = f"{PREFIX}/{SITE}/g1/{kind}"
        heard = [(data, kept) for name, data, kept in self.payloads if name == topic]
        return heard[-1] if heard else None

    def _run(self) -> None:
        while (event := self._queue.get()) is not None:
            if isinstance(event, Refused):
                self.link.open()
            elif isinstance(event, Connected):
                topics = [
                    f"{PREFIX}/+/+/{kind}" for kind in ("punch", "event", "state")
                ]
                more = ("terminal/+", "cmd/reply", "live/+")
                topics += [f"{PREFIX}/+/+/{kind}" for kind in more]
                self.link.subscribe(topics)
            elif isinstance(event, Subscribed):
                self.ready.set()
            elif isinstance(event, Message):
                self._take(event)

    def _take(self, event: Message) -> None:
        kind = event.topic.split("/")[4]
        if "_central" not in event.topic and kind not in ("cmd", "live"):
            check(kind, event.payload)
        with self.changed:
            self.payloads.append((event.topic, event.payload, event.retained))
            self.changed.notify_all()
        if kind not in ("punch", "event") or self.loses():
            return
        data = json.loads(event.payload)
        ledger = self.ledgers.setdefault(data["epoch"], Ledger())
        seqs = [entry["seq"] for entry in data["entries"]]
        hashed = zip(seqs, chain_of(event.payload), strict=True)
        ledger.add(hashed)
        if self.acks:
            missing = ledger.missing[:100]
            name = data["gateway"]
            self.ack(data["epoch"], ledger.upto, ledger.chain, name, missing)
