"""Every sentence of a case, in Chinese and English. Words only: decides nothing.

Each claim says «suspected» (疑似). What a sentence holds are ids, times and counts;
no names, and no word for how likely anybody is guilty.
"""

from collections.abc import Mapping

from gateway.core.suspicion.values import Text


def pair(subject: str, neighbour: str, terminal: str, signs: int, shared: int) -> Text:
    """Word the claim of a pair case."""
    return Text(
        f"疑似替代打卡：{subject} 的打卡在 {terminal} 有 {signs} 天像是由紧邻的 "
        f"{neighbour} 代打（两人共有 {shared} 天相邻，其余各天不支持此说）。",
        f"Suspected proxy punching: on {signs} days at {terminal} punches of {subject} "
        f"look as if {neighbour}, who stood next, made them ({shared} shared days "
        f"in all; the others do not speak for it).",
    )


def watch(subject: str, neighbour: str, terminal: str, day: str) -> Text:
    """Word the claim of a single-day entry."""
    return Text(
        f"疑似个别代打，仅供抽查：{day} {subject} 在 {terminal} 紧邻 {neighbour} "
        f"打卡，与其平日习惯不同。单日不构成案件。",
        f"Suspected single favour, for a spot check only: on {day} {subject} punched "
        f"beside {neighbour} at {terminal} unlike their habits. One day is no case.",
    )


def enrolment(subject: str, neighbour: str, day: str, beside: int) -> Text:
    """Word the claim of an enrolment case."""
    return Text(
        f"疑似替代打卡：{day} 为 {subject} 新登记验证方式之后，其打卡有 {beside} 次"
        f"紧邻 {neighbour}，远多于此前。",
        f"Suspected proxy punching: after something was enrolled for {subject} on {day}"
        f", {beside} of their punches stood beside {neighbour}, far more than before.",
    )


def burst(people: int, terminal: str, when: str, times: int) -> Text:
    """Word the claim of a burst case."""
    return Text(
        f"疑似一人连刷多卡：{when} 等 {times} 次，{terminal} 上 {people} 个不同的人"
        f"连续刷卡或密码，间隔至多三秒，而他们平日很少这样验证。",
        f"Suspected card feeding: {times} times, first {when}, {people} different "
        f"people in a row used cards or passwords at {terminal} at most three seconds "
        f"apart, which they seldom do.",
    )


def two_sites(subject: str, times: int, apart: int, way: int) -> Text:
    """Word the claim of a two-sites case; seconds."""
    return Text(
        f"疑似替代打卡：{subject} 的身份 {times} 次在两地打卡，最短间隔 {apart} 秒，"
        f"而路程至少 {way} 秒。",
        f"Suspected proxy punching: the identity of {subject} was used at two sites "
        f"{times} times, at least once {apart} s apart; the way takes {way} s.",
    )


def leave(subject: str, days: int, first: str) -> Text:
    """Word the claim of a leave case."""
    return Text(
        f"疑似替代打卡：{subject} 在已批准的休假期间有 {days} 天（首次 {first}）"
        f"有打卡记录。",
        f"Suspected proxy punching: punches of {subject} on {days} days of approved "
        f"leave, first {first}.",
    )


def clock(terminal: str, shift: int, first: str, punches: int) -> Text:
    """Word the claim of a clock case; it accuses nobody inside."""
    way_zh, way_en = ("拨慢", "back") if shift > 0 else ("拨快", "ahead")
    return Text(
        f"疑似改动考勤机时钟：{terminal} 自 {first} 起被{way_zh}约 {abs(shift)} 秒，"
        f"其间有 {punches} 条打卡。这不指控其中任何打卡人。",
        f"Suspected tampering with a clock: {terminal} was set {way_en} by about "
        f"{abs(shift)} s from {first}, with {punches} punches inside. This accuses "
        f"none of the people in them.",
    )


def records_gone(terminal: str, missing: int, when: str) -> Text:
    """Word the claim of records gone after upload."""
    return Text(
        f"疑似删除打卡记录：{terminal} 到 {when} 比我方已收少 {missing} 条记录。",
        f"Suspected removal of records: by {when} {terminal} held {missing} records "
        f"fewer than had been received from it.",
    )


def arrivals_gone(terminal: str, people: int, day: str) -> Text:
    """Word the claim of records gone before upload."""
    return Text(
        f"疑似删除打卡记录：{day} 平日在 {terminal} 到岗的 {people} 人有后续打卡却无"
        f"到岗打卡。这不指控这些人。",
        f"Suspected removal of records: on {day} {people} people who usually arrive at "
        f"{terminal} have later punches and no arrival. This accuses none of them.",
    )


