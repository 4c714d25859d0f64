"""What judging costs: a month of ten thousand people, and one late punch.

    python -m benchmarks.judging [--people N] [--months N]

The month goes from a CSV to JSON through `punchgate judge`, in a process of its own on
one core, beside the time to merely parse the same CSV. The punch goes into a journal
that has a month already: read, judged, said; the median of many people.
"""

import argparse
import csv
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from gateway import book_files, calendars, policies
from gateway.agenda import Item
from gateway.clocks import Clocks
from gateway.core.book.standing import CalendarName
from gateway.core.moments import wall
from gateway.core.normalise import punch_id
from gateway.law import Law
from gateway.shipped import folders
from gateway.store import drain, schema, verdicts
from gateway.store.epochs import current
from gateway.weighing import Weighing, watermark, withdraw

_FIRST = date(2026, 3, 1)
_DAYS = 31
_SLOTS = ((8, 25), (12, 5), (14, 25), (17, 35))
_COLUMNS = (
    *("id", "serial", "terminal", "badge", "person", "at", "zone", "state"),
    *("received_at", "verify", "source", "verify_code", "raw_id"),
)
_MOST_MILLISECONDS = 2.0
_MOST_SECONDS = 30.0
_FLAT = 1.25
_BOOK = """version = "1"
[site]
id = "hq"
calendar = "weekdays"
[[terminals]]
id = "lobby"
serial = "VT00000001"
[[vendors]]
id = "v"
name = "甲"
[[contracts]]
id = "c"
vendor = "v"
policy = "client-contract"
from = 2026-01-01
to = 2027-12-31
[[shifts]]
id = "day"
sessions = [{ start = "08:30", end = "12:00" }, { start = "14:30", end = "17:30" }]
days = "every"
"""


def write_book(path: Path, people: int) -> None:
    """Write a book of so many people, all on one shift."""
    rows = [
        f'[[people]]\nid = "p{n:05}"\nname = "甲"\nvendor = "v"\n'
        f'[[enrolments]]\nperson = "p{n:05}"\nbadge = "{n}"\n'
        f'[[roster]]\nperson = "p{n:05}"\nshift = "day"\nfrom = 2026-01-01\n'
        for n in range(people)
    ]
    path.write_text(_BOOK + "".join(rows), "utf-8")


def moments(rng: random.Random, day: date) -> list[datetime]:
    """Invent the punches of a day; one in ten is late or goes early."""
    start = datetime.combine(day, datetime.min.time())
    found = [
        start + timedelta(hours=hour, minutes=minute, seconds=rng.randint(-240, 240))
        for hour, minute in _SLOTS
    ]
    if rng.random() < 0.12:
        found[rng.choice((0, 2))] += timedelta(minutes=rng.randint(10, 90))
    return found


def write_punches(path: Path, people: int, months: int) -> int:
    """Write the CSV, in the order of time as a terminal would; return the rows."""
    rng = random.Random(7)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["person", "at", "terminal"])
        for number in range(_DAYS * months):
            day = _FIRST + timedelta(days=number)
            for person in range(people):
                for at in moments(rng, day):
                    writer.writerow([f"p{person:05}", at.isoformat(), "lobby"])
    return people * _DAYS * months * len(_SLOTS)


def offline(folder: Path, people: int, months: int) -> float:
    """Judge a file in a process of its own, on one core; return its peak in MB."""
    punches = folder / f"{months}.csv"
    rows = write_punches(punches, people, months)
    last = _FIRST + timedelta(days=_DAYS * months - 1)
    began = time.process_time()
    with punches.open(encoding="utf-8", newline="") as file:
        parsed = sum(1 for _ in csv.reader(file)) - 1
    parsing = time.process_time() - began
    assert parsed == rows
    script = Path(sys.executable).with_name("punchgate")
    output = folder / "out.json"
    command = [str(script), "judge", "--json", "--book", str(folder / "book.toml")]
    command += ["--punches", str(punches), "--from", str(_FIRST), "--to", str(last)]
    began = time.perf_counter()
    with output.open("w", encoding="utf-8") as out:
        mine = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(mine)})  # the child inherits it
        child = subprocess.Popen(command, stdout=out)
        os.sched_setaffinity(0, mine)
        _, _, used = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    cpu = used.ru_utime + used.ru_stime
    with_findings = set()
    for line in output.open(encoding="utf-8"):
        if line.startswith('{"id":"f1_'):
            found = json.loads(line.rstrip().rstrip(",").removesuffix("]"))
            with_findings.add((found["person"], found["date"]))
    share = len(with_findings) / (people * _DAYS * months)
    print(
        f"month      {people:,} people x {_DAYS * months} days x {len(_SLOTS)}:"
        f" {seconds:.1f} s, CPU {cpu:.1f} s, RSS {used.ru_maxrss / 1024:.0f} MB;"
        f" findings on {share:.1%} of days; parsing the CSV alone {parsing:.2f} s"
        f" ({cpu / parsing:.0f} times)"
    )
    if months == 1 and people == 10_000:
        print(
            f"           target {_MOST_SECONDS:g} s of one core: {cpu <= _MOST_SECONDS}"
        )
    return used.ru_maxrss / 1024


