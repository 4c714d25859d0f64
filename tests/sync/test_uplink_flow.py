"""The decisions of the uplink: window, go-back, probing, acknowledgements.

Time is a number here; nothing waits.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from sync.link import FAILED, NO_SUBSCRIBER
from sync.messages import Ack, link, origin
from sync.outbox import Position
from sync.uplink_flow import FORK_PAUSE_SECONDS, Flow
from sync.uplink_values import (
    Acked,
    Answer,
    Confirm,
    Confirmed,
    Gate,
    UplinkOptions,
    Verdict,
)

EPOCH = "e1"
OK = 0x00
FORBIDDEN = 0x87
OPTIONS = UplinkOptions(window=4, batch=10, ahead=8)


def h(seq: int) -> str:
    """Return our chain hash behind an entry."""
    return origin(f"{EPOCH}:{seq}")


def position(**changes: object) -> Position:
    """Return a stream at its beginning, known to store A, generation 1."""
    values = {
        "epoch": EPOCH,
        "acked": 0,
        "acked_hash": origin(EPOCH),
        "head": 1000,
        "head_hash": h(1000),
        "store": "A",
        "generation": 1,
    }
    return Position(**{**values, **changes})  # type: ignore[arg-type]


def flow(options: UplinkOptions = OPTIONS, **changes: object) -> Flow:
    """Return a flow on a fresh connection at time 0."""
    made = Flow(options, position(**changes))
    connect(made)
    return made


def connect(f: Flow, now: float = 0.0, receive_maximum: int = 65_535) -> None:
    """Connect, and let the centre answer our birth with what is known already."""
    f.connected(now, receive_maximum)
    ack(f, f.acked, now)


def gate(f: Flow) -> Gate:
    """Return the gate, as a value that changes."""
    return f.gate


def send(f: Flow, now: float = 0.0, size: int = 10) -> int:
    """Send the next batch; return its token."""
    last = f.sent + size
    return f.send(last, h(last), now)


def ack(  # noqa: PLR0913 - the words of an ack, each with its usual value
    f: Flow,
    upto: int,
    now: float = 0.0,
    *,
    retained: bool = False,
    missing: Sequence[tuple[int, int]] = (),
    store: str = "A",
    generation: int = 1,
    epoch: str = EPOCH,
    chain: str | None = "ours",
    head: int = 1000,
    hash_at: Callable[[int], str | None] = h,
) -> Acked:
    """Give an acknowledgement to the flow."""
    message = Ack(
        site="s",
        gateway="g",
        epoch=epoch,
        upto=upto,
        missing=list(missing),
        store=store,
        generation=generation,
        chain=h(upto) if chain == "ours" and upto else None if not upto else chain,
        sent="t",
    )
    return f.acknowledged(
        message, retained=retained, head=head, hash_at=hash_at, now=now
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


def test_no_subscriber_slows_down_until_an_ack() -> None:
    """0x10: one probe every 5 s from the last confirmed entry; an ack opens."""
    f = flow()
    first, second = send(f), send(f)
    assert f.published(first, NO_SUBSCRIBER, 1.0) is Answer.NO_SUBSCRIBER
    assert gate(f) is Gate.NO_SUBSCRIBER
    assert f.published(second, NO_SUBSCRIBER, 1.0) is Answer.NOTHING  # stale
    assert (f.sent, f.room(), f.unheard) == (0, 0, 1)
    assert f.next_at() == 6.0
    assert not f.tick(5.9)
    assert f.room() == 0
    f.tick(6.0)
    assert f.room() == 1
    f.tick(6.1)
    assert f.room() == 1
    probe = send(f, 6.2)
    assert f.room() == 0
    assert f.published(probe, NO_SUBSCRIBER, 6.3) is Answer.NO_SUBSCRIBER
    f.tick(11.0)
    assert f.published(send(f, 11.0), OK, 11.0) is Answer.TAKEN
    assert gate(f) is Gate.NO_SUBSCRIBER  # somebody listens; the centre says nothing
    assert ack(f, 10, 11.1).verdict is Verdict.MOVED
    assert gate(f) is Gate.OPEN


def test_centre_birth_opens_after_no_subscriber() -> None:
    """The centre's word that it is there is enough to go on, even retained."""
    f = flow()
    f.published(send(f), NO_SUBSCRIBER, 0.0)
    assert not f.centre(online=True, retained=True, now=1.0)
    assert gate(f) is Gate.OPEN