_WHY_NOT: Mapping[str, Text] = {
    "weakened": Text(
        "证据已减弱：今天不再达到立案标准。",
        "The evidence has weakened: it no longer carries a case today.",
    ),
    "companions_only": Text(
        "只见两人新近同行，验证方式与其他打卡并无异常。",
        "They merely became companions; credentials and other punches are as usual.",
    ),
    "one_day": Text(
        "只有一天：只供抽查。", "One day alone is material for a spot check."
    ),
    "approved_later": Text(
        "休假在打卡之后才批准，或无批准时间。",
        "The leave was approved after the punch, or nobody recorded when.",
    ),
    "strong": Text(
        "没有卡或密码，或一小时内有指纹、人脸：本人很可能到场办事。",
        "No card or password, or a finger or face within the hour: people drop in.",
    ),
    "not_beside": Text(
        "旁边无人，或不在上下班前后。",
        "Nobody stood beside, or not near a start or an end.",
    ),
    "habitual": Text(
        "此人平日就用卡或密码，且只有一次。",
        "This person habitually uses a card or password, and it was once.",
    ),
    "card_reader": Text(
        "该考勤机未见指纹或人脸验证。", "This terminal was never seen to take a finger."
    ),
    "link_unknown": Text(
        "不知当时网络是否连通，也可能是迟到的上传。",
        "Whether the link was up is not known; a late upload looks alike.",
    ),
    "cleared": Text(
        "记录被整体清空：通常是日常维护。",
        "The whole log was cleared, as upkeep does.",
    ),
    "full": Text(
        "考勤机存满后会自动删除最旧记录。",
        "A full terminal deletes its oldest records by itself.",
    ),
    "counter_unknown": Text(
        "计数器尚未连续七天正确。", "The counter was not yet right for seven days."
    ),
    "not_repeated": Text("后续计数没有证实。", "Later counts did not repeat it (yet)."),
    "not_unusual": Text(
        "与平日相比不够异常。", "Not unusual enough against these people's own days."
    ),
    "no_morning": Text(
        "多数人都没有到岗打卡：更像停用或集体安排。",
        "Most people lack it: an outage or a common morning elsewhere is likelier.",
    ),
}


def why_not(code: str) -> Text:
    """Word why something is a note or an entry of the watch list, not a case."""
    return _WHY_NOT[code]


_INNOCENT: Mapping[str, Text] = {
    "courtesy": Text(
        "本人在场，只是请旁边的人代刷了卡。",
        "The person was there and somebody swiped for them as a courtesy.",
    ),
    "companions": Text(
        "两人是同伴，平日就一起到岗；相邻本身不说明问题。",
        "They are companions who arrive together; standing side by side says nothing.",
    ),
    "finger_trouble": Text(
        "手指受伤、潮湿或识别不良，改用卡或密码。",
        "Finger trouble: a cut, wet or worn finger, hence the card or password.",
    ),
    "went_out": Text(
        "当天外出、早退或临时请假，尚未登记。",
        "Out on business, left early or took leave that is not entered yet.",
    ),
    "other_terminal": Text(
        "在停用或尚未上传的考勤机上打过卡。",
        "Punched at a terminal that was out of order or has not uploaded yet.",
    ),
    "late_entry": Text(
        "休假登记有误、在纸面上取消，或提前返回。",
        "The leave record is wrong, was cancelled on paper, or ended early.",
    ),
    "dropped_in": Text(
        "休假中来取东西或办事。",
        "Dropped in while on leave to fetch or settle something.",
    ),
    "moved_desk": Text(
        "换了座位、班组或通勤方式，因而新近同行。",
        "A new desk, team or way to work made them companions lately.",
    ),
    "replaced_card": Text(
        "补办了卡或重新登记了指纹，属日常维护。",
        "A lost card or worn finger was honestly enrolled anew.",
    ),
    "clock_skew": Text(
        "考勤机时钟不准，或两地时钟不一致。",
        "A terminal's clock was wrong, or the two clocks differed.",
    ),
    "shared_badge": Text(
        "同一考勤号在两台机上登记给了不同的人。",
        "One badge number belongs to two people on the two terminals.",
    ),
    "maintenance": Text(
        "厂商或管理员的维护操作。", "Upkeep by the vendor or an administrator."
    ),
    "late_upload": Text(
        "网络中断后的补传。", "Records uploaded late after a break of the link."
    ),
    "dirty_reader": Text(
        "指纹头脏污，大家都改刷卡。", "A dirty reader made everybody use a card."
    ),
    "queue": Text(
        "排队时大家依次快速刷卡。", "A brisk queue of people with cards in hand."
    ),
    "wrong_counter": Text(
        "该型号的计数器有时不准。", "Counters of some models are wrong at times."
    ),
    "common_morning": Text(
        "集体外出、培训或班车晚点。", "A common trip, training, or a late bus."
    ),
}


def innocent(*codes: str) -> tuple[Text, ...]:
    """Word the innocent explanations that apply."""
    return tuple(_INNOCENT[code] for code in codes)


_FETCH: Mapping[str, Text] = {
    "camera": Text("调取该分钟的监控录像", "the camera recording of this minute"),
    "gate": Text(
        "门禁、食堂或电脑登录记录",
        "gate, canteen or computer log-on records of that day",
    ),
    "paper": Text(
        "请假单原件与批准时间", "the paper of the leave and when it was approved"
    ),
    "travel": Text("出差或外勤单、车票", "travel orders or tickets of that day"),
    "operations": Text(
        "考勤机操作日志与管理员名单",
        "the terminal's operation log and who held administrator rights",
    ),
    "templates": Text(
        "在考勤机上把新登记的指纹与他人比对",
        "on the terminal: compare the newly enrolled finger with everybody else's",
    ),
    "export": Text(
        "用 U 盘导出该机全部记录并与我方比对",
        "a USB export of the terminal, compared with what was received",
    ),
    "headcount": Text(
        "主管当时的点名记录", "the supervisor's head count of that time, if any"
    ),
}


def fetch(code: str) -> Text:
    """Word something to fetch before anyone is spoken to."""
    return _FETCH[code]
