"""The same store on PostgreSQL, where its programs are installed."""

from collections.abc import Iterator

import msgspec
import pytest
from sqlalchemy import text

from central.store.store import CentralStore
from tests.central.batches import AT, message, messages
from tests.sync.memory_outbox import MemoryOutbox, punch

LATER = "2026-11-03T08:00:00+08:00"


@pytest.fixture
def store(postgresql: str) -> Iterator[CentralStore]:
    """Return an empty store."""
    with CentralStore.open(postgresql, AT) as opened:
        yield opened


def test_everything_is_stored_once_and_booked(store: CentralStore) -> None:
    """Punches, records, ledger and quarantine, twice the same."""
    outbox = MemoryOutbox()
    outbox.add_punches(range(1000))
    for _ in range(2):
        stored = store.commit(messages(outbox), AT)
        (standing,) = stored.standings
        assert (standing.upto, standing.missing) == (1004, ())
        assert standing.chain == outbox.rows[-1].hash
    assert store.count() == 1000
    found = store._conn.execute(text("SELECT id FROM punches")).scalars()
    assert set(found) == outbox.punch_ids()
    store._conn.rollback()
    records = store._conn.execute(text("SELECT count(*) FROM records"))
    assert records.scalar_one() == 4


def test_the_highest_rev_wins(store: CentralStore) -> None:
    """A person found later is known, in any order."""
    outbox = MemoryOutbox()
    for rev, person in ((3, "p03"), (1, None), (2, "p02")):
        entry = msgspec.structs.replace(punch(0, 7), rev=rev, person=person)
        outbox.add("punch", entry)
    store.commit(messages(outbox), AT)
    (row,) = store._conn.execute(text("SELECT person, seq FROM punches"))
    assert tuple(row) == ("p03", 1)


def test_holes_and_generation_survive_a_restart(postgresql: str) -> None:
    """The ledger is read back; the generation rises."""
    outbox = MemoryOutbox("holes")
    outbox.add_punches(range(60))
    with CentralStore.open(postgresql, AT) as store:
        first = store.generation
        store.commit([message(outbox, outbox.rows[40:])], AT)
    with CentralStore.open(postgresql, LATER) as store:
        assert store.generation > first
        (gap,) = store.gaps()
        assert gap.missing == ((1, 40),)
        (standing,) = store.commit([message(outbox, outbox.rows[:40])], AT).standings
        assert standing.upto == 60


def test_hostile_text_is_stored_or_put_aside(store: CentralStore) -> None:
    """A NUL goes to quarantine, everything else is stored as it is."""
    outbox = MemoryOutbox()
    for badge in ("'; DROP TABLE meta; --", "%s %(x)s", "a\x00b", "工号", ""):
        number = len(outbox.rows)
        entry = msgspec.structs.replace(punch(0, number), badge=badge)
        outbox.add("punch", entry)
    stored = store.commit(messages(outbox), AT)
    assert len(stored.poisons) == 1
    badges = store._conn.execute(text("SELECT badge FROM punches")).scalars()
    assert set(badges) == {"'; DROP TABLE meta; --", "%s %(x)s", "工号", ""}
    store._conn.rollback()
    assert store.quarantined() == 1
