"""A day as a clerk asks for it: who is where, exceptions first.

Everybody who owed something that day stands in one group, that of the worst session.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.core.book.standing import Person
from gateway.core.policy.kinds import FindingKind
from gateway.core.verdict import NOTICES
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


class Group(StrEnum):
    """What a day, or a session of it, is to a clerk; the worst stands first."""

    ABSENT = "absent"
    MISSING = "missing_punch"
    NOT_IN = "not_in"
    OFF_POST = "off_post"
    LATE = "late"
    EARLY = "early_leave"
    OTHER = "other"
    PENDING = "pending"
    LEAVE = "on_leave"
    EXCUSED = "excused"
    RULED = "ruled"
    NOTED = "noted"
    PRESENT = "so_far"
    AHEAD = "ahead"
    OK = "ok"


QUIET = (Group.PRESENT, Group.AHEAD, Group.OK)
"""Groups that are counted and not listed."""
_RANK = {group: rank for rank, group in enumerate(Group)}
_BY_KIND = {
    FindingKind.ABSENCE: Group.ABSENT,
    FindingKind.MISSING_PUNCH: Group.MISSING,
    FindingKind.OFF_POST: Group.OFF_POST,
    FindingKind.LATE: Group.LATE,
    FindingKind.EARLY_LEAVE: Group.EARLY,
}


@dataclass(frozen=True, slots=True)
class Seat:
    """A session of a person on the day, and what was found in it."""

    verdict: SessionVerdict
    group: Group
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A person on the day; `findings` are those that belong to no session."""

    person: Person
    group: Group
    seats: tuple[Seat, ...]
    findings: tuple[Finding, ...]
    deductions: tuple[Deduction, ...]
    warnings: tuple[Warned, ...]


@dataclass(frozen=True, slots=True)
class DayList:
    """Everybody who owed something on a day, the worst first."""

    date: date
    entries: tuple[Entry, ...]

    @property
    def counts(self) -> dict[Group, int]:
        """How many people are in each group that has any, the worst first."""
        counted = Counter(one.group for one in self.entries)
        return {group: counted[group] for group in Group if counted[group]}


def day_list(view: View, day: date) -> DayList:
    """Judge everybody on a day."""
    found = [
        one
        for person in view.book.people
        if (one := _entry(view, person, _judged(view, person, day)))
    ]
    ordered = sorted(found, key=lambda one: (_RANK[one.group], one.person.id))
    return DayList(day, tuple(ordered))


def _judged(view: View, person: Person, day: date) -> Judged:
    return view.judged(person.id, day, day, accounts=True)


def _entry(view: View, person: Person, judged: Judged) -> Entry | None:
    if not (judged.sessions or judged.findings or judged.warnings):
        return None
    by_id = {one.id: one for one in judged.findings}
    seats = []
    for verdict, account in zip(judged.sessions, judged.accounts, strict=True):
        mine = tuple(by_id.pop(key) for key in verdict.findings)
        group = group_of(view, verdict, mine, account.terminals)
        seats.append(Seat(verdict, group, mine))
    rest = tuple(by_id.values())
    return Entry(
        person=person,
        group=_worst([one.group for one in seats], noted=bool(rest)),
        seats=tuple(seats),
        findings=rest,
        deductions=tuple(judged.deductions),
        warnings=tuple(judged.warnings),
    )


def _worst(groups: list[Group], *, noted: bool) -> Group:
    if noted:
        groups.append(Group.NOTED)
    worst = min(groups, key=_RANK.__getitem__, default=Group.OK)
    # The afternoon is ahead of everybody who is here in the morning.
    here = Group.OK in groups and worst is Group.AHEAD
    return Group.PRESENT if here else worst


def group_of(
    view: View,
    one: SessionVerdict,
    findings: Sequence[Finding],
    terminals: Sequence[str],
) -> Group:
    """Return what a session is to a clerk; `terminals` are those that count."""
    kinds = [each.kind for each in findings if each.ruled_by is None]
    told = [_BY_KIND.get(kind, Group.OTHER) for kind in kinds if kind not in NOTICES]
    if told and one.state is not State.RULED:
        return min(told, key=_RANK.__getitem__)
    if one.state is State.PENDING:
        return _waiting(view, one, terminals)
    if one.state is State.EXCUSED:
        return Group.LEAVE if Flag.ON_LEAVE in one.flags else Group.EXCUSED
    if one.state is State.RULED:
        return Group.RULED
    return Group.NOTED if findings else Group.OK


def _waiting(view: View, one: SessionVerdict, terminals: Sequence[str]) -> Group:
    """Return what a session is whose data is not complete.

    While its window is open that is only to be expected: who signed in is here, who did
    not though everything was read past the start is missing.
    """
    now = view.now
    if Flag.WAITS_FOR_TERMINAL not in one.flags or now is None:
        return Group.PENDING
    if one.arrival or one.departure or Flag.CONTINUOUS in one.flags:
        return Group.PRESENT if now < one.closes else Group.PENDING
    if now < one.start:
        return Group.AHEAD
    read = view.read_until(terminals, now)
    return Group.NOT_IN if read is not None and read > one.start else Group.PENDING
