"""A month as a spreadsheet that a clerk prints and files, in Chinese.

Text is always written as text: a cell that begins with = + - or @ is no formula here.
Dates are dates, times of day are times, amounts are numbers in yuan.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from gateway.core.moments import local
from gateway.core.policy.kinds import KIND_WORDS, FindingKind
from gateway.core.verdicts import Finding, Flag, SessionVerdict, State
from gateway.core.wording import duration
from gateway.month_list import Duty, Line, Month, Total, added, by_policy

_FONT = "SimSun"
_A4 = 9
_FEN = 100
_NARROW, _WIDE = 6, 46
_SHORT = 10
_LINE = 16  # points
_WEEKDAYS = "一二三四五六日"
_STATES = {
    State.PENDING: "待定",
    State.OK: "正常",
    State.FOUND: "有认定",
    State.EXCUSED: "免责",
    State.RULED: "已裁定",
    State.UNPRICED: "不扣款",
}
_DETAIL = (
    *("日期", "星期", "班次", "时段", "应到", "应离", "签到", "签退", "状态"),
    *("认定", "时长", "条款", "说明", "扣款（元）"),
)
_VENDOR = (
    *("人员", "姓名", "应勤时段", "正常", "迟到", "早退", "脱岗", "旷工", "其他认定"),
    *("请假", "待定"),
)
_TOTALS = (
    "规则",
    "条款",
    "认定",
    "次数",
    "其中暂定",
    "其中免除",
    "并入他项",
    "扣款（元）",
)
_COUNTED = (
    *(FindingKind.LATE, FindingKind.EARLY_LEAVE),
    *(FindingKind.OFF_POST, FindingKind.ABSENCE),
)


class SheetError(Exception):
    """The spreadsheet cannot be written; the text says why."""


@dataclass(frozen=True, slots=True)
class Yuan:
    """An amount, in fen, that is shown in yuan."""

    fen: int


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day on a day."""

    at: datetime


Cell = str | int | date | Yuan | Clock | None
"""What a cell holds; None leaves it empty."""


@dataclass(frozen=True, slots=True)
class Page:
    """A sheet: its tab, its title, its header and rows; `sums` are its last rows."""

    tab: str
    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    sums: Sequence[Sequence[Cell]] = ()


def of_person(path: Path, found: Month) -> None:
    """Write a person's month: every duty, and totals by clause.

    Raises:
        SheetError: the library is not installed, or the file cannot be written.
    """
    who = f"{found.person.name}（{found.person.id}）{_span(found)}"
    rows = [row for duty in found.duties for row in _duty_rows(duty)]
    detail = Page("明细", f"{who}考勤明细", _DETAIL, rows, _sums(found.totals, _DETAIL))
    _write(path, [detail, _totals_page(f"{who}按条款合计", found.totals)])


def of_vendor(path: Path, vendor: str, found: Sequence[Month]) -> None:
    """Write the month of a vendor's people: one row each, their findings, totals.

    Raises:
        SheetError: the library is not installed, or the file cannot be written.
    """
    head = f"{vendor} {_span(found[0])}" if found else vendor
    totals = added([one.totals for one in found])
    rules = list(by_policy(totals))
    money = [f"扣款（元）{rule}" if len(rules) > 1 else "扣款（元）" for rule in rules]
    people = [_person_row(one, rules) for one in found]
    sums = [Yuan(fen) for fen in by_policy(totals).values()]
    last = ("合计", *(None,) * (len(_VENDOR) - 1), *sums)
    whole = Page("汇总", f"{head}考勤汇总", (*_VENDOR, *money), people, [last])
    detail = [
        (one.person.id, one.person.name, *row)
        for one in found
        for duty in one.duties
        if duty.lines or _waits(duty)
        for row in _duty_rows(duty)
    ]
    heads = ("人员", "姓名", *_DETAIL)
    details = Page("明细", f"{head}认定明细", heads, detail, _sums(totals, heads))
    _write(path, [whole, details, _totals_page(f"{head}按条款合计", totals)])


def _span(found: Month) -> str:
    return f"{found.first:%Y年%m月%d日}至{found.last:%m月%d日}"


