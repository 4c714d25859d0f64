"""Entries that go up once more keep their punches' ids and revisions."""

import json

import pytest
from sqlite_utils import Database

from gateway.core.book import read_book
from gateway.store import epochs
from gateway.store.again import fates, fork, requeue_days, requeue_pruned
from gateway.store.epochs import Appender
from gateway.store.outbox import interpret, relearn
from gateway.store.retention import prune
from gateway.store.schema import table
from sync.commands import RangeFate
from tests.builders import BOOK, SERIAL, STAMP, meaning, record, records
from tests.gateway.store.journals import keep, memory, verify_chain

LATER = "2027-11-02T00:00:01.000+00:00"


def said(seq: int) -> bytes:
    """Return the event of a fork."""
    return json.dumps({"seq": seq, "kind": "epoch_fork"}).encode()


def event(db: Database) -> None:
    """Append an entry that belongs to no punch."""
    appender = Appender(db, STAMP)
    appender.add("event", lambda seq: json.dumps({"seq": seq}).encode(), None)
    appender.flush()


def punched(db: Database, count: int) -> None:
    """Make punches."""
    keep(db, records(count))
    interpret(db, 0, 10_000, meaning(), STAMP)


def outbox(db: Database, epoch: int) -> list[dict[str, object]]:
    """Return an epoch's entries, read."""
    rows = db.execute(
        "SELECT kind, entry FROM outbox WHERE epoch = ? ORDER BY seq", [epoch]
    ).fetchall()
    return [{"kind": kind, **json.loads(text)} for kind, text in rows]


@pytest.mark.parametrize("count", [4, 4_500])
def test_a_fork_queues_what_is_not_common_again(db: Database, count: int) -> None:
    """The new epoch begins with the event; then come the entries in their order."""
    punched(db, count)
    event(db)
    before = outbox(db, 1)
    fork(db, STAMP, "restored", 2, said)
    assert verify_chain(db, 1) == count + 1
    assert verify_chain(db, 2) == count
    after = outbox(db, 2)
    assert after[0] == {"kind": "epoch_fork", "seq": 1}
    assert after[1:] == [old | {"seq": seq} for seq, old in enumerate(before[2:], 2)]
    places = db.execute("SELECT epoch, seq FROM punches ORDER BY rowid").fetchall()
    assert places == [(1, 1), (1, 2), *((2, seq) for seq in range(2, count))]
    current = epochs.current(db, "")
    assert (current["id"], current["acked_seq"]) == (2, 0)
    assert current["reason"] == "restored"


def test_a_fork_leaves_newer_revisions_their_first_place(db: Database) -> None:
    """A second entry of a punch moves on; the punch stays where it was confirmed."""
    punched(db, 1)
    (punch,) = table(db, "punches").rows
    appender = Appender(db, STAMP)
    again = json.dumps({"seq": 2, "rev": 2}).encode()
    appender.add("punch", lambda _: again, punch["id"])
    appender.flush()
    fork(db, STAMP, "restored", 1, said)
    ((place, seq),) = db.execute("SELECT epoch, seq FROM punches").fetchall()
    assert (place, seq) == (1, 1)


def test_a_fork_with_everything_common_tells_only_of_itself(db: Database) -> None:
    """Nothing goes up twice that need not."""
    event(db)
    fork(db, STAMP, "x", 1, said)
    assert [row["seq"] for row in outbox(db, 2)] == [1]


def test_fates_of_entries(db: Database) -> None:
    """There, gone, or never given a number: a range is cut where that changes."""
    punched(db, 10)
    name = epochs.current(db, "")["name"]
    epochs.confirm(db, 4, None, "s", 1)
    assert not prune(db, LATER)
    assert fates(db, name, [(1, 12), (6, 7), (20, 21)]) == [
        RangeFate(first=1, last=4, fate="pruned"),
        RangeFate(first=5, last=10, fate="sent"),
        RangeFate(first=11, last=12, fate="never_existed"),
        RangeFate(first=6, last=7, fate="sent"),
        RangeFate(first=20, last=21, fate="never_existed"),
    ]
    assert fates(db, "another", [(1, 2)]) == [RangeFate(first=1, last=2, fate="pruned")]


def test_punches_of_pruned_entries_go_up_under_new_seqs(db: Database) -> None:
    """An entry may be deleted; the punch in it is not lost to a centre that asks."""
    punched(db, 6)
    before = outbox(db, 1)
    name = epochs.current(db, "")["name"]
    epochs.confirm(db, 5, None, "s", 1)
    prune(db, LATER)
    gone = [one for one in fates(db, name, [(2, 4), (6, 6)]) if one.fate == "pruned"]
    assert requeue_pruned(db, STAMP, name, gone, meaning().punch_entry) == 3
    verify = outbox(db, 1)
    assert [row["seq"] for row in verify] == [6, 7, 8, 9]
    assert verify[1:] == [
        old | {"seq": seq} for seq, old in zip((7, 8, 9), before[1:4], strict=True)
    ]
    assert requeue_pruned(db, STAMP, "another", gone, meaning().punch_entry) == 0


def test_a_pruned_revision_goes_up_again(db: Database) -> None:
    """Its entry is gone and so is which punch it was: all revised ones go up."""
    keep(db, records(2, badge="77"))
    interpret(db, 0, 10, meaning(), STAMP)
    knows, _ = read_book(BOOK.replace('"1001"', '"77"'), "book.toml")
    relearn(db, "", 10, meaning(knows), STAMP)
    assert [row["rev"] for row in outbox(db, 1)] == [1, 1, 2, 2]
    name = epochs.current(db, "")["name"]
    epochs.confirm(db, 4, None, "s", 1)
    prune(db, LATER)
    gone = fates(db, name, [(3, 4)])
    assert requeue_pruned(db, STAMP, name, gone, meaning(knows).punch_entry) == 2
    assert [(row["rev"], row["person"]) for row in outbox(db, 1)] == [(2, "p01")] * 2


def test_whole_days_go_up_again() -> None:
    """All punches of a terminal and day, and none of another."""
    with memory() as db:
        keep(
            db,
            [
                record(at=at, raw=at.encode() + bytes([n]), serial=serial)
                for n, (at, serial) in enumerate(
                    [
                        ("2026-11-01T23:59:59", SERIAL),
                        ("2026-11-02T00:00:00", SERIAL),
                        ("2026-11-02T23:59:59", SERIAL),
                        ("2026-11-03T00:00:00", SERIAL),
                        ("2026-11-02T12:00:00", "VT00000002"),
                    ]
                )
            ],
        )
        interpret(db, 0, 100, meaning(), STAMP)
        of = meaning().punch_entry
        assert requeue_days(db, STAMP, SERIAL, ["2026-11-02"], of) == 2
        again = outbox(db, 1)[5:]
        assert [row["at"] for row in again] == [
            "2026-11-02T00:00:00",
            "2026-11-02T23:59:59",
        ]
        first = {row["id"]: row for row in outbox(db, 1)[:5]}
        assert all(row == first[row["id"]] | {"seq": row["seq"]} for row in again)
        assert requeue_days(db, STAMP, SERIAL, ["2026-11-09"], of) == 0
        assert verify_chain(db) == 7
