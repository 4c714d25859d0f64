"""What the settings of a policy mean, in Chinese and English, and which stay open.

An ambiguity is a place where the text of a rule can be read in more than one way; its
letter is that of `docs/rules.md`. It is open until the owner of the rule confirms the
reading that the policy file uses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.policy.kinds import Words

T19 = frozenset({"S0-T19"})
_BOTH = frozenset({"S0-T19", "S2-P1"})


@dataclass(frozen=True, slots=True)
class SettingWords:
    """A setting: what it is about, and what each of its values means.

    Numbers and times have no `values`; their words hold `{value}`. `open_in` are the
    documents whose text leaves it open, `cite` where that is laid out.
    """

    name: str
    about: Words
    values: Mapping[str, Words] = field(default_factory=dict)
    cite: str = ""
    open_in: frozenset[str] = frozenset()


def _said(name: str, zh: str, en: str) -> SettingWords:
    return SettingWords(name, Words(zh, en))


_ON_OFF = {"True": Words("是", "yes"), "False": Words("否", "no")}
_NEED = {
    "required": Words("须签", "required"),
    "none": Words("不需", "not asked for"),
}

SETTINGS = (
    SettingWords("signs.sign_in", Words("签到", "sign in"), _NEED),
    SettingWords("signs.sign_out", Words("签退", "sign out"), _NEED),
    SettingWords(
        "signs.on_the_second",
        Words("恰在规定时刻（8:30:00）签到", "a sign exactly at 8:30:00"),
        {
            "on_time": Words("不算迟到", "is on time"),
            "late": Words("算迟到", "is late"),
        },
        "(a) E1",
        _BOTH,
    ),
    SettingWords(
        "signs.precision",
        Words("计时精度", "signs are taken"),
        {
            "second": Words("到秒", "by the second"),
            "minute": Words("到分钟，该分钟内不算迟到", "by the minute, to its end"),
        },
        "E2",
    ),
    _said("signs.grace_minutes", "宽限 {value} 分钟", "grace of {value} min"),
    _said(
        "windows.opens_before_minutes",
        "上班前 {value} 分钟起的打卡有效",
        "punches count from {value} min before the start",
    ),
    _said(
        "windows.closes_at",
        "下班打卡最晚到次日 {value}",
        "an OUT counts until {value} at the latest",
    ),
    _said(
        "windows.closes_after_minutes",
        "但至少到下班后 {value} 分钟",
        "but at least until {value} min after the end",
    ),
    SettingWords(
        "windows.continuous",
        Words("两班相接可用一次打卡交替", "one punch may join two duties on end"),
        _ON_OFF,
    ),
    _said(
        "windows.continuous_within_minutes",
        "交替打卡须在交班时刻前后 {value} 分钟内",
        "that punch lies within {value} min of the change",
    ),
    _said(
        "repeats.seconds",
        "{value} 秒内的重复打卡算一次",
        "punches less than {value} s apart are one",
    ),
    SettingWords(
        "verdicts.one_sign_missing",
        Words("一个时段缺签到或签退", "a session with IN or OUT missing"),
        {
            "absence": Words("算旷工（按字面）", "is absence, the literal text"),
            "missing_punch": Words(
                "先算缺卡，到期未说明算旷工", "is a missing punch, later absence"
            ),
        },
        "(f) E111",
        _BOTH,
    ),
    _said(
        "verdicts.missing_punch_workdays",
        "缺卡须在 {value} 个工作日内说明",
        "a missing punch is explained within {value} working days",
    ),
    SettingWords(
        "verdicts.signs_after_end",
        Words("只在下班时刻或之后打卡", "signs only at or after the end"),
        {
            "absence": Words("算旷工", "are absence"),
            "off_post": Words("算脱岗", "are off post"),
        },
        "E8",
    ),
    SettingWords(
        "verdicts.add_up",
        Words(
            "下午恰为3小时，单次不可能超过3小时；判断脱岗时",
            "the afternoon is exactly 3 h; for the off-post limit",
        ),
        {
            "event": Words("每次单独计算", "each lateness stands alone"),
            "session": Words("同一时段合计", "late and early of a session are added"),
            "day": Words("同一天合计", "late and early of a day are added"),
        },
        "(b) E7 E10",
        T19,
    ),
    SettingWords(
        "verdicts.same_session",
        Words("同一时段既迟到又早退", "late and early leave in one session"),
        {
            "each": Words("各算一次", "are charged each"),
            "highest": Words("只算较高的一次", "are charged once, the higher"),
        },
        "E12",
    ),
    SettingWords(
        "verdicts.absence_per",
        Words("“每人每次每天”的旷工", "absence «per person, time, day»"),
        {
            "day": Words("按天计", "is charged per day"),
            "session": Words("按时段计", "is charged per session"),
        },
        "(d) E110",
        T19,
    ),
    SettingWords(
        "verdicts.mid_session_gaps",
        Words("中途离开又返回计价", "gaps in mid-session are charged"),
        _ON_OFF,
        "E19",
    ),
    SettingWords(
        "leave.applied",
        Words("请假须", "leave is applied for"),
        {
            "before": Words("事先申请", "before it begins"),
            "next_workday": Words(
                "最迟返岗后第一个工作日补办", "by the first working day after return"
            ),
        },
        "E83",
    ),
    SettingWords(
        "leave.length",
        Words("请假“4小时”", "the 4 hours of leave"),
        {
            "clock": Words("按钟表时间，含午休", "are clock hours, lunch counted"),
            "duty": Words("按应出勤时间", "are hours of duty"),
        },
        "(g) E79",
        T19,
    ),
    SettingWords(
        "leave.one_day",
        Words("请假“超过1天”", "leave of «more than one day»"),
        {
            "duty_day": Words("指超过一个全天班次", "exceeds one full duty day"),
            "24_hours": Words("指超过24小时", "exceeds 24 hours"),
        },
        "(g) E81",
        T19,
    ),
    SettingWords(
        "leave.joined",
        Words("其间无应出勤时间的假合并计算", "leaves without duty between are one"),
        _ON_OFF,
        "E82",
    ),
    SettingWords(
        "leave.letter",
        Words("长假无公司函", "a long leave without letter"),
        {
            "notice": Words("只作提示", "is noted"),
            "condition": Words("假期无效", "lapses"),
        },
        "E84",
    ),
    _said(
        "leave.letter_workdays",
        "公司函最迟假后 {value} 个工作日送达",
        "the letter comes within {value} working days after the leave",
    ),
    SettingWords(
        "leave.return_unconfirmed",
        Words("按时返岗但未销假", "a return in time that is not confirmed"),
        {
            "notice": Words("只作提示", "is noted"),
            "breach": Words("算违约", "is a breach"),
        },
        "E87",
    ),
    _said(
        "outages.unreadable_minutes",
        "考勤机不可读达 {value} 分钟",
        "a terminal that cannot be read for {value} min",
    ),
    _said(
        "outages.near_minutes",
        "且在应签时刻 {value} 分钟内的，缺签可免责",
        "within {value} min of the due time excuses a missing sign",
    ),
    _said(
        "outages.excused_workdays",
        "{value} 个工作日内无人裁定的按免责处理",
        "nobody ruled on it within {value} working days: excused",
    ),
    SettingWords(
        "corrections.evidence",
        Words("补卡须", "a make-up punch needs"),
        {
            "fault_or_two": Words(
                "有考勤机故障证据或两人批准", "a terminal fault or two approvers"
            ),
            "none": Words("一人批准", "one approver"),
        },
        "E104",
    ),
    _said(
        "corrections.per_month",
        "每月补卡次数上限 {value}（0：不限）",
        "at most {value} make-up punches a month (0: any)",
    ),
    _said(
        "corrections.within_workdays",
        "须在 {value} 个工作日内申请（0：结算前）",
        "asked for within {value} working days (0: before closing)",
    ),
    _said(
        "clock.agree_seconds",
        "前后钟差相差不超过 {value} 秒时按校正时间判断",
        "offsets that agree within {value} s correct the time",
    ),
    SettingWords(
        "posts.off_post",
        Words("7×24岗位的脱岗", "off post on a 7×24 post"),
        {
            "uncovered_only": Words(
                "只在岗位无人时按岗位计价", "is the post's only when nobody was there"
            ),
            "person": Words("不论岗位有无他人均计价", "is charged though covered"),
        },
        "(h) E61",
        T19,
    ),
    SettingWords(
        "posts.price",
        Words("同一脱岗第6条(1)为1000、(3)为2000", "6(1) says 1000, 6(3) says 2000"),
        {
            "special": Words("只按(3)", "6(3) alone is charged"),
            "general": Words("只按(1)", "6(1) alone is charged"),
            "both": Words("两者都算", "both are charged"),
        },
        "(e) E68",
        T19,
    ),
    SettingWords(
        "posts.per",
        Words("第6条(3)的“每次”", "«each time» of 6(3)"),
        {
            "occasion": Words("按岗位每次计", "is per occasion"),
            "person": Words("按每人计", "is per person"),
        },
        "(j)",
        T19,
    ),
    _said(
        "posts.signed_within_minutes",
        "交接双方须在换班后 {value} 分钟内签字",
        "both sign a handover within {value} min after the change",
    ),
    _said(
        "posts.checkpoint_minutes",
        "值班中每 {value} 分钟查岗一次（0：不查）",
        "a sign every {value} min in mid-shift (0: none)",
    ),
    SettingWords(
        "rulings.proxy_per",
        Words("替代打卡的“每次”", "«each time» of proxy punching"),
        {
            "ruling": Words("按每人每次裁定计", "is per person and ruling"),
            "day": Words("按每人每天计", "is per person and day"),
            "punch": Words("按每次打卡计", "is per punch"),
        },
        "E114",
    ),
    SettingWords(
        "rulings.void_slot",
        Words("打卡被裁定无效的时段", "a session whose punch is held void"),
        {
            "ruled": Words("不再另行认定", "has no other finding"),
            "judged": Words("按无此打卡认定", "is judged without that punch"),
        },
        "E113",
    ),
    SettingWords(
        "scope.charge",
        Words("扣款", "amounts"),
        {
            "contract": Words("从应付合同款中扣除", "are taken from what is payable"),
            "none": Words("不扣款，只计次数和时长", "none: counts and minutes only"),
        },
    ),
    SettingWords(
        "scope.holiday_consent",
        Words("法定节假日休息", "public holidays are free"),
        {
            "not_needed": Words("无需另行同意", "without further consent"),
            "needed": Words("须最终用户同意", "with the end user's consent"),
        },
        "E77",
    ),
    SettingWords(
        "scope.shared_punch",
        Words("一人同日两份合同的打卡", "one punch for two contracts on a day"),
        {
            "same_site": Words("同一现场可共用", "counts for both at one site"),
            "never": Words("不共用", "never counts for both"),
        },
        "E117",
    ),
)