def _waits(duty: Duty) -> bool:
    return duty.verdict is not None and duty.verdict.state is State.PENDING


def _duty_rows(duty: Duty) -> list[tuple[Cell, ...]]:
    """Return a row for each finding of a session; one where there is none."""
    head = _head(duty)
    verdict = duty.verdict
    waits = verdict.waits.zh if verdict and verdict.waits else None
    if not duty.lines:
        return [(*head, None, None, None, waits, None)]
    return [(*head, *_line(line)) for line in duty.lines]


def _head(duty: Duty) -> tuple[Cell, ...]:
    day: tuple[Cell, ...] = (duty.date, _WEEKDAYS[duty.date.weekday()])
    one = duty.verdict
    if one is None:
        state = _STATES[State.FOUND] if duty.charged else "提示"
        return (*day, *(None,) * 6, state)
    marks = (one.arrival, one.departure)
    signs = (Clock(local(mark.at)) if mark else "未签" for mark in marks)
    due = (Clock(local(one.start)), Clock(local(one.end)))
    none = one.state is State.EXCUSED or one.state is State.PENDING
    blank = (Clock(local(mark.at)) if mark else None for mark in marks)
    return (
        *day,
        one.shift,
        one.session,
        *due,
        *(blank if none else signs),
        _state(one),
    )


def _state(one: SessionVerdict) -> str:
    return "请假" if Flag.ON_LEAVE in one.flags else _STATES[one.state]


def _line(line: Line) -> tuple[Cell, ...]:
    one = line.finding
    money = None if line.fen is None else Yuan(line.fen)
    long = duration(one.seconds).zh if one.seconds else None
    return KIND_WORDS[one.kind].zh, long, one.clause, _note(one), money


def _note(one: Finding) -> str | None:
    """Return what the columns beside it do not say."""
    if one.ruled_by:
        return f"裁定 {one.ruled_by} 免除"
    if one.absorbed_by:
        return "已由同日另一认定计价"
    if not one.final:
        return "暂定"
    return one.zh if one.seconds is None else None


def _person_row(found: Month, rules: Sequence[str]) -> tuple[Cell, ...]:
    """Return a person's row; amounts of two policies stand in two columns."""
    states = found.states
    counts = [found.count(kind) for kind in _COUNTED]
    others = sum(one.count for one in found.totals) - sum(counts)
    return (
        found.person.id,
        found.person.name,
        sum(states.values()),
        states.get(State.OK, 0),
        *counts,
        others,
        found.on_leave,
        states.get(State.PENDING, 0),
        *(Yuan(found.fen.get(rule, 0)) for rule in rules),
    )


def _sums(totals: Sequence[Total], heads: Sequence[str]) -> list[tuple[Cell, ...]]:
    """Return the last rows of a table: what is charged, by each policy."""
    empty = (None,) * (len(heads) - 2)
    return [
        (f"合计（{policy}）", *empty, Yuan(fen))
        for policy, fen in by_policy(totals).items()
    ]


def _totals_page(title: str, totals: Sequence[Total]) -> Page:
    rows = [
        (
            *(one.policy, one.clause, KIND_WORDS[one.kind].zh, one.count),
            *(one.open, one.waived, one.absorbed, Yuan(one.fen)),
        )
        for one in totals
    ]
    return Page("按条款", title, _TOTALS, rows, _sums(totals, _TOTALS))


def _write(path: Path, pages: Sequence[Page]) -> None:
    try:
        # Only who wants spreadsheets needs the library.
        import xlsxwriter  # noqa: PLC0415
        from xlsxwriter.exceptions import XlsxWriterException  # noqa: PLC0415
    except ImportError:
        raise SheetError("needs a library: install punchgate[sheets]") from None
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    try:
        with xlsxwriter.Workbook(str(path), options) as book:
            formats = _formats(book)
            for page in pages:
                _Sheet(book.add_worksheet(page.tab), formats).fill(page)
    except (OSError, XlsxWriterException) as error:
        raise SheetError(f"cannot be written: {error}") from None


