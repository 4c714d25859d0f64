"""The uplink on a real broker, with a centre of a few lines."""

import json
import queue
import random
from dataclasses import replace

import pytest

from sync.messages import Ack, encode
from tests.brokers import Mosquitto
from tests.sync.centres import SECONDS, Centre, chain_of
from tests.sync.gateways import NOW, PREFIX, QUICK, SITE, Gateway
from tests.sync.memory_outbox import MemoryOutbox

pytestmark = pytest.mark.mosquitto


def test_everything_is_delivered_and_acknowledged(broker: Mosquitto) -> None:
    """Two kinds in one stream, in order, each entry once when nothing goes wrong."""
    with Centre(broker.port) as centre, Gateway(broker.port) as gateway:
        gateway.add(range(1000))
        gateway.wait_delivered()
        assert gateway.uplink.connected
        assert gateway.uplink.protocol == "5.0"
        assert gateway.uplink.acked == gateway.uplink.sent_upto == 1004
        assert (gateway.uplink.last_ack_age or 0.0) >= 0.0
        assert gateway.uplink.refusals == 0
        assert gateway.uplink.gate == "open"
        batches = [json.loads(d) for t, d, _ in centre.payloads if t.endswith("punch")]
        assert max(len(batch["entries"]) for batch in batches) <= 100
        assert {batch["session"] for batch in batches} == {7}


def test_birth_and_death_are_retained_and_share_the_session(broker: Mosquitto) -> None:
    """Birth at the connection, death at a clean end, will at an unclean one."""
    with Centre(broker.port) as centre:
        gateway = Gateway(broker.port)
        with gateway:
            centre.wait(lambda: centre.last("state") is not None)
            birth = json.loads((centre.last("state") or (b"{}", False))[0])
            assert (birth["online"], birth["session"]) == (True, 7)
        centre.wait(lambda: b'"online":false' in (centre.last("state") or (b"",))[0])


def test_the_will_speaks_for_a_gateway_that_vanished(broker: Mosquitto) -> None:
    """A connection that breaks leaves `online: false` with the same session."""
    with Centre(broker.port) as centre, Gateway(broker.port) as gateway:
        centre.wait(lambda: centre.last("state") is not None)
        gateway.call(gateway.uplink._link.drop)
        gateway.uplink.wake()

        def said() -> list[tuple[bool, int]]:
            states = (d for t, d, _ in list(centre.payloads) if t.endswith("g1/state"))
            return [(one["online"], one["session"]) for one in map(json.loads, states)]

        # The death may be followed by the next birth before anybody looks.
        centre.wait(lambda: said()[:3] == [(True, 7), (False, 7), (True, 7)])


@pytest.mark.unwatched("its states are stand-ins")
def test_terminal_states_are_published_again_at_every_connection(
    broker: Mosquitto,
) -> None:
    """Nothing depends on a broker keeping a retained message."""
    payload = TERMINAL
    with Gateway(broker.port) as gateway:
        gateway.wait(lambda: gateway.uplink.connected)
        gateway.call(lambda: gateway.uplink.publish_state("terminal/VT1", b"{}"))
        gateway.call(lambda: gateway.uplink.publish_state("terminal/VT1", payload))
        gateway.call(lambda: gateway.uplink.publish_state("state", b"not remembered"))
        broker.restart()
        with Centre(broker.port) as centre:
            centre.wait(lambda: centre.last("terminal/VT1") is not None)
            assert centre.last("terminal/VT1") is not None
            assert (centre.last("terminal/VT1") or (b"",))[0] == payload
            centre.wait(lambda: centre.last("state") is not None)


def test_a_state_said_before_the_connection_is_sent_with_it(broker: Mosquitto) -> None:
    """What the daemon says while the broker is away is not lost."""
    gateway = Gateway(broker.port)
    gateway.uplink.publish_state("terminal/VT1", TERMINAL)
    with Centre(broker.port) as centre, gateway:
        centre.wait(lambda: centre.last("terminal/VT1") is not None)


