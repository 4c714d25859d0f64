"""`punchgate day`: who was where on a day, exceptions first."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.table import Table

from gateway.cli import people_source
from gateway.cli.app import ConfigOption, JsonOption, app, say, show_json
from gateway.cli.people_source import BookOption, PunchesOption
from gateway.cli.people_words import BRIEF_FLAGS, GROUPS, brief, clock, due, weekday
from gateway.cli.people_words import say as said
from gateway.cli.policy import Lang, LangOption, language
from gateway.cli.tables import plain, show
from gateway.core.policy.kinds import Words
from gateway.day_list import QUIET, DayList, Entry, Group, Seat, day_list
from gateway.offline import deduction_json, finding_json, session_json, warning_json
from gateway.people_view import View

_HEADS = (
    *(Words("人员", "person"), Words("班", "shift"), Words("应勤", "due")),
    *(Words("签到", "in"), Words("签退", "out"), Words("情况", "what")),
)
# The summary begins with what is fine and ends with what is worst.
_SUMMARY = (
    *(Group.OK, Group.PRESENT, Group.AHEAD, Group.NOTED, Group.LATE, Group.EARLY),
    *(Group.OFF_POST, Group.OTHER, Group.RULED, Group.EXCUSED, Group.LEAVE),
    *(Group.MISSING, Group.NOT_IN, Group.ABSENT, Group.PENDING),
)


@app.command("day")
def show_day(
    date: Annotated[
        str | None, typer.Argument(metavar="[DATE]", help="Else today at the site.")
    ] = None,
    config: ConfigOption = None,
    book: BookOption = None,
    punches: PunchesOption = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a day: missing, late and pending people first, then who is fine."""
    source = people_source.source(config, book, punches)
    rows = people_source.rows(source)
    day = people_source.day(date, rows)
    with people_source.opened(source, day, day) as view:
        found = day_list(view, day)
        if as_json:
            show_json(_as_json(view, found))
        else:
            _print(found, language(lang))


def _print(found: DayList, lang: Lang) -> None:
    listed = [one for one in found.entries if one.group not in QUIET]
    group: Group | None = None
    table = _table(lang)
    for one in listed:
        if one.group is not group:
            group = one.group
            table.add_row(said(GROUPS[group], lang), style="bold")
        for cells in _lines(one, lang):
            table.add_row(*cells)
    if listed:
        show(table)
    for one in found.entries:
        for warned in one.warnings:
            say(plain(f"! {one.person.id} {said(warned, lang)}"))
    say(summary(found, lang))


def _table(lang: Lang) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in _HEADS[:-1]:
        table.add_column(said(head, lang), no_wrap=True)
    table.add_column(said(_HEADS[-1], lang), overflow="fold")
    return table


def _lines(one: Entry, lang: Lang) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a person: one for each session that is not simply fine."""
    name = f"  {one.person.id} {one.person.name}"
    seats = [seat for seat in one.seats if seat.group not in QUIET]
    for seat in seats:
        verdict = seat.verdict
        yield (
            plain(name),
            plain(f"{verdict.shift} {verdict.session}"),
            due(verdict.start, verdict.end),
            clock(verdict.arrival),
            clock(verdict.departure),
            "\n".join(map(plain, _told(one, seat, lang))),
        )
        name = ""
    for finding in one.findings:
        words = f"{brief(finding, None, lang)}: {said(finding, lang)}"
        yield plain(name), "", "", "", "", plain(words)
        name = ""


def _told(one: Entry, seat: Seat, lang: Lang) -> Iterator[str]:
    money = {line.finding: line.amount_fen for line in one.deductions}
    for finding in seat.findings:
        yield brief(finding, money.get(finding.id), lang)
    if not seat.findings:
        yield said(GROUPS[seat.group], lang)
    if seat.verdict.waits and seat.group is Group.PENDING:
        yield said(seat.verdict.waits, lang)
    flags = [
        said(BRIEF_FLAGS[flag], lang)
        for flag in seat.verdict.flags
        if flag in BRIEF_FLAGS
    ]
    if flags:
        yield f"[{', '.join(flags)}]"


def summary(found: DayList, lang: Lang) -> str:
    """Return a day in one line."""
    date, counts = f"{found.date:%m-%d}", found.counts
    name, total = weekday(found.date, lang), len(found.entries)
    parts = []
    for group in _SUMMARY:
        if count := counts.get(group):
            words = said(GROUPS[group], lang)
            parts.append(f"{words} {count}" if lang is Lang.ZH else f"{count} {words}")
    head = (
        f"{date} {name}：{total} 人"
        if lang is Lang.ZH
        else f"{name} {date}: {total} people"
    )
    return " · ".join([head, *parts])


def _as_json(view: View, found: DayList) -> dict[str, Any]:
    return {
        "date": found.date.isoformat(),
        "people": len(found.entries),
        "counts": {str(group): count for group, count in found.counts.items()},
        "entries": [_entry_json(view, one) for one in found.entries],
    }


def _entry_json(view: View, one: Entry) -> dict[str, Any]:
    return {
        "person": one.person.id,
        "name": one.person.name,
        "vendor": one.person.vendor,
        "group": one.group,
        "sessions": [
            {**session_json(seat.verdict, view.zone), "group": seat.group}
            for seat in one.seats
        ],
        "findings": [
            finding_json(finding)
            for finding in (
                *(each for seat in one.seats for each in seat.findings),
                *one.findings,
            )
        ],
        "deductions": [deduction_json(line) for line in one.deductions],
        "warnings": [warning_json(warned) for warned in one.warnings],
    }
