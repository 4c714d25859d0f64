"""Planted behaviours a-j (proxy-detection.md 5.1): what a site's cheats do, and where.

A plant writes into the scripts of days; the truth file lists subjects, neighbour, days
and, once lived, the ids of the false records. The detector never sees it.
"""

from dataclasses import dataclass, field
from random import Random

from benchmarks.suspicion.cast import BRANCH, DAY, Absence, Site, Worker, friends
from benchmarks.suspicion.life import Feed, Script, Visit

COUNTS = {
    "a": 5,
    "b": 3,
    "c": 2,
    "d": 6,
    "e": 3,
    "f": 3,
    "g": 1,
    "h": 2,
    "i": 2,
    "j": 2,
}
# The share of a morning's arrivals that i takes away before anybody read them. With
# one and a half of a hundred regulars forgetful, six gone are no unusual share.
REMOVED = (0.1, 0.33)
FEW_REMOVED = (0.05, 0.1)


@dataclass
class Plant:
    """One behaviour, as the truth file has it."""

    behaviour: str
    subjects: list[str]
    neighbours: list[str]
    days: list[int]
    terminal: str = ""
    first: int = 0
    events: list[str] = field(default_factory=list)
    variant: str = ""
    friends: bool = False


def _place(worker: Worker) -> str:
    return max(worker.terminals, key=worker.terminals.__getitem__)


@dataclass
class Tampering:
    """What happens to terminals: clocks moved, records removed, operations logged."""

    clocks: list[tuple[str, float, float, float, int]] = field(default_factory=list)
    removed_after: list[tuple[str, float, int]] = field(default_factory=list)
    removed_before: list[tuple[str, int, float]] = field(default_factory=list)
    operations: list[tuple[str, float, int, str]] = field(default_factory=list)


