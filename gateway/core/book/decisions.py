"""Rows of the book about what was found and decided: incidents, rulings, objections."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from gateway.core.book import fields
from gateway.core.book.fields import ref
from gateway.core.book.standing import Row
from gateway.core.walker import filled, key


class IncidentKind(StrEnum):
    """What happened."""

    COMPLAINT = "complaint"
    UNRELATED_WORK = "unrelated_work"
    FALSIFICATION = "falsification"


class SourceKind(StrEnum):
    """From whom an incident came; not every source prices it."""

    HEADQUARTERS = "headquarters"
    GRASSROOTS = "grassroots"
    INSPECTION = "inspection"
    OTHER = "other"


class IncidentState(StrEnum):
    """How far an incident has come."""

    ENTERED = "entered"
    HEARD = "heard"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


class Decision(StrEnum):
    """What a ruling decides (复核结果)."""

    CONFIRM = "confirm"
    DISMISS = "dismiss"
    WAIVE = "waive"


class Outcome(StrEnum):
    """What became of an objection."""

    OPEN = ""
    UPHELD = "upheld"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident(Row):
    """A complaint, unrelated work or falsification, and how far it has come."""

    id: str = key(check=fields.identifier)
    kind: IncidentKind
    source_kind: SourceKind
    person: str = ref("people")
    at: datetime
    source: str = ""
    state: IncidentState
    statement: str = ""
    confirmed_by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling(Row):
    """What named humans decided about a case or finding; `on` is not the book's."""

    id: str = key(check=fields.identifier)
    on: str = key(check=filled)
    decision: Decision
    persons: tuple[str, ...] = ref("people", ())
    punches: tuple[str, ...] = ()
    by: tuple[str, ...] = key(check=fields.names)
    at: datetime
    reason: str = key(check=filled)
    evidence: tuple[str, ...] = ()
    heard_at: datetime | None = None
    statement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection(Row):
    """An objection (异议) of a person or a vendor to a finding."""

    id: str = key(check=fields.identifier)
    on: str = key(check=filled)
    by: str = key(check=filled)
    at: datetime
    text: str = ""
    decision: Outcome = Outcome.OPEN
    decided_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Row):
    """A personnel change (人员变更, S0-T19-10)."""

    id: str = key(check=fields.identifier)
    vendor: str = ref("vendors")
    outgoing: str = ref("people")
    incoming: str = ref("people")
    at: date
    reason: str = ""
    letter_at: date | None = None
    filed_with: tuple[str, ...] = ()
    client_agreed_by: str = ""
    client_agreed_at: date | None = None
    supplier_agreed_at: date | None = None
    demanded_by_client: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Row):
    """A notice of breach that a clerk sent to the supplier."""

    id: str = key(check=fields.identifier)
    vendor: str = ref("vendors")
    person: str = ref("people")
    finding: str = key(check=filled)
    sent_at: date
