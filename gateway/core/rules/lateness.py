"""S0-T19-5 and 6(1): late and early leave, by owed time missed.

Late is the owed time before the IN, early leave the owed time after the OUT. On the
second is on time. What is longer than the limit is off-post: see `off_post`.
"""

from gateway.core.policy.settings import OnTheSecond, Precision, Signs
from gateway.core.rules.spans import Spans, after, before


def late_seconds(owed: Spans, arrival: int, signs: Signs) -> int:
    """Return the owed seconds before an IN; 0 within the grace."""
    at = _exact(arrival, signs)
    if signs.on_the_second is OnTheSecond.LATE:
        at += 1
    return _beyond(before(owed, at), signs)


def early_seconds(owed: Spans, departure: int, signs: Signs) -> int:
    """Return the owed seconds after an OUT; 0 within the grace."""
    at = _exact(departure, signs)
    if signs.on_the_second is OnTheSecond.LATE:
        at -= 1
    return _beyond(after(owed, at), signs)


def _exact(moment: int, signs: Signs) -> int:
    """Return a moment as exactly as the rule takes it; a clock shows full minutes."""
    return moment - moment % 60 if signs.precision is Precision.MINUTE else moment


def _beyond(seconds: int, signs: Signs) -> int:
    """Return 0 within the grace; behind it all counts, from the official time."""
    return seconds if seconds > signs.grace_minutes * 60 else 0
