"""A small world for verdicts: one person, one shift, punches given by their times."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from gateway import calendars
from gateway.core.book import Book, read_book
from gateway.core.book.standing import CalendarName
from gateway.core.calendar import Calendar
from gateway.core.judge import Judge
from gateway.core.moments import day_of, local, read
from gateway.core.policy import Policy, read_policy
from gateway.core.verdicts import (
    Deduction,
    Finding,
    Judged,
    Punched,
    SessionVerdict,
    State,
)
from gateway.core.watermark import Watermark, Whole
from gateway.shipped import folders
from tests.book_rows import ACME, DAY_SHIFT, NIGHT_SHIFT, contract

POLICIES = Path(__file__).parents[4] / "config/policies"
DAY = "2026-11-02"  # a Monday
MONDAY = date.fromisoformat(DAY)
NOON = read(f"{DAY}T12:00:00")
CLIENT = "client-contract"
_BASE = """
[site]
id = "hq"

[[terminals]]
id = "lobby"
serial = "VT00000001"

[[terminals]]
id = "annex"
serial = "VT00000002"

[[terminals]]
id = "far"
serial = "VT00000009"
site = "branch"

[[people]]
id = "p1"
name = "甲一"
vendor = "acme"

[[enrolments]]
person = "p1"
badge = "1"

[[shifts]]
id = "round"
sessions = [{ start = "08:00", end = "32:00" }]
days = "every"

[[shifts]]
id = "single"
sessions = [{ start = "08:30", end = "17:30" }]
days = "workdays"

[[shifts]]
id = "nine"
sessions = [
  { start = "09:00", end = "18:00", breaks = [{ start = "12:00", end = "13:00" }] }
]
days = "workdays"
"""
_BASE += ACME + DAY_SHIFT + NIGHT_SHIFT
_CONTRACT = contract("2026-01-01")


def roster(shift: str = "day", *days: str, person: str = "p1") -> str:
    """Return a row of the roster: on days, or always without any."""
    when = f"dates = [{', '.join(days)}]" if days else "from = 2026-01-01"
    return f'\n[[roster]]\nperson = "{person}"\nshift = "{shift}"\n{when}\n'


def rows(table: str, *lines: str) -> str:
    """Return one row of a table."""
    return "\n".join(["", f"[[{table}]]", *lines, ""])


def leave(
    start: str, end: str, *more: str, applied: str = "2026-10-30T09:00:00"
) -> str:
    """Return a leave of p1 that leader1 approved."""
    return rows(
        "leave",
        'id = "L1"',
        'person = "p1"',
        'kind = "personal"',
        f"from = {start}",
        f"to = {end}",
        f"applied_at = {applied}",
        'approved_by = "leader1"',
        *more,
    )


@cache
def calendar() -> Calendar:
    """Return the calendar of China."""
    return calendars.find(CalendarName.CN, folders("calendars")).calendar


def policy(name: str = "client-contract", *changes: tuple[str, str]) -> Policy:
    """Return a shipped policy with some lines changed."""
    text = (POLICIES / f"{name}.toml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    found, problems = read_policy(text, name)
    assert found is not None, problems
    return found


def book(*more: str, contract: str = _CONTRACT) -> Book:
    """Return the book with rows behind it."""
    text = "\n".join(['version = "1"', _BASE, contract, *more])
    found, problems = read_book(text, "book.toml")
    assert found is not None, [str(problem) for problem in problems]
    return found


def punches(*times: str, day: str = DAY, terminal: str = "lobby") -> list[Punched]:
    """Return punches by their times: `08:30`, `12:00:01`, or whole date-times.

    A time may name a terminal and a key: `08:30@annex`, `08:30/1`.
    """
    return [_punch(text, day, terminal) for text in times]


def _punch(text: str, day: str, terminal: str) -> Punched:
    text, _, key = text.partition("/")
    text, _, where = text.partition("@")
    full = text if "T" in text else f"{day}T{text}"
    full += ":00" if full.count(":") == 1 else ""
    place = where or terminal
    site = "branch" if place == "far" else "hq"
    state = int(key) if key else None
    return Punched(f"{full}@{place}", read(full), site, place, state)


@dataclass(frozen=True)
class Result:
    """What was judged, easy to ask."""

    judged: Judged

    @property
    def sessions(self) -> list[SessionVerdict]:
        """All sessions in order."""
        return self.judged.sessions

    @property
    def findings(self) -> list[Finding]:
        """All findings."""
        return self.judged.findings

    @property
    def kinds(self) -> list[tuple[str, int | None, int | None]]:
        """Kind, session and seconds of each finding."""
        return [(one.kind.value, one.session, one.seconds) for one in self.findings]

    @property
    def states(self) -> list[str]:
        """The states of the sessions."""
        return [one.state.value for one in self.sessions]

    @property
    def fen(self) -> list[int]:
        """The amounts of all lines."""
        return [line.amount_fen for line in self.judged.deductions]

    @property
    def lines(self) -> list[Deduction]:
        """All lines."""
        return self.judged.deductions

    @property
    def warnings(self) -> list[str]:
        """What was odd, in English."""
        return [one.en for one in self.judged.warnings]

    @property
    def left(self) -> list[str]:
        """Times of the punches that serve no session."""
        return [f"{local(one.at):%m-%dT%H:%M:%S}" for one in self.judged.unassigned]

    def marks(self, index: int = 0) -> tuple[str | None, str | None]:
        """Return the times of the signs of a session."""
        found = self.sessions[index]
        marks = (found.arrival, found.departure)
        first, last = (f"{local(one.at):%H:%M:%S}" if one else None for one in marks)
        return first, last

    def ok(self) -> bool:
        """Say whether every session is ok and nothing was found."""
        states = {one.state for one in self.sessions}
        return states <= {State.OK} and not self.findings


def judge(  # noqa: PLR0913 - a world in one call
    times: Iterable[str] = (),
    *more: str,
    day: str = DAY,
    last: str | None = None,
    watermark: Watermark | None = None,
    forced: Policy | None = None,
    contract: str = _CONTRACT,
    person: str = "p1",
    extra: Sequence[Punched] = (),
) -> Result:
    """Judge p1 from `day` to `last`; rows without a roster get the day shift."""
    told = [*more] if any("[[roster]]" in row for row in more) else [roster(), *more]
    made = Judge(
        book(*told, contract=contract),
        calendar(),
        {"client-contract": policy()},
        watermark or Whole(),
        forced=forced,
    )
    first = date.fromisoformat(day)
    until = date.fromisoformat(last or day)
    return Result(
        made.person(person, [*punches(*times, day=day), *extra], first, until)
    )


def kinds(found: Result) -> list[str]:
    """Return the kinds of all findings."""
    return [one.kind.value for one in found.findings]


def next_day(day: str) -> str:
    """Return the day after."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


assert day_of(read(DAY + "T00:00:00")) == date(2026, 11, 2)
GOOD = ("08:20", "12:05", "14:20", "17:35")
"""A day on which nothing is wrong."""
MORNING, REST = GOOD[:2], GOOD[2:]
