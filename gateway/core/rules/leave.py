"""S0-T19-8: leave. Which leave counts, what it covers, how long it is, its letter.

Leave counts if it was applied for before it began and an entitled approver approved it.
It cuts owed time and moves neither windows nor slots. Only an approver can shorten it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from gateway.core.book.days import Leave, LeaveKind, Permit, PermitKind
from gateway.core.book.standing import Act
from gateway.core.calendar import Calendar
from gateway.core.moments import Span, wall
from gateway.core.policy.settings import Applied, LeaveLength, LeaveSettings, Letter
from gateway.core.rules.spans import Spans, clip, merged, total
from gateway.core.workdays import workday_after

Entitled = Callable[[str, Act, date], bool]
_ELSEWHERE = (PermitKind.FIELD, PermitKind.TRIP, PermitKind.REMOTE)


class Owed(Protocol):
    """A session before leave is taken off."""

    @property
    def date(self) -> date:
        """The duty date."""
        ...

    @property
    def spans(self) -> Spans:
        """The session less its breaks."""
        ...


class Failed(StrEnum):
    """Why a leave or permit has no effect."""

    UNAPPROVED = "unapproved"
    NOT_ENTITLED = "not_entitled"
    UNNOTIFIED = "unnotified"
    NO_LETTER = "no_letter"


@dataclass(frozen=True, slots=True)
class Taken:
    """A leave (or permit for elsewhere) as it counts: its row, its span, or why not."""

    row: Leave | Permit
    span: Span
    failed: Failed | None = None

    @property
    def counts(self) -> bool:
        """Say whether it cuts owed time."""
        return self.failed is None

    @property
    def elsewhere(self) -> bool:
        """Say whether it is attendance at another place, which needs no papers."""
        return isinstance(self.row, Permit) or self.row.kind is LeaveKind.OFFICIAL


def taken(
    row: Leave, settings: LeaveSettings, entitled: Entitled, calendar: Calendar
) -> Taken:
    """Weigh a leave as it was entered."""
    start, end = wall(row.from_), wall(row.to)
    ended = row.ended_at
    if ended is not None and entitled(row.entered_by, Act.LEAVE, ended.date()):
        end = max(start, min(end, wall(ended)))
    failed = _approval(row, Act.LEAVE, entitled)
    if failed is None and not _notified(row, settings, calendar):
        failed = Failed.UNNOTIFIED
    return Taken(row, (start, end), failed)


def elsewhere(row: Permit, entitled: Entitled) -> Taken | None:
    """Weigh a permit for a trip, field or remote work; None for other permits."""
    if row.kind not in _ELSEWHERE:
        return None
    failed = _approval(row, Act.PERMIT, entitled)
    late = row.applied_at >= row.from_ and not row.emergency
    if failed is None and late:
        failed = Failed.UNNOTIFIED
    return Taken(row, (wall(row.from_), wall(row.to)), failed)


def _approval(row: Leave | Permit, act: Act, entitled: Entitled) -> Failed | None:
    if not row.approved_by:
        return Failed.UNAPPROVED
    day = (row.approved_at or row.applied_at).date()
    return None if entitled(row.approved_by, act, day) else Failed.NOT_ENTITLED


def _notified(row: Leave, settings: LeaveSettings, calendar: Calendar) -> bool:
    if row.applied_at < row.from_:
        return True
    if settings.applied is Applied.BEFORE or row.explanation_at is None:
        return False
    until = workday_after(calendar, row.to.date(), 1)
    return until is None or row.explanation_at.date() <= until


def joined(leaves: Sequence[Taken], owed: Sequence[Owed]) -> list[list[Taken]]:
    """Put leaves together between which no owed time lies; given in order of time."""
    groups: list[list[Taken]] = []
    reach = 0
    for leave in leaves:
        between = (reach, leave.span[0])
        if not groups or any(clip(due.spans, *between) for due in owed):
            groups.append([leave])
        else:
            groups[-1].append(leave)
        reach = max(reach, leave.span[1])
    return groups


def length(spans: Iterable[Span], owed: Sequence[Owed], how: LeaveLength) -> int:
    """Return how long leave is, in seconds.

    By the clock: on each duty date from the first owed second it covers to the last,
    lunch counted; nights and days without duty are left out. By duty: owed time only.
    """
    covered: dict[date, list[Span]] = {}
    for due in owed:
        for start, end in merged(spans):
            covered.setdefault(due.date, []).extend(clip(due.spans, start, end))
    if how is LeaveLength.DUTY:
        return sum(total(merged(found)) for found in covered.values())
    return sum(
        max(high for _, high in found) - min(low for low, _ in found)
        for found in covered.values()
        if found
    )


def letter_due(
    group: Sequence[Taken], settings: LeaveSettings, calendar: Calendar
) -> date | None:
    """Return until when the company's letter of a long leave may come."""
    last = max(leave.row.to for leave in group).date()
    return workday_after(calendar, last, settings.letter_workdays)


def has_letter(group: Sequence[Taken], until: date | None) -> bool:
    """Say whether a letter came for a leave, or for what it is joined with, in time."""
    came = [
        leave.row.letter_at.date()
        for leave in group
        if isinstance(leave.row, Leave) and leave.row.letter_at is not None
    ]
    return any(until is None or day <= until for day in came)


def needs_letter(
    group: Sequence[Taken], owed: Sequence[Owed], settings: LeaveSettings, limit: int
) -> bool:
    """Say whether leaves together are longer than goes without a letter (s)."""
    spans = [leave.span for leave in group]
    return length(spans, owed, settings.length) > limit


def lapses(settings: LeaveSettings) -> bool:
    """Say whether a leave without its letter has no effect."""
    return settings.letter is Letter.CONDITION
