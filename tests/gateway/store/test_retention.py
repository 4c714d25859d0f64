"""Retention: old and confirmed goes, nothing else does."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlite_utils import Database

from gateway.clock import text
from gateway.store import epochs, raw
from gateway.store.again import fork
from gateway.store.epochs import Appender
from gateway.store.retention import PIECE, prune
from gateway.store.schema import table
from tests.builders import entry
from tests.gateway.store.journals import memory, verify_chain

BORN = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> str:
    """Return midnight of a day."""
    return text(BORN + timedelta(days=number))


def append(db: Database, count: int, at: str) -> None:
    """Append entries that were queued at a time."""
    appender = Appender(db, at)
    for _ in range(count):
        appender.add("event", entry({}), None)
    appender.flush()


def kept(db: Database, epoch: int = 1) -> list[int]:
    """Return the seqs still there."""
    rows = table(db, "outbox").rows_where("epoch = ?", [epoch], order_by="seq")
    return [row["seq"] for row in rows]


def everything(db: Database, before: str) -> None:
    """Prune to the end."""
    while prune(db, before):
        pass


@pytest.mark.parametrize("seed", range(30))
def test_only_what_is_old_and_confirmed_goes(seed: int) -> None:
    """Whatever the ages and confirmations, what stays has no gap."""
    print("seed", seed)
    dice = random.Random(seed)
    with memory() as db:
        ages: list[int] = []
        for number in range(12):
            count = dice.randrange(4)
            append(db, count, day(number))
            ages += [number] * count
        acked = dice.randint(0, len(ages))
        epochs.confirm(db, acked, "ab" * 32, "s", 1)
        limit = dice.randrange(14)
        everything(db, day(limit))
        gone = sum(age < limit for age in ages[:acked])
        assert kept(db) == list(range(gone + 1, len(ages) + 1))
        assert epochs.current(db, "")["pruned_seq"] == gone
        everything(db, day(limit))
        assert len(kept(db)) == len(ages) - gone


def test_a_clock_that_jumped_leaves_no_gap(db: Database) -> None:
    """An entry that looks young keeps all behind it, however old they look."""
    for at in (day(1), day(300), day(2)):
        append(db, 1, at)
    epochs.confirm(db, 3, None, "s", 1)
    everything(db, day(10))
    assert kept(db) == [2, 3]


def test_big_journals_are_pruned_in_pieces(db: Database) -> None:
    """Each transaction is short; the last one says so."""
    append(db, PIECE * 2 + 10, day(1))
    epochs.confirm(db, PIECE * 2 + 5, None, "s", 1)
    assert prune(db, day(9))
    assert kept(db)[0] == PIECE + 1
    assert prune(db, day(9))
    assert not prune(db, day(9))
    assert kept(db) == list(range(PIECE * 2 + 6, PIECE * 2 + 11))


def test_an_epoch_that_was_left_goes_whole(db: Database) -> None:
    """What was not confirmed there was queued again in the next."""
    append(db, 3, day(1))
    epochs.confirm(db, 1, None, "s", 1)
    fork(db, day(50), "restored", 1, entry({}))
    everything(db, day(9))
    assert kept(db) == []
    assert len(kept(db, 2)) == 3
    assert verify_chain(db, 2) == 3


def test_the_confirmed_hash_outlives_its_entry(db: Database) -> None:
    """The chain goes on behind what is gone."""
    append(db, 2, day(1))
    last = table(db, "outbox").get((1, 2))["hash"]
    epochs.confirm(db, 2, None, "s", 1)
    everything(db, day(9))
    row = epochs.current(db, "")
    assert (row["acked_hash"], row["head_hash"]) == (last, last)
    append(db, 1, day(9))
    assert table(db, "outbox").get((1, 3))["prev"] == last


def test_old_readings_of_clocks_go(db: Database) -> None:
    """The history of offsets does not grow for ever."""
    for number in range(6):
        raw.note_clock(db, "VT1", day(number), 0.5)
    everything(db, day(4))
    found = [row["measured_at"] for row in table(db, "clocks").rows]
    assert found == [day(4), day(5)]
