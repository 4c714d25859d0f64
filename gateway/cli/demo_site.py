"""The invented site of the demo: its people, their month, and its configuration.

Every person, badge and punch here is made up; the numbers are the same on every run.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from drivers.attlog import AttlogLine, format_line
from gateway import calendars
from gateway.cli.demo_suspect import CODES, cover
from gateway.core.book.standing import CalendarName
from gateway.core.calendar import DayKind
from gateway.shipped import folders

HISTORY_DAYS = 30
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_NUMERALS = "一二三四五六七八九十"
_SLOTS = (time(8, 30), time(12, 0), time(14, 30), time(17, 30))
_HELPED_DAYS = 6
_UNKNOWN_BADGES = ("9001", "9002")
_LATE_SHARE = 0.02
_ON_LEAVE, _ABSENT = 4, 8
"""Who is on leave, and who does not come, on the last day: places in the crew."""


_DUTY = """
[[vendors]]
id = "demo"
name = "甲运维服务公司"

[[contracts]]
id = "demo"
vendor = "demo"
policy = "client-contract"
from = {first}
to = 2027-12-31

[[shifts]]
id = "day"
sessions = [{{ start = "08:30", end = "12:00" }}, {{ start = "14:30", end = "17:30" }}]
days = "workdays"
"""
_LEAVE = """
[[leave]]
id = "L1"
person = "{person}"
kind = "personal"
from = {day}T08:30:00
to = {day}T17:30:00
applied_at = {before}T10:00:00
letter_at = {before}T10:00:00
approved_by = "leader1"
"""


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """A person of the demo: book id, name, badge, and the terminal of the way in."""

    id: str
    name: str
    badge: str
    terminal: str


@dataclass(frozen=True, slots=True)
class DemoTerminal:
    """A terminal of the demo and the files that are its memory."""

    id: str
    serial: str
    place: str
    layout: str
    port: int
    attlog: Path
    users: Path


def people(count: int) -> list[DemoPerson]:
    """Invent people; every fifth enters by the machine room."""
    found = []
    for number in range(count):
        stem, numeral = divmod(number, len(_NUMERALS))
        name = _STEMS[stem % len(_STEMS)] + _NUMERALS[numeral]
        terminal = "machine-room" if number % 5 == 4 else "lobby"  # noqa: PLR2004 - every fifth
        badge = "0042" if number == 1 else str(1001 + number)
        found.append(DemoPerson(f"p{number + 1:02}", name, badge, terminal))
    return found


def history(
    crew: Sequence[DemoPerson], before: date, rng: random.Random
) -> dict[str, list[AttlogLine]]:
    """Invent 30 working days before a date, in log order for each terminal.

    Some days somebody is away or late; on the last day one is on leave and one does not
    come. On six days the ninth person swipes the card of the eighth, who is not there;
    two badges are nobody's, one clock lost its battery, and one date does not exist.
    """
    lines: dict[str, list[AttlogLine]] = {"lobby": [], "machine-room": []}
    days = working_days(before)
    # Late enough that everybody's own habits are known by then.
    helped = set(rng.sample(days[len(days) // 2 : -1], _HELPED_DAYS))
    for day in days:
        for place, person in enumerate(crew):
            away = rng.random() < 0.03  # noqa: PLR2004 - one day in thirty
            if away or (day == days[-1] and place in {_ON_LEAVE, _ABSENT}):
                continue
            for slot in _SLOTS:
                lines[person.terminal].append(
                    _line(person.badge, _around(day, slot, rng))
                )
        if day in helped:
            cover(lines["lobby"], [person.badge for person in crew], day, rng)
    for badge in _UNKNOWN_BADGES:
        lines["lobby"].append(_line(badge, _around(days[-3], _SLOTS[0], rng)))
    for terminal in lines.values():
        terminal.sort(key=lambda line: line.at)
    lost_clock = AttlogLine(crew[0].badge, "2000-01-01T00:00:07")
    impossible = AttlogLine(crew[0].badge, "2026-02-31T08:30:00")
    lines["lobby"][10:10] = [lost_clock, impossible]
    return lines


def working_days(before: date) -> list[date]:
    """Return the working days of the history, by the calendar of the demo's book."""
    calendar = calendars.find(CalendarName.CN, folders("calendars")).calendar
    days: list[date] = []
    day = before
    while len(days) < HISTORY_DAYS:
        day -= timedelta(days=1)
        found = calendar.day(day)
        if found is not None and found.kind is DayKind.WORK:
            days.append(day)
    return days[::-1]


