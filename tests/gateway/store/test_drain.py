"""The reading side of the journal, and opening it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway.store import drain, schema
from gateway.store.drain import Reader, Row
from gateway.store.epochs import Appender, open_epoch
from tests.builders import STAMP, entry
from tests.gateway.store.journals import VERSION


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Database]:
    """Return a journal on disk with its tables."""
    db = drain.connect(tmp_path / "journal.db")
    schema.migrate(db, VERSION)
    yield db
    db.close()


@pytest.fixture
def reader(disk: Database, tmp_path: Path) -> Iterator[Reader]:
    """Return an open reader of that journal."""
    found = Reader(tmp_path / "journal.db")
    found.open()
    yield found
    found.close()


def append(db: Database, *kinds: str) -> None:
    """Append one entry of each kind."""
    appender = Appender(db, STAMP)
    for kind in kinds:
        appender.add(kind, entry({"kind": kind}), None)
    appender.flush()


def brief(rows: list[Row]) -> list[tuple[int, str]]:
    """Return seqs and kinds."""
    return [(row.seq, row.kind) for row in rows]


def test_pragmas(disk: Database) -> None:
    """A commit is on the disk when it is said to be."""
    found = {
        name: disk.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "auto_vacuum", "foreign_keys")
    }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "auto_vacuum": 2,
        "foreign_keys": 1,
    }


def test_a_batch_is_of_one_kind_and_within_the_limit(
    disk: Database, reader: Reader
) -> None:
    """One batch goes to one topic, in order."""
    append(disk, "punch", "punch", "event", "punch", "punch", "punch")
    assert brief(reader.batch(1, 0, 10)) == [(1, "punch"), (2, "punch")]
    assert brief(reader.batch(1, 2, 10)) == [(3, "event")]
    assert brief(reader.batch(1, 3, 2)) == [(4, "punch"), (5, "punch")]
    assert brief(reader.batch(1, 5, 10)) == [(6, "punch")]
    assert reader.batch(1, 6, 10) == []
    assert reader.batch(2, 0, 10) == []
    first, second = reader.batch(1, 0, 2)
    assert first.entry == entry({"kind": "punch"})(1)
    assert second.prev == first.hash


@given(st.lists(st.sampled_from(["punch", "event"]), max_size=12), st.integers(1, 5))
def test_batches_one_after_another_are_the_whole_stream(
    kinds: list[str], limit: int
) -> None:
    """No entry is left out or taken twice, and no batch is empty before the end."""
    # The reader borrows the writer's connection: a file per example would be slow.
    db = drain.connect(Path(":memory:"))
    schema.migrate(db, VERSION)
    append(db, *kinds)
    reader = Reader(Path("unused"))
    reader._conn = db.conn
    seen: list[tuple[int, str]] = []
    while batch := reader.batch(1, len(seen), limit):
        assert len(batch) <= limit
        assert len({row.kind for row in batch}) == 1
        seen += brief(batch)
    reader.close()
    assert seen == list(enumerate(kinds, 1))


def test_what_is_known_of_an_entry(disk: Database, reader: Reader) -> None:
    """Hash and age of an entry; nothing of a seq that never was."""
    append(disk, "punch")
    (row,) = reader.batch(1, 0, 1)
    assert reader.hash_at(1, 1) == row.hash
    assert reader.created_at(1, 1) == STAMP
    for epoch, seq in ((1, 0), (1, 2), (2, 1)):
        assert reader.hash_at(epoch, seq) is None
        assert reader.created_at(epoch, seq) is None


def test_the_newest_epoch_is_the_one(disk: Database, reader: Reader) -> None:
    """An epoch that was left is not written any more."""
    with pytest.raises(sqlite3.DatabaseError, match="has no epoch yet"):
        reader.epoch()
    open_epoch(disk, STAMP, "first")
    second = open_epoch(disk, STAMP, "restored")
    assert dict(reader.epoch()) == second


def test_a_reader_sees_every_commit_and_none_before(
    disk: Database, reader: Reader
) -> None:
    """Sending never sees what is not durable yet."""
    drain.begin(disk)
    append(disk, "punch")
    assert reader.batch(1, 0, 9) == []
    disk.commit()
    assert brief(reader.batch(1, 0, 9)) == [(1, "punch")]
    assert reader.db.table("outbox").count == 1


def test_beginning_takes_the_write_lock(disk: Database, tmp_path: Path) -> None:
    """From its first statement on nobody else can write."""
    drain.begin(disk)
    other = sqlite3.connect(tmp_path / "journal.db", timeout=0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.close()
    disk.rollback()


def test_a_reader_cannot_write(disk: Database, reader: Reader) -> None:
    """One process writes, through one connection."""
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.db.execute("DELETE FROM outbox")


def test_a_reader_must_be_open_and_closes_twice(disk: Database, tmp_path: Path) -> None:
    """Using a closed reader says so; closing it again is nothing."""
    reader = Reader(tmp_path / "journal.db")
    with pytest.raises(sqlite3.ProgrammingError, match=r"journal\.db is not open"):
        reader.epoch()
    reader.open()
    reader.close()
    reader.close()
    with pytest.raises(sqlite3.ProgrammingError, match="is not open"):
        reader.batch(1, 0, 1)


def test_reading_creates_no_journal(tmp_path: Path) -> None:
    """A wrong folder is an error, not an empty journal."""
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        Reader(tmp_path / "journal.db").open()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a b", "a#b", "a?mode=rwc", "a%41", "甲"])
def test_any_folder_name_will_do(tmp_path: Path, name: str) -> None:
    """Characters that mean something in an address mean nothing in a folder's name."""
    path = tmp_path / name / "journal.db"
    path.parent.mkdir()
    db = drain.connect(path)
    schema.migrate(db, VERSION)
    append(db, "punch")
    reader = Reader(path)
    reader.open()
    assert brief(reader.batch(1, 0, 9)) == [(1, "punch")]
    reader.close()
    db.close()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """Whatever else lies there is left as it is."""
    path = tmp_path / "journal.db"
    path.write_bytes(b"a diary, not a journal\n" * 100)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        drain.connect(path)
    assert path.read_bytes() == b"a diary, not a journal\n" * 100


def test_damage_is_found(tmp_path: Path) -> None:
    """A page full of zeros is damage; a whole file is none."""
    path = tmp_path / "journal.db"
    db = drain.connect(path)
    schema.migrate(db, VERSION)
    for _ in range(50):
        append(db, *["punch"] * 20)
    assert drain.damage(db) is None
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ((page,),) = db.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'outbox'"
    ).fetchall()
    db.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(bytes(4096))
    db = drain.connect(path)
    found = drain.damage(db)
    assert found is not None
    assert found != "ok"
    db.close()
