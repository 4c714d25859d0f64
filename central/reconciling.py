"""Comparing what a gateway counted with what is held of it, and answering always.

Day counts wait until everything below them has come. They are found again in the store
after a restart, and count as answered only when a broker took the answer for somebody:
a gateway that is not there is answered when it is born again.
"""

import logging
from dataclasses import dataclass

from central.asking import counts as counts_command
from central.day_counts import Compared, DayCounts, Verdict, compare, read_day_counts
from central.store.comparing import (
    answered,
    counted,
    held,
    keep_verdicts,
    unanswered,
)
from central.store.store import CentralStore
from central.values import Stream
from sync.commands import Command
from sync.link import FAILED, NO_SUBSCRIBER

log = logging.getLogger("punchgate.central")


@dataclass(frozen=True, slots=True)
class Place:
    """Where day counts stand; the mark of their answer."""

    stream: Stream
    seq: int


class Reconciling:
    """The day counts that wait, of one store."""

    def __init__(self, store: CentralStore) -> None:
        self._store = store
        self._below: dict[Stream, set[int]] = {}
        self._ready: dict[Place, None] = {}
        self._out: set[Place] = set()
        self._unheard: set[Place] = set()
        self._said: set[Place] = set()

    @property
    def waits(self) -> bool:
        """Say whether something can be compared now."""
        return bool(self._ready)

    def load(self) -> None:
        """Find again what waits in the store."""
        for stream, seq in unanswered(self._store):
            self.came(stream, seq)
        for stream in list(self._below):
            self.stands(stream, self._store.standing(stream).upto)

    def came(self, stream: Stream, seq: int) -> None:
        """Note day counts; the same may come again."""
        if Place(stream, seq) not in self._unheard | self._out:
            self._below.setdefault(stream, set()).add(seq)

    def stands(self, stream: Stream, upto: int) -> None:
        """Note up to where a stream is complete: what stands below is compared."""
        below = self._below.get(stream, set())
        ready = sorted(seq for seq in below if seq <= upto + 1)
        below.difference_update(ready)
        self._ready |= dict.fromkeys(Place(stream, seq) for seq in ready)
        if not below:
            self._below.pop(stream, None)

    def born(self, site: str, gateway: str) -> None:
        """Answer a gateway anew that was not there."""
        back = {
            place
            for place in self._unheard
            if (place.stream.site, place.stream.gateway) == (site, gateway)
        }
        self._unheard -= back
        self._ready |= dict.fromkeys(sorted(back, key=lambda place: place.seq))

    def lost(self) -> None:
        """Answer anew what no broker answered for."""
        self._ready |= dict.fromkeys(self._out)
        self._out.clear()

    def next(self, at: str) -> tuple[Place, Command] | None:
        """Compare the next day counts, keep the verdicts, return the answer.

        One at a time, so that acknowledgements never wait for more than that. `at` is
        now, ISO with offset. None when nothing waits, or it was answered before.
        """
        place = next(iter(self._ready), None)
        if place is None:
            return None
        del self._ready[place]
        body = counted(self._store, place.stream, place.seq)
        if body is None:
            return None
        found = read_day_counts(body)
        if found is None:
            values = {"site": place.stream.site, "gateway": place.stream.gateway}
            log.error("reconcile unreadable", {**values, "seq": place.seq})
            answered(self._store, place.stream, place.seq, at)
            return None
        compared = self._compare(place, found, at)
        self._out.add(place)
        differ = [c.day_count() for c in compared if c.verdict is not Verdict.ALIKE]
        return place, counts_command(place.stream, found.id, found.serial, differ, at)

    def published(self, place: Place, code: int, at: str) -> None:
        """Take in the broker's word on an answer."""
        self._out.discard(place)
        if code == NO_SUBSCRIBER or code >= FAILED:
            self._unheard.add(place)
            return
        self._said.discard(place)
        answered(self._store, place.stream, place.seq, at)

    def _compare(self, place: Place, found: DayCounts, at: str) -> list[Compared]:
        stream = place.stream
        ids = held(self._store, stream, place.seq, found)
        compared = compare(found.days, ids)
        keep_verdicts(self._store, stream, found, compared, at)
        if place not in self._said:
            self._said.add(place)
            _log(stream, found, compared)
        return compared


def _log(stream: Stream, found: DayCounts, compared: list[Compared]) -> None:
    differ = [item for item in compared if item.verdict is not Verdict.ALIKE]
    whose = {"site": stream.site, "gateway": stream.gateway, "terminal": found.terminal}
    for item in differ:
        values = {"day": item.day, "there": item.there.count, "here": item.here.count}
        log.error("reconcile differs", {**whose, **values, "verdict": item.verdict})
    days = {"days": len(compared), "differ": len(differ), "round": found.round}
    log.info("reconciled", {**whose, **days})
