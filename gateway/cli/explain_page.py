"""The explanation of a date as people read it: verdict first, raw bytes last."""

from collections.abc import Iterator
from typing import Any

from rich.padding import Padding
from rich.table import Table

from gateway.cli.app import say
from gateway.cli.explain_evidence import evidence_lines
from gateway.cli.people_words import (
    FLAGS,
    ON_LEAVE,
    STATES,
    brief,
    weekday,
)
from gateway.cli.people_words import say as said
from gateway.cli.policy import Lang
from gateway.cli.tables import plain, show
from gateway.core.account import Account, Effect, Placed, Use
from gateway.core.calendar import DayKind
from gateway.core.leaving import FAILED_WORDS
from gateway.core.moments import day_of, local
from gateway.core.policy.kinds import Words
from gateway.core.rules.spans import total
from gateway.core.verdicts import Flag, Unassigned, Why
from gateway.core.wording import clock, duration
from gateway.explaining import Explanation, Step, Told
from gateway.people_view import View

_INDENT = 2
_VERDICT = Words("结果", "verdict")
_BECAUSE = Words("经过", "because")
_CLAUSE = Words("条款", "clause")
_READ_AS = Words("口径", "read as")
_FREE = Words("不计价", "no amount")
_ROWS = Words("依据", "rows")
_OWED = Words("应勤", "owed")
_LEAVE = Words("请假", "leave")
_WINDOW = Words("窗口", "window")
_COUNTS = Words("考勤机", "counts at")
_OUTAGE = Words("故障", "outages")
_PUNCH = Words("打卡", "punches")
_WAITS = Words("等待", "waits")
_NOTE = Words("注意", "note")
_LEFT = Words("未用", "left over")
_USES = {
    Use.IN: Words("签到", "IN"),
    Use.OUT: Words("签退", "OUT"),
    Use.REPEAT: Words("重复于 {about}", "repeat of {about}"),
    Use.UNUSED: Words("未采用", "unused"),
    Use.OTHER_TERMINAL: Words(
        "不计入本班的考勤机", "a terminal that does not count here"
    ),
    Use.VOID: Words("裁定 {about} 作废", "void by ruling {about}"),
}
_WHYS = {
    Why.OUTSIDE_WINDOWS: Words("不在任何时段的窗口内", "outside every window"),
    Why.NO_DUTY: Words("当天无应勤", "no duty on that day"),
}
_CALENDAR = {
    DayKind.WORK: Words("工作日", "a working day"),
    DayKind.REST: Words("休息日", "a day off"),
    DayKind.HALF: Words("半天", "half a day"),
}
_EFFECTS = {
    "leave personal": Words("事假", "personal leave"),
    "leave sick": Words("病假", "sick leave"),
    "leave official": Words("公出", "official leave"),
    "leave other": Words("其他假", "other leave"),
    "permit field": Words("外勤许可", "field permit"),
    "permit trip": Words("出差许可", "trip permit"),
    "permit remote": Words("远程许可", "remote permit"),
}
Row = tuple[Words | None, str]
"""A label, or none where the one above goes on, and a text."""


def print_page(view: View, found: Explanation, lang: Lang) -> None:
    """Print why a date of a person came out as it did."""
    one, day = found.person, found.date
    name = weekday(day, lang)
    say(plain(f"{one.name} ({one.id})  {day} {name}  {one.vendor}"))
    for step in found.steps:
        say()
        say(plain(_head(view, step, lang)))
        _print(_step(view, found, step, lang), lang)
    if found.nothing:
        say(said(found.nothing, lang))
    rest = [row for told in found.notices for row in _told(told, lang)]
    rest += _left(view, found, lang)
    rest += [(_NOTE, said(warned, lang)) for warned in found.warnings]
    if rest:
        say()
        _print(rest, lang)


def _print(rows: Any, lang: Lang) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    before: Words | None = None
    for label, text in rows:
        shown = "" if label is None or label is before else said(label, lang)
        inner = Padding(plain(text.lstrip()), (0, 0, 0, _INDENT * text.startswith(" ")))
        table.add_row(f"  {shown}", inner)
        before = label or before
    show(table)


def _head(view: View, step: Step, lang: Lang) -> str:
    due = _span(*step.account.scheduled)
    shift = view.book.shift(step.verdict.shift)
    name = f" {shift.name}" if shift and shift.name else ""
    number = step.verdict.session
    words = Words(f"第 {number} 时段", f"session {number}")
    return f"{said(words, lang)}  {due}  {step.verdict.shift}{name}"


def _step(view: View, found: Explanation, step: Step, lang: Lang) -> Iterator[Row]:
    yield _VERDICT, _verdict(step, lang)
    for told in step.told:
        yield from _told(told, lang)
    if step.verdict.waits:
        yield _WAITS, said(step.verdict.waits, lang)
    flags = [said(FLAGS[flag], lang) for flag in step.verdict.flags if flag in FLAGS]
    if flags:
        yield _NOTE, ", ".join(flags)
    yield from _owed(step.account, lang)
    yield from _where(step.account, lang)
    yield from _punches(view, found, step.account, lang)


