"""Clauses of a written rule: their text in short, their limits and their amounts.

An amount belongs to one kind of finding and is keyed `<kind>_fen`; a limit is keyed by
what it limits. Each stands in exactly one clause, and that clause is what a finding
cites.
"""

import re
from dataclasses import dataclass, fields

from gateway.core.policy.kinds import FindingKind
from gateway.core.walker import between, filled, key

_NUMBER = re.compile(r"S[0-9]-[A-Z][0-9]+-[0-9A-Za-z.()-]+")
_FEN = "_fen"


def _amount(value: int | None) -> str | None:
    return None if value is None else between(0, 10**9)(value)


def _minutes(value: int | None) -> str | None:
    return None if value is None else between(0, 44640)(value)


def number(value: str) -> str | None:
    """Check the number of a clause."""
    if _NUMBER.fullmatch(value):
        return None
    return f'must be the number of a clause like "S0-T19-6(1)", not {value!r}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """A clause: limits in minutes (0: there is no such step), amounts in fen."""

    zh: str = key(check=filled)
    en: str = key(check=filled)

    off_post_above_minutes: int | None = key(None, check=_minutes)
    off_post_charged_above_minutes: int | None = key(None, check=_minutes)
    absence_above_minutes: int | None = key(None, check=_minutes)
    leave_letter_above_minutes: int | None = key(None, check=_minutes)
    post_off_post_above_minutes: int | None = key(None, check=_minutes)

    late_fen: int | None = key(None, check=_amount)
    early_leave_fen: int | None = key(None, check=_amount)
    off_post_fen: int | None = key(None, check=_amount)
    absence_fen: int | None = key(None, check=_amount)
    no_substitute_fen: int | None = key(None, check=_amount)
    no_substitute_part_fen: int | None = key(None, check=_amount)
    post_uncovered_fen: int | None = key(None, check=_amount)
    handover_missing_fen: int | None = key(None, check=_amount)
    handover_false_fen: int | None = key(None, check=_amount)
    proxy_punch_fen: int | None = key(None, check=_amount)
    falsification_fen: int | None = key(None, check=_amount)
    unrelated_work_fen: int | None = key(None, check=_amount)
    return_unconfirmed_fen: int | None = key(None, check=_amount)
    complaint_fen: int | None = key(None, check=_amount)


LIMITS = tuple(
    field.name for field in fields(Clause) if field.name.endswith("_minutes")
)
AMOUNTS = tuple(field.name for field in fields(Clause) if field.name.endswith(_FEN))
# Charged when a date of such a leave was covered in part.
PART = "no_substitute_part_fen"


def kind_of(amount: str) -> FindingKind | None:
    """Return the kind that an amount's key prices; None for the part of one."""
    return None if amount == PART else FindingKind(amount.removesuffix(_FEN))


@dataclass(frozen=True, slots=True)
class NoticeText:
    """A kind that has no amount, the clause it cites, and why it has none."""

    clause: str = key(check=number)
    zh: str = key(check=filled)
    en: str = key(check=filled)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit and the clause that sets it; `seconds` 0: there is no such step."""

    seconds: int
    clause: str


@dataclass(frozen=True, slots=True)
class Price:
    """What a kind costs and by which clause.

    `amount_fen` is None for a notice, whose reason says why; `part_fen` is charged
    where only a part of a date is meant.
    """

    kind: FindingKind
    clause: str
    amount_fen: int | None
    part_fen: int | None = None
    zh: str = ""
    en: str = ""
