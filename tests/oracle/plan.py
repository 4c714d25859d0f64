"""Read the rows of a made-up book the naive way: who owes which sessions when.

The calendar of 2026 stands here by hand, so that the engine's calendar is compared too.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from tests.oracle.cases import (
    Correction,
    Leave,
    Outage,
    Permit,
    Person,
    Punch,
    Session,
    Site,
)

Row = dict[str, Any]
Rows = dict[str, list[Row]]
Sign = tuple[str, str, datetime]  # terminal, badge, time

DAY = timedelta(days=1)
HOME = "hq"
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# The State Council on the holidays of 2026: first day and length; worked instead.
REST_2026 = (
    (date(2026, 1, 1), 3),
    (date(2026, 2, 15), 9),
    (date(2026, 4, 4), 3),
    (date(2026, 5, 1), 5),
    (date(2026, 6, 19), 3),
    (date(2026, 9, 25), 3),
    (date(2026, 10, 1), 7),
)
WORKED_2026 = {
    date(2026, 1, 4),
    date(2026, 2, 14),
    date(2026, 2, 28),
    date(2026, 5, 9),
    date(2026, 9, 20),
    date(2026, 10, 10),
}


def workday(day: date) -> bool:
    """Whether the public calendar makes it a working day."""
    for first, length in REST_2026:
        if first <= day < first + length * DAY:
            return False
    return day in WORKED_2026 or day.weekday() < 5


def instant(day: date, text: str) -> datetime:
    """Return a time of a duty date; "32:00" is 08:00 of the next day."""
    hours, minutes = text.split(":")
    return datetime.combine(day, time()) + timedelta(
        hours=int(hours), minutes=int(minutes)
    )


def covers(row: Row, day: date) -> bool:
    """Whether an inclusive from/to holds a date; either end may be open."""
    return bool(row.get("from", day) <= day <= row.get("to", day))


def by_id(rows: Rows, table: str, wanted: str) -> Row:
    """Return the row of a table."""
    return next(row for row in rows[table] if row["id"] == wanted)


def terminals_of(rows: Rows, roster: Row) -> frozenset[str]:
    """2.0.10: those the roster names, else all terminals of the site."""
    here = [t["id"] for t in rows["terminals"] if t.get("site", HOME) == HOME]
    return frozenset(roster.get("terminals", here))


def orders(rows: Rows, person: str, shift: str, day: date) -> list[Row]:
    """Return the calendar overrides that concern a duty."""
    return [
        row
        for row in rows.get("days", [])
        if row["date"] == day
        and person in row.get("people", [person])
        and shift in row.get("shifts", [shift])
    ]


def ordered(rows: Rows, person: str, shift: Row, day: date) -> list[tuple[int, Row]]:
    """Return the numbered sessions of a shift on a date after the client's orders."""
    days = shift["days"]
    works = days == "every" or (
        workday(day) if days == "workdays" else WEEK[day.weekday()] in days
    )
    sessions: list[tuple[int, Row]] = list(enumerate(shift["sessions"], start=1))
    for row in orders(rows, person, shift["id"], day):
        kind = row.get("kind")
        works = works if kind is None else kind != "rest"
        if "sessions" in row:
            sessions = list(enumerate(row["sessions"], start=1))
        if kind == "half":
            sessions = sessions[:1] if row["which"] == "morning" else sessions[1:]
    return sessions if works else []


def sessions_of(
    rows: Rows, person: Row, days: tuple[date, date]
) -> tuple[Session, ...]:
    """Return the sessions a person owes between two dates, by their start."""
    found: list[Session] = []
    contracts = [row for row in rows["contracts"] if row["vendor"] == person["vendor"]]
    for roster in rows["roster"]:
        if roster["person"] != person["id"]:
            continue
        shift = by_id(rows, "shifts", roster["shift"])
        day = days[0] - DAY
        while (day := day + DAY) <= days[1]:
            listed = day in roster.get("dates", [day])
            bound = covers(person, day) and any(covers(c, day) for c in contracts)
            if not (listed and bound and covers(roster, day)):
                continue
            found += [
                _session(rows, roster, day, number, one)
                for number, one in ordered(rows, person["id"], shift, day)
            ]
    return tuple(sorted(found, key=lambda session: session.start))


def _session(rows: Rows, roster: Row, day: date, number: int, one: Row) -> Session:
    return Session(
        day=day,
        shift=roster["shift"],
        number=number,
        start=instant(day, one["start"]),
        end=instant(day, one["end"]),
        breaks=tuple(
            (instant(day, pause["start"]), instant(day, pause["end"]))
            for pause in one.get("breaks", [])
        ),
        terminals=terminals_of(rows, roster),
    )


def owner(rows: Rows, sign: Sign) -> str | None:
    """Return who a badge stands for on a terminal on a day; nobody: None."""
    terminal, badge, at = sign
    place = by_id(rows, "terminals", terminal).get("site", HOME)
    for row in rows["enrolments"]:
        where = row["terminal"] == terminal
        if row["terminal"] == "*":
            where = place == HOME
        if where and row["badge"] == badge and covers(row, at.date()):
            return str(row["person"])
    return None


def site_of(rows: Rows, signs: list[Sign], complete_until: datetime | None) -> Site:
    """Return what holds for everybody."""
    table = rows.get("approvers")
    return Site(
        places={t["id"]: t.get("site", HOME) for t in rows["terminals"]},
        approvers=None
        if table is None
        else {row["name"]: frozenset(row["may"]) for row in table},
        outages=tuple(
            Outage(
                row["terminal"],
                row["from"],
                row["to"],
                row.get("decision") == "excused",
            )
            for row in rows.get("outages", [])
        ),
        unknown=tuple(
            Punch(sign[2], sign[0]) for sign in signs if owner(rows, sign) is None
        ),
        complete_until=complete_until,
    )


def people_of(
    rows: Rows, signs: list[Sign], days: tuple[date, date]
) -> Iterator[Person]:
    """Yield everybody of the book with what concerns them."""
    punches: dict[str | None, list[Punch]] = {}
    for sign in signs:
        punches.setdefault(owner(rows, sign), []).append(Punch(sign[2], sign[0]))
    for row in rows["people"]:
        name = row["id"]
        yield Person(
            id=name,
            sessions=sessions_of(rows, row, days),
            leave=tuple(_leave(one) for one in _own(rows, "leave", name)),
            permits=tuple(
                Permit(one["kind"], one["from"], one["to"], one.get("approved_by", ""))
                for one in _own(rows, "permits", name)
            ),
            corrections=tuple(
                _correction(rows, one) for one in _own(rows, "corrections", name)
            ),
            punches=tuple(punches.get(name, [])),
        )


def _own(rows: Rows, table: str, person: str) -> list[Row]:
    return [row for row in rows.get(table, []) if row["person"] == person]


def _leave(row: Row) -> Leave:
    return Leave(
        id=row["id"],
        kind=row["kind"],
        start=row["from"],
        end=row["to"],
        applied_at=row["applied_at"],
        approved_by=row.get("approved_by", ""),
        ended_at=row.get("ended_at"),
        ended_by=row.get("entered_by", ""),
    )


def _correction(rows: Rows, row: Row) -> Correction:
    fault = any(
        row.get("evidence") == f"outage {outage['terminal']}"
        and outage["from"] <= row["at"] < outage["to"]
        for outage in rows.get("outages", [])
    )
    return Correction(
        at=row["at"],
        slot=row["slot"],
        approved_by=row.get("approved_by", ""),
        second_by=row.get("second_by", ""),
        terminal_fault=fault,
    )
