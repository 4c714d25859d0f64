"""S0-T19-6(2): proxy punching (替代打卡) is charged by a ruling, never by a suspicion.

弄虚作假、替代打卡每人每次扣款。只有裁定才算：至少两名有权的具名人员确认，且本人已陈述。
A ruling on a case counts when two named, entitled people confirmed it and the person
was heard before, with the statement written down (rules.md 2.0.12). It is charged on
the day of the ruling, once for each named person, for each day or for each punch, as
the policy says (E114). Who has left since is charged by the last policy there was.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta

from gateway.core.book.decisions import Decision, Ruling
from gateway.core.book.index import Book
from gateway.core.book.standing import Act
from gateway.core.findings import Found
from gateway.core.policy.kinds import FindingKind, Words
from gateway.core.policy.reading import Policy
from gateway.core.policy.settings import ProxyPer
from gateway.core.verdicts import Warned

CASE = "c-"
"""What the id of a suspicion begins with; confirming a finding charges nobody."""

PUNCH = "punch"
"""A line of evidence `punch ID 2026-11-02T08:11:03 TERMINAL` says when a punch was."""

_LEAST = 2
_LONGEST = 400
_DAY = timedelta(days=1)
_LINE = 3

PolicyOn = Callable[[str, date], Policy | None]


def by_person(book: Book) -> Mapping[str, list[Ruling]]:
    """Return person → the rulings that confirm a case against them, oldest first."""
    found: dict[str, list[Ruling]] = {}
    for ruling in sorted(book.rows.rulings, key=lambda one: (one.at, one.id)):
        if ruling.decision is Decision.CONFIRM and ruling.on.startswith(CASE):
            for person in dict.fromkeys(ruling.persons):
                found.setdefault(person, []).append(ruling)
    return found


def lacks(book: Book, ruling: Ruling) -> Words | None:
    """Return why a ruling charges nobody; None when it can be answered for."""
    day = ruling.at.date()
    entitled = {one for one in ruling.by if book.entitled(one, Act.RULE, day)}
    if len(entitled) < _LEAST:
        return Words(
            f"裁定 {ruling.id} 未经两名有权人员确认，不扣款",
            f"ruling {ruling.id}: not confirmed by two entitled people, no charge",
        )
    heard = ruling.heard_at is not None and ruling.heard_at <= ruling.at
    if not heard or not ruling.statement.strip():
        return Words(
            f"裁定 {ruling.id} 之前本人未陈述，不扣款",
            f"ruling {ruling.id}: the person was not heard before, no charge",
        )
    return None


def found(
    book: Book, rulings: Iterable[Ruling], person: str, policy_on: PolicyOn
) -> Iterator[tuple[Found, Policy]]:
    """Yield what rulings charge a person with, and by which policy."""
    for ruling in rulings:
        policy = _policy(person, ruling, policy_on)
        if policy is None or lacks(book, ruling) is not None:
            continue
        per = policy.file.rulings.proxy_per
        for about, punches in _times(ruling, per):
            yield _found(book, ruling, per, about, punches), policy


def refused(
    book: Book, rulings: Iterable[Ruling], person: str, period: tuple[date, date]
) -> list[Warned]:
    """Return the rulings of some days that charge nobody, and why."""
    return [
        Warned(person, ruling.at.date(), words.zh, words.en)
        for ruling in rulings
        if period[0] <= ruling.at.date() <= period[1]
        and (words := lacks(book, ruling)) is not None
    ]


def _policy(person: str, ruling: Ruling, policy_on: PolicyOn) -> Policy | None:
    day = ruling.at.date()
    back = (policy_on(person, day - _DAY * n) for n in range(_LONGEST))
    return next((policy for policy in back if policy is not None), None)


def _times(ruling: Ruling, per: ProxyPer) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each time that is charged: what tells it apart, and its punches."""
    if per is ProxyPer.PUNCH and ruling.punches:
        for punch in dict.fromkeys(ruling.punches):
            yield punch, (punch,)
    elif per is ProxyPer.DAY and (days := _days(ruling)):
        yield from sorted((day, tuple(punches)) for day, punches in days.items())
    else:
        yield "", ruling.punches


def _days(ruling: Ruling) -> Mapping[str, list[str]]:
    """Return day → its punches, as the evidence tells; empty where it does not."""
    days: dict[str, list[str]] = {}
    for line in ruling.evidence:
        words = line.split()
        known = len(words) >= _LINE and words[0] == PUNCH
        if known and words[1] in ruling.punches:
            days.setdefault(words[2][:10], []).append(words[1])
    return days


def _found(
    book: Book, ruling: Ruling, per: ProxyPer, about: str, punches: tuple[str, ...]
) -> Found:
    name, names = book.name_of(ruling), "、".join(ruling.by)
    return Found(
        kind=FindingKind.PROXY_PUNCH,
        date=ruling.at.date(),
        session=None,
        seconds=None,
        words=Words(
            f"替代打卡：案件 {ruling.on} 经 {names} 裁定确认，本人已陈述",
            f"proxy punching: case {ruling.on} was confirmed by"
            f" {', '.join(ruling.by)} after a hearing",
        ),
        setting=f"rulings.proxy_per = {per}",
        punches=punches,
        rows=(name,),
        about=f"{name} {about}".strip(),
    )