def test_refusal_stops_and_retries_slowly() -> None:
    """0x80 and above: nothing but one probe in 30 s, on new connections too."""
    f = flow()
    first, second = send(f), send(f)
    assert f.published(first, FAILED, 0.0) is Answer.REFUSED
    assert f.published(second, FAILED, 0.0) is Answer.REFUSED
    assert (gate(f), f.refusals, f.sent) == (Gate.REFUSED, 2, 0)
    assert not f.centre(online=True, retained=False, now=1.0)
    f.disconnected()
    f.connected(2.0, 100)
    assert gate(f) is Gate.REFUSED
    f.tick(29.9)
    assert f.room() == 0
    f.tick(30.0)
    assert f.room() == 1
    assert f.published(send(f, 30.0), FORBIDDEN, 30.0) is Answer.REFUSED
    assert f.next_at() == 60.0
    f.tick(60.0)
    assert f.published(send(f, 60.0), OK, 60.0) is Answer.TAKEN
    assert gate(f) is Gate.OPEN


def test_stale_success_does_not_lift_a_refusal() -> None:
    """Another topic's success, sent before the refusal, opens nothing."""
    f = flow()
    first, second = send(f), send(f)
    f.published(first, FORBIDDEN, 0.0)
    assert f.published(second, OK, 0.0) is Answer.NOTHING
    assert gate(f) is Gate.REFUSED


def test_refusal_that_turns_into_no_subscriber() -> None:
    """The rights came back before the centre did."""
    f = flow()
    f.published(send(f), FORBIDDEN, 0.0)
    f.tick(30.0)
    f.published(send(f, 30.0), NO_SUBSCRIBER, 30.0)
    assert gate(f) is Gate.NO_SUBSCRIBER


def test_refusal_lifted_while_the_centre_is_away() -> None:
    """What the centre said of itself meanwhile still counts."""
    f = flow()
    f.published(send(f), FORBIDDEN, 0.0)
    f.centre(online=False, retained=False, now=1.0)
    assert gate(f) is Gate.REFUSED
    f.tick(30.0)
    f.published(send(f, 30.0), OK, 30.0)
    assert gate(f) is Gate.CENTRE_OFFLINE


def test_centre_offline_stops_and_probes_ever_more_rarely() -> None:
    """The centre's death stops sending; its birth starts over at once."""
    f = flow()
    send(f)
    assert not f.centre(online=False, retained=True, now=0.0)
    assert (gate(f), f.room(), f.sent) == (Gate.CENTRE_OFFLINE, 0, 0)
    assert f.centre_online is False
    times, now = [], 0.0
    for _ in range(6):
        f.published(1, OK, now)
        now = f.next_at() or 0.0
        times.append(now)
        f.tick(now)
        token = send(f, now)
        assert not f.centre(online=False, retained=False, now=now)  # said again
        f.published(token, OK, now)
    assert times == [2.0, 6.0, 14.0, 30.0, 62.0, 122.0]
    assert f.centre(online=True, retained=False, now=130.0)
    assert (gate(f), f.room(), f.sent) == (Gate.OPEN, 4, 0)


def test_live_ack_says_that_the_centre_is_there() -> None:
    """An ack is better evidence than a state; a retained one is none."""
    f = flow()
    f.centre(online=False, retained=True, now=0.0)
    assert ack(f, 0, retained=True).verdict is Verdict.KNOWN
    assert gate(f) is Gate.CENTRE_OFFLINE
    assert ack(f, 0).verdict is Verdict.KNOWN
    assert gate(f) is Gate.OPEN


