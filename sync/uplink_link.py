"""The connection as the uplink sees it: events in order, waits with deadlines."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from sync.link import (
    Broker,
    Connected,
    Disconnected,
    LinkEvent,
    Published,
    Refused,
    Subscribed,
    Will,
)
from sync.mqtt import MqttLink

E = TypeVar("E", Connected, Subscribed)


class UplinkError(Exception):
    """The connection is of no use any more; the reason in words. Another is tried."""


class AsyncLink:
    """One broker, one connection after the other.

    Args:
        broker: where to.
        seconds: how long the broker may take to let us in and to answer subscriptions.
    """

    def __init__(self, broker: Broker, seconds: float) -> None:
        self._link = MqttLink(broker, self._from_thread)
        self._seconds = seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._awake = asyncio.Event()
        self._events: deque[LinkEvent] = deque()

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Say which loop the events are for."""
        self._loop = loop

    def wake(self) -> None:
        """End the current `sleep`. From any thread."""
        self._call(self._awake.set)

    async def connect(
        self, will: Will, topics: Sequence[str]
    ) -> tuple[Connected, Subscribed]:
        """Connect and subscribe. Messages that come meanwhile wait in `events`.

        Raises:
            UplinkError: when the connection is refused or lost, or an answer is late.
        """
        self._events.clear()
        self._link.open(will)
        connected = await self._expect(Connected)
        self._link.subscribe(topics)
        return connected, await self._expect(Subscribed)

    def publish(self, topic: str, payload: bytes, *, retain: bool, token: int) -> None:
        """Send with QoS 1; the pacing is the caller's."""
        self._link.publish(topic, payload, qos=1, retain=retain, token=token)

    def publish_live(self, topic: str, payload: bytes) -> None:
        """Send with QoS 0: nobody will say whether it came."""
        self._link.publish(topic, payload, qos=0, retain=False, token=0)

    def events(self) -> Iterator[LinkEvent]:
        """Take what has happened since the last call, in order.

        Raises:
            UplinkError: when the connection is gone, said or unsaid.
        """
        self._awake.clear()
        alive = self._link.alive  # asked first: its last event comes before its end
        while self._events:
            event = self._events.popleft()
            if isinstance(event, Refused | Disconnected):
                raise UplinkError(event.reason)
            yield event
        if not alive:
            raise UplinkError("the connection's thread died")

    async def sleep(self, until: float) -> None:
        """Wait for the next event or `wake`, at most until then (monotonic)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await self._awake.wait()

    def drop(self) -> None:
        """Give the connection up at once."""
        self._link.drop()

    async def last_word(self, topic: str, payload: bytes, seconds: float) -> None:
        """Publish one retained message and wait until the broker has it."""
        with contextlib.suppress(TimeoutError, UplinkError):
            async with asyncio.timeout(seconds):
                self.publish(topic, payload, retain=True, token=0)
                while not any(self._is_last(event) for event in self.events()):
                    await self._awake.wait()

    async def close(self) -> None:
        """Disconnect properly and wait for the threads."""
        await asyncio.to_thread(self._link.close)

    async def _expect(self, kind: type[E]) -> E:
        kept: list[LinkEvent] = []
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    event = await self._event()
                    if isinstance(event, kind):
                        self._events.extendleft(reversed(kept))
                        return event
                    if isinstance(event, Refused | Disconnected):
                        raise UplinkError(event.reason)
                    kept.append(event)
        except TimeoutError:
            raise UplinkError(f"no answer within {self._seconds:g} s") from None

    async def _event(self) -> LinkEvent:
        while not self._events:
            self._awake.clear()
            await self._awake.wait()
        return self._events.popleft()

    @staticmethod
    def _is_last(event: LinkEvent) -> bool:
        return isinstance(event, Published) and event.token == 0

    def _from_thread(self, event: LinkEvent) -> None:
        self._call(lambda: self._arrived(event))

    def _arrived(self, event: LinkEvent) -> None:
        if event.attempt == self._link.attempt:
            self._events.append(event)
            self._awake.set()

    def _call(self, what: Callable[[], object]) -> None:
        """Run something on the loop; a loop that is closed needs no news."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(what)
