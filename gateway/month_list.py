"""A month of people as a clerk settles it: each duty, each finding, totals by clause.

Amounts of two policies are never added: every total names its policy.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.core.book.standing import Person
from gateway.core.moments import day_of
from gateway.core.policy.kinds import FindingKind
from gateway.core.verdicts import (
    Deduction,
    Finding,
    Flag,
    Judged,
    SessionVerdict,
    State,
    Warned,
)
from gateway.people_view import View

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Line:
    """A finding with its amount in fen; None where it has no line of money."""

    finding: Finding
    fen: int | None


@dataclass(frozen=True, slots=True)
class Duty:
    """A session and what was found in it.

    Without a session it is a notice of its date, or a finding that people ruled on.
    """

    date: date
    verdict: SessionVerdict | None
    lines: tuple[Line, ...]

    @property
    def charged(self) -> bool:
        """Say whether anything of it has an amount."""
        return any(line.fen is not None for line in self.lines)


@dataclass(frozen=True, slots=True)
class Total:
    """What one kind of finding amounts to by one clause of one policy.

    `open` of them are not final, `waived` ones a ruling waived, `absorbed` ones are
    charged by another finding; none of these has an amount.
    """

    policy: str
    clause: str
    kind: FindingKind
    count: int
    open: int
    waived: int
    absorbed: int
    fen: int


@dataclass(frozen=True, slots=True)
class Month:
    """A person's month, as far as it has come: `[first, last]`."""

    person: Person
    first: date
    last: date
    duties: tuple[Duty, ...]
    totals: tuple[Total, ...]
    warnings: tuple[Warned, ...]

    @property
    def states(self) -> dict[State, int]:
        """How many sessions came to what."""
        return Counter(one.verdict.state for one in self.duties if one.verdict)

    @property
    def on_leave(self) -> int:
        """How many sessions leave covers as a whole."""
        found = (one.verdict for one in self.duties)
        return sum(Flag.ON_LEAVE in one.flags for one in found if one is not None)

    def count(self, kind: FindingKind) -> int:
        """Return how many findings of a kind there are."""
        return sum(one.count for one in self.totals if one.kind is kind)

    @property
    def fen(self) -> dict[str, int]:
        """What is charged by each policy."""
        return by_policy(self.totals)


def month_of(text: str) -> tuple[date, date]:
    """Return the first and the last day of `2026-11`.

    Raises:
        ValueError: it is no such month.
    """
    first = date.fromisoformat(f"{text}-01")
    following = (first + 31 * _DAY).replace(day=1)
    return first, following - _DAY


def month(view: View, person: Person, first: date, last: date) -> Month:
    """Judge a person's month; days behind the present one are left out."""
    if view.now is not None:
        last = max(min(last, day_of(view.now)), first)
    judged = view.judged(person.id, first, last)
    return Month(
        person=person,
        first=first,
        last=last,
        duties=tuple(_duties(judged)),
        totals=totals(judged.findings, judged.deductions),
        warnings=tuple(judged.warnings),
    )


def months(view: View, vendor: str, first: date, last: date) -> list[Month]:
    """Judge the month of everybody of a vendor who owed something in it."""
    people = sorted(view.book.people, key=lambda one: one.id)
    found = [month(view, one, first, last) for one in people if one.vendor == vendor]
    return [one for one in found if one.duties or one.warnings]


def _duties(judged: Judged) -> list[Duty]:
    fen = {one.finding: one.amount_fen for one in judged.deductions}
    rest = {one.id: Line(one, fen.get(one.id)) for one in judged.findings}
    found = [
        Duty(one.date, one, tuple(rest.pop(key) for key in one.findings))
        for one in judged.sessions
    ]
    found += [Duty(one.finding.date, None, (one,)) for one in rest.values()]
    return sorted(found, key=_order)


def _order(one: Duty) -> tuple[date, int]:
    # A notice of a date stands behind its sessions.
    return one.date, one.verdict.start if one.verdict else 1 << 62


def totals(
    findings: Iterable[Finding], deductions: Iterable[Deduction]
) -> tuple[Total, ...]:
    """Add findings up by policy, clause and kind."""
    fen = {one.finding: one.amount_fen for one in deductions}
    groups: dict[tuple[str, str, FindingKind], list[Finding]] = {}
    for one in findings:
        groups.setdefault((one.policy, one.clause, one.kind), []).append(one)
    return tuple(_total(key, found, fen) for key, found in sorted(groups.items()))


def _total(
    key: tuple[str, str, FindingKind], found: Sequence[Finding], fen: dict[str, int]
) -> Total:
    policy, clause, kind = key
    return Total(
        policy=policy,
        clause=clause,
        kind=kind,
        count=len(found),
        open=sum(not one.final for one in found),
        waived=sum(one.ruled_by is not None for one in found),
        absorbed=sum(one.absorbed_by is not None for one in found),
        fen=sum(fen.get(one.id, 0) for one in found),
    )


def added(groups: Iterable[Sequence[Total]]) -> tuple[Total, ...]:
    """Add up the totals of several people."""
    found: dict[tuple[str, str, FindingKind], Total] = {}
    for one in (each for group in groups for each in group):
        key = (one.policy, one.clause, one.kind)
        old = found.get(key)
        found[key] = _sum(old, one) if old else one
    return tuple(found[key] for key in sorted(found))


def _sum(one: Total, other: Total) -> Total:
    return Total(
        policy=one.policy,
        clause=one.clause,
        kind=one.kind,
        count=one.count + other.count,
        open=one.open + other.open,
        waived=one.waived + other.waived,
        absorbed=one.absorbed + other.absorbed,
        fen=one.fen + other.fen,
    )


def by_policy(found: Iterable[Total]) -> dict[str, int]:
    """Return policy → fen."""
    counted: dict[str, int] = {}
    for one in found:
        counted[one.policy] = counted.get(one.policy, 0) + one.fen
    return counted
