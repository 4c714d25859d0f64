"""Epochs: seqs without gaps, a chain from the stored bytes, confirming and forking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway.store import epochs
from gateway.store.epochs import Appender
from sync.messages import origin
from tests.builders import STAMP, entry
from tests.gateway.store.journals import memory, verify_chain


def append(db: Database, count: int, kind: str = "event") -> list[int]:
    """Append entries in one transaction and return their seqs."""
    appender = Appender(db, STAMP)
    seqs = [appender.add(kind, entry({"n": n}), None) for n in range(count)]
    appender.flush()
    return seqs


@given(st.lists(st.integers(0, 5), max_size=6))
def test_seqs_have_no_gaps_and_the_chain_no_break(sizes: list[int]) -> None:
    """However entries are grouped, seqs run on from 1 and every hash links."""
    with memory() as db:
        seqs = [seq for size in sizes for seq in append(db, size)]
        assert seqs == list(range(1, len(seqs) + 1))
        if sizes:
            assert verify_chain(db) == len(seqs)


def test_a_flush_without_entries_changes_nothing(db: Database) -> None:
    """Flushing twice writes once."""
    appender = Appender(db, STAMP)
    appender.add("event", entry({}), None)
    appender.flush()
    appender.flush()
    assert verify_chain(db) == 1
    assert appender.add("event", entry({}), None) == 2
    appender.flush()
    assert verify_chain(db) == 2


def test_the_first_epoch_opens_itself_once(db: Database) -> None:
    """The chain begins at the epoch's own name."""
    first = epochs.current(db, STAMP)
    assert epochs.current(db, "later") == first
    assert (first["head_seq"], first["acked_seq"]) == (0, 0)
    assert first["head_hash"] == first["acked_hash"] == origin(first["name"])
    assert (first["opened_at"], first["reason"]) == (STAMP, "first")
    second = epochs.open_epoch(db, STAMP, "why")
    assert epochs.current(db, STAMP) == second
    assert second["name"] != first["name"]
    assert (second["reason"], second["id"]) == ("why", 2)


def test_confirming_is_kept_with_who_said_so(db: Database) -> None:
    """`upto` may also go back, when another store says so."""
    append(db, 3)
    epochs.confirm(db, 2, "ab" * 32, "store-1", 4)
    row = epochs.current(db, "")
    assert (row["acked_seq"], row["acked_hash"]) == (2, "ab" * 32)
    assert (row["store"], row["generation"]) == ("store-1", 4)
    epochs.confirm(db, 1, "cd" * 32, "store-2", 0)
    row = epochs.current(db, "")
    assert (row["acked_seq"], row["acked_hash"]) == (1, "cd" * 32)
    assert (row["store"], row["generation"], row["head_seq"]) == ("store-2", 0, 3)


@pytest.mark.parametrize("upto", [0, 2])
def test_confirming_without_a_hash_keeps_the_hash_of_that_seq(
    db: Database, upto: int
) -> None:
    """A confirmation that brings no hash is of our own entry, not of an older one."""
    append(db, 3)
    epochs.confirm(db, 1, "ab" * 32, "store-1", 4)
    epochs.confirm(db, upto, None, None, 0)
    row = epochs.current(db, "")
    known = {0: origin(row["name"])} | dict(
        db.execute("SELECT seq, hash FROM outbox").fetchall()
    )
    assert (row["acked_seq"], row["acked_hash"]) == (upto, known[upto])
