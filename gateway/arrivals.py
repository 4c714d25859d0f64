"""Whom punches concern that came just now: kept small, however many they are."""

from bisect import insort
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from gateway.clocks import Clocks
from gateway.core.moments import day_of
from gateway.core.values import NotJudged

_BEFORE, _AFTER = timedelta(days=2), timedelta(days=1)
_MINUTE_LENGTH, _DAY_LENGTH = len("2026-11-02T08:31"), len("2026-11-02")
_LAST_SECOND = 59
Place = tuple[str, str, str, str]
"""Terminal, serial, zone and device time of a punch."""
Stranger = tuple[str, str, str, str]
"""Terminal, serial, zone and minute of a punch with a badge nobody has."""


class Came:
    """Punches by person and device day, strangers by terminal and minute."""

    def __init__(self) -> None:
        self.strange: set[Stranger] = set()
        self._days: dict[tuple[str, str, str, str], str] = {}

    def __bool__(self) -> bool:
        return bool(self.strange or self._days)

    def note(
        self, person: str | None, reason: str | None, place: Place, received: str
    ) -> None:
        """Note a punch; one with an implausible time concerns nobody."""
        terminal, serial, zone, at = place
        if reason == NotJudged.UNKNOWN_BADGE:
            self.strange.add((terminal, serial, zone, at[:_MINUTE_LENGTH]))
        elif reason is None and person is not None:
            self._days[person, serial, zone, at[:_DAY_LENGTH]] = received

    def concerned(self, clocks: Clocks) -> Iterator[tuple[str, date, date]]:
        """Yield people and the duty dates whose verdicts may change, inclusive."""
        for (person, serial, zone, day), received in self._days.items():
            row = {"serial": serial, "zone": zone, "at": f"{day}T12:00:00"}
            times = clocks.times({**row, "received_at": received})
            yield person, day_of(min(times)) - _BEFORE, day_of(max(times)) + _AFTER


class Strangers:
    """When badges punched that nobody has; `moments` by terminal, in order.

    A minute stands for all its seconds, by its first and its last.
    """

    def __init__(self) -> None:
        self.moments: dict[str, list[int]] = {}
        self._known: set[Stranger] = set()

    def add(
        self, strange: Iterable[Stranger], clocks: Clocks
    ) -> set[tuple[date, date]]:
        """Note strangers; return the dates that new ones concern."""
        days = set()
        for one in strange:
            if one in self._known:
                continue
            self._known.add(one)
            terminal, serial, zone, minute = one
            for at in clocks.possible(serial, zone, f"{minute}:00"):
                found = self.moments.setdefault(terminal, [])
                insort(found, at)
                insort(found, at + _LAST_SECOND)
                days.add((day_of(at) - _BEFORE, day_of(at) + _AFTER))
        return days
