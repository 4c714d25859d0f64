"""A book made of plain values, for offline use, tests and benchmarks.

Answers `SiteBook` from rows. It checks nothing: the book proper does that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from gateway.core.suspicion.values import Leave, Sessions

EVERY_DAY = frozenset(range(7))
WORKDAYS = frozenset(range(5))
ANY_TERMINAL = "*"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A badge on a terminal, or on "*", is a person's on inclusive dates."""

    person: str
    badge: str
    terminal: str = ANY_TERMINAL
    since: date = date.min
    until: date = date.max


@dataclass(frozen=True, slots=True)
class Turn:
    """Sessions a person owes on some days of the week (0 = Monday), inclusive dates."""

    sessions: Sessions
    weekdays: frozenset[int] = WORKDAYS
    since: date = date.min
    until: date = date.max


@dataclass(frozen=True, slots=True)
class PlainBook:
    """What suspicion needs to know, as rows by person and by terminal."""

    enrolments: Sequence[Enrolled]
    sites: Mapping[str, str] = field(default_factory=dict)
    zones: Mapping[str, str] = field(default_factory=dict)
    travel: Mapping[frozenset[str], float] = field(default_factory=dict)
    turns: Mapping[str, Sequence[Turn]] = field(default_factory=dict)
    absences: Mapping[str, Sequence[Leave]] = field(default_factory=dict)
    hired: Mapping[str, date] = field(default_factory=dict)
    broken: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)
    timezone: str = "Asia/Shanghai"
    _badges: dict[tuple[str, str], list[Enrolled]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.enrolments:
            self._badges.setdefault((row.terminal, row.badge), []).append(row)

    def person_of(self, terminal: str, badge: str, day: date) -> str | None:
        """Return whose badge it is; a row of this very terminal goes first."""
        for where in (terminal, ANY_TERMINAL):
            for row in self._badges.get((where, badge), ()):
                if row.since <= day <= row.until:
                    return row.person
        return None

    def zone(self, terminal: str) -> str:
        """Return the terminal's zone or the site's."""
        return self.zones.get(terminal, self.timezone)

    def site_of(self, terminal: str) -> str:
        """Return the terminal's site."""
        return self.sites.get(terminal, "")

    def travel_minutes(self, one: str, other: str) -> float | None:
        """Return the way between two sites, whichever way it was written."""
        return self.travel.get(frozenset((one, other)))

    def sessions(self, person: str, day: date) -> Sessions | None:
        """Return the sessions of the first row that covers the day."""
        turns = self.turns.get(person)
        if turns is None:
            return None
        for turn in turns:
            if turn.since <= day <= turn.until and day.weekday() in turn.weekdays:
                return turn.sessions
        return ()

    def leave(self, person: str) -> Sequence[Leave]:
        """Return the approved leave of a person."""
        return self.absences.get(person, ())

    def employed_from(self, person: str) -> date | None:
        """Return the first day of employment, if known."""
        return self.hired.get(person)

    def outages(self, terminal: str) -> Sequence[tuple[int, int]]:
        """Return the outages entered for a terminal."""
        return self.broken.get(terminal, ())
