"""The link on real brokers and on sockets that misbehave."""

import contextlib
import queue
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import MQTTMessageInfo

from sync.link import (
    Broker,
    Connected,
    Disconnected,
    LinkEvent,
    Message,
    Protocol,
    Published,
    Refused,
    Subscribed,
    Will,
)
from sync.mqtt import MqttLink, WindowExceededError
from tests.brokers import Mosquitto, free_port
from tests.sync.listeners import SECONDS, listener

pytestmark = pytest.mark.mosquitto


def test_version_5_round_trip(broker: Mosquitto) -> None:
    """Connected, subscribed, published and heard, each told once, by our token."""
    with listener(broker.port) as one:
        welcome = one.connect()
        assert welcome.protocol is Protocol.V5
        assert welcome.receive_maximum >= 20
        one.link.subscribe(["a/b", "c/#"])
        assert one.next() == Subscribed(1, {"a/b": 1, "c/#": 1})
        one.link.publish("a/b", b"hello", qos=1, retain=True, token=77)
        told = {type(event): event for event in (one.next(), one.next())}
        assert told[Published] == Published(1, 77, 0, "Success")
        assert told[Message] == Message(1, "a/b", b"hello", retained=False)
        assert one.events.empty()


def test_retained_messages_are_marked(broker: Mosquitto) -> None:
    """What a broker had kept can be told from what is said now."""
    with listener(broker.port) as one:
        one.connect()
        one.link.publish("a/b", b"old", qos=1, retain=True, token=1)
        assert isinstance(one.next(), Published)
        one.link.subscribe(["a/b"])
        told = {type(event): event for event in (one.next(), one.next())}
        assert told[Message] == Message(1, "a/b", b"old", retained=True)


def test_nobody_subscribed_is_told(broker: Mosquitto) -> None:
    """Reason code 0x10 reaches the caller."""
    with listener(broker.port) as one:
        one.connect()
        one.link.publish("a/b", b"", qos=1, retain=False, token=5)
        assert one.next() == Published(1, 5, 0x10, "No matching subscribers")


def test_qos_0_is_not_answered_and_takes_no_room(broker: Mosquitto) -> None:
    """A message without promise has no token and no place in the window."""
    with listener(broker.port) as one:
        one.connect()
        for _ in range(50):
            one.link.publish("a/b", b"", qos=0, retain=False, token=5)
        one.link.publish("a/b", b"", qos=1, retain=False, token=6)
        event = one.next()
        assert isinstance(event, Published)
        assert event.token == 6


def test_every_token_is_answered_exactly_once(broker: Mosquitto) -> None:
    """Answers that overtake `publish` are neither lost nor doubled."""
    with listener(broker.port) as one:
        one.connect()
        seen: list[int] = []
        for token in range(500):
            if token - len(seen) >= 20:
                event = one.next()
                assert isinstance(event, Published)
                seen.append(event.token)
            one.link.publish("a/b", b"x", qos=1, retain=False, token=token)
        while len(seen) < 500:
            event = one.next()
            assert isinstance(event, Published)
            seen.append(event.token)
        assert sorted(seen) == list(range(500))
        assert one.events.empty()


def test_an_answer_before_publish_returns_is_not_lost(broker: Mosquitto) -> None:
    """The broker may be faster than the library's own `publish`."""
    with listener(broker.port) as one:
        one.connect()
        assert one.link._now is not None
        client = one.link._now.client
        publish = client.publish

        def late(*args: Any, **more: Any) -> MQTTMessageInfo:
            info = publish(*args, **more)
            info.wait_for_publish(SECONDS)
            return info

        client.publish = late  # type: ignore[method-assign]
        one.link.publish("a", b"", qos=1, retain=False, token=41)
        event = one.next()
        assert isinstance(event, Published)
        assert event.token == 41
        assert one.events.empty()


