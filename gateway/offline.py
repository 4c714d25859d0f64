"""`punchgate judge`: the core over files, one person after the other.

What comes out is written as it comes, so that memory stays flat however many months a
file holds.
"""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import IO, Any, Self
from zoneinfo import ZoneInfo

import msgspec

from gateway.core.book.index import Book
from gateway.core.calendar import Calendar
from gateway.core.judge import Judge
from gateway.core.moments import text
from gateway.core.policy.reading import Policy
from gateway.core.verdicts import (
    Deduction,
    Finding,
    Judged,
    Mark,
    SessionVerdict,
    Unassigned,
    Warned,
)
from gateway.core.watermark import Whole
from gateway.punch_file import Spooled

_IN_MEMORY = 1 << 20
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Task:
    """What is judged: of whom, by what, from when to when.

    `forced` judges everybody by one policy, whatever the contracts say.
    """

    book: Book
    calendar: Calendar
    policies: Mapping[str, Policy]
    forced: Policy | None
    first: date
    last: date
    until: int | None = None


def judged(task: Task, punches: Spooled) -> Iterator[Judged]:
    """Judge everybody of the book, by the order of ids, also who never punched."""
    marks = {name: tuple(sorted(at)) for name, at in punches.unknown.items()}
    judge = Judge(
        task.book,
        task.calendar,
        task.policies,
        Whole(task.until, marks),
        forced=task.forced,
    )
    waiting = iter(sorted(one.id for one in task.book.people))
    for person, found in punches.people():
        for other in waiting:
            if other == person:
                break
            yield judge.person(other, (), task.first, task.last)
        yield judge.person(person, found, task.first, task.last)
    for other in waiting:
        yield judge.person(other, (), task.first, task.last)


def write_json(
    out: IO[str],
    task: Task,
    punches: Spooled,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Write one JSON document; return how many findings it has."""
    zone = ZoneInfo(task.book.site.timezone)
    used = [task.forced] if task.forced else list(_used(task))
    head = [_policy(one) for one in used]
    first = json.dumps(head[0] if head else None, ensure_ascii=False)
    more = json.dumps(head, ensure_ascii=False)
    out.write(f'{{"policy":{first},\n"policies":{more},\n"duties":[')
    with _Parts() as parts:
        duties = _Rows(out)
        findings, deductions, unassigned, warnings = (parts.rows() for _ in range(4))
        for done, one in enumerate(judged(task, punches), 1):
            duties.add(session_json(verdict, zone) for verdict in one.sessions)
            findings.add(map(finding_json, one.findings))
            deductions.add(map(deduction_json, one.deductions))
            unassigned.add(unassigned_json(left, zone) for left in one.unassigned)
            warnings.add(map(warning_json, one.warnings))
            progress(done)
        unassigned.add(unassigned_json(left, zone) for left in punches.unassigned)
        warnings.add(map(warning_json, punches.warnings))
        for name, rows in (
            ("findings", findings),
            ("deductions", deductions),
            ("unassigned", unassigned),
            ("warnings", warnings),
        ):
            out.write(f'],\n"{name}":[')
            rows.copy_to(out)
        out.write("]}\n")
        return findings.count


def session_json(one: SessionVerdict, zone: ZoneInfo) -> dict[str, Any]:
    """Return a session as `judge --json` has it."""
    return {
        "person": one.person,
        "date": one.date.isoformat(),
        "shift": one.shift,
        "session": one.session,
        "start": text(one.start, zone),
        "end": text(one.end, zone),
        "arrival": _mark(one.arrival, zone),
        "departure": _mark(one.departure, zone),
        "state": one.state,
        "findings": one.findings,
        "flags": one.flags,
        "waits": {"zh": one.waits.zh, "en": one.waits.en} if one.waits else None,
    }


def finding_json(one: Finding) -> dict[str, Any]:
    """Return a finding as `judge --json` has it."""
    return {
        "id": one.id,
        "kind": one.kind,
        "policy": one.policy,
        "person": one.person,
        "vendor": one.vendor,
        "date": one.date.isoformat(),
        "session": one.session,
        "seconds": one.seconds,
        "clause": one.clause,
        "punches": one.punches,
        "rows": one.rows,
        "setting": one.setting,
        "final": one.final,
        "absorbed_by": one.absorbed_by,
        "ruled_by": one.ruled_by,
        "zh": one.zh,
        "en": one.en,
    }


def deduction_json(one: Deduction) -> dict[str, Any]:
    """Return a line of money as `judge --json` has it."""
    return {
        "finding": one.finding,
        "policy": one.policy,
        "clause": one.clause,
        "person": one.person,
        "vendor": one.vendor,
        "date": one.date.isoformat(),
        "amount_fen": one.amount_fen,
    }


def unassigned_json(one: Unassigned, zone: ZoneInfo) -> dict[str, Any]:
    """Return a punch that serves no session."""
    person = one.person or None
    return {
        "id": one.punch,
        "person": person,
        "at": text(one.at, zone),
        "reason": one.why,
    }


def warning_json(one: Warned) -> dict[str, Any]:
    """Return something odd that changed nothing."""
    day = one.date.isoformat() if one.date else None
    return {"person": one.person or None, "date": day, "zh": one.zh, "en": one.en}


def _used(task: Task) -> Iterator[Policy]:
    """Yield the policies of the contracts in force in the period, each once."""
    seen: set[str] = set()
    for contract in task.book.rows.contracts:
        policy = task.policies.get(contract.policy)
        overlaps = contract.from_ <= task.last and contract.to >= task.first
        if policy is not None and overlaps and policy.id not in seen:
            seen.add(policy.id)
            yield policy


def _policy(one: Policy) -> dict[str, str]:
    return {"id": one.id, "version": one.version, "digest": one.digest}


def _mark(one: Mark | None, zone: ZoneInfo) -> dict[str, str] | None:
    return {"at": text(one.at, zone), "punch": one.punch} if one else None


class _Rows:
    """The elements of an array, one a line."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self.count = 0

    def add(self, values: Iterable[dict[str, Any]]) -> None:
        """Write elements."""
        said = [_ENCODER.encode(value) for value in values]
        if said:
            self._out.write(",\n" if self.count else "\n")
            self._out.write(b",\n".join(said).decode())
            self.count += len(said)

    def copy_to(self, out: IO[str]) -> None:
        """Write all elements behind what another file has."""
        self._out.seek(0)
        for line in self._out:
            out.write(line)


class _Parts:
    """Arrays that are written beside the first one, and read back behind it."""

    def __init__(self) -> None:
        self._files: list[IO[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close()

    def rows(self) -> _Rows:
        """Begin an array."""
        file = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - closed with the rest
            _IN_MEMORY, "w+", encoding="utf-8", newline="\n"
        )
        self._files.append(file)
        return _Rows(file)
