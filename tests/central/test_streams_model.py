"""Random deliveries against a model that knows nothing of ranges and upserts.

Two gateways, several epochs each, overlapping punches in several revisions. Messages
are dropped, doubled, put in any order, closed; the store is closed and opened between.
What the model says is written down entry by entry in plain dictionaries.
"""

import random
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from central.store.questions import closed_ranges, holes
from central.store.store import CentralStore
from central.values import Batch, Stream
from sync.commands import RangeFate
from sync.messages import PunchEntry
from tests.central.batches import AT, message
from tests.sync.memory_outbox import MemoryOutbox, Row, event, punch

PUNCHES = 60


@dataclass
class Model:
    """What a store must hold, one entry after the other."""

    booked: dict[Stream, set[int]] = field(default_factory=dict)
    heads: dict[Stream, dict[int, str]] = field(default_factory=dict)
    first: dict[str, tuple[str, str, str, int]] = field(default_factory=dict)
    known: dict[str, tuple[int, str | None]] = field(default_factory=dict)
    seen: dict[tuple[str, str, str, str], int] = field(default_factory=dict)
    records: set[tuple[str, str, str, int]] = field(default_factory=set)
    closed: dict[tuple[str, str, str, int], str] = field(default_factory=dict)

    def take(self, stream: Stream, rows: list[Row]) -> None:
        """Store rows of one message."""
        where = (stream.site, stream.gateway, stream.epoch)
        for row in rows:
            self.booked.setdefault(stream, set()).add(row.seq)
            self.heads.setdefault(stream, {})[row.seq] = row.hash
            if row.kind != "punch":
                self.records.add((*where, row.seq))
                continue
            entry = msgspec.json.decode(row.entry, type=PunchEntry)
            if entry.id not in self.first:
                self.first[entry.id] = (*where, row.seq)
            elif self.first[entry.id][:3] != where:
                self.seen.setdefault((entry.id, *where), row.seq)
            if entry.id not in self.known or entry.rev > self.known[entry.id][0]:
                self.known[entry.id] = (entry.rev, entry.person)

    def close(self, stream: Stream, first: int, last: int, fate: str) -> None:
        """Give up what is missing of a range."""
        top = max(self.booked.get(stream, set()), default=0)
        where = (stream.site, stream.gateway, stream.epoch)
        for seq in range(first, min(last, top) + 1):
            if seq not in self.booked[stream]:
                self.booked[stream].add(seq)
                self.closed[(*where, seq)] = fate

    def missing(self, stream: Stream) -> set[int]:
        """Return what is missing below the last entry."""
        booked = self.booked[stream]
        return set(range(1, max(booked, default=0) + 1)) - booked


def outbox(rng: random.Random, name: str) -> MemoryOutbox:
    """Return an epoch: punches of a common stock in any revision, events between."""
    made = MemoryOutbox(name)
    for _ in range(rng.randint(20, 60)):
        if rng.random() < 0.1:
            made.add("event", event(0))
            continue
        rev = rng.randint(1, 3)
        entry = punch(0, rng.randrange(PUNCHES))
        person = None if rev == 1 else f"p{rev}-{name}"
        made.add("punch", msgspec.structs.replace(entry, rev=rev, person=person))
    return made


def cut(rng: random.Random, made: MemoryOutbox) -> list[list[Row]]:
    """Return an outbox in messages of any size."""
    parts, after = [], 0
    while rows := made.batch(after, rng.randint(1, 9)):
        parts.append(list(rows))
        after = rows[-1].seq
    return parts


def assert_equal(store: CentralStore, model: Model) -> None:
    """Read everything back past our own code and compare."""

    def rows(sql: str) -> list[Any]:
        with store.reading() as conn:
            return [tuple(row) for row in conn.execute(text(sql))]

    where = "site, gateway, epoch, seq"
    first = {row[0]: row[1:] for row in rows(f"SELECT id, {where} FROM punch_rows")}
    assert first == model.first
    known = {row[0]: row[1:] for row in rows("SELECT id, rev, person FROM punch_rows")}
    assert known == model.known
    seen = rows(f"SELECT id, {where} FROM sightings")
    assert {row[:4]: row[4] for row in seen} == model.seen
    assert len(seen) == len(model.seen)
    assert set(rows(f"SELECT {where} FROM records")) == model.records
    closed = {
        (row["site"], row["gateway"], row["epoch"], seq): row["fate"]
        for row in closed_ranges(store)
        for seq in range(row["first"], row["last"] + 1)
    }
    assert closed == model.closed
    standings = {item.stream: item for item in store.streams()}
    assert standings.keys() == model.booked.keys()
    for stream, item in standings.items():
        missing = {n for a, b in item.missing for n in range(a, b + 1)}
        assert missing == model.missing(stream)
        top = max(model.booked[stream])
        upto = min(missing, default=top + 1) - 1
        assert item.upto == upto
        assert item.chain == model.heads[stream].get(upto)
        assert store.standing(stream) == item
    with_holes = {(h["site"], h["gateway"], h["epoch"]) for h in holes(store)}
    assert with_holes == {
        (s.site, s.gateway, s.epoch) for s in model.booked if model.missing(s)
    }
    assert all(hole["since"] for hole in holes(store))


