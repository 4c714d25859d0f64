"""The collector: takes what gateways send, stores it, and only then acknowledges.

One thread of our own stores and answers; the connection's thread only queues. A group
is what waits, at most 100 messages; load makes the groups. A store that fails ends the
process: nothing is acknowledged that is not committed, and gateways send again.
"""

import logging
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass

from central.books import Books
from central.holes import STAND_SECONDS, Holes
from central.intake import REPLY, Group, Intake
from central.mending import Mending
from central.outgoing import Outgoing
from central.presence import Presence
from central.saying import Saying
from central.settings import CentralSettings
from central.store.errors import StoreError
from central.store.store import CentralStore
from sync.certificates import Notices
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
from sync.mqtt import MqttLink
from sync.retry import Retry, loud
from sync.topics import DURABLE, Topics

log = logging.getLogger("punchgate.central")

GROUP = 100
_TICK_SECONDS = 1.0
_ANSWER_SECONDS = 15.0
_STUCK_SECONDS = 30.0
_GOODBYE_SECONDS = 2.0
_STEADY_SECONDS = 10.0
_RETRY_BASE_SECONDS = 0.25


class LostError(Exception):
    """The connection is of no use any more; the reason in words."""


class _Wake:
    """In the queue: there is something to tend beside the collector's connection."""


@dataclass(frozen=True, slots=True)
class _Open:
    """What works with an open store."""

    store: CentralStore
    intake: Intake
    mending: Mending
    presence: Presence


