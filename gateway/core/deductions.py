"""2.0.6 and 2.0.8 Money: which finding has a line, and which is charged by another.

One fact, one amount. Only final findings have lines; notices never have one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from gateway.core.policy.kinds import FindingKind
from gateway.core.policy.reading import Policy
from gateway.core.policy.settings import AbsencePer, Charge, SameSession
from gateway.core.verdicts import Deduction, Finding

_ENDS = (FindingKind.LATE, FindingKind.EARLY_LEAVE, FindingKind.OFF_POST)


def charge(
    findings: Iterable[Finding], policy_of: Callable[[Finding], Policy]
) -> tuple[list[Finding], list[Deduction]]:
    """Return findings with what absorbs them, and the lines of those that are charged.

    Args:
        findings: of one person in the order of their sessions.
        policy_of: returns the version of a policy that a finding was made by.
    """
    ordered = sorted(findings, key=_order)
    told: list[Finding] = []
    for _, group in groupby(ordered, key=lambda one: (one.policy, one.date)):
        together = list(group)
        told += _absorb(together, policy_of(together[0]))
    lines = [line for one in told if (line := _line(one, policy_of(one)))]
    return told, lines


def _order(one: Finding) -> tuple[object, ...]:
    """Keep the order in time that findings come in; notices stand behind their date."""
    return one.policy, one.date, one.session is None


def _absorb(findings: Sequence[Finding], policy: Policy) -> list[Finding]:
    """Settle who is charged among the findings of one date."""
    verdicts = policy.file.verdicts
    by: dict[str, str] = {}
    if verdicts.absence_per is AbsencePer.DAY:
        days = [one for one in findings if one.kind is FindingKind.ABSENCE]
        by |= _by_first([one for one in days if _charged(one, policy)])
    if verdicts.same_session is SameSession.HIGHEST:
        by |= _by_highest(findings, policy)
    return [replace(one, absorbed_by=by.get(one.id)) for one in findings]


def _by_first(findings: Sequence[Finding]) -> dict[str, str]:
    return {one.id: findings[0].id for one in findings[1:]}


def _by_highest(findings: Sequence[Finding], policy: Policy) -> dict[str, str]:
    """Of several findings at the ends of one session only the dearest is charged."""
    by: dict[str, str] = {}
    ends = [one for one in findings if one.kind in _ENDS and _charged(one, policy)]
    for _, group in groupby(ends, key=lambda one: one.session):
        together = list(group)
        dearest = max(together, key=lambda one: _amount(one, policy) or 0)
        by |= {one.id: dearest.id for one in together if one is not dearest}
    return by


def _charged(one: Finding, policy: Policy) -> bool:
    return one.final and one.ruled_by is None and _amount(one, policy) is not None


def _amount(one: Finding, policy: Policy) -> int | None:
    price = policy.price(one.kind)
    return price.amount_fen if price else None


def _line(one: Finding, policy: Policy) -> Deduction | None:
    if policy.file.scope.charge is Charge.NONE or one.absorbed_by is not None:
        return None
    amount = _amount(one, policy)
    if amount is None or not _charged(one, policy):
        return None
    return Deduction(
        finding=one.id,
        policy=one.policy,
        clause=one.clause,
        person=one.person,
        vendor=one.vendor,
        date=one.date,
        amount_fen=amount,
    )