def test_a_subscriber_that_never_acks_gets_everything_again(broker: Mosquitto) -> None:
    """Silence sends again and confirms nothing; the first ack ends it."""
    with Centre(broker.port, acks=False) as centre, Gateway(broker.port) as gateway:
        gateway.add(range(150))

        def heard() -> list[int]:
            return [
                json.loads(data)["entries"][0]["seq"]
                for topic, data, _ in centre.payloads
                if topic.endswith("punch")
            ]

        centre.wait(lambda: heard().count(1) >= 3)
        assert gateway.outbox.acked == 0
        centre.acks = True
        gateway.wait_delivered()


@pytest.mark.unwatched("nobody may have subscribed")
def test_nobody_subscribed_then_a_centre_comes(broker: Mosquitto) -> None:
    """0x10 slows down; what was dropped meanwhile arrives in the end."""
    with Gateway(broker.port) as gateway:
        gateway.add(range(300))
        gateway.wait(lambda: gateway.uplink.gate == "no_subscriber")
        assert gateway.uplink.unheard >= 1
        assert gateway.outbox.acked == 0
        with Centre(broker.port):
            gateway.wait_delivered()


def test_the_centre_s_death_stops_and_its_birth_starts(broker: Mosquitto) -> None:
    """`_central/state` gates sending."""
    with Centre(broker.port) as centre, Gateway(broker.port) as gateway:
        gateway.wait(lambda: gateway.uplink.connected)
        centre.acks = False
        centre.online(online=False)
        gateway.wait(lambda: gateway.uplink.gate == "centre_offline")
        gateway.add(range(300))
        centre.acks = True
        centre.online(online=True)
        gateway.wait_delivered()


def test_a_restored_gateway_forks(broker: Mosquitto) -> None:
    """An older copy of the journal opens a new epoch; nothing is lost or hidden."""
    outbox = MemoryOutbox("g1-epoch")
    with Centre(broker.port) as centre:
        with Gateway(broker.port, outbox=outbox) as gateway:
            gateway.add(range(200))
            gateway.wait_delivered()
        outbox.truncate(120)
        outbox.add_punches(range(500, 550))
        centre.ack("g1-epoch", 200, centre.ledgers["g1-epoch"].chain)
        with Gateway(broker.port, outbox=outbox) as gateway:
            gateway.wait(lambda: bool(outbox.forks))
            assert "200" in outbox.forks[0]
            gateway.wait_delivered()
            assert outbox.epoch == "epoch-2"
            assert centre.ledgers["epoch-2"].upto == len(outbox.rows) == 50
            centre.wait(lambda: b'"epoch-2"' in (centre.last("state") or (b"",))[0])


