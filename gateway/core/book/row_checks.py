"""What one row says against itself: times the wrong way round, shifts without sense."""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from gateway.core.book import fields
from gateway.core.book.days import Assessment, Leave, Substitution
from gateway.core.book.duty import DayOrder, Roster, Session, Shift
from gateway.core.book.placed import Placed
from gateway.core.book.standing import Contract, Travel
from gateway.core.calendar import DayKind

# The rules of `rules.md` that a contract may name.
PROFILES = frozenset(
    {
        *("client-contract", "single-session", "supplier-staff", "desk-roll"),
        *("nine-to-six-176", "eight-to-five", "nine-points", "grades"),
    }
)
Finding = tuple[str, str]


def sound(
    rows: Iterable[Placed[Any]], policies: Collection[str]
) -> Iterator[Placed[Any]]:
    """Note what is wrong inside each row; give the rows without such a problem."""
    for placed in rows:
        row = placed.row
        # Only times of one kind can be compared with each other.
        wrong = list(_moments(row)) or [*_in_order(row), *_own(row)]
        for name, reason in wrong:
            placed.raw.problem(name, reason)
        if isinstance(row, Contract):
            _policies(placed, policies)
        if not wrong:
            yield placed


def _moments(row: Any) -> Iterator[Finding]:
    for field in dataclasses.fields(row):
        value = getattr(row, field.name)
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, date) and (reason := fields.moment(one)):
                yield field.name.rstrip("_"), reason


def _in_order(row: Any) -> Iterator[Finding]:
    """Find rows whose times cover nothing: they would be silently without effect."""
    start, end = getattr(row, "from_", None), getattr(row, "to", None)
    if start is None or end is None:
        return
    if isinstance(start, datetime):
        if end <= start:
            yield "to", f"must be after from ({start})"
    elif end < start:
        yield "to", f"must not be before from ({start})"


def _own(row: Any) -> Iterator[Finding]:
    rule = _RULES.get(type(row))
    return rule(row) if rule else iter(())


def _shift(row: Shift) -> Iterator[Finding]:
    yield from _sessions(row.sessions)


def _day_order(row: DayOrder) -> Iterator[Finding]:
    if row.which and row.kind is not DayKind.HALF:
        yield "which", 'only goes with kind = "half"'
    if row.sessions and row.kind is DayKind.REST:
        yield "sessions", "a day of rest has none"
    yield from _sessions(row.sessions)


def _sessions(sessions: tuple[Session, ...]) -> Iterator[Finding]:
    """Find sessions that end before they start, overlap, or last over a day."""
    last = 0
    for number, session in enumerate(sessions, 1):
        start, end = session.span
        where = f"sessions[{number}]"
        if end <= start:
            yield "sessions", f"{where} must end after its start ({session.start})"
        elif start < last:
            yield "sessions", f"{where} begins before the one above it has ended"
        elif not _within(session.pauses, start, end):
            yield "sessions", f"the breaks of {where} must lie inside it, in order"
        elif not session.owed_seconds:
            yield "sessions", f"{where} is all breaks"
        last = max(last, end)
    if not sessions:
        return
    first = sessions[0].span[0]
    if first >= fields.DAY_SECONDS:
        yield "sessions", "the first session must begin before 24:00"
    if last - first > fields.DAY_SECONDS:
        yield "sessions", "from the first start to the last end is at most 24 hours"


def _within(pauses: Iterable[tuple[int, int]], start: int, end: int) -> bool:
    for first, last in pauses:
        if not start <= first < last <= end:
            return False
        start = last
    return True


def _roster(row: Roster) -> Iterator[Finding]:
    if row.dates and (row.from_ or row.to):
        yield "dates", "either dates or from and to, not both"
    if not (row.dates or row.from_):
        yield "from", "is missing; or give dates"


def _substitution(row: Substitution) -> Iterator[Finding]:
    if row.person == row.substitute:
        yield "substitute", "nobody stands in for themselves"


def _leave(row: Leave) -> Iterator[Finding]:
    if row.ended_at and row.ended_at > row.to:
        yield "ended_at", f"must not be after to ({row.to}): it only shortens a leave"


def _travel(row: Travel) -> Iterator[Finding]:
    if row.a == row.b:
        yield "b", f"must be another site than a ({row.a})"


def _assessment(row: Assessment) -> Iterator[Finding]:
    if row.score > row.max:
        yield "score", f"must not be above max ({row.max:g})"


_RULES: Mapping[type[Any], Callable[[Any], Iterator[Finding]]] = {
    Shift: _shift,
    DayOrder: _day_order,
    Roster: _roster,
    Substitution: _substitution,
    Leave: _leave,
    Travel: _travel,
    Assessment: _assessment,
}


def is_file(policy: str) -> bool:
    """Say whether a policy is named by its file."""
    return "/" in policy or policy.endswith(".toml")


def _policies(placed: Placed[Contract], policies: Collection[str]) -> None:
    """Note policies that do not exist; a profile of the rules may come later."""
    row = placed.row
    for key_, name in (("policy", row.policy), *(("also", also) for also in row.also)):
        if name in policies or is_file(name):
            continue
        if key_ == "policy" and name not in PROFILES:
            known = ", ".join(sorted(policies))
            placed.raw.problem(key_, f"there is no policy {name!r}; there are: {known}")
        else:
            placed.raw.warn(key_, f"the policy {name!r} is not built; nothing by it")
