"""Suspicions on the wire: topic `suspicion`, for the reviewer role alone."""

from typing import Any, Literal

import msgspec

from sync.messages import Count, Name, Said, Seq


class CaseReview(msgspec.Struct, frozen=True, kw_only=True):
    """What named people decided of a case, and when; `statement`: the person's own."""

    by: list[Name]
    at: str
    decision: Literal["confirm", "dismiss"]
    reason: str
    ruling: str | None
    statement: str


class WhyNot(msgspec.Struct, frozen=True, kw_only=True):
    """Why a suspicion is no case, or no longer one, in both languages."""

    zh: str
    en: str


class SuspicionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A suspicion of proxy punching, of topic `suspicion`: for reviewers alone.

    The fields are those of `punchgate suspect --json`; people are ids of the book,
    never names. No number in it is a probability of guilt. A higher `rev` of an `id`
    replaces the whole case. Only `grade` `case` may be put before two people; `status`
    `weakened` says that the evidence no longer carries it.
    """

    seq: Seq
    id: Name
    rev: Count
    kind: Literal[
        "pair", "burst", "enrolment", "two_sites", "leave", "clock", "records_gone"
    ]
    grade: Literal["case", "watch", "note"]
    status: Literal["open", "weakened", "confirmed", "dismissed"]
    subject: str | None
    neighbour: str | None
    alternatives: list[dict[str, Any]]
    terminal: str | None
    events: list[str]
    days: list[dict[str, Any]]
    null: dict[str, Any]
    strength: dict[str, Any]
    opened_on: str
    as_of: str
    claim: Said
    why_not_a_case: WhyNot | None
    punches: list[dict[str, Any]]
    context: dict[str, Any]
    innocent_explanations: list[Said]
    to_confirm: list[dict[str, Any]]
    decision_on: str
    decided: list[str]
    charge_once: str | None
    integrity: str
    review: list[CaseReview]
