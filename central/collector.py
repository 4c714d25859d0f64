"""The collector: takes what gateways send, stores it, and only then acknowledges.

One thread of our own stores and answers; the connection's thread only queues. A group
is what waits, at most 100 messages; load makes the groups. A store that fails ends the
process: nothing is acknowledged that is not committed, and gateways send again.
"""

import logging
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from central.incoming import Batch, Poison, Stream, read, read_state
from central.outgoing import Outgoing
from central.settings import CentralSettings
from central.store.errors import StoreError
from central.store.store import CentralStore, Standing, Stored
from sync.link import (
    FAILED,
    WINDOW,
    Connected,
    Disconnected,
    LinkEvent,
    Message,
    Published,
    Refused,
    Subscribed,
    Will,
)
from sync.messages import Ack, CentreState, encode
from sync.mqtt import MqttLink
from sync.retry import Retry, loud
from sync.topics import CENTRE, DURABLE, Topics

log = logging.getLogger("punchgate.central")

GROUP = 100
_ACK_RANGES = 100
_LOG_SECONDS = 1.0
_SUPERVISE_SECONDS = 10.0
_ANSWER_SECONDS = 15.0
_STUCK_SECONDS = 30.0
_GOODBYE_SECONDS = 2.0
_STEADY_SECONDS = 10.0
_RETRY_BASE_SECONDS = 0.25


class LostError(Exception):
    """The connection is of no use any more; the reason in words."""


@dataclass(slots=True)
class _Tally:
    """What was stored since the last log line."""

    since: float = field(default_factory=time.monotonic)
    messages: int = 0
    punches: int = 0
    records: int = 0


