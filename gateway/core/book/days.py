"""Rows of the book that happen day by day: leave, handovers, permits, corrections."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from gateway.core.book import fields
from gateway.core.book.fields import ref
from gateway.core.book.standing import Row, Unnamed
from gateway.core.walker import between, filled, key


class LeaveKind(StrEnum):
    """Kinds of leave; `official` counts as attendance elsewhere."""

    PERSONAL = "personal"
    SICK = "sick"
    OFFICIAL = "official"
    OTHER = "other"


class PermitKind(StrEnum):
    """What a permit allows."""

    AFTER_HOURS = "after_hours"
    OVERTIME = "overtime"
    REMOTE = "remote"
    FIELD = "field"
    TRIP = "trip"
    LATE = "late"
    HOURS = "hours"


class Slot(StrEnum):
    """Which sign a correction stands for."""

    IN = "in"
    OUT = "out"


class Seen(StrEnum):
    """What a head count found."""

    PRESENT = "present"
    ABSENT = "absent"


class OutageDecision(StrEnum):
    """What a clerk decided about an outage."""

    OPEN = ""
    EXCUSED = "excused"


class ReportKind(StrEnum):
    """Reports whose receipt is kept."""

    DAILY = "daily"
    WEEKLY = "weekly"
    QUARTERLY = "quarterly"
    EVENT_SHEET = "event_sheet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave(Row):
    """A leave (请假), half-open [from, to); not approved without `approved_by`.

    `ended_at` is when an approver ended it early, `returned_at` the 销假.
    """

    id: str = key(check=fields.identifier)
    person: str = ref("people")
    kind: LeaveKind
    reason: str = ""
    from_: datetime
    to: datetime
    applied_at: datetime
    approved_by: str = ""
    approved_at: datetime | None = None
    letter_at: datetime | None = None
    certificate_at: datetime | None = None
    certificate_level: str = ""
    explanation_at: datetime | None = None
    substitute_waived_by: str = ""
    ended_at: datetime | None = None
    returned_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitution(Row):
    """Somebody approved takes another's duty (替补), half-open [from, to)."""

    id: str = key(check=fields.identifier)
    person: str = ref("people")
    substitute: str = ref("people")
    from_: datetime
    to: datetime
    leave: str = ref("leave", "")
    approved_by: str = ""
    attested_by: str = ""
    attested_until: date | None = None
    handover: str = ref("handovers", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover(Row):
    """A handover (交接班); a side that did not sign has no signature time."""

    id: str = key(check=fields.identifier)
    post: str = ref("posts", "")
    at: datetime
    outgoing: str = ref("people")
    incoming: str = ref("people")
    outgoing_signed_at: datetime | None = None
    incoming_signed_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit(Row):
    """A permit, half-open [from, to); not approved without `approved_by`."""

    id: str = key(check=fields.identifier)
    person: str = ref("people")
    kind: PermitKind
    from_: datetime
    to: datetime
    place: str = ""
    applied_at: datetime
    approved_by: str = ""
    approved_at: datetime | None = None
    emergency: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction(Row):
    """A make-up punch (补卡) that somebody asks for or has approved."""

    id: str = key(check=fields.identifier)
    person: str = ref("people")
    at: datetime
    slot: Slot
    reason: str = key(check=filled)
    evidence: str = ""
    requested_at: datetime
    approved_by: str = ""
    approved_at: datetime | None = None
    second_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll(Unnamed):
    """An arrival roll at the desk (到岗签到)."""

    person: str = ref("people")
    at: datetime
    place: str = ""
    witnessed_by: str = key(check=filled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting(Unnamed):
    """A head count or inspection at a post."""

    post: str = ref("posts")
    person: str = ref("people")
    at: datetime
    by: str = key(check=filled)
    result: Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage(Unnamed):
    """A terminal could not be used, half-open [from, to)."""

    terminal: str = ref("terminals")
    from_: datetime
    to: datetime
    decision: OutageDecision = OutageDecision.OPEN
    decided_by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Unnamed):
    """A report that was due; without `received_at` it has not come."""

    person: str = ref("people")
    kind: ReportKind
    due: datetime
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment(Unnamed):
    """A score of the grades add-on."""

    period: str = key(check=filled)
    vendor: str = ref("vendors")
    person: str = ref("people", "")
    item: str = key(check=filled)
    score: float = key(check=between(0, 10**6))
    max: float = key(check=between(0, 10**6))
    by: str = key(check=filled)
    at: date
    told_at: date | None = None
