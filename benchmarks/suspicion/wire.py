"""From bodies to events: drifting clocks, breaks, late uploads, repeats, counters.

The detector gets only what a gateway would have: events and a book. The truth stays
with the scorer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from benchmarks.suspicion.cast import (
    BRANCH,
    DAY,
    START,
    TERMINALS,
    TRAVEL_MINUTES,
    Site,
    cast,
)
from benchmarks.suspicion.life import Life, Record
from benchmarks.suspicion.plant import REMOVED, Plant, Planter, Tampering
from gateway.core.suspicion.events import Count, Event, Link, Operation, Punch
from gateway.core.suspicion.values import Leave, Sessions, day_number
from gateway.core.values import VerifyMode

WALL = day_number(START) * DAY
ZONE = 8 * 3_600


class SiteView:
    """The book of a simulated site: what people wrote down, not what they did."""

    def __init__(self, site: Site) -> None:
        self._workers = site.workers
        self._by_badge = {one.badge: one.id for one in site.workers.values()}
        self._leave = {
            one.id: tuple(
                Leave(
                    WALL + int(away.start),
                    WALL + int(away.end),
                    WALL + int(away.approved),
                )
                for away in one.leave
            )
            for one in site.workers.values()
        }

    def person_of(self, _terminal: str, badge: str, _day: date) -> str | None:
        """Return whose badge it is."""
        return self._by_badge.get(badge)

    def zone(self, _terminal: str) -> str:
        """Return the one zone there is."""
        return "Asia/Shanghai"

    def site_of(self, terminal: str) -> str:
        """Return the site of a terminal."""
        return "branch" if terminal == BRANCH else "hq"

    def travel_minutes(self, _one: str, _other: str) -> float | None:
        """Return the way between the two sites."""
        return TRAVEL_MINUTES

    def sessions(self, person: str, day: date) -> Sessions | None:
        """Return what is owed on a day."""
        return self._workers[person].sessions((day - START).days)

    def leave(self, person: str) -> Sequence[Leave]:
        """Return the leave on record."""
        return self._leave[person]

    def employed_from(self, person: str) -> date | None:
        """Return the day of hire."""
        hired = self._workers[person].hired
        return START + timedelta(days=hired) if hired else date(2025, 1, 1)

    def outages(self, _terminal: str) -> Sequence[tuple[int, int]]:
        """Return no outages: nobody entered any."""
        return ()


@dataclass
class Month:
    """What the detector gets, and what only the scorer may see."""

    book: SiteView
    events: list[Event]
    plants: list[Plant]
    site: Site


def simulate(  # noqa: PLR0913 - the knobs of a run, all named by their callers
    seed: int,
    *,
    people: int = 200,
    days: int = 60,
    grouped: float = 0.3,
    planted: int = 0,
    terminals: int = 3,
    removed: tuple[float, float] = REMOVED,
) -> Month:
    """Return a site's events and its truth; the same for the same arguments."""
    site = cast(seed, people, days, grouped, terminals)
    planter = Planter(site, removed)
    planter.plant(planted)
    records = list(Life(site, planter.scripts).records())
    events = list(Wire(site, planter.tampering, planter.plants).events(records))
    return Month(SiteView(site), events, planter.plants, site)


