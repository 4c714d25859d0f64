"""2.0.1, end: two duties of one person with no gap between are one stay.

At the common second one punch near it, or none, closes the first and opens the second:
the only case in which one punch serves two sessions, and the only one in which a sign
may be missing. With two or more punches near it each session has its own.
"""

from collections.abc import Sequence

from gateway.core.moments import Span
from gateway.core.rules.repeats import Chain, Sign, chains


def stay(
    punches: Sequence[Sign], border: int, within: int, repeat: int, both: Span
) -> tuple[bool, Chain | None]:
    """Say whether it is one stay, and the one chain at the border if there is one.

    `punches` are those of both windows in order, `both` the two windows together.
    """
    low, high = max(border - within, both[0]), min(border + within + 1, both[1])
    near = [punch for punch in punches if low <= punch.moment < high]
    found = chains(near, repeat)
    if len(found) > 1:
        return False, None
    return True, found[0] if found else None
