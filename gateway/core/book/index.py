"""A book without problems, asked by person, place and day.

Questions about rows that superseded ones replaced get the newest row; `written` has
them all. Days are local dates of the site, spans of date-times half-open.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from gateway.core.book import lookup
from gateway.core.book.badges import number
from gateway.core.book.days import (
    Correction,
    Handover,
    Leave,
    Outage,
    Permit,
    Report,
    Roll,
    Sighting,
    Substitution,
)
from gateway.core.book.decisions import Incident, Objection, Ruling
from gateway.core.book.duty import DayOrder, Post, Roster, Shift
from gateway.core.book.lookup import Lookup
from gateway.core.book.standing import (
    ANY_TERMINAL,
    Act,
    BookTerminal,
    Contract,
    Enrolment,
    Person,
    Site,
    Vendor,
)
from gateway.core.book.tables import Rows
from gateway.core.book.timeline import Timeline
from gateway.core.walker import Problem


@dataclass(frozen=True, slots=True)
class Assignment:
    """A row of the roster with what it names; the calendar is not asked yet."""

    roster: Roster
    shift: Shift
    post: Post | None


@dataclass(frozen=True, slots=True)
class Book:
    """A book without problems.

    `rows` are the rows that count, `written` all of them, `warnings` what is odd.
    """

    version: str
    site: Site
    rows: Rows
    written: Rows = field(repr=False)
    warnings: tuple[Problem, ...]
    _labels: Mapping[Any, str] = field(repr=False, compare=False)
    _lookup: Lookup = field(repr=False, compare=False)

    @property
    def terminals(self) -> tuple[BookTerminal, ...]:
        """The terminals of the book."""
        return self.rows.terminals

    @property
    def people(self) -> tuple[Person, ...]:
        """The people of the book."""
        return self.rows.people

    @property
    def enrolments(self) -> tuple[Enrolment, ...]:
        """Who has which badge on which terminal."""
        return self.rows.enrolments

    def name_of(self, row: Any) -> str:
        """Return how a finding names a row: its id, else the place it stands at."""
        return str(row.id or self._labels.get(row, ""))

    def row(self, table: str, name: str) -> Any:
        """Return the row that counts for an id, also a superseded one; else None."""
        return self._lookup.by_id.get((table, name))

    def history(self, table: str, name: str) -> tuple[Any, ...]:
        """Return all rows of the chain that `name` stands in, as written."""
        current = self.row(table, name)
        return tuple(
            row
            for row in self.written.of(table)
            if current and row.id and self.row(table, row.id) is current
        )

    def terminal(self, terminal: str) -> BookTerminal | None:
        """Return a terminal by its id."""
        found: BookTerminal | None = self.row("terminals", terminal)
        return found

    def zone(self, terminal: str) -> str:
        """Return the time zone of a terminal; the site's where it has no own."""
        found = self.terminal(terminal)
        return (found and found.timezone) or self.site.timezone

    def person(self, person: str) -> Person | None:
        """Return a person by id."""
        found: Person | None = self.row("people", person)
        return found

    def vendor(self, vendor: str) -> Vendor | None:
        """Return a vendor by id."""
        found: Vendor | None = self.row("vendors", vendor)
        return found

    def shift(self, shift: str) -> Shift | None:
        """Return a shift by id."""
        found: Shift | None = self.row("shifts", shift)
        return found

    def post(self, post: str) -> Post | None:
        """Return a post by id."""
        found: Post | None = self.row("posts", post)
        return found

    def person_of(self, terminal: str, badge: str, day: date) -> str | None:
        """Return the id of the person with `badge` on `terminal` on `day`.

        An enrolment on this very terminal goes before one for every terminal: the same
        number on two terminals can be two people. Badges are compared as text, leading
        zeros count, unless the book says otherwise of the terminal.
        """
        known = self._lookup.badges
        if terminal in self._lookup.zeros_ignored:
            known, badge = self._lookup.numbers, number(badge)
        for where in (terminal, ANY_TERMINAL):
            for row in known.get((where, badge), ()):
                if row.covers(day):
                    return row.person
        return None

    def enrolled(self, person: str, day: date) -> tuple[Enrolment, ...]:
        """Return the enrolments of a person on a day."""
        rows = self._lookup.enrolments.get(person, ())
        return tuple(row for row in rows if row.covers(day))

    def contract(self, vendor: str, day: date) -> Contract | None:
        """Return the contract of a vendor in force on a day."""
        found = _on(self._lookup.contracts.get(vendor), day)
        return found[0] if found else None

    def former(self, contract: Contract) -> Contract | None:
        """Return the contract that a vendor had before another one."""
        rows = self._lookup.contracts.get(contract.vendor)
        earlier = (
            [row for row in rows.rows if row.from_ < contract.from_] if rows else []
        )
        return max(earlier, key=lambda row: row.from_, default=None)

    def contract_of(self, person: str, day: date) -> Contract | None:
        """Return the contract a person works under on a day; None when out of it."""
        found = self.person(person)
        if found is None or not found.present(day):
            return None
        return self.contract(found.vendor, day)

    def assignments(self, person: str, day: date) -> tuple[Assignment, ...]:
        """Return what the roster gives a person on a day, before weekday and calendar.

        Rows for single dates come after rows for spans of days.
        """
        return tuple(one for _, one in self.rostered(person, day, day))

    def rostered(
        self, person: str, first: date, last: date
    ) -> Iterator[tuple[date, Assignment]]:
        """Yield the same for each day of `[first, last]`, with the day."""
        rows = self._lookup.roster.get(person)
        spans = [
            (row.from_ or date.min, row.to or date.max, self._assignment(row))
            for row in (rows.touching(first, last + lookup.DAY) if rows else ())
        ]
        dates = self._lookup.roster_dates.get(person, {})
        day = first
        while day <= last:
            for start, end, assignment in spans:
                if start <= day <= end:
                    yield day, assignment
            for row in dates.get(day, ()):
                yield day, self._assignment(row)
            day += lookup.DAY

    def _assignment(self, row: Roster) -> Assignment:
        shift = self._lookup.by_id["shifts", row.shift]
        return Assignment(row, shift, self.post(row.post))

    def day_orders(self, day: date) -> tuple[DayOrder, ...]:
        """Return the orders for a day, in the order they were written."""
        return self._lookup.days.get(day, ())

    def consented(self, day: date) -> bool:
        """Say whether the end user agreed that this holiday may be taken."""
        return day in self._lookup.consents

    def leave(self, person: str, start: datetime, end: datetime) -> tuple[Leave, ...]:
        """Return leave of a person within `[start, end)`, as entered, approved or not.

        A leave that was ended early is found by its written end.
        """
        return _within(self._lookup.leave.get(person), start, end)

    def permits(
        self, person: str, start: datetime, end: datetime
    ) -> tuple[Permit, ...]:
        """Return permits of a person within `[start, end)`, approved or not."""
        return _within(self._lookup.permits.get(person), start, end)

    def substitutions(
        self, person: str, start: datetime, end: datetime
    ) -> tuple[Substitution, ...]:
        """Return who stands in for a person within `[start, end)`."""
        return _within(self._lookup.substitutions.get(person), start, end)

    def standing_in(
        self, substitute: str, start: datetime, end: datetime
    ) -> tuple[Substitution, ...]:
        """Return for whom a person stands in within `[start, end)`."""
        return _within(self._lookup.standing_in.get(substitute), start, end)

    def corrections(
        self, person: str, start: datetime, end: datetime
    ) -> tuple[Correction, ...]:
        """Return make-up punches a person asked for within `[start, end)`."""
        return _within(self._lookup.corrections.get(person), start, end)

    def roll(self, person: str, start: datetime, end: datetime) -> tuple[Roll, ...]:
        """Return arrival rolls of a person within `[start, end)`."""
        return _within(self._lookup.roll.get(person), start, end)

    def incidents(
        self, person: str, start: datetime, end: datetime
    ) -> tuple[Incident, ...]:
        """Return incidents of a person within `[start, end)`, in whatever state."""
        return _within(self._lookup.incidents.get(person), start, end)

    def reports(
        self, person: str, start: datetime, end: datetime
    ) -> tuple[Report, ...]:
        """Return reports of a person that were due within `[start, end)`."""
        return _within(self._lookup.reports.get(person), start, end)

    def outages(
        self, terminal: str, start: datetime, end: datetime
    ) -> tuple[Outage, ...]:
        """Return outages of a terminal within `[start, end)`, decided or not."""
        return _within(self._lookup.outages.get(terminal), start, end)

    def handovers(
        self, post: str, start: datetime, end: datetime
    ) -> tuple[Handover, ...]:
        """Return handovers of a post within `[start, end)`; "" for those of a leave."""
        return _within(self._lookup.handovers.get(post), start, end)

    def sightings(
        self, post: str, start: datetime, end: datetime
    ) -> tuple[Sighting, ...]:
        """Return head counts at a post within `[start, end)`."""
        return _within(self._lookup.sightings.get(post), start, end)

    def rulings_on(self, subject: str) -> tuple[Ruling, ...]:
        """Return rulings on a case or finding, oldest first."""
        return self._lookup.rulings.get(subject, ())

    def rulings_about(self, punch: str) -> tuple[Ruling, ...]:
        """Return confirming rulings that hold a punch void."""
        return self._lookup.void.get(punch, ())

    def objections_on(self, finding: str) -> tuple[Objection, ...]:
        """Return objections to a finding, oldest first."""
        return self._lookup.objections.get(finding, ())

    def entitled(self, name: str, act: Act, day: date) -> bool:
        """Say whether a named approver may do something on a day.

        Without any row of [[approvers]] everybody who is named is entitled.
        """
        if not name.strip():
            return False
        if not self.rows.approvers:
            return True
        rows = self._lookup.approvers.get(name, ())
        return any(row.entitled(act, day) for row in rows)

    def travel_minutes(self, one: str, other: str) -> int | None:
        """Return the shortest way between two sites in minutes, either way round."""
        return self._lookup.travel.get(frozenset((one, other)))


def _on(found: Timeline[Any] | None, day: date) -> tuple[Any, ...]:
    return found.touching(day, day + lookup.DAY) if found else ()


def _within(
    found: Timeline[Any] | None, start: datetime, end: datetime
) -> tuple[Any, ...]:
    return found.touching(start, end) if found else ()


@dataclass(frozen=True, slots=True)
class Parts:
    """What reading found: rows, how people name their places, and ids."""

    version: str
    site: Site
    rows: Rows
    written: Rows
    labels: Mapping[Any, str]
    by_id: Mapping[tuple[str, str], Any]


def assemble(parts: Parts, warnings: tuple[Problem, ...]) -> Book:
    """Build a book from parts without problems; nobody else makes one."""
    return Book(
        version=parts.version,
        site=parts.site,
        rows=parts.rows,
        written=parts.written,
        warnings=warnings,
        _labels=parts.labels,
        _lookup=lookup.build(parts.rows, parts.by_id),
    )
