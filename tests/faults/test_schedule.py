"""Random faults, one after another and two at a time, over a site that never rests.

`make test` runs some seconds of it. PUNCHGATE_SCHEDULE=1000000 goes on until so many
punches were made; the verdict is the same: none lost, none doubled.
"""

import contextlib
import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.brokers import mosquitto_path
from tests.faults.ground import Ground, Kind
from tests.faults.schedule import faults

pytestmark = pytest.mark.slow
PUNCHES = int(os.environ.get("PUNCHGATE_SCHEDULE", "1000"))
TERMINALS = 4 if PUNCHES < 100_000 else 8
AT_A_TIME = 100 if PUNCHES < 100_000 else 2_500
# More than this need not wait: the faults shall last as long as the punches.
WAITING = 20 * AT_A_TIME
LONGEST_SECONDS = 0.6 if PUNCHES < 100_000 else 3.0


@pytest.mark.timeout(120 + PUNCHES // 200)
@pytest.mark.parametrize("kind", list(Kind))
def test_any_faults_in_any_order(
    tmp_path: Path, rng: random.Random, kind: Kind
) -> None:
    """Every punch arrives once, whatever happened meanwhile."""
    if kind is Kind.CONSUMER and mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    ground = Ground(tmp_path, kind, TERMINALS)
    seen: Counter[str] = Counter()
    began = time.monotonic()
    try:
        ground.open()
        made = 1
        while made < PUNCHES:
            made += storm(ground, rng, seen)
        flowed = time.monotonic() - began
        verdict = ground.settle(60 + PUNCHES / 1000)
        took = time.monotonic() - began
        print(f"{verdict}; {flowed:.0f} s of faults, {took:.0f} s in all")
        print(f"{sum(seen.values())} faults: {dict(seen.most_common())}")
        for process in (ground.site.daemon, ground.site.collector):
            if process.started:
                process.check()
    finally:
        ground.close()


def storm(ground: Ground, rng: random.Random, seen: Counter[str]) -> int:
    """Let one fault or two happen while people punch; return how many did."""
    made = 0
    known = faults()
    chosen = rng.sample(sorted(known), rng.choice([1, 1, 2]))
    if {"broker away", "broker restarts", "tiny queue", "small packets"} >= set(chosen):
        chosen = chosen[:1]  # one broker cannot be two
    if sum(name.startswith(("centre", "gateway")) for name in chosen) > 1:
        chosen = chosen[:1]  # nor one process
    with contextlib.ExitStack() as stack:
        for name in chosen:
            stack.enter_context(known[name](ground, rng))
            seen[name] += 1
        until = time.monotonic() + rng.uniform(0.1, LONGEST_SECONDS)
        while time.monotonic() < until:
            count = rng.randint(1, AT_A_TIME)
            if ground.waiting() < WAITING:
                ground.punch(count, rng)
                made += count
            time.sleep(rng.uniform(0.01, 0.2))  # the pace of people
    return made
