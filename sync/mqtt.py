"""One MQTT connection, and the only import of the MQTT library.

Every attempt gets a new client object, so nothing of a dead connection (its queue, its
packet ids, its thread) reaches into the next one. What happens is told as frozen values
to one thread-safe sink; each carries the number of its attempt, so that the last words
of an old connection can be told from the first of a new one. When and how often to try
is the caller's business.
"""

import logging
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import (
    CallbackAPIVersion,
    MQTTErrorCode,
    MQTTProtocolVersion,
)
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from sync import credentials, mqtt_hooks, tls
from sync.link import (
    MAXIMUM_PACKET,
    WINDOW,
    Broker,
    Connected,
    Disconnected,
    LinkEvent,
    Message,
    Protocol,
    Published,
    Refused,
    Sink,
    Subscribed,
    Will,
    refusal,
)

log = logging.getLogger("punchgate.sync")

KEEPALIVE_SECONDS = 20

_RECEIVE_MAXIMUM = 65_535  # what a broker allows that says nothing
_CLOSED_BEFORE_SWITCH = 2
_KEEPALIVE = 141  # reason code: keep alive timeout
_JOIN_SECONDS = 5.0
_LOOP_SECONDS = 1.0


class WindowExceededError(RuntimeError):
    """More messages in flight than agreed: a defect in the caller's pacing."""


@dataclass(slots=True)
class _Attempt:
    """What belongs to one connection attempt and dies with it."""

    number: int
    client: Client
    protocol: Protocol
    lock: threading.Lock = field(default_factory=threading.Lock)
    thread: threading.Thread | None = None
    connected: bool = False
    answered: bool = False
    dropped: bool = False
    reason: str = ""
    window: int = WINDOW
    in_flight: int = 0
    tokens: dict[int, int | None] = field(default_factory=dict)
    early: dict[int, ReasonCode] = field(default_factory=dict)
    topics: dict[int, tuple[str, ...]] = field(default_factory=dict)
    sock: Any = None
    broker_until: datetime | None = None


