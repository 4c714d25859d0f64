"""The case: a claim that a stranger can derive again from the rows it names.

Fields of proxy-detection.md 7. Evidence against comes first, base rates come with their
counts, the next-best neighbours stand beside the named one, and nothing anywhere is a
probability of guilt. Ids depend on what the case is about, not on when it was computed.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from gateway.core.suspicion.values import (
    Grade,
    Json,
    Kind,
    Status,
    Text,
    day_date,
)

_ID_LENGTH = 8


class Row(Protocol):
    """An event that can be hashed."""

    def row(self) -> Json:
        """Return the event as plain values."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """A suspicion with everything a reviewer needs. Days are numbers until written."""

    kind: Kind
    grade: Grade
    subject: str | None
    neighbour: str | None
    terminal: str | None
    events: tuple[str, ...]
    opened_on: int
    as_of: int
    claim: Text
    about: str
    status: Status = Status.OPEN
    reason: Text | None = None
    alternatives: tuple[Json, ...] = ()
    days: tuple[Json, ...] = ()
    null: Json = field(default_factory=dict)
    strength: Json = field(default_factory=dict)
    context: Json = field(default_factory=dict)
    punches: tuple[Json, ...] = ()
    innocent: tuple[Text, ...] = ()
    to_confirm: tuple[Json, ...] = ()
    decisions: tuple[str, ...] = ()
    integrity: str = ""

    @property
    def id(self) -> str:
        """Return the id: kind, whom or what it is about, and the month it opened."""
        month = day_date(self.opened_on).strftime("%Y-%m")
        text = f"{self.kind}|{self.subject}|{self.about}|{month}"
        digest = hashlib.sha256(text.encode()).digest()
        return "c-" + base64.b32encode(digest).decode().lower()[:_ID_LENGTH]

    def to_json(self) -> Json:
        """Return the case as the published format has it."""
        # Before any work day was closed nothing is known beyond the case itself.
        as_of = day_date(max(self.as_of, self.opened_on))
        return {
            "id": self.id,
            "kind": self.kind.value,
            "grade": self.grade.value,
            "subject": self.subject,
            "neighbour": self.neighbour,
            "alternatives": list(self.alternatives),
            "terminal": self.terminal,
            "events": list(self.events),
            "days": list(self.days),
            "null": self.null,
            "strength": self.strength,
            "opened_on": day_date(self.opened_on).isoformat(),
            "as_of": as_of.isoformat(),
            "claim": self.claim.to_json(),
            "status": self.status.value,
            "why_not_a_case": self.reason.to_json() if self.reason else None,
            "punches": list(self.punches),
            "context": self.context,
            "innocent_explanations": [text.to_json() for text in self.innocent],
            "to_confirm": list(self.to_confirm),
            "decision_on": month_end(as_of).isoformat(),
            "decided": list(self.decisions),
            "charge_once": f"{self.subject}/{as_of:%Y-%m}" if self.subject else None,
            "integrity": self.integrity,
            "review": [],
        }


def month_end(day: date) -> date:
    """Return the last day of a month: the date at which money looks at a case."""
    first_of_next = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return date.fromordinal(first_of_next.toordinal() - 1)


def month_text(number: int) -> str:
    """Return 202611 as `2026-11`."""
    return f"{number // 100}-{number % 100:02}"


def integrity(rows: Iterable[Row]) -> str:
    """Return the hash of the rows used, whatever order they came in."""
    lines = sorted(
        json.dumps(row.row(), ensure_ascii=False, sort_keys=True) for row in rows
    )
    return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()


def significant(value: float) -> float:
    """Return six significant digits: more would be noise in a document."""
    return float(f"{value:.6g}")


def in_order(cases: Iterable[Case]) -> tuple[Case, ...]:
    """Return cases as a list shows them: loudest grade, then kind, subject and id."""
    grades = list(Grade)
    kinds = list(Kind)
    return tuple(
        sorted(
            cases,
            key=lambda case: (
                grades.index(case.grade),
                kinds.index(case.kind),
                case.subject or "",
                case.terminal or "",
                case.opened_on,
                case.id,
            ),
        )
    )


def document(cases: Sequence[Case]) -> dict[str, Any]:
    """Return `{"cases": […]}`."""
    return {"cases": [case.to_json() for case in cases]}
