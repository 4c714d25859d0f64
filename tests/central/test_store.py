"""The central store: one transaction, the ledger apart from the rows."""

import json
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from central.store.errors import NewerStoreError, StoreError
from central.store.put_aside import StillUnreadableError, listed, retry
from central.store.store import CentralStore
from central.values import Poison, Reason, Stream
from sync.messages import encode
from sync.topics import Topics
from tests.central.batches import AT, message, messages
from tests.sync.memory_outbox import MemoryOutbox, event, punch

LATER = "2026-11-03T08:00:00+08:00"
STREAM = Stream("s1", "g1", "epoch-1")


def url(folder: Path) -> str:
    """Return the URL of the store in a folder."""
    return f"sqlite:///{folder / 'central.db'}"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CentralStore]:
    """Return an empty store."""
    with CentralStore.open(url(tmp_path), AT) as opened:
        yield opened


def filled(count: int = 1000, epoch: str = "epoch-1") -> MemoryOutbox:
    """Return an outbox with punches and events."""
    outbox = MemoryOutbox(epoch)
    outbox.add_punches(range(count))
    return outbox


def ids(folder: Path) -> set[str]:
    """Read the punch ids from the file, past our own code."""
    conn = sqlite3.connect(folder / "central.db")
    found = {row[0] for row in conn.execute("SELECT id FROM punches")}
    conn.close()
    return found


def test_everything_is_stored_once_and_booked(
    store: CentralStore, tmp_path: Path
) -> None:
    """Punches, records and ledger after one commit."""
    outbox = filled()
    stored = store.commit(messages(outbox), AT)
    assert (stored.punches, stored.records, stored.poisons) == (1000, 4, ())
    (standing,) = stored.standings
    assert (standing.stream, standing.upto) == (STREAM, 1004)
    assert (standing.missing, standing.chain) == ((), outbox.rows[-1].hash)
    assert store.count() == 1000
    assert ids(tmp_path) == outbox.punch_ids()
    assert store.gaps() == []


@pytest.mark.parametrize("seed", range(5))
def test_any_order_and_repetition_gives_the_same(seed: int, tmp_path: Path) -> None:
    """Shuffled, doubled, in commits of any size: the same rows, the same ledger."""
    print("seed", seed)
    rng = random.Random(seed)
    outbox = filled(400)
    batches = messages(outbox, size=17) * 2
    rng.shuffle(batches)
    with CentralStore.open(url(tmp_path), AT) as store:
        while batches:
            size = rng.randint(1, 9)
            store.commit(batches[:size], AT)
            del batches[:size]
        standing = store.standing(STREAM)
        assert (standing.upto, standing.missing) == (401, ())
        assert standing.chain == outbox.rows[-1].hash
        assert store.count() == 400
    assert ids(tmp_path) == outbox.punch_ids()


def test_holes_are_said_and_survive_a_restart(tmp_path: Path) -> None:
    """What is missing is known after a restart too, and goes when it arrives."""
    outbox = filled(100)
    parts = messages(outbox, size=20)
    with CentralStore.open(url(tmp_path), AT) as store:
        (standing,) = store.commit([parts[0], parts[3]], AT).standings
        assert (standing.upto, standing.missing) == (20, ((21, 60),))
        assert standing.chain == outbox.rows[19].hash
    with CentralStore.open(url(tmp_path), LATER) as store:
        assert [gap.missing for gap in store.gaps()] == [((21, 60),)]
        (standing,) = store.commit([parts[2], parts[1], parts[4]], AT).standings
        assert (standing.upto, standing.missing) == (100, ())
        assert store.gaps() == []


def test_what_is_listed_is_booked_not_what_lies_between(store: CentralStore) -> None:
    """A message of entries 1 and 4 leaves 2 and 3 missing."""
    outbox = MemoryOutbox()
    for seq in (1, 4):
        outbox.add_bytes("punch", encode(punch(seq)))
    (standing,) = store.commit(messages(outbox), AT).standings
    assert (standing.upto, standing.missing) == (1, ((2, 3),))
    assert standing.chain == outbox.rows[0].hash


def test_a_punch_through_two_gateways_is_one(store: CentralStore) -> None:
    """The second gateway's stream has no hole, the first delivery's origin stays."""
    one, two = filled(50, "e1"), filled(50, "e2")
    store.commit(messages(one, "g1"), AT)
    store.commit(messages(two, "g2"), LATER)
    assert store.count() == 50
    assert {s.stream.gateway: s.upto for s in store.streams()} == {"g1": 50, "g2": 50}
    found = store._conn.execute(text("SELECT DISTINCT gateway, epoch FROM punches"))
    assert found.all() == [("g1", "e1")]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]])
