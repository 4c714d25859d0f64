"""The stages from here to the centre: broker, topics, acknowledgements.

Speaks to the broker as another client than the daemon, so that a running daemon keeps
its session, and publishes one message that is not retained, on a topic nobody needs.
"""

import os
import queue
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from gateway import central_book, status
from gateway.clock import Now, text
from gateway.doctor.checks import Check, Stage, failed, passed
from gateway.settings import Confirm, Loaded
from sync import tls
from sync.certificates import State
from sync.commands import Reply
from sync.link import (
    FAILED,
    Broker,
    Connected,
    Disconnected,
    LinkEvent,
    Message,
    Protocol,
    Published,
    Refused,
    Subscribed,
)
from sync.messages import UNREADABLE, Ack, CentreState, encode
from sync.mqtt import MqttLink
from sync.topics import Topics

_ANSWER_SECONDS = 10.0
_RETAINED_SECONDS = 3.0
_ATTEMPTS = 3  # brokers that do not know MQTT 5 hang up twice before we speak 3.1.1
_TRY_AGAIN = ("closed before an answer", "Unsupported protocol version")
_MINUTE_SECONDS = 60.0
E = TypeVar("E", Connected, Subscribed, Published)
M = TypeVar("M", Ack, CentreState)


class _LostError(Exception):
    """The broker refused, hung up, or said nothing; the reason in words."""


@dataclass(frozen=True, slots=True)
class Way:
    """The way to the centre: settings, and what the daemon says where one runs."""

    loaded: Loaded
    status: Mapping[str, Any] | None
    now: Now

    def of(self, kind: str) -> str:
        """Return a topic of this gateway."""
        gateway = self.loaded.settings.gateway
        return self._topics.of(gateway.site, gateway.id, kind)

    @property
    def centre(self) -> str:
        """Return the topic of the centre's liveness."""
        return self._topics.centre(self.loaded.settings.gateway.site)

    @property
    def _topics(self) -> Topics:
        return Topics(self.loaded.settings.mqtt.prefix)

    @property
    def broker(self) -> Broker:
        """Return the broker with a client id of our own."""
        gateway, mqtt = self.loaded.settings.gateway, self.loaded.settings.mqtt
        return Broker(
            host=mqtt.host,
            port=mqtt.port,
            client_id=f"punchgate-{gateway.site}-{gateway.id}-doctor-{os.getpid()}",
            tls_ca=mqtt.tls_ca,
            tls_cert=mqtt.tls_cert,
            tls_key=mqtt.tls_key,
            username=mqtt.username,
            password_file=mqtt.password_file,
        )


class _Line:
    """A connection and what came over it."""

    def __init__(self, broker: Broker) -> None:
        self._events: queue.Queue[LinkEvent] = queue.Queue()
        self.link = MqttLink(broker, self._events.put)
        self.said: dict[str, bytes] = {}

    def expect(self, kind: type[E]) -> E:
        """Return the next event of a kind.

        Raises:
            _LostError: the connection ended, or the broker says nothing.
        """
        until = time.monotonic() + _ANSWER_SECONDS
        while (event := self.next(until)) is not None:
            if isinstance(event, kind):
                return event
        raise _LostError(f"no answer within {_ANSWER_SECONDS:g} s")

    def next(self, until: float) -> LinkEvent | None:
        """Return the next event of this attempt; None when none comes in time.

        Raises:
            _LostError: the connection ended.
        """
        while True:
            try:
                event = self._events.get(timeout=max(until - time.monotonic(), 0.001))
            except queue.Empty:
                return None
            if event.attempt != self.link.attempt:
                continue
            if isinstance(event, Refused | Disconnected):
                raise _LostError(event.reason)
            if isinstance(event, Message):
                self.said[event.topic] = event.payload
            return event


def examine(way: Way) -> Iterator[Check]:
    """Yield the checks from the broker to the centre, ending at the first failure."""
    if tls.is_wanted(way.broker):
        check = _certificate(way)
        yield check
        if not check.passed:
            return
    line = _Line(way.broker)
    try:
        for check in _checks(way, line):
            yield check
            if not check.passed:
                return
    finally:
        line.link.close()


def _certificate(way: Way) -> Check:
    """Look at the files of the configuration before anybody else does."""
    try:
        tls.context(way.broker)
    except tls.TlsFileError as error:
        words, _, do = str(error).partition("; ")
        return failed(Stage.CERTIFICATE, words, do)
    found = status.certificates_of(way.loaded)
    for one in found:
        words, _, do = one.words.partition("; ")
        if one.state not in {State.FINE, State.EXPIRES}:
            return failed(Stage.CERTIFICATE, words, do)
    soon = [one.words for one in found if one.state is State.EXPIRES]
    named = [f"{one.key} until {one.until}" for one in found]
    return passed(Stage.CERTIFICATE, "; ".join(soon or named))


def _checks(way: Way, line: _Line) -> Iterator[Check]:
    try:
        connected = _connect(line)
    except _LostError as lost:
        words, _, do = str(lost).partition("; ")
        do = do or _do_broker(words)
        yield failed(Stage.BROKER, f"it lets nobody in: {words}", do)
        return
    words = f"it lets us in, MQTT {connected.protocol.value}"
    if until := line.link.broker_until:
        words += f"; its own certificate lasts until {until:%Y-%m-%d}"
    yield passed(Stage.BROKER, words)
    try:
        yield _topic(way, line, connected.protocol)
        if way.loaded.received is not None:
            yield _book(way)  # also where the centre is away just now
        yield _centre(way, line)
        if way.loaded.follows_centre and way.loaded.received is None:
            yield _book(way)
    except _LostError as lost:
        do = "look at the broker's log: it hangs up on clients it does not trust"
        yield failed(Stage.TOPIC, f"the broker hung up: {lost}", do)


