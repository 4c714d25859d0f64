"""Make up a month of a site, most of it within seconds of a border of the rule.

`make(seed, people)` gives the rows of a book and the signs on its terminals; the same
seed gives the same month. `write` puts them into files the command line reads.
"""

import calendar
import json
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

from tests.oracle.life import TERMINALS, Month, live
from tests.oracle.plan import DAY, Row, Rows, workday

MONTHS = ((2, 3), (5, 3), (9, 3), (10, 4), (11, 2), (12, 3))
SHIFTS: list[Row] = [
    {
        "id": "day",
        "sessions": [
            {"start": "08:30", "end": "12:00"},
            {"start": "14:30", "end": "17:30"},
        ],
        "days": "workdays",
    },
    {
        "id": "one",
        "sessions": [
            {
                "start": "09:00",
                "end": "18:00",
                "breaks": [{"start": "12:00", "end": "13:00"}],
            }
        ],
        "days": "workdays",
    },
    {
        "id": "split",
        "sessions": [
            {"start": "06:00", "end": "10:00"},
            {"start": "15:01", "end": "19:00"},
        ],
        "days": ["mon", "tue", "wed", "thu", "fri", "sat"],
    },
    {"id": "night", "sessions": [{"start": "20:00", "end": "32:00"}], "days": "every"},
    {
        "id": "evening",
        "sessions": [{"start": "17:00", "end": "25:30"}],
        "days": "every",
    },
    {"id": "late", "sessions": [{"start": "18:30", "end": "26:30"}], "days": "every"},
    {"id": "two", "sessions": [{"start": "18:00", "end": "26:00"}], "days": "every"},
    {"id": "full", "sessions": [{"start": "08:00", "end": "32:00"}], "days": "every"},
    {"id": "noc", "sessions": [{"start": "08:00", "end": "20:00"}], "days": "every"},
]
KINDS = (
    *("day", "day", "day", "day", "one", "split", "night", "evening"),
    *("late", "two", "full", "rota", "rest-rota"),
)
MAY = ["leave", "permit", "change", "correction", "substitution", "handover", "waive"]


def make(seed: int, people: int) -> Month:
    """Return the month of a seed."""
    random = Random(seed)
    number, _weight = random.choices(MONTHS, [weight for _, weight in MONTHS])[0]
    first = date(2026, number, 1)
    last = date(2026, number, calendar.monthrange(2026, number)[1])
    month = Month(seed, first, last, _rows(random, first), [])
    for index in range(people):
        _person(random, month, index)
    if month.first.month != 12:
        _client_orders(random, month)
    if random.random() < 0.6:
        _outages(random, month)
    for row in month.rows["people"]:
        live(random, month, row)
    if random.random() < 0.7:
        _strangers(random, month)
    if random.random() < 0.4:
        month.complete_until = _until(random, month)
    random.shuffle(month.signs)
    return month


def _rows(random: Random, first: date) -> Rows:
    middle = first + timedelta(days=14)
    rows: Rows = {
        "terminals": [
            {"id": name, "serial": f"VT{name}", "place": name} for name in TERMINALS
        ]
        + [{"id": "b1", "serial": "VTb1", "site": "branch"}],
        "vendors": [{"id": name, "name": name} for name in ("v0", "v1", "v2")],
        "contracts": [],
        "people": [],
        "enrolments": [],
        "shifts": SHIFTS,
        "roster": [],
    }
    for vendor, start, end in (
        ("v0", date(2026, 1, 1), date(2027, 12, 31)),
        ("v1", middle, date(2027, 12, 31)),
        ("v2", date(2026, 1, 1), middle),
    ):
        rows["contracts"].append(
            {
                "id": f"{vendor}-2026",
                "vendor": vendor,
                "policy": "client-contract",
                "from": start,
                "to": end,
                "accepted_at": date(2026, 1, 1),
                "announced_at": date(2026, 1, 1),
            }
        )
    if random.random() < 0.8:
        rows["approvers"] = [
            {"name": "leader1", "may": MAY, "from": date(2026, 1, 1)},
            {"name": "clerk1", "may": ["leave", "correction"]},
            {"name": "guard1", "may": ["permit"]},
        ]
    return rows


