"""Polls leave nothing behind: counted in objects, which no allocator hides."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.poller_memory import POLLS

REPO = Path(__file__).parents[2]
# What comes and goes with the collector's rounds; one object a poll is four times that.
SLACK = 400


@pytest.mark.parametrize("way", ["looks", "tails", "failures"])
def test_a_poll_keeps_nothing(way: str) -> None:
    """A new session each time: a look at the counter, a tail read, or a failure."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.gateway.poller_memory", way],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=True,
    )
    left = int(done.stdout)
    print(f"{left} blocks left by {POLLS} polls")
    assert left < SLACK
