"""Who works at a simulated site: habits, ways to work, friends, trouble, leave.

Made without looking at the detector. Where it shares an assumption with it all the
same, docs/suspicion.md says so. Everything comes from one seeded generator.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random

START = date(2026, 3, 2)  # a Monday; no public holiday is simulated
DAY = 86_400
HQ = ("lobby", "side")
BRANCH = "branch"
TERMINALS = (*HQ, BRANCH)
TRAVEL_MINUTES = 25
OFFICE = ((30_600, 43_200), (52_200, 63_000))
NINE_SIX = ((32_400, 64_800),)
WATCH_DAY = ((28_800, 72_000),)
WATCH_NIGHT = ((72_000, 115_200),)


@dataclass
class Trouble:
    """A cut or wet finger: from a day to a day, with the chance of a card."""

    first: int
    last: int
    chance: float


@dataclass
class Absence:
    """Leave in wall seconds since START, and when it was approved."""

    start: float
    end: float
    approved: float


@dataclass
class Worker:
    """One invented person."""

    id: str
    badge: str
    shift: str
    terminals: dict[str, float]
    transport: str
    lead: float
    spread: float
    linger: float
    weak: float
    weak_kind: str
    forgets: float
    lunch: float
    hired: int = 0
    group: int = -1
    late_change: int = 10**6
    troubles: list[Trouble] = field(default_factory=list)
    leave: list[Absence] = field(default_factory=list)
    reenrolled: list[tuple[int, int]] = field(default_factory=list)

    def chance_of_card(self, day: int, rng: Random) -> float:
        """Return the chance of a weak credential today."""
        found = self.weak
        for one in self.troubles:
            if one.first <= day <= one.last:
                found = max(found, one.chance * rng.uniform(0.6, 1.0))
        return found

    def away(self, second: float) -> bool:
        """Say whether approved leave covers a moment."""
        return any(one.start <= second < one.end for one in self.leave)

    def sessions(self, day: int) -> tuple[tuple[int, int], ...]:
        """Return what the person owes on a day."""
        if self.shift == "watch":
            turn = (day + int(self.badge)) % 4
            return (WATCH_DAY, WATCH_NIGHT, (), ())[turn]
        if day % 7 > 4:
            return ()
        return OFFICE if self.shift == "office" else NINE_SIX


@dataclass
class Group:
    """People who really come, eat and go together, some days more than others."""

    members: list[str]
    come: float
    eat: float
    go: float
    since: int


@dataclass
class Site:
    """A site before its days are lived."""

    seed: int
    days: int
    workers: dict[str, Worker]
    groups: list[Group]
    dirty: list[tuple[str, float, float]]
    rng: Random


def cast(seed: int, people: int, days: int, grouped: float, terminals: int = 3) -> Site:
    """Return a site of invented people; `grouped` is the share with friends."""
    rng = Random(seed)
    names = [f"p{number:04}" for number in range(people)]
    workers = {
        name: _worker(name, number, rng, terminals) for number, name in enumerate(names)
    }
    site = Site(seed, days, workers, [], [], rng)
    _befriend(site, grouped)
    for worker in workers.values():
        _fate(worker, days, rng)
    for _ in range(max(1, days // 25)):
        start = rng.randrange(days) * DAY + rng.uniform(27_000, 61_000)
        where = rng.choice(TERMINALS[:terminals])
        site.dirty.append((where, start, start + rng.uniform(1_500, 9_000)))
    return site


def _worker(name: str, number: int, rng: Random, terminals: int) -> Worker:
    where = rng.random()
    if terminals == 1:
        places = {"lobby": 1.0}
    elif where < 0.15:
        places = {BRANCH: 1.0}
    elif where < 0.4:
        places = {"side": rng.uniform(0.6, 1.0), "lobby": rng.uniform(0.0, 0.4)}
    else:
        places = {"lobby": rng.uniform(0.7, 1.0), "side": rng.uniform(0.0, 0.3)}
    kind = rng.random()
    if kind < 0.84:
        weak = min(0.06, rng.lognormvariate(-5.0, 1.0))
    elif kind < 0.92:
        weak = rng.uniform(0.1, 0.6)
    else:
        weak = rng.uniform(0.85, 1.0)
    shift = rng.choices(("office", "nine-six", "watch"), (0.7, 0.22, 0.08))[0]
    return Worker(
        name,
        f"{number + 1:04}",
        shift,
        places,
        rng.choices(("bus", "lift", "own"), (0.3, 0.3, 0.4))[0],
        lead=rng.gauss(720, 420),
        spread=rng.uniform(90, 600),
        linger=rng.expovariate(1 / 700) + 20,
        weak=weak,
        weak_kind=rng.choices(("card", "password"), (0.8, 0.2))[0],
        forgets=rng.betavariate(1.2, 80),
        lunch=rng.choices((0.985, 0.6, 0.1), (0.76, 0.1, 0.14))[0],
    )


def _befriend(site: Site, share: float) -> None:
    """Put a share of the staff into groups of two to four who go about together."""
    rng = site.rng
    free = list(site.workers)
    rng.shuffle(free)
    wanted = round(share * len(free))
    while wanted > 1 and len(free) > 1:
        leader = free.pop()
        mates = [
            name
            for name in free[-60:]
            if site.workers[name].shift == site.workers[leader].shift
        ][: rng.choices((1, 2, 3), (0.6, 0.25, 0.15))[0]]
        if not mates:
            continue
        for name in mates:
            free.remove(name)
            site.workers[name].terminals = site.workers[leader].terminals
            if site.workers[leader].shift == "watch":
                base = int(site.workers[leader].badge) % 4
                number = int(site.workers[name].badge)
                site.workers[name].badge = f"{9000 + number * 4 + base:05}"
        members = [leader, *mates]
        for name in members:
            site.workers[name].group = len(site.groups)
        site.groups.append(
            Group(
                members,
                rng.uniform(0.4, 0.97),
                rng.uniform(0.1, 0.95),
                rng.uniform(0.1, 0.95),
                rng.randrange(site.days) if rng.random() < 0.15 else 0,
            )
        )
        wanted -= len(members)


def _fate(worker: Worker, days: int, rng: Random) -> None:
    """Give a person what life holds: trouble, leave, a new card, a new habit."""
    if rng.random() < 0.02:
        worker.hired = rng.randrange(days)
    for _ in range(rng.choices((0, 1, 2), (0.72, 0.23, 0.05))[0]):
        first = rng.randrange(days)
        worker.troubles.append(
            Trouble(first, first + rng.randrange(1, 13), rng.uniform(0.3, 0.97))
        )
    if rng.random() < 0.06:
        worker.late_change = rng.randrange(10, max(11, days - 5))
    if rng.random() < 0.03 * days / 30:
        worker.reenrolled.append((rng.randrange(5, days), rng.choice((6, 6, 7, 8))))
    day = 0
    while (day := day + 1 + int(rng.expovariate(1 / 45))) < days:
        whole = rng.random() < 0.7
        length = rng.choice((1, 1, 2, 3)) * DAY
        start = day * DAY if whole else day * DAY + rng.choice((30_600, 43_200, 52_200))
        end = start + length if whole else start + rng.choice((7_200, 12_600, 20_000))
        early = rng.random() < 0.85
        approved = start - rng.uniform(3_600, 3 * DAY) if early else start + DAY
        worker.leave.append(Absence(start, end, approved))


def friends(site: Site) -> list[tuple[str, str]]:
    """Return ordered pairs of real friends."""
    return [
        (one, other)
        for group in site.groups
        for one in group.members
        for other in group.members
        if one != other
    ]


def pick(rng: Random, chances: dict[str, float]) -> str:
    """Draw a key by its weight."""
    return rng.choices(list(chances), list(chances.values()))[0]


def working(workers: Sequence[Worker], day: int) -> list[Worker]:
    """Return those who owe something on a day."""
    return [one for one in workers if one.hired <= day and one.sessions(day)]
