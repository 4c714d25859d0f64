"""What named people decide of a case: refused, or a ruling of the book and a label.

Two named people confirm a case, after the person was heard and with the person's own
statement; one may dismiss it. Dismissals are the only true labels there are, so how
often the method was right is measured from them (proxy-detection.md 7). Nothing here
charges anybody: the ruling goes into the book, and the judge reads it there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import sqrt
from typing import Any

from sqlite_utils import Database

from gateway.core.book.index import Book
from gateway.core.book.standing import Act
from gateway.core.rules.proxy_punching import PUNCH
from gateway.core.suspicion.cases import month_end
from gateway.core.suspicion.values import Kind
from gateway.outgoing import row_entry
from gateway.store import cases
from gateway.store.cases import Changed
from gateway.store.epochs import Appender
from gateway.suspecting_cases import Case, reviewed
from gateway.suspecting_stored import as_stored
from sync.messages import Detail

CONFIRM, DISMISS = "confirm", "dismiss"
_LEAST = 2
_TRAVELS = ("id", "on", "decision", "persons", "punches", "at", "heard_at")
_FAMILIES = (Kind.PAIR, Kind.ENROLMENT)
_Z = 1.959964


class ReviewError(Exception):
    """A decision that cannot stand, in words; nothing was written."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What people say of a case.

    `also` are further people to be charged beside the subject, which takes `evidence`
    about them; `at` and `heard_at` are local times of the site.
    """

    decision: str
    by: tuple[str, ...]
    at: datetime
    reason: str
    statement: str = ""
    heard_at: datetime | None = None
    evidence: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


def check(case: Case, said: Decision, book: Book, every: Iterable[Case]) -> None:
    """Refuse what may not be decided so; `every` is all cases there are.

    Raises:
        ReviewError: saying everything that is missing.
    """
    found = list(_missing(case, said, book))
    if said.decision == CONFIRM:
        found += _too_early(case, said)
        found += _twice(case, every)
    if found:
        raise ReviewError("\n".join(found))


def _missing(case: Case, said: Decision, book: Book) -> Iterable[str]:
    if not [one for one in said.by if one.strip()]:
        yield "nobody is named: --by NAME"
    if not said.reason.strip():
        yield "no reason is given: --reason"
    if said.decision == CONFIRM:
        yield from _unconfirmed(case, said, book)
        return
    stands = book.row("rulings", ruling_id(case))
    if stands is not None and stands.decision == CONFIRM:
        yield f"ruling {stands.id} stands in the book and charges: supersede it first"


def _unconfirmed(case: Case, said: Decision, book: Book) -> Iterable[str]:
    """Yield what a confirmation lacks."""
    if case["subject"] is None:
        yield "it accuses a terminal, nobody in particular: there is nobody to charge"
    if case["grade"] != "case":
        yield f"it is a {case['grade']}, no case: only a case may be confirmed"
    elif case["status"] == "weakened":
        yield "its evidence has weakened: it may only be dismissed"
    day = said.at.date()
    entitled = {one for one in said.by if book.entitled(one, Act.RULE, day)}
    if len(entitled) < _LEAST:
        yield "two different named people who may rule confirm a case: --by, twice"
    if not said.statement.strip():
        yield "the person's own statement is missing: --statement"
    if said.heard_at is None or said.heard_at > said.at:
        yield "the person must be heard before: --heard-at TIME, not in the future"
    if said.also and not [one for one in said.evidence if one.strip()]:
        yield "whoever else is charged needs evidence beyond the neighbour: --evidence"
    for person in said.also:
        if book.person(person) is None:
            yield f"the book has no person {person!r}"


def _too_early(case: Case, said: Decision) -> Iterable[str]:
    """Yield that money looks at a statistical case at a month's end only (4.5)."""
    if case["kind"] not in _FAMILIES or case["decided"]:
        return
    last = month_end(date.fromisoformat(case["opened_on"]))
    if case["kind"] == Kind.PAIR or said.at.date() <= last:
        yield (
            "money looks at it at a month's end: it must still be open on the first"
            f" working day behind {last}"
        )


