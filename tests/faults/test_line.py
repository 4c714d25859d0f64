"""What happens between the processes (rows 10, 11, 22 to 24 of docs/reliability.md)."""

import random
import time
from functools import partial

import pytest

from tests.end_to_end.processes import until
from tests.faults.ground import Ground
from tests.faults.rules import (
    Corrupting,
    Dropping,
    Flipping,
    Reordering,
    Repeating,
    Replaying,
    Watching,
)

pytestmark = pytest.mark.slow
SOME = 20


def flow(ground: Ground, rng: random.Random, pieces: int = 10) -> None:
    """Let punches come piece by piece, so that they go out in many messages."""
    for _ in range(pieces):
        ground.punch(rng.randint(1, SOME), rng)
        ground.read()


def test_every_message_twice(ground: Ground, rng: random.Random) -> None:
    """Duplicates of batches and acknowledgements, on both lines, change nothing."""
    rule = Repeating(rng)
    with ground.up.does(rule=rule), ground.down.does(rule=Repeating(rng)):
        flow(ground, rng)
        ground.settle()
    assert rule.repeated


def test_everything_again_and_again(ground: Ground, rng: random.Random) -> None:
    """Each batch is followed by all earlier ones once more."""
    rule = Replaying()
    with ground.up.does(rule=rule):
        flow(ground, rng)
        ground.settle()
    assert rule.replayed


def test_messages_out_of_order(ground: Ground, rng: random.Random) -> None:
    """Batches overtake each other on both lines; the ledger puts them in order."""
    with (
        ground.up.does(rule=Reordering(rng)),
        ground.down.does(rule=Reordering(rng)),
    ):
        flow(ground, rng)
        ground.settle()


@pytest.mark.parametrize("line", ["up", "down"])
def test_messages_that_vanish_and_are_called_delivered(
    ground: Ground, rng: random.Random, line: str
) -> None:
    """Each hole is noticed and filled; how soon is printed (5 s and 30 s are meant)."""
    proxy = ground.up if line == "up" else ground.down
    rule = Dropping(rng, 0.2)
    watching = Watching(rule)
    with proxy.does(rule=watching):
        until(partial(_lost, ground, rng, rule), "five lost batches", 60)
        ground.settle()
    noticed = [watching.noticed(lost) or 0.0 for lost in rule.dropped]
    filled = [watching.filled(lost) for lost in rule.dropped]
    print(f"{len(filled)} holes, noticed in {max(noticed):.2f} s, filled in {filled}")
    assert any(noticed)  # the last one may end with a repetition before it is named
    assert all(one is not None for one in filled)


def _changed(ground: Ground, rng: random.Random, rule: Corrupting) -> bool:
    if not rule.changed:  # chance may spare all of a flow
        flow(ground, rng, 1)
    return rule.changed > 0


def _lost(ground: Ground, rng: random.Random, rule: Dropping) -> bool:
    flow(ground, rng, 1)
    return len(rule.dropped) >= 5


def test_a_line_cut_after_any_number_of_bytes(
    ground: Ground, rng: random.Random
) -> None:
    """A connection breaks in the middle of whatever it carries."""
    for proxy in (ground.up, ground.down, ground.wire) * 2:
        proxy.cut_after = rng.randint(1, 4000)
        ground.punch(rng.randint(1, 3 * SOME), rng)
        ground.read()
    ground.up.cut_after = ground.down.cut_after = ground.wire.cut_after = None
    ground.settle()


def test_a_cable_out_for_a_moment(ground: Ground) -> None:
    """Nothing passes for some seconds and nothing breaks: everything comes later."""
    with (
        ground.up.does(paused=True),
        ground.down.does(paused=True),
        ground.wire.does(paused=True),
    ):
        ground.punch(SOME)
        time.sleep(3)  # the length of the fault, not a synchronisation
    ground.settle()


@pytest.mark.timeout(120)
def test_a_connection_that_is_dead_and_does_not_know(ground: Ground) -> None:
    """Half-open: 30 s of silence end it towards the broker, 5 s to the terminal."""
    began = time.monotonic()
    ground.up.swallow()
    ground.wire.swallow()
    ground.punch(SOME)
    ground.settle()
    print(f"in order after {time.monotonic() - began:.1f} s")


def test_bytes_changed_in_messages(ground: Ground, rng: random.Random) -> None:
    """The chain finds every change; what came wrong is sent again."""
    rule = Corrupting(rng, 0.3)
    with ground.up.does(rule=rule):
        flow(ground, rng)
        until(partial(_changed, ground, rng, rule), "a changed message", 60)
    ground.settle()


def test_bits_changed_on_the_way_from_the_terminal(
    ground: Ground, rng: random.Random
) -> None:
    """The frame's checksum finds every change; no punch is invented."""
    rule = Flipping(rng, 0.05)
    with ground.wire.does(rule=rule):
        for _ in range(10):
            ground.punch(rng.randint(1, SOME), rng)
            time.sleep(0.3)  # the length of the fault, not a synchronisation
    ground.settle()


def test_a_slow_line_everywhere(ground: Ground) -> None:
    """A satellite's delay on every line."""
    with (
        ground.up.does(delay=0.1),
        ground.down.does(delay=0.1),
        ground.wire.does(delay=0.03),
    ):
        ground.punch(5 * SOME)
        ground.settle()


def test_nobody_is_let_in(ground: Ground) -> None:
    """Every connection is cut and refused for a while, on every line."""
    proxies = (ground.up, ground.down, ground.wire)
    for proxy in proxies:
        proxy.closed = True
        proxy.cut()
    ground.punch(SOME)
    time.sleep(1)  # the length of the fault, not a synchronisation
    for proxy in proxies:
        proxy.closed = False
    ground.settle()
