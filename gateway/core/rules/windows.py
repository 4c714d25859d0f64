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
    opened = [
        _opens(sessions[index - 1] if index else None, session)
        for index, session in enumerate(sessions)
    ]
    closed = [
        _closes(session, sessions[index], opened[index])
        for index, session in enumerate(sessions[:-1], 1)
    ]
    if sessions:
        closed.append(_night(sessions[-1]))
    return list(zip(opened, closed, strict=True))


def _opens(before: Stretch | None, session: Stretch) -> int:
    earliest = session.start - session.terms.opens_before
    return max(earliest, _middle(before, session)) if before else earliest


def _closes(session: Stretch, following: Stretch, opens: int) -> int:
    """Return where a window ends, given the next session and where its window opens."""
    if session.date == following.date:
        return _middle(session, following)
    return min(opens, _night(session))


def _middle(before: Stretch, session: Stretch) -> int:
    # Half a second belongs to neither; the later session begins with a whole one.
    return (before.end + session.start + 1) // 2


def _night(session: Stretch) -> int:
    """Return the first end of a day that lies long enough behind a session."""
    earliest = session.end + session.terms.closes_after
    return earliest + (session.terms.night - earliest) % DAY_SECONDS
