"""How a session came to its verdict, as values: what was owed, what each punch was.

Made only when somebody asks why; judging by itself does without.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gateway.core.calendar import Day
from gateway.core.moments import Span
from gateway.core.rules.leave import Failed
from gateway.core.rules.spans import Spans


class Use(StrEnum):
    """What became of a punch in the window of a session."""

    IN = "in"
    OUT = "out"
    REPEAT = "repeat"
    UNUSED = "unused"
    OTHER_TERMINAL = "other_terminal"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Placed:
    """A punch of a window and what it was.

    `about` is the punch that it repeats, or the rulings that hold it void. `made_up`:
    it is a correction (补卡), and `punch` is the name of its row.
    """

    punch: str
    at: int
    terminal: str
    use: Use
    about: str = ""
    made_up: bool = False


@dataclass(frozen=True, slots=True)
class Effect:
    """A leave or permit that touches a session: what it takes off, or why nothing.

    `seconds` is the owed time it covers, whether it counts or not.
    """

    row: str
    kind: str
    span: Span
    seconds: int
    failed: Failed | None


@dataclass(frozen=True, slots=True)
class Account:
    """How a session came to its verdict.

    `spans` is the session less its breaks, `owed` what leave has left of it; without
    any there is no window. `day` is what the calendar says of the date, None where it
    knows nothing, and `by_calendar` whether the shift asks it. `orders` and `outages`
    are rows of the book, named as findings name them.
    """

    person: str
    date: date
    shift: str
    session: int
    policy: str
    scheduled: Span
    spans: Spans
    owed: Spans
    window: Span | None
    terminals: tuple[str, ...]
    day: Day | None
    by_calendar: bool
    orders: tuple[str, ...]
    absences: tuple[Effect, ...]
    outages: tuple[str, ...]
    punches: tuple[Placed, ...]
    stays_in: bool
    stays_out: bool
