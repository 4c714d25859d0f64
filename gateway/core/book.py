"""The book of one site: who must be where, and who has which badge.

People write it, so reading it reports every problem at once and never a half-read book.
This version understands site, terminals, people and enrolments. The other tables of the
book are accepted with their keys checked but their rows unread.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.core.toml import Path, TomlError, parse
from gateway.core.walker import Problem, Walker, column, filled, key, show

ANY_TERMINAL = "*"


def _zone(name: str) -> str | None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"unknown time zone {name!r}; write it like Asia/Shanghai"
    return None


def _identifier(value: str) -> str | None:
    """Check an id of ours: it stands in topics, files and logs."""
    if not value or any(
        c in "/+#" or c.isspace() or not c.isprintable() for c in value
    ):
        return "must be a short text without blanks, /, + or #"
    return None


def _badge(value: str) -> str | None:
    """Check a badge: those of terminals come without padding."""
    if value.strip() and value != value.strip():
        return "must not have blanks around it"
    return filled(value)


@dataclass(frozen=True, slots=True)
class Site:
    """The site and its clock."""

    id: str = key(check=_identifier)
    name: str = key("")
    timezone: str = key("Asia/Shanghai", check=_zone)
    calendar: str = key("CN")


@dataclass(frozen=True, slots=True)
class BookTerminal:
    """A terminal (考勤机) of the site; the book owns its serial."""

    id: str = key(check=_identifier)
    serial: str = key(check=_identifier)
    place: str = key("")
    site: str | None = key(None)
    timezone: str | None = key(None, check=_zone)


@dataclass(frozen=True, slots=True)
class Person:
    """A person (人员). Being in or out of the contract never hides a punch."""

    id: str = key(check=_identifier)
    name: str = key(check=filled)
    vendor: str | None = key(None)
    from_: date | None = key(None)
    to: date | None = key(None)
    sign_method: str | None = key(None)
    biometric_notice_at: date | None = key(None)
    biometric_consent_at: date | None = key(None)
    nda_signed_at: date | None = key(None)
    entered_by: str | None = key(None)
    entered_at: Any = key(None)
    supersedes: str | None = key(None)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A badge on a terminal (登记) belongs to a person from a date to a date."""

    person: str
    badge: str = key(check=_badge)
    terminal: str = key(ANY_TERMINAL)
    from_: date | None = key(None)
    to: date | None = key(None)
    entered_by: str | None = key(None)
    entered_at: Any = key(None)
    supersedes: str | None = key(None)

    def covers(self, day: date) -> bool:
        """Say whether `day` is within the inclusive dates."""
        return (self.from_ or date.min) <= day <= (self.to or date.max)

    def overlaps(self, other: "Enrolment") -> bool:
        """Say whether one day could mean both."""
        starts = max(self.from_ or date.min, other.from_ or date.min)
        ends = min(self.to or date.max, other.to or date.max)
        return starts <= ends


# Tables that are accepted unread, with the keys they may have.
_ENTRY_KEYS = frozenset({"entered_by", "entered_at", "supersedes"})
UNREAD: Mapping[str, frozenset[str]] = {
    name: frozenset(keys.split()) | _ENTRY_KEYS
    for name, keys in {
        "travel": "a b minutes",
        "vendors": "id name",
        "contracts": "id vendor policy from to phase payable_kind payable_fen "
        "accepted_at announced_at objection_days also",
        "shifts": "id name sessions days",
        "posts": "id name kind vendor headcount from to",
        "roster": "person shift post from to dates terminals",
        "approvers": "name may from to",
        "leave": "id person kind reason from to applied_at approved_by approved_at "
        "letter_at certificate_at certificate_level explanation_at "
        "substitute_waived_by ended_at returned_at",
        "substitutions": "id person substitute from to leave approved_by attested_by "
        "attested_until handover",
        "handovers": "id post at outgoing incoming outgoing_signed_at "
        "incoming_signed_at note",
        "permits": "id person kind from to place applied_at approved_by approved_at "
        "emergency",
        "corrections": "id person at slot reason evidence requested_at approved_by "
        "approved_at second_by",
        "incidents": "id kind source_kind person at source state statement "
        "confirmed_by note",
        "rulings": "id on decision persons punches by at reason evidence heard_at "
        "statement",
        "objections": "id on by at text decision decided_by",
        "changes": "id vendor outgoing incoming at reason letter_at filed_with "
        "client_agreed_by client_agreed_at supplier_agreed_at demanded_by_client",
        "reserves": "vendor person from to visits",
        "roll": "person at place witnessed_by",
        "consents": "dates end_user given_at document",
        "notices": "id vendor person finding sent_at",
        "sightings": "post person at by result",
        "days": "date kind which sessions people shifts posts by note",
        "outages": "terminal from to decision decided_by note",
        "reports": "person kind due received_at",
        "assessments": "period vendor person item score max by at told_at",
    }.items()
}