def _around(day: date, slot: time, rng: random.Random) -> datetime:
    """Invent a moment: a little before a start, a little after an end; rarely late."""
    before = slot in (_SLOTS[0], _SLOTS[2])
    seconds = (-1 if before else 1) * (15 + abs(rng.gauss(0, 1)) * 240)
    if before and rng.random() < _LATE_SHARE:
        seconds = rng.randint(40, 2400)
    return datetime.combine(day, slot) + timedelta(seconds=round(seconds))


def _line(badge: str, moment: datetime) -> AttlogLine:
    return AttlogLine(badge, moment.isoformat(timespec="seconds"))


def write(
    folder: Path,
    terminals: Sequence[DemoTerminal],
    crew: Sequence[DemoPerson],
    past: dict[str, list[AttlogLine]],
    broker_port: int,
    today: date,
) -> None:
    """Write the terminals' memories, the book and both configurations."""
    for terminal in terminals:
        lines = [format_line(line) + "\n" for line in past[terminal.id]]
        terminal.attlog.write_text("".join(lines), encoding="utf-8")
        here = [person for person in crew if person.terminal == terminal.id]
        rows = [f"{n},{p.badge},{p.name}\n" for n, p in enumerate(here, 1)]
        terminal.users.write_text("uid,user_id,name\n" + "".join(rows), "utf-8")
    days = working_days(today)
    (folder / "book.toml").write_text(_book(terminals, crew, days), encoding="utf-8")
    (folder / "gateway.toml").write_text(
        _gateway(folder, terminals, broker_port), encoding="utf-8"
    )
    (folder / "central.toml").write_text(_central(folder, broker_port), "utf-8")


def _book(
    terminals: Sequence[DemoTerminal], crew: Sequence[DemoPerson], days: Sequence[date]
) -> str:
    text = 'version = "demo"\n\n[site]\nid = "demo"\nname = "演示站点"\n'
    text += 'timezone = "Asia/Shanghai"\ncalendar = "CN"\n'
    for terminal in terminals:
        text += f'\n[[terminals]]\nid = "{terminal.id}"\nserial = "{terminal.serial}"\n'
        text += f'place = "{terminal.place}"\n'
    text += _DUTY.format(first=days[0])
    for person in crew:
        text += f'\n[[people]]\nid = "{person.id}"\nname = "{person.name}"\n'
        text += f'vendor = "demo"\nfrom = {days[0]}\n'
        text += f'\n[[enrolments]]\nperson = "{person.id}"\nterminal = "*"\n'
        text += f'badge = "{person.badge}"\n'
        text += f'\n[[roster]]\nperson = "{person.id}"\nshift = "day"\n'
        text += f"from = {days[0]}\n"
    if len(crew) > _ON_LEAVE:
        text += _LEAVE.format(person=crew[_ON_LEAVE].id, day=days[-1], before=days[-4])
    return text


def _gateway(folder: Path, terminals: Sequence[DemoTerminal], port: int) -> str:
    text = f'[gateway]\nid = "gw-demo"\nsite = "demo"\ndata_dir = "{folder}/gateway"\n'
    text += f'book = "book.toml"\n\n[mqtt]\nhost = "127.0.0.1"\nport = {port}\n'
    text += "reconnect_max_seconds = 0.5\n"
    for terminal in terminals:
        text += f'\n[[terminals]]\nid = "{terminal.id}"\nhost = "127.0.0.1"\n'
        text += f"port = {terminal.port}\npoll_seconds = 2\nlive = true\n{CODES}"
    return text


def _central(folder: Path, port: int) -> str:
    text = f'[central]\nid = "central-demo"\nstore = "sqlite:///{folder}/central.db"\n'
    text += 'books = ["book.toml"]\n\n[mqtt]\nhost = "127.0.0.1"\n'
    return text + f"port = {port}\nreconnect_max_seconds = 0.5\n"
