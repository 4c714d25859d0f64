"""A policy file into a typed policy, or every problem of it at once."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from gateway.core.book.fields import identifier, maybe, time_of_day
from gateway.core.policy import settings
from gateway.core.policy.clauses import (
    AMOUNTS,
    LIMITS,
    PART,
    Clause,
    Limit,
    NoticeText,
    Price,
    kind_of,
    number,
)
from gateway.core.policy.kinds import FindingKind
from gateway.core.toml import TomlError, parse
from gateway.core.walker import Problem, Walker, filled, key


@dataclass(frozen=True, slots=True)
class Title:
    """The name of the rule."""

    zh: str = key(check=filled)
    en: str = key(check=filled)


@dataclass(frozen=True, slots=True)
class Reports:
    """Until when reports are due; empty: none is."""

    daily: str = key("", check=maybe(time_of_day))
    weekly_friday: str = key("", check=maybe(time_of_day))
    quarterly_last_day: str = key("", check=maybe(time_of_day))


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFile:
    """A policy file as a whole; `from` is the day this version counts from.

    `confirmed` names the settings that the owner of the rule has confirmed.
    """

    id: str = key(check=identifier)
    version: str = key(check=filled)
    document: str = key(check=filled)
    title: Title
    owner: str = key(check=filled)
    issued: date
    from_: date
    confirmed: tuple[str, ...] = ()
    signs: settings.Signs
    windows: settings.Windows
    repeats: settings.Repeats
    verdicts: settings.Verdicts
    leave: settings.LeaveSettings
    outages: settings.Outages
    corrections: settings.Corrections
    clock: settings.Clock
    posts: settings.Posts
    rulings: settings.Rulings
    scope: settings.Scope
    reports: Reports = field(default_factory=Reports)
    clauses: dict[str, Clause]
    notices: dict[str, NoticeText] = field(default_factory=dict)
    unused: tuple[FindingKind, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy without problems.

    `prices` has every kind that this rule knows: priced, or a notice with its reason.
    `limits` are by key, such as `off_post_above_minutes`, in seconds.
    """

    file: PolicyFile
    prices: dict[FindingKind, Price]
    limits: dict[str, Limit]
    digest: str

    @property
    def id(self) -> str:
        """Name of the policy."""
        return self.file.id

    @property
    def version(self) -> str:
        """Version as written."""
        return self.file.version

    def limit(self, name: str) -> Limit | None:
        """Return a limit; None where the rule has no such step."""
        found = self.limits.get(name)
        return found if found and found.seconds else None

    def price(self, kind: FindingKind) -> Price | None:
        """Return what a kind costs, or None where this rule never finds it."""
        return self.prices.get(kind)


def read_policy(text: str, file: str) -> tuple[Policy | None, list[Problem]]:
    """Read a policy; one with any problem is None beside all of its problems."""
    try:
        document = parse(text)
    except TomlError as error:
        return None, [Problem(file, error.line, "", f"not TOML: {error.reason}")]
    except (ValueError, RecursionError):
        reason = "not TOML: nested too deep or a number too long"
        return None, [Problem(file, 1, "", reason)]
    walker = Walker(file, document)
    found = walker.table(PolicyFile, document.data, ())
    if found is None:
        return None, _sorted(walker)
    prices, limits = _prices(found, walker), _limits(found, walker)
    _confirmed(found, walker)
    if walker.problems:
        return None, _sorted(walker)
    return Policy(found, prices, limits, _digest(found)), []


def _sorted(walker: Walker) -> list[Problem]:
    return sorted(walker.problems, key=lambda problem: problem.line)


def _digest(found: PolicyFile) -> str:
    """Return a SHA-256 in hex over all that the file says; comments do not count."""
    whole = json.dumps(
        dataclasses.asdict(found), ensure_ascii=False, sort_keys=True, default=str
    )
    return hashlib.sha256(whole.encode()).hexdigest()


def _limits(found: PolicyFile, walker: Walker) -> dict[str, Limit]:
    limits: dict[str, Limit] = {}
    for name, clause in found.clauses.items():
        for limit in LIMITS:
            minutes = getattr(clause, limit)
            if minutes is not None and limit in limits:
                reason = f"stands already in clause {limits[limit].clause}"
                walker.problem(("clauses", name, limit), reason)
            elif minutes is not None:
                limits[limit] = Limit(minutes * 60, name)
    for limit in LIMITS:
        if limit not in limits:
            reason = f"no clause says {limit}; 0 where there is no such step"
            walker.problem(("clauses",), reason)
    return limits


