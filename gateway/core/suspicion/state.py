"""The running state of the pair e-process and its one step: closing a day.

Incremental: `close` folds a finished work day into the state, O(1) per punch; the state
is plain values and travels as JSON. Recomputed every night from the kept events: queues
and sheets, hard signals, e-BH, case texts. Late data for a closed day changes that
day's digest; `newest_usable` then falls back to a state from before that day, or to an
empty one, and the days are folded again: the same cases to the byte.

A day is folded in canonical order of people, and pools move only at its end, so neither
delivery nor order leaves a trace.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.core.suspicion.multiplicity import e_bh, raw_weight
from gateway.core.suspicion.pairs import (
    Pair,
    Pool,
    Pooled,
    add_day,
    null_rates,
    observe,
)
from gateway.core.suspicion.people import Person, PersonDay, close_day, read_day
from gateway.core.suspicion.queues import Roster, Sheet, Stand
from gateway.core.suspicion.ratios import laplace
from gateway.core.suspicion.values import (
    MINUTE,
    RULES_VERSION,
    WEAK,
    Credential,
    Json,
    SiteBook,
    day_date,
)

Couple = tuple[str, str]

# A reader has trouble if so many, and such a share, of the people who use a finger
# otherwise take a card within half an hour.
AROUND_SECONDS = 30 * MINUTE
FINGER_PEOPLE = 0.2
TROUBLE_PEOPLE = 3
TROUBLE_SHARE = 0.25


@dataclass(slots=True)
class DayEntry:
    """One entry of the watch list's material: a single day of a pair."""

    person: str
    neighbour: str
    day: int
    ratio: float


