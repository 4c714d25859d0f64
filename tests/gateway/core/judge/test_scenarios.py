"""The stories of tests/scenarios come out as they say, and cover every clause."""

import re
from pathlib import Path

import pytest

from tests.gateway.core.judge.stories import FOLDER, expected, told, warned, world
from tests.gateway.core.judge.story_tables import Story, StoryError, parse

STORIES = sorted(FOLDER.glob("[0-9]*.md"))
CLAUSES = {
    *("S0-T19-4", "S0-T19-5", "S0-T19-6(1)", "S0-T19-6(2)"),
    *("S0-T19-8", "S0-T19-9", "S0-T19-note-1"),
    *("S2-P1-2", "S2-P1-2.3"),
}
GOOD = """# 迟到

> Late.

条款：S0-T19-5

## 打卡

| 日期 | 时间 |
|---|---|
| 2026-11-02 | 08:20 12:05 14:20 17:35 |

## 认定

| 日期 | 时段 | 结果 |
|---|---|---|
| 2026-11-02 | 1 | 正常 |
| 2026-11-02 | 2 | 正常 |
"""


def read(path: Path) -> Story:
    """Read a story."""
    return parse(path.read_text(encoding="utf-8"), path.name)


def outcome(story: Story) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return what a story expects, and what came out in the same columns."""
    judged = world(story).judged()
    wanted = expected(story)
    heads = wanted[0]
    came = [{head: row.get(head, "") for head in heads} for row in told(judged)]
    assert [one.zh for one in judged.warnings] == warned(story)
    return wanted, came


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_story_comes_out_as_it_says(path: Path) -> None:
    """Every session of its dates, every finding, every amount, nothing else."""
    wanted, came = outcome(read(path))
    assert came == wanted


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_a_story_names_its_clauses_and_says_what_it_is_in_english(path: Path) -> None:
    """What is found cites a clause that the head of the story names."""
    story = read(path)
    assert story.title
    assert story.english
    cited = {line.get("条款") for line in story.of("认定")} - {""}
    assert cited <= set(story.clauses)


def test_every_clause_of_attendance_and_leave_has_a_story() -> None:
    """Nobody has to guess how a clause is applied."""
    named = {clause for path in STORIES for clause in read(path).clauses}
    assert named >= CLAUSES


def test_the_page_on_judging_names_every_rule_and_nothing_else() -> None:
    """A newcomer finds each clause's module, tests and story; all of them exist."""
    repo = FOLDER.parents[1]
    page = (repo / "docs/judging.md").read_text(encoding="utf-8")
    page = page.partition("## How far the tests reach")[0]
    rules = {path.name for path in (repo / "gateway/core/rules").glob("[a-z]*.py")}
    assert set(re.findall(r"`rules/(\w+\.py)`", page)) == rules - {"spans.py"}
    for name in set(re.findall(r"`((?:rules/|book/|policy/)?\w+\.py)`", page)):
        places = ("gateway/core", "tests/gateway/core/judge", "tests/gateway/core")
        assert any((repo / place / name).exists() for place in places), name
    told = {
        number
        for line in page.splitlines()
        if line.startswith("| ")
        for number in re.findall(r"\b\d\d\b", line.rsplit("|", 2)[1])
    }
    assert told == {path.name[:2] for path in STORIES}


@pytest.mark.parametrize(
    "old, new, line, words",
    [
        ("## 打卡", "## 打卡记录", 7, "不认识的表「打卡记录」"),
        ("## 认定", "## 打卡", 13, "表「打卡」出现两次"),
        ("| 日期 | 时间 |", "| 日期 | 时刻 |", 9, "不认识的列「时刻」"),
        ("1 | 正常", "1 | 很好", 17, "不认识的结果「很好」"),
        ("| 2 | 正常 |", "| 2 |", 18, "有 2 格，表头有 3 格"),
        ("08:20", "8点", 11, "不是时间"),
        ("| 2026-11-02 | 1 |", "| 11月2日 | 1 |", 17, "不是日期"),
    ],
)
def test_what_a_story_says_wrong_is_named_with_its_line(
    old: str, new: str, line: int, words: str
) -> None:
    """An unknown word is an error, never something left out."""
    assert old in GOOD
    with pytest.raises(StoryError) as error:
        outcome(parse(GOOD.replace(old, new, 1), "story.md"))
    assert str(error.value).startswith(f"story.md:{line}: ")
    assert words in str(error.value)


@pytest.mark.parametrize(
    "table, words",
    [
        (
            "## 请假\n\n| 编号 | 类别 |\n|---|---|\n| L1 | 婚假 |\n",
            "不认识的词「婚假」",
        ),
        (
            "## 规则\n\n| 设置 | 值 |\n|---|---|\n| signs.grace | 5 |\n",
            "规则没有设置「signs.grace」",
        ),
        ("## 数据\n\n| 项目 | 值 |\n|---|---|\n| 大门 读到 | x |\n", "不认识的项目"),
        (
            "## 裁定\n\n| 对象 |\n|---|\n| 2026-11-02 时段1 迟到 |\n",
            "没有这样的认定",
        ),
    ],
)
def test_words_of_other_tables_are_checked_too(table: str, words: str) -> None:
    """Kinds, settings, items and subjects of rulings."""
    with pytest.raises(StoryError, match=words):
        outcome(parse(f"{GOOD}\n{table}", "story.md"))


def test_a_story_that_says_otherwise_is_noticed() -> None:
    """The comparison can fail: a session left out, or a verdict changed."""
    wanted, came = outcome(parse(GOOD, "story.md"))
    assert came == wanted
    short = GOOD.replace("| 2026-11-02 | 2 | 正常 |\n", "")
    wanted, came = outcome(parse(short, "story.md"))
    assert came != wanted
    late = GOOD.replace("08:20", "08:31")
    wanted, came = outcome(parse(late, "story.md"))
    assert came != wanted