def test_more_in_flight_than_agreed_is_a_defect(tmp_path: Path) -> None:
    """The broker's Receive Maximum is told and kept."""
    port, stop = free_port(), threading.Event()
    with silent_broker(port, stop, receive_maximum=2), listener(port) as one:
        welcome = one.connect()
        assert welcome.receive_maximum == 2
        one.link.publish("a", b"", qos=1, retain=False, token=1)
        one.link.publish("a", b"", qos=1, retain=False, token=2)
        with pytest.raises(WindowExceededError):
            one.link.publish("a", b"", qos=1, retain=False, token=3)
        one.link.drop()
        stop.set()


@contextlib.contextmanager
def silent_broker(
    port: int, stop: threading.Event, receive_maximum: int
) -> Iterator[None]:
    """Accept one MQTT 5 connection, welcome it, and answer nothing ever after."""
    server = socket.create_server(("127.0.0.1", port))

    def serve() -> None:
        conn, _ = server.accept()
        with conn:
            conn.recv(4096)
            properties = b"\x21" + struct.pack("!H", receive_maximum)
            body = b"\x00\x00" + bytes([len(properties)]) + properties
            conn.sendall(b"\x20" + bytes([len(body)]) + body)
            while conn.recv(4096):
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(SECONDS)
        server.close()


def test_a_dead_port_is_refused_and_no_thread_stays() -> None:
    """Nobody there: one event, and the attempt is over."""
    with listener(free_port()) as one:
        one.link.open()
        event = one.next()
        assert isinstance(event, Refused)
        assert "refused" in event.reason
    assert not one.link.alive


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 70 + ".invalid"])
def test_a_name_that_is_none_is_refused(host: str) -> None:
    """A failed or impossible look-up is an event, not a dead thread."""
    events: queue.Queue[LinkEvent] = queue.Queue()
    link = MqttLink(Broker(host, 1883, "t"), events.put)
    link.open()
    assert isinstance(events.get(timeout=SECONDS), Refused)
    link.close()


def test_the_broker_s_death_is_told_and_the_next_attempt_is_new(
    broker: Mosquitto,
) -> None:
    """After a kill: Disconnected; then a new attempt with its own number."""
    with listener(broker.port) as one:
        assert one.connect().attempt == 1
        broker.kill()
        lost = one.next()
        assert isinstance(lost, Disconnected)
        assert lost.attempt == 1
        broker.start()
        assert one.connect().attempt == 2


def test_an_exception_in_the_sink_kills_nothing(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    """A sink that raises is logged; the connection goes on."""
    heard = threading.Event()
    connected = threading.Event()

    def sink(event: LinkEvent) -> None:
        if isinstance(event, Connected):
            connected.set()
        if isinstance(event, Published):
            heard.set()
        if type(event) is Subscribed:
            raise RuntimeError("planted")

    link = MqttLink(Broker("127.0.0.1", broker.port, "t"), sink)
    link.open()
    assert connected.wait(SECONDS)
    link.subscribe(["a"])
    link.publish("b", b"", qos=1, retain=False, token=1)
    assert heard.wait(SECONDS)
    assert link.alive
    link.close()
    assert "planted" in str(caplog.records[0].args)


def test_a_dropped_connection_leaves_its_will(broker: Mosquitto) -> None:
    """`drop` says nothing to the broker, so the will speaks; `close` says goodbye."""
    with listener(broker.port, "watcher") as watcher:
        watcher.connect()
        watcher.link.subscribe(["w"])
        assert isinstance(watcher.next(), Subscribed)
        with listener(broker.port, "mortal") as mortal:
            mortal.link.open(Will("w", b"dead"))
            assert isinstance(mortal.next(), Connected)
            mortal.link.drop()
            assert watcher.next() == Message(1, "w", b"dead", retained=False)
            mortal.link.open(Will("w", b"dead again"))
            assert isinstance(mortal.next(), Connected)
        mark = b"after the goodbye"
        watcher.link.publish("w", mark, qos=1, retain=False, token=1)
        told = [watcher.next(), watcher.next()]
        assert [e.payload for e in told if isinstance(e, Message)] == [mark]


def test_nothing_is_told_of_a_dropped_connection(broker: Mosquitto) -> None:
    """A connection that was given up has no last words."""
    with listener(broker.port) as one:
        one.connect()
        one.link.drop()
        assert one.connect().attempt == 2
        assert one.events.empty()