def test_holes_are_filled_and_nothing_else_is_sent_twice(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    """A broker that drops one message in ten: exactly those come again."""
    seed = 20261121
    print("seed", seed)
    dice = random.Random(seed)
    options = replace(QUICK, reorder_seconds=1.0, go_back_seconds=60.0)
    with Centre(broker.port, loses=lambda: dice.random() < 0.1) as centre:
        with Gateway(broker.port, options=options) as gateway:
            gateway.add(range(8_000))
            centre.wait(lambda: centre.received("punch") > 7_600)
            centre.loses = lambda: False
            # The last message may be one of the lost: only another shows the hole.
            gateway.add(range(8_000, 8_010))
            gateway.wait_delivered()
        again = centre.received("punch") - 8_010
    assert 0 < again < 8_010 * 0.5
    assert any(record.msg == "uplink hole" for record in caplog.records)
    assert not any(record.msg == "uplink rewound" for record in caplog.records)


def test_entries_of_an_older_epoch_go_out_again(broker: Mosquitto) -> None:
    """The centre asks for ranges; what is there goes out under its own epoch."""
    # What was sent again for want of an ack might come after `before`.
    patient = replace(QUICK, go_back_seconds=60.0)
    with (
        Centre(broker.port) as centre,
        Gateway(broker.port, options=patient) as gateway,
    ):
        gateway.add(range(300))
        gateway.wait_delivered()
        before = len(centre.payloads)
        gateway.call(lambda: gateway.uplink.resend("g1-epoch", [(5, 7), (250, 250)]))
        centre.wait(lambda: len(centre.payloads) >= before + 2)
        again = [json.loads(data) for _, data, _ in centre.payloads[before:]]
        seqs = [[entry["seq"] for entry in one["entries"]] for one in again]
        assert seqs == [[5, 6, 7], [250]]
        assert all(
            chain_of(json.dumps(one, separators=(",", ":")).encode()) for one in again
        )


@pytest.mark.unwatched("its answers are stand-ins")
def test_answers_and_live_punches_are_said_once(broker: Mosquitto) -> None:
    """Not kept by the broker, not repeated at the next connection, and not queued."""
    with Centre(broker.port) as centre, Gateway(broker.port) as gateway:
        gateway.wait(lambda: gateway.uplink.connected)
        gateway.call(lambda: gateway.uplink.answer("cmd/reply", b"{}"))
        gateway.call(lambda: gateway.uplink.publish_live("live/lobby", b"1"))
        centre.wait(lambda: {b"{}", b"1"} <= {p for _, p, _ in centre.payloads})
        assert not any(kept for _, p, kept in centre.payloads if p in (b"{}", b"1"))
    gateway.uplink.answer("cmd/reply", b"lost")
    gateway.uplink.publish_live("live/lobby", b"lost")


@pytest.mark.unwatched("its book is a stand-in")
def test_the_book_reaches_its_taker(broker: Mosquitto) -> None:
    """A gateway that follows the centre's book subscribes to it."""
    taken: queue.Queue[bytes] = queue.Queue()
    with Centre(broker.port) as centre, Gateway(broker.port, book=taken.put):
        centre.say(f"{PREFIX}/{SITE}/g1/book", b"{}")
        assert taken.get(timeout=SECONDS) == b"{}"
    centre_only = f"{PREFIX}/{SITE}/g1/book"
    with Centre(broker.port) as centre:
        centre.say(centre_only, b"")


@pytest.mark.unwatched("it talks nonsense")
def test_acks_for_others_and_garbage_change_nothing(
    broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    """Only a readable ack that names us counts."""
    with Centre(broker.port, acks=False) as centre, Gateway(broker.port) as gateway:
        gateway.add(range(10))
        centre.wait(lambda: centre.last("punch") is not None)
        topic = f"{PREFIX}/{SITE}/g1/ack"
        centre.say(topic, b"")
        centre.say(topic, b"\xff")
        centre.say(f"{PREFIX}/{SITE}/_central/state", b"[]")
        foreign = Ack(
            site=SITE,
            gateway="g2",
            epoch="g1-epoch",
            upto=10,
            missing=[],
            store="A",
            generation=1,
            chain=None,
            sent=NOW,
        )
        centre.say(topic, encode(foreign))
        centre.ack("another epoch", 10, None)
        centre.ack("g1-epoch", 5, gateway.outbox.hash_at(5))
        gateway.wait(lambda: gateway.outbox.acked == 5)
    unreadable = [r for r in caplog.records if r.msg == "uplink unreadable"]
    assert len(unreadable) == 2


@pytest.mark.unwatched("its command is a stand-in")
def test_commands_reach_their_taker(broker: Mosquitto) -> None:
    """What comes on `cmd` is handed over as bytes."""
    taken: queue.Queue[bytes] = queue.Queue()
    with Centre(broker.port) as centre, Gateway(broker.port, command=taken.put) as g:
        g.wait(lambda: g.uplink.connected)
        centre.say(f"{PREFIX}/{SITE}/g1/cmd", b'{"op":"resend"}', retain=False)
        assert taken.get(timeout=SECONDS) == b'{"op":"resend"}'


def test_an_outbox_that_fails_ends_the_uplink(broker: Mosquitto) -> None:
    """A confirmation that cannot be written down must not be taken for one."""
    gateway = Gateway(broker.port)

    def fail() -> None:
        raise RuntimeError("disk full")

    gateway.outbox.on_confirm = fail
    with Centre(broker.port), gateway:
        gateway.add(range(10))
        gateway._thread.join(SECONDS)
        assert isinstance(gateway.ended, RuntimeError)


TERMINAL = (
    b'{"v":1,"site":"s1","gateway":"g1","terminal":"lobby","serial":"VT1",'
    b'"online":true,"driver":"zk","generation":1,"in_terminal":1,"downloaded":1,'
    b'"stored":1,"punches":1,"repeats":0,"rejected":0,"sent":1,"acknowledged":1,'
    b'"equation":{"holds":true,"term":null},"offset_seconds":0.5,"capacity":null,'
    b'"last_read":null,"at":"2026-11-02T08:00:00+08:00"}'
)