@pytest.mark.parametrize("seed", range(8))
def test_rows_and_ledger_are_those_of_the_model(seed: int, url: str) -> None:
    """Dropped, doubled, in any order, closed, restarted: equal in the end and between.

    What a gateway gave up may still come later; it stays closed and is stored.
    """
    print("seed", seed)
    rng = random.Random(seed)
    model, waiting = Model(), list[tuple[Stream, str, list[Row], Batch]]()
    for gateway in ("g1", "g2"):
        for number in range(2):
            made = outbox(rng, f"{gateway}-e{number}")
            stream = Stream("s1", gateway, made.epoch)
            for rows in cut(rng, made):
                sent = (stream, gateway, rows, message(made, rows, gateway))
                waiting += [sent] * rng.choice([0, 1, 1, 1, 2])
    rng.shuffle(waiting)
    store = CentralStore.open(url, AT)
    try:
        while waiting:
            size = rng.randint(1, 12)
            for stream, _, rows, _ in waiting[:size]:
                model.take(stream, rows)
            store.commit([item[3] for item in waiting[:size]], AT)
            del waiting[:size]
            if rng.random() < 0.3:
                stream = rng.choice(list(model.booked))
                first = rng.randint(1, 40)
                fate = rng.choice(["pruned", "never_existed"])
                last = first + rng.randint(0, 20)
                model.close(stream, first, last, fate)
                given = RangeFate(first=first, last=last, fate=fate)  # type: ignore[arg-type]
                for _ in range(rng.randint(1, 2)):
                    store.close_ranges(stream, [given], AT)
            if rng.random() < 0.2:
                assert_equal(store, model)
                store.close()
                store = CentralStore.open(url, AT)
        assert_equal(store, model)
    finally:
        store.close()


def test_holes_are_dated_from_their_beginning(url: str) -> None:
    """Since when a stream has holes outlives restarts, and ends with the last one."""
    made = MemoryOutbox()
    made.add_punches(range(30))
    parts = [message(made, made.rows[n : n + 10]) for n in (0, 10, 20)]
    times = [f"2026-11-02T08:00:0{n}+08:00" for n in range(5)]
    with CentralStore.open(url, AT) as store:
        store.commit([parts[0]], times[0])
        assert holes(store) == []
        store.commit([parts[2]], times[1])
    with CentralStore.open(url, AT) as store:
        store.commit([parts[2]], times[2])
        (found,) = holes(store)
        assert (found["since"], found["missing"]) == (times[1], [[11, 20]])
        store.commit([parts[1]], times[3])
        assert holes(store) == []


def test_closing_moves_the_acknowledgement(url: str) -> None:
    """Behind closed ranges `upto` goes on; at their end no chain hash is known."""
    made = MemoryOutbox()
    made.add_punches(range(30))
    stream = Stream("s1", "g1", made.epoch)
    gone = [
        RangeFate(first=1, last=12, fate="pruned"),
        RangeFate(first=13, last=15, fate="sent"),
        RangeFate(first=26, last=99, fate="never_existed"),
    ]
    with CentralStore.open(url, AT) as store:
        store.commit(
            [message(made, made.rows[15:20]), message(made, made.rows[22:25])], AT
        )
        standing, closed = store.close_ranges(stream, gone[:1], AT)
        assert (standing.upto, standing.chain) == (12, None)
        assert standing.missing == ((13, 15), (21, 22))
        assert [(p.first, p.last) for p in closed] == [(1, 12)]
        standing, closed = store.close_ranges(stream, [gone[0], gone[2]], AT)
        assert (standing.upto, closed) == (12, [])
        store.commit([message(made, made.rows[12:15])], AT)
        assert store.standing(stream).upto == 20
        assert store.standing(stream).chain == made.rows[19].hash
    with CentralStore.open(url, AT) as store:
        assert store.standing(stream).upto == 20
        assert [row["fate"] for row in closed_ranges(store)] == ["pruned"]
