"""A small site at which p2 makes the only punch of p1 on four days, as files."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

import gateway.cli.every  # noqa: F401 - registers the commands
from gateway.cli.app import app
from tests.book_rows import ACME, DAY_SHIFT, contract

FIRST = date(2026, 9, 21)  # a Monday
CODES = {"finger": 1, "card": 4}
TIMES = ("08:10:00", "12:05:00", "14:20:00", "17:40:00")
FAKED = (18, 20, 22, 24)
PEOPLE = ("p1", "p2", "p3", "p4")
Row = tuple[str, str, str]
"""Badge, device local time, verify word."""

BOOK = """version = "1"
[site]
id = "hq"
calendar = "weekdays"
[[terminals]]
id = "t0"
serial = "VT00000000"
"""
BOOK += ACME + contract("2026-01-01") + DAY_SHIFT


def book(people: Iterable[str] = PEOPLE) -> str:
    """Return the text of the site's book."""
    text = BOOK
    for name in people:
        text += f'[[people]]\nid = "{name}"\nname = "甲{name}"\nvendor = "acme"\n'
        text += f'[[enrolments]]\nperson = "{name}"\nbadge = "{name[1:]}"\n'
        text += f'[[roster]]\nperson = "{name}"\nshift = "day"\nfrom = 2026-01-01\n'
    return text


def workdays(days: int) -> list[int]:
    """Return the numbers of the working days of a span from FIRST."""
    return [n for n in range(days) if (FIRST + timedelta(n)).weekday() < 5]


def day_text(number: int) -> str:
    """Return the date so many days after FIRST."""
    return str(FIRST + timedelta(number))


def moved(clock: str, seconds: int) -> str:
    """Return a clock time some seconds later."""
    hour, minute, second = map(int, clock.split(":"))
    total = hour * 3600 + minute * 60 + second + seconds
    return f"{total // 3600:02}:{total // 60 % 60:02}:{total % 60:02}"


def month(fakes: int = len(FAKED), days: int = 40) -> list[Row]:
    """Return forty days of four people; on the faked working days p2 covers p1."""
    found: list[Row] = []
    numbers = workdays(days)
    for at, number in enumerate(numbers):
        faked = at in FAKED[:fakes]
        for clock in TIMES:
            for place, person in enumerate(PEOPLE):
                if not (faked and person == "p1"):
                    time = moved(clock, place * 60)
                    found.append((person[1:], f"{day_text(number)}T{time}", "finger"))
        if faked:
            time = moved(TIMES[0], 63)
            found.append(("1", f"{day_text(number)}T{time}", "card"))
    return found


def event(row: Row, seq: int) -> dict[str, Any]:
    """Return a punch as a line of `events.jsonl`."""
    badge, at, verify = row
    return {
        "type": "punch",
        "id": f"{badge}-{at}",
        "terminal": "t0",
        "seq": seq,
        "badge": badge,
        "at": at,
        "received_at": f"{at}+08:00",
        "verify": verify,
        "state": 0,
    }


def events(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return punches as lines of `events.jsonl`, in the terminal's order."""
    ordered = sorted(rows, key=lambda row: row[1])
    return [event(row, seq) for seq, row in enumerate(ordered)]


def write(folder: Path, lines: Iterable[Mapping[str, Any]]) -> tuple[Path, Path]:
    """Write a book and a file of events; return both."""
    (folder / "book.toml").write_text(book(), "utf-8")
    text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines)
    (folder / "events.jsonl").write_text(text, "utf-8")
    return folder / "book.toml", folder / "events.jsonl"


def command(*arguments: str | Path, code: int = 0, **environment: str) -> Result:
    """Run `punchgate` in this process; fail when it ends otherwise."""
    done = CliRunner().invoke(app, [*map(str, arguments)], env=environment)
    assert done.exit_code == code, (done.output, done.exception)
    return done
