"""Why a verdict is what it is: from each session of a date back to the raw bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from gateway.core.account import Account
from gateway.core.book.standing import Person
from gateway.core.moments import day_of
from gateway.core.policy.kinds import Words
from gateway.core.policy.page import Ambiguity, open_ambiguities, reading_of
from gateway.core.policy.reading import Policy
from gateway.core.verdicts import (
    Finding,
    Judged,
    SessionVerdict,
    Unassigned,
    Warned,
)
from gateway.people_view import View
from gateway.store.evidence import Evidence

_DAY = timedelta(days=1)
_NO_CONTRACT = Words(
    "当天不在合同期内或不在岗，不应勤", "owes nothing: no contract, or not present"
)
_NO_ROSTER = Words("当天没有排班", "the roster gives nothing on that day")
_FREE = Words(
    "当天休息：日历、命令或班次没有安排", "a day off by calendar, order or shift"
)


@dataclass(frozen=True, slots=True)
class Told:
    """A finding with its amount in fen, the text of its clause, and how it was read.

    `reading` is the setting that decided, where it is one, `open` whether the owner of
    the rule has yet to confirm it. `reason` says why a notice costs nothing.
    """

    finding: Finding
    fen: int | None
    clause: Words | None
    reading: Ambiguity | None
    open: bool
    reason: Words | None


@dataclass(frozen=True, slots=True)
class Step:
    """A session: its verdict, how it came to it, and what was found."""

    verdict: SessionVerdict
    account: Account
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything there is to say of a person's date.

    `notices` belong to no session, `left` are punches of the day that serve none,
    `nothing` says why nothing was owed.
    """

    person: Person
    date: date
    steps: tuple[Step, ...]
    notices: tuple[Told, ...]
    left: tuple[Unassigned, ...]
    evidence: Mapping[str, Evidence]
    warnings: tuple[Warned, ...]
    nothing: Words | None


def explain(view: View, person: Person, day: date) -> Explanation:
    """Judge a person's date and say why."""
    # What one session of a date lacks may stand in the night before.
    judged = view.judged(person.id, day - _DAY, day + _DAY, accounts=True)
    rest = {
        one.id: _told(view, judged, one) for one in judged.findings if one.date == day
    }
    steps = tuple(
        Step(verdict, account, tuple(rest.pop(key) for key in verdict.findings))
        for verdict, account in zip(judged.sessions, judged.accounts, strict=True)
        if verdict.date == day
    )
    left = tuple(one for one in judged.unassigned if day_of(one.at) == day)
    named = [placed.punch for step in steps for placed in step.account.punches]
    return Explanation(
        person=person,
        date=day,
        steps=steps,
        notices=tuple(rest.values()),
        left=left,
        evidence=view.evidence([*named, *(one.punch for one in left)]),
        warnings=tuple(one for one in judged.warnings if one.date in (None, day)),
        nothing=None if steps else _nothing(view, person.id, day),
    )


def _told(view: View, judged: Judged, one: Finding) -> Told:
    policy = view.policies[one.policy]
    name = one.setting.partition(" = ")[0]
    fen = (line.amount_fen for line in judged.deductions if line.finding == one.id)
    price = policy.price(one.kind)
    free = price is not None and price.amount_fen is None
    return Told(
        finding=one,
        fen=next(fen, None),
        clause=_clause(policy, one.clause),
        reading=reading_of(policy, name),
        open=name in {found.setting for found in open_ambiguities(policy)},
        reason=Words(price.zh, price.en) if price and free else None,
    )


def _clause(policy: Policy, number: str) -> Words | None:
    found = policy.file.clauses.get(number)
    return Words(found.zh, found.en) if found else None


def _nothing(view: View, person: str, day: date) -> Words:
    if view.book.contract_of(person, day) is None:
        return _NO_CONTRACT
    if not view.book.assignments(person, day):
        return _NO_ROSTER
    return _FREE
