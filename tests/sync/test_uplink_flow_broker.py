"""The broker's word as confirmation, and batches it can swallow."""

from sync.link import NO_SUBSCRIBER
from sync.uplink_values import Confirm, Confirmed, Gate, UplinkOptions, Verdict
from tests.sync.flows import FORBIDDEN, OK, ack, flow, gate, h, send

BROKER = UplinkOptions(confirm=Confirm.BROKER, window=4, batch=10, ahead=2)


def test_broker_confirms_in_order_only() -> None:
    """Confirm = broker: an answer confirms when everything before it was answered."""
    f = flow(BROKER)
    first, second, third = send(f), send(f), send(f)
    assert f.room() == 1  # `ahead` is for centres
    f.published(second, OK, 0.0)
    assert (f.acked, f.take_confirmed()) == (0, None)
    f.published(first, OK, 0.0)
    assert f.acked == 20
    assert f.take_confirmed() == Confirmed(20, h(20), None, 0)
    f.published(third, OK, 0.0)
    assert f.acked == 30
    assert f.next_at() is None


def test_broker_mode_listens_to_no_centre() -> None:
    """Confirm = broker: acks and the centre's liveness are somebody else's."""
    f = flow(BROKER)
    send(f)
    assert ack(f, 10).verdict is Verdict.IGNORED
    assert not f.centre(online=False, retained=False, now=0.0)
    assert gate(f) is Gate.OPEN
    assert not f.tick(1e6)


def test_broker_mode_does_not_take_no_subscriber_for_delivered() -> None:
    """Confirm = broker: 0x10 confirms nothing; a probe that is taken goes on."""
    f = flow(BROKER)
    first, second = send(f), send(f)
    f.published(first, NO_SUBSCRIBER, 0.0)
    f.published(second, OK, 0.0)
    assert (f.acked, gate(f)) == (0, Gate.NO_SUBSCRIBER)
    f.tick(5.0)
    f.published(send(f, 5.0), OK, 5.0)
    assert (f.acked, gate(f)) == (10, Gate.OPEN)


def test_broker_mode_after_a_refusal() -> None:
    """Confirm = broker: a probe that is taken after a refusal opens and confirms."""
    f = flow(BROKER)
    f.published(send(f), FORBIDDEN, 0.0)
    f.centre(online=False, retained=False, now=0.0)
    f.tick(30.0)
    f.published(send(f, 30.0), OK, 30.0)
    assert (f.acked, gate(f)) == (10, Gate.OPEN)


def test_batches_a_broker_hangs_up_on_become_smaller() -> None:
    """Two connections lost over unanswered batches halve them; one does not."""
    f = flow()
    sizes = []
    for _ in range(10):
        send(f)
        f.disconnected()
        f.connected(0.0, 100)
        sizes.append(f.rows)
    assert sizes == [10, 5, 5, 2, 2, 1, 1, 1, 1, 1]
    send(f)
    f.disconnected()
    f.connected(0.0, 100)
    f.disconnected()  # nothing was in flight
    assert f.rows == 1


def test_small_batches_grow_again_after_a_long_while() -> None:
    """What was too much once is tried again, a thousand answers later."""
    f = flow(UplinkOptions(batch=10))
    for _ in range(2):
        send(f)
        f.disconnected()
        f.connected(0.0, 100)
    assert f.rows == 5
    for _ in range(999):
        f.published(send(f), OK, 0.0)
        ack(f, f.sent, head=10**9)
    assert f.rows == 5
    f.published(send(f), OK, 0.0)
    assert f.rows == 10


def test_an_answered_connection_does_not_shrink_batches() -> None:
    """A broker that answered and then went down is no reason for small batches."""
    f = flow()
    for _ in range(4):
        f.published(send(f), OK, 0.0)
        send(f)
        f.disconnected()
        f.connected(0.0, 100)
    assert f.rows == 10
