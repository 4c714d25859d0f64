"""Seeds of the fault tests: those that ever found something are run always.

`PUNCHGATE_SEED=N` runs every test with that one alone, `PUNCHGATE_SEED=new` with one
nobody has tried. A test prints the seed it runs with.
"""

import os
import random

DEFAULT = 20261121
# Test → seeds that found something, with what it was.
KEPT: dict[str, tuple[int, ...]] = {}


def seeds(test: str) -> list[int]:
    """Return the seeds to run a test with."""
    said = os.environ.get("PUNCHGATE_SEED")
    if said == "new":
        return [*KEPT.get(test, ()), random.SystemRandom().randrange(1 << 32)]
    if said:
        return [int(said)]
    return [*KEPT.get(test, ()), DEFAULT]
