"""The e-process of one ordered pair: A's identity, B beside it (4.3).

Null hypothesis: A and B are friends who really are both there. Given that A's punch is
beside B's, A's credential, A's other punches of the day and a second slot together
follow A's own habits and the pair's own. Standing together, however often, is no
evidence here; gaps in seconds are shown to a reviewer and never scored.
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from gateway.core.suspicion.people import PROVEN_AFTER, Person, PersonDay, faded
from gateway.core.suspicion.queues import Roster, Stand
from gateway.core.suspicion.ratios import (
    CONTRAST_IF_FAKE,
    FAKE_SHARES,
    GAP_IF_FAKE,
    TWICE_IF_FAKE,
    contrast_rate,
    e_value,
    gap_rate,
    grow,
    laplace,
    likelihood_ratio,
    mean,
    shrunk,
)
from gateway.core.suspicion.values import STRONG, UNKNOWN, WEAK, Json

# References to the last shared days that a pair keeps; older ones stay in the products.
MARKS = 60
# With fewer days apart, a person's gap rate also leans on the days together.
DAYS_APART = 15
# A pair's own twice-rate weighs as much as the pool after this many shared days.
TWICE_POOL_DAYS = 4.0
# B «has that punch» if B used a start (end) this near to the one A lacks.
SAME_SLOT_SECONDS = 5_400
_SHARES = len(FAKE_SHARES)


class Rates(NamedTuple):
    """The null rates p̂, q̂, r̂ as of the day before."""

    contrast: float
    gap: float
    twice: float


class Mark(NamedTuple):
    """What one shared day said."""

    day: int
    contrasts: int
    slots: int
    judged_slots: int
    gap: int
    twice: bool
    ratio: float
    blind: float
    rates: Rates


class Outcome(NamedTuple):
    """x of a shared day: contrast per adjacent slot, presence gap, twice.

    A contrast or gap that cannot be judged is None and neutral. A gap tells which:
    bit 0 for a second arrival, bit 1 + n for the empty slot n; 0 for none.
    """

    contrasts: tuple[bool | None, ...]
    gap: int | None
    twice: bool


_MARK = 11
UNJUDGED = -1


@dataclass(slots=True)
class Pair:
    """The running state of an ordered pair: O(1) plus references to its last days.

    `weak`, `known` and the recent counts are of A's stands beside B: what is under test
    is taken out of A's own habits. `gaps`/`gap_days` are A's on the shared days,
    `gaps_seen` those that B did not share. `opened`/`selected`: first and
    latest night on which e-BH chose the pair (0 = never); `decisions`: months at whose
    end it was chosen.
    """

    products: "array[float]" = field(
        default_factory=lambda: array("d", (1.0,) * (2 * _SHARES))
    )
    days: int = 0
    twice: int = 0
    weak: int = 0
    known: int = 0
    recent_weak: float = 0.0
    recent_known: float = 0.0
    day: int = 0
    gaps: int = 0
    gap_days: int = 0
    gaps_seen: int = 0
    e: float = 1.0
    peak: float = 1.0
    opened: int = 0
    selected: int = 0
    decisions: tuple[int, ...] = ()
    marked: "array[float]" = field(default_factory=lambda: array("d"))

    @property
    def marks(self) -> list[Mark]:
        """The last shared days, oldest first."""
        found = []
        for start in range(0, len(self.marked), _MARK):
            row = self.marked[start : start + _MARK]
            day, contrasts, slots, judged, gap, twice = map(int, row[:6])
            seen = (day, contrasts, slots, judged, gap, bool(twice))
            found.append(Mark(*seen, row[6], row[7], Rates(*row[8:])))
        return found

    def mark(self, *row: float) -> None:
        """Keep the reference of one more shared day: the numbers of a `Mark`."""
        kept = self.marked
        if len(kept) == MARKS * _MARK:
            kept = kept[_MARK:]
        # Not extended in place: that leaves room, and most pairs meet once.
        self.marked = kept + array("d", row)

    @property
    def last_ratio(self) -> float:
        """L_d of the last shared day."""
        return self.marked[-5]

    def to_json(self) -> Json:
        """Return the state as plain JSON values."""
        return {
            "products": self.products.tolist(),
            "counts": [
                self.days,
                self.twice,
                self.weak,
                self.known,
                self.gaps,
                self.gap_days,
                self.gaps_seen,
            ],
            "recent": [self.recent_weak, self.recent_known],
            "day": self.day,
            "peak": self.peak,
            "nights": [self.opened, self.selected],
            "decisions": list(self.decisions),
            "marks": self.marked.tolist(),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Pair":
        """Return the state that `to_json` wrote, to the last bit."""
        days, twice, weak, known, gaps, gap_days, gaps_seen = data["counts"]
        return Pair(
            products=array("d", data["products"]),
            days=days,
            twice=twice,
            weak=weak,
            known=known,
            recent_weak=data["recent"][0],
            recent_known=data["recent"][1],
            day=data["day"],
            gaps=gaps,
            gap_days=gap_days,
            gaps_seen=gaps_seen,
            e=e_value(data["products"]),
            peak=data["peak"],
            opened=data["nights"][0],
            selected=data["nights"][1],
            decisions=tuple(data["decisions"]),
            marked=array("d", data["marks"]),
        )


class Pooled(NamedTuple):
    """Rates of the whole site: gaps on weak days, and meeting twice on a day."""

    weak_gap: float
    twice: float


@dataclass(slots=True)
class Pool:
    """What the whole site does, for pairs and people with few days of their own.

    `weak_gaps` of `weak_days`: gaps on days with a weak credential; `twice` of
    `shared`: shared days on which a pair met in two slots or more.
    """

    weak_days: int = 0
    weak_gaps: int = 0
    shared: int = 0
    twice: int = 0

    def together(self) -> float:
        """Return how often a pair that meets on a day meets twice (S4)."""
        return laplace(self.twice, self.shared)

    def pooled(self) -> "Pooled":
        """Return the rates as of now."""
        return Pooled(laplace(self.weak_gaps, self.weak_days), self.together())

    def to_json(self) -> Json:
        """Return the counters as plain JSON values."""
        return {
            "weak": [self.weak_gaps, self.weak_days],
            "twice": [self.twice, self.shared],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Pool":
        """Return what `to_json` wrote."""
        gaps, days = data["weak"]
        twice, shared = data["twice"]
        return Pool(days, gaps, shared, twice)


def observe(  # noqa: PLR0913, PLR0917 - one day seen from all its sides
    person: Person,
    read: PersonDay,
    beside: Sequence[Stand],
    other: PersonDay | None,
    roster: Roster,
    doubtful: frozenset[Stand] = frozenset(),
) -> Outcome:
    """Say what a day of A shows beside B.

    Args:
        person: A's habits up to the day before.
        read: A's day.
        beside: A's stands with B as direct neighbour; direct ones only, for reaching B
            through other weak punches would make «weak» true by construction.
        other: B's day; None if B has none of this date.
        roster: where starts and ends lie.
        doubtful: stands whose weak credential says nothing about B: the reader took
            hardly any finger just then, or B's own punch beside is as odd as A's.
    """
    slots: dict[int, bool | None] = {}
    weak_beside = read.weak and sum(stand.credential == WEAK for stand in beside)
    trouble = read.weak > weak_beside  # weak elsewhere too: a bad finger day
    if len(beside) == 1:
        (stand,) = beside
        seen = None if stand in doubtful else _contrast(person, stand, trouble=trouble)
        return Outcome((seen,), _gap(read, beside, other, roster), twice=False)
    for stand in beside:
        key = stand.place if stand.slot is None else -1 - stand.slot
        seen = None if stand in doubtful else _contrast(person, stand, trouble=trouble)
        known = slots.get(key)
        slots[key] = seen if known is None else (seen or known)
    gap = _gap(read, beside, other, roster)
    return Outcome(tuple(slots.values()), gap, twice=len(slots) > 1)


def _contrast(person: Person, stand: Stand, *, trouble: bool) -> bool | None:
    if stand.credential == UNKNOWN:
        return None
    if stand.credential == STRONG or trouble:
        return False
    if person.strong_at.get(stand.punch.terminal, 0) < PROVEN_AFTER:
        return None
    return True


def _gap(
    read: PersonDay,
    beside: Sequence[Stand],
    other: PersonDay | None,
    roster: Roster,
) -> int | None:
    """Say whether A lacks what B has, or arrives again without B (S2)."""
    again = bool(read.again) and any(
        first in beside and later not in beside for first, later in read.again
    )
    if not read.missing:
        return int(again) if again or read.judged else None
    return again | sum(2 << slot for slot in lacking(read, other, roster))


def lacking(
    read: PersonDay, other: PersonDay | None, roster: Roster
) -> tuple[int, ...]:
    """Return A's usual slots of the day that stayed empty while B used theirs."""
    if other is None or not read.missing:
        return ()
    mine, theirs = read.stands[0].person, other.stands[0].person
    return tuple(
        slot
        for slot in read.missing
        if any(
            slot % 2 == used % 2
            and abs(
                roster.bound(mine, read.day, slot)
                - roster.bound(theirs, other.day, used)
            )
            <= SAME_SLOT_SECONDS
            for used in other.present
        )
    )


