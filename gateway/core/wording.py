"""What a finding says, in Chinese and English: what was owed, what came, which clause.

No names of people: the same sentences travel to the centre and to suppliers.
"""

from functools import lru_cache

from gateway.core.moments import DAY_SECONDS
from gateway.core.policy.kinds import KIND_WORDS, FindingKind, Words


def clock(moment: int) -> str:
    """Return the time of day; seconds only where there are any."""
    minutes, second = divmod(moment % DAY_SECONDS, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}" + (f":{second:02}" if second else "")


@lru_cache(maxsize=16_384)
def duration(seconds: int) -> Words:
    """Say how long something took."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(hours, "小时", "h"), (minutes, "分", "min"), (left, "秒", "s")]
    shown = [part for part in parts if part[0]] or [(0, "秒", "s")]
    zh = "".join(f"{count}{unit}" for count, unit, _ in shown)
    return Words(zh, " ".join(f"{count} {unit}" for count, _, unit in shown))


def missed(
    kind: FindingKind, seconds: int, due: tuple[int, int], at: tuple[int | None, ...]
) -> Words:
    """Say what was missed of a session `due`; `at` are its two signs, if any."""
    what, long = KIND_WORDS[kind], duration(seconds)
    came, left = (clock(moment) if moment is not None else "—" for moment in at)
    start, end = clock(due[0]), clock(due[1])
    return Words(
        f"应在岗 {start} 至 {end}，签到 {came}，签退 {left}，{what.zh} {long.zh}",
        f"owed {start} to {end}, in {came}, out {left}: {what.en} {long.en}",
    )


def overstayed(leave: str, until: int) -> Words:
    """Say that a leave was overstayed."""
    return Words(
        f"请假 {leave} 至 {clock(until)} 止，未按时返岗",
        f"leave {leave} ended at {clock(until)}, not back in time",
    )


def unnotified(leave: str) -> Words:
    """Say that leave was not applied for before it began."""
    return Words(
        f"请假 {leave} 未在开始前申请，不抵应勤时间",
        f"leave {leave} was not applied for before it began and covers nothing",
    )


def no_letter(leave: str, seconds: int) -> Words:
    """Say that a long leave has no letter of the company."""
    long = duration(seconds)
    return Words(
        f"请假 {leave} 共 {long.zh}，没有公司函",
        f"leave {leave} of {long.en} without the company's letter",
    )


def unconfirmed(leave: str) -> Words:
    """Say that nobody confirmed a return."""
    return Words(f"请假 {leave} 返岗后未销假", f"return from {leave} not confirmed")


def elsewhere(terminals: str) -> Words:
    """Say that somebody punched where it does not count."""
    return Words(
        f"在不计入本班的考勤机打卡：{terminals}",
        f"punched on a terminal that does not count here: {terminals}",
    )
