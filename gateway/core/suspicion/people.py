"""What is known of one person's own habits: the rates a friend is measured against.

All rates are of the person alone and of days that are over; the days under test are
taken out by the pair (proxy-detection.md 4.3). The state is O(1) per person: it grows
with the terminals and the kinds of slots a person uses, never with time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.core.suspicion.queues import Roster, Stand
from gateway.core.suspicion.values import DAY, MINUTE, STRONG, WEAK, Json, Leave

RECENT_HALF_LIFE_DAYS = 5
HABIT_HALF_LIFE_DAYS = 10
# A slot is usual after this many days on which it stood open …
USUAL_AFTER_DAYS = 5
# … if the person punched there on at least this share of them, long-run and lately.
USUAL_SHARE = 0.7
USUAL_LATELY = 0.5
NEW_HABIT_DAYS = 2
# A weak punch says something only where this person's finger or face is known to
# work: a card-only reader, or one a person was never enrolled at, is neutral.
PROVEN_AFTER = 3
AGAIN_SECONDS = 8 * MINUTE
_FAR = 4_000

_RECENT = tuple(0.5 ** (days / RECENT_HALF_LIFE_DAYS) for days in range(_FAR))
_HABIT = tuple(0.5 ** (days / HABIT_HALF_LIFE_DAYS) for days in range(_FAR))


def faded(days: int) -> float:
    """Return what is left of a recent count after some days (half-life 5)."""
    return _RECENT[days] if days < _FAR else 0.0


@dataclass(slots=True)
class Habit:
    """How often one slot of the day was used when it could be."""

    present: float = 0.0
    days: float = 0.0
    lately_present: float = 0.0
    lately_days: float = 0.0
    day: int = 0
    missed: int = 0

    def usual(self) -> bool:
        """Say whether a day without this slot is worth a remark.

        Twice in a row without it may be a new habit, and is none.
        """
        return (
            self.missed < NEW_HABIT_DAYS
            and self.days >= USUAL_AFTER_DAYS
            and self.present >= USUAL_SHARE * self.days
            and self.lately_present >= USUAL_LATELY * self.lately_days
        )

    def add(self, day: int, *, present: bool) -> None:
        """Count one more day on which the slot stood open."""
        gone = day - self.day
        left = _HABIT[gone] if gone < _FAR else 0.0
        self.present += present
        self.days += 1.0
        self.lately_present = self.lately_present * left + present
        self.lately_days = self.lately_days * left + 1.0
        self.day = day
        self.missed = 0 if present else self.missed + 1


@dataclass(slots=True)
class Person:
    """The counters of one person up to the last closed day.

    `weak` of `known` stands (unknown ones are in neither); `gaps` of `gap_days`, the
    days on which a presence gap could have been seen; the recent counts as of `day`.
    """

    weak: int = 0
    known: int = 0
    recent_weak: float = 0.0
    recent_known: float = 0.0
    day: int = 0
    gaps: int = 0
    gap_days: int = 0
    strong_at: dict[str, int] = field(default_factory=dict)
    habits: dict[int, Habit] = field(default_factory=dict)

    def to_json(self) -> Json:
        """Return the state as plain JSON values."""
        return {
            "weak": self.weak,
            "known": self.known,
            "recent": [self.recent_weak, self.recent_known],
            "day": self.day,
            "gaps": [self.gaps, self.gap_days],
            "strong_at": dict(sorted(self.strong_at.items())),
            "habits": [
                [
                    second,
                    habit.present,
                    habit.days,
                    habit.lately_present,
                    habit.lately_days,
                    habit.day,
                    habit.missed,
                ]
                for second, habit in sorted(self.habits.items())
            ],
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Person":
        """Return the state that `to_json` wrote, to the last bit."""
        return Person(
            weak=data["weak"],
            known=data["known"],
            recent_weak=data["recent"][0],
            recent_known=data["recent"][1],
            day=data["day"],
            gaps=data["gaps"][0],
            gap_days=data["gaps"][1],
            strong_at=dict(data["strong_at"]),
            habits={row[0]: Habit(*row[1:]) for row in data["habits"]},
        )


@dataclass(frozen=True, slots=True)
class PersonDay:
    """One day of one person, read once and used for every neighbour.

    `missing`: usual slots without a punch and without leave; `judged`: whether a gap
    could have been seen at all; `again`: (first, later) stands of one start, the later
    strong and eight minutes or more behind.
    """

    day: int
    stands: tuple[Stand, ...]
    weak: int
    known: int
    present: frozenset[int]
    open_slots: tuple[int, ...]
    missing: tuple[int, ...]
    judged: bool
    again: tuple[tuple[Stand, Stand], ...]

    @property
    def gap(self) -> bool:
        """Whether the day has a gap or a second arrival, whoever stood by."""
        return bool(self.missing or self.again)


def read_day(
    person: Person,
    stands: Iterable[Stand],
    roster: Roster,
    leave: Sequence[Leave],
) -> PersonDay:
    """Read a day of a person against the habits up to the day before.

    `stands`: terminal by terminal, each in its own order.
    """
    stands = tuple(stands)
    if stands[0].punch.terminal != stands[-1].punch.terminal:
        stands = tuple(sorted(stands, key=_in_time))
    name, day = stands[0].person, stands[0].day
    sessions = roster.sessions(name, day)
    offsets = [second for both in sessions for second in both]
    present = frozenset(stand.slot for stand in stands if stand.slot is not None)
    open_slots = tuple(
        slot
        for slot, second in enumerate(offsets)
        if not leave
        or not any(one.start <= day * DAY + second <= one.end for one in leave)
    )
    usual = [
        slot
        for slot in open_slots
        if (habit := person.habits.get(offsets[slot])) and habit.usual()
    ]
    weak = strong = 0
    for stand in stands:
        weak += stand.credential == WEAK
        strong += stand.credential == STRONG
    return PersonDay(
        day,
        stands,
        weak,
        weak + strong,
        present,
        open_slots,
        tuple(slot for slot in usual if slot not in present),
        bool(usual),
        tuple(_again(stands)) if len(present) < len(stands) else (),
    )


def _in_time(stand: Stand) -> tuple[int, str, int]:
    return stand.first, stand.punch.terminal, stand.place


def _again(stands: tuple[Stand, ...]) -> Iterable[tuple[Stand, Stand]]:
    """Find arrivals after an arrival: same start, strong, eight minutes later (S2)."""
    for later in stands:
        if later.credential != STRONG or later.slot is None or later.slot % 2:
            continue
        for first in stands:
            if first.slot == later.slot and later.first - first.last >= AGAIN_SECONDS:
                yield first, later


def close_day(person: Person, read: PersonDay, roster: Roster) -> None:
    """Add a day to the person's counters, after every pair has looked at it."""
    left = faded(read.day - person.day)
    person.weak += read.weak
    person.known += read.known
    person.recent_weak = person.recent_weak * left + read.weak
    person.recent_known = person.recent_known * left + read.known
    person.day = read.day
    if read.judged:
        person.gap_days += 1
        person.gaps += read.gap
    for stand in read.stands:
        if stand.credential == STRONG:
            terminal = stand.punch.terminal
            person.strong_at[terminal] = person.strong_at.get(terminal, 0) + 1
    sessions = roster.sessions(read.stands[0].person, read.day)
    for slot in read.open_slots:
        second = sessions[slot // 2][slot % 2]
        person.habits.setdefault(second, Habit(day=read.day)).add(
            read.day, present=slot in read.present
        )
