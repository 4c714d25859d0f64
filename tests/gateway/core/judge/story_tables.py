"""The tables of stories that clerks can read: which there are, and reading them.

tests/scenarios/README.md tells people the format; what it does not know is an error
that names the line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

TEXT, TIME, DAY, LIST, DAYS = "text", "time", "day", "list", "days"


class StoryError(Exception):
    """A story says something that nobody understands; names file and line."""


@dataclass(frozen=True)
class Column:
    """What a column of a table of rows is in the book, and what its words mean."""

    key: str
    what: str = TEXT
    words: Mapping[str, str] = field(default_factory=dict)


_SPAN = {"开始": Column("from", TIME), "结束": Column("to", TIME)}
_ASKED = {
    "申请": Column("applied_at", TIME),
    "批准人": Column("approved_by"),
    "批准时间": Column("approved_at", TIME),
}
_LEAVE_KINDS = {
    "事假": "personal",
    "病假": "sick",
    "公出": "official",
    "其他": "other",
}
_PERMITS = {"外勤": "field", "出差": "trip", "远程": "remote"}
_ACTS = {
    "请假": "leave",
    "补卡": "correction",
    "许可": "permit",
    "免除": "waive",
    "裁定": "rule",
}
_ORDERS = {"休息": "rest", "上班": "work", "半天": "half"}
ROWS: Mapping[str, tuple[str, Mapping[str, Column]]] = {
    "排班": (
        "roster",
        {
            "班次": Column("shift"),
            "日期": Column("dates", DAYS),
            "开始": Column("from", DAY),
            "结束": Column("to", DAY),
            "考勤机": Column("terminals", LIST),
        },
    ),
    "请假": (
        "leave",
        {
            "编号": Column("id"),
            "类别": Column("kind", words=_LEAVE_KINDS),
            **_SPAN,
            **_ASKED,
            "公司函": Column("letter_at", TIME),
            "提前结束": Column("ended_at", TIME),
            "录入人": Column("entered_by"),
            "销假": Column("returned_at", TIME),
        },
    ),
    "许可": (
        "permits",
        {
            "编号": Column("id"),
            "类别": Column("kind", words=_PERMITS),
            **_SPAN,
            **_ASKED,
        },
    ),
    "补卡": (
        "corrections",
        {
            "编号": Column("id"),
            "时间": Column("at", TIME),
            "补": Column("slot", words={"签到": "in", "签退": "out"}),
            "原因": Column("reason"),
            "申请": Column("requested_at", TIME),
            "批准人": Column("approved_by"),
            "第二批准人": Column("second_by"),
        },
    ),
    "故障": (
        "outages",
        {
            "考勤机": Column("terminal"),
            **_SPAN,
            "决定": Column("decision", words={"免责": "excused"}),
            "决定人": Column("decided_by"),
        },
    ),
    "批准人": (
        "approvers",
        {"姓名": Column("name"), "可批": Column("may", LIST, _ACTS)},
    ),
    "命令": (
        "days",
        {
            "日期": Column("date", DAY),
            "种类": Column("kind", words=_ORDERS),
            "出勤半天": Column("which", words={"上午": "morning", "下午": "afternoon"}),
            "决定人": Column("by"),
        },
    ),
    "同意": (
        "consents",
        {
            "日期": Column("dates", DAYS),
            "最终用户": Column("end_user"),
            "同意日期": Column("given_at", DAY),
        },
    ),
    "登记": (
        "enrolments",
        {"考勤机": Column("terminal"), "工号": Column("badge")},
    ),
    "裁定": (
        "rulings",
        {
            "编号": Column("id"),
            "对象": Column("on"),
            "决定": Column("decision", words={"确认": "confirm", "免除": "waive"}),
            "理由": Column("reason"),
            "作废打卡": Column("punches", LIST),
            "作出人": Column("by", LIST),
            "时间": Column("at", TIME),
        },
    ),
}
OF_PERSON = ("roster", "leave", "permits", "corrections", "enrolments")
_EXPECTED = (
    *("日期", "时段", "签到", "签退", "结果", "认定", "时长", "条款", "扣款", "说明"),
)
PUNCHES, RULE, DATA, WARNED = "打卡", "规则", "数据", "提醒"
VERDICTS = "认定"
OTHERS = {
    PUNCHES: ("日期", "时间", "考勤机"),
    RULE: ("设置", "值"),
    DATA: ("项目", "值"),
    WARNED: ("提醒",),
    VERDICTS: _EXPECTED,
}


@dataclass(frozen=True)
class Line:
    """A row of a table: the number of its line, and its cells by column."""

    number: int
    cells: Mapping[str, str]

    def get(self, name: str) -> str:
        """Return a cell; empty where the table has no such column."""
        return self.cells.get(name, "")


@dataclass
class Story:
    """A story as written: its title, the clauses it is about, and its tables."""

    file: str
    title: str = ""
    english: str = ""
    clauses: tuple[str, ...] = ()
    tables: dict[str, list[Line]] = field(default_factory=dict)

    def fail(self, line: int, words: str) -> StoryError:
        """Return an error that names the line."""
        return StoryError(f"{self.file}:{line}: {words}")

    def of(self, table: str) -> list[Line]:
        """Return the rows of a table; none where the story has no such table."""
        return self.tables.get(table, [])


def parse(text: str, file: str) -> Story:
    """Read a story.

    Raises:
        StoryError: an unknown table, column or form, with its line.
    """
    story, table = Story(file), ""
    heads: list[str] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith("## "):
            table, heads = line[3:].strip(), []
            if table not in (*ROWS, *OTHERS):
                known = "、".join((*ROWS, *OTHERS))
                raise story.fail(number, f"不认识的表「{table}」，可用：{known}")
            if table in story.tables:
                raise story.fail(number, f"表「{table}」出现两次")
            story.tables[table] = []
        elif line.startswith("# "):
            story.title = line[2:].strip()
        elif line.startswith("> "):
            story.english = line[2:].strip()
        elif line.startswith("条款："):
            story.clauses = tuple(line.removeprefix("条款：").split("、"))
        elif line.startswith("|") and table:
            heads = _row(story, number, table, line, heads)
    return story


def _row(
    story: Story, number: int, table: str, line: str, heads: list[str]
) -> list[str]:
    """Take in a row of a table; return the columns of the table."""
    cells = [
        cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")
    ]
    if not heads:
        known = ROWS[table][1] if table in ROWS else OTHERS[table]
        for cell in cells:
            if cell not in known:
                words = f"表「{table}」不认识的列「{cell}」，可用：{'、'.join(known)}"
                raise story.fail(number, words)
        return cells
    if all(set(cell) <= set("-: ") and cell for cell in cells):
        return heads
    if len(cells) != len(heads):
        raise story.fail(number, f"有 {len(cells)} 格，表头有 {len(heads)} 格")
    story.tables[table].append(Line(number, dict(zip(heads, cells, strict=True))))
    return heads
