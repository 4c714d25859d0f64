"""A gateway made by hand: sends what a test tells it to, hears what a centre says."""

import contextlib
import json
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from sync.commands import Command, RangeFate, Reply
from sync.link import Message, Published
from sync.messages import Ack, State, encode
from tests.central.batches import AT, TOPICS, payload
from tests.sync.listeners import Listener
from tests.sync.memory_outbox import MemoryOutbox, Row

SECONDS = 30.0


class HandGateway:
    """Acks and commands are kept as they come; everything is asked with a deadline."""

    def __init__(self, port: int, name: str = "g1", site: str = "s1") -> None:
        self.name, self.site = name, site
        self.outbox = MemoryOutbox(f"{name}-epoch")
        self.acks: list[Ack] = []
        self.commands: list[Command] = []
        self._line = Listener(port, f"hand-{name}")
        self._token = 0

    def open(self, *, commands: bool = True) -> None:
        """Connect and listen; without `commands` as a gateway that hears none."""
        self._line.connect()
        kinds = ["ack", "cmd"] if commands else ["ack"]
        self._line.link.subscribe([self._topic(kind) for kind in kinds])
        self._line.next()

    def close(self) -> None:
        """Disconnect."""
        self._line.link.close()

    def born(self, *, online: bool = True, epoch: str = "") -> None:
        """Say birth or death."""
        state = State(
            site=self.site,
            gateway=self.name,
            online=online,
            session=1,
            epoch=epoch or self.outbox.epoch,
            backlog=7,
            oldest_age_seconds=None,
            version="0",
            confirm="central",
            at=AT,
        )
        self.publish("state", encode(state), retain=True)

    def greet(self) -> None:
        """Say birth until the centre answers: from then on it hears everything."""
        self.acks.clear()
        self.born()
        self.wait(lambda: any(a.epoch == self.outbox.epoch for a in self.acks))

    def send(self, rows: Sequence[Row]) -> None:
        """Send rows of one kind."""
        data = payload(rows, self.outbox.epoch, self.name, self.site)
        self.publish(rows[0].kind, data)

    def send_all(self, first: int = 1, last: int = 10**9) -> None:
        """Send entries of the outbox, in as many messages as it takes."""
        after = first - 1
        while rows := self.outbox.batch(after, 100):
            rows = [row for row in rows if row.seq <= last]
            if not rows:
                return
            self.send(rows)
            after = rows[-1].seq

    def reply(
        self, command: Command, *fates: tuple[int, int, str], **more: Any
    ) -> None:
        """Answer a command."""
        ranges = [RangeFate(first=a, last=b, fate=c) for a, b, c in fates]  # type: ignore[arg-type]
        values: dict[str, Any] = {"site": self.site, "gateway": self.name}
        values |= {"id": command.id, "op": command.op, "result": "done"}
        values |= {"reason": None, "sent": AT, "epoch": command.epoch}
        self.publish("cmd/reply", encode(Reply(**{**values, "ranges": ranges, **more})))

    def publish(self, kind: str, data: bytes, *, retain: bool = False) -> None:
        """Publish and wait for the broker's answer."""
        self._token += 1
        self._line.link.publish(
            self._topic(kind), data, qos=1, retain=retain, token=self._token
        )
        self.wait(lambda: self._answered == self._token)

    _answered = 0

    def wait(self, what: Callable[[], bool]) -> None:
        """Listen until something is true; fail when it does not come true."""
        until = time.monotonic() + SECONDS
        while not what():
            left = until - time.monotonic()
            assert left > 0, (self.acks[-1:], self.commands)
            with contextlib.suppress(queue.Empty):
                self._hear(self._line.events.get(timeout=min(left, 0.05)))

    def wait_upto(self, upto: int) -> Ack:
        """Wait for an ack of this epoch."""

        def told() -> bool:
            mine = [a for a in self.acks if a.epoch == self.outbox.epoch]
            return bool(mine) and mine[-1].upto == upto

        self.wait(told)
        return next(a for a in reversed(self.acks) if a.epoch == self.outbox.epoch)

    def wait_command(self, number: int = 1) -> Command:
        """Wait for the `number`-th command."""
        self.wait(lambda: len(self.commands) >= number)
        return self.commands[number - 1]

    def _topic(self, kind: str) -> str:
        return TOPICS.of(self.site, self.name, kind)

    def _hear(self, event: object) -> None:
        if isinstance(event, Published):
            self._answered = event.token
        if isinstance(event, Message) and event.retained:
            return  # of a former centre
        if isinstance(event, Message) and event.topic.endswith("/ack"):
            self.acks.append(msgspec.json.decode(event.payload, type=Ack))
        if isinstance(event, Message) and event.topic.endswith("/cmd"):
            self.commands.append(msgspec.json.decode(event.payload, type=Command))


@contextlib.contextmanager
def hand_gateway(
    port: int, name: str = "g1", *, commands: bool = True, greet: bool = True
) -> Iterator[HandGateway]:
    """Return a gateway that the centre knows of, and that is closed in the end."""
    made = HandGateway(port, name)
    try:
        made.open(commands=commands)
        if greet:
            made.greet()
        yield made
    finally:
        made.close()


def day_counts(
    outbox: MemoryOutbox, days: dict[str, tuple[int, str]], **more: Any
) -> None:
    """Append day counts to an outbox."""
    detail: dict[str, Any] = {"epochs": outbox.epoch, "round": 1}
    detail |= {day: f"{count}:{digest}" for day, (count, digest) in days.items()}
    entry: dict[str, Any] = {"seq": len(outbox.rows) + 1, "id": "counts-1"}
    entry |= {"kind": "day_counts", "terminal": "lobby", "serial": "VT00000001"}
    entry |= {"at": AT, "reason": None, "detail": detail, "raw": None, **more}
    outbox.add_bytes("event", json.dumps(entry).encode())