class Wire:
    """Turns records into the events a gateway writes down."""

    def __init__(self, site: Site, tampering: Tampering, plants: list[Plant]) -> None:
        self.site = site
        self.tampering = tampering
        self.plants = plants
        self.rng = Random(site.seed * 13 + 5)
        self.drift = {name: self.rng.uniform(-2.5, 2.5) for name in TERMINALS}
        self.breaks = {name: self._breaks(name) for name in TERMINALS}

    def events(self, records: list[Record]) -> list[Event]:
        """Return every event, with a few delivered twice."""
        found: list[Event] = []
        for terminal in TERMINALS:
            mine = [one for one in records if one.terminal == terminal]
            mine = self._removed(terminal, sorted(mine, key=lambda one: one.time))
            if mine:
                found += self._punches(terminal, mine)
                found += self._links(terminal)
                found += self._counts(terminal, mine)
        found += self._operations()
        again = [
            one._replace(received=one.received + self.rng.randrange(0, 4_000))
            for one in found
            if isinstance(one, Punch) and self.rng.random() < 0.01
        ]
        return found + again

    def _breaks(self, terminal: str) -> list[tuple[float, float]]:
        rng = self.rng
        found = []
        at = rng.expovariate(1 / 18) * DAY
        while at < self.site.days * DAY:
            found.append((at, at + rng.uniform(300, 9_000)))
            at += 20_000 + rng.expovariate(1 / 18) * DAY
        for place, day, _ in self.tampering.removed_before:
            if place == terminal:
                found.append((day * DAY + 27_000.0, day * DAY + 34_000.0))
        merged: list[tuple[float, float]] = []
        for start, end in sorted(found):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged

    def _shown(self, terminal: str, time: float) -> int:
        """Return what the terminal's clock shows: drift, set right every week."""
        shown = time + self.drift[terminal] * (time % (7 * DAY)) / DAY
        for place, start, end, shift, _ in self.tampering.clocks:
            if place == terminal and start <= time < end:
                shown -= shift
        return WALL + int(shown)

    def _received(self, terminal: str, time: float) -> int:
        rng = self.rng
        arrived = time + rng.uniform(0.2, 3.0)
        if rng.random() < 0.01:
            arrived += rng.uniform(5, 90)  # tried again
        for start, end in self.breaks[terminal]:
            if start <= arrived < end:
                arrived = end + rng.uniform(1, 4) + (time - start) / 400
        return WALL - ZONE + int(arrived)

    def _removed(self, terminal: str, records: list[Record]) -> list[Record]:
        """Take away the arrivals that were removed before anybody read them."""
        for place, day, share in self.tampering.removed_before:
            if place != terminal:
                continue
            later = {one.who for one in records if one.day == day and one.slot > 0}
            arrived = [
                one.who
                for one in records
                if one.day == day and one.slot == 0 and one.who in later
            ]
            gone = set(self.rng.sample(arrived, round(share * len(arrived))))
            records = [
                one
                for one in records
                if not (one.day == day and one.slot == 0 and one.who in gone)
            ]
        return records

    def _punches(self, terminal: str, records: list[Record]) -> list[Punch]:
        found = []
        for seq, one in enumerate(records):
            name = f"{self.site.seed}-{terminal}-{seq}"
            found.append(
                Punch(
                    name,
                    terminal,
                    seq,
                    self.site.workers[one.who].badge,
                    self._shown(terminal, one.time),
                    self._received(terminal, one.time),
                    VerifyMode(one.verify),
                    None,
                )
            )
            if one.plant >= 0:
                self.plants[one.plant].events.append(name)
        return found

    def _links(self, terminal: str) -> list[Link]:
        found = []
        for start, end in self.breaks[terminal]:
            down = start + self.rng.uniform(0, 30)
            found.append(Link(terminal, WALL - ZONE + int(down), up=False))
            found.append(Link(terminal, WALL - ZONE + int(end), up=True))
        return found

    def _counts(self, terminal: str, records: list[Record]) -> list[Count]:
        found = []
        held = self.rng.randrange(500, 30_000)
        times = [one.time for one in records]
        index = 0
        for hour in range(6, self.site.days * 24):
            time = hour * 3_600 + self.rng.uniform(0, 300)
            while index < len(times) and times[index] <= time:
                index += 1
            if any(start <= time < end for start, end in self.breaks[terminal]):
                continue
            gone = sum(
                count
                for place, when, count in self.tampering.removed_after
                if place == terminal and when <= time
            )
            wrong = self.rng.randrange(1, 6) if self.rng.random() < 0.0005 else 0
            records_now = held + index - gone - wrong
            found.append(Count(terminal, WALL - ZONE + int(time), records_now))
        return found

    def _operations(self) -> list[Operation]:
        rng = self.rng
        rows = list(self.tampering.operations)
        for worker in self.site.workers.values():
            place = max(worker.terminals, key=worker.terminals.__getitem__)
            for day, code in worker.reenrolled:
                rows.append(
                    (place, day * DAY + rng.uniform(32_000, 60_000), code, worker.badge)
                )
            if worker.hired:
                rows.append((place, worker.hired * DAY + 29_000.0, 6, worker.badge))
        for place, start, end, _, logged in self.tampering.clocks:
            if logged:
                rows += [(place, start, 21, ""), (place, end, 21, "")]
        rows += [
            (place, week * 7 * DAY, 21, "")
            for week in range(1, self.site.days // 7 + 1)
            for place in TERMINALS
        ]
        return [
            Operation(
                place,
                seq,
                self._shown(place, time),
                self._received(place, time),
                code,
                "9999",
                target,
            )
            for seq, (place, time, code, target) in enumerate(sorted(rows))
        ]


class Campus(SiteView):
    """Many sites as one: terminals and people carry the number of their part."""

    def __init__(self, parts: list[SiteView]) -> None:
        self._parts = parts

    def _part(self, name: str) -> tuple[SiteView, str]:
        number, _, rest = name.partition(":")
        return self._parts[int(number)], rest

    def person_of(self, terminal: str, badge: str, day: date) -> str | None:
        """Return whose badge it is."""
        part, rest = self._part(badge)
        found = part.person_of(terminal, rest, day)
        return None if found is None else f"{badge.partition(':')[0]}:{found}"

    def site_of(self, terminal: str) -> str:
        """Return the site of a terminal."""
        part, rest = self._part(terminal)
        return f"{terminal.partition(':')[0]}:{part.site_of(rest)}"

    def sessions(self, person: str, day: date) -> Sessions | None:
        """Return what is owed on a day."""
        part, rest = self._part(person)
        return part.sessions(rest, day)

    def leave(self, person: str) -> Sequence[Leave]:
        """Return the leave on record."""
        part, rest = self._part(person)
        return part.leave(rest)

    def employed_from(self, person: str) -> date | None:
        """Return the day of hire."""
        part, rest = self._part(person)
        return part.employed_from(rest)


def campus(first: int, parts: int) -> Month:
    """Return `parts` planted sites of 200 people as one, three terminals each."""
    months = [simulate(first + number, planted=1) for number in range(parts)]
    events: list[Event] = []
    plants: list[Plant] = []
    for number, month in enumerate(months):
        events += [_renamed(one, number) for one in month.events]
        for plant in month.plants:
            plant.subjects = [f"{number}:{name}" for name in plant.subjects]
            plant.neighbours = [f"{number}:{name}" for name in plant.neighbours]
            plant.terminal = f"{number}:{plant.terminal}"
            plants.append(plant)
    return Month(Campus([one.book for one in months]), events, plants, months[0].site)


def _renamed(one: Event, number: int) -> Event:
    terminal = f"{number}:{one.terminal}"
    if isinstance(one, Punch):
        return one._replace(terminal=terminal, badge=f"{number}:{one.badge}")
    if isinstance(one, Operation):
        return one._replace(terminal=terminal, target=f"{number}:{one.target}")
    if isinstance(one, Count):
        return one._replace(terminal=terminal)
    return one._replace(terminal=terminal)
