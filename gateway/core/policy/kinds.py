"""What can be found, with the words people use for it."""

from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """Kinds of findings (认定); each is priced, a notice, or not used by a policy."""

    LATE = "late"
    EARLY_LEAVE = "early_leave"
    OFF_POST = "off_post"
    ABSENCE = "absence"
    MISSING_PUNCH = "missing_punch"
    LEAVE_OVERSTAY = "leave_overstay"
    LEAVE_UNNOTIFIED = "leave_unnotified"
    LEAVE_NO_LETTER = "leave_no_letter"
    RETURN_UNCONFIRMED = "return_unconfirmed"
    NO_SUBSTITUTE = "no_substitute"
    POST_UNCOVERED = "post_uncovered"
    HANDOVER_MISSING = "handover_missing"
    HANDOVER_FALSE = "handover_false"
    PROXY_PUNCH = "proxy_punch"
    FALSIFICATION = "falsification"
    UNRELATED_WORK = "unrelated_work"
    COMPLAINT = "complaint"
    UNAPPROVED_PRESENCE = "unapproved_presence"
    OVERTIME_UNAPPROVED = "overtime_unapproved"
    ROLL_MISSING = "roll_missing"
    CHANGE_UNAGREED = "change_unagreed"
    RESERVE_MISSING = "reserve_missing"
    HOLIDAY_UNCONSENTED = "holiday_unconsented"
    ELSEWHERE = "elsewhere"
    REPORT_OVERDUE = "report_overdue"
    CAP_EXCEEDED = "cap_exceeded"
    LADDER = "ladder"


@dataclass(frozen=True, slots=True)
class Words:
    """One thing said in Chinese and in English."""

    zh: str
    en: str


KIND_WORDS = {
    FindingKind.LATE: Words("迟到", "late"),
    FindingKind.EARLY_LEAVE: Words("早退", "early leave"),
    FindingKind.OFF_POST: Words("脱岗", "off post"),
    FindingKind.ABSENCE: Words("旷工", "absence"),
    FindingKind.MISSING_PUNCH: Words("缺卡", "missing punch"),
    FindingKind.LEAVE_OVERSTAY: Words("超假", "leave overstayed"),
    FindingKind.LEAVE_UNNOTIFIED: Words("未事先请假", "leave not applied for before"),
    FindingKind.LEAVE_NO_LETTER: Words("请假无公司函", "leave without a letter"),
    FindingKind.RETURN_UNCONFIRMED: Words("未销假", "return not confirmed"),
    FindingKind.NO_SUBSTITUTE: Words("未派顶岗人员", "no substitute sent"),
    FindingKind.POST_UNCOVERED: Words("岗位无人值守", "post uncovered"),
    FindingKind.HANDOVER_MISSING: Words("无交接班记录", "handover missing"),
    FindingKind.HANDOVER_FALSE: Words("交接班记录造假", "handover false"),
    FindingKind.PROXY_PUNCH: Words("替代打卡", "proxy punching"),
    FindingKind.FALSIFICATION: Words("弄虚作假", "falsification"),
    FindingKind.UNRELATED_WORK: Words("做与工作无关的事", "unrelated work"),
    FindingKind.COMPLAINT: Words("被投诉", "complaint"),
    FindingKind.UNAPPROVED_PRESENCE: Words("未经批准在场", "presence not approved"),
    FindingKind.OVERTIME_UNAPPROVED: Words("未经批准加班", "overtime not approved"),
    FindingKind.ROLL_MISSING: Words("服务台未签到", "arrival roll missing"),
    FindingKind.CHANGE_UNAGREED: Words("擅自更换人员", "change of people not agreed"),
    FindingKind.RESERVE_MISSING: Words("无备岗人员", "no reserve person"),
    FindingKind.HOLIDAY_UNCONSENTED: Words(
        "节假日未经同意休息", "holiday without consent"
    ),
    FindingKind.ELSEWHERE: Words("在别处打卡", "punched elsewhere"),
    FindingKind.REPORT_OVERDUE: Words("报告逾期", "report overdue"),
    FindingKind.CAP_EXCEEDED: Words("超过上限", "cap exceeded"),
    FindingKind.LADDER: Words("累计档", "step of a ladder"),
}