def one_punch(folder: Path, people: int, rounds: int) -> None:
    """Judge one late punch after the other in a journal with a month in it."""
    rng = random.Random(11)
    path = folder / "journal.db"
    db = _month(path, people, rng)
    reader = drain.Reader(path)
    reader.open()
    weighing = _weighing(folder / "book.toml", reader)
    judging, storing = [], []
    for number in range(rounds):
        person, day = number % people, _FIRST + timedelta(days=rng.randrange(5, 29))
        at = f"{day}T08:{rng.randrange(31, 60):02}:{number % 60:02}"
        with db.atomic():
            drain.insert(db, "punches", _COLUMNS, [_row(person, at)], ignore=True)
        item = Item(f"p{person:05}", day - timedelta(days=2), day + timedelta(days=1))
        began = time.perf_counter()
        weighed = weighing.weigh(item)
        judging.append(time.perf_counter() - began)
        began = time.perf_counter()
        with db.atomic():
            verdicts.keep(db, "now", [weighed.piece], withdraw, {})
        storing.append(time.perf_counter() - began)
    reader.close()
    db.conn.close()
    median, most = statistics.median(judging) * 1000, max(judging) * 1000
    print(
        f"one punch  read, judged (its date, two before, one behind), said:"
        f" median {median:.2f} ms, worst {most:.2f} ms; stored in"
        f" {statistics.median(storing) * 1000:.2f} ms beside a commit"
    )
    print(
        f"           target {_MOST_MILLISECONDS:g} ms: {median <= _MOST_MILLISECONDS}"
    )


def _month(path: Path, people: int, rng: random.Random) -> Database:
    """Make a journal with a month of punches in it; return it open."""
    db = drain.connect(path)
    schema.migrate(db, "bench")
    current(db, "2026-04-01T00:00:00.000+08:00")
    rows = [
        _row(person, at.isoformat())
        for person in range(people)
        for number in range(_DAYS)
        for at in moments(rng, _FIRST + timedelta(days=number))
    ]
    with db.atomic():
        drain.insert(db, "punches", _COLUMNS, rows, ignore=True)
    return db


def _weighing(book_path: Path, reader: drain.Reader) -> Weighing:
    """Return what judges by the book, on the last evening of the month."""
    book = book_files.load(book_path)
    calendar = calendars.find(CalendarName.WEEKDAYS, folders("calendars")).calendar
    rules = {"client-contract": policies.load("client-contract")}
    zone = ZoneInfo(book.site.timezone)
    own = {"lobby": "VT00000001"}
    law = Law(book, calendar, rules, own, zone, "", "")
    clocks = Clocks()
    clocks.set(zone, law.agree_seconds)
    last = _FIRST + timedelta(days=_DAYS - 1)
    now = wall(datetime.combine(last, datetime.min.time())) + 20 * 3600
    mark = watermark(law, now, {"VT00000001": now}, {})
    return Weighing(law, reader, clocks, mark)


def _row(person: int, at: str) -> tuple[object, ...]:
    key = punch_id("VT00000001", str(person), at)
    who = f"p{person:05}"
    received = "2026-04-01T00:00:00.000+08:00"
    zone = "Asia/Shanghai"
    place = ("VT00000001", "lobby", str(person), who, at, zone, 0, received)
    return (key, *place, "finger", "poll", 1, 0)


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--months", type=int, nargs="*", default=[1, 3])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_book(folder / "book.toml", min(options.people, 300))
        one_punch(folder, min(options.people, 300), 1000)
        write_book(folder / "book.toml", options.people)
        peaks = [offline(folder, options.people, n) for n in options.months]
    growth = max(peaks) / min(peaks)
    print(f"memory     flat in months (within {_FLAT:g} times): {growth <= _FLAT}")


if __name__ == "__main__":
    main()
