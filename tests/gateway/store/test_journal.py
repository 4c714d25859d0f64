"""One writer, one lock, one thread: what is answered is on the disk."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlite_utils import Database

from gateway.errors import NewerJournalError, StoreError
from gateway.store import drain, schema
from gateway.store.journal import FILE, LOCK, Journal, Lock, Start
from gateway.store.schema import table
from tests.builders import records
from tests.gateway.store.journals import (
    SECONDS,
    VERSION,
    child,
    do,
    ended,
    keep,
    opened,
    rows,
    said,
)

if TYPE_CHECKING:
    import subprocess


@pytest.fixture
def children() -> Iterator[list["subprocess.Popen[str]"]]:
    """Collect started children; those that still run are ended afterwards."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate(timeout=SECONDS)


def put(db: Database, key: str) -> str:
    """Write a row and return its key."""
    schema.put(db, key, "x")
    return key


class Gate:
    """A job that holds the writing thread until it is let go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.go = threading.Event()

    def __call__(self, _: Database) -> None:
        """Wait."""
        self.reached.set()
        assert self.go.wait(SECONDS)


def held(journal: Journal) -> tuple[Gate, "Future[None]"]:
    """Stop the writing thread in a job, so that what follows becomes one group."""
    gate = Gate()
    future = journal.submit(gate)
    assert gate.reached.wait(SECONDS)
    return gate, future


def open_files(path: Path) -> int:
    """Count this process's open descriptors of a file."""
    links = list(Path("/proc/self/fd").iterdir())
    return sum(link.exists() and link.resolve() == path.resolve() for link in links)


def test_starts_are_counted_and_clean_stops_are_known(tmp_path: Path) -> None:
    """A session number never comes twice; a clean stop lets cursors be trusted."""
    for session in (1, 2, 3):
        journal = Journal(tmp_path / "new" / "data", VERSION)
        assert journal.open() == Start(session, unclean=False)
        journal.close()
        journal.close()
    assert (tmp_path / "new" / "data").stat().st_mode & 0o027 == 0


def test_a_killed_process_is_known_and_its_commits_are_there(
    tmp_path: Path, children: list["subprocess.Popen[str]"]
) -> None:
    """After SIGKILL every answered row is there and the start is unclean, once."""
    process = child("kill", tmp_path)
    children.append(process)
    assert said(process) == "open"
    process.kill()
    process.wait(SECONDS)
    journal = Journal(tmp_path, VERSION)
    assert journal.open() == Start(2, unclean=True)
    assert do(journal, lambda db: table(db, "raw").count) == 10
    journal.close()
    assert journal.open() == Start(3, unclean=False)
    journal.close()


def test_a_second_process_is_refused_and_told_which_is_first(
    tmp_path: Path, children: list["subprocess.Popen[str]"]
) -> None:
    """The lock names its holder; it is free again when the holder is gone."""
    first = child("hold", tmp_path)
    children.append(first)
    assert said(first) == "open"
    with pytest.raises(StoreError, match=rf"process {first.pid}\).*stop it first"):
        Journal(tmp_path, VERSION).open()
    second = child("hold", tmp_path)
    children.append(second)
    assert f"refused another punchgate (process {first.pid}) works on" in said(second)
    out, errors = ended(first)
    assert (out.strip(), errors) == ("closed True", "")
    with opened(tmp_path):
        assert (tmp_path / LOCK).read_text(encoding="ascii") == f"{os.getpid()}\n"


