"""H4: records that are gone, after upload (the counter) or before it (the arrivals).

H4a: the terminal's record count falls behind what we have of it by two or more within a
day, on a counter that was right for seven days; not at the storage limit, not a wholly
cleared log, and not an answer that the next count takes back.
H4b: on one terminal's day, four or more of its regulars have later punches and no
arrival, against their own rates (Poisson-binomial tail, Bonferroni over terminal-days).

Both accuse a terminal or an administrator's action, never the people inside
(proxy-detection.md 3a).
"""

from array import array
from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core.suspicion.clock import Clocks
from gateway.core.suspicion.events import Count, Events, Operation, Punch
from gateway.core.suspicion.queues import Queues, Stand
from gateway.core.suspicion.ratios import laplace, poisson_binomial_tail, shrunk
from gateway.core.suspicion.values import DAY, HOUR, Grade, SiteBook

LEAST_GONE = 2
GOOD_DAYS = 7
# A record and a count this near in time may have come in either order.
SLACK_SECONDS = 60
CONFIRM_SECONDS = 36 * HOUR
CLEARED_SHARE = 0.1
FULL_SHARE = 0.98
CLEARING = frozenset({13, 23})

LEAST_PEOPLE = 4
FAMILY_LEVEL = 0.001
REGULAR_SHARE = 0.7
REGULAR_DAYS = 8
# A person's own rate of missing an arrival weighs as much as the pool after so many.
POOL_DAYS = 20.0
# If most regulars have no arrival, the terminal or the site had no morning.
MOST = 0.6


@dataclass(frozen=True, slots=True)
class Fall:
    """A count that fell behind: the counts before and after, and by how many."""

    terminal: str
    before: Count
    after: Count
    missing: int
    operations: tuple[Operation, ...]
    grade: Grade
    reason: str


@dataclass(frozen=True, slots=True)
class Orphans:
    """A terminal's day on which regulars have later punches but no arrival."""

    terminal: str
    day: int
    people: tuple[str, ...]
    punches: tuple[Punch, ...]
    regulars: int
    tail: float
    family: int
    grade: Grade
    reason: str


def falls(
    events: Events, clocks: Clocks, capacity: Mapping[str, int] | None
) -> Iterator[Fall]:
    """Yield every fall of every terminal's counter (H4a)."""
    counts: dict[str, list[Count]] = {}
    for count in events.counts:
        counts.setdefault(count.terminal, []).append(count)
    stored = _stored(events, clocks) if counts else {}
    for terminal in sorted(counts):
        clearing = [
            one
            for one in events.operations
            if one.terminal == terminal and one.code in CLEARING
        ]
        series = _Series(
            counts[terminal],
            sorted(stored.get(terminal, ())),
        )
        yield from _falls(series, clearing, (capacity or {}).get(terminal))


def _stored(events: Events, clocks: Clocks) -> "dict[str, array[int]]":
    """Return when records came to be: by device time, unless that was moved."""
    found: dict[str, array[int]] = {}
    dropped = clocks.dropped
    for punch in events.punches:
        when = punch.received if punch.id in dropped else clocks.instant(punch)
        mine = found.get(punch.terminal)
        if mine is None:
            mine = found[punch.terminal] = array("q")
        mine.append(when)
    return found


class _Series:
    """Counts of one terminal beside the number of records we have of it."""

    def __init__(self, counts: Sequence[Count], stored: Sequence[int]) -> None:
        self.counts = counts
        early = [bisect_left(stored, one.received - SLACK_SECONDS) for one in counts]
        late = [bisect_right(stored, one.received + SLACK_SECONDS) for one in counts]
        # What the counter has beyond ours: at least, at most.
        self.least = [one.records - n for one, n in zip(counts, late, strict=True)]
        self.most = [one.records - n for one, n in zip(counts, early, strict=True)]


