"""Journals for tests: in memory, on disk, and in another process."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from gateway.core.values import RawRecord
from gateway.store import drain, raw, schema
from gateway.store.journal import FILE, Job, Journal, T
from gateway.store.seen import Seen
from sync.messages import link, origin

REPO = Path(__file__).parents[3]
CHILD = Path(__file__).with_name("child.py")
VERSION = "1.2.3"
SECONDS = 20


@contextmanager
def memory() -> Iterator[Database]:
    """Give a journal's tables in memory, with the pragmas of a real one."""
    db = drain.connect(Path(":memory:"))
    try:
        schema.migrate(db, VERSION)
        yield db
    finally:
        db.close()


@contextmanager
def opened(folder: Path) -> Iterator[Journal]:
    """Give an open journal and close it."""
    journal = Journal(folder, VERSION)
    journal.open()
    try:
        yield journal
    finally:
        journal.close()


def do(journal: Journal, job: Job[T]) -> T:
    """Run a job and wait for its commit."""
    return journal.submit(job).result(SECONDS)


def keep(db: Database, records: Sequence[RawRecord]) -> int:
    """Store records as one whole read of a terminal's first log."""
    return raw.store(db, records, Seen(), generation=1).new


def outcomes(db: Database) -> list[tuple[int, str, str | None, str | None]]:
    """Return what became of each raw row: its number, how, which punch, and why."""
    return db.execute(
        "SELECT raw_id, 'punch', id, NULL FROM punches UNION ALL"
        " SELECT raw_id, outcome, punch, reason FROM outcomes ORDER BY 1"
    ).fetchall()


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """Ask the file itself, by SQLite alone."""
    with closing(sqlite3.connect(folder / FILE)) as conn:
        return conn.execute(sql).fetchall()


def verify_chain(db: Database, epoch: int = 1) -> int:
    """Check an epoch from its stored bytes alone; return how many entries it has."""
    ((name, head_seq, head_hash),) = db.execute(
        "SELECT name, head_seq, head_hash FROM epochs WHERE id = ?", (epoch,)
    ).fetchall()
    head = origin(name)
    stored = db.execute(
        "SELECT seq, entry, prev, hash FROM outbox WHERE epoch = ? ORDER BY seq",
        (epoch,),
    ).fetchall()
    for number, (seq, entry, prev, found) in enumerate(stored, 1):
        assert seq == number
        assert prev == head
        head = link(head, entry)
        assert found == head
    assert (head_seq, head_hash) == (len(stored), head)
    return len(stored)


def child(mode: str, folder: Path) -> "subprocess.Popen[str]":
    """Start a process that works on the journal in `folder`; it says what it does."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(CHILD), mode, str(folder)],
        cwd=REPO,
        env={"PYTHONPATH": str(REPO)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process: "subprocess.Popen[str]") -> str:
    """Return the next line of a child; empty when it ended."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def ended(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """Wait for the end of a child; return the rest of its output and its errors."""
    return process.communicate(timeout=SECONDS)
