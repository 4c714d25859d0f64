"""The engine and a second judge, written from the text alone, say the same.

`PUNCHGATE_SEED=N` repeats one month; without it the months start at a fixed seed, with
`PUNCHGATE_SEED=new` at one nobody has tried. A difference is told as a story; sentences
that can be read in two ways stand in `cases.AMBIGUOUS` and are not compared.
"""

import os
import random
from pathlib import Path

import pytest

from tests.oracle.cases import AMBIGUOUS
from tests.oracle.comparison import Outcome, compare
from tests.oracle.generator import make

FIRST = 20261121
PEOPLE = 24
SHOWN = 5


def judged(folder: Path, days: int) -> Outcome:
    """Compare months until so many person-days are judged; one seed alone if said."""
    said = os.environ.get("PUNCHGATE_SEED")
    seed = random.SystemRandom().randrange(1 << 32) if said == "new" else FIRST
    if said and said != "new":
        seed, days = int(said), 1
    outcome = Outcome()
    while outcome.person_days < days:
        outcome.add(compare(make(seed, PEOPLE), folder))
        seed += 1
    print(f"last seed {seed - 1}, {outcome.person_days} person-days")
    print(f"{dict(outcome.states)}, not compared {dict(outcome.doubts)}")
    return outcome


def check(outcome: Outcome) -> None:
    """Fail with the first stories; most of what was judged must have been compared."""
    told = "\n\n".join(outcome.stories[:SHOWN])
    assert not outcome.stories, f"{len(outcome.stories)} differences\n{told}"
    assert set(outcome.doubts) <= set(AMBIGUOUS)
    assert outcome.doubts.total() < outcome.states.total() * 0.12
    assert outcome.with_leave >= outcome.person_days * 0.05


def test_engine_and_text_agree(tmp_path: Path) -> None:
    """The core rule (2.0): engine and oracle agree on some months near the borders."""
    check(judged(tmp_path, 2_000))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_engine_and_text_agree_at_length(tmp_path: Path) -> None:
    """The core rule (2.0): the same on at least 20,000 person-days with leave."""
    check(judged(tmp_path, 20_000))