def test_the_highest_rev_wins_whatever_the_order(
    store: CentralStore, order: list[int]
) -> None:
    """A person found later is known, however late the older word arrives."""
    outbox = MemoryOutbox()
    for rev, person in enumerate([None, "p01", "p02"], start=1):
        entry = msgspec.structs.replace(punch(0, 7), rev=rev, person=person)
        outbox.add("punch", entry)
    for index in order:
        store.commit([message(outbox, [outbox.rows[index]])], AT)
    (row,) = store._conn.execute(text("SELECT person, rev, seq FROM punch_rows"))
    assert tuple(row) == ("p02", 3, order[0] + 1)


def test_a_higher_rev_of_another_gateway_leaves_who_saw_it_when(
    store: CentralStore,
) -> None:
    """More is known of the punch; how the first gateway saw it stays."""
    first, other = MemoryOutbox("epoch-1"), MemoryOutbox("epoch-2")
    first.add("punch", punch(0, 7))
    better = msgspec.structs.replace(
        punch(0, 7),
        rev=2,
        person="p01",
        received_at="2026-11-02T23:59:59+08:00",
        source="file",
    )
    other.add("punch", better)
    store.commit(messages(first), AT)
    store.commit(messages(other, "g2"), AT)
    sql = "SELECT person, received_at, source FROM punch_rows"
    (row,) = store._conn.execute(text(sql))
    assert tuple(row) == ("p01", "2026-11-02T08:00:01+08:00", "poll")
    (seen,) = store._conn.execute(text("SELECT gateway, source FROM sightings"))
    assert tuple(seen) == ("g2", "file")


def test_the_same_rev_again_changes_nothing(store: CentralStore) -> None:
    """Equal revisions: the first stands; one that says otherwise is kept as bytes."""
    outbox = MemoryOutbox()
    for person in ("p01", "p02", "p01", "p02"):
        entry = msgspec.structs.replace(punch(0, 7), person=person)
        outbox.add("punch", entry)
    stored = store.commit(messages(outbox), AT)
    with store.reading() as conn:
        (row,) = conn.execute(text("SELECT person FROM punches"))
    assert row.person == "p01"
    assert [(p.reason, p.topic) for p in stored.poisons] == [
        (Reason.REVISION, "s1/g1/punch")
    ] * 2
    assert json.loads(stored.poisons[0].payload)["person"] == "p02"
    assert stored.poisons[0].epoch == "epoch-1"
    (standing,) = stored.standings
    assert standing.upto == 4
    (aside,) = listed(store, everything=False)
    assert aside["times"] == 2
    with pytest.raises(StillUnreadableError, match="came first"):
        retry(store, Topics("att/v1"), aside["id"], AT)


def test_a_lower_rev_that_says_otherwise_is_only_older(store: CentralStore) -> None:
    """It is no contradiction, and nobody needs to look."""
    outbox = MemoryOutbox()
    for rev, person in ((2, "p02"), (1, None), (1, "p03")):
        entry = msgspec.structs.replace(punch(0, 7), rev=rev, person=person)
        outbox.add("punch", entry)
    assert store.commit(messages(outbox), AT).poisons == ()


def test_another_story_is_put_aside_and_not_booked(store: CentralStore) -> None:
    """A gateway that came back from a backup cannot write over what was stored."""
    outbox = filled(100)
    store.commit(messages(outbox), AT)
    outbox.truncate(60)
    outbox.add_punches(range(700, 800))
    later = message(outbox, outbox.rows[100:120])
    stored = store.commit([later, later], AT)
    assert [p.reason for p in stored.poisons] == [Reason.FORK, Reason.FORK]
    (standing,) = stored.standings
    assert standing.upto == 100
    assert standing.chain != outbox.hash_at(100)
    assert store.count() == 100
    assert store.quarantined() == 1


def test_an_entry_under_a_used_number_is_put_aside(store: CentralStore) -> None:
    """Sent before the fork was noticed, in the middle of a booked range: kept."""
    outbox = MemoryOutbox("epoch-1")
    for number in range(9):
        outbox.add("event", event(0, f"first_{number}"))
    store.commit(messages(outbox), AT)
    other = MemoryOutbox("epoch-1")
    other.rows = outbox.rows[:5]
    for number in range(9):
        other.add("event", event(0, f"second_{number}"))
    stored = store.commit([message(other, other.rows[4:])], AT)
    aside = [json.loads(one.payload)["kind"] for one in stored.poisons]
    assert aside == [f"second_{number}" for number in range(4)]
    assert {one.reason for one in stored.poisons} == {Reason.FORK}
    again = store.commit(messages(outbox), AT)
    assert again.poisons == ()
    rows = store._conn.execute(text("SELECT body FROM records ORDER BY seq"))
    kinds = [json.loads(row.body)["kind"] for row in rows]
    assert kinds == [
        *(f"first_{number}" for number in range(9)),
        *(f"second_{number}" for number in range(4, 9)),
    ]