def null_rates(
    person: Person, pair: Pair, pool: "Pooled", day: int, *, weak: bool
) -> Rates:
    """Return p̂, q̂, r̂ for a day from what is over, without the pair's own days.

    `weak`: A used a weak credential beside B that day; finger trouble also makes
    people miss punches, so q̂ is then at least the site's rate among weak days.
    """
    mine, ours = faded(day - person.day), faded(day - pair.day)
    contrast = contrast_rate(
        person.weak - pair.weak,
        person.known - pair.known,
        max(0.0, person.recent_weak * mine - pair.recent_weak * ours),
        max(0.0, person.recent_known * mine - pair.recent_known * ours),
    )
    gap = _gap_null(person, pair)
    if weak:
        gap = max(gap, pool.weak_gap)
    return Rates(
        contrast, gap, shrunk(pair.twice, pair.days, pool.twice, TWICE_POOL_DAYS)
    )


def _gap_null(person: Person, pair: Pair) -> float:
    """Return A's own gap rate, from days without B if there are enough of them.

    People who nearly always come with B have few; then what was seen on shared days
    counts too. That can only raise the rate of a cheat, and the choice looks at counts
    of days alone, never at what they showed.
    """
    gaps, days = person.gaps - pair.gaps, person.gap_days - pair.gap_days
    if days < DAYS_APART:
        gaps, days = gaps + pair.gaps_seen, person.gap_days
    return gap_rate(gaps, days)