class Planter:
    """Chooses people for every behaviour, each person for one plant only."""

    def __init__(self, site: Site, removed: tuple[float, float] = REMOVED) -> None:
        self.site = site
        self.removed = removed
        self.rng = Random(site.seed * 7 + 1)
        self.scripts: dict[int, Script] = {}
        self.plants: list[Plant] = []
        self.tampering = Tampering()
        self.used: set[str] = set()

    def plant(self, scale: int = 1) -> None:
        """Plant every behaviour, `scale` times its usual number."""
        for behaviour, count in COUNTS.items():
            for index in range(count * scale):
                getattr(self, f"_{behaviour}")(index)

    def script(self, day: int) -> Script:
        """Return the script of a day."""
        return self.scripts.setdefault(day, Script())

    def _free(self, *, finger: bool = True) -> list[Worker]:
        return [
            worker
            for worker in self.site.workers.values()
            if worker.id not in self.used
            and worker.shift == "office"
            and worker.hired == 0
            and BRANCH not in worker.terminals
            and (not finger or worker.weak < 0.08)
        ]

    def _couple(self) -> tuple[Worker, Worker]:
        """Return a cheat, drawn from everybody, and a helper.

        Whoever has friends asks one of them four times in five; the others ask somebody
        who uses the same terminal.
        """
        free = {worker.id: worker for worker in self._free()}
        first = self.rng.choice(list(free))
        mates = [b for a, b in friends(self.site) if a == first and b in free]
        if not mates or self.rng.random() > 0.8:
            mates = [
                name
                for name in free
                if name != first and _place(free[name]) == _place(free[first])
            ]
        helper = self.rng.choice(mates)
        self.used.update((first, helper))
        return free[first], free[helper]

    def _days(
        self, couple: tuple[Worker, Worker], count: int, since: int = 3
    ) -> list[int]:
        fit = [
            day
            for day in range(since, self.site.days)
            if all(
                worker.sessions(day)
                and not any(
                    one.start < (day + 1) * DAY and one.end > day * DAY
                    for one in worker.leave
                )
                for worker in couple
            )
        ]
        return sorted(self.rng.sample(fit, min(count, len(fit))))

    def _cover(  # noqa: PLR0913, PLR0917 - who, when and how
        self, day: int, a: Worker, b: Worker, plant: int, verify: str, mode: str = ""
    ) -> None:
        """B stands in for A on a day: late, early, or the whole day."""
        rng = self.rng
        script = self.script(day)
        mode = mode or rng.choices(("late", "early", "away"), (0.35, 0.2, 0.45))[0]
        slots = {"late": [0], "early": [3], "away": [0, 3]}[mode]
        if mode == "away" and rng.random() < 0.4:
            slots = [0, 1, 2, 3]
        for slot in slots:
            script.skips.add((a.id, slot))
            feed = Feed(a.id, plant, verify)
            script.feeds.setdefault((b.id, slot), []).append(feed)
        if mode == "away":
            script.skips.update((a.id, slot) for slot in range(4))
        if mode == "late" and rng.random() < 0.5:
            script.late[a.id, 0] = day * DAY + 30_600 + rng.uniform(900, 5_400)

    def _repeat(  # noqa: PLR0913, PLR0917 - who, how often, how
        self, name: str, a: Worker, b: Worker, count: int, verify: str, since: int = 3
    ) -> Plant:
        days = self._days((a, b), count, since)
        plant = Plant(name, [a.id], [b.id], days, first=days[0])
        plant.friends = a.group == b.group >= 0
        self.plants.append(plant)
        for day in days:
            self._cover(day, a, b, len(self.plants) - 1, verify)
        return plant

    def _a(self, _: int) -> None:
        a, b = self._couple()
        verify = self.rng.choice(("card", "card", "password"))
        self._repeat("a", a, b, self.rng.randint(4, 16), verify)

    def _b(self, _: int) -> None:
        a, b = self._couple()
        since = self._enrolled()
        self._repeat("b", a, b, self.rng.randint(5, 14), "finger", since + 1)
        self._operation("lobby", since, 6, a)

    def _enrolled(self) -> int:
        """Return the day on which something is enrolled for a cheat (b and j)."""
        return self.rng.randrange(8, max(9, self.site.days // 2))

    def _c(self, _: int) -> None:
        a, b = self._couple()
        days = self._days((a, b), self.rng.randint(8, 18))
        self.plants.append(Plant("c", [a.id, b.id], [b.id, a.id], days, first=days[0]))
        for turn, day in enumerate(days):
            one, other = ((a, b), (b, a))[turn % 2]
            self._cover(day, one, other, len(self.plants) - 1, "card")

    def _d(self, _: int) -> None:
        a, b = self._couple()
        self._repeat("d", a, b, 1, self.rng.choice(("card", "card", "password")))

    def _e(self, _: int) -> None:
        a, b = self._couple()
        days = self._days((a, b), self.rng.randint(1, 3))
        self.plants.append(Plant("e", [a.id], [b.id], days, first=days[0]))
        for day in days:
            script = self.script(day)
            script.places[a.id] = BRANCH
            script.skips.add((a.id, 0))
            when = day * DAY + 30_600 - self.rng.uniform(-60, 900)
            script.visits.append(
                Visit(when, 0.5, BRANCH, a.id, weak=False, slot=0, day=day)
            )
            feed = Feed(a.id, len(self.plants) - 1, "card")
            script.feeds.setdefault((b.id, 0), []).append(feed)

    def _f(self, _: int) -> None:
        a, b = self._couple()
        days = self._days((a, b), 1, since=8)
        start = days[0] * DAY
        a.leave.append(Absence(start, start + DAY, start - DAY))
        self.plants.append(Plant("f", [a.id], [b.id], days, first=days[0]))
        script = self.script(days[0])
        for slot in self.rng.choice(((0,), (3,), (0, 3))):
            feed = Feed(a.id, len(self.plants) - 1, "card")
            script.feeds.setdefault((b.id, slot), []).append(feed)

    def _g(self, _: int) -> None:
        helper = self.rng.choice(self._free())
        self.used.add(helper.id)
        some = self.rng.sample(self._free(), self.rng.randint(3, 4))
        self.used.update(worker.id for worker in some)
        days = self._days((helper, some[0]), self.rng.randint(2, 6))
        self.plants.append(
            Plant("g", [one.id for one in some], [helper.id], days, first=days[0])
        )
        for day in days:
            for one in some:
                self._cover(day, one, helper, len(self.plants) - 1, "card", "late")

    def _h(self, _: int) -> None:
        rng = self.rng
        late = rng.sample(self._free(finger=False), rng.randint(2, 6))
        day = self._days((late[0], late[1]), 1, since=6)[0]
        start = day * DAY + 30_600 + rng.uniform(1_200, 3_000)
        shift = start - (day * DAY + 30_600) + rng.uniform(60, 600)
        logged = 21 if rng.random() < 0.7 else 0
        place = max(late[0].terminals, key=late[0].terminals.__getitem__)
        self.tampering.clocks.append((place, start, start + 240, shift, logged))
        self.plants.append(Plant("h", [], [], [day], place, day))
        script = self.script(day)
        for step, worker in enumerate(late):
            script.skips.add((worker.id, 0))
            when = start + 20 + 15 * step + rng.uniform(0, 8)
            script.visits.append(
                Visit(
                    when,
                    0.5,
                    place,
                    worker.id,
                    weak=False,
                    slot=0,
                    day=day,
                    plant=len(self.plants) - 1,
                )
            )

    def _i(self, index: int) -> None:
        rng = self.rng
        day = rng.randrange(12, self.site.days - 3)
        while day % 7 > 4:
            day += 1
        place = "lobby"
        if index % 2:
            count = rng.randint(2, 8)
            self.tampering.removed_after.append((place, day * DAY + 66_000, count))
        else:
            share = rng.uniform(*self.removed)
            self.tampering.removed_before.append((place, day, share))
        variant = "after" if index % 2 else "before"
        self.plants.append(Plant("i", [], [], [day], place, day, variant=variant))

    def _j(self, _: int) -> None:
        a, b = self._couple()
        since = self._enrolled()
        code = self.rng.choice((7, 8))
        verify = "password" if code == 7 else "card"
        count = self.rng.randint(4, 16)
        self._repeat("j", a, b, count, verify, since + 1)
        self._operation("lobby", since, code, a)

    def _operation(self, terminal: str, day: int, code: int, worker: Worker) -> None:
        when = max(0, day) * DAY + self.rng.uniform(32_000, 60_000)
        self.tampering.operations.append((terminal, when, code, worker.badge))
