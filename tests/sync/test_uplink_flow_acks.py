"""Which acknowledgements are believed: other stores, forks, holes."""

import pytest

from sync.messages import link, origin
from sync.uplink_flow import FORK_PAUSE_SECONDS
from sync.uplink_values import Answer, Confirmed, Gate, Verdict
from tests.sync.flows import FORBIDDEN, OK, ack, flow, gate, h, position, send


def test_acks_of_other_epochs_and_foreign_retained_ones_are_ignored() -> None:
    """Only our epoch counts, and of what a broker kept only our store's word."""
    f = flow()
    send(f)
    assert ack(f, 10, epoch="e0").verdict is Verdict.IGNORED
    assert ack(f, 10, retained=True, store="B").verdict is Verdict.IGNORED
    assert ack(f, 10, retained=True, generation=2).verdict is Verdict.IGNORED
    assert f.acked == 0
    assert ack(f, 10, retained=True).verdict is Verdict.MOVED


def test_restored_or_new_store_is_believed_backwards() -> None:
    """Another generation or store, live: what it lacks is sent again."""
    f = flow(acked=50)
    send(f)
    assert ack(f, 30, generation=2).verdict is Verdict.MOVED
    assert (f.acked, f.sent) == (30, 30)
    assert f.take_confirmed() == Confirmed(30, h(30), "A", 2)
    assert ack(f, 0, store="B").verdict is Verdict.MOVED
    assert f.take_confirmed() == Confirmed(0, h(0), "B", 1)
    assert (f.acked, f.sent) == (0, 0)
    assert ack(f, 40, store="B").verdict is Verdict.MOVED
    assert (f.acked, f.sent) == (40, 40)


def test_the_same_store_never_goes_back() -> None:
    """An older ack of the store we know changes nothing."""
    f = flow(acked=50)
    assert ack(f, 30).verdict is Verdict.KNOWN
    assert f.acked == 50


@pytest.mark.parametrize("retained", [False, True])
def test_a_stream_the_centre_knows_otherwise_forks(*, retained: bool) -> None:
    """More than we wrote, or another entry than ours: our journal is a copy."""
    f = flow()
    ahead = ack(f, 10, head=9, retained=retained)
    assert ahead.verdict is Verdict.FORK
    assert "we wrote 9" in ahead.reason
    other = ack(f, 10, chain=origin("other"), retained=retained)
    assert other.verdict is Verdict.FORK
    assert "another entry 10" in other.reason


def test_what_is_common_before_a_fork() -> None:
    """What was confirmed is, unless just that is told otherwise."""
    f = flow(acked=30)
    assert ack(f, 50, head=40).common == 30
    assert ack(f, 40, chain=origin("other")).common == 30
    assert ack(f, 30, chain=origin("other")).common == 0
    assert ack(f, 20, chain=origin("other")).common == 0


def test_entries_that_are_gone_contradict_nobody() -> None:
    """A centre from an old backup stands where we deleted: we cannot say no."""
    f = flow(acked=30)
    gone = ack(f, 10, generation=2, hash_at=lambda _: None)
    assert (gone.verdict, f.acked) == (Verdict.MOVED, 10)


def test_holes_are_sent_again_without_going_back() -> None:
    """Exactly what is missing, after a moment; naming holes is a sign of life."""
    f = flow()
    send(f)
    send(f)
    send(f)
    assert ack(f, 10, 1.0, missing=[(11, 20)]).verdict is Verdict.MOVED
    assert f.repairs(1.5) == []
    assert ack(f, 10, 2.9, missing=[(11, 20)]).verdict is Verdict.KNOWN
    assert f.repairs(2.9) == [(11, 20)]
    assert not f.tick(4.0)  # silence counts from 2.9
    assert (f.sent, f.acked) == (30, 10)
    assert ack(f, 30, 4.1).verdict is Verdict.MOVED
    assert f.repairs(99.0) == []


def test_holes_that_stay_end_in_going_back() -> None:
    """When nothing more is heard, everything unconfirmed goes out again."""
    f = flow()
    send(f)
    send(f)
    ack(f, 0, 1.0, missing=[(1, 10)])
    assert f.next_at() == 2.0
    assert f.repairs(2.0) == [(1, 10)]
    assert f.tick(3.0)
    assert (f.sent, f.repairs(9.0)) == (0, [])


def test_holes_in_what_was_not_sent_are_none_of_ours() -> None:
    """After a step back the entries come anyway; retained words are old."""
    f = flow()
    send(f)
    ack(f, 0, 0.0, missing=[(1, 5), (8, 30), (41, 50)])
    assert f.repairs(1.0) == [(1, 5), (8, 10)]
    f = flow()
    send(f)
    ack(f, 0, 0.0, missing=[(1, 5)], retained=True)
    assert f.repairs(9.0) == []


def test_nothing_is_repaired_while_sending_is_held_back() -> None:
    """A broker that refuses gets no more than its probes."""
    f = flow()
    token = send(f)
    send(f)
    ack(f, 0, 0.0, missing=[(1, 10)])
    f.published(token, FORBIDDEN, 0.5)
    assert gate(f) is Gate.REFUSED
    assert f.repairs(9.0) == []


def test_a_centre_without_chains_is_believed() -> None:
    """`chain: null` states nothing; our own hash is written down."""
    f = flow()
    send(f)
    assert ack(f, 10, chain=None).verdict is Verdict.MOVED
    assert f.take_confirmed() == Confirmed(10, h(10), "A", 1)


def test_a_fork_restarts_at_the_new_epoch_and_not_twice_at_once() -> None:
    """After a fork the new epoch is sent; a mad centre cannot fork us in a loop."""
    f = flow()
    token = send(f)
    new = position(epoch="e2", acked=0)
    f.reset(new, 10.0)
    assert (f.epoch, f.acked, f.sent, f.in_flight) == ("e2", 0, 0, 1)
    assert f.published(token, OK, 10.0) is Answer.NOTHING
    wrong = origin("wrong")
    soon = 10.0 + FORK_PAUSE_SECONDS - 1
    assert ack(f, 10, soon, epoch="e2", chain=wrong).verdict is Verdict.IGNORED
    later = 10.0 + FORK_PAUSE_SECONDS
    assert ack(f, 10, later, epoch="e2", chain=wrong).verdict is Verdict.FORK


def test_link_is_what_the_hashes_here_stand_for() -> None:
    """The test's hashes are of the same shape as real ones."""
    assert len(h(1)) == len(link(origin("x"), b"{}")) == 64
