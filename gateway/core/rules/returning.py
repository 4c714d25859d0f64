"""S0-T19-9: return from leave. Overstay is judged by its length, as lateness is.

What is found here are notices beside that: that a leave was overstayed, and that a
return was not confirmed (未销假).
"""

from collections.abc import Sequence

from gateway.core.rules.leave import Owed, Taken
from gateway.core.rules.spans import clip


def ended_before(start: int, leave: Taken, owed: Sequence[Owed]) -> bool:
    """Say whether leave ended at an owed second, or with no owed time between.

    `start` is the first owed second of a session: who comes late there overstayed.
    """
    end = leave.span[1]
    if not leave.counts or end > start:
        return False
    return not any(clip(due.spans, end, start) for due in owed)