class MqttLink:
    """Opens connections one after the other and remembers which protocol worked.

    Args:
        broker: where to connect.
        sink: called from the connection's thread, and from `publish`; it must be
            quick and thread-safe. What it raises the library logs and swallows.
    """

    def __init__(self, broker: Broker, sink: Sink) -> None:
        self._broker = broker
        self._sink = sink
        self._protocol = Protocol.V5
        self._closed_early = 0
        # Whoever hangs up may be an old broker, or something in front of one that is
        # down. Once an old version gets through, version 5 is asked for once more.
        self._old_for_sure = False
        self._asking_again = False
        self._number = 0
        self._now: _Attempt | None = None
        self._old: list[threading.Thread] = []

    @property
    def attempt(self) -> int:
        """Return the number of the attempt whose events count now."""
        return self._number

    @property
    def broker_until(self) -> datetime | None:
        """Return until when the certificate of the broker is valid; None without."""
        return self._now.broker_until if self._now else None

    @property
    def alive(self) -> bool:
        """Say whether the thread of the current attempt runs."""
        now = self._now
        return bool(now and now.thread and now.thread.is_alive())

    def open(self, will: Will | None = None) -> None:
        """Begin a new attempt; its events say what became of it. Returns at once."""
        self.drop()
        self._number += 1
        client = self._client(will or self._broker.will)
        now = _Attempt(self._number, client, self._protocol)
        self._bind(now)
        name = f"mqtt-{self._broker.client_id}-{now.number}"
        now.thread = threading.Thread(
            target=self._run, args=(now,), name=name, daemon=True
        )
        self._now = now
        now.thread.start()

    def subscribe(self, topics: Sequence[str]) -> None:
        """Subscribe with QoS 1; one `Subscribed` answers for all of them."""
        now = self._current()
        with now.lock:
            # Held across the call: the answer's callback must find the topics. The
            # library calls back from its own thread only, and never holding a lock that
            # `subscribe` takes.
            _, mid = now.client.subscribe([(topic, 1) for topic in topics])
            if mid is not None:
                now.topics[mid] = tuple(topics)

    def publish(  # noqa: PLR0913 - the words of MQTT
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int,
        retain: bool,
        token: int,
        expiry_seconds: int | None = None,
    ) -> None:
        """Send a message; with QoS 1 a `Published` with `token` will follow.

        With `expiry_seconds` an MQTT 5 broker drops what it could not hand on by then.

        Raises:
            WindowExceededError: when more would be in flight than was agreed.
        """
        now = self._current()
        if qos:
            with now.lock:
                if now.in_flight >= now.window:
                    raise WindowExceededError(f"{now.in_flight} messages in flight")
                now.in_flight += 1
        expiry = self._expiry(expiry_seconds)
        info = now.client.publish(topic, payload, qos, retain, expiry)
        sent = token if qos else None
        # The answer may be here before `publish` returned; no lock of ours is held
        # around it because the callback takes the same one.
        with now.lock:
            code = now.early.pop(info.mid, None)
            if code is None:
                now.tokens[info.mid] = sent
        if code is not None:
            self._answered(now, sent, code)

    def drop(self) -> None:
        """Give the current connection up at once, without a word to the broker."""
        now, self._now = self._now, None
        if now is None:
            return
        now.dropped = True
        mqtt_hooks.shut(now.client.socket())
        if now.thread is not None:
            self._old = [thread for thread in self._old if thread.is_alive()]
            self._old.append(now.thread)

    def close(self) -> None:
        """Say goodbye (no will is sent), and wait for the threads to end. Blocks."""
        now = self._now
        if now is not None and now.thread is not None:
            now.client.disconnect()
            now.thread.join(_JOIN_SECONDS)
        self.drop()
        for thread in self._old:
            thread.join(_JOIN_SECONDS)

    def _current(self) -> _Attempt:
        if self._now is None:
            raise RuntimeError("the link is not open")
        return self._now

    def _client(self, will: Will | None) -> Client:
        v5 = self._protocol is Protocol.V5
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._broker.client_id,
            clean_session=None if v5 else True,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.suppress_exceptions = True
        client.on_log = mqtt_hooks.library_says
        # Set, it makes `publish` leave the writing to the one thread that reads.
        client.on_socket_register_write = mqtt_hooks.leave_it_to_the_loop
        client.max_inflight_messages_set(WINDOW)
        if will is not None:
            client.will_set(will.topic, will.payload, qos=1, retain=True)
        return client

    def _bind(self, now: _Attempt) -> None:
        """Tie the library's callbacks to one attempt."""

        def on_connect(
            _c: Client, _u: Any, _f: ConnectFlags, code: ReasonCode, properties: Any
        ) -> None:
            self._on_connect(now, code, properties)

        def on_disconnect(
            _c: Client, _u: Any, flags: DisconnectFlags, code: ReasonCode, _p: Any
        ) -> None:
            said = flags.is_disconnect_packet_from_server or code.value == _KEEPALIVE
            lost = "connection lost" if now.connected else "closed before an answer"
            now.reason = now.reason or (str(code) if said else lost)

        def on_subscribe(
            _c: Client, _u: Any, mid: int, codes: list[ReasonCode], _p: Any
        ) -> None:
            with now.lock:
                topics = now.topics.pop(mid, ())
            answer = {t: int(c.value) for t, c in zip(topics, codes, strict=False)}
            self._tell(now, Subscribed(now.number, answer))

        def on_publish(
            _c: Client, _u: Any, mid: int, code: ReasonCode, _p: Any
        ) -> None:
            with now.lock:
                known = mid in now.tokens
                token = now.tokens.pop(mid, None)
                if not known:
                    now.early[mid] = code
            if known:
                self._answered(now, token, code)

        def on_message(_c: Client, _u: Any, message: MQTTMessage) -> None:
            topic, payload = message.topic, bytes(message.payload)
            self._tell(now, Message(now.number, topic, payload, message.retain))

        def on_socket_open(_c: Client, _u: Any, sock: Any) -> None:
            # Small packets at once: waiting for a full one costs 40 ms per punch.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            now.sock = sock

        client = now.client
        client.on_socket_open = on_socket_open
        client.on_connect = on_connect
        client.on_disconnect = on_disconnect
        client.on_subscribe = on_subscribe
        client.on_publish = on_publish
        client.on_message = on_message

    def _run(self, now: _Attempt) -> None:
        """Live through one connection; the last event is told whatever happens."""
        reason = "the connection's thread died"
        try:
            self._connect(now)
            if now.dropped:  # given up while the name was looked up
                mqtt_hooks.shut(now.client.socket())
            # Not `loop_forever`: alone it would not wake up for `publish`.
            while now.client.loop(_LOOP_SECONDS) == MQTTErrorCode.MQTT_ERR_SUCCESS:
                continue
            reason = self._why(now)
        except tls.TlsFileError as error:
            reason = str(error)
        except (OSError, ValueError) as error:  # ValueError: a host name that is none
            reason = tls.explain(error, self._broker)
        finally:
            mqtt_hooks.shut(now.client.socket())
            mqtt_hooks.unbind(now.client)
            self._ended(now, reason)

    def _connect(self, now: _Attempt) -> None:
        broker, client = self._broker, now.client
        if tls.is_wanted(broker):
            client.tls_set_context(tls.context(broker))
        if broker.username:
            # Read anew every time, so that it can be changed in place.
            secret = credentials.password(broker.password_file)
            client.username_pw_set(broker.username, secret)
        extra: dict[str, Any] = {}
        if now.protocol is Protocol.V5:
            session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            session.SessionExpiryInterval = 0
            extra = {"clean_start": True, "properties": session}
        client.connect(broker.host, broker.port, KEEPALIVE_SECONDS, **extra)

    def _why(self, now: _Attempt) -> str:
        """Say why a connection ended, with what TLS said or our own files show."""
        failure = tls.failure(now.sock)
        if failure is not None:
            return tls.explain(failure, self._broker)
        reason = now.reason or "closed by the broker"
        more = "" if now.answered else tls.suspicion(self._broker)
        return f"{reason}: {more}" if more else reason

    def _on_connect(self, now: _Attempt, code: ReasonCode, properties: Any) -> None:
        now.answered = True
        if code.is_failure:
            now.reason = refusal(code.value, str(code))
            if code == "Unsupported protocol version":
                self._old_for_sure = True
                self._switch()
            return
        if now.protocol is Protocol.V311 and not self._old_for_sure:
            self._asking_again = True
            self._switch()
            now.reason = "an old version gets through; asking for version 5 once more"
            mqtt_hooks.shut(now.sock)
            return
        self._closed_early, self._asking_again = 0, False
        limit = getattr(properties, "ReceiveMaximum", _RECEIVE_MAXIMUM)
        now.window = min(WINDOW, limit)
        now.connected = True
        now.broker_until = tls.peer_until(now.sock)
        packet = getattr(properties, "MaximumPacketSize", MAXIMUM_PACKET)
        self._tell(now, Connected(now.number, limit, now.protocol, packet))

    def _ended(self, now: _Attempt, reason: str) -> None:
        if now.connected:
            self._tell(now, Disconnected(now.number, reason))
            return
        if not now.answered and not now.dropped:
            self._note_closed(now)
        self._tell(now, Refused(now.number, reason))

    def _note_closed(self, now: _Attempt) -> None:
        """Count brokers that hang up before they answer: some do so at version 5."""
        if not now.reason or tls.failure(now.sock):
            return  # no connection was there to be closed, or not for its version
        self._closed_early += 1
        if self._asking_again:
            self._old_for_sure = now.protocol is Protocol.V5
        if self._closed_early >= _CLOSED_BEFORE_SWITCH or self._old_for_sure:
            self._switch()

    def _expiry(self, seconds: int | None) -> Any:
        if seconds is None or self._protocol is not Protocol.V5:
            return None
        properties: Any = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.MessageExpiryInterval = seconds
        return properties

    def _switch(self) -> None:
        self._closed_early = 0
        other = {Protocol.V5: Protocol.V311, Protocol.V311: Protocol.V5}
        self._protocol = other[self._protocol]

    def _answered(self, now: _Attempt, token: int | None, code: ReasonCode) -> None:
        if token is None:
            return  # QoS 0: the library says «written», which means nothing
        with now.lock:
            now.in_flight -= 1
        number = int(code.value)
        self._tell(now, Published(now.number, token, number, code.getName()))

    def _tell(self, now: _Attempt, event: LinkEvent) -> None:
        if not now.dropped:
            self._sink(event)
