"""A case as a reviewer reads it: what speaks against it comes first.

Takes the published JSON of a case, so that a case of a file, of the journal or of the
centre reads the same. Adds words for the fields and no fact of its own.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway.core.suspicion.values import Text
from gateway.suspecting_cost import NEVER, Cost

Json = Mapping[str, Any]

KINDS: Mapping[str, Text] = {
    "pair": Text("成对替打", "pair"),
    "burst": Text("一人连刷", "burst"),
    "enrolment": Text("登记后同行", "enrolment"),
    "two_sites": Text("两地打卡", "two sites"),
    "leave": Text("休假打卡", "leave"),
    "clock": Text("时钟被改", "clock"),
    "records_gone": Text("记录缺失", "records gone"),
}
GRADES: Mapping[str, Text] = {
    "case": Text("案件", "case"),
    "watch": Text("抽查", "watch"),
    "note": Text("备注", "note"),
}
STATUSES: Mapping[str, Text] = {
    "open": Text("待复核", "open"),
    "weakened": Text("证据已减弱", "evidence has weakened"),
    "confirmed": Text("已确认", "confirmed"),
    "dismissed": Text("已驳回", "dismissed"),
}
_VERIFY: Mapping[str, Text] = {
    "finger": Text("指纹", "finger"),
    "face": Text("人脸", "face"),
    "palm": Text("掌", "palm"),
    "card": Text("刷卡", "card"),
    "password": Text("密码", "password"),
    "unknown": Text("未知", "unknown"),
}
_HEADS: Mapping[str, Text] = {
    "against": Text("反对的证据（先看）", "Against it (read this first)"),
    "innocent": Text("无辜的解释", "Innocent explanations"),
    "for": Text("支持的证据", "For it"),
    "punches": Text("被疑的打卡", "Suspected punches"),
    "rates": Text("基准率与门槛", "Base rates and thresholds"),
    "next": Text("次近的邻人", "Next-best neighbours"),
    "strength": Text("强度", "Strength"),
    "fetch": Text("谈话之前先取", "Fetch before anyone is spoken to"),
    "review": Text("复核", "Review"),
    "context": Text("背景", "Context"),
}
_WORDS: Mapping[str, str] = {
    "neighbour": "邻人",
    "shared_days": "共同日",
    "beside": "相邻次数",
    "e": "E",
    "peak": "E 峰值",
    "weight": "权重",
    "m": "对数 m",
    "alpha": "水平 alpha",
    "rank": "名次",
    "needed": "立案所需",
    "support": "佐证 E",
    "ratio_of_the_day": "当日似然比",
    "listed_from": "列入门槛",
    "window_seconds": "相邻窗口（秒）",
    "link_seconds": "连刷间隔（秒）",
    "near_minutes": "上下班前后（分钟）",
    "forgiven_seconds": "宽容（秒）",
    "moved_seconds": "时钟门槛（秒）",
    "usual_lag_seconds": "平日延迟（秒）",
    "level": "门槛",
    "rules": "规则版本",
    "credential_part": "凭证部分的权重",
    "counter": "计数器",
    "tie": "同行关系",
    "windows": "同在窗口",
    "expected_of_strangers": "若互不相识应有",
    "tail": "尾值",
    "since": "自",
    "means": "含义",
    "usually": "平日",
    "weak": "弱",
    "strong": "强",
    "leave": "休假",
    "from": "自",
    "to": "至",
    "operations": "操作日志",
    "clock_episodes": "时钟异常",
    "outages": "断线",
    "counts": "记录计数",
    "records": "记录数",
    "people": "人员",
    "rates": "各人平日比率",
    "product": "乘积",
    "times": "次数",
    "trips": "次数",
    "days": "天数",
    "missing": "缺少",
    "punches": "打卡",
    "shift_seconds": "偏移（秒）",
    "lag_seconds": "延迟（秒）",
    "seconds_apart": "间隔（秒）",
    "way_seconds": "路程（秒）",
    "here": "此处",
    "there": "彼处",
    "approved_at": "批准于",
    "received_at": "收到于",
    "at": "时间",
    "terminal": "考勤机",
    "code": "操作码",
    "admin": "管理员",
    "target": "对象",
    "type": "种类",
    "seconds": "秒",
    "id": "编号",
    "speaks": "方向",
    "why_not": "为何不立案",
}
_SAID: Mapping[str, str] = {
    "acquaintance, nothing else": "只说明相识",
    "right for seven days before": "此前七天准确",
    "against": "反对",
    "for": "支持",
}
_LARGE = 1_000
_NONE = Text("无", "none")
_YES = (Text("否", "no"), Text("是", "yes"))
_FORGOTTEN = Text("不可判", "cannot be told")


def report(cases: Iterable[Json], cost: Cost, lang: str) -> Iterator[str]:
    """Yield the lines of a whole report, what wrong cases would cost at its end."""
    count = 0
    for case in cases:
        yield from page(case, lang)
        yield ""
        count += 1
    words = Text(f"共 {count} 项疑点。", f"{count} suspicions.")
    yield say(words, lang)
    yield from footer(cost, lang)


def footer(cost: Cost, lang: str) -> Iterator[str]:
    """Yield what stands under every report."""
    yield say(cost.words(), lang)
    yield say(NEVER, lang)


def page(case: Json, lang: str) -> Iterator[str]:
    """Yield the lines of one case."""
    yield headline(case, lang)
    yield f"  {case['claim'][lang]}"
    if case["why_not_a_case"]:
        yield f"  ! {case['why_not_a_case'][lang]}"
    yield from _days(case, "against", lang)
    yield from _bullets("innocent", (one[lang] for one in _innocent(case)), lang)
    yield from _days(case, "for", lang)
    yield from _bullets("punches", (_punch(one, lang) for one in case["punches"]), lang)
    yield from _bullets("rates", _rates(case["null"], lang), lang)
    yield from _bullets(
        "next", (_alternative(one, lang) for one in case["alternatives"]), lang
    )
    yield from _bullets("strength", _strength(case["strength"], lang), lang)
    yield from _bullets("context", _flat(case["context"], lang), lang)
    fetched = (_fetch(one, lang) for one in case["to_confirm"])
    yield from _bullets("fetch", dict.fromkeys(fetched), lang)
    yield from _bullets("review", (_review(one) for one in case["review"]), lang)
    yield f"  {case['integrity']}"


def headline(case: Json, lang: str) -> str:
    """Return one line that names a case: no claim in it."""
    parts = [
        case["id"],
        say(GRADES[case["grade"]], lang),
        say(KINDS[case["kind"]], lang),
        say(STATUSES[case["status"]], lang),
    ]
    who = " ← ".join(one for one in (case["subject"], case["neighbour"]) if one)
    parts += [who] if who else []
    parts += [case["terminal"]] if case["terminal"] else []
    return "  ".join([*parts, f"{case['opened_on']} … {case['as_of']}"])


def say(text: Text, lang: str) -> str:
    """Return a sentence in one language."""
    return text.zh if lang == "zh" else text.en


def _innocent(case: Json) -> Iterable[Json]:
    found: Iterable[Json] = case["innocent_explanations"]
    return found


def _bullets(head: str, lines: Iterable[str], lang: str) -> Iterator[str]:
    lines = list(lines)
    if lines:
        yield f"  {say(_HEADS[head], lang)}"
        yield from (f"    · {line}" for line in lines)


def _days(case: Json, side: str, lang: str) -> Iterator[str]:
    """Yield the days that speak so; days of hard signals all speak for it."""
    days = [one for one in case["days"] if one.get("speaks", "for") == side]
    lines = [_day(one, lang) for one in days]
    if side == "against" and not lines and case["days"]:
        lines = [say(_NONE, lang)]
    return _bullets(side, lines, lang)


def _day(day: Json, lang: str) -> str:
    if "contrast" not in day:
        rest = {key: value for key, value in day.items() if key != "date"}
        return "  ".join([day["date"], *_flat(rest, lang)])
    odd, judged, slots = day["contrast"]
    gap = day["presence_gap"]
    missed = "" if not gap["missing"] else f" ({' '.join(gap['missing'])})"
    seen = _FORGOTTEN if gap["seen"] is None else _YES[bool(gap["seen"])]
    seconds = ", ".join(f"{one['seconds_apart']} s" for one in day["beside"])
    running = "" if day["e"] is None else f"  E {_number(day['e'])}"
    words = Text(
        f"{day['date']}  反常凭证 {odd}/{judged}（相邻 {slots} 次）  "
        f"缺常打的卡 {seen.zh}{missed}  同日再相邻 {_YES[day['twice']].zh}"
        f"  间隔 {seconds}  似然比 {day['ratio']:g}{running}",
        f"{day['date']}  odd credential {odd}/{judged} of {slots} beside  "
        f"usual punch missing {seen.en}{missed}  beside again"
        f" {_YES[day['twice']].en}  gap {seconds}  ratio {day['ratio']:g}{running}",
    )
    return say(words, lang)


def _punch(one: Json, lang: str) -> str:
    if "verify" not in one:
        return "  ".join(_flat(one, lang))
    usual = one["usually"]
    before, after = (_side(one[name], lang) for name in ("before", "after"))
    verify = say(_VERIFY[one["verify"]], lang)
    words = Text(
        f"{one['at']}  {one['terminal']}  {one['person']}  {verify}  前 {before}"
        f"  后 {after}  平日强 {usual['strong']} 弱 {usual['weak']}  {one['id']}",
        f"{one['at']}  {one['terminal']}  {one['person']}  {verify}  before {before}"
        f"  behind {after}  usually strong {usual['strong']} weak {usual['weak']}"
        f"  {one['id']}",
    )
    return say(words, lang)


def _side(other: Json | None, lang: str) -> str:
    if other is None:
        return "-"
    verify = say(_VERIFY[other["verify"]], lang)
    return f"{other['person'] or '?'} {other['seconds']} s {verify}"


def _rates(null: Json, lang: str) -> Iterator[str]:
    """Yield base rates with their counts, and the settings that decided."""
    names = {
        "contrast": Text("不在邻人旁的弱凭证", "weak away from the neighbour"),
        "presence_gap": Text("不在邻人旁的缺卡日", "days with a gap away from them"),
        "beside_before": Text("登记之前相邻", "beside before the enrolment"),
    }
    for name, words in names.items():
        if found := null.get(name):
            seen = found.get("weak", found.get("gaps", found.get("beside")))
            yield f"{say(words, lang)} {seen}/{found['of']} → {found['rate']:g}"
    if found := null.get("twice"):
        words = Text("同日再相邻", "beside again on a day")
        counts = f"{found['twice']}/{found['of']} → {found['rate']:g}"
        yield f"{say(words, lang)} {counts}"
    shown = {*names, "twice", "credentials"}
    rest = {key: value for key, value in null.items() if key not in shown}
    yield from _flat(rest, lang)


def _alternative(one: Json, lang: str) -> str:
    return "  ".join(_flat(one, lang))


def _strength(strength: Json, lang: str) -> Iterator[str]:
    """Yield what the numbers are, and how often the method errs."""
    rest = {key: value for key, value in strength.items() if key != "expected_false"}
    yield from _flat(rest, lang)
    if found := strength.get("expected_false"):
        words = Text(
            f"干净的模拟工地上误报 {found['false']} 次 / {found['site_months']} 站月"
            f"（95 % 上限每站月 {found['per_site_month_at_most']}）",
            f"wrong on clean simulated sites: {found['false']} in"
            f" {found['site_months']} site-months (95 % at most"
            f" {found['per_site_month_at_most']} each)",
        )
        yield say(words, lang)


def _fetch(one: Json, lang: str) -> str:
    place = [one["terminal"], one["at"]]
    return "  ".join([one[lang], *(part for part in place if part)])


def _review(one: Json) -> str:
    by = ", ".join(one["by"])
    return f"{one['at']}  {one['decision']}  {by}: {one['reason']}"


def _flat(values: Json, lang: str) -> Iterator[str]:
    """Yield plain values as `key value`; what is empty says nothing."""
    for key, value in values.items():
        if value is None or value in ({}, [], ""):
            continue
        yield f"{_key(key, lang)} {_plain(value, lang)}"


def _key(key: str, lang: str) -> str:
    """Return the word for a key of a case; in English the key without its dashes."""
    word = _WORDS.get(key) if lang == "zh" else None
    return word or key.replace("_", " ")


def _plain(value: Any, lang: str) -> str:
    if isinstance(value, Mapping):
        if value.keys() == {"zh", "en"}:
            return str(value[lang])
        pairs = (f"{_key(key, lang)} {_plain(one, lang)}" for key, one in value.items())
        return "  ".join(pairs)
    if isinstance(value, list | tuple):
        return ", ".join(_plain(one, lang) for one in value)
    if isinstance(value, float):
        return _number(value)
    said = str(value)
    return _SAID.get(said, said) if lang == "zh" else said


def _number(value: float) -> str:
    """Return a number as people read it: never with an exponent for a large one."""
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:g}"
