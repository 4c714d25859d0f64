"""Make-up punches (补卡): accepted, or refused for one of three reasons.

The contract's rule knows none: a correction there needs evidence of a terminal fault or
two approvers. Other rules have a quota and a deadline.
"""

from collections.abc import Callable, Sequence
from datetime import date
from enum import StrEnum

from gateway.core.book.days import Correction, Outage
from gateway.core.book.standing import Act
from gateway.core.calendar import Calendar
from gateway.core.policy.settings import Corrections, Evidence
from gateway.core.workdays import workday_after

Entitled = Callable[[str, Act, date], bool]


class Refusal(StrEnum):
    """Why a correction is not accepted."""

    UNAPPROVED = "unapproved"
    NO_EVIDENCE = "no_evidence"
    QUOTA_SPENT = "quota_spent"
    TOO_LATE = "too_late"


def refusal(  # noqa: PLR0913 - what a correction is weighed against
    row: Correction,
    *,
    accepted: Sequence[Correction],
    outages: Sequence[Outage],
    settings: Corrections,
    entitled: Entitled,
    calendar: Calendar,
) -> Refusal | None:
    """Return why a correction is refused, None when it counts as a sign.

    `accepted` are the person's corrections accepted before it; `outages` those of
    terminals that count, at its time.
    """
    day = row.at.date()
    if not entitled(row.approved_by, Act.CORRECTION, day):
        return Refusal.UNAPPROVED
    if settings.evidence is Evidence.FAULT_OR_TWO and not (
        _two(row, entitled) or outages
    ):
        return Refusal.NO_EVIDENCE
    month = [one for one in accepted if one.at.date().replace(day=1) == _month(day)]
    if settings.per_month and len(month) >= settings.per_month:
        return Refusal.QUOTA_SPENT
    if settings.within_workdays:
        until = workday_after(calendar, day, settings.within_workdays)
        if until is not None and row.requested_at.date() > until:
            return Refusal.TOO_LATE
    return None


def _month(day: date) -> date:
    return day.replace(day=1)


def _two(row: Correction, entitled: Entitled) -> bool:
    other = row.second_by
    return other != row.approved_by and entitled(other, Act.CORRECTION, row.at.date())