def _twice(case: Case, every: Iterable[Case]) -> Iterable[str]:
    """Yield that somebody was charged for this month already."""
    for other in every:
        same = other["charge_once"] and other["charge_once"] == case["charge_once"]
        if same and other["id"] != case["id"] and other["status"] == "confirmed":
            yield f"{case['subject']} was charged already: case {other['id']}"


def ruling_id(case: Case) -> str:
    """Return the id of the ruling on a case: asking twice rules once."""
    return f"R-{case['id']}"


def ruling(case: Case, said: Decision) -> dict[str, Any]:
    """Return the row of the book that a confirmation is; charged are those it names."""
    persons = list(dict.fromkeys([case["subject"], *said.also]))
    rows = [one for one in case["punches"] if one.get("person") in persons]
    return {
        "id": ruling_id(case),
        "on": case["id"],
        "decision": CONFIRM,
        "persons": persons,
        "punches": [one["id"] for one in rows],
        "by": list(said.by),
        "at": said.at.isoformat(),
        "reason": said.reason,
        "evidence": [
            *(f"{PUNCH} {one['id']} {one['at']} {one['terminal']}" for one in rows),
            f"case {case['id']} {case['integrity']}",
            *said.evidence,
        ],
        "heard_at": said.heard_at.isoformat() if said.heard_at else None,
        "statement": said.statement,
    }


def label(case: Case, said: Decision) -> dict[str, Any]:
    """Return what is kept of a decision, as the case shows it."""
    return {
        "by": list(said.by),
        "at": said.at.isoformat(),
        "decision": said.decision,
        "reason": said.reason,
        "ruling": ruling_id(case) if said.decision == CONFIRM else None,
        "statement": said.statement,
    }


def travelling(row: Mapping[str, Any]) -> dict[str, Detail]:
    """Return what of a ruling goes up as an entry: ids and times, no names or words."""
    found: dict[str, Detail] = {}
    for key in _TRAVELS:
        value = row.get(key)
        found[key] = " ".join(value) if isinstance(value, list) else value
    return found


def keep(
    db: Database,
    now: str,
    key: str,
    said: Mapping[str, Any],
    row: Mapping[str, Any] | None = None,
) -> Changed | None:
    """Keep a label and the case as it is with it; None for what changes nothing.

    `row` is the ruling that stands in the book, which goes up as an entry too.
    """
    case = cases.one(db, key)
    if case is None:
        return None
    known = cases.labels(db).get(key, [])
    if dict(said) not in known:
        cases.label(db, key, said)
        known = [*known, dict(said)]
        if row is not None:
            _say(db, now, row)
    changed = cases.keep(db, now, [as_stored(reviewed(case, known))])
    return next(iter(changed), None)


def _say(db: Database, now: str, row: Mapping[str, Any]) -> None:
    """Let the ruling go up: it was made here, and the centre judges by it too."""
    appender = Appender(db, now)
    entry = row_entry(
        appender.next_seq,
        key=str(row["id"]),
        table="rulings",
        row=travelling(row),
        at=now,
    )
    appender.append("entry", entry, None)
    appender.flush()


@dataclass(frozen=True, slots=True)
class Precision:
    """How often decided cases were right, with a 95 % interval (Wilson)."""

    confirmed: int
    dismissed: int

    @property
    def share(self) -> float | None:
        """Return the share that was confirmed; None before the first decision."""
        decided = self.confirmed + self.dismissed
        return self.confirmed / decided if decided else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Return the interval of the share."""
        share, n = self.share, self.confirmed + self.dismissed
        if share is None:
            return None
        middle = share + _Z**2 / (2 * n)
        half = _Z * sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
        whole = 1 + _Z**2 / n
        return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)

    def to_json(self) -> dict[str, Any]:
        """Return it as reports have it."""
        found = self.interval
        return {
            "confirmed": self.confirmed,
            "dismissed": self.dismissed,
            "precision": None if self.share is None else round(self.share, 3),
            "interval_95": None if found is None else [round(one, 3) for one in found],
        }


def measured(found: Sequence[Case]) -> Precision:
    """Return the precision that decided cases measure; the watch list has none."""
    decided = [one["status"] for one in found if one["grade"] != "watch"]
    return Precision(decided.count("confirmed"), decided.count("dismissed"))