def _prices(found: PolicyFile, walker: Walker) -> dict[FindingKind, Price]:
    prices = _amounts(found, walker)
    for name, text in found.notices.items():
        where = ("notices", name)
        kind = _kind(name)
        if kind is None:
            walker.problem(where, f"no kind of finding is called {name!r}")
        elif kind in prices:
            clause = prices[kind].clause
            walker.problem(where, f"has an amount already in clause {clause}")
        else:
            prices[kind] = Price(kind, text.clause, None, zh=text.zh, en=text.en)
            if text.clause not in found.clauses:
                reason = f"there is no clause {text.clause!r} in this file"
                walker.problem((*where, "clause"), reason)
    _complete(found, prices, walker)
    _breach(found, prices, walker)
    return prices


def _amounts(found: PolicyFile, walker: Walker) -> dict[FindingKind, Price]:
    prices: dict[FindingKind, Price] = {}
    for name, clause in found.clauses.items():
        where = ("clauses", name)
        if reason := number(name):
            walker.problem(where, reason)
        for amount in AMOUNTS:
            fen, kind = getattr(clause, amount), kind_of(amount)
            if fen is None or kind is None:
                continue
            if kind in prices:
                reason = f"stands already in clause {prices[kind].clause}"
                walker.problem((*where, amount), reason)
            part = clause.no_substitute_part_fen
            one = Price(kind, name, fen, part if _in_part(kind) else None)
            prices.setdefault(kind, one)
        _part_with_whole(clause, walker, where)
    return prices


def _in_part(kind: FindingKind) -> bool:
    return kind is FindingKind.NO_SUBSTITUTE


def _part_with_whole(clause: Clause, walker: Walker, where: tuple[str, str]) -> None:
    whole, part = clause.no_substitute_fen, clause.no_substitute_part_fen
    if (whole is None) != (part is None):
        name = PART if part is None else "no_substitute_fen"
        walker.problem((*where, name), "is missing; both amounts stand in one clause")


def _kind(name: str) -> FindingKind | None:
    try:
        return FindingKind(name)
    except ValueError:
        return None


def _complete(
    found: PolicyFile, prices: dict[FindingKind, Price], walker: Walker
) -> None:
    """Note kinds nobody says anything about: a missing amount is no free one."""
    for index, kind in enumerate(found.unused):
        if kind in prices:
            walker.problem(("unused", index), f"{kind} has an amount or a notice")
    for kind in FindingKind:
        if kind not in prices and kind not in found.unused:
            reason = (
                f"nothing says what {kind} costs: give {kind}_fen in its clause, or"
                " [notices] with the reason why it costs nothing, or list it in unused"
            )
            walker.problem(("clauses",), reason)


def _breach(
    found: PolicyFile, prices: dict[FindingKind, Price], walker: Walker
) -> None:
    """Note a breach that costs nothing, and a mere notice that costs something."""
    kind = FindingKind.RETURN_UNCONFIRMED
    priced = kind in prices and prices[kind].amount_fen is not None
    breach = found.leave.return_unconfirmed is settings.ReturnUnconfirmed.BREACH
    if breach and not priced:
        reason = f"a breach costs something: give {kind}_fen in its clause"
        walker.problem(("leave", "return_unconfirmed"), reason)
    elif priced and not breach:
        reason = f"clause {prices[kind].clause} has {kind}_fen: it is a breach"
        walker.problem(("leave", "return_unconfirmed"), reason)


def _confirmed(found: PolicyFile, walker: Walker) -> None:
    """Note confirmations of settings that do not exist."""
    for index, name in enumerate(found.confirmed):
        if not exists(found, name):
            walker.problem(("confirmed", index), f"there is no setting {name!r}")


def exists(found: PolicyFile, name: str) -> bool:
    """Say whether `name` is a setting such as `verdicts.add_up`, or a limit."""
    return name in LIMITS or value_of(found, name) is not None


def value_of(found: PolicyFile, name: str) -> Any:
    """Return the value of a setting by `group.key`, None where there is none."""
    group, _, setting = name.partition(".")
    table = getattr(found, group, None) if group in _GROUPS else None
    return getattr(table, setting, None) if setting in _names(table) else None


def _names(table: Any) -> set[str]:
    return {one.name for one in dataclasses.fields(table)} if table else set()


_GROUPS = (
    *("signs", "windows", "repeats", "verdicts", "leave", "outages"),
    *("corrections", "clock", "posts", "rulings", "scope", "reports"),
)
