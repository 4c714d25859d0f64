"""Cases and running products in the journal."""

import json
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from gateway.store import cases, schema
from gateway.store.cases import Looked, Suspicion

NOW = "2026-11-03T04:30:00.000+08:00"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """Give an empty journal."""
    with closing(Database(tmp_path / "journal.db")) as found:
        schema.migrate(found, "0")
        yield found


def suspicion(key: str = "c-a", says: str = "x", status: str = "open") -> Suspicion:
    """Return a case that says something."""

    def encode(says: str, seq: int, rev: int) -> bytes:
        return json.dumps({"seq": seq, "id": key, "rev": rev, "says": says}).encode()

    known: dict[str, Any] = {"id": key, "says": says}
    return Suspicion(key, "case", status, says, known, partial(encode, says))


def sent(db: Database) -> list[dict[str, Any]]:
    """Return the entries of the outbox."""
    rows = db.query("SELECT entry FROM outbox WHERE kind = 'suspicion' ORDER BY seq")
    return [json.loads(row["entry"]) for row in rows]


def test_only_what_says_something_else_goes_up(db: Database) -> None:
    """The same is silent; another word is the next revision."""
    first = cases.keep(db, NOW, [suspicion(), suspicion("c-b")])
    assert [(one.rev, one.before) for one in first] == [(1, None), (1, None)]
    assert cases.keep(db, NOW, [suspicion(), suspicion("c-b")]) == []
    (changed,) = cases.keep(db, NOW, [suspicion(says="y", status="weakened")])
    assert (changed.rev, changed.before) == (2, ("open", "case"))
    assert [(one["id"], one["rev"]) for one in sent(db)] == [
        ("c-a", 1),
        ("c-b", 1),
        ("c-a", 2),
    ]
    assert cases.every(db) == [{"id": "c-a", "says": "y"}, {"id": "c-b", "says": "x"}]
    assert cases.one(db, "c-b") == {"id": "c-b", "says": "x"}
    assert cases.one(db, "c-c") is None


def test_running_products_count_only_when_a_look_is_finished(db: Database) -> None:
    """Half a copy is never read; the next look writes over it, piece by piece."""
    assert cases.looked(db) == Looked()
    parts = [("head", {"n": 1}), ("pair", ["a", "b", 0.1]), ("pair", ["a", "c", 2.5])]
    copy = cases.other(cases.looked(db))
    cases.write(db, copy, 0, parts[:2])
    assert list(cases.running(db, cases.looked(db).copy)) == []
    while cases.clear(db, copy, 1):
        pass
    cases.write(db, copy, 0, parts[:2])
    cases.write(db, copy, 2, parts[2:])
    cases.finish(db, NOW, Looked("2026-11-02", copy), [suspicion()])
    assert cases.looked(db) == Looked("2026-11-02", copy)
    assert list(cases.running(db, copy)) == parts
    other = cases.other(cases.looked(db))
    assert other != copy
    cases.write(db, other, 0, [("head", {"n": 2})])
    assert list(cases.running(db, cases.looked(db).copy)) == parts


def test_labels_are_kept_in_order(db: Database) -> None:
    """Nothing that was decided is ever changed."""
    cases.label(db, "c-a", {"decision": "dismiss"})
    cases.label(db, "c-b", {"decision": "confirm"})
    cases.label(db, "c-a", {"decision": "confirm"})
    assert cases.labels(db) == {
        "c-a": [{"decision": "dismiss"}, {"decision": "confirm"}],
        "c-b": [{"decision": "confirm"}],
    }