class Collector:
    """Serves one broker and one store.

    Args:
        settings: which broker, which store, which sites.
        now: the wall clock as ISO text with offset.
        version: of the program, told in the centre's state.
        notify: tells the service manager that we got on (`READY=1`, `WATCHDOG=1`);
            never called from a timer.
        stand_seconds: how long a hole stands before its gateway is asked for it.
    """

    def __init__(
        self,
        settings: CentralSettings,
        now: Callable[[], str],
        version: str = "0",
        notify: Callable[[str], None] = lambda _: None,
        stand_seconds: float = STAND_SECONDS,
    ) -> None:
        self._settings = settings
        self._now = now
        self._notify = notify
        self._stand_seconds = stand_seconds
        self._topics = Topics(settings.prefix)
        self._saying = Saying(settings, now, version)
        self._queue: queue.SimpleQueue[LinkEvent | _Wake | None] = queue.SimpleQueue()
        self._link = MqttLink(settings.mqtt, self._queue.put)
        self._out = Outgoing(self._link)
        self._stopping = False
        self._said_up = False
        self._answer_by: float | None = None
        self._notices = Notices()
        named = dict(zip(settings.sites, settings.books, strict=False))
        self._books = Books(named, self._out.say, self._topics, now)

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
                opened = self._open(store)
                try:
                    self._serve(opened)
                finally:
                    self._goodbye(opened)
        except StoreError as error:
            log.critical("central store failed", {"error": str(error)})
            raise

    def _open(self, store: CentralStore) -> _Open:
        """Build what works with the store; take up what was left over."""
        holes = Holes(self._stand_seconds)
        mending = Mending(store, self._out, self._topics, self._now, holes)
        mending.load(time.monotonic())
        intake = Intake(
            store, self._out, self._saying, self._topics, self._now, mending
        )
        presence = Presence(
            self._settings.mqtt,
            self._settings.sites[1:],
            lambda site, online: self._saying.state(store, site, online=online),
            lambda: self._queue.put(_Wake()),
            self._settings.reconnect_max_seconds,
        )
        return _Open(store, intake, mending, presence)

    def _serve(self, opened: _Open) -> None:
        retry = Retry(_RETRY_BASE_SECONDS, self._settings.reconnect_max_seconds)
        self._notify("READY=1")
        while not self._stopping:
            self._notices.look(self._settings.mqtt.tls_ca, self._settings.mqtt.tls_cert)
            self._notify("WATCHDOG=1")
            began = time.monotonic()
            try:
                self._establish(opened.store)
                self._collect(opened)
            except LostError as error:
                self._link.drop()
                self._out.lost()
                opened.mending.lost()
                opened.presence.lost()
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
            [self._topics.everywhere(kind) for kind in (*DURABLE, "state", REPLY)]
        )
        self._answer_by = time.monotonic() + _ANSWER_SECONDS
        self._out.connected(min(WINDOW, connected.receive_maximum))
        self._books.connected(connected.maximum_packet)
        self._say_own_state(store, online=True)
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

    def _collect(self, opened: _Open) -> None:
        """Store group after group until the connection is lost or we are stopped."""
        while not self._stopping:
            group, lost = Group(), ""
            for event in self._events(at_once=opened.mending.waits):
                match event:
                    case Message():
                        opened.intake.sort(event, group)
                    case Disconnected(reason=reason) | Refused(reason=reason):
                        lost = reason
                    case _:
                        self._answered(event, opened.mending)
            opened.intake.take(group)
            self._books.heard(group.states)
            opened.intake.log_stored()
            if lost:
                raise LostError(lost)
            self._supervise()
            opened.presence.tend(time.monotonic())
            opened.intake.tend(time.monotonic())
            self._books.tend(time.monotonic())
            self._out.send()
            self._notify("WATCHDOG=1")

    def _answered(self, event: LinkEvent, mending: Mending) -> None:
        """Take in the broker's answer to what we sent."""
        if isinstance(event, Published):
            mark = self._out.published(event)
            if mark is not None:
                mending.published(mark, event.code)
        elif isinstance(event, Subscribed):
            self._answer_by = None
            check_answer(event)

    def _events(self, *, at_once: bool) -> list[LinkEvent]:
        """Return what waits, at most a group; wait for the first unless `at_once`."""
        pause = 0.0 if at_once else _TICK_SECONDS
        first = self._next(time.monotonic() + pause, woken=True)
        events = [] if first is None else [first]
        while events and len(events) < GROUP:
            more = self._next(0.0)
            if more is None:
                break
            events.append(more)
        return events

    def _next(self, until: float, *, woken: bool = False) -> LinkEvent | None:
        """Return the next event of the present connection, None when none came.

        With `woken` also None when there is something to tend.
        """
        while True:
            wait = until - time.monotonic()
            try:
                event = self._queue.get(wait > 0, max(wait, 0.0))
            except queue.Empty:
                return None
            if isinstance(event, _Wake):
                if woken:
                    return None
            elif event is None or event.attempt == self._link.attempt:
                return event

    def _supervise(self) -> None:
        self._notices.look(self._settings.mqtt.tls_ca, self._settings.mqtt.tls_cert)
        now = time.monotonic()
        unheard = self._answer_by is not None and now > self._answer_by
        if unheard or self._out.waiting_since(now) >= _STUCK_SECONDS:
            raise LostError("the broker does not answer")
        if not self._link.alive and self._queue.empty():
            raise LostError("the connection's thread died")

    def _say_own_state(self, store: CentralStore, *, online: bool) -> None:
        """Say that we are there, or go, to the site whose will is on this connection.

        The others hear it on connections of their own.
        """
        for site in self._settings.sites[:1]:
            word = self._saying.state(store, site, online=online)
            self._out.say(word.topic, word.payload)

    def _will(self, store: CentralStore) -> Will | None:
        """Return the will; MQTT allows one, so it speaks for the first site only."""
        for site in self._settings.sites[:1]:
            return self._saying.state(store, site, online=False)
        return None

    def _goodbye(self, opened: _Open) -> None:
        """Publish what is still to be said, and our death."""
        until = time.monotonic() + _GOODBYE_SECONDS
        if self._out.open and self._link.alive:
            self._say_own_state(opened.store, online=False)
            self._finish(until)
        opened.presence.goodbye(until)
        self._link.close()
        opened.intake.log_stored(everything=True)

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


def check_answer(answer: Subscribed) -> None:
    """Look at the broker's answers to our subscriptions.

    Raises:
        LostError: when one is forbidden: a centre that hears only a part would leave
            holes for ever. Without answers to commands it can go on.
    """
    for topic, code in answer.codes.items():
        if code >= FAILED:
            log.error("central refused", {"topic": topic, "code": code})
            if not topic.endswith(f"/{REPLY}"):
                raise LostError(f"the broker forbids reading {topic}")
