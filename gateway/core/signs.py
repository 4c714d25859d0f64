"""Which punches are the signs of a person's sessions: 2.0.1 to 2.0.3, then corrections.

Sessions come in order of time, with their windows and the punches in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from gateway.core.book.days import Correction, Outage, Slot
from gateway.core.book.index import Book
from gateway.core.calendar import Calendar
from gateway.core.moments import local, wall
from gateway.core.policy.kinds import Words
from gateway.core.rules import continuous, corrections
from gateway.core.rules.corrections import Refusal
from gateway.core.rules.repeats import Chain, chains
from gateway.core.rules.slots import Signs, by_place, slots
from gateway.core.sitting import Sitting
from gateway.core.verdicts import Flag, Punched, Warned

_REFUSED = {
    Refusal.UNAPPROVED: Words("未经有权人批准", "not approved by somebody entitled"),
    Refusal.NO_EVIDENCE: Words(
        "既无考勤机故障佐证，也无两人批准",
        "neither evidence of a terminal fault nor two approvers",
    ),
    Refusal.QUOTA_SPENT: Words("本月次数已用完", "the month's quota is spent"),
    Refusal.TOO_LATE: Words("超过申请期限", "asked for too late"),
}
_IN_KEYS = (0,)
_OUT_KEYS = (1,)


@dataclass(frozen=True, slots=True)
class _MadeUp:
    """A correction as a sign."""

    id: str
    moment: int
    site: str = ""


class Signing:
    """Finds the signs of one person's sessions."""

    def __init__(self, book: Book, calendar: Calendar, person: str) -> None:
        self._book = book
        self._calendar = calendar
        self._person = person
        self._accepted: list[Correction] = []
        self.warnings: list[Warned] = []

    def sign(self, sittings: Sequence[Sitting]) -> None:
        """Fill the slots of sessions that owe something, in order of time."""
        for before, after in pairwise(sittings):
            _stay(before, after)
        for sitting in sittings:
            _fill(sitting)
        asked = self._asked(sittings)
        for sitting in sittings:
            if asked:
                self._correct(sitting)
            _flag(sitting)

    def _asked(self, sittings: Sequence[Sitting]) -> bool:
        """Say whether the person asked for any make-up punch in all this time."""
        if not sittings:
            return False
        start, end = sittings[0].window[0], sittings[-1].window[1]
        found = self._book.corrections(self._person, local(start), local(end))
        return bool(found)

    def _correct(self, sitting: Sitting) -> None:
        """Let accepted make-up punches of the window stand for signs."""
        start, end = (local(moment) for moment in sitting.window)
        for row in self._book.corrections(self._person, start, end):
            refused = corrections.refusal(
                row,
                accepted=self._accepted,
                outages=self._outages(sitting, row),
                settings=sitting.policy.file.corrections,
                entitled=self._book.entitled,
                calendar=self._calendar,
            )
            if refused is not None:
                self._warn(row, refused)
            else:
                self._accepted.append(row)
                _apply(sitting, row, self._book.name_of(row))

    def _outages(self, sitting: Sitting, row: Correction) -> list[Outage]:
        moment = wall(row.at)
        return [
            outage
            for name in sitting.due.terminals
            for outage in self._book.outages(name, local(moment), local(moment + 1))
        ]

    def _warn(self, row: Correction, refused: Refusal) -> None:
        name, why = self._book.name_of(row), _REFUSED[refused]
        self.warnings.append(
            Warned(
                self._person,
                row.at.date(),
                f"补卡 {name} 未采纳：{why.zh}",
                f"correction {name} refused: {why.en}",
            )
        )


def _stay(before: Sitting, after: Sitting) -> None:
    """Join two sessions with no gap between, where the person stayed."""
    if before.end != after.start:
        return
    terms = before.policy.file.windows
    if not terms.continuous:
        return
    within = terms.continuous_within_minutes * 60
    before.stays_until = min(before.end + within + 1, after.window[1])
    stayed, chain = continuous.stay(
        [*before.punches, *after.punches],
        before.end,
        within,
        before.policy.file.repeats.seconds,
        (before.window[0], after.window[1]),
    )
    if not stayed:
        return
    before.stays_out = after.stays_in = True
    before.departure = after.arrival = chain
    used = set(chain.punches) if chain else set()
    before.punches = [one for one in before.punches if one not in used]
    after.punches = [one for one in after.punches if one not in used]


def _fill(sitting: Sitting) -> None:
    """Fill the slots that no continuous stay fills."""
    found = chains(sitting.punches, sitting.policy.file.repeats.seconds)
    if not (sitting.stays_in or sitting.stays_out):
        signs = slots(found, sitting.start, sitting.end)
        sitting.arrival, sitting.departure = signs.arrival, signs.departure
    # Windows meet at the border of a stay: what is left lies on its right side.
    elif found and not sitting.stays_in:
        sitting.arrival = found[0]
    elif found and not sitting.stays_out:
        sitting.departure = max(found, key=lambda chain: chain.last)


def _apply(sitting: Sitting, row: Correction, name: str) -> None:
    """Let a correction fill its slot where it makes the sign better.

    The punch that had stood there is free for the other slot.
    """
    chain = Chain((_MadeUp(name, wall(row.at)),))
    if row.slot is Slot.IN:
        better = sitting.arrival is None or chain.first < sitting.arrival.first
        if not sitting.stays_in and better and chain.first < sitting.end:
            freed, sitting.arrival = sitting.arrival, chain
            sitting.corrected.append(name)
            if freed and sitting.departure is None and freed.last > sitting.start:
                sitting.departure = freed
    else:
        better = sitting.departure is None or chain.last > sitting.departure.last
        if not sitting.stays_out and better and chain.last > sitting.start:
            freed, sitting.departure = sitting.departure, chain
            sitting.corrected.append(name)
            if freed and sitting.arrival is None and freed.first < sitting.end:
                sitting.arrival = freed


def _flag(sitting: Sitting) -> None:
    """Note what a clerk should look at."""
    signs = Signs(sitting.arrival, sitting.departure)
    if sitting.stays_in or sitting.stays_out:
        sitting.flags.append(Flag.CONTINUOUS)
    elif by_place(signs, sitting.start, sitting.end):
        sitting.flags.append(Flag.BY_PLACE)
    if sitting.corrected:
        sitting.flags.append(Flag.CORRECTED)
    arrival, departure = sitting.arrival, sitting.departure
    if _contradicts(arrival, _OUT_KEYS) or _contradicts(departure, _IN_KEYS):
        sitting.flags.append(Flag.KEY_CONTRADICTS)


def _contradicts(chain: Chain | None, keys: tuple[int, ...]) -> bool:
    if chain is not None:
        for one in chain.punches:
            if isinstance(one, Punched) and one.state in keys:
                return True
    return False
