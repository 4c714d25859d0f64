"""2.0.1 The window of a session: the punches that may be its signs.

A window holds its opening second and not its closing one. Windows of one person never
overlap. Sessions without owed time have none and must not come in here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from gateway.core.moments import DAY_SECONDS, Span


@dataclass(frozen=True, slots=True)
class WindowTerms:
    """The numbers of 2.0.1, in seconds; `night` is the time of day that ends a day."""

    opens_before: int = 2 * 3600
    closes_after: int = 2 * 3600
    night: int = 4 * 3600


class Stretch(Protocol):
    """What a window is made from: a session of a person on a duty date."""

    @property
    def date(self) -> date:
        """The day the duty began."""
        ...

    @property
    def start(self) -> int:
        """Its first second."""
        ...

    @property
    def end(self) -> int:
        """The second behind its last."""
        ...

    @property
    def terms(self) -> WindowTerms:
        """The numbers of the policy it is judged by."""
        ...


def windows(sessions: Sequence[Stretch]) -> list[Span]:
    """Return the window of each session of one person, given in order of time."""
    found: list[Span] = []
    before, opened = None, 0
    for session in sessions:
        opens = session.start - session.terms.opens_before
        if before is not None:
            middle = _middle(before, session)
            opens = max(opens, middle)
            same_day = session.date == before.date
            closes = middle if same_day else min(opens, _night(before))
            found.append((opened, closes))
        before, opened = session, opens
    if before is not None:
        found.append((opened, _night(before)))
    return found


def _middle(before: Stretch, session: Stretch) -> int:
    # Half a second belongs to neither; the later session begins with a whole one.
    return (before.end + session.start + 1) // 2


def _night(session: Stretch) -> int:
    """Return the first end of a day that lies long enough behind a session."""
    earliest = session.end + session.terms.closes_after
    return earliest + (session.terms.night - earliest) % DAY_SECONDS
