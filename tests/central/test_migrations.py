"""Stores of every older version are brought up in place, wholly or not at all."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from central.store.comparing import unanswered
from central.store.errors import StoreError
from central.store.put_aside import listed
from central.store.questions import closed_ranges, holes
from central.store.store import CentralStore
from central.store.tables import metadata
from tests.central.batches import AT

DATABASES = Path(__file__).parent / "databases"
LATER = "2026-11-03T08:00:00+08:00"


def load(url: str, name: str = "schema1") -> None:
    """Fill an empty database with a dump of an older version."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        conn = sqlite3.connect(engine.url.database or "")
        conn.executescript((DATABASES / f"{name}.sql").read_text("utf-8"))
        conn.close()
    else:
        script = (DATABASES / f"{name}_postgresql.sql").read_text("utf-8")
        with engine.begin() as conn_:
            for words in script.split(";\n"):
                if words.strip():
                    conn_.exec_driver_sql(words)
    engine.dispose()


def shape(url: str) -> dict[str, tuple[set[str], set[str | None]]]:
    """Return table → names of its columns and indexes, as the database has them."""
    engine = create_engine(url)
    look = inspect(engine)
    found = {
        name: (
            {column["name"] for column in look.get_columns(name)},
            {index["name"] for index in look.get_indexes(name)},
        )
        for name in look.get_table_names()
    }
    engine.dispose()
    return found


def test_schema_1_is_brought_up(url: str) -> None:
    """Every row is there, records can be found by their keys, holes have a beginning.

    Opened twice: the second time nothing is left to do.
    """
    load(url)
    for at in (AT, LATER):
        with CentralStore.open(url, at) as store:
            assert store.id.startswith("st_")
            assert store.count() == 5
            (gap,) = store.gaps()
            assert (gap.upto, gap.missing) == (6, ((7, 9),))
            (hole,) = holes(store)
            assert hole["since"] == AT
            (aside,) = listed(store, everything=False)
            assert (aside["reason"], aside["epoch"]) == ("entry", None)
            assert unanswered(store) == []
            with store.reading() as conn:
                keys = "id, rev, entry_kind, person, date, terminal, serial, at"
                asked = text(f"SELECT {keys} FROM records ORDER BY seq")
                verdict, event = conn.execute(asked).all()
                times = conn.execute(text("SELECT first_at, stored_at FROM streams"))
                assert [row[0] == AT for row in times] == [True]
            late = "2026-11-02T08:31:07"
            assert verdict[:3] == ("f-1", 2, "late")
            assert verdict[3:] == ("p01", "2026-11-02", None, None, late)
            assert event[2] == "log_cleared"
            assert (event[5], event[6]) == ("lobby", "VT00000001")


def test_schema_2_is_brought_up(url: str) -> None:
    """Ranges given up before somebody could take note of them wait for that."""
    CentralStore.open(url, AT).close()
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(text("ALTER TABLE closed DROP COLUMN accepted_at"))
        values = "'s1', 'g1', 'e', 1, 9, 'pruned', '2026-11-02T08:00:00+08:00'"
        conn.execute(text(f"INSERT INTO closed VALUES ({values})"))
        conn.execute(text("UPDATE meta SET value = '2' WHERE key = 'schema'"))
    engine.dispose()
    for _ in "12":
        with CentralStore.open(url, AT) as store:
            (row,) = closed_ranges(store)
            assert (row["last"], row["accepted_at"]) == (9, None)


def test_a_store_that_was_brought_up_is_like_a_new_one(
    url: str, tmp_path: Path
) -> None:
    """Tables, columns and indexes are those of a store made today."""
    load(url)
    CentralStore.open(url, AT).close()
    found = shape(url)
    fresh = f"sqlite:///{tmp_path / 'fresh.db'}"
    CentralStore.open(fresh, AT).close()
    new = shape(fresh)
    assert found.keys() == new.keys() == metadata.tables.keys()
    for name, (columns, indexes) in new.items():
        assert found[name][0] == columns, name
        assert {i for i in indexes if i} <= found[name][1], name


def test_a_failed_step_leaves_the_old_version(url: str) -> None:
    """Something in the way: nothing is changed, and the next start can try again."""
    load(url)
    engine = create_engine(url)
    with engine.begin() as conn:
        # The last thing that is made anew; all else was done before it.
        conn.execute(text("CREATE VIEW streams AS SELECT 1 AS one"))
    before = shape(url)
    with pytest.raises(StoreError, match="streams"):
        CentralStore.open(url, AT)
    assert shape(url) == before
    with engine.begin() as conn:
        schema = text("SELECT value FROM meta WHERE key = 'schema'")
        assert conn.execute(schema).scalar() == "1"
        conn.execute(text("DROP VIEW streams"))
    engine.dispose()
    with CentralStore.open(url, LATER) as store:
        assert store.count() == 5


def test_questions_wait_for_the_collector(url: str) -> None:
    """Who only looks changes no tables; the sentence says what will."""
    load(url)
    before = shape(url)
    with pytest.raises(StoreError, match=r"version 1.*version 3.*collector"):
        CentralStore.look(url)
    assert shape(url) == before


def test_many_records_are_read_in_pieces(url: str) -> None:
    """More records than one piece holds: each gets its keys."""
    load(url)
    engine = create_engine(url)
    with engine.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO records VALUES"
                " ('s1', 'g1', 'e0', :seq, 'event', NULL, :body, '')"
            ),
            [{"seq": n, "body": f'{{"rev":{n}}}'} for n in range(1, 2502)]
            + [{"seq": 3000, "body": "no JSON"}],
        )
    engine.dispose()
    with CentralStore.open(url, AT) as store, store.reading() as conn:
        asked = text("SELECT count(*) FROM records WHERE rev = seq AND epoch = 'e0'")
        assert conn.execute(asked).scalar() == 2501