def _person(random: Random, month: Month, index: int) -> None:
    """Add a person with badge, shift and terminals; some come or go in mid-month."""
    name, kind = f"p{index:03d}", random.choice(KINDS)
    plain = kind in {"day", "one", "split"}
    person: Row = {
        "id": name,
        "name": f"甲{index}",
        "vendor": random.choice(("v0", "v0", "v1", "v2")) if plain else "v0",
        "from": date(2026, 1, 1),
    }
    if plain and random.random() < 0.2:
        person["from"] = month.first + random.randrange(5, 20) * DAY
    if plain and random.random() < 0.2:
        person["to"] = month.first + random.randrange(20, 26) * DAY
    month.rows["people"].append(person)
    month.rows["enrolments"] += [
        {"person": name, "terminal": where, "badge": f"{index:04d}"}
        for where in ("*", "b1")
    ]
    roster: Row = {"person": name, "shift": kind}
    style = random.randrange(4)
    if style:
        count = (0, 1, 1, 2)[style]
        roster["terminals"] = sorted(random.sample(TERMINALS, count))
    if style == 2:
        roster["terminals"].append("b1")
    if kind in {"rota", "rest-rota"}:
        _rota(random, month, roster, resting=kind == "rest-rota")
    else:
        roster |= {"from": date(2026, 1, 1), "to": date(2027, 1, 31)}
        month.rows["roster"].append(roster)


def _rota(random: Random, month: Month, roster: Row, *, resting: bool) -> None:
    """Day and night duties in turns, often back to back; or 24 hours and two off."""
    days = [month.first + n * DAY for n in range(-2, 34)]
    if resting:
        month.rows["roster"].append(roster | {"shift": "full", "dates": days[::3]})
        return
    for shift in ("noc", "night"):
        dates = [day for day in days if random.random() < 0.6]
        month.rows["roster"].append(roster | {"shift": shift, "dates": dates})


def _client_orders(random: Random, month: Month) -> None:
    """Half days, days off, days worked and other hours, for some or for all."""
    roster = month.rows["roster"]
    people = [row["person"] for row in roster if row["shift"] == "day"]
    rows = month.rows.setdefault("days", [])
    days = random.sample(range((month.last - month.first).days + 1), 4)
    kinds: list[Row] = [
        {"kind": "half", "which": random.choice(("morning", "afternoon"))},
        {"kind": "rest"},
        {"kind": "work"},
        {"sessions": [{"start": "07:00", "end": "12:00"}]},
    ]
    for day, kind in zip(days, kinds, strict=True):
        row = kind | {"date": month.first + day * DAY}
        if kind.get("kind") == "half" and not workday(row["date"]):
            continue
        if people and random.random() < 0.5:
            row["people"] = random.sample(people, max(1, len(people) // 2))
        else:
            row["shifts"] = ["day"]
        rows.append(row | {"by": "leader1"})


def _outages(random: Random, month: Month) -> None:
    """Spans without a terminal that touch the half hour near a due time."""
    rows = month.rows.setdefault("outages", [])
    for name in random.sample(TERMINALS, 4):
        for day in random.sample(range(2, 26), 8):
            midnight = datetime.combine(month.first + day * DAY, time())
            due = midnight + timedelta(
                hours=random.choice((8, 8.5, 8.5, 12, 14.5, 17.5, 20))
            )
            length = random.choice((599, 600, 601, 1800, 5400))
            start = due + timedelta(seconds=random.choice((-1800, -600, -599, 0, 1200)))
            row = {"terminal": name, "from": start, "decided_by": "leader1"}
            row |= {"to": start + timedelta(seconds=length), "decision": "excused"}
            if random.random() < 0.2:
                del row["decision"], row["decided_by"]
            rows.append(row)


def _strangers(random: Random, month: Month) -> None:
    """Badges nobody knows, at the borders of windows."""
    for _ in range(4):
        day = month.first + random.randrange(28) * DAY
        hour = random.choice((4, 6.5, 8, 12, 13.25, 18, 20))
        at = datetime.combine(day, time()) + timedelta(hours=hour)
        at += timedelta(seconds=random.choice((-1, 0, 1)))
        month.signs.append((random.choice(TERMINALS), "9999", at))


def _until(random: Random, month: Month) -> datetime:
    day = month.first + random.randrange(20, 30) * DAY
    hour = random.choice((4, 8, 12, 13.25, 15, 18, 20))
    return datetime.combine(day, time()) + timedelta(
        hours=hour, seconds=random.choice((-1, 0, 1))
    )


def toml(value: Any) -> str:
    """Write one value as TOML."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def write(month: Month, folder: Path) -> tuple[Path, Path]:
    """Write book.toml and punches.csv; return their paths."""
    lines = ['version = "1"', "", "[site]", 'id = "hq"', 'name = "hq"']
    lines += ['timezone = "Asia/Shanghai"', 'calendar = "CN"', ""]
    for table, rows in month.rows.items():
        for row in rows:
            lines.append(f"[[{table}]]")
            lines += [f"{name} = {toml(value)}" for name, value in row.items()]
            lines.append("")
    book, punches = folder / "book.toml", folder / "punches.csv"
    book.write_text("\n".join(lines), encoding="utf-8")
    signs = [f"{t},{badge},{at.isoformat()}\n" for t, badge, at in month.signs]
    punches.write_text("terminal,badge,at\n" + "".join(signs), encoding="utf-8")
    return book, punches