def _formats(book: Any) -> dict[str, Any]:
    cell = {"font_name": _FONT, "font_size": 10, "border": 1, "valign": "vcenter"}
    centred = {**cell, "align": "center"}
    bold = {**cell, "bold": True, "bg_color": "#F2F2F2"}
    said = {
        "title": {"font_name": _FONT, "font_size": 14, "bold": True},
        "head": {**bold, "align": "center", "text_wrap": True},
        "text": {**cell, "text_wrap": True},
        "short": centred,
        "date": {**centred, "num_format": "yyyy-mm-dd"},
        "clock": {**centred, "num_format": "hh:mm:ss"},
        "yuan": {**cell, "align": "right", "num_format": "#,##0.00"},
        "sum": bold,
        "sum_yuan": {**bold, "align": "right", "num_format": "#,##0.00"},
    }
    return {name: book.add_format(values) for name, values in said.items()}


class _Sheet:
    """Writes one page, cell by cell."""

    def __init__(self, sheet: Any, formats: dict[str, Any]) -> None:
        self._sheet = sheet
        self._formats = formats

    def fill(self, page: Page) -> None:
        """Write title, header, rows and sums."""
        widths = [_width(column) for column in zip(page.heads, *page.rows, strict=True)]
        sheet = self._sheet
        sheet.write_string(0, 0, page.title, self._formats["title"])
        sheet.set_row(0, 2 * _LINE)
        for column, head in enumerate(page.heads):
            sheet.write_string(1, column, head, self._formats["head"])
            sheet.set_column(column, column, widths[column])
        rows = [(row, False) for row in page.rows] + [(row, True) for row in page.sums]
        for number, (cells, is_sum) in enumerate(rows, 2):
            lines = 1 if is_sum else max(map(_lines, cells, widths))
            sheet.set_row(number, _LINE * lines)
            for column, cell in enumerate(cells):
                self._cell((number, column), cell, is_sum=is_sum)
            if is_sum:
                self._label(number, cells)
        self._lay_out(len(rows) + 1, len(page.heads) - 1)

    def _cell(self, place: tuple[int, int], cell: Cell, *, is_sum: bool) -> None:
        formats, sheet = self._formats, self._sheet
        if isinstance(cell, Yuan):
            money = formats["sum_yuan" if is_sum else "yuan"]
            sheet.write_number(*place, cell.fen / _FEN, money)
        elif isinstance(cell, Clock):
            sheet.write_datetime(*place, cell.at.time(), formats["clock"])
        elif isinstance(cell, date):
            sheet.write_datetime(*place, cell, formats["date"])
        elif isinstance(cell, int):
            sheet.write_number(*place, cell, formats["short"])
        elif cell is None:
            sheet.write_blank(*place, None, formats["sum" if is_sum else "text"])
        else:
            short = cell_len(cell) <= _SHORT
            name = "sum" if is_sum else "short" if short else "text"
            sheet.write_string(*place, cell, formats[name])

    def _label(self, row: int, cells: Sequence[Cell]) -> None:
        """Let the name of a sum go on over the empty cells beside it."""
        end = next(n for n, cell in enumerate(cells) if isinstance(cell, Yuan)) - 1
        self._sheet.merge_range(row, 0, row, end, str(cells[0]), self._formats["sum"])

    def _lay_out(self, last_row: int, last_column: int) -> None:
        """Keep the header in sight, and print on A4 across."""
        sheet = self._sheet
        sheet.freeze_panes(2, 0)
        sheet.repeat_rows(0, 1)
        sheet.set_landscape()
        sheet.set_paper(_A4)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.fit_to_pages(1, 0)
        sheet.print_area(0, 0, last_row, last_column)
        sheet.set_footer("&L&A&R第 &P 页，共 &N 页")


def _width(column: Sequence[Cell]) -> int:
    """Return how wide a column must be, in characters."""
    return min(max(_NARROW, *(cell_len(_shown(cell)) + 2 for cell in column)), _WIDE)


def _lines(cell: Cell, width: int) -> int:
    return -(-(cell_len(_shown(cell)) + 2) // width)


def _shown(cell: Cell) -> str:
    """Return a cell about as it is shown."""
    if isinstance(cell, Yuan):
        return f"{cell.fen / _FEN:,.2f}"
    if isinstance(cell, Clock):
        return f"{cell.at:%H:%M:%S}"
    return "" if cell is None else str(cell)
