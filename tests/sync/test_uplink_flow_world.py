"""The uplink's decisions in a world that loses, refuses, restarts and restores."""

import random
from dataclasses import dataclass, field

import pytest

from sync.link import NO_SUBSCRIBER
from sync.uplink_flow import Flow
from tests.sync.flows import FORBIDDEN, OK, OPTIONS, ack, flow, h


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
