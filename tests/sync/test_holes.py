"""Holes: each is filled after a moment, and ever more rarely if it stays."""

import random

from hypothesis import given
from hypothesis import strategies as st

from sync.holes import Holes, Span


def test_a_hole_waits_a_moment_and_then_ever_longer() -> None:
    """What is only late is not sent twice; what nobody takes does not fill the line."""
    holes = Holes(1.0, 5.0)
    holes.named([(5, 9)], 10.0)
    assert holes.due(10.9) == []
    assert holes.next_at() == 11.0
    at, waits = 11.0, []
    for _ in range(4):
        assert holes.due(at) == [(5, 9)]
        nearest = holes.next_at()
        assert nearest is not None
        waits.append(nearest - at)
        at = nearest
    assert waits == [2.0, 4.0, 5.0, 5.0]


def test_what_is_left_of_a_hole_keeps_its_time() -> None:
    """A hole that shrinks is the same hole; a new one waits from now on."""
    holes = Holes(1.0, 60.0)
    holes.named([(5, 9)], 0.0)
    holes.named([(8, 9), (20, 20)], 0.9)
    assert holes.due(1.0) == [(8, 9)]
    assert holes.due(1.9) == [(20, 20)]
    assert holes.spans == [(8, 9), (20, 20)]


def test_a_hole_that_is_named_no_more_is_gone() -> None:
    """Filled by whomever: nothing is sent for it."""
    holes = Holes(1.0, 60.0)
    assert holes.next_at() is None
    holes.named([(5, 9)], 0.0)
    holes.named([], 0.5)
    assert (holes.due(9.0), holes.next_at(), holes.spans) == ([], None, [])
    holes.named([(1, 2)], 1.0)
    holes.clear()
    assert holes.due(9.0) == []


@given(st.integers(0, 2**32))
def test_every_hole_that_stays_is_sent_in_time(seed: int) -> None:
    """However others come and go, none waits longer than it may."""
    dice = random.Random(seed)
    holes = Holes(1.0, 8.0)
    since: dict[Span, float] = {}
    now = 0.0
    for _ in range(60):
        now += dice.choice([0.25, 0.5, 1.0])
        standing = [(n * 10, n * 10 + 3) for n in range(6) if dice.random() < 0.8]
        since = {span: since.get(span, now) for span in standing}
        holes.named(standing, now)
        due = holes.due(now)
        for span in due:
            assert now - since[span] >= 1.0
            since[span] = now
        for span in standing:
            assert now - since[span] < 8.0 + 1.0
