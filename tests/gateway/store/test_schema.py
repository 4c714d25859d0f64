"""The tables, their migrations, and the words kept beside them."""

from pathlib import Path

from sqlite_utils import Database

from gateway.store import drain, schema

TABLES = {
    "raw",
    "cursors",
    "outcomes",
    "punches",
    "sightings",
    "outbox",
    "epochs",
    "meta",
}


def test_a_new_journal_has_all_tables_and_migrating_twice_changes_nothing(
    db: Database,
) -> None:
    """Migrations are idempotent."""
    assert set(db.table_names()) >= TABLES
    before = db.schema
    schema.migrate(db, "1.2.3")
    assert db.schema == before


def test_words_are_kept_and_replaced(db: Database) -> None:
    """One value per key; None for a key that never was."""
    assert schema.get(db, "book") is None
    schema.put(db, "book", "a")
    schema.put(db, "book", "b")
    assert schema.get(db, "book") == "b"
    assert schema.get(db, "version") == "1.2.3"


def test_a_file_without_tables_knows_nothing() -> None:
    """Asking an empty database is no error and creates nothing."""
    empty = drain.connect(Path(":memory:"))
    assert schema.get(empty, "clean") is None
    assert empty.table_names() == []
    empty.close()
