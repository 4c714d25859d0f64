"""What judging says: sessions with their signs, findings that name clause and punches.

Plain values. Moments are those of `moments`: seconds on the wall clock of the site.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from gateway.core.account import Account
from gateway.core.policy.kinds import FindingKind, Words


class State(StrEnum):
    """What became of a session."""

    PENDING = "pending"
    OK = "ok"
    FOUND = "found"
    EXCUSED = "excused"
    RULED = "ruled"
    UNPRICED = "unpriced"


class Flag(StrEnum):
    """What a clerk should look at; none of them changes a verdict."""

    BY_PLACE = "by_place"
    KEY_CONTRADICTS = "key_contradicts"
    CONTINUOUS = "continuous"
    CORRECTED = "corrected"
    WAITS_FOR_TERMINAL = "waits_for_terminal"
    WAITS_FOR_BADGE = "waits_for_badge"
    WAITS_FOR_CALENDAR = "waits_for_calendar"
    WAITS_FOR_CENTRE = "waits_for_centre"
    OUTAGE_OPEN = "outage_open"
    ON_LEAVE = "on_leave"
    TIME_UNCERTAIN = "time_uncertain"
    CLOCKS_TURNED = "clocks_turned"


@dataclass(frozen=True, slots=True)
class Punched:
    """A punch of a person as judging sees it.

    `moment` and `site` decide; no site is that of the book. `state` is the key that was
    pressed, where one is known.
    """

    id: str
    moment: int
    site: str
    terminal: str = ""
    state: int | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign of a session: the punch that counts and its moment."""

    at: int
    punch: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found (认定).

    `date` is the duty date, `session` counts from 1 in the shift's order; both people
    and sessions may be absent. `seconds` is owed time missed. `punches` are ids, `rows`
    rows of the book, `setting` what of the policy decided. `absorbed_by` is the finding
    that is charged in its place, `ruled_by` the ruling that waived it. `reason` says
    why a notice costs nothing.
    """

    id: str
    kind: FindingKind
    policy: str
    person: str
    vendor: str
    date: date
    session: int | None
    seconds: int | None
    clause: str
    punches: tuple[str, ...]
    rows: tuple[str, ...]
    setting: str
    final: bool
    zh: str
    en: str
    absorbed_by: str | None = None
    ruled_by: str | None = None


@dataclass(frozen=True, slots=True)
class Deduction:
    """A line of money (扣款), in fen; only final findings have one."""

    finding: str
    policy: str
    clause: str
    person: str
    vendor: str
    date: date
    amount_fen: int


class SessionVerdict(NamedTuple):
    """A session that was owed, its signs, and what it came to.

    Made for every person, day and session: a tuple takes a third of the time.

    `findings` are ids, also of notices about this session. `waits` says in words what a
    pending session waits for. `closes` is from when on no punch
    can change it, 0 where it has no window.
    """

    person: str
    date: date
    shift: str
    session: int
    start: int
    end: int
    arrival: Mark | None
    departure: Mark | None
    state: State
    findings: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    waits: Words | None = None
    closes: int = 0


class Why(StrEnum):
    """Why a punch belongs to no session."""

    OUTSIDE_WINDOWS = "outside_windows"
    NO_DUTY = "no_duty"
    OTHER_TERMINAL = "other_terminal"
    VOID = "void"
    UNKNOWN_PERSON = "unknown_person"


@dataclass(frozen=True, slots=True)
class Unassigned:
    """A punch that is kept and serves no session."""

    punch: str
    person: str
    at: int
    why: Why


@dataclass(frozen=True, slots=True)
class Warned:
    """Something odd that changed nothing, for a person to look at."""

    person: str
    date: date | None
    zh: str
    en: str


@dataclass(slots=True)
class Judged:
    """What one run says of one person, or of many; `accounts` only where asked for."""

    sessions: list[SessionVerdict] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    deductions: list[Deduction] = field(default_factory=list)
    unassigned: list[Unassigned] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)

    def add(self, more: "Judged") -> None:
        """Take in what was said of somebody else."""
        self.sessions += more.sessions
        self.findings += more.findings
        self.deductions += more.deductions
        self.unassigned += more.unassigned
        self.warnings += more.warnings
        self.accounts += more.accounts
