"""E97: a terminal that could not be read excuses a missing sign, not a lateness.

A sign is excused only if no counting terminal was readable for some minutes near the
time it was due: before it for an IN, after it for an OUT.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.core.book.days import Outage, OutageDecision
from gateway.core.calendar import Calendar
from gateway.core.moments import day_of, wall
from gateway.core.policy.settings import Outages
from gateway.core.rules.spans import clip, common, total
from gateway.core.workdays import workday_after


class Excuse(StrEnum):
    """Whether a missing sign is excused; an outage nobody ruled on is open for now."""

    NO = "no"
    OPEN = "open"
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Excused:
    """The answer, and the outages it rests on."""

    answer: Excuse
    rows: tuple[Outage, ...] = ()


def excuse(
    due: tuple[int, int],
    outages: Mapping[str, Sequence[Outage]],
    settings: Outages,
    calendar: Calendar,
    now: int | None,
) -> Excused:
    """Say whether a sign that was due in a span may be missing.

    Args:
        due: the span before the start or after the end in which the sign was likely.
        outages: of every terminal that counts, also of those without any.
        settings: of the policy.
        calendar: for the days after which an outage nobody ruled on is excused.
        now: the moment of judging; None: long after everything.
    """
    needed = settings.unreadable_minutes * 60
    groups = [[_span(row) for row in rows] for rows in outages.values()]
    dead = clip(common(groups), *due)
    if not dead or total(dead) < needed:
        return Excused(Excuse.NO)
    used = tuple(
        row
        for rows in outages.values()
        for row in rows
        if any(clip([_span(row)], *span) for span in dead)
    )
    ruled = all(_is_excused(row, settings, calendar, now) for row in used)
    return Excused(Excuse.YES if ruled else Excuse.OPEN, used)


def near_start(start: int, settings: Outages) -> tuple[int, int]:
    """Return when an IN was likely."""
    return start - settings.near_minutes * 60, start


def near_end(end: int, settings: Outages) -> tuple[int, int]:
    """Return when an OUT was likely."""
    return end, end + settings.near_minutes * 60


def _is_excused(
    row: Outage, settings: Outages, calendar: Calendar, now: int | None
) -> bool:
    if row.decision is OutageDecision.EXCUSED and row.decided_by:
        return True
    if now is None:
        return True
    until = workday_after(calendar, row.to.date(), settings.excused_workdays)
    return until is not None and day_of(now) > until


def _span(row: Outage) -> tuple[int, int]:
    return wall(row.from_), wall(row.to)
