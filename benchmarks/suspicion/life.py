"""The days of a simulated site: bodies before terminals, in real seconds.

Buses come in waves, lifts let out handfuls, groups walk in together but not always in
order; a terminal serves one body after the other and a body takes its time. Records are
what the terminal writes when a body is done.
"""

import heapq
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from benchmarks.suspicion.cast import (
    BRANCH,
    DAY,
    HQ,
    Group,
    Site,
    Worker,
    pick,
    working,
)


@dataclass
class Feed:
    """B shall use A's identity beside an own punch; plant -1 is nobody's plan."""

    identity: str
    plant: int
    verify: str


@dataclass
class Script:
    """What planted people do on one day instead of living as usual."""

    feeds: dict[tuple[str, int], list[Feed]] = field(default_factory=dict)
    skips: set[tuple[str, int]] = field(default_factory=set)
    visits: list["Visit"] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    late: dict[tuple[str, int], float] = field(default_factory=dict)


@dataclass(order=True)
class Visit:
    """A body walks up to a terminal."""

    time: float
    order: float
    terminal: str
    who: str
    weak: bool
    slot: int = -1
    day: int = 0
    plant: int = -1
    feeds: list[Feed] = field(default_factory=list)


@dataclass
class Record:
    """What a terminal wrote, with the truth beside it."""

    time: float
    terminal: str
    who: str
    verify: str
    day: int
    slot: int
    plant: int
    maker: str