@dataclass(slots=True)
class State:
    """Everything the e-process remembers between nights."""

    alpha: float = 0.05
    watch_ratio: float = 400.0
    people: dict[str, Person] = field(default_factory=dict)
    pairs: dict[Couple, Pair] = field(default_factory=dict)
    pool: Pool = field(default_factory=Pool)
    watched: list[DayEntry] = field(default_factory=list)
    digests: list[tuple[int, str]] = field(default_factory=list)
    weight_sum: int = 0
    strong: set[Couple] = field(default_factory=set)
    ranks: dict[Couple, int] = field(default_factory=dict)

    @property
    def closed(self) -> int | None:
        """Number of the last closed day."""
        return self.digests[-1][0] if self.digests else None

    def weighted(self, couple: Couple) -> float:
        """Return E·w, weights normalised to a mean of 1 over the family."""
        pair = self.pairs[couple]
        return pair.e * raw_weight(pair.days) * len(self.pairs) / self.weight_sum

    def to_json(self) -> Json:
        """Return the state as plain JSON values."""
        return {
            "rules": RULES_VERSION,
            "options": [self.alpha, self.watch_ratio],
            "people": {
                name: one.to_json() for name, one in sorted(self.people.items())
            },
            "pairs": [
                [*couple, pair.to_json()] for couple, pair in sorted(self.pairs.items())
            ],
            "pool": self.pool.to_json(),
            "watched": [
                [one.person, one.neighbour, one.day, one.ratio] for one in self.watched
            ],
            "digests": [list(one) for one in self.digests],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "State | None":
        """Return the state that `to_json` wrote; None if other rules wrote it."""
        if data.get("rules") != RULES_VERSION:
            return None
        state = State(
            alpha=data["options"][0],
            watch_ratio=data["options"][1],
            people={
                name: Person.from_json(one) for name, one in data["people"].items()
            },
            pairs={(row[0], row[1]): Pair.from_json(row[2]) for row in data["pairs"]},
            pool=Pool.from_json(data["pool"]),
            watched=[DayEntry(*row) for row in data["watched"]],
            digests=[(row[0], row[1]) for row in data["digests"]],
        )
        state.weight_sum = sum(raw_weight(pair.days) for pair in state.pairs.values())
        for couple in state.pairs:
            _keep_if_strong(state, couple)
        _select(state)
        return state


def digest(sheet: Sheet, roster: Roster, book: SiteBook) -> str:
    """Return a hash of everything that folding a day depends on."""
    lines = []
    for name in sorted(sheet.people):
        sessions = roster.sessions(name, sheet.day)
        lines.append(f"{name} {sessions} {list(book.leave(name))}")
        lines += [_line(stand) for stand in sheet.people[name]]
    lines += sorted(f"{stand.punch.id} {other}" for stand, other in sheet.beside)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _line(stand: Stand) -> str:
    punch, slot = stand.punch, stand.slot
    return f"{punch.id} {punch.at} {stand.last} {stand.credential} {slot}"


def newest_usable(
    states: Iterable[State], days: Sequence[tuple[int, str]]
) -> State | None:
    """Return the state that closed most days, all of them exactly as they are now.

    Args:
        states: kept from earlier nights, in any order.
        days: number and digest of every day there is data for today.
    """
    usable = [
        state for state in states if state.digests == list(days[: len(state.digests)])
    ]
    return max(usable, key=lambda state: len(state.digests), default=None)


def close(
    state: State, sheet: Sheet, digested: str, roster: Roster, book: SiteBook
) -> None:
    """Fold a finished work day into the state, then choose anew by e-BH."""
    _decide(state, sheet.day)
    days = {
        name: read_day(
            state.people.setdefault(name, Person(day=sheet.day)),
            sheet.people[name],
            roster,
            book.leave(name),
        )
        for name in sorted(sheet.people)
    }
    crowd = _Crowd(sheet, state.people, roster)
    before = state.pool.pooled()
    for couple, beside in _couples(sheet):
        _close_couple(state, couple, beside, days, before, crowd)
    for name, read in days.items():
        close_day(state.people[name], read, roster)
        if read.weak and read.judged:
            state.pool.weak_days += 1
            state.pool.weak_gaps += read.gap
    state.digests.append((sheet.day, digested))
    _select(state)
    for couple in state.ranks:
        pair = state.pairs[couple]
        pair.opened = pair.opened or sheet.day
        pair.selected = sheet.day


def _couples(sheet: Sheet) -> list[tuple[Couple, list[Stand]]]:
    found: dict[Couple, list[Stand]] = {}
    for stand, neighbour in sheet.beside:
        found.setdefault((stand.person, neighbour), []).append(stand)
    return sorted(found.items())


def _close_couple(  # noqa: PLR0913, PLR0917 - the parts of one step, named once
    state: State,
    couple: Couple,
    beside: list[Stand],
    days: Mapping[str, PersonDay],
    pool: Pooled,
    crowd: "_Crowd",
) -> None:
    roster = crowd.roster
    name, neighbour = couple
    pair = state.pairs.get(couple)
    if pair is None:
        pair = state.pairs[couple] = Pair()
    person, read = state.people[name], days[name]
    weak = read.weak > 0 and any(stand.credential == WEAK for stand in beside)
    rates = null_rates(person, pair, pool, read.day, weak=weak)
    doubtful = crowd.doubtful(couple, beside) if weak else frozenset()
    outcome = observe(person, read, beside, days.get(neighbour), roster, doubtful)
    state.weight_sum -= raw_weight(pair.days)
    add_day(pair, read, beside, outcome, rates, state.pool)
    state.weight_sum += raw_weight(pair.days)
    _keep_if_strong(state, couple)
    ratio = pair.last_ratio
    if ratio >= state.watch_ratio:
        state.watched.append(DayEntry(name, neighbour, read.day, ratio))


class _Crowd:
    """Everybody of a day by terminal: does the reader take fingers just now?

    People who hardly ever use a card and now all do make a dirty reader, which is no
    sign against any of them.
    """

    def __init__(
        self, sheet: Sheet, people: Mapping[str, Person], roster: Roster
    ) -> None:
        self._sheet = sheet
        self._people = people
        self._by_terminal: dict[str, list[Stand]] = {}
        self._finger: dict[str, bool] = {}
        self.roster = roster

    def doubtful(self, couple: Couple, beside: list[Stand]) -> frozenset[Stand]:
        """Return the weak stands that say nothing about B, of people with fingers."""
        if not self._takes_finger(couple[0]):
            return frozenset()
        return frozenset(
            stand
            for stand in beside
            if stand.credential == Credential.WEAK
            and (self.odd_neighbour(stand, couple[1]) or self.trouble(stand, couple))
        )

    def trouble(self, stand: Stand, couple: Couple) -> bool:
        """Say whether the reader had trouble within half an hour of a stand."""
        queue = self._queue(stand.punch.terminal)
        start = bisect_left(queue, stand.first - AROUND_SECONDS, key=_first)
        end = bisect_right(queue, stand.first + AROUND_SECONDS, key=_first)
        others = [
            one
            for one in queue[start:end]
            if one.person not in couple
            and one.credential != Credential.UNKNOWN
            and self._takes_finger(one.person)
        ]
        weak = sum(one.credential == Credential.WEAK for one in others)
        return weak >= TROUBLE_PEOPLE and weak >= TROUBLE_SHARE * len(others)

    def odd_neighbour(self, stand: Stand, neighbour: str) -> bool:
        """Say whether B stands beside with a card that is as unlike B.

        Two such punches in a row point at a third person, or at the reader.
        """
        queue = self._queue(stand.punch.terminal)
        place = bisect_left(queue, stand.place, key=_place)
        beside = [
            one
            for one in (
                *queue[max(0, place - 1) : place],
                *queue[place + 1 : place + 2],
            )
            if one.person == neighbour and abs(one.place - stand.place) == 1
        ]
        return any(one.credential == Credential.WEAK for one in beside) and (
            self._takes_finger(neighbour)
        )

    def _takes_finger(self, name: str) -> bool:
        found = self._finger.get(name)
        if found is None:
            person = self._people[name]
            found = laplace(person.weak, person.known) < FINGER_PEOPLE
            self._finger[name] = found
        return found

    def _queue(self, terminal: str) -> list[Stand]:
        if not self._by_terminal:
            for stands in self._sheet.people.values():
                for stand in stands:
                    self._by_terminal.setdefault(stand.punch.terminal, []).append(stand)
            for queue in self._by_terminal.values():
                queue.sort(key=lambda stand: stand.place)
        return self._by_terminal[terminal]


def _place(stand: Stand) -> int:
    return stand.place


def _first(stand: Stand) -> int:
    return stand.first


def _keep_if_strong(state: State, couple: Couple) -> None:
    """Remember pairs that e-BH might choose: E·w ≥ 1/alpha is the least it takes.

    The mean raw weight is at least 1, so raw strength bounds E·w from above.
    """
    pair = state.pairs[couple]
    if pair.e * raw_weight(pair.days) * state.alpha >= 1.0:
        state.strong.add(couple)
    else:
        state.strong.discard(couple)


def _select(state: State) -> None:
    state.ranks = dict(
        e_bh(
            ((couple, state.weighted(couple)) for couple in state.strong),
            len(state.pairs),
            state.alpha,
        )
    )


def _decide(state: State, day: int) -> None:
    """Write the month's verdict when the first day of another month comes."""
    if state.closed is None:
        return
    last, now = day_date(state.closed), day_date(day)
    if (last.year, last.month) != (now.year, now.month):
        for couple in state.ranks:
            state.pairs[couple].decisions += (last.year * 100 + last.month,)
