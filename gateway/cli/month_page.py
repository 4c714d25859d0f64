"""A month as people read it on a screen, and as JSON."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Table

from gateway.cli.app import say
from gateway.cli.people_words import (
    BRIEF_FLAGS,
    ON_LEAVE,
    STATES,
    brief,
    clock,
    due,
    weekday,
    yuan,
)
from gateway.cli.people_words import say as said
from gateway.cli.policy import Lang
from gateway.cli.tables import plain, show
from gateway.core.policy.kinds import KIND_WORDS, FindingKind, Words
from gateway.core.verdicts import Flag, State
from gateway.month_list import Duty, Month, Total, added, by_policy
from gateway.offline import finding_json, session_json, warning_json

_DETAIL = (
    *(Words("日期", "date"), Words("班", "shift"), Words("应勤", "due")),
    *(Words("签到", "in"), Words("签退", "out"), Words("状态", "state")),
    Words("认定", "found"),
)
_PEOPLE = (
    *(Words("人员", "person"), Words("时段", "sessions"), Words("正常", "ok")),
    *(Words("迟到", "late"), Words("早退", "early"), Words("脱岗", "off post")),
    *(Words("旷工", "absent"), Words("请假", "leave"), Words("待定", "pending")),
    Words("扣款", "yuan"),
)
_TOTALS = (
    *(Words("条款", "clause"), Words("认定", "what"), Words("次数", "count")),
    *(Words("其中", "of these"), Words("扣款", "yuan")),
)
_NOTE = Words("提示", "note")
_COUNTED = (
    *(FindingKind.LATE, FindingKind.EARLY_LEAVE),
    *(FindingKind.OFF_POST, FindingKind.ABSENCE),
)


def print_person(found: Month, lang: Lang) -> None:
    """Print each duty of a person, then the totals."""
    one = found.person
    say(plain(f"{one.name} ({one.id})  {found.first} … {found.last}"))
    table = _table(_DETAIL, lang)
    before: date | None = None
    for duty in found.duties:
        for index, cells in enumerate(_rows(duty, lang)):
            day = f"{duty.date:%m-%d} {weekday(duty.date, lang)}"
            again = index or duty.date == before
            table.add_row("" if again else day, *map(plain, cells))
        before = duty.date
    show(table)
    for warned in found.warnings:
        say(plain(f"! {warned.date or ''} {said(warned, lang)}"))
    _totals(found.totals, lang)


def _rows(duty: Duty, lang: Lang) -> Iterator[tuple[str, ...]]:
    """Yield the rows of a duty: the first has its signs, each has one finding."""
    head = _signs(duty, lang)
    told = [brief(line.finding, line.fen, lang) for line in duty.lines]
    one = duty.verdict
    if one is not None:
        told += [said(one.waits, lang)] if one.waits else []
        told += [
            f"[{said(BRIEF_FLAGS[flag], lang)}]"
            for flag in one.flags
            if flag in BRIEF_FLAGS
        ]
    for index, what in enumerate(told or [""]):
        yield (*(head if not index else ("",) * len(head)), what)


def _signs(duty: Duty, lang: Lang) -> tuple[str, ...]:
    one = duty.verdict
    if one is None:
        state = STATES[State.FOUND] if duty.charged else _NOTE
        return ("", "", "", "", said(state, lang))
    if Flag.ON_LEAVE in one.flags:
        state, signs = ON_LEAVE, ("", "")
    else:
        state, signs = STATES[one.state], (clock(one.arrival), clock(one.departure))
    shift = f"{one.shift} {one.session}"
    return shift, due(one.start, one.end), *signs, said(state, lang)


def _totals(found: Sequence[Total], lang: Lang) -> None:
    """Print totals by clause, policy by policy; amounts of two are never added."""
    for policy, fen in by_policy(found).items():
        say()
        table = _table(_TOTALS, lang, right=(2, 4))
        for one in found:
            if one.policy == policy:
                kind, rest = said(KIND_WORDS[one.kind], lang), _of_these(one, lang)
                table.add_row(one.clause, kind, str(one.count), rest, yuan(one.fen))
        show(table)
        words = Words(f"合计（{policy}）{yuan(fen)} 元", f"{policy}: {yuan(fen)} yuan")
        say(said(words, lang))
    if not found:
        say()
        say(said(Words("没有认定", "nothing was found"), lang))


def _of_these(one: Total, lang: Lang) -> str:
    parts = (
        (one.open, Words("暂定", "not final")),
        (one.waived, Words("免除", "waived")),
        (one.absorbed, Words("并入他项", "charged by another")),
    )
    return ", ".join(f"{count} {said(words, lang)}" for count, words in parts if count)


def print_vendor(title: str, found: Sequence[Month], lang: Lang) -> None:
    """Print a line for each person of a vendor, then the totals."""
    say(plain(title))
    totals = added([one.totals for one in found])
    rules = list(by_policy(totals))
    heads = [*_PEOPLE, *(Words(f"扣款 {rule}", f"yuan {rule}") for rule in rules[1:])]
    table = _table(heads, lang, right=range(1, len(heads)))
    for one in found:
        table.add_row(*map(plain, _person_row(one, rules)))
    show(table)
    _totals(totals, lang)


def _person_row(found: Month, rules: Sequence[str]) -> list[str]:
    states, person = found.states, found.person
    counts = [
        sum(states.values()),
        states.get(State.OK, 0),
        *(found.count(kind) for kind in _COUNTED),
        found.on_leave,
        states.get(State.PENDING, 0),
    ]
    money = [yuan(found.fen.get(rule, 0)) for rule in rules] or [yuan(0)]
    return [f"{person.id} {person.name}", *(str(n or "") for n in counts), *money]


def _table(heads: Sequence[Words], lang: Lang, right: Sequence[int] = ()) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for index, head in enumerate(heads):
        last = index == len(heads) - 1 and not right
        table.add_column(
            said(head, lang),
            justify="right" if index in right else "left",
            no_wrap=not last,
            overflow="fold",
        )
    return table


def person_json(found: Month, zone: ZoneInfo) -> dict[str, Any]:
    """Return a person's month as `month --json` has it."""
    verdicts = [duty.verdict for duty in found.duties if duty.verdict]
    lines = [line for duty in found.duties for line in duty.lines]
    return {
        "person": found.person.id,
        "name": found.person.name,
        "vendor": found.person.vendor,
        "from": found.first.isoformat(),
        "to": found.last.isoformat(),
        "duties": [session_json(one, zone) for one in verdicts],
        "findings": [
            {**finding_json(line.finding), "amount_fen": line.fen} for line in lines
        ],
        "totals": [_total_json(one) for one in found.totals],
        "amount_fen": found.fen,
        "warnings": [warning_json(one) for one in found.warnings],
    }


def vendor_json(vendor: str, first: date, found: Sequence[Month]) -> dict[str, Any]:
    """Return the month of a vendor's people as `month --json` has it."""
    totals = added([one.totals for one in found])
    return {
        "vendor": vendor,
        "month": f"{first:%Y-%m}",
        "people": [_counts_json(one) for one in found],
        "totals": [_total_json(one) for one in totals],
        "amount_fen": by_policy(totals),
    }


def _counts_json(found: Month) -> dict[str, Any]:
    return {
        "person": found.person.id,
        "name": found.person.name,
        "states": {str(state): count for state, count in found.states.items()},
        "on_leave": found.on_leave,
        "counts": {str(one.kind): found.count(one.kind) for one in found.totals},
        "amount_fen": found.fen,
    }


def _total_json(one: Total) -> dict[str, Any]:
    return {
        "policy": one.policy,
        "clause": one.clause,
        "kind": one.kind,
        "count": one.count,
        "open": one.open,
        "waived": one.waived,
        "absorbed": one.absorbed,
        "amount_fen": one.fen,
    }
