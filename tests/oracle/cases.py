"""What the oracle is told about a person and a site, and what it answers.

Plain values without behaviour. All times are naive local times of the site; every
interval is half-open.
"""

from dataclasses import dataclass, field
from datetime import date, datetime

Span = tuple[datetime, datetime]

# Sentences that can be read in more than one way, and the reading taken here.
AMBIGUOUS: dict[str, tuple[str, str]] = {
    "border-open": (
        "one punch within 2 h of it, or none, is a continuous stay (2.0.1)",
        (
            "whether it is one is only known 2 h after the border, but the first "
            "session's window ends at the border: data that ends in between is "
            "compared in neither session"
        ),
    ),
    "border-alone": (
        "one punch within 2 h of it, or none, is a continuous stay (2.0.1)",
        (
            "read to the letter and compared: also where the person has no other "
            "punch in either window, so of three 24-hour duties never attended the "
            "middle one is ok"
        ),
    ),
    "border-repeat": (
        "windows first, then chains inside a window (2.0.2)",
        (
            "two signs less than 60 s apart on either side of the border of two "
            "duties are two chains, so two punches and no continuous stay; they may "
            "as well be one"
        ),
    ),
    "border-leave": (
        ("leave moves neither windows nor slots (2.0.3); a continuous stay (2.0.1)"),
        (
            "leave up to or from the common second: the letter keeps the stay, but "
            "nobody stays who is on leave; not compared"
        ),
    ),
    "border-correction": (
        "one punch within 2 h of it, or none, is a continuous stay (2.0.1)",
        (
            "an accepted correction is a punch here too, so that one beside another "
            "punch ends the stay; it may as well not count"
        ),
    ),
    "order-scope": (
        "people = [] (opt) scope; also shifts = [], posts = [] (book.toml)",
        (
            "an order that names people and shifts may mean those people on those "
            "shifts, or all of either: no order here names both"
        ),
    ),
    "border-far": (
        "one punch within 2 h of it, or none, is a continuous stay (2.0.1)",
        (
            "no punch within 2 h and one alone in the window: whether the stay "
            "leaves it the other end, or 2.0.3 the nearer one, is not compared"
        ),
    ),
    "two-sites": (
        ("the earliest is IN, the latest is OUT (2.0.3); different sites never chain"),
        (
            "two interleaved chains of two sites, where one chain is first and last "
            "at once"
        ),
    ),
    "outage-undecided": (
        (
            "an outage slot nobody ruled on within 10 working days (P) is excused "
            "(2.0.7)"
        ),
        "the days are counted from an unnamed moment up to an unnamed now",
    ),
    "outage-leave": (
        "inside the 30 min before the due time (E97)",
        (
            "with leave at that end the due time may be the scheduled one or the "
            "first or last owed second; not compared where outages stand in the book"
        ),
    ),
    "correction-slot": (
        ("the earliest is IN, the latest is OUT (2.0.3); a correction names a slot"),
        (
            "an accepted correction is one more punch at its time; where filling "
            "the slot it names after the punches found theirs says otherwise, "
            "nothing is compared"
        ),
    ),
    "correction-evidence": (
        ("a correction needs evidence of a terminal fault or two approvers (E104)"),
        (
            "not said whether evidence is the row's own text or an outage of the "
            "book: one approver with either of them alone is not compared"
        ),
    ),
    "official-elsewhere": (
        (
            "a punch elsewhere counts only under a field, trip or remote permit; "
            "official leave and such permits count as attendance elsewhere (2.0.10)"
        ),
        "whether a punch elsewhere counts under official leave: not compared",
    ),
    "half-rest": (
        "[[days]] kind = half (book.toml)",
        (
            "a half day ordered on a day without duty: half of nothing, none is "
            "ordered here"
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Session:
    """One session of a duty: what was ordered, before leave."""

    day: date
    shift: str
    number: int
    start: datetime
    end: datetime
    breaks: tuple[Span, ...] = ()
    terminals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Leave:
    """A leave row; `approved_by` empty when nobody approved it."""

    id: str
    kind: str
    start: datetime
    end: datetime
    applied_at: datetime
    approved_by: str
    ended_at: datetime | None = None
    ended_by: str = ""


@dataclass(frozen=True, slots=True)
class Permit:
    """A permit row."""

    kind: str
    start: datetime
    end: datetime
    approved_by: str


@dataclass(frozen=True, slots=True)
class Correction:
    """A make-up punch."""

    at: datetime
    slot: str
    approved_by: str
    second_by: str
    terminal_fault: bool


@dataclass(frozen=True, slots=True)
class Outage:
    """A span in which a terminal could not be read."""

    terminal: str
    start: datetime
    end: datetime
    excused: bool


@dataclass(frozen=True, slots=True)
class Punch:
    """A sign on a terminal."""

    at: datetime
    terminal: str


@dataclass(frozen=True, slots=True)
class Site:
    """What holds for everybody: terminals, approvers, what was unreadable."""

    places: dict[str, str]
    approvers: dict[str, frozenset[str]] | None
    outages: tuple[Outage, ...] = ()
    unknown: tuple[Punch, ...] = ()
    complete_until: datetime | None = None

    def may(self, name: str, matter: str) -> bool:
        """Whether a name stands for an entitled approver of a matter."""
        if not name:
            return False
        return self.approvers is None or matter in self.approvers.get(name, frozenset())


@dataclass(frozen=True, slots=True)
class Person:
    """Everything that concerns one person; sessions in order of their start."""

    id: str
    sessions: tuple[Session, ...]
    leave: tuple[Leave, ...] = ()
    permits: tuple[Permit, ...] = ()
    corrections: tuple[Correction, ...] = ()
    punches: tuple[Punch, ...] = ()


@dataclass(slots=True)
class Verdict:
    """What the text says of one session; `doubt` names the sentence that is unclear."""

    session: Session
    state: str = "ok"
    window: Span | None = None
    arrival: datetime | None = None
    departure: datetime | None = None
    findings: list[tuple[str, int]] = field(default_factory=list)
    joined: set[str] = field(default_factory=set)
    overstayed: set[str] = field(default_factory=set)
    slot_excused: bool = False
    doubt: str = ""
