"""The faults a schedule draws from: each one lasts as long as its block.

Everything here is over when the block ends; a fault may leave behind what it leaves
behind in life: forgotten sessions, an older store, a second epoch.
"""

import contextlib
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from tests.brokers import mosquitto_path
from tests.faults.ground import Ground
from tests.faults.rules import Corrupting, Dropping, Flipping, Reordering, Repeating

Fault = Callable[[Ground, random.Random], AbstractContextManager[object]]


@contextlib.contextmanager
def _cut(ground: Ground, rng: random.Random) -> Iterator[None]:
    """Break one line after some bytes; what is not used up is forgotten."""
    proxy = rng.choice([ground.up, ground.down, ground.wire])
    proxy.cut_after = rng.randint(1, 20_000)
    yield
    proxy.cut_after = None


@contextlib.contextmanager
def _barred(ground: Ground, rng: random.Random) -> Iterator[None]:
    """Cut one line and let nobody in."""
    proxy = rng.choice([ground.up, ground.down, ground.wire])
    with proxy.does(closed=True):
        proxy.cut()
        yield


def _broker_restart(
    ground: Ground, _rng: random.Random
) -> AbstractContextManager[None]:
    ground.broker.stop()
    ground.broker.start()
    return contextlib.nullcontext()


def _terminal(ground: Ground, rng: random.Random) -> AbstractContextManager[None]:
    return ground.without(rng.choice(ground.terminals))


ALWAYS: dict[str, Fault] = {
    "broker away": lambda ground, _: ground.without_broker(),
    "broker restarts": _broker_restart,
    "centre killed": lambda ground, _: ground.without(ground.centre),
    "centre stands still": lambda ground, _: ground.stopped(ground.centre),
    "centre slow": lambda ground, _: ground.down.does(delay=0.2),
    "centre restored": lambda ground, _: ground.older_centre(),
    "gateway killed": lambda ground, _: ground.without(ground.site.daemon),
    "gateway stands still": lambda ground, _: ground.stopped(ground.site.daemon),
    "gateway restored": lambda ground, _: ground.older_gateway(),
    "terminal killed": _terminal,
    "line cut": _cut,
    "line barred": _barred,
    "line slow": lambda ground, _: ground.up.does(delay=0.1),
    "line silent": lambda ground, rng: rng.choice([ground.up, ground.down]).does(
        paused=True
    ),
    "messages vanish": lambda ground, rng: rng.choice([ground.up, ground.down]).does(
        rule=Dropping(rng, 0.3)
    ),
    "messages twice": lambda ground, rng: rng.choice([ground.up, ground.down]).does(
        rule=Repeating(rng)
    ),
    "messages mixed up": lambda ground, rng: rng.choice([ground.up, ground.down]).does(
        rule=Reordering(rng)
    ),
    "messages changed": lambda ground, rng: rng.choice([ground.up, ground.down]).does(
        rule=Corrupting(rng, 0.1)
    ),
    "terminal's bits change": lambda ground, rng: ground.wire.does(
        rule=Flipping(rng, 0.02)
    ),
}
MOSQUITTO: dict[str, Fault] = {
    "tiny queue": lambda ground, _: ground.other_broker(
        settings=["max_queued_messages 1", "max_inflight_messages 1"]
    ),
    "small packets": lambda ground, _: ground.other_broker(
        settings=["max_packet_size 3000"]
    ),
}


def faults() -> dict[str, Fault]:
    """Return what can be done here."""
    return ALWAYS | (MOSQUITTO if mosquitto_path() else {})
