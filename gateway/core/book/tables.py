"""Every table of the book and the type of its rows."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, get_args, get_type_hints

from gateway.core.book.days import (
    Assessment,
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
from gateway.core.book.decisions import Change, Incident, Notice, Objection, Ruling
from gateway.core.book.duty import Consent, DayOrder, Post, Roster, Shift
from gateway.core.book.fields import TABLE
from gateway.core.book.standing import (
    Approver,
    BookTerminal,
    Contract,
    Enrolment,
    Person,
    Reserve,
    Row,
    Travel,
    Vendor,
)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a book by table, in the order of the documented example."""

    terminals: tuple[BookTerminal, ...] = ()
    travel: tuple[Travel, ...] = ()
    vendors: tuple[Vendor, ...] = ()
    contracts: tuple[Contract, ...] = ()
    people: tuple[Person, ...] = ()
    enrolments: tuple[Enrolment, ...] = ()
    shifts: tuple[Shift, ...] = ()
    posts: tuple[Post, ...] = ()
    roster: tuple[Roster, ...] = ()
    approvers: tuple[Approver, ...] = ()
    leave: tuple[Leave, ...] = ()
    substitutions: tuple[Substitution, ...] = ()
    handovers: tuple[Handover, ...] = ()
    permits: tuple[Permit, ...] = ()
    corrections: tuple[Correction, ...] = ()
    incidents: tuple[Incident, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    objections: tuple[Objection, ...] = ()
    changes: tuple[Change, ...] = ()
    reserves: tuple[Reserve, ...] = ()
    roll: tuple[Roll, ...] = ()
    consents: tuple[Consent, ...] = ()
    notices: tuple[Notice, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    days: tuple[DayOrder, ...] = ()
    outages: tuple[Outage, ...] = ()
    reports: tuple[Report, ...] = ()
    assessments: tuple[Assessment, ...] = ()

    def of(self, table: str) -> tuple[Any, ...]:
        """Return the rows of one table by its name."""
        found: tuple[Any, ...] = getattr(self, table)
        return found

    def every(self) -> Iterator[tuple[str, Any]]:
        """Give every row with its table."""
        for table in TABLES:
            for row in self.of(table):
                yield table, row


TABLES: Mapping[str, type[Row]] = {
    name: get_args(hint)[0] for name, hint in get_type_hints(Rows).items()
}
# Tables whose ids name something that stays the same when its row is corrected.
IDENTITIES = frozenset(
    {"terminals", "vendors", "contracts", "people", "shifts", "posts"}
)


def _hints(cls: type[Any]) -> Mapping[str, Any]:
    found = get_type_hints(cls)
    return {field.name.rstrip("_"): found[field.name] for field in fields(cls)}


def _references(cls: type[Any]) -> Mapping[str, str]:
    return {
        field.name.rstrip("_"): field.metadata[TABLE]
        for field in fields(cls)
        if TABLE in field.metadata
    }


# The keys of a row and their types; the field `from_` is the key `from`.
hints: Callable[[Any], Mapping[str, Any]] = cache(_hints)
# Which keys of a row name rows of which table.
references: Callable[[Any], Mapping[str, str]] = cache(_references)
