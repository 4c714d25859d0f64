"""Records into the journal: parsing, storing and `punchgate import`, beside the floor.

Run by `make bench`. All ways take turns in one run, on the disk of the temporary
folder. Prints a Markdown table; `--json` the figures alone.
"""

import asyncio
import json
import logging
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from drivers.attlog_file import FileRecord, read_file
from gateway.clock import text
from gateway.core.book import Book, read_book
from gateway.core.values import RawRecord, Source
from gateway.intake import Intake
from gateway.store import drain, epochs, schema
from gateway.store.journal import FILE, Journal
from gateway.store.seen import Seen

RECORDS = 100_000
ROUNDS = 5
USERS = 300
PIECE = 6_000  # records an import hands over at once; a terminal brings 1,636
SERIAL = "VT00000001"
NOW = datetime(2026, 11, 2, tzinfo=UTC)
TABLES = {"raw": "id", "outcomes": "raw_id", "punches": "raw_id", "outbox": "seq"}
_PUNCHGATE = Path(sys.executable).with_name("punchgate")
Figures = dict[str, float]

_BOOK = f"""version = "1"
[site]
id = "hq"
[[terminals]]
id = "lobby"
serial = "{SERIAL}"
"""
_SETTINGS = """[gateway]
id = "gw-1"
site = "hq"
data_dir = "data"
book = "book.toml"
[mqtt]
host = "127.0.0.1"
port = 1883
[[terminals]]
id = "lobby"
driver = "zk"
host = "127.0.0.1"
"""


def main() -> None:
    """Measure everything and print it."""
    logging.disable()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "log.dat", RECORDS)
        write(folder / "one.dat", 1)
        rounds = [one_round(folder, folder / str(n)) for n in range(ROUNDS)]
    figures = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=2))
    else:
        show(figures)


def write(path: Path, lines: int) -> None:
    """Write an export of so many punches, no two the same."""
    moment = datetime(2025, 1, 1)  # noqa: DTZ001 - device time has no zone
    with path.open("w", encoding="utf-8") as file:
        for number in range(lines):
            moment += timedelta(seconds=37)
            badge = 1001 + number * 7 % USERS
            file.write(f"{badge:>9}\t{moment}\t1\t0\t1\t0\n")


def one_round(folder: Path, own: Path) -> Figures:
    """Return the seconds every way takes once."""
    own.mkdir()
    start = time.perf_counter()
    lines = [
        line for line in read_file(folder / "log.dat") if isinstance(line, FileRecord)
    ]
    figures = {"parse": time.perf_counter() - start}
    figures["whole"] = asyncio.run(whole(own, [_record(line) for line in lines]))
    figures["floor"] = floor(own)
    for name in ("log", "one"):
        figures[f"import_{name}"] = imported(folder / f"{name}.dat", own / name)
    return figures


def _record(line: FileRecord) -> RawRecord:
    return RawRecord(
        terminal="lobby",
        serial=SERIAL,
        badge=line.badge,
        at=line.at,
        verify=line.verify,
        state=line.state,
        work=line.work,
        position=line.line,
        raw=line.raw,
        driver="zk",
        source=Source.POLL,
        received_at=NOW,
        offset_seconds=0.5,
    )


def _book() -> Book:
    found, problems = read_book(_BOOK, "book.toml")
    assert found is not None, problems
    return found


async def whole(folder: Path, records: list[RawRecord]) -> float:
    """Store and interpret records as a poller does, piece by piece."""
    journal = Journal(folder, "1")
    journal.open()
    intake = Intake(journal, lambda: NOW, lambda: None, _book())
    await intake.ask(lambda db: epochs.current(db, text(NOW)))
    seen = Seen()
    start = time.perf_counter()
    for at in range(0, len(records), PIECE):
        await intake.store(records[at : at + PIECE], seen, 1)
        await intake.interpret()
    took = time.perf_counter() - start
    await asyncio.to_thread(journal.close)
    return took


def floor(folder: Path) -> float:
    """Insert the very rows of that journal into another one: bare `executemany`."""
    rows: dict[str, list[tuple[Any, ...]]] = {}
    with closing(sqlite3.connect(folder / FILE)) as conn:
        for name, order in TABLES.items():
            found = conn.execute(f"SELECT * FROM {name} ORDER BY {order}").fetchall()  # noqa: S608 - our names
            assert len(found) == RECORDS, (name, len(found))
            rows[name] = found
    db = drain.connect(folder / "floor.db")
    schema.migrate(db, "1")
    start = time.perf_counter()
    for at in range(0, RECORDS, PIECE):
        drain.begin(db)
        for name, all_ in rows.items():
            places = ", ".join("?" * len(all_[0]))
            sql = f"INSERT INTO {name} VALUES ({places})"  # noqa: S608 - our names
            db.conn.executemany(sql, all_[at : at + PIECE])
        db.commit()
    took = time.perf_counter() - start
    db.close()
    return took


def imported(file: Path, folder: Path) -> float:
    """Run `punchgate import` on an empty journal, from its start to its end."""
    folder.mkdir()
    (folder / "book.toml").write_text(_BOOK, "utf-8")
    config = folder / "gateway.toml"
    config.write_text(_SETTINGS, "utf-8")
    options = ["--terminal", "lobby", "--config", str(config), "--json"]
    start = time.perf_counter()
    done = subprocess.run(
        [_PUNCHGATE, "import", str(file), *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    took = time.perf_counter() - start
    found = json.loads(done.stdout)
    assert found["new"] == found["read"] > 0, found
    return took


def show(figures: Figures) -> None:
    """Print the table and the ratios."""
    parse, entire, bare = (figures[name] for name in ("parse", "whole", "floor"))
    run, start = figures["import_log"], figures["import_one"]
    print(f"| {RECORDS:,} records | seconds | a second |")
    print("|---|---|---|")
    for words, seconds in (
        ("lines parsed (`drivers/attlog_file`)", parse),
        ("records → raw rows, outcomes, punches, outbox, committed", entire),
        ("floor: the same rows by bare `executemany`, WAL, FULL", bare),
        ("`punchgate import`, start to end", run),
        ("`punchgate import`, without its start (a file of one line)", run - start),
    ):
        print(f"| {words} | {seconds:.2f} | {RECORDS / seconds:,.0f} |")
    print(
        f"\nInto the journal takes {entire / bare:.2f} times the floor; an import"
        f" {run / (parse + bare):.2f} times parsing and the floor.\n"
        f"Medians of {ROUNDS}, in pieces of {PIECE:,}; the floor has our tables,"
        " indices and pragmas, and one commit a piece where we have two.\n"
        "Not measured: SD cards, an import through a running daemon, repeats."
    )


if __name__ == "__main__":
    main()