@dataclass(frozen=True, slots=True)
class Book:
    """A book without problems."""

    version: str
    site: Site
    terminals: tuple[BookTerminal, ...]
    people: tuple[Person, ...]
    enrolments: tuple[Enrolment, ...]
    _by_badge: Mapping[tuple[str, str], tuple[Enrolment, ...]] = field(repr=False)
    _by_terminal: Mapping[str, BookTerminal] = field(repr=False)

    def terminal(self, terminal: str) -> BookTerminal | None:
        """Return a terminal by its id."""
        return self._by_terminal.get(terminal)

    def zone(self, terminal: str) -> str:
        """Return the time zone of a terminal; the site's where it has no own."""
        found = self.terminal(terminal)
        return (found and found.timezone) or self.site.timezone

    def person_of(self, terminal: str, badge: str, day: date) -> str | None:
        """Return the id of the person with `badge` on `terminal` on `day`.

        An enrolment on this very terminal goes before one for every terminal: the same
        number on two terminals can be two people.
        """
        for where in (terminal, ANY_TERMINAL):
            for row in self._by_badge.get((where, badge), ()):
                if row.covers(day):
                    return row.person
        return None


def read_book(text: str, file: str) -> tuple[Book | None, list[Problem]]:
    """Read a book; a book with any problem is None beside all of its problems."""
    try:
        document = parse(text)
    except TomlError as error:
        return None, [Problem(file, error.line, "", f"not TOML: {error.reason}")]
    walker = Walker(file, document)
    book = _walk(walker, document.data)
    problems = sorted(walker.problems, key=lambda problem: problem.line)
    return (None if problems else book), problems


def _walk(walker: Walker, data: dict[str, Any]) -> Book | None:
    read = {"version", "site", "terminals", "people", "enrolments"}
    walker.unknown(data, read | set(UNREAD), ())
    version = data.get("version", "")
    if not isinstance(version, str):
        walker.problem(("version",), "must be a text")
    if "site" not in data:
        walker.problem(("site",), "the table [site] is missing")
    site = walker.table(Site, data["site"], ("site",)) if "site" in data else None
    terminals = walker.rows(BookTerminal, data.get("terminals", []), ("terminals",))
    people = walker.rows(Person, data.get("people", []), ("people",))
    enrolments = walker.rows(Enrolment, data.get("enrolments", []), ("enrolments",))
    _unread_keys(walker, data)
    _unique(walker, "id", terminals)
    _unique(walker, "serial", terminals)
    _unique(walker, "id", people)
    _known(walker, data)
    _in_order(walker, [*people, *enrolments])
    _one_person_per_badge(walker, enrolments)
    if site is None:
        return None
    return Book(
        version=version,
        site=site,
        terminals=tuple(row for _, row in terminals),
        people=tuple(row for _, row in people),
        enrolments=tuple(row for _, row in enrolments),
        _by_badge={
            badge: tuple(row for _, row in rows)
            for badge, rows in _grouped(enrolments).items()
        },
        _by_terminal={row.id: row for _, row in terminals},
    )


def _in_order(walker: Walker, rows: Sequence[tuple[Path, Person | Enrolment]]) -> None:
    """Note rows whose dates cover no day: they would be silently without effect."""
    for path, row in rows:
        if row.from_ and row.to and row.to < row.from_:
            walker.problem((*path, "to"), f"must not be before from ({row.from_})")


def _unread_keys(walker: Walker, data: dict[str, Any]) -> None:
    for table, known in UNREAD.items():
        rows = data.get(table, [])
        if not isinstance(rows, list):
            walker.problem((table,), f"must be rows: [[{table}]]")
            continue
        for index, row in enumerate(rows):
            if isinstance(row, dict):
                walker.unknown(row, known, (table, index))
            else:
                walker.problem((table, index), "must be a table")


def _unique(walker: Walker, name: str, rows: list[tuple[Path, Any]]) -> None:
    seen: dict[str, Path] = {}
    for path, row in rows:
        value = getattr(row, name)
        if value in seen:
            first = show(seen[value])
            walker.problem((*path, name), f"{value!r} stands already in {first}")
        seen.setdefault(value, path)


def _known(walker: Walker, data: dict[str, Any]) -> None:
    """Note enrolments of nobody and on no terminal.

    This looks at the rows as written: a person whose row has another problem is still
    known, so that one slip is not reported a hundred times.
    """
    known = {
        "person": set(column(data, "people", "id").values()),
        "terminal": {*column(data, "terminals", "id").values(), ANY_TERMINAL},
    }
    for name, ids in known.items():
        for index, value in column(data, "enrolments", name).items():
            if value not in ids:
                what = "nobody is called" if name == "person" else "no terminal is"
                walker.problem(("enrolments", index, name), f"{what} {value!r}")


def _grouped(
    enrolments: list[tuple[Path, Enrolment]],
) -> dict[tuple[str, str], list[tuple[Path, Enrolment]]]:
    groups: dict[tuple[str, str], list[tuple[Path, Enrolment]]] = {}
    for path, row in enrolments:
        groups.setdefault((row.terminal, row.badge), []).append((path, row))
    return groups


def _one_person_per_badge(
    walker: Walker, enrolments: list[tuple[Path, Enrolment]]
) -> None:
    for (terminal, badge), rows in _grouped(enrolments).items():
        for (_, one), (path, two) in combinations(rows, 2):
            if one.person != two.person and one.overlaps(two):
                walker.problem(
                    (*path, "badge"),
                    f"badge {badge!r} on {terminal!r} already belongs to {one.person}"
                    f" on some of these days; give one of them from/to dates",
                )
