"""The story of the demo: a Monday morning, and who comes when.

Seconds are those of whoever watches; a second of theirs is a minute of the story.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from gateway.cli.demo_site import DemoPerson

START = datetime(2026, 11, 2, 8, 20, tzinfo=timezone(timedelta(hours=8)))
SPEED = 60.0
_IN_TIME = 9.0  # 08:29
_LATE = {6: 667 / SPEED, 13: 800 / SPEED}
"""Place in the crew → when: 08:31:07 and 08:33:20."""
_PUNCHES_A_SECOND = 5


def arrivals(
    crew: Sequence[DemoPerson], start: float, end: float, rng: random.Random
) -> list[tuple[float, DemoPerson]]:
    """Return who punches when: all in time but two, and half of them once more.

    Nobody punches before `start` or behind `end`; of a big crew only the first come.
    """
    due = max(min(_IN_TIME, end), start)
    here = crew[: max(1, int((due - start) * _PUNCHES_A_SECOND))]
    found = [
        (_LATE.get(place, rng.uniform(start, due)), person)
        for place, person in enumerate(here)
    ]
    again = rng.sample(here, len(here) // 2)
    found += [(rng.uniform(start, end), person) for person in again]
    return [(at, person) for at, person in found if start <= at <= end]
