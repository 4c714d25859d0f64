"""S0-T19-5: off-post (脱岗), late or early by more than the limit.

Exactly the limit is not more. Whether times of one session or day are added up before
the limit is asked is a setting; by itself each event stands alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.core.policy.kinds import FindingKind


@dataclass(frozen=True, slots=True)
class Missed:
    """Owed time missed at an end of a session, and the punch that shows it."""

    kind: FindingKind
    session: int
    seconds: int
    punches: tuple[str, ...]
    at_end: bool = False


def graded(missed: Missed, limit: int | None) -> Missed:
    """Return what a missed time is by its length."""
    if limit is None or missed.seconds <= limit:
        return missed
    return replace(missed, kind=FindingKind.OFF_POST)


def added(events: Sequence[Missed], limit: int | None) -> list[Missed]:
    """Return events as one off-post when together they are longer than the limit."""
    seconds = sum(event.seconds for event in events)
    if limit is None or seconds <= limit:
        return list(events)
    punches = tuple(punch for event in events for punch in event.punches)
    return [Missed(FindingKind.OFF_POST, events[0].session, seconds, punches)]