class Collector:
    """Serves one broker and one store.

    Args:
        settings: which broker, which store, which sites.
        now: the wall clock as ISO text with offset.
        version: of the program, told in the centre's state.
        notify: tells the service manager that we got on (`READY=1`, `WATCHDOG=1`);
            never called from a timer.
    """

    def __init__(
        self,
        settings: CentralSettings,
        now: Callable[[], str],
        version: str = "0",
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._now = now
        self._version = version
        self._notify = notify
        self._topics = Topics(settings.prefix)
        self._queue: queue.SimpleQueue[LinkEvent | None] = queue.SimpleQueue()
        self._link = MqttLink(settings.mqtt, self._queue.put)
        self._out = Outgoing(self._link)
        self._stopping = False
        self._said_up = False
        self._tally = _Tally()
        self._put_aside = 0
        self._answer_by: float | None = None

    def stop(self) -> None:
        """End `run` after the group in work. From any thread or a signal handler."""
        self._stopping = True
        self._queue.put(None)

    def run(self) -> None:
        """Collect until `stop`.

        Raises:
            StoreError: when the store cannot be opened or does not store. The process
                must end with a failure, so that it is started anew.
        """
        try:
            with CentralStore.open(self._settings.store, self._now()) as store:
                try:
                    self._serve(store)
                finally:
                    self._goodbye(store)
        except StoreError as error:
            log.critical("central store failed", {"error": str(error)})
            raise

    def _serve(self, store: CentralStore) -> None:
        retry = Retry(_RETRY_BASE_SECONDS, self._settings.reconnect_max_seconds)
        self._notify("READY=1")
        while not self._stopping:
            self._notify("WATCHDOG=1")
            began = time.monotonic()
            try:
                self._establish(store)
                self._collect(store)
            except LostError as error:
                self._link.drop()
                self._out.lost()
                if time.monotonic() - began >= _STEADY_SECONDS:
                    retry.succeeded()
                self._pause(retry, str(error))

    def _pause(self, retry: Retry, reason: str) -> None:
        seconds = retry.failed()
        if loud(retry.failures):
            self._said_up = False
            values = {"after": retry.failures, "error": reason}
            log.warning("central down", {**values, "next": f"{seconds:.1f}s"})
        until = time.monotonic() + seconds
        while not self._stopping and self._next(until) is not None:
            continue  # the last words of a connection that was given up

    def _establish(self, store: CentralStore) -> None:
        """Connect, subscribe, say that we are there."""
        self._link.open(self._will(store))
        connected = self._await_connected()
        self._link.subscribe(
            [self._topics.everywhere(kind) for kind in (*DURABLE, "state")]
        )
        self._answer_by = time.monotonic() + _ANSWER_SECONDS
        self._out.connected(min(WINDOW, connected.receive_maximum))
        for site in self._settings.sites:
            self._say_state(store, site, online=True)
        if not self._said_up:
            self._said_up = True
            mqtt = self._settings.mqtt
            values = {"broker": f"{mqtt.host}:{mqtt.port}"}
            values["protocol"] = connected.protocol.value
            log.info("central up", {**values, "generation": store.generation})

    def _await_connected(self) -> Connected:
        until = time.monotonic() + _ANSWER_SECONDS
        while (event := self._next(until)) is not None:
            if isinstance(event, Connected):
                return event
            if isinstance(event, Refused | Disconnected):
                raise LostError(event.reason)
        raise LostError(f"no answer within {_ANSWER_SECONDS:g} s")

    def _collect(self, store: CentralStore) -> None:
        """Store group after group until the connection is lost or we are stopped."""
        while not self._stopping:
            events = self._group()
            items: list[Batch | Poison] = []
            births: list[Stream] = []
            lost: str | None = None
            for event in events:
                match event:
                    case Message():
                        self._sort(event, items, births)
                    case Published():
                        self._out.published(event)
                    case Subscribed():
                        self._answer_by = None
                        check_answer(event)
                    case Disconnected(reason=reason) | Refused(reason=reason):
                        lost = reason
            if items:
                self._store(store, items)
            for stream in births:
                self._say_ack(store, store.standing(stream))
            self._log_stored()
            if lost is not None:
                raise LostError(lost)
            self._supervise()
            self._out.send()
            self._notify("WATCHDOG=1")

    def _group(self) -> list[LinkEvent]:
        """Return what waits, at most a group; wait for the first."""
        pause = _LOG_SECONDS if self._tally.messages else _SUPERVISE_SECONDS
        first = self._next(time.monotonic() + pause)
        events = [] if first is None else [first]
        while events and len(events) < GROUP:
            more = self._next(0.0)
            if more is None:
                break
            events.append(more)
        return events

    def _next(self, until: float) -> LinkEvent | None:
        """Return the next event of the present connection, None when none came."""
        while True:
            wait = until - time.monotonic()
            try:
                event = self._queue.get(wait > 0, max(wait, 0.0))
            except queue.Empty:
                return None
            if event is None or event.attempt == self._link.attempt:
                return event

    def _supervise(self) -> None:
        now = time.monotonic()
        unheard = self._answer_by is not None and now > self._answer_by
        if unheard or self._out.waiting_since(now) >= _STUCK_SECONDS:
            raise LostError("the broker does not answer")
        if not self._link.alive and self._queue.empty():
            raise LostError("the connection's thread died")

    def _sort(
        self, event: Message, items: list[Batch | Poison], births: list[Stream]
    ) -> None:
        """Read a message; note what to store and whom to answer."""
        if not event.topic.endswith("/state"):
            items.append(read(self._topics, event.topic, event.payload))
            self._tally.messages += 1
            return
        if event.topic.endswith(f"/{CENTRE}/state") or not event.payload:
            return  # our own words, or a retained message that was cleared
        state = read_state(self._topics, event.topic, event.payload)
        if state is None:
            log.warning("central unreadable", {"topic": event.topic})
            return
        values = {"site": state.site, "gateway": state.gateway}
        log.info(
            "central gateway",
            {**values, "online": state.online, "backlog": state.backlog},
        )
        if state.online:
            births.append(Stream(state.site, state.gateway, state.epoch))

    def _store(self, store: CentralStore, items: list[Batch | Poison]) -> None:
        """Commit a group; after that, and only after that, acknowledge it."""
        stored: Stored = store.commit(items, self._now())
        self._tally.punches += stored.punches
        self._tally.records += stored.records
        for standing in stored.standings:
            self._say_ack(store, standing)
        for poison in stored.poisons:
            self._put_aside += 1
            if loud(self._put_aside):
                values = {"topic": poison.topic, "reason": poison.reason.value}
                values["detail"] = poison.detail
                log.error("central quarantined", {**values, "count": self._put_aside})

    def _say_ack(self, store: CentralStore, standing: Standing) -> None:
        stream = standing.stream
        ack = Ack(
            site=stream.site,
            gateway=stream.gateway,
            epoch=stream.epoch,
            upto=standing.upto,
            missing=list(standing.missing[:_ACK_RANGES]),
            store=store.id,
            generation=store.generation,
            chain=standing.chain,
            sent=self._now(),
        )
        topic = self._topics.of(stream.site, stream.gateway, "ack")
        self._out.say(topic, encode(ack))

    def _say_state(self, store: CentralStore, site: str, *, online: bool) -> None:
        topic = self._topics.centre(site)
        self._out.say(topic, self._state(store, site, online=online))

    def _state(self, store: CentralStore, site: str, *, online: bool) -> bytes:
        return encode(
            CentreState(
                site=site,
                centre=self._settings.id,
                online=online,
                store=store.id,
                generation=store.generation,
                session=store.generation,
                version=self._version,
                at=self._now(),
            )
        )

    def _will(self, store: CentralStore) -> Will | None:
        """Return the will; MQTT allows one, so it speaks for the first site only."""
        if not self._settings.sites:
            return None
        site = self._settings.sites[0]
        return Will(self._topics.centre(site), self._state(store, site, online=False))

    def _goodbye(self, store: CentralStore) -> None:
        """Publish what is still to be said, and our death."""
        if self._out.open and self._link.alive:
            for site in self._settings.sites:
                self._say_state(store, site, online=False)
            self._finish(time.monotonic() + _GOODBYE_SECONDS)
        self._link.close()
        self._log_stored(everything=True)

    def _finish(self, until: float) -> None:
        """Send what waits and hear the answers, until then at most."""
        self._out.send()
        while not self._out.idle and self._link.alive:
            event = self._next(until)
            if event is None and time.monotonic() >= until:
                return
            if isinstance(event, Published):
                self._out.published(event)
                self._out.send()

    def _log_stored(self, *, everything: bool = False) -> None:
        """Log what was stored, once a second at most."""
        now = time.monotonic()
        due = everything or now - self._tally.since >= _LOG_SECONDS
        if not self._tally.messages or not due:
            return
        done, self._tally = self._tally, _Tally()
        values = {"messages": done.messages, "punches": done.punches}
        log.info("central stored", {**values, "records": done.records})


def check_answer(answer: Subscribed) -> None:
    """Look at the broker's answers to our subscriptions.

    Raises:
        LostError: when one is forbidden: a centre that hears only a part would leave
            holes for ever.
    """
    for topic, code in answer.codes.items():
        if code >= FAILED:
            log.error("central refused", {"topic": topic, "code": code})
            raise LostError(f"the broker forbids reading {topic}")