def day_ratios(outcome: Outcome, rates: Rates) -> tuple[float, float]:
    """Return (L_d, L'_d): with the credential, and blind to it (4.3)."""
    contrasts = [
        1.0
        if seen is None
        else likelihood_ratio(seen, CONTRAST_IF_FAKE, rates.contrast)
        for seen in outcome.contrasts
    ]
    blind = likelihood_ratio(outcome.twice, TWICE_IF_FAKE, rates.twice)
    if outcome.gap is not None:
        blind *= likelihood_ratio(bool(outcome.gap), GAP_IF_FAKE, rates.gap)
    return mean(contrasts) * blind, blind


def add_day(  # noqa: PLR0913, PLR0917 - one day and everything it moves
    pair: Pair,
    read: PersonDay,
    beside: Sequence[Stand],
    outcome: Outcome,
    rates: Rates,
    pool: Pool,
) -> None:
    """Fold one shared day into the pair; O(1)."""
    weak = known = 0
    for stand in beside:
        weak += stand.credential == WEAK
        known += stand.credential != UNKNOWN
    ratio, blind = day_ratios(outcome, rates)
    grow(pair.products, ratio, blind)
    pair.e = e_value(pair.products)
    pair.peak = max(pair.peak, pair.e)
    pool.shared += 1
    pool.twice += outcome.twice
    left = faded(read.day - pair.day)
    pair.days += 1
    pair.twice += outcome.twice
    pair.weak += weak
    pair.known += known
    pair.recent_weak = pair.recent_weak * left + weak
    pair.recent_known = pair.recent_known * left + known
    pair.day = read.day
    if read.judged:
        pair.gap_days += 1
        pair.gaps += read.gap
        pair.gaps_seen += bool(outcome.gap)
    contrasts = outcome.contrasts
    pair.mark(
        read.day,
        contrasts.count(True),
        len(contrasts),
        len(contrasts) - contrasts.count(None),
        UNJUDGED if outcome.gap is None else outcome.gap,
        outcome.twice,
        ratio,
        blind,
        *rates,
    )
