"""Words and small texts of the pages about people, in Chinese and English."""

from datetime import date
from typing import Any

from gateway.cli.policy import Lang
from gateway.core.moments import local
from gateway.core.policy.kinds import KIND_WORDS, Words
from gateway.core.verdicts import Finding, Flag, Mark, State
from gateway.core.wording import duration
from gateway.day_list import Group

_FEN = 100
_WEEKDAYS = (
    *(Words("周一", "Mon"), Words("周二", "Tue"), Words("周三", "Wed")),
    *(Words("周四", "Thu"), Words("周五", "Fri"), Words("周六", "Sat")),
    Words("周日", "Sun"),
)
STATES = {
    State.PENDING: Words("待定", "pending"),
    State.OK: Words("正常", "ok"),
    State.FOUND: Words("有认定", "found"),
    State.EXCUSED: Words("免责", "excused"),
    State.RULED: Words("已裁定", "ruled"),
    State.UNPRICED: Words("不扣款", "unpriced"),
}
ON_LEAVE = Words("请假", "on leave")
GROUPS = {
    Group.ABSENT: Words("旷工", "absent"),
    Group.MISSING: Words("缺卡", "missing punch"),
    Group.NOT_IN: Words("尚未签到", "not signed in yet"),
    Group.OFF_POST: Words("脱岗", "off post"),
    Group.LATE: Words("迟到", "late"),
    Group.EARLY: Words("早退", "early leave"),
    Group.OTHER: Words("其他认定", "other findings"),
    Group.PENDING: Words("待定", "pending"),
    Group.LEAVE: ON_LEAVE,
    Group.EXCUSED: Words("免责", "excused"),
    Group.RULED: Words("已裁定", "ruled"),
    Group.NOTED: Words("有提示", "noted"),
    Group.PRESENT: Words("至今正常", "fine so far"),
    Group.AHEAD: Words("未到时间", "not begun"),
    Group.OK: Words("正常", "ok"),
}
FLAGS = {
    Flag.BY_PLACE: Words("按先后认定签到签退", "signs by their order"),
    Flag.KEY_CONTRADICTS: Words("按键与认定不符", "key contradicts"),
    Flag.CONTINUOUS: Words("连续在岗", "continuous stay"),
    Flag.CORRECTED: Words("有补卡", "corrected"),
    Flag.TIME_UNCERTAIN: Words("打卡时间不确定", "time uncertain"),
    Flag.CLOCKS_TURNED: Words("当日钟表拨动（夏令时）", "clocks were turned"),
}
"""Flags that say more than the words a pending session waits with."""


# Many terminals send one key for all; only who asks why wants to know.
BRIEF_FLAGS = {
    flag: words for flag, words in FLAGS.items() if flag is not Flag.KEY_CONTRADICTS
}


def say(what: Any, lang: Lang) -> str:
    """Return what has `zh` and `en` in one of them."""
    return str(what.zh if lang is Lang.ZH else what.en)


def weekday(day: date, lang: Lang) -> str:
    """Return the name of the weekday."""
    return say(_WEEKDAYS[day.weekday()], lang)


def clock(mark: Mark | None) -> str:
    """Return the time of a sign with its seconds; dashes where there is none."""
    return f"{local(mark.at):%H:%M:%S}" if mark else "--:--:--"


def due(start: int, end: int) -> str:
    """Return a session as `08:30-12:00`; an end on a later day has a plus."""
    later = "+" if local(end - 1).date() > local(start).date() else ""
    return f"{local(start):%H:%M}-{local(end):%H:%M}{later}"


def yuan(fen: int) -> str:
    """Return an amount in yuan with two decimals."""
    return f"{fen // _FEN:,}.{fen % _FEN:02d}"


def brief(one: Finding, fen: int | None, lang: Lang) -> str:
    """Return a finding in short: what, how long, by which clause, and what it costs."""
    long = f" {say(duration(one.seconds), lang)}" if one.seconds else ""
    told = f"{say(KIND_WORDS[one.kind], lang)}{long}  {one.clause}"
    return "  ".join([told, *charged(one, fen, lang)])


def charged(one: Finding, fen: int | None, lang: Lang) -> list[str]:
    """Return what a finding costs, or why nothing."""
    if fen is not None:
        return [say(Words(f"{yuan(fen)}元", f"{yuan(fen)} yuan"), lang)]
    if one.absorbed_by:
        words = Words("已由同日另一认定计价", "charged by another finding")
    elif one.ruled_by:
        words = Words(f"裁定 {one.ruled_by} 免除", f"waived by ruling {one.ruled_by}")
    elif not one.final:
        words = Words("暂定", "not final")
    else:
        return []
    return [say(words, lang)]
