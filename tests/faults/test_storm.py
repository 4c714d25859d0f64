"""SIGKILL at random moments at every process of a site (row 12 of docs/reliability.md).

`tests/end_to_end/test_kill.py` drives a punch to each stage and kills there; this one
leaves the moment to chance. PUNCHGATE_KILLS says how many.
"""

import os
import random
import time
from collections import Counter

import pytest

from tests.end_to_end.stages import stage_at_death
from tests.faults.ground import Ground

KILLS = int(os.environ.get("PUNCHGATE_KILLS", "12"))
VICTIMS = ("terminal", "gateway", "broker", "centre")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + 5 * KILLS)]


def test_anybody_is_killed_at_any_moment(ground: Ground, rng: random.Random) -> None:
    """Terminal, gateway, broker and centre die again and again; nothing is lost."""
    stages: Counter[str] = Counter()
    victims: Counter[str] = Counter()
    slowest = 0.0
    for _ in range(KILLS):
        ground.punch(rng.randint(1, 30), rng)
        time.sleep(rng.choice([0.0, rng.uniform(0, 0.1), rng.uniform(0, 1)]))
        victim = rng.choice(VICTIMS)
        victims[victim] += 1
        stages[_killed(ground, victim)] += 1
        if rng.random() < 0.2:
            began = time.monotonic()
            ground.settle()
            slowest = max(slowest, time.monotonic() - began)
    print(f"killed: {dict(victims)}; stages: {dict(stages)}")
    print(f"{ground.settle()}; in order again after {slowest:.1f} s at most")


def _killed(ground: Ground, victim: str) -> str:
    """Kill one; return how far the newest punch had come."""
    gone = {
        "terminal": ground.without(ground.site.virtual),
        "gateway": ground.without(ground.site.daemon),
        "broker": ground.without_broker(),
        "centre": ground.without(ground.centre),
    }
    with gone[victim]:
        newest = ground.newest()
        return stage_at_death(ground.site, newest, arrived=ground.arrived(newest))
