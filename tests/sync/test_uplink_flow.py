"""The decisions of the uplink: window, batches, silence, answers of the broker.

Time is a number here; nothing waits.
"""

from sync.uplink_flow import Flow
from sync.uplink_values import (
    Acked,
    Answer,
    Confirm,
    Confirmed,
    Gate,
    UplinkOptions,
    Verdict,
)
from tests.sync.flows import (
    FORBIDDEN,
    OK,
    OPTIONS,
    ack,
    connect,
    flow,
    gate,
    h,
    position,
    send,
)


def test_window_is_never_exceeded() -> None:
    """Neither ours nor the broker's limit, control messages included."""
    f = flow()
    assert f.room() == 4
    f.send_control(0.0)
    send(f)
    assert f.room() == 2
    assert f.control_room() == 2
    connect(f, 1.0, 2)
    assert (f.room(), f.in_flight) == (2, 0)
    send(f)
    send(f)
    assert (f.room(), f.control_room()) == (0, 0)


def test_nothing_is_sent_before_the_centre_answered_our_birth() -> None:
    """It may hold another story; after a while it is one that answers no births."""
    f = Flow(OPTIONS, position())
    f.connected(0.0, 65_535)
    assert (f.room(), f.control_room(), f.next_at()) == (0, 4, OPTIONS.hello_seconds)
    ack(f, 0, 0.1, retained=True)
    ack(f, 0, 0.1, epoch="another")
    assert f.room() == 0
    ack(f, 0, 0.2)
    assert f.room() == 4
    f.connected(5.0, 65_535)
    assert f.room() == 0
    f.tick(5.0 + OPTIONS.hello_seconds)
    assert f.room() == 4
    trusting = Flow(UplinkOptions(confirm=Confirm.BROKER), position())
    trusting.connected(0.0, 65_535)
    assert trusting.room() == 20


def test_batches_go_out_in_order_and_ack_moves_on() -> None:
    """The ack confirms exactly to where it says, with the lag of that batch."""
    f = flow()
    first, second = send(f, 1.0), send(f, 2.0)
    assert f.published(first, OK, 2.5) is Answer.TAKEN
    assert f.published(second, OK, 2.5) is Answer.TAKEN
    assert f.acked == 0  # the broker's word delivers nothing
    assert f.take_confirmed() is None
    assert ack(f, 10, 3.0) == Acked(Verdict.MOVED, 2.0)
    assert f.take_confirmed() == Confirmed(10, h(10), "A", 1)
    assert f.take_confirmed() is None
    assert ack(f, 15, 3.0) == Acked(Verdict.MOVED, None)  # half of the second
    assert ack(f, 20, 4.0) == Acked(Verdict.MOVED, 2.0)
    assert ack(f, 20, 5.0) == Acked(Verdict.KNOWN)
    assert (f.acked, f.sent) == (20, 20)


def test_no_more_than_ahead_is_sent_without_acknowledgement() -> None:
    """A slow centre is not buried under batches the broker has taken."""
    f = flow()
    for _ in range(8):
        f.published(send(f), OK, 0.0)
    assert f.in_flight == 0
    assert f.room() == 0
    ack(f, 10)
    assert f.room() == 1


def test_silence_goes_back_and_doubles_to_a_minute() -> None:
    """Without any ack everything unconfirmed is sent again, ever more rarely."""
    f = flow()
    pauses, now = [], 0.0
    for _ in range(8):
        f.published(send(f, now), OK, now)
        due = f.next_at()
        assert due is not None
        assert not f.tick(due - 0.001)
        assert f.tick(due)
        assert f.sent == 0
        pauses.append(due - now)
        now = due
    assert pauses == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    send(f, now)
    ack(f, 10, now)
    f.published(send(f, now), OK, now)
    assert f.next_at() == now + 2.0


def test_progress_holds_silence_off() -> None:
    """As long as acks advance, nothing is sent twice."""
    f = flow()
    send(f, 0.0)
    send(f, 0.0)
    assert ack(f, 10, 1.9).verdict is Verdict.MOVED
    assert not f.tick(3.8)
    assert f.tick(3.9)
    assert f.sent == 10


def test_idle_flow_waits_for_nothing() -> None:
    """With nothing outstanding there is no timer at all."""
    f = flow()
    assert f.next_at() is None
    assert not f.tick(1e9)
    assert not f.stuck(1e9)


def test_a_broker_that_owes_answers_is_stuck() -> None:
    """30 s without an answer while something is in flight: dead."""
    f = flow()
    token = send(f, 100.0)
    assert not f.stuck(129.9)
    assert f.stuck(130.0)
    f.published(token, OK, 130.0)
    assert not f.stuck(500.0)
    assert f.next_at() == 102.0  # only the silence of the centre is left


def test_answers_of_unknown_messages_mean_nothing() -> None:
    """An answer from before the connection was lost is not counted."""
    f = flow()
    token = send(f)
    f.disconnected()
    f.connected(1.0, 100)
    assert f.published(token, FORBIDDEN, 1.0) is Answer.NOTHING
    assert gate(f) is Gate.OPEN


def test_answers_to_control_messages_move_nothing() -> None:
    """A birth taken or refused says nothing about batches."""
    f = flow()
    assert f.published(f.send_control(0.0), OK, 0.0) is Answer.NOTHING
    assert f.published(f.send_control(0.0), FORBIDDEN, 0.0) is Answer.REFUSED
    assert (gate(f), f.refusals) == (Gate.OPEN, 1)