def _connect(line: _Line) -> Connected:
    for _ in range(_ATTEMPTS - 1):
        line.link.open()
        try:
            return line.expect(Connected)
        except _LostError as lost:
            if not str(lost).startswith(_TRY_AGAIN):
                raise
    line.link.open()
    return line.expect(Connected)


def _do_broker(reason: str) -> str:
    """Return what to do about the words a connection attempt ended with."""
    if "login" in reason:
        return "compare username and password_file with the broker's list of users"
    if "refused" in reason:
        return (
            "start the broker (systemctl status mosquitto), and see that host and port"
            " under [mqtt] are those it listens on; Debian's listens on loopback only"
        )
    if "closed before" in reason or "no answer" in reason:
        return (
            "see whether this port is the broker's, and whether it wants TLS (tls_ca):"
            " 1883 is usual without, 8883 with it"
        )
    return "correct host and port under [mqtt], and see that the network goes there"


def _topic(way: Way, line: _Line, protocol: Protocol) -> Check:
    """Ask for what we must read, say something where we may write."""
    topics = [way.of("ack"), way.centre]
    if way.loaded.follows_centre:
        topics.append(way.of("book"))
    line.link.subscribe(topics)
    answer = line.expect(Subscribed)
    for topic in topics:
        if answer.codes.get(topic, 0) >= FAILED:
            return failed(
                Stage.TOPIC, f"the broker forbids reading {topic}", _do_acl(way)
            )
    probe = way.of("cmd/reply")
    line.link.publish(probe, _probe(way), qos=1, retain=False, token=1)
    published = line.expect(Published)
    if published.code >= FAILED:
        words = f"the broker forbids writing {probe}: {published.name}"
        return failed(Stage.TOPIC, words, _do_acl(way))
    uplink = way.status["uplink"] if way.status else None
    if uplink and uplink["gate"] == "refused":
        words = "the broker refuses what the daemon sends"
        return failed(Stage.TOPIC, words, _do_acl(way))
    if protocol is Protocol.V311:
        return passed(
            Stage.TOPIC, "nothing was refused; MQTT 3.1.1 does not always say"
        )
    return passed(Stage.TOPIC, "it lets us read and write this gateway's topics")


def _do_acl(way: Way) -> str:
    own = way.of("state").removesuffix("state")
    return (
        "compare the broker's ACL with config/mosquitto/punchgate.acl: this gateway"
        f" must write {own}# and read {own}ack, {own}cmd and {way.centre}"
    )


def _centre(way: Way, line: _Line) -> Check:
    if way.loaded.settings.mqtt.confirm is Confirm.BROKER:
        words = 'nobody is asked: confirm = "broker" takes its word for delivery'
        return passed(Stage.CENTRE, words)
    until = time.monotonic() + _RETAINED_SECONDS
    wanted = {way.centre, way.of("ack")}
    while not wanted <= line.said.keys() and line.next(until) is not None:
        continue
    state = _read(line, way.centre, CentreState)
    if state is None or not state.online:
        gone = "no centre speaks on this broker"
        if state is not None:
            gone = f"the centre {state.centre} went away after {state.at}"
        return failed(
            Stage.CENTRE,
            gone,
            "start the centre (systemctl status punchgate-central), and see that its"
            f" [mqtt] names the same broker and prefix, and its books the site"
            f" {way.loaded.settings.gateway.site}",
        )
    return _acks(way, state, _read(line, way.of("ack"), Ack))


def _acks(way: Way, state: CentreState, ack: Ack | None) -> Check:
    """Judge what a centre that is there confirmed."""
    outbox = way.status["outbox"] if way.status else None
    age = outbox["oldest_age_seconds"] if outbox else None
    limit = way.loaded.settings.alarms.backlog_warn_minutes * _MINUTE_SECONDS
    daemon = way.status is not None and way.status["daemon"]
    if outbox and daemon and age is not None and age > limit:
        return failed(
            Stage.CENTRE,
            f"the centre {state.centre} is there and has not confirmed"
            f" {outbox['unacknowledged']} entries, the oldest for {age:.0f} s",
            "look at its log: journalctl -u punchgate-central; at its disk; and run"
            " «punchgate central gaps» there",
        )
    if ack is None:
        words = f"the centre {state.centre} is there; nothing was sent to it yet"
        return passed(Stage.CENTRE, words)
    seconds = (way.now() - datetime.fromisoformat(ack.sent)).total_seconds()
    words = f"the centre {state.centre} confirmed entry {ack.upto} {seconds:.0f} s ago"
    return passed(Stage.CENTRE, words)


def _book(way: Way) -> Check:
    """Say which book of the centre is in force."""
    received = way.loaded.received
    words = central_book.words(received)
    if received is not None:
        return passed(Stage.BOOK, words)
    return failed(
        Stage.BOOK,
        words,
        "name the book of this site under books in central.toml, and see that the"
        f" broker's ACL lets this gateway read {way.of('book')}",
    )


def _read(line: _Line, topic: str, kind: type[M]) -> M | None:
    """Return a message of the centre, None where it said none that can be read."""
    try:
        return msgspec.json.decode(line.said.get(topic, b""), type=kind)
    except UNREADABLE:
        return None


def _probe(way: Way) -> bytes:
    """Return an answer to a count that nobody asked for: a centre lets it pass."""
    gateway = way.loaded.settings.gateway
    return encode(
        Reply(
            site=gateway.site,
            gateway=gateway.id,
            id="doctor",
            op="counts",
            result="done",
            reason="a probe of punchgate doctor",
            sent=text(way.now()),
        )
    )
