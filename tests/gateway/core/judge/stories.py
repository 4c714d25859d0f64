"""A story as a world that can be judged, and verdicts as the rows of a story."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

from gateway.core.judge import Judge
from gateway.core.moments import local, read
from gateway.core.policy import KIND_WORDS, Policy, read_policy
from gateway.core.verdicts import Finding, Judged, Punched, SessionVerdict, State
from gateway.core.watermark import Terminals, Watermark, Whole
from gateway.core.wording import duration
from tests.gateway.core.judge.days import POLICIES, book, calendar, rows
from tests.gateway.core.judge.story_tables import (
    DATA,
    DAY,
    DAYS,
    LIST,
    OF_PERSON,
    PUNCHES,
    ROWS,
    RULE,
    TIME,
    VERDICTS,
    WARNED,
    Column,
    Line,
    Story,
)

FOLDER = Path(__file__).parents[3] / "scenarios"
PERSON, TERMINALS = "p1", ("annex", "lobby")
_STATES = {
    "待定": State.PENDING,
    "正常": State.OK,
    "有认定": State.FOUND,
    "免责": State.EXCUSED,
    "已裁定": State.RULED,
    "不扣款": State.UNPRICED,
}
_NOTICE = "提示"
_FILE = "文件"
_KINDS = {words.zh: kind for kind, words in KIND_WORDS.items()}
_T = TypeVar("_T")


@dataclass(frozen=True)
class World:
    """A story that can be judged."""

    judge: Judge
    punches: tuple[Punched, ...]
    first: date
    last: date

    def judged(self) -> Judged:
        """Judge it."""
        return self.judge.person(PERSON, self.punches, self.first, self.last)


def world(story: Story) -> World:
    """Build what a story tells.

    Raises:
        StoryError: a word that is not known, with its line.
    """
    punches = tuple(_punched(story))
    if not story.of("裁定"):
        return _built(story, punches, ())
    before = _built(story, punches, ()).judged()
    return _built(story, punches, tuple(_rulings(story, before)))


def _built(story: Story, punches: tuple[Punched, ...], rulings: Sequence[str]) -> World:
    told = [row for table in ROWS if table != "裁定" for row in _of(story, table)]
    if not story.of("排班"):
        told.append(
            rows("roster", 'person = "p1"', 'shift = "day"', "from = 2026-01-01")
        )
    own, mark = _data(story)
    judge = Judge(
        book(*told, *rulings),
        calendar(),
        {"client-contract": _policy(story)},
        mark,
        own_terminals=own,
    )
    days = [_day(story, line) for line in story.of(VERDICTS)]
    if not days:
        raise story.fail(1, "缺少表「认定」")
    return World(judge, punches, min(days), max(days))


def _punched(story: Story) -> Iterator[Punched]:
    for line in story.of(PUNCHES):
        day = _day(story, line)
        for word in line.get("时间").split():
            at = word
            if word.startswith("次日"):
                at, on = word.removeprefix("次日"), day + timedelta(days=1)
            else:
                on = day
            moment = _moment(story, line.number, f"{on} {at}")
            where = line.get("考勤机") or "lobby"
            site = "branch" if where == "far" else "hq"
            key = f"{local(moment):%Y-%m-%dT%H:%M:%S}"
            yield Punched(key, moment, site, where)


def _of(story: Story, table: str) -> Iterator[str]:
    """Yield the rows of a table as the book has them."""
    name, columns = ROWS[table]
    for line in story.of(table):
        said = [f'person = "{PERSON}"'] if name in OF_PERSON else []
        for head, cell in line.cells.items():
            if cell:
                said.append(_pair(story, line.number, columns[head], cell))
        yield rows(name, *said)


def _pair(story: Story, number: int, column: Column, cell: str) -> str:
    if column.what == TIME:
        value = f"{local(_moment(story, number, cell)):%Y-%m-%dT%H:%M:%S}"
    elif column.what == DAY:
        value = str(_date(story, number, cell))
    elif column.what == DAYS:
        value = f"[{', '.join(str(_date(story, number, one)) for one in cell.split())}]"
    else:
        words = cell.split() if column.what == LIST else [cell]
        told = ", ".join(f'"{_word(story, number, column, one)}"' for one in words)
        value = f"[{told}]" if column.what == LIST else told
    return f"{column.key} = {value}"


def _word(story: Story, number: int, column: Column, word: str) -> str:
    if not column.words:
        return word
    if word not in column.words:
        known = "、".join(column.words)
        raise story.fail(number, f"不认识的词「{word}」，可用：{known}")
    return column.words[word]


def _rulings(story: Story, before: Judged) -> Iterator[str]:
    """Yield rulings; what they are on is named by what was found without them."""
    for line in story.of("裁定"):
        cells = dict(line.cells)
        on, punch = cells.pop("对象"), cells.pop("作废打卡", "")
        columns = ROWS["裁定"][1]
        said = [
            _pair(story, line.number, columns[head], cell)
            for head, cell in cells.items()
            if cell
        ]
        said.append(f'on = "{_ruled_on(story, line.number, on, before)}"')
        if punch:
            at = local(_moment(story, line.number, punch))
            said += [f'punches = ["{at:%Y-%m-%dT%H:%M:%S}"]', f'persons = ["{PERSON}"]']
        yield rows("rulings", *said)


def _ruled_on(story: Story, number: int, words: str, before: Judged) -> str:
    """Return the id that `2026-11-02 时段1 迟到` means; a case keeps its name."""
    match = re.fullmatch(r"(\S+) 时段(\d) (\S+)", words)
    if match is None:
        return words
    found = [
        one.id
        for one in before.findings
        if (str(one.date), str(one.session), KIND_WORDS[one.kind].zh) == match.groups()
    ]
    if len(found) != 1:
        raise story.fail(number, f"没有这样的认定：{words}")
    return found[0]


def _policy(story: Story) -> Policy:
    named = {line.get("设置"): line.get("值") for line in story.of(RULE)}
    file = POLICIES / f"{named.get(_FILE, 'client-contract')}.toml"
    text = file.read_text(encoding="utf-8")
    for line in story.of(RULE):
        if line.get("设置") == _FILE:
            continue
        group, _, name = line.get("设置").partition(".")
        value = line.get("值")
        said = value if re.fullmatch(r"\d+|true|false", value) else f'"{value}"'
        pattern = rf"(\[{group}\](?:(?!\n\[).)*?\n){name} = \S+"
        text, count = re.subn(pattern, rf"\g<1>{name} = {said}", text, flags=re.DOTALL)
        if count != 1:
            raise story.fail(line.number, f"规则没有设置「{line.get('设置')}」")
    found, problems = read_policy(text, story.file)
    if found is None:
        raise story.fail(story.of(RULE)[0].number, str(problems[0]))
    return found


def _data(story: Story) -> tuple[frozenset[str] | None, Watermark]:
    """Return the terminals that are read here (None: all), and how far data goes."""
    now: int | None = None
    own: frozenset[str] | None = None
    until: dict[str, int] = {}
    strangers: dict[str, list[int]] = {}
    for line in story.of(DATA):
        item, value = line.get("项目"), line.get("值")
        name, _, what = item.partition(" ")
        if item == "现在":
            now = _moment(story, line.number, value)
        elif item == "本网关考勤机":
            own = frozenset(value.split())
        elif what == "读到" and name in TERMINALS:
            until[name] = _moment(story, line.number, value)
        elif what == "未知工号" and name in TERMINALS:
            strangers.setdefault(name, []).append(_moment(story, line.number, value))
        else:
            raise story.fail(line.number, f"不认识的项目「{item}」")
    if now is None:
        return own, Whole(None, strangers)
    read_until = dict.fromkeys(TERMINALS, now) | until
    return own, Terminals(now, read_until, TERMINALS, strangers)


def told(found: Judged) -> list[dict[str, str]]:
    """Return verdicts as the rows of a story say them, in order."""
    by_id = {one.id: one for one in found.findings}
    fen = {one.finding: one.amount_fen for one in found.deductions}
    said: list[tuple[tuple[date, int], dict[str, str]]] = []
    for one in found.sessions:
        mine = [by_id.pop(key) for key in one.findings]
        each: list[Finding | None] = [*mine] or [None]
        said += [((one.date, one.start), _session(one, each_, fen)) for each_ in each]
    said += [((one.date, 1 << 60), _notice(one)) for one in by_id.values()]
    return [row for _, row in sorted(said, key=lambda pair: pair[0])]


def _session(
    one: SessionVerdict, finding: Finding | None, fen: Mapping[str, int]
) -> dict[str, str]:
    marks = (one.arrival, one.departure)
    signs = [f"{local(mark.at):%H:%M:%S}" if mark else "" for mark in marks]
    state = next(name for name, state in _STATES.items() if state is one.state)
    row = {
        "日期": str(one.date),
        "时段": str(one.session),
        "签到": signs[0],
        "签退": signs[1],
        "结果": state,
        "说明": one.waits.zh if one.waits else "",
    }
    return {**row, **(_found(finding, fen) if finding else {})}


def _notice(one: Finding) -> dict[str, str]:
    row = {"日期": str(one.date), "时段": "", "结果": _NOTICE}
    return {**row, **_found(one, {})}


def _found(one: Finding, fen: Mapping[str, int]) -> dict[str, str]:
    amount = fen.get(one.id)
    return {
        "认定": KIND_WORDS[one.kind].zh,
        "时长": duration(one.seconds).zh if one.seconds else "",
        "条款": one.clause,
        "扣款": "" if amount is None else f"{amount / 100:.2f}",
    }


def expected(story: Story) -> list[dict[str, str]]:
    """Return the rows that a story expects.

    Raises:
        StoryError: a state or a kind of finding that is not known, with its line.
    """
    for line in story.of(VERDICTS):
        for head, known in (("结果", (*_STATES, _NOTICE)), ("认定", (*_KINDS, ""))):
            if line.get(head) not in known:
                words = f"不认识的{head}「{line.get(head)}」，可用：{'、'.join(known)}"
                raise story.fail(line.number, words)
    return [_full_times(dict(line.cells)) for line in story.of(VERDICTS)]


def _full_times(row: dict[str, str]) -> dict[str, str]:
    for head in ("签到", "签退"):
        if row.get(head, "").count(":") == 1:
            row[head] += ":00"
    return row


def warned(story: Story) -> list[str]:
    """Return the warnings that a story expects."""
    return [line.get(WARNED) for line in story.of(WARNED)]


def _day(story: Story, line: Line) -> date:
    return _date(story, line.number, line.get("日期"))


def _date(story: Story, number: int, text: str) -> date:
    return _read(story, number, text, date.fromisoformat, "日期，如 2026-11-02")


def _moment(story: Story, number: int, text: str) -> int:
    full = text.replace(" ", "T") + (":00" if text.count(":") == 1 else "")
    return _read(story, number, full, read, "时间，如 2026-11-02 08:30")


def _read(
    story: Story, number: int, text: str, reader: Callable[[str], _T], what: str
) -> _T:
    try:
        return reader(text)
    except ValueError:
        raise story.fail(number, f"「{text}」不是{what}") from None
