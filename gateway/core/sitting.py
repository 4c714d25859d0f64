"""A session being judged: what is owed, which punches lie in its window, its signs."""

from dataclasses import dataclass, field
from datetime import date

from gateway.core.duty import Due
from gateway.core.findings import Found
from gateway.core.moments import Span
from gateway.core.policy.kinds import Words
from gateway.core.policy.reading import Policy
from gateway.core.rules.off_post import Missed
from gateway.core.rules.repeats import Chain
from gateway.core.rules.spans import Spans
from gateway.core.rules.windows import WindowTerms
from gateway.core.verdicts import Flag, Mark, Punched, State


@dataclass(slots=True, eq=False)
class Sitting:
    """One session of a person.

    `ends_under` is the policy in force at its end, another one only where a contract
    ends in mid-session. `terms` make its window. `owed` is what is left of the session
    after leave; without any there is no window. `stays_in` and `stays_out` say that a
    continuous stay stands for that sign, `stays_until` from when on it is known whether
    it was one. `state` is set where more than findings decides it.
    """

    due: Due
    policy: Policy
    ends_under: Policy
    terms: WindowTerms
    owed: Spans
    window: Span = (0, 0)
    stays_until: int = 0
    elsewhere_judged: bool = False
    punches: list[Punched] = field(default_factory=list)
    others: list[Punched] = field(default_factory=list)
    void: list[Punched] = field(default_factory=list)
    arrival: Chain | None = None
    departure: Chain | None = None
    stays_in: bool = False
    stays_out: bool = False
    corrected: list[str] = field(default_factory=list)
    missed: list[Missed] = field(default_factory=list)
    missed_rows: tuple[str, ...] = ()
    final: bool = True
    found: list[Found] = field(default_factory=list)
    flags: list[Flag] = field(default_factory=list)
    state: State | None = None
    waits: Words | None = None

    @property
    def date(self) -> date:
        """The duty date."""
        return self.due.date

    @property
    def start(self) -> int:
        """Its first scheduled second."""
        return self.due.start

    @property
    def end(self) -> int:
        """The second behind its last."""
        return self.due.end

    @property
    def closes(self) -> int:
        """The second from which no punch can change it."""
        return max(self.window[1], self.stays_until)

    @property
    def arrival_mark(self) -> Mark | None:
        """The sign in, by the first punch of its chain."""
        found = self.arrival
        return Mark(found.first, found.punches[0].id) if found else None

    @property
    def departure_mark(self) -> Mark | None:
        """The sign out, by the last punch of its chain."""
        found = self.departure
        return Mark(found.last, found.punches[-1].id) if found else None

    def take(self, punch: Punched, *, away: bool, void: bool) -> None:
        """Take in a punch of the window: one that counts, or one kept aside.

        `away`: the person may be elsewhere at that time. `void`: a ruling says that the
        person did not make it. A punch without a terminal is good anywhere, and so is
        any where the book has no terminals.
        """
        names = self.due.terminals
        counts = not (names and punch.terminal) or punch.terminal in names
        if void:
            self.void.append(punch)
        elif counts or away:
            self.punches.append(punch)
        else:
            self.others.append(punch)
