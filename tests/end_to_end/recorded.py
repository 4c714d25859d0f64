"""What virtual terminals recorded and gave away, kept outside the product."""

import contextlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from functools import cache, lru_cache

from drivers.base import RawPunch
from tests.end_to_end.fleet import Fleet
from tests.end_to_end.processes import Site, punch_id

_ids = lru_cache(maxsize=None)(punch_id)


class Recorded:
    """Ids by terminal: `ever` what it recorded, `now` what its log holds.

    `fetched` is what a client asked for, got, and was done with: that is no longer the
    terminal's to keep.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        count = len(fleet.terminals)
        self.ever: list[set[str]] = [set() for _ in range(count)]
        self.now: list[set[str]] = [set() for _ in range(count)]
        self.fetched: list[set[str]] = [set() for _ in range(count)]
        for number in range(count):
            self.look(number)

    def look(self, number: int) -> None:
        """See what a terminal holds and gave away."""
        terminal = self._fleet.terminals[number]
        held, given = self._fleet.ask(lambda: (terminal.records, terminal.fetched))
        self.now[number] = _readable(terminal.config.serial, held)
        self.fetched[number] = _readable(terminal.config.serial, given)
        self.ever[number] |= self.now[number] | self.fetched[number]


def _readable(serial: str, records: Iterable[RawPunch]) -> set[str]:
    return {_ids(serial, one.badge, one.at) for one in records if _exists(one.at)}


@cache
def _exists(at: str) -> bool:
    try:
        datetime.fromisoformat(at)
    except ValueError:
        return False
    return True


def centre(site: Site) -> dict[str, list[str]]:
    """Return the ids at the centre by serial."""
    found: dict[str, list[str]] = {}
    if not site.centre.exists():
        return found
    with (
        closing(sqlite3.connect(site.centre)) as conn,
        contextlib.suppress(sqlite3.OperationalError),  # no tables yet
    ):
        for serial, one in conn.execute("SELECT serial, id FROM punches"):
            found.setdefault(serial, []).append(one)
    return found
