"""The settings of a policy: how its text is read where it leaves something open.

Nothing has a default here: a policy file says everything, so that nobody is charged by
a number that stands nowhere. What each word means stands in `words`.
"""

from dataclasses import dataclass
from enum import StrEnum

from gateway.core.book.fields import time_of_day
from gateway.core.walker import between, key

_DAY_MINUTES = 1440
_MONTH_DAYS = 31


class Need(StrEnum):
    """Whether a sign is owed."""

    REQUIRED = "required"
    NONE = "none"


class OnTheSecond(StrEnum):
    """A sign exactly at the scheduled second."""

    ON_TIME = "on_time"
    LATE = "late"


class Precision(StrEnum):
    """How exact a sign is taken."""

    SECOND = "second"
    MINUTE = "minute"


class OneSign(StrEnum):
    """What a session with one of its two signs missing is at first."""

    ABSENCE = "absence"
    MISSING_PUNCH = "missing_punch"


class AfterEnd(StrEnum):
    """What a session is whose only signs come at or after its end."""

    ABSENCE = "absence"
    OFF_POST = "off_post"


class AddUp(StrEnum):
    """Over what lateness and early leave are added before the limit is asked."""

    EVENT = "event"
    SESSION = "session"
    DAY = "day"


class SameSession(StrEnum):
    """How late and early leave of one session are charged."""

    EACH = "each"
    HIGHEST = "highest"


class AbsencePer(StrEnum):
    """How often absence is charged on one date."""

    DAY = "day"
    SESSION = "session"


class Applied(StrEnum):
    """Until when leave must be applied for."""

    BEFORE = "before"
    NEXT_WORKDAY = "next_workday"


class LeaveLength(StrEnum):
    """How the length of a leave is measured."""

    CLOCK = "clock"
    DUTY = "duty"


class OneDay(StrEnum):
    """What «more than one day» of leave means."""

    DUTY_DAY = "duty_day"
    HOURS_24 = "24_hours"


class Letter(StrEnum):
    """What a missing letter does to a long leave."""

    NOTICE = "notice"
    CONDITION = "condition"


class ReturnUnconfirmed(StrEnum):
    """What a return in time is that nobody confirmed."""

    NOTICE = "notice"
    BREACH = "breach"


class Evidence(StrEnum):
    """What a make-up punch needs besides one approver."""

    FAULT_OR_TWO = "fault_or_two"
    NONE = "none"


class SharedPunch(StrEnum):
    """Whether one punch serves duties of two contracts on one day."""

    SAME_SITE = "same_site"
    NEVER = "never"


class PostOffPost(StrEnum):
    """When off-post on a 7×24 post is the post's matter."""

    UNCOVERED_ONLY = "uncovered_only"
    PERSON = "person"


class PostPrice(StrEnum):
    """Which of two prices of one gap on a post is charged."""

    SPECIAL = "special"
    GENERAL = "general"
    BOTH = "both"


class PostPer(StrEnum):
    """How often a gap on a post is charged."""

    OCCASION = "occasion"
    PERSON = "person"


class ProxyPer(StrEnum):
    """How often proxy punching is charged for each named person."""

    RULING = "ruling"
    DAY = "day"
    PUNCH = "punch"


class VoidSlot(StrEnum):
    """What a session is whose punch a ruling holds void."""

    RULED = "ruled"
    JUDGED = "judged"


class Consent(StrEnum):
    """Whether public holidays are free only when the end user agreed."""

    NOT_NEEDED = "not_needed"
    NEEDED = "needed"


class Charge(StrEnum):
    """From whom amounts are taken; `none` only counts."""

    CONTRACT = "contract"
    NONE = "none"


def _only_recorded(charged: bool) -> str | None:  # noqa: FBT001 - a check's argument
    """Refuse what nobody judges: keys are advisory, so no punch says «left» (E19)."""
    return (
        "gaps in mid-session are recorded, none is charged: false" if charged else None
    )


@dataclass(frozen=True, slots=True)
class Signs:
    """Which signs a session owes and how exactly they are taken."""

    sign_in: Need
    sign_out: Need
    on_the_second: OnTheSecond
    precision: Precision
    grace_minutes: int = key(check=between(0, 240))


@dataclass(frozen=True, slots=True)
class Windows:
    """Which punches a session sees."""

    opens_before_minutes: int = key(check=between(0, _DAY_MINUTES))
    closes_at: str = key(check=time_of_day)
    closes_after_minutes: int = key(check=between(0, _DAY_MINUTES))
    continuous: bool = key()
    continuous_within_minutes: int = key(check=between(0, _DAY_MINUTES))


@dataclass(frozen=True, slots=True)
class Repeats:
    """When punches close to each other are one."""

    seconds: int = key(check=between(0, 3600))


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What signs that are missing, late or early amount to."""

    one_sign_missing: OneSign
    missing_punch_workdays: int = key(check=between(0, _MONTH_DAYS))
    signs_after_end: AfterEnd = key()
    add_up: AddUp = key()
    same_session: SameSession = key()
    absence_per: AbsencePer = key()
    mid_session_gaps: bool = key(check=_only_recorded)


@dataclass(frozen=True, slots=True)
class LeaveSettings:
    """When leave counts, and how long it is."""

    applied: Applied
    length: LeaveLength
    one_day: OneDay
    joined: bool
    letter: Letter
    letter_workdays: int = key(check=between(0, _MONTH_DAYS))
    return_unconfirmed: ReturnUnconfirmed = key()


@dataclass(frozen=True, slots=True)
class Outages:
    """When a terminal that could not be read excuses a missing sign."""

    unreadable_minutes: int = key(check=between(0, _DAY_MINUTES))
    near_minutes: int = key(check=between(0, _DAY_MINUTES))
    excused_workdays: int = key(check=between(0, 366))


@dataclass(frozen=True, slots=True)
class Corrections:
    """When a make-up punch is accepted; 0: no quota, no deadline."""

    evidence: Evidence
    per_month: int = key(check=between(0, 100))
    within_workdays: int = key(check=between(0, 366))


@dataclass(frozen=True, slots=True)
class Clock:
    """When a terminal's measured offset is trusted."""

    agree_seconds: int = key(check=between(0, 3600))


@dataclass(frozen=True, slots=True)
class Posts:
    """How 7×24 posts are judged; `checkpoint_minutes` 0: no checks in mid-shift."""

    off_post: PostOffPost
    price: PostPrice
    per: PostPer
    signed_within_minutes: int = key(check=between(0, _DAY_MINUTES))
    checkpoint_minutes: int = key(check=between(0, _DAY_MINUTES))


@dataclass(frozen=True, slots=True)
class Rulings:
    """What a confirmed case does."""

    proxy_per: ProxyPer
    void_slot: VoidSlot


@dataclass(frozen=True, slots=True)
class Scope:
    """Money, holidays and people under two contracts."""

    charge: Charge
    holiday_consent: Consent
    shared_punch: SharedPunch
