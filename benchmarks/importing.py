"""Records into the journal: parsing, storing and `punchgate import`, beside the floor.

Run by `make bench`. All ways take turns in one run, on the disk of the temporary
folder. Prints a Markdown table; `--json` the figures alone.
"""

import asyncio
import gc
import json
import logging
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from drivers.attlog_file import BadLine, FileRecord, read_file
from gateway.clock import text
from gateway.core.book import Book, read_book
from gateway.filing import LARGE, Imported, file_piece, take_in
from gateway.intake import Intake
from gateway.store import drain, epochs, raw, schema
from gateway.store.journal import FILE, Journal
from gateway.store.seen import Seen

RECORDS = 100_000
ROUNDS = 5
USERS = 300
SERIAL = "VT00000001"
NOW = datetime(2026, 11, 2, tzinfo=UTC)
TABLES = {"raw": "id", "punches": "raw_id", "outbox": "seq"}
_PUNCHGATE = Path(sys.executable).with_name("punchgate")
Figures = dict[str, float]

_BOOK = f"""version = "1"
[site]
id = "hq"
[[terminals]]
id = "lobby"
serial = "{SERIAL}"
""" + "".join(
    f"""
[[people]]
id = "p{badge}"
name = "甲"
[[enrolments]]
person = "p{badge}"
badge = "{badge}"
"""
    for badge in range(1001, 1001 + USERS)
)
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
    lines = list(read_file(folder / "log.dat"))
    figures = {"parse": time.perf_counter() - start}
    gc.freeze()  # an import does so too, and never has all lines at once
    (own / "raw").mkdir()
    figures["whole"] = asyncio.run(whole(own, lines))
    figures["raw"] = asyncio.run(raw_alone(own))
    figures["floor"] = floor(own)
    for name in ("log", "one"):
        figures[f"import_{name}"] = imported(folder / f"{name}.dat", own / name)
    return figures


def _book() -> Book:
    found, problems = read_book(_BOOK, "book.toml")
    assert found is not None, problems
    return found


async def whole(folder: Path, lines: list[FileRecord | BadLine]) -> float:
    """Store lines that were read as an import does that has the journal to itself."""
    async with _intake(folder) as intake:
        found = Imported()
        start = time.perf_counter()
        await take_in(
            iter(lines),
            lambda piece: file_piece(intake, "lobby", SERIAL, piece, lambda: NOW),
            found,
            LARGE,
        )
        took = time.perf_counter() - start
    assert found.new == RECORDS, found
    return took


async def raw_alone(folder: Path) -> float:
    """Store the raw rows of that journal in another one, and nothing else."""
    with closing(sqlite3.connect(folder / FILE)) as conn:
        rows = raw.after(Database(conn), 0, RECORDS)
    records = [row.record for row in rows]
    async with _intake(folder / "raw") as intake:
        start = time.perf_counter()
        new = await intake.store(records, Seen())
        took = time.perf_counter() - start
    assert new == RECORDS, new
    return took


@asynccontextmanager
async def _intake(folder: Path) -> AsyncIterator[Intake]:
    journal = Journal(folder, "1")
    journal.open()
    intake = Intake(journal, lambda: NOW, lambda: None, _book())
    await intake.ask(lambda db: epochs.current(db, text(NOW)))
    yield intake
    await asyncio.to_thread(journal.close)


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
    for at in range(0, RECORDS, LARGE.lines):
        drain.begin(db)
        for name, all_ in rows.items():
            places = ", ".join("?" * len(all_[0]))
            sql = f"INSERT INTO {name} VALUES ({places})"  # noqa: S608 - our names
            db.conn.executemany(sql, all_[at : at + LARGE.lines])
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
        ("raw rows stored, committed", figures["raw"]),
        ("lines → raw rows, punches and outbox entries, committed", entire),
        ("floor: the same rows by bare `executemany`, WAL, FULL", bare),
        ("`punchgate import`, start to end", run),
        ("`punchgate import`, without its start (a file of one line)", run - start),
    ):
        print(f"| {words} | {seconds:.2f} | {RECORDS / seconds:,.0f} |")
    print(
        f"\nInto the journal takes {entire / bare:.2f} times the floor; an import"
        f" {run / (parse + bare):.2f} times parsing and the floor.\n"
        f"Medians of {ROUNDS}, in pieces of {LARGE.lines:,}; the floor has our tables,"
        " indices and pragmas, and commits as often. Every badge is somebody's.\n"
        "Not measured: SD cards, an import through a running daemon, repeats."
    )


if __name__ == "__main__":
    main()
