"""The tables, their migrations, and the words kept beside them."""

from pathlib import Path

import pytest
from sqlite_utils import Database

from gateway.store import drain, outbox, raw, schema
from gateway.store.figures import Figures, Log, Progress, count

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


def test_a_journal_with_an_outcome_for_every_punch_keeps_its_figures() -> None:
    """Where a punch came from moves into its own row; nothing counts differently."""
    db = drain.connect(Path(":memory:"))
    schema.migrations.apply(db, stop_before="0005_places")
    for number, (outcome, punch) in enumerate(
        [("punch", "a"), ("repeat", "a"), ("rejected", None), ("punch", "b")], 1
    ):
        log = {"serial": "S", "driver": "zk", "generation": 2}
        row = {"record": b"%d" % number, "occurrence": 0, "terminal": "lobby"}
        schema.table(db, "raw").insert({"id": number, **log, **row})
        schema.table(db, "outcomes").insert(
            {"raw_id": number, "outcome": outcome, "punch": punch, **log}
        )
    for seq, id_ in enumerate("ab", 1):
        known = {"raw_id": None if id_ == "a" else 4}  # older ones did not know
        row = {"id": id_, "serial": "S", "epoch": 1, "seq": seq, **known}
        schema.table(db, "punches").insert(row)
    schema.migrate(db, "1.2.3")
    assert outbox.last_interpreted(db) == 4
    found = count(db, Log("S", "zk", 2), Progress(epoch=1, sent=2, acked=1))
    assert found == Figures(4, 2, 1, 1, 2, 1)
    assert [row["raw_id"] for row in schema.table(db, "punches").rows] == [1, 4]
    assert raw.left_behind(db, "S", "zk", 2) == 4
    db.close()


@pytest.mark.parametrize(
    "name, where",
    [
        ("raw", schema.OF_LOG),
        ("punches", schema.OF_LOG),
        ("raw", schema.OF_FORMER_LOGS),
    ],
)
def test_counting_a_log_is_by_its_index_alone(
    db: Database, name: str, where: str
) -> None:
    """However much a journal holds of other terminals and files."""
    sql = f"EXPLAIN QUERY PLAN SELECT count(*) FROM {name} WHERE {where}"
    ((*_, plan),) = db.execute(sql, ("VT00000001", "zk", 1)).fetchall()
    assert f"USING COVERING INDEX idx_{name}_serial_driver_generation" in plan


def test_a_young_journal_is_interpreted_from_its_first_row() -> None:
    """A journal that was opened and never read anything has no last row."""
    db = drain.connect(Path(":memory:"))
    schema.migrations.apply(db, stop_before="0005_places")
    schema.migrate(db, "1.2.3")
    assert outbox.last_interpreted(db) == 0
    db.close()
