"""What happens to centres (rows 8, 9, 25 of docs/reliability.md)."""

import random
import signal
from functools import partial

import pytest

from tests.end_to_end.processes import until
from tests.faults.ground import Ground

pytestmark = pytest.mark.slow
SOME = 20


def test_a_centre_that_is_killed(ground: Ground, rng: random.Random) -> None:
    """Killed in the middle of the flow, it goes on behind what it had committed."""
    for _ in range(3):
        ground.punch(rng.randint(SOME, 10 * SOME))
        newest = ground.newest()
        until(partial(ground.arrived, newest), "a commit")
        with ground.without(ground.centre):
            ground.punch(rng.randint(1, SOME))
    ground.settle()


def test_a_centre_that_stands_still(ground: Ground) -> None:
    """It keeps its connection and acknowledges nothing; nothing counts as delivered."""
    said = ground.listen()
    with ground.stopped(ground.centre):
        ground.punch(SOME)
        ground.read()
        until(lambda: "no acknowledgement" in said(), "a step back")
        stream = ground.journal.stream()
        assert stream.confirmed < stream.head
    ground.settle()


def test_a_centre_behind_a_slow_line(ground: Ground) -> None:
    """A third of a second each way slows the flow down and repeats nothing for good."""
    with ground.down.does(delay=0.3):
        ground.punch(10 * SOME)
        ground.settle()


def test_a_centre_that_cannot_follow(ground: Ground, rng: random.Random) -> None:
    """It stands still most of the time: the gateway waits, the broker is spared."""
    ground.punch(50 * SOME)
    while not ground.checker.near():
        with ground.stopped(ground.centre):
            ground.punch(1)
            ground.read()
        until(
            lambda: ground.checker.near() or rng.random() < 0.2, "a moment of its work"
        )
    ground.settle()


def test_a_centre_restored_from_an_old_backup(ground: Ground) -> None:
    """What it had confirmed and lost again with the restore is sent again."""
    ground.punch(SOME)
    ground.settle()
    with ground.older_centre():
        ground.punch(5 * SOME)
        ground.settle()
        ground.punch(SOME)
    ground.settle()


def test_a_centre_restored_to_before_a_gateway_was(ground: Ground) -> None:
    """Both sides are put back: the older stream's end and the fork are told again."""
    before = len(ground.checker.said("gw-1", "epoch_fork"))
    with ground.older_centre():
        ground.punch(SOME)
        ground.settle()
        with ground.older_gateway():
            ground.punch(SOME)
            ground.settle()
        ground.settle()
        assert len(ground.checker.said("gw-1", "epoch_fork")) == before + 1
    ground.settle()
    assert len(ground.checker.said("gw-1", "epoch_fork")) == before + 1


def test_a_centre_restored_while_the_broker_was_away(ground: Ground) -> None:
    """The gateway meets the older store with a backlog of its own."""
    with ground.without_broker(), ground.older_centre():
        ground.punch(SOME)
    ground.settle()
    with ground.older_centre():
        ground.punch(SOME)
        ground.settle()
        ground.broker.kill()
        ground.punch(SOME)
        ground.centre.end(signal.SIGKILL)
        ground.broker.start()
        ground.centre.start()
    ground.settle()
