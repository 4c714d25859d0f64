"""Epochs: seqs without gaps, a chain from the stored bytes, confirming and forking."""

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway.store import epochs
from gateway.store.drain import Reader
from gateway.store.epochs import Appender, JournalOutbox
from gateway.store.outbox import interpret
from gateway.store.schema import table
from sync.messages import origin
from sync.outbox import Position
from tests.builders import NOW, STAMP, entry, meaning, records
from tests.gateway.store.journals import do, keep, memory, opened, verify_chain


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


def test_a_fork_queues_what_was_not_confirmed_again(db: Database) -> None:
    """The new epoch begins at 1 with the entries behind the last common one."""
    keep(db, records(4))
    interpret(db, 0, 10, meaning(), STAMP)
    append_event(db)
    old = db.execute("SELECT seq, kind, entry, punch FROM outbox").fetchall()
    epochs.confirm(db, 2, "ab" * 32, "s", 1)
    assert epochs.fork(db, STAMP, "restored") == 3
    assert verify_chain(db, 1) == 5
    assert verify_chain(db, 2) == 3
    new = db.execute(
        "SELECT seq, kind, entry, punch FROM outbox WHERE epoch = 2 ORDER BY seq"
    ).fetchall()
    for number, (before, after) in enumerate(zip(old[2:], new, strict=True), 1):
        assert after[0] == number
        assert (after[1], after[3]) == (before[1], before[3])
        assert json.loads(after[2]) == json.loads(before[2]) | {"seq": number}
    places = db.execute("SELECT epoch, seq FROM punches ORDER BY rowid").fetchall()
    assert places == [(1, 1), (1, 2), (2, 1), (2, 2)]
    current = epochs.current(db, "")
    assert (current["id"], current["acked_seq"], current["reason"]) == (
        2,
        0,
        "restored",
    )


def append_event(db: Database) -> None:
    """Append one JSON entry that belongs to no punch."""
    appender = Appender(db, STAMP)
    appender.add("event", lambda seq: json.dumps({"seq": seq}).encode(), None)
    appender.flush()


def test_a_fork_leaves_newer_revisions_their_first_place(db: Database) -> None:
    """A second entry of a punch moves on; the punch stays where it was confirmed."""
    keep(db, records(1))
    interpret(db, 0, 10, meaning(), STAMP)
    (punch,) = table(db, "punches").rows
    appender = Appender(db, STAMP)
    again = json.dumps({"seq": 2, "rev": 2}).encode()
    appender.add("punch", lambda _: again, punch["id"])
    appender.flush()
    epochs.confirm(db, 1, None, None, 0)
    assert epochs.fork(db, STAMP, "restored") == 1
    ((place, seq),) = db.execute("SELECT epoch, seq FROM punches").fetchall()
    assert (place, seq) == (1, 1)


def test_a_fork_with_everything_confirmed_queues_nothing(db: Database) -> None:
    """A new stream can begin empty."""
    append(db, 2)
    epochs.confirm(db, 2, None, None, 0)
    assert epochs.fork(db, STAMP, "x") == 0
    assert verify_chain(db, 2) == 0


def test_the_outbox_of_the_uplink_reads_and_writes_the_journal(tmp_path: Path) -> None:
    """The uplink sees the newest epoch, and what it writes is committed."""
    with opened(tmp_path) as journal:
        do(journal, append_event)
        do(journal, append_event)
        reader = Reader(journal.path)
        reader.open()
        outbox = JournalOutbox(journal, reader, lambda: NOW)
        before = outbox.position()
        first, second = outbox.batch(0, 10)
        assert (before.acked, before.head, before.head_hash) == (0, 2, second.hash)
        assert before.acked_hash == origin(before.epoch) == first.prev
        assert (outbox.hash_at(1), outbox.hash_at(9)) == (first.hash, None)
        asyncio.run(outbox.confirm(1, first.hash, "s", 7))
        assert outbox.position() == Position(
            before.epoch, 1, first.hash, 2, second.hash, "s", 7
        )
        asyncio.run(outbox.fork("other chain"))
        after = outbox.position()
        assert (after.acked, after.head, after.store) == (0, 1, None)
        assert after.epoch != before.epoch
        assert [row.seq for row in outbox.batch(0, 10)] == [1]
        ((opened_at, reason),) = do(
            journal,
            lambda db: db.execute(
                "SELECT opened_at, reason FROM epochs WHERE id = 2"
            ).fetchall(),
        )
        assert (opened_at, reason) == (STAMP, "other chain")
        reader.close()
