"""The wall clock of a process, real or of a story.

Every process of a demo gets the same story: a start in the story, a speed, and the real
moment at which it began, so that all of them agree without talking. Timers never use
this clock; they use the monotonic one.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

Now = Callable[[], datetime]


def real_now() -> datetime:
    """Return the present, aware, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Story:
    """A story clock: it stood at `start` when the real clock stood at `began`."""

    start: datetime
    speed: float
    began: float

    @classmethod
    def parse(cls, text: str) -> "Story":
        """Read `2026-11-02T08:20:00+08:00@60@1763690000.5`.

        Raises:
            ValueError: if the text is not start, speed and real epoch seconds.
        """
        start, speed, began = text.split("@")
        moment = datetime.fromisoformat(start)
        if moment.tzinfo is None:
            raise ValueError(f"the story start {start!r} needs an offset like +08:00")
        return cls(moment, float(speed), float(began))

    def __str__(self) -> str:
        speed = repr(self.speed).removesuffix(".0")
        return f"{self.start.isoformat()}@{speed}@{self.began!r}"

    def now(self) -> datetime:
        """Return the present of the story, in the zone it was told in."""
        passed = (time.time() - self.began) * self.speed
        return self.start + timedelta(seconds=passed)


@lru_cache(maxsize=64)
def text(moment: datetime) -> str:
    """Write an aware moment as the wire and the journal have it: ISO, milliseconds.

    Thousands of records come at one moment, so the last ones are remembered.
    """
    return moment.isoformat(timespec="milliseconds")


@lru_cache(maxsize=64)
def moment(written: str) -> datetime:
    """Read what `text` wrote."""
    return datetime.fromisoformat(written)
