"""A policy as a clerk reads it: lines of text, and what its owner should confirm."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.core.policy.clauses import AMOUNTS, PART, kind_of
from gateway.core.policy.kinds import KIND_WORDS, FindingKind, Words
from gateway.core.policy.limit_words import LIMITS
from gateway.core.policy.reading import Policy, value_of
from gateway.core.policy.words import SETTINGS, SettingWords

ZH = "zh"
# Chooses the language of anything that has `zh` and `en`.
Say = Callable[[Any], str]
_LABELS = {
    "version": Words("版本", "version"),
    "from": Words("生效日期", "in force from"),
    "issued": Words("发布日期", "issued"),
    "owner": Words("解释单位", "owner"),
    "document": Words("文件", "document"),
    "clauses": Words("条款", "Clauses"),
    "settings": Words("执行口径", "How it is read"),
    "notices": Words("只提示、不扣款", "Noted, without an amount"),
    "open": Words("待制度解释单位确认", "Open: to be confirmed by the owner"),
    "none_open": Words("全部已确认", "everything is confirmed"),
    "other": Words("另可", "or"),
    "part": Words("部分未出勤", "in part"),
    "first": Words("首次结算前须确认", "must be confirmed before the first settlement"),
    "confirm": Words(
        "确认方法：把名称写入规则文件的 confirmed",
        "to confirm: put the name into `confirmed` of the policy file",
    ),
}
# Asked of the owner before anything is settled by it.
FIRST = "verdicts.one_sign_missing"


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """An open place of the text and how it is read; `others` are the other readings."""

    setting: str
    cite: str
    clause: str | None
    value: Any
    about: Words
    reading: Words
    others: tuple[Words, ...]


def open_ambiguities(policy: Policy) -> list[Ambiguity]:
    """Return the ambiguities of a rule's text that its owner has not confirmed."""
    found = [
        _ambiguity(policy, one)
        for one in (*SETTINGS, *LIMITS)
        if policy.file.document in one.open_in and one.name not in policy.file.confirmed
    ]
    return sorted(found, key=lambda one: one.cite)


def reading_of(policy: Policy, name: str) -> Ambiguity | None:
    """Return how a setting or limit is read, open or not; None for what is neither."""
    known = (*SETTINGS, *LIMITS)
    return next((_ambiguity(policy, one) for one in known if one.name == name), None)


def _ambiguity(policy: Policy, one: SettingWords) -> Ambiguity:
    limit = policy.limits.get(one.name)
    value = limit.seconds // 60 if limit else value_of(policy.file, one.name)
    reading = _meaning(one, value)
    others = tuple(what for name, what in one.values.items() if name != str(value))
    clause = limit.clause if limit else None
    return Ambiguity(one.name, one.cite, clause, value, one.about, reading, others)


def _meaning(one: SettingWords, value: Any) -> Words:
    filled = Words(one.about.zh.format(value=value), one.about.en.format(value=value))
    return one.values.get(str(value), filled)


def page(policy: Policy, lang: str) -> list[str]:
    """Return the lines of a policy in `zh` or `en`."""

    def say(what: Any) -> str:
        return str(what.zh if lang == ZH else what.en)

    return [
        *_head(policy, say),
        "",
        say(_LABELS["clauses"]),
        *_clauses(policy, say),
        "",
        say(_LABELS["settings"]),
        *_settings(policy, say),
        "",
        say(_LABELS["notices"]),
        *_notices(policy, say),
        "",
        *_open(policy, say),
    ]


def _head(policy: Policy, say: Say) -> Iterator[str]:
    file = policy.file
    yield f"{say(file.title)} ({file.id})"
    for name, value in (
        ("document", file.document),
        ("version", f"{file.version}  {policy.digest[:12]}"),
        ("issued", file.issued),
        ("from", file.from_),
        ("owner", file.owner),
    ):
        yield f"  {say(_LABELS[name])}: {value}"


def _clauses(policy: Policy, say: Say) -> Iterator[str]:
    for number, clause in policy.file.clauses.items():
        yield f"  {number}  {say(clause)}"
        for one in LIMITS:
            minutes = getattr(clause, one.name)
            if minutes is not None:
                yield f"      {say(_meaning(one, minutes))}"
        for amount in AMOUNTS:
            fen = getattr(clause, amount)
            if fen is not None:
                yield f"      {_amount(amount, fen, say)}"


def _amount(amount: str, fen: int, say: Say) -> str:
    name = say(KIND_WORDS[kind_of(amount) or FindingKind.NO_SUBSTITUTE])
    name += f" ({say(_LABELS['part'])})" if amount == PART else ""
    unit = say(Words("元", "yuan"))
    return f"{name}: {fen // 100}.{fen % 100:02d} {unit}"


def _settings(policy: Policy, say: Say) -> Iterator[str]:
    for one in SETTINGS:
        value = value_of(policy.file, one.name)
        text = say(_meaning(one, value))
        about = f"{say(one.about)}: " if one.values else ""
        yield f"  {about}{text}  [{one.name} = {value}]"


def _notices(policy: Policy, say: Say) -> Iterator[str]:
    for price in policy.prices.values():
        if price.amount_fen is None:
            yield f"  {say(KIND_WORDS[price.kind])}: {say(price)} ({price.clause})"


def _open(policy: Policy, say: Say) -> Iterator[str]:
    found = open_ambiguities(policy)
    if not found:
        yield say(_LABELS["none_open"])
        return
    yield say(_LABELS["open"])
    for one in found:
        others = "; ".join(map(say, one.others))
        about = f"{say(one.about)}: " if "{value}" not in one.about.en else ""
        more = f"  ({say(_LABELS['other'])}: {others})" if others else ""
        first = f"  ! {say(_LABELS['first'])}" if one.setting == FIRST else ""
        yield f"  {one.cite}  {about}{say(one.reading)}{more}{first}  [{one.setting}]"
    yield f"  {say(_LABELS['confirm'])}"
