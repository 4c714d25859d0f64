"""`punchgate book show`: what the book says of a person on a day, or a whole table."""

import json
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from gateway import calendars
from gateway.cli.app import (
    USAGE,
    ConfigOption,
    JsonOption,
    fail,
    now_of_process,
    say,
    show_json,
)
from gateway.cli.book import book_app
from gateway.cli.book_file import BookOption, book_path, loaded
from gateway.core.book import TABLES, Assignment, Book, cells
from gateway.core.book.plan import plan
from gateway.core.calendar import Calendar
from gateway.shipped import folders

_DAY = timedelta(days=1)


@book_app.command()
def show(
    what: Annotated[
        str,
        typer.Argument(
            metavar="PERSON|TABLE", help="Id or name, or a table.", show_default=False
        ),
    ],
    on: Annotated[
        str, typer.Option("--date", metavar="DATE", help="A day; else today.")
    ] = "",
    book: BookOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the book says of a person on a day, or the rows of a table."""
    path = book_path(book, config)
    found = loaded(path)
    if what in TABLES:
        _show_table(found, what, as_json=as_json)
        return
    people = [row.id for row in found.people if what in (row.id, row.name)]
    if not people:
        fail(f"nobody and no table is called {what!r}")
    day = _day(found, on)
    year = calendars.find(found.site.calendar, folders("calendars", path.parent))
    pages = [_page(found, year.calendar, person, day) for person in people]
    if as_json:
        show_json(pages)
        return
    for page in pages:
        _show_page(page)


def _day(found: Book, text: str) -> date:
    if not text:
        return now_of_process()().astimezone(ZoneInfo(found.site.timezone)).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"--date {text!r} is no day like 2026-11-02", USAGE)


def _show_table(found: Book, table: str, *, as_json: bool) -> None:
    """Show all rows as written; superseded ones are marked."""
    rows = found.written.of(table)
    if as_json:
        show_json([cells.to_json(row) for row in rows])
        return
    replaced = {row.supersedes for row in rows if row.supersedes}
    for row in rows:
        mark = "  (superseded)" if row.id and row.id in replaced else ""
        say(f"{found.name_of(row)}  {_words(cells.to_json(row))}{mark}")
    if not rows:
        say(f"no rows of {table}")


def _words(row: dict[str, Any]) -> str:
    """Write a row as `key=value`, with quotes where a value has blanks."""
    pairs = ((name, _value(value)) for name, value in row.items() if name != "id")
    return " ".join(f"{name}={value}" for name, value in pairs)


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    plain = isinstance(value, str) and " " not in text and text.isprintable()
    return text if plain else json.dumps(value, ensure_ascii=False)


def _page(found: Book, calendar: Calendar, person: str, day: date) -> dict[str, Any]:
    """Return what the book says of a person on a day."""
    row, contract = found.person(person), found.contract_of(person, day)
    start = datetime.combine(day, time())
    duties = [
        _duty(found, calendar, one, day) for one in found.assignments(person, day)
    ]
    spans = (person, start, start + _DAY)
    return {
        "person": cells.to_json(row),
        "date": day.isoformat(),
        "contract": contract.id if contract else None,
        "policy": contract.policy if contract else None,
        "enrolments": _json(found.enrolled(person, day)),
        "duties": duties,
        "leave": _json(found.leave(*spans)),
        "substitutions": _json(found.substitutions(*spans)),
        "stands_in": _json(found.standing_in(*spans)),
        "permits": _json(found.permits(*spans)),
        "corrections": _json(found.corrections(*spans)),
        "roll": _json(found.roll(*spans)),
        "incidents": _json(found.incidents(*spans)),
    }


def _json(rows: Iterable[Any]) -> list[Any]:
    return [cells.to_json(row) for row in rows]


def _duty(
    found: Book, calendar: Calendar, one: Assignment, day: date
) -> dict[str, Any]:
    planned = plan(found, calendar, one, day)
    return {
        "roster": found.name_of(one.roster),
        "shift": one.shift.id,
        "post": one.roster.post or None,
        "known": planned.known,
        "sessions": [
            {"start": s.start.isoformat(), "end": s.end.isoformat()}
            for s in planned.sessions
        ],
        "orders": [found.name_of(order) for order in planned.orders],
    }


def _show_page(page: dict[str, Any]) -> None:
    person = page["person"]
    say(f"{person['id']}  {person['name']}  {person.get('vendor', '')}".rstrip())
    contract = f"{page['contract']} ({page['policy']})" if page["contract"] else "none"
    say(f"  {page['date']}  contract {contract}")
    for row in page["enrolments"]:
        say(f"  badge {row['badge']} on {row.get('terminal', 'every terminal')}")
    for duty in page["duties"]:
        say(f"  duty {_duty_words(duty)}")
    if not page["duties"]:
        say("  no duty")
    for table in ("leave", "substitutions", "stands_in", "permits", "corrections"):
        for row in page[table]:
            _show_row(table, row)
    for table in ("roll", "incidents"):
        for row in page[table]:
            _show_row(table, row)


def _duty_words(duty: dict[str, Any]) -> str:
    if not duty["known"]:
        return f"{duty['shift']}: the calendar of this year is not known"
    spans = [f"{s['start'][11:16]}-{s['end'][11:16]}" for s in duty["sessions"]]
    post = f" at {duty['post']}" if duty["post"] else ""
    return f"{duty['shift']}{post}: {', '.join(spans) or 'free'} ({duty['roster']})"


def _show_row(table: str, row: dict[str, Any]) -> None:
    name = f" {row['id']}" if "id" in row else ""
    say(f"  {table.replace('_', ' ')}{name}  {_words(row)}")
