"""Rows of the book that stand for long: places, contracts, people and badges."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from gateway.core.book import fields
from gateway.core.book.fields import ref
from gateway.core.walker import between, filled, key

ANY_TERMINAL = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What every row may say about itself.

    `supersedes` is the id of a row of the same table that this one replaces; both stay
    visible, the newest counts.
    """

    entered_by: str = ""
    entered_at: datetime | None = None
    supersedes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unnamed(Row):
    """A row that is seldom named; with an id it can be superseded."""

    id: str = key("", check=fields.maybe(fields.identifier))


class CalendarName(StrEnum):
    """Which days are working days where nothing else is said."""

    CN = "CN"
    WEEKDAYS = "weekdays"


class Phase(StrEnum):
    """The phase of a contract (试用、免费、付费运维)."""

    TRIAL = "trial"
    FREE = "free"
    PAID = "paid"


class PayableKind(StrEnum):
    """What deductions are taken from."""

    ANNUAL = "annual"
    FINAL = "final"


class SignMethod(StrEnum):
    """How a person signs in; people may refuse a biometric one."""

    FINGER = "finger"
    FACE = "face"
    CARD = "card"
    PASSWORD = "password"  # noqa: S105 - a way to sign, no secret
    ROLL = "roll"


@dataclass(frozen=True, slots=True)
class Site:
    """The site and its clock."""

    id: str = key(check=fields.identifier)
    name: str = ""
    timezone: str = key("Asia/Shanghai", check=fields.zone)
    calendar: CalendarName = CalendarName.CN


class LeadingZeros(StrEnum):
    """What the zeros in front of a number are on a terminal (E39)."""

    COUNT = "count"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookTerminal(Row):
    """A terminal (考勤机) of the site; the book owns its serial."""

    id: str = key(check=fields.identifier)
    serial: str = key(check=fields.identifier)
    place: str = ""
    site: str | None = None
    timezone: str | None = key(None, check=fields.zone)
    leading_zeros: LeadingZeros = LeadingZeros.COUNT


@dataclass(frozen=True, slots=True, kw_only=True)
class Travel(Unnamed):
    """The shortest way between two sites; other sites need no table here."""

    a: str = key(check=fields.identifier)
    b: str = key(check=fields.identifier)
    minutes: int = key(check=between(0, 10080))


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor(Row):
    """A supplier (供应商)."""

    id: str = key(check=fields.identifier)
    name: str = key(check=filled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract(Row):
    """A contract of a vendor; `policy` judges its people from `from` to `to`."""

    id: str = key(check=fields.identifier)
    vendor: str = ref("vendors")
    policy: str = key(check=filled)
    from_: date
    to: date
    phase: Phase | None = None
    payable_kind: PayableKind | None = None
    payable_fen: int | None = key(None, check=fields.amount)
    accepted_at: date | None = None
    announced_at: date | None = None
    objection_days: int = key(10, check=between(0, 365))
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(Row):
    """A person (人员). Being in or out of the contract never hides a punch."""

    id: str = key(check=fields.identifier)
    name: str = key(check=filled)
    vendor: str = ref("vendors", "")
    from_: date | None = None
    to: date | None = None
    sign_method: SignMethod | None = None
    biometric_notice_at: date | None = None
    biometric_consent_at: date | None = None
    nda_signed_at: date | None = None

    def present(self, day: date) -> bool:
        """Say whether the person belongs to the site on `day`."""
        return (self.from_ or date.min) <= day <= (self.to or date.max)


@dataclass(frozen=True, slots=True)
class Enrolment(Unnamed):
    """A badge on a terminal (登记) belongs to a person from a date to a date."""

    person: str = ref("people")
    badge: str = key(check=fields.badge)
    terminal: str = ref("terminals", ANY_TERMINAL)
    from_: date | None = None
    to: date | None = None

    def covers(self, day: date) -> bool:
        """Say whether `day` is within the inclusive dates."""
        return (self.from_ or date.min) <= day <= (self.to or date.max)

    def overlaps(self, other: "Enrolment") -> bool:
        """Say whether one day could mean both."""
        starts = max(self.from_ or date.min, other.from_ or date.min)
        ends = min(self.to or date.max, other.to or date.max)
        return starts <= ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve(Unnamed):
    """A reserve person kept ready, and the days of visits."""

    vendor: str = ref("vendors")
    person: str = ref("people")
    from_: date
    to: date | None = None
    visits: tuple[date, ...] = ()


class Act(StrEnum):
    """What an approver may do."""

    LEAVE = "leave"
    PERMIT = "permit"
    CHANGE = "change"
    CORRECTION = "correction"
    SUBSTITUTION = "substitution"
    HANDOVER = "handover"
    WAIVE = "waive"
    RULE = "rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver(Unnamed):
    """Who may approve what; without any row every named approver is entitled."""

    name: str = key(check=filled)
    may: tuple[Act, ...] = key(check=fields.some)
    from_: date | None = None
    to: date | None = None

    def entitled(self, act: Act, day: date) -> bool:
        """Say whether this row allows `act` on `day`."""
        first, last = self.from_ or date.min, self.to or date.max
        return act in self.may and first <= day <= last
