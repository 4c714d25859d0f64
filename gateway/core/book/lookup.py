"""The index behind a book: built once, asked for every person and day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import Any

from gateway.core.book.badges import number_there, zeros_ignored
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
from gateway.core.book.decisions import Decision, Incident, Objection, Ruling
from gateway.core.book.duty import DayOrder, Roster
from gateway.core.book.standing import Approver, Contract, Enrolment
from gateway.core.book.tables import Rows
from gateway.core.book.timeline import Timeline, grouped, timelines

DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_LAST_DAY = date.max - DAY


@dataclass(frozen=True, slots=True)
class Lookup:
    """Rows by what they are asked by; timelines of days or of local date-times.

    `numbers` are badges without leading zeros, for the terminals in `zeros_ignored`.
    """

    by_id: Mapping[tuple[str, str], Any]
    badges: Mapping[tuple[str, str], tuple[Enrolment, ...]]
    numbers: Mapping[tuple[str, str], tuple[Enrolment, ...]]
    zeros_ignored: frozenset[str]
    enrolments: Mapping[str, tuple[Enrolment, ...]]
    contracts: Mapping[str, Timeline[Contract]]
    roster: Mapping[str, Timeline[Roster]]
    roster_dates: Mapping[str, Mapping[date, tuple[Roster, ...]]]
    days: Mapping[date, tuple[DayOrder, ...]]
    consents: frozenset[date]
    leave: Mapping[str, Timeline[Leave]]
    permits: Mapping[str, Timeline[Permit]]
    substitutions: Mapping[str, Timeline[Substitution]]
    standing_in: Mapping[str, Timeline[Substitution]]
    corrections: Mapping[str, Timeline[Correction]]
    roll: Mapping[str, Timeline[Roll]]
    incidents: Mapping[str, Timeline[Incident]]
    reports: Mapping[str, Timeline[Report]]
    outages: Mapping[str, Timeline[Outage]]
    handovers: Mapping[str, Timeline[Handover]]
    sightings: Mapping[str, Timeline[Sighting]]
    rulings: Mapping[str, tuple[Ruling, ...]]
    void: Mapping[str, tuple[Ruling, ...]]
    objections: Mapping[str, tuple[Objection, ...]]
    approvers: Mapping[str, tuple[Approver, ...]]
    travel: Mapping[frozenset[str], int]


def build(rows: Rows, by_id: Mapping[tuple[str, str], Any]) -> Lookup:
    """Index the rows that count; `by_id` also has ids of superseded rows."""
    spans = [row for row in rows.roster if not row.dates]
    ignoring = zeros_ignored(rows.terminals)
    return Lookup(
        by_id=by_id,
        badges=grouped(rows.enrolments, attrgetter("terminal", "badge")),
        numbers=grouped(rows.enrolments, number_there) if ignoring else {},
        zeros_ignored=ignoring,
        enrolments=grouped(rows.enrolments, attrgetter("person")),
        contracts=timelines(rows.contracts, attrgetter("vendor"), _days),
        roster=timelines(spans, attrgetter("person"), _days),
        roster_dates=_roster_dates(rows.roster),
        days=grouped(rows.days, attrgetter("date")),
        consents=frozenset(day for row in rows.consents for day in row.dates),
        leave=timelines(rows.leave, attrgetter("person"), _times),
        permits=timelines(rows.permits, attrgetter("person"), _times),
        substitutions=timelines(rows.substitutions, attrgetter("person"), _times),
        standing_in=timelines(rows.substitutions, attrgetter("substitute"), _times),
        corrections=timelines(rows.corrections, attrgetter("person"), _moment("at")),
        roll=timelines(rows.roll, attrgetter("person"), _moment("at")),
        incidents=timelines(rows.incidents, attrgetter("person"), _moment("at")),
        reports=timelines(rows.reports, attrgetter("person"), _moment("due")),
        outages=timelines(rows.outages, attrgetter("terminal"), _times),
        handovers=timelines(rows.handovers, attrgetter("post"), _moment("at")),
        sightings=timelines(rows.sightings, attrgetter("post"), _moment("at")),
        rulings=grouped(sorted(rows.rulings, key=attrgetter("at")), attrgetter("on")),
        void=_void(rows.rulings),
        objections=grouped(
            sorted(rows.objections, key=attrgetter("at")), attrgetter("on")
        ),
        approvers=grouped(rows.approvers, attrgetter("name")),
        travel=_travel(rows),
    )


def _days(row: Any) -> tuple[date, date]:
    """Return inclusive dates as a half-open span."""
    return row.from_, min(row.to or _LAST_DAY, _LAST_DAY) + DAY


def _times(row: Any) -> tuple[datetime, datetime]:
    return row.from_, row.to


def _moment(name: str) -> Callable[[Any], tuple[datetime, datetime]]:
    def span(row: Any) -> tuple[datetime, datetime]:
        at = getattr(row, name)
        return at, at + _SECOND

    return span


def _roster_dates(
    rows: tuple[Roster, ...],
) -> Mapping[str, Mapping[date, tuple[Roster, ...]]]:
    found: dict[str, dict[date, tuple[Roster, ...]]] = {}
    for row in rows:
        for day in dict.fromkeys(row.dates):
            days = found.setdefault(row.person, {})
            days[day] = (*days.get(day, ()), row)
    return found


def _void(rows: tuple[Ruling, ...]) -> Mapping[str, tuple[Ruling, ...]]:
    found: dict[str, tuple[Ruling, ...]] = {}
    for row in rows:
        if row.decision is Decision.CONFIRM:
            for punch in row.punches:
                found[punch] = (*found.get(punch, ()), row)
    return found


def _travel(rows: Rows) -> Mapping[frozenset[str], int]:
    """Of several ways between two sites the shortest counts."""
    found: dict[frozenset[str], int] = {}
    for row in rows.travel:
        ends = frozenset((row.a, row.b))
        found[ends] = min(row.minutes, found.get(ends, row.minutes))
    return found