def _verdict(step: Step, lang: Lang) -> str:
    leave = Flag.ON_LEAVE in step.verdict.flags
    return said(ON_LEAVE if leave else STATES[step.verdict.state], lang)


def _told(told: Told, lang: Lang) -> Iterator[Row]:
    one = told.finding
    yield _VERDICT, f"{brief(one, told.fen, lang)}  {one.id}"
    yield _BECAUSE, said(one, lang)
    if told.clause:
        yield _CLAUSE, f"{one.clause} {said(told.clause, lang)} ({one.policy})"
    yield _READ_AS, _reading(told, lang)
    if told.reason:
        yield _FREE, said(told.reason, lang)
    if one.rows or one.punches:
        yield _ROWS, " ".join([*one.rows, *one.punches])
    if one.absorbed_by:
        words = Words("由此认定计价", "charged by")
        yield _FREE, f"{said(words, lang)} {one.absorbed_by}"


def _reading(told: Told, lang: Lang) -> str:
    """Return the setting that decided, what it means, and whether it is confirmed."""
    found = told.reading
    if found is None:
        return told.finding.setting
    text = said(found.reading, lang)
    about = said(found.about, lang)
    meant = text if "{value}" in about else f"{about}: {text}"
    if not told.open:
        return f"{meant}  [{told.finding.setting}]"
    mark = Words("待解释单位确认", "to be confirmed by the owner")
    return f"{meant}  [{told.finding.setting}]  ! {said(mark, lang)} {found.cite}"


def _owed(one: Account, lang: Lang) -> Iterator[Row]:
    spans = ", ".join(_span(*span) for span in one.owed) or "-"
    yield _OWED, f"{spans} ({said(duration(total(one.owed)), lang)})"
    yield None, _calendar(one, lang)
    for name in one.orders:
        words = Words(f"命令 {name}", f"order {name}")
        yield None, said(words, lang)
    for effect in one.absences:
        yield _LEAVE, _effect(effect, lang)


def _calendar(one: Account, lang: Lang) -> str:
    if one.day is None:
        return said(
            Words("该年日历未知", "nobody knows the calendar of that year"), lang
        )
    kind = said(_CALENDAR[one.day.kind], lang)
    name = f" {one.day.name}" if one.day.name else ""
    words = Words(f"日历：{kind}{name}", f"calendar: {kind}{name}")
    free = Words("（本班不看日历）", " (this shift does not ask it)")
    return said(words, lang) + ("" if one.by_calendar else said(free, lang))


def _effect(one: Effect, lang: Lang) -> str:
    long = duration(one.seconds)
    if one.failed is None:
        words = Words(f"抵应勤 {long.zh}", f"takes {long.en} off")
    else:
        words = FAILED_WORDS[one.failed]
    kind = said(_EFFECTS[one.kind], lang)
    return f"{one.row} {kind}  {_span(*one.span)}  {said(words, lang)}"


def _where(one: Account, lang: Lang) -> Iterator[Row]:
    if one.window:
        start, end = one.window
        words = Words("（不含）", " (not itself)")
        yield _WINDOW, f"{_at(start)} … {_at(end)}{said(words, lang)}"
    if one.stays_in or one.stays_out:
        words = Words("与相邻班次连续在岗", "one stay with the duty beside it")
        yield None, said(words, lang)
    yield _COUNTS, " ".join(one.terminals) or "*"
    if one.outages:
        yield _OUTAGE, " ".join(one.outages)


def _punches(view: View, found: Explanation, one: Account, lang: Lang) -> Iterator[Row]:
    if one.window and not one.punches:
        yield _PUNCH, said(Words("窗口内没有打卡", "none in the window"), lang)
    for placed in one.punches:
        yield _PUNCH, _placed(placed, lang)
        if placed.punch in found.evidence:
            for line in evidence_lines(view, found.evidence[placed.punch], lang):
                yield None, f"  {line}"


def _placed(one: Placed, lang: Lang) -> str:
    use = said(_USES[one.use], lang).format(about=one.about)
    if one.made_up:
        use += said(Words("（补卡）", " (correction)"), lang)
    return "  ".join(
        part for part in (_at(one.at), use, one.terminal, one.punch) if part
    )


def _left(view: View, found: Explanation, lang: Lang) -> Iterator[Row]:
    for one in found.left:
        yield _LEFT, _unassigned(one, lang)
        if one.punch in found.evidence:
            for line in evidence_lines(view, found.evidence[one.punch], lang):
                yield None, f"  {line}"


def _unassigned(one: Unassigned, lang: Lang) -> str:
    why = said(_WHYS[one.why], lang) if one.why in _WHYS else str(one.why)
    return f"{_at(one.at)}  {why}  {one.punch}"


def _at(moment: int) -> str:
    return f"{local(moment):%m-%d %H:%M:%S}"


def _span(start: int, end: int) -> str:
    """Return `08:30-12:00`; an end on another day says which one."""
    later = day_of(start) != day_of(end - 1)
    last = f"{local(end):%m-%d} {clock(end)}" if later else clock(end)
    return f"{clock(start)}-{last}"