class Life:
    """Lives the days of a site, one after the other."""

    def __init__(self, site: Site, scripts: dict[int, Script]) -> None:
        self.site = site
        self.rng = site.rng
        self.scripts = scripts
        self.buses: dict[str, list[float]] = {}

    def records(self) -> Iterator[Record]:
        """Yield everything the terminals wrote, in no particular order."""
        visits: dict[str, list[Visit]] = {}
        for day in range(self.site.days):
            for visit in self._day(day):
                visits.setdefault(visit.terminal, []).append(visit)
        for terminal in sorted(visits):
            yield from self._serve(visits[terminal])

    def _day(self, day: int) -> Iterator[Visit]:
        script = self.scripts.get(day, Script())
        rng = self.rng
        here = {
            worker.id: worker
            for worker in working(list(self.site.workers.values()), day)
            if rng.random() > 0.015 or any(worker.id == key[0] for key in script.feeds)
        }
        places = {
            name: script.places.get(name) or pick(rng, worker.terminals)
            for name, worker in here.items()
        }
        wave = {place: self._waves(day) for place in (*HQ, BRANCH)}
        times = {
            (name, slot): self._time(worker, day, slot, wave[places[name]])
            for name, worker in here.items()
            for slot in range(2 * len(worker.sessions(day)))
        }
        skipped: set[tuple[str, int]] = set()
        for group in self.site.groups:
            if day >= group.since:
                self._together(group, here, places, times, skipped)
        yield from script.visits
        yield from self._drop_ins(day)
        for (name, slot), time in times.items():
            if (name, slot) in script.skips:
                continue
            forced = (name, slot) in script.feeds
            if not forced and self._stays_away(here[name], day, slot, skipped):
                continue
            yield self._visit(here[name], day, slot, time, places[name], script)
        for (name, slot), time in script.late.items():
            if name in here:
                visit = self._visit(here[name], day, slot, time, places[name], Script())
                visit.weak = False
                yield visit

    def _visit(  # noqa: PLR0913, PLR0917 - a body, a moment and a place
        self,
        worker: Worker,
        day: int,
        slot: int,
        time: float,
        place: str,
        script: Script,
    ) -> Visit:
        weak = self.rng.random() < worker.chance_of_card(day, self.rng)
        for terminal, start, end in self.site.dirty:
            if terminal == place and start <= time < end:
                weak = weak or self.rng.random() < 0.55
        feeds = script.feeds.get((worker.id, slot), [])
        order = self.rng.random()
        return Visit(time, order, place, worker.id, weak, slot, day, -1, list(feeds))

    def _stays_away(
        self,
        worker: Worker,
        day: int,
        slot: int,
        skipped: set[tuple[str, int]],
    ) -> bool:
        rng = self.rng
        bound = day * DAY + worker.sessions(day)[slot // 2][slot % 2]
        on_leave = worker.away(bound + (60 if slot % 2 == 0 else -60))
        if on_leave or (worker.id, slot) in skipped:
            return True
        last = 2 * len(worker.sessions(day)) - 1
        if 0 < slot < last and day >= worker.late_change:
            return rng.random() < 0.9  # a new habit: no more punches at noon
        if 0 < slot < last and rng.random() > worker.lunch:
            return True
        chance = worker.forgets
        if any(one.first <= day <= one.last for one in worker.troubles):
            chance += 0.05
        return rng.random() < chance

    def _waves(self, day: int) -> list[float]:
        """Return when buses and lifts let people out this morning."""
        rng = self.rng
        buses = [day * DAY + at + rng.gauss(0, 150) for at in (28_500, 29_400, 30_180)]
        return sorted(buses)

    def _time(self, worker: Worker, day: int, slot: int, waves: list[float]) -> float:
        rng = self.rng
        sessions = worker.sessions(day)
        bound = day * DAY + sessions[slot // 2][slot % 2]
        if slot % 2:
            last = slot + 1 == 2 * len(sessions)
            linger = worker.linger if last else min(400.0, worker.linger)
            return bound + rng.expovariate(1 / linger)
        if slot == 0 and worker.transport == "bus" and worker.shift == "office":
            wave = min(waves, key=lambda at: abs(at - (bound - worker.lead)))
            return wave + 20 + rng.expovariate(1 / 45)
        time = bound - (worker.lead if not slot else 300) + rng.gauss(0, worker.spread)
        if rng.random() < 0.03:
            time = bound + rng.expovariate(1 / 900)  # late, as happens
        if worker.transport == "lift":
            time = time // 40 * 40 + rng.expovariate(1 / 6)
        return time

    def _together(
        self,
        group: Group,
        here: dict[str, Worker],
        places: dict[str, str],
        times: dict[tuple[str, int], float],
        skipped: set[tuple[str, int]],
    ) -> None:
        """Let a group move as one where it does today."""
        rng = self.rng
        for slot in range(4):
            chance = (group.come, group.eat, group.eat, group.go)[slot]
            members = [name for name in group.members if (name, slot) in times]
            members = [name for name in members if rng.random() < 0.93]
            if len(members) < 2 or rng.random() > chance:
                continue
            leader = rng.choice(members)
            time, place = times[leader, slot], places[leader]
            rng.shuffle(members)
            common = rng.random() < 0.01  # they leave, or forget, together
            for step, name in enumerate(members):
                if here[name].shift != here[leader].shift:
                    continue
                times[name, slot] = time + step * rng.uniform(0.3, 3.0)
                places[name] = place
                if common:
                    skipped.add((name, slot))

    def _drop_ins(self, day: int) -> Iterator[Visit]:
        """Let people on leave fetch something, or come although leave is on paper."""
        rng = self.rng
        for worker in self.site.workers.values():
            for one in worker.leave:
                if one.start <= day * DAY + 43_000 < one.end and rng.random() < 0.05:
                    place = pick(rng, worker.terminals)
                    time = day * DAY + rng.choice(
                        (30_300, 36_000, 43_500, 57_000, 63_100)
                    )
                    weak = rng.random() < max(0.02, worker.weak)
                    when = time + rng.gauss(0, 500)
                    yield Visit(when, 0.5, place, worker.id, weak, -1, day)

    def _serve(self, visits: list[Visit]) -> Iterator[Record]:
        """Serve bodies one after the other; the impatient overtake nobody."""
        rng = self.rng
        heapq.heapify(visits)
        free = 0.0
        while visits:
            visit = heapq.heappop(visits)
            worker = self.site.workers[visit.who]
            start = max(free, visit.time)
            weak = visit.weak
            took = rng.uniform(0.7, 1.6) if weak else rng.uniform(0.9, 2.4)
            if not weak and rng.random() < 0.05:
                took += rng.uniform(1.5, 5.0)  # the finger is put down again
            done = start + took
            verify = worker.weak_kind if weak else _strong(visit.terminal)
            yield Record(
                done,
                visit.terminal,
                visit.who,
                verify,
                visit.day,
                visit.slot,
                visit.plant,
                visit.who,
            )
            if rng.random() < 0.015:  # «did it take it?»
                done += rng.uniform(1.0, 20.0)
                yield Record(
                    done,
                    visit.terminal,
                    visit.who,
                    verify,
                    visit.day,
                    visit.slot,
                    -1,
                    visit.who,
                )
            free = (yield from self._feed(visit, done)) + rng.uniform(0.3, 1.8)

    def _feed(self, visit: Visit, done: float) -> Generator[Record, None, float]:
        """Let a body use other people's identities right after its own."""
        for feed in visit.feeds:
            slow = self.rng.random() < 0.06
            done += self.rng.uniform(4, 8) if slow else max(0.8, self.rng.gauss(2, 0.7))
            yield Record(
                done,
                visit.terminal,
                feed.identity,
                feed.verify,
                visit.day,
                visit.slot,
                feed.plant,
                visit.who,
            )
        return done


def _strong(terminal: str) -> str:
    return "face" if terminal == "side" else "finger"