def _falls(
    series: _Series, clearing: Sequence[Operation], capacity: int | None
) -> Iterator[Fall]:
    counts = series.counts
    window: deque[int] = deque()
    good: set[int] = set()
    wrong = 0
    for index, count in enumerate(counts):
        while window and counts[window[0]].received < count.received - DAY:
            window.popleft()
        best = max(window, key=lambda one: series.least[one], default=index)
        missing = series.least[best] - series.most[index]
        if missing >= LEAST_GONE:
            reason = _explained(series, (best, index), capacity)
            if not reason and len(good) < GOOD_DAYS * (1 + wrong):
                reason = "counter_unknown"
            wrong += reason == "not_repeated"
            near = tuple(
                one for one in clearing if abs(one.received - count.received) <= DAY
            )
            grade = Grade.NOTE if reason else Grade.CASE
            before = counts[best]
            yield Fall(count.terminal, before, count, missing, near, grade, reason)
            window.clear()
            good.discard(count.received // DAY)
        else:
            good.add(count.received // DAY)
        window.append(index)


def _explained(series: _Series, span: tuple[int, int], capacity: int | None) -> str:
    """Return what but hands explains a fall; "" if nothing does."""
    best, index = span
    counts = series.counts
    before, after = counts[best].records, counts[index].records
    later = [
        at
        for at in range(index + 1, len(counts))
        if counts[at].received <= counts[index].received + CONFIRM_SECONDS
    ]
    short = series.least[best] - LEAST_GONE
    full = capacity is not None and before >= FULL_SHARE * capacity
    if after <= CLEARED_SHARE * before:
        return "cleared"
    if full or after == before == max(one.records for one in counts):
        return "full"
    if not later or any(series.least[at] > short for at in later):
        return "not_repeated"
    return ""


@dataclass(slots=True)
class _Arrivals:
    """One person's days: where the arrival was, if anywhere, and what came later."""

    at: dict[int, str]
    later: dict[int, Punch]
    here: Counter[str] = field(default_factory=Counter)
    days: int = 0

    def close(self) -> None:
        """Count once what every day is compared with."""
        self.here = Counter(self.at.values())
        self.days = len(self.at.keys() | self.later.keys())

    def regular(self, terminal: str, day: int) -> bool:
        """Say whether the person usually arrives here, by all other days."""
        if terminal not in self.here:
            return False
        _, days = self.lacks(day)
        here = self.here[terminal] - (self.at.get(day) == terminal)
        return days >= REGULAR_DAYS and here >= REGULAR_SHARE * days

    def lacks(self, day: int) -> tuple[int, int]:
        """Return days without arrival, and days, of all other days."""
        days = self.days - (day in self.at or day in self.later)
        return days - len(self.at) + (day in self.at), days


def orphans(
    queues: Queues,
    book: SiteBook,
    group_of: Mapping[str, str],
    elsewhen: frozenset[tuple[str, int]] = frozenset(),
) -> Iterator[Orphans]:
    """Yield the terminal-days whose arrivals are gone (H4b).

    `group_of` names the group of companions a person belongs to: people who go about
    together miss a morning together, so a group counts once. `elsewhen` are people and
    days with a record whose time means nothing (H3): it is there, so nobody took it.
    """
    people = _read_arrivals(queues, book)
    days = sorted({day for one in people.values() for day in one.at})
    terminals = sorted(queues.by_terminal)
    family = max(1, len(days) * len(terminals))
    for day in days:
        lacking = {
            name: one
            for name, one in sorted(people.items())
            if day in one.later and day not in one.at and (name, day) not in elsewhen
        }
        if len(lacking) < LEAST_PEOPLE:
            continue
        pool = _pool(people, day)
        for terminal in terminals:
            missing = [n for n, one in lacking.items() if one.regular(terminal, day)]
            groups = {group_of.get(name, name) for name in missing}
            if len(groups) >= LEAST_PEOPLE:
                where = (terminal, day)
                yield _orphans(people, where, missing, group_of, family, book, pool)


def _pool(people: Mapping[str, _Arrivals], day: int) -> float:
    """Return how often anybody lacks an arrival, by all other days."""
    counts = [one.lacks(day) for one in people.values()]
    return laplace(sum(n for n, _ in counts), sum(n for _, n in counts))


def _orphans(  # noqa: PLR0913, PLR0917 - one day's figures, used once
    people: Mapping[str, _Arrivals],
    where: tuple[str, int],
    missing: Sequence[str],
    group_of: Mapping[str, str],
    family: int,
    book: SiteBook,
    pool: float,
) -> Orphans:
    terminal, day = where
    groups: dict[str, float] = {}
    regulars = 0
    for name, one in sorted(people.items()):
        if (day in one.at or day in one.later) and one.regular(terminal, day):
            regulars += 1
            group = group_of.get(name, name)
            rate = shrunk(*one.lacks(day), pool, POOL_DAYS)
            groups[group] = max(groups.get(group, 0.0), rate)
    gone = len({group_of.get(name, name) for name in missing})
    tail = poisson_binomial_tail(groups.values(), gone)
    outage = any(
        start < (day + 1) * DAY and end > day * DAY
        for start, end in book.outages(terminal)
    )
    reason = ""
    if tail * family >= FAMILY_LEVEL:
        reason = "not_unusual"
    elif outage or len(missing) > MOST * regulars:
        reason = "no_morning"
    return Orphans(
        terminal,
        day,
        tuple(missing),
        tuple(people[name].later[day] for name in missing),
        regulars,
        tail,
        family,
        Grade.NOTE if reason else Grade.CASE,
        reason,
    )


def _read_arrivals(queues: Queues, book: SiteBook) -> dict[str, _Arrivals]:
    """Return everybody's arrivals on days with a morning of their own."""
    people: dict[str, _Arrivals] = {}
    for terminal in sorted(queues.by_terminal):
        for stand in queues.by_terminal[terminal]:
            if not stand.person or stand.slot is None:
                continue
            one = people.setdefault(stand.person, _Arrivals({}, {}))
            if stand.slot == 0:
                one.at.setdefault(stand.day, terminal)
            elif stand.day not in one.later and not _away(queues, book, stand):
                one.later[stand.day] = stand.punch
    for one in people.values():
        one.close()
    return people


def _away(queues: Queues, book: SiteBook, stand: Stand) -> bool:
    """Say whether leave covers the start of the stand's day."""
    start = queues.roster.bound(stand.person, stand.day, 0)
    return any(one.start <= start < one.end for one in book.leave(stand.person))
