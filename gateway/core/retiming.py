"""E45 Punches whose time is uncertain: each is tried, the one that costs less stands.

Each such punch is decided in turn, in the order they came; where all cost the same the
likeliest time stands. Sessions that rest on one are flagged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.core.moments import day_of
from gateway.core.policy.kinds import FindingKind
from gateway.core.verdict import NOTICES
from gateway.core.verdicts import Finding, Flag, Judged, Punched, SessionVerdict

_NEAR = timedelta(days=2)
_Judging = Callable[[Sequence[Punched]], Judged]
Priced = Callable[[str, FindingKind], int]
"""(policy, kind) → fen a finding costs, 0 for a notice."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A punch and the moments it may have been made at, the likeliest first."""

    punch: Punched
    times: tuple[int, ...]


def judged(timed: Sequence[Timed], judging: _Judging, price: Priced) -> Judged:
    """Judge punches of a person, the uncertain ones in that person's favour.

    Args:
        timed: the punches; `punch.moment` counts for nothing.
        judging: judges punches at their moments.
        price: what findings cost.
    """
    chosen = {one.punch.id: replace(one.punch, moment=one.times[0]) for one in timed}
    best = judging(list(chosen.values()))
    open_ = [one for one in timed if len(one.times) > 1]
    if not open_:
        return best
    cost = _cost(best, price)
    for one in open_:
        for moment in one.times[1:] if _matters(one, best) else ():
            tried = chosen | {one.punch.id: replace(one.punch, moment=moment)}
            other = judging(list(tried.values()))
            other_cost = _cost(other, price)
            if other_cost < cost:
                chosen, best, cost = tried, other, other_cost
    return _flagged(best, {one.punch.id: one.times for one in open_})


def _cost(found: Judged, price: Priced) -> tuple[int, int]:
    """Return fen and seconds; a line that is not final yet counts like one."""
    charged = [one for one in found.findings if _is_charged(one)]
    fen = sum(price(one.policy, one.kind) for one in charged)
    return fen, sum(one.seconds or 0 for one in charged)


def _is_charged(one: Finding) -> bool:
    waived = one.absorbed_by is not None or one.ruled_by is not None
    return one.kind not in NOTICES and not waived


def _matters(one: Timed, found: Judged) -> bool:
    """Say whether anything is charged near a punch."""
    first, last = day_of(min(one.times)) - _NEAR, day_of(max(one.times)) + _NEAR
    return any(first <= each.date <= last for each in found.findings)


def _flagged(found: Judged, open_: Mapping[str, tuple[int, ...]]) -> Judged:
    found.sessions = [
        one._replace(flags=(*one.flags, Flag.TIME_UNCERTAIN))
        if _rests_on(one, open_)
        else one
        for one in found.sessions
    ]
    return found


def _rests_on(one: SessionVerdict, open_: Mapping[str, tuple[int, ...]]) -> bool:
    marks = (one.arrival, one.departure)
    if any(mark is not None and mark.punch in open_ for mark in marks):
        return True
    # A punch that might have been a sign of this session leaves it uncertain too.
    return any(one.start <= at < one.end for times in open_.values() for at in times)