def test_put_aside_things_are_counted_not_piled_up(store: CentralStore) -> None:
    """The same bytes a thousand times are one row that says a thousand."""
    poison = Poison("t", b"\xff", Reason.UNREADABLE, "no JSON", "d")
    for at in (AT, LATER):
        store.commit([poison] * 500, at)
    (row,) = store._conn.execute(text("SELECT times, at, last_at FROM quarantine"))
    assert tuple(row) == (1000, AT, LATER)


def test_an_unreadable_entry_is_kept_and_booked(store: CentralStore) -> None:
    """Bytes and reason in quarantine, no hole in the stream."""
    outbox = MemoryOutbox()
    outbox.add("punch", punch(0, 1))
    outbox.add_bytes("punch", encode(punch(2)).replace(b'"finger"', b'"nose"'))
    (standing,) = store.commit(messages(outbox), AT).standings
    assert standing.upto == 2
    assert (store.count(), store.quarantined()) == (1, 1)


def test_every_opening_is_a_new_generation(tmp_path: Path) -> None:
    """A copy that was put back has a generation nobody heard of before."""
    with CentralStore.open(url(tmp_path), AT) as store:
        name, first = store.id, store.generation
    copy = (tmp_path / "central.db").read_bytes()
    with CentralStore.open(url(tmp_path), AT) as store:
        assert (store.id, store.generation) == (name, first + 1)
    (tmp_path / "central.db").write_bytes(copy)
    with CentralStore.open(url(tmp_path), LATER) as store:
        assert store.id == name
        assert store.generation > first + 1


def test_looking_changes_nothing(tmp_path: Path) -> None:
    """Questions beside a running collector do not begin a generation."""
    with CentralStore.open(url(tmp_path), AT) as store:
        store.commit(messages(filled(10)), AT)
        with CentralStore.look(url(tmp_path)) as looking:
            assert looking.count() == 10
            assert looking.generation == store.generation
            assert [s.upto for s in looking.streams()] == [10]


def test_looking_at_nothing_says_so(tmp_path: Path) -> None:
    """An empty file is no store, and does not become one."""
    with pytest.raises(StoreError, match="no collector"):
        CentralStore.look(url(tmp_path))


def test_a_store_from_the_future_is_refused(tmp_path: Path) -> None:
    """Both versions are named and nothing is changed."""
    with CentralStore.open(url(tmp_path), AT) as store:
        before = store.generation
    conn = sqlite3.connect(tmp_path / "central.db")
    conn.execute("UPDATE meta SET value = '7' WHERE key = 'schema'")
    conn.commit()
    with pytest.raises(NewerStoreError, match=r"version 7.*version 3"):
        CentralStore.open(url(tmp_path), LATER)
    found = conn.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()
    conn.close()
    assert found == (str(before),)


def test_a_full_disk_stops_and_stores_nothing_by_halves(tmp_path: Path) -> None:
    """A commit that fails leaves no row and no booking, and says what failed."""
    with CentralStore.open(url(tmp_path), AT) as store:
        store.commit(messages(filled(100)), AT)
        pages = store._conn.exec_driver_sql("PRAGMA page_count").scalar_one()
        store._conn.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")
        store._conn.commit()
        with pytest.raises(StoreError, match="full"):
            store.commit(messages(filled(5000, "e2")), AT)
        assert store.count() == 100
    with CentralStore.open(url(tmp_path), LATER) as store:
        assert [s.stream.epoch for s in store.streams()] == ["epoch-1"]


def test_a_place_that_is_none_is_said(tmp_path: Path) -> None:
    """An unusable path or URL is a StoreError with the reason."""
    with pytest.raises(StoreError, match="unable to open"):
        CentralStore.open(f"sqlite:///{tmp_path}/no/such/central.db", AT)
    with pytest.raises(StoreError):
        CentralStore.open("no url", AT)


def test_settings_of_the_file(store: CentralStore) -> None:
    """What is acknowledged survives a power cut: WAL with full synchronisation."""
    ask = store._conn.exec_driver_sql
    assert ask("PRAGMA journal_mode").scalar_one() == "wal"
    assert ask("PRAGMA synchronous").scalar_one() == 2
    assert ask("PRAGMA foreign_keys").scalar_one() == 1


def test_the_view_is_what_was_promised(store: CentralStore) -> None:
    """Columns and order of the view `punches`."""
    store.commit(messages(filled(1)), AT)
    found = store._conn.execute(text("SELECT * FROM punches"))
    wanted = "id serial badge person at gateway epoch seq received_at"
    assert list(found.keys()) == wanted.split()
    entry = punch(1, 0)
    (row,) = found
    assert row.received_at == entry.received_at
    assert (row.id, row.badge, row.seq) == (entry.id, entry.badge, 1)
