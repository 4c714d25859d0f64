"""How long to wait before trying again, and which failures to log."""

import random
from dataclasses import dataclass, field

_LOUD_AT = (1, 10)
_LOUD_EVERY = 100
_MOST_DOUBLINGS = 16


def loud(count: int) -> bool:
    """Say whether the `count`-th failure in a row is logged: 1, 10, 100, 200."""
    return count in _LOUD_AT or (count > 0 and count % _LOUD_EVERY == 0)


@dataclass(slots=True)
class Retry:
    """Exponential back-off with jitter: a fleet must not come back in step.

    `base` and `cap` in seconds; `failures` counts those in a row.
    """

    base: float
    cap: float
    failures: int = 0
    _random: random.Random = field(default_factory=random.SystemRandom)

    def failed(self) -> float:
        """Count a failure; return the seconds to wait, half to all of the step."""
        self.failures += 1
        step = self.base * 2.0 ** min(self.failures - 1, _MOST_DOUBLINGS)
        return min(step, self.cap) * self._random.uniform(0.5, 1.0)

    def succeeded(self) -> None:
        """Begin anew."""
        self.failures = 0
