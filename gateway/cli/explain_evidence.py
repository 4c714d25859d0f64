"""Where a punch came from, in lines for people: down to its bytes and its entry."""

from collections.abc import Iterator

from gateway.cli.people_words import say as said
from gateway.cli.policy import Lang
from gateway.core.policy.kinds import Words
from gateway.core.values import VerifyMode
from gateway.people_view import View
from gateway.store.evidence import Evidence
from gateway.store.raw import FILED
from gateway.store.rolling import DROPPED

_VERIFY = {
    VerifyMode.FINGER: Words("指纹", "finger"),
    VerifyMode.FACE: Words("人脸", "face"),
    VerifyMode.PALM: Words("掌", "palm"),
    VerifyMode.CARD: Words("刷卡", "card"),
    VerifyMode.PASSWORD: Words("密码", "password"),
    VerifyMode.UNKNOWN: Words("验证方式未知", "verify unknown"),
}


def evidence_lines(view: View, one: Evidence, lang: Lang) -> Iterator[str]:
    """Yield what the terminal said, how it came, its bytes, and how far it got."""
    off = "?" if one.offset_seconds is None else f"{one.offset_seconds:+g} s"
    place = "-" if one.position is None else str(one.position)
    verify = said(_VERIFY[VerifyMode(one.verify)], lang)
    state, read = one.state, f"{one.source} {one.driver or ''}".strip()
    words = Words(
        f"考勤机显示 {one.shown} {one.zone}，工号 {one.badge}，{verify}，键 {state}",
        f"shown {one.shown} {one.zone}, badge {one.badge}, {verify}, key {state}",
    )
    yield said(words, lang)
    which = _which_log(one.generation)
    words = Words(
        f"{one.serial} 日志第 {place} 条（{which.zh}），{read}，"
        f"收到 {one.received_at}，钟差 {off}",
        f"{one.serial} record {place} ({which.en}), {read}, received"
        f" {one.received_at}, clock off {off}",
    )
    yield said(words, lang)
    raw = one.raw or said(Words("驱动未给出", "not seen by the driver"), lang)
    yield f"{said(Words('原始', 'raw'), lang)} {raw}"
    yield f"{one.epoch}/{one.seq} rev {one.rev}  {said(_delivery(view, one), lang)}"


def _which_log(generation: int | None) -> Words:
    if generation == DROPPED:
        return Words("其后被考勤机覆盖", "dropped since by a full log")
    if generation == FILED:
        return Words("导入文件", "of a file")
    return Words(f"第 {generation} 代", f"log {generation}")


def _delivery(view: View, one: Evidence) -> Words:
    if one.acknowledged:
        return Words("已确认", "acknowledged")
    if view.sent is None:
        return Words("未确认；守护进程未运行", "not acknowledged; no daemon runs")
    if view.sent[0] == one.epoch and one.seq <= view.sent[1]:
        return Words("已发送，未确认", "sent, not acknowledged")
    return Words("待发", "waits to be sent")