def test_old_news_of_the_centre_send_nothing_twice() -> None:
    """The retained birth of every connection is no reason to go back."""
    f = flow()
    send(f)
    assert not f.centre(online=True, retained=True, now=0.0)
    assert f.sent == 10
    assert f.centre(online=True, retained=False, now=0.0)
    assert f.sent == 0


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


@dataclass
class World:
    """A centre and a broker that lose, refuse, restart: what the flow must survive."""

    random: random.Random
    stored: set[int] = field(default_factory=set)
    generation: int = 1
    wire: list[tuple[int, int, int]] = field(default_factory=list)

    @property
    def upto(self) -> int:
        """Return the last entry up to which the centre has everything."""
        return next(n for n in range(10**6) if n + 1 not in self.stored)

    @property
    def missing(self) -> list[tuple[int, int]]:
        """Return the holes below the last entry the centre has."""
        known = sorted(self.stored)
        pairs = zip([0, *known], known, strict=False)
        return [(low + 1, high - 1) for low, high in pairs if high > low + 1]


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_everything_arrives(seed: int) -> None:
    """In a world that loses, refuses, restarts and restores, all arrives in the end.

    At no time is more in flight than allowed, and nothing is confirmed that the centre
    does not hold.
    """
    print("seed", seed)
    world = World(random.Random(seed))
    f = flow()
    now, head = 0.0, 200
    for step in range(4000):
        rough = step < 600
        now += world.random.uniform(0.0, 3.0)
        _step(f, world, now, head, rough=rough)
        assert f.in_flight <= OPTIONS.window
        assert f.acked <= world.upto or rough  # a restore may have just lost some
        if not rough and f.acked == head:
            break
    assert f.acked == head
    assert world.upto == head


def _step(f: Flow, world: World, now: float, head: int, *, rough: bool) -> None:
    """Let one thing happen; send, arrive, acknowledge."""
    chance = world.random.random() if rough else 1.0
    if f.stuck(now) or chance < 0.03:
        world.wire.clear()
        f.disconnected()
        f.connected(now, world.random.choice([1, 3, 65_535]))
        _say(f, world, now, head)
    elif chance < 0.05:  # the centre comes back from an older copy of itself
        world.generation += 1
        world.stored = {n for n in world.stored if n <= world.random.randrange(200)}
        _say(f, world, now, head)
    elif chance < 0.1:
        f.centre(online=world.random.random() < 0.5, retained=False, now=now)
    if not rough:
        f.centre(online=True, retained=True, now=now)
    f.tick(now)
    _send_all(f, world, now, head)
    _arrive(f, world, now, rough=rough)
    if world.random.random() < 0.7:
        _say(f, world, now, head)


def _send_all(f: Flow, world: World, now: float, head: int) -> None:
    """Send what may be sent."""
    for first, last in f.repairs(now):
        if f.control_room():
            world.wire.append((f.send_control(now), first, last))
    while f.room() and f.sent < head:
        first = f.sent + 1
        last = min(head, f.sent + world.random.randint(1, f.rows))
        world.wire.append((f.send(last, h(last), now), first, last))


def _arrive(f: Flow, world: World, now: float, *, rough: bool) -> None:
    """Let what is on the wire arrive, or not."""
    arrived, world.wire = world.wire, []
    for token, first, last in arrived:
        fate = world.random.random() if rough else 1.0
        if fate < 0.1:
            continue  # lost with its answer
        codes = [FORBIDDEN] * (fate < 0.13) + [NO_SUBSCRIBER] * (fate < 0.2)
        f.published(token, codes[0] if codes else OK, now)
        if not codes and fate > 0.3:
            world.stored |= set(range(first, last + 1))


def _say(f: Flow, world: World, now: float, head: int) -> None:
    missing = world.missing
    ack(f, world.upto, now, generation=world.generation, head=head, missing=missing)


def test_link_is_what_the_hashes_here_stand_for() -> None:
    """The test's hashes are of the same shape as real ones."""
    assert len(h(1)) == len(link(origin("x"), b"{}")) == 64
