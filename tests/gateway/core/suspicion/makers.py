"""Short makers for suspicion: punches of a small invented site, and its book."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import count

from gateway.core.suspicion.detect import Report, suspect
from gateway.core.suspicion.events import (
    Count,
    Event,
    Link,
    Operation,
    Punch,
    gather,
)
from gateway.core.suspicion.site import Enrolled, PlainBook, Turn
from gateway.core.suspicion.state import State
from gateway.core.suspicion.values import DAY, Kind, Leave, Options, day_number
from gateway.core.values import VerifyMode

MONDAY = date(2026, 3, 2)
FIRST = day_number(MONDAY)
ZONE = 8 * 3_600
OFFICE = ((30_600, 43_200), (52_200, 63_000))
NAMES = ("A", "B", "C", "D", "E", "F", "G", "H")
SITES = {"lobby": "hq", "side": "branch"}
TIMES = ("08:10:00", "12:05:00", "14:20:00", "17:40:00")
_numbers = count()


def second(clock: str) -> int:
    """Return the second of the day of `HH:MM:SS`."""
    hour, minute, rest = map(int, clock.split(":"))
    return hour * 3_600 + minute * 60 + rest


def wall(day: int, clock: str) -> int:
    """Return wall seconds of a time on the day so many days after MONDAY."""
    return (FIRST + day) * DAY + second(clock)


def utc(day: int, clock: str) -> int:
    """Return the UTC seconds of a wall time."""
    return wall(day, clock) - ZONE


def punch(  # noqa: PLR0913 - a record has as many fields
    person: str,
    day: int,
    clock: str,
    verify: str = "finger",
    *,
    terminal: str = "lobby",
    delay: int = 2,
    id: str = "",  # noqa: A002 - the field's name
) -> Punch:
    """Return a punch; badge = person, received `delay` seconds after device time."""
    at = wall(day, clock)
    name = id or f"{person}-{day}-{clock}-{terminal}"
    return Punch(
        name,
        terminal,
        at % 100_000,
        person,
        at,
        at - ZONE + delay,
        VerifyMode(verify),
        0,
    )


def operation(
    code: int, day: int, clock: str, target: str = "", terminal: str = "lobby"
) -> Operation:
    """Return a line of the operation log."""
    at = wall(day, clock)
    return Operation(terminal, next(_numbers), at, at - ZONE + 2, code, "9", target)


def counted(day: int, clock: str, records: int, terminal: str = "lobby") -> Count:
    """Return what a terminal said it holds."""
    return Count(terminal, utc(day, clock), records)


def link(day: int, clock: str, *, up: bool, terminal: str = "lobby") -> Link:
    """Return a change of the link."""
    return Link(terminal, utc(day, clock), up)


def leave(day: int, start: str, end: str, approved: int | None = -1) -> Leave:
    """Return leave within one day; approved at noon so many days after it."""
    at = None if approved is None else wall(day + approved, "12:00:00")
    return Leave(wall(day, start), wall(day, end), at)


def book(
    names: Iterable[str] = NAMES,
    *,
    absences: Mapping[str, Sequence[Leave]] | None = None,
    sites: Mapping[str, str] | None = None,
    broken: Mapping[str, Sequence[tuple[int, int]]] | None = None,
    turns: Mapping[str, Sequence[Turn]] | None = None,
) -> PlainBook:
    """Return a book of office people whose badges are their ids."""
    names = list(names)
    return PlainBook(
        enrolments=[Enrolled(name, name) for name in names],
        sites=sites or {},
        travel={frozenset(("hq", "branch")): 25},
        turns={name: [Turn(OFFICE)] for name in names} | dict(turns or {}),
        absences=absences or {},
        broken=broken or {},
        hired={name: date(2025, 1, 1) for name in names},
    )


def workdays(days: int, start: int = 0) -> list[int]:
    """Return the numbers of the working days of a span."""
    return [n for n in range(start, days) if (MONDAY + timedelta(n)).weekday() < 5]


DAYS = workdays(30)
"""A month of work."""
LATE = workdays(40)[22]
"""A working day behind that month."""


def moved(clock: str, seconds: int) -> str:
    """Return a clock time some seconds later."""
    total = second(clock) + seconds
    return f"{total // 3600:02}:{total // 60 % 60:02}:{total % 60:02}"


def usual(
    names: Sequence[str],
    days: Iterable[int],
    *,
    apart: int = 60,
    terminal: str = "lobby",
) -> list[Punch]:
    """Return four finger punches a day of people who stand `apart` seconds apart."""
    return [
        punch(name, day, moved(clock, place * apart), terminal=terminal)
        for day in days
        for clock in TIMES
        for place, name in enumerate(names)
    ]


def covered(day: int, *, verify: str = "card", helper: str = "B") -> list[Punch]:
    """Return a day on which A's only punch is made three seconds behind the helper."""
    mine = usual(NAMES[:4], [day])
    helps = next(one for one in mine if one.badge == helper)
    behind = moved(TIMES[0], helps.at - wall(day, TIMES[0]) + 3)
    return [one for one in mine if one.badge != "A"] + [punch("A", day, behind, verify)]


def run(
    events: Iterable[Event],
    site: PlainBook | None = None,
    options: Options | None = None,
    states: Iterable[State] = (),
) -> Report:
    """Return the report of some events."""
    return suspect(site or book(), gather(events), options or Options(), states)


def found(
    kind: Kind,
    events: Iterable[Event],
    site: PlainBook | None = None,
    options: Options | None = None,
) -> list[tuple[str, str | None]]:
    """Return (grade, subject or terminal) of the cases of a kind."""
    report = run(events, site, options)
    return [
        (case.grade.value, case.subject or case.terminal)
        for case in report.cases
        if case.kind == kind
    ]


def text(report: Report) -> bytes:
    """Return a report as the bytes of its document."""
    return json.dumps(report.to_json(), ensure_ascii=False, sort_keys=True).encode()