def test_the_lock_file_of_nobody_names_nobody(tmp_path: Path) -> None:
    """A holder that has not written its number yet is unknown, not an error."""
    one, two = Lock(tmp_path), Lock(tmp_path)
    one.take()
    (tmp_path / LOCK).write_bytes(b"")
    with pytest.raises(StoreError, match="process unknown"):
        two.take()
    one.release()
    one.release()
    two.take()
    two.release()


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A file where the folder should be is named in words."""
    (tmp_path / "data").write_text("x", encoding="ascii")
    with pytest.raises(StoreError, match="data cannot be written: "):
        Journal(tmp_path / "data", VERSION).open()


def test_a_start_on_a_full_disk_is_refused_in_words(
    tmp_path: Path, children: list["subprocess.Popen[str]"]
) -> None:
    """Not one byte fits: still a sentence, no traceback."""
    with opened(tmp_path):
        pass
    process = child("start-full", tmp_path)
    children.append(process)
    out, errors = ended(process)
    assert out.startswith("refused ")
    assert errors == ""


def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    """The file is named, left as it is, and the lock is free again."""
    (tmp_path / FILE).write_bytes(b"a diary" * 1000)
    with pytest.raises(StoreError, match=r"journal\.db: file is not a database; noth"):
        Journal(tmp_path, VERSION).open()
    assert (tmp_path / FILE).read_bytes() == b"a diary" * 1000
    (tmp_path / FILE).unlink()
    with opened(tmp_path):
        pass


def test_damage_after_an_unclean_stop_is_found_before_anything_is_written(
    tmp_path: Path,
) -> None:
    """A journal that died is checked as a whole; damage refuses the start."""
    with opened(tmp_path) as journal:
        for _ in range(20):
            do(journal, lambda db: keep(db, records(200, serial=os.urandom(4).hex())))
    with sqlite3.connect(tmp_path / FILE) as conn:
        conn.execute("UPDATE meta SET value = 'no' WHERE key = 'clean'")
        ((page,),) = conn.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'raw'"
        ).fetchall()
    conn.close()
    with (tmp_path / FILE).open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\x05" + b"\xff" * 4095)
    broken = sha256((tmp_path / FILE).read_bytes()).digest()
    with pytest.raises(StoreError, match=r"(?s)journal\.db is damaged \(.*mend"):
        Journal(tmp_path, VERSION).open()
    assert sha256((tmp_path / FILE).read_bytes()).digest() == broken


def test_a_newer_journal_is_refused_and_not_touched(tmp_path: Path) -> None:
    """Both versions are named; not a byte of the file changes."""
    with opened(tmp_path):
        pass
    conn = sqlite3.connect(tmp_path / FILE)
    with conn:
        conn.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('punchgate.journal', '0099_future', 'then')"
        )
        conn.execute("UPDATE meta SET value = '9.9.9' WHERE key = 'version'")
    conn.close()
    before = sha256((tmp_path / FILE).read_bytes()).digest()
    with pytest.raises(NewerJournalError) as caught:
        Journal(tmp_path, VERSION).open()
    assert str(caught.value) == (
        "the journal was written by punchgate 9.9.9, this is 1.2.3 and does not know"
        " 0099_future; install 9.9.9 or newer, nothing was changed"
    )
    assert sha256((tmp_path / FILE).read_bytes()).digest() == before
    assert open_files(tmp_path / FILE) == 0
    Lock(tmp_path).take()


def test_a_newer_version_migrates_an_older_journal_and_signs_it(tmp_path: Path) -> None:
    """The version in the file is the last that wrote it; opening twice changes none."""
    with opened(tmp_path) as journal:
        do(journal, lambda db: keep(db, records(1)))
    for _ in range(2):
        newer = Journal(tmp_path, "2.0.0")
        newer.open()
        newer.close()
    assert rows(tmp_path, "SELECT value FROM meta WHERE key = 'version'") == [
        ("2.0.0",)
    ]
    assert rows(tmp_path, "SELECT count(*) FROM raw") == [(1,)]


def test_an_answer_comes_after_the_commit(tmp_path: Path) -> None:
    """Whoever is answered finds the row from another connection."""
    with opened(tmp_path) as journal:
        for n in range(5):
            assert do(journal, partial(put, key=f"k{n}")) == f"k{n}"
            assert rows(tmp_path, f"SELECT 1 FROM meta WHERE key = 'k{n}'") == [(1,)]


def test_what_waits_is_committed_together_and_answered_in_order(tmp_path: Path) -> None:
    """Load makes the groups; none of a group is answered before its commit."""
    with opened(tmp_path) as journal:
        gate, _ = held(journal)
        sizes: list[int] = []

        def visible(_: Database) -> None:
            sizes.append(rows(tmp_path, "SELECT count(*) FROM meta")[0][0])

        before = rows(tmp_path, "SELECT count(*) FROM meta")[0][0]
        futures = [journal.submit(partial(put, key=f"k{n}")) for n in range(600)]
        probe = journal.submit(visible)
        assert not any(future.done() for future in futures)
        gate.go.set()
        assert [f.result(SECONDS) for f in futures] == [f"k{n}" for n in range(600)]
        probe.result(SECONDS)
        # 600 jobs are groups of 256, 256 and 88; the probe is in the last of them.
        assert sizes == [before + 512]


def test_a_jobs_own_mistake_undoes_only_its_own_writes(tmp_path: Path) -> None:
    """The others of the group are committed; the journal goes on."""

    def mistaken(db: Database) -> None:
        put(db, "half")
        raise ValueError("mine")

    with opened(tmp_path) as journal:
        gate, _ = held(journal)
        before = journal.submit(lambda db: put(db, "before"))
        wrong = journal.submit(mistaken)
        after = journal.submit(lambda db: put(db, "after"))
        gate.go.set()
        assert (before.result(SECONDS), after.result(SECONDS)) == ("before", "after")
        with pytest.raises(ValueError, match="mine"):
            wrong.result(SECONDS)
        assert journal.failure is None
        found = rows(tmp_path, "SELECT key FROM meta WHERE value = 'x' ORDER BY key")
        assert found == [("after",), ("before",)]


def test_an_error_of_the_database_ends_the_journal(tmp_path: Path) -> None:
    """The whole group is undone and told, so are later ones; the stop is unclean."""
    journal = Journal(tmp_path, VERSION)
    journal.open()
    do(journal, lambda db: put(db, "safe"))
    gate, _ = held(journal)
    good = journal.submit(lambda db: put(db, "undone"))
    bad = journal.submit(lambda db: db.execute("INSERT INTO nowhere VALUES (1)"))
    gate.go.set()
    for future in (good, bad):
        with pytest.raises(StoreError, match="no such table: nowhere; nothing further"):
            future.result(SECONDS)
    with pytest.raises(StoreError, match="nothing further is stored"):
        do(journal, lambda db: put(db, "later"))
    assert str(journal.failure) == str(good.exception())
    journal.close()
    assert rows(tmp_path, "SELECT key FROM meta WHERE value = 'x'") == [("safe",)]
    again = Journal(tmp_path, VERSION)
    assert again.open() == Start(2, unclean=True)
    again.close()


@pytest.mark.parametrize("mode", ["full", "pages"])
def test_a_full_disk_loses_nothing_that_was_answered(
    tmp_path: Path, mode: str, children: list["subprocess.Popen[str]"]
) -> None:
    """Every earlier commit is readable, every later future fails, none hangs."""
    process = child(mode, tmp_path)
    children.append(process)
    out, errors = ended(process)
    first, full, *rest = out.splitlines()
    assert (first, errors) == ("open", "")
    word, committed, reason = full.split(" ", 2)
    assert word == "full"
    assert "free space or mend the disk" in reason
    assert "no such savepoint" not in reason
    assert rest == [
        "later StoreError",
        "later StoreError",
        "failure StoreError",
        "closed True",
    ]
    assert int(committed) > 0
    assert rows(tmp_path, "SELECT count(*) FROM raw") == [(int(committed),)]
    journal = Journal(tmp_path, VERSION)
    assert journal.open().unclean
    assert do(journal, drain.damage) is None
    journal.close()


def test_a_job_nobody_waits_for_any_more_harms_nobody(tmp_path: Path) -> None:
    """A cancelled wait (a task that ends) must not end the writing thread."""
    with opened(tmp_path) as journal:
        gate, first = held(journal)
        given_up = journal.submit(lambda db: put(db, "given-up"))
        assert given_up.cancel()
        kept = journal.submit(lambda db: put(db, "kept"))
        gate.go.set()
        assert kept.result(SECONDS) == "kept"
        with pytest.raises(CancelledError):
            given_up.result(SECONDS)
        assert first.result(SECONDS) is None
        assert rows(tmp_path, "SELECT key FROM meta WHERE value = 'x'") == [("kept",)]


def test_a_running_job_cannot_be_given_up(tmp_path: Path) -> None:
    """What has begun is answered; a cancellation in between does not break it."""
    with opened(tmp_path) as journal:
        gate, first = held(journal)
        first.cancel()
        gate.go.set()
        assert do(journal, lambda db: put(db, "after")) == "after"


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_closed_journal_answers_at_once(tmp_path: Path, when: str) -> None:
    """A job for a journal that is not open fails; it does not wait for ever."""
    journal = Journal(tmp_path, VERSION)
    if when == "after":
        journal.open()
        journal.close()
    future = journal.submit(lambda db: put(db, "late"))
    assert isinstance(future.exception(5), StoreError)


def test_closing_finishes_what_waits(tmp_path: Path) -> None:
    """Everything submitted before the close is committed by it."""
    journal = Journal(tmp_path, VERSION)
    journal.open()
    gate, _ = held(journal)
    futures = [journal.submit(partial(put, key=f"k{n}")) for n in range(300)]
    closing = threading.Thread(target=journal.close)
    closing.start()
    gate.go.set()
    closing.join(SECONDS)
    assert not closing.is_alive()
    assert [f.result(0) for f in futures] == [f"k{n}" for n in range(300)]
    assert rows(tmp_path, "SELECT count(*) FROM meta WHERE value = 'x'") == [(300,)]
    assert open_files(tmp_path / FILE) == 0
