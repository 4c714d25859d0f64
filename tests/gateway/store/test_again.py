"""Entries that go up once more keep their punches' ids and revisions."""

import json
from itertools import starmap

import pytest
from sqlite_utils import Database

from gateway.core.book import read_book
from gateway.store import epochs, verdicts
from gateway.store.again import (
    fates,
    fork,
    requeue_days,
    requeue_older,
    requeue_pruned,
)
from gateway.store.epochs import Appender
from gateway.store.outbox import interpret, relearn
from gateway.store.retention import prune
from gateway.store.schema import table
from gateway.store.verdicts import Piece, Verdict
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


@pytest.mark.parametrize("count", [4, 4_500])
def test_older_streams_are_queued_again_as_far_as_they_were_common(
    db: Database, count: int
) -> None:
    """Behind what stands in the new epoch, in their order; the punches move along."""
    punched(db, count)
    event(db)
    before = outbox(db, 1)
    fork(db, STAMP, "restored", count, said)
    assert requeue_older(db, STAMP) == count
    head = 2 + count
    assert verify_chain(db, 2) == head
    after = outbox(db, 2)
    assert after[0] == {"kind": "epoch_fork", "seq": 1}
    assert after[1] == before[-1] | {"seq": 2}
    assert after[2:] == [one | {"seq": seq} for seq, one in enumerate(before[:-1], 3)]
    places = db.execute("SELECT DISTINCT epoch FROM punches").fetchall()
    assert places == [(2,)]
    assert epochs.current(db, "")["acked_seq"] == 0


def test_nothing_is_queued_again_of_what_was_told_again_already(db: Database) -> None:
    """A fork without anything in common took all of it along."""
    punched(db, 4)
    epochs.confirm(db, 4, None, "st", 1)
    fork(db, STAMP, "restored", 0, said)
    assert requeue_older(db, STAMP) == 0
    assert len(outbox(db, 2)) == 5


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


def verdict(name: str, state: str) -> Verdict:
    """Return a verdict as the store sees it."""

    def encode(seq: int, rev: int) -> bytes:
        said = {"seq": seq, "id": name, "rev": rev, "state": state}
        return json.dumps(said, separators=(",", ":")).encode()

    return Verdict(name, "p01", "2026-11-02", True, f"{name} {state}", encode)


def judged(db: Database, **states: str) -> None:
    """Store verdicts: names and states."""
    piece = Piece(
        "p01", "2026-11-02", "2026-11-02", [*starmap(verdict, states.items())]
    )
    verdicts.keep(db, STAMP, [piece], lambda _: verdict("x", "excused"), {})


def places(db: Database) -> dict[str, tuple[int, int]]:
    """Return the verdicts' revisions, and the seqs of their entries."""
    rows = [json.loads(row["body"]) for row in table(db, "verdicts").rows]
    return {row["id"]: (row["rev"], row["seq"]) for row in rows}


def test_verdicts_of_pruned_entries_go_up_under_new_seqs(db: Database) -> None:
    """The last word on each session, as often as the centre asks and it is gone."""
    punched(db, 1)
    judged(db, a="pending", b="ok")
    judged(db, a="ok", b="ok")
    assert places(db) == {"a": (2, 4), "b": (1, 3)}
    name = epochs.current(db, "")["name"]

    def again(first: int, last: int) -> int:
        epochs.confirm(db, epochs.current(db, "")["head_seq"], None, "s", 1)
        prune(db, LATER)
        gone = fates(db, name, [(first, last)])
        return requeue_pruned(db, STAMP, name, gone, meaning().punch_entry)

    assert again(1, 4) == 3
    assert places(db) == {"a": (2, 6), "b": (1, 7)}
    assert [(row["kind"], row["seq"]) for row in outbox(db, 1)] == [
        ("punch", 5),
        ("attendance", 6),
        ("attendance", 7),
    ]
    assert [row["state"] for row in outbox(db, 1)[1:]] == ["ok", "ok"]
    assert again(7, 7) == 1
    assert places(db) == {"a": (2, 6), "b": (1, 8)}
    gone = [RangeFate(first=1, last=99, fate="pruned")]
    assert requeue_pruned(db, STAMP, "another", gone, meaning().punch_entry) == 0


def test_a_fork_moves_the_last_word(db: Database) -> None:
    """A verdict that is queued in a new epoch is found there when it is pruned."""
    judged(db, a="pending", b="ok")
    fork(db, STAMP, "restored", 0, said)
    assert places(db) == {"a": (1, 2), "b": (1, 3)}


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
