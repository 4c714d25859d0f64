"""Raw rows into punches and entries: nothing lost, doubled or out of order."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway.core.values import NotJudged, Punch, RawRecord, Rejected, Source
from gateway.store import epochs, outbox, raw
from gateway.store.outbox import Interpreted, interpret
from gateway.store.schema import table
from gateway.store.seen import Seen
from tests.builders import STAMP, book, meaning, punch, record, records
from tests.gateway.store.journals import keep, memory, outcomes, verify_chain

MEANING = meaning()
KNOWN = punch()


def run(db: Database, last: int = 0, limit: int = 1000) -> Interpreted:
    """Interpret with the small book."""
    return interpret(db, last, limit, MEANING, STAMP)


def entries(db: Database, epoch: int = 1) -> list[tuple[int, str, dict[str, Any]]]:
    """Return seq, kind and content of all entries of an epoch."""
    found = db.execute(
        "SELECT seq, kind, entry FROM outbox WHERE epoch = ? ORDER BY seq", (epoch,)
    )
    return [(seq, kind, json.loads(entry)) for seq, kind, entry in found.fetchall()]


def test_one_record_of_each_kind(db: Database) -> None:
    """A punch, its repeat, one nobody knows, and two that are none."""
    log = [
        record(raw=b"\x01a"),
        record(raw=b"\x01b", position=1),
        record(raw=b"\x01c", position=2, badge="9999"),
        record(raw=b"\x01d", position=3, at="2026-02-31T08:00:00"),
        record(raw=b"\x01e", position=4, badge="\0"),
    ]
    keep(db, log)
    done = run(db)
    assert (done.last, done.repeats, done.conflicts) == (5, 1, 0)
    assert [(seq, one.badge) for seq, one in done.punches] == [(1, "1001"), (2, "9999")]
    assert [one.record.raw for one in done.rejected] == [b"\x01d", b"\x01e"]
    unknown = punch(badge="9999").id
    assert outcomes(db) == [
        (1, "punch", KNOWN.id, None),
        (2, "repeat", KNOWN.id, None),
        (3, "punch", unknown, None),
        (4, "rejected", None, "impossible_time"),
        (5, "rejected", None, "no_badge"),
    ]
    assert [(seq, kind) for seq, kind, _ in entries(db)] == [
        (1, "punch"),
        (2, "punch"),
        (3, "event"),
        (4, "event"),
    ]
    first, second, third, _ = (entry for _, _, entry in entries(db))
    assert (first["id"], first["rev"], first["person"]) == (KNOWN.id, 1, "p01")
    assert (second["person"], second["reason"]) == (None, "unknown_badge")
    assert (third["kind"], third["raw"], third["reason"], third["at"]) == (
        "record_rejected",
        b"\x01d".hex(),
        "impossible_time",
        STAMP,
    )
    assert [entry["seq"] for _, _, entry in entries(db)] == [1, 2, 3, 4]
    assert verify_chain(db) == 4


def test_a_punch_is_stored_with_its_entry(db: Database) -> None:
    """The row of a punch holds everything of it and where its entry stands."""
    keep(db, [record(raw=b"\x01a", work=3)])
    run(db)
    (row,) = table(db, "punches").rows
    expected = punch(raw=b"\x01a", work=3)
    (first,) = raw.after(db, 0, 9)
    assert (row["epoch"], row["seq"], row["rev"]) == (1, 1, 1)
    assert outbox.punch_row(expected, 1, 1, 1, first) == tuple(row.values())
    ((kept, stamp),) = db.execute("SELECT punch, created_at FROM outbox").fetchall()
    assert (kept, stamp) == (expected.id, STAMP)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("change", [{"verify": 15}, {"state": 1}, {"work": 2}])
def test_other_codes_of_a_stored_punch_are_a_sighting(
    db: Database, change: dict[str, int], *, apart: bool
) -> None:
    """The first stored value stands; a different later one is kept and counted."""
    keep(db, [record(raw=b"\x01a"), record(raw=b"\x01b", **change)])
    first = run(db, limit=1 if apart else 2)
    last = run(db, last=1) if apart else first
    assert (last.repeats, last.conflicts, last.last) == (1, 1, 2)
    (seen,) = table(db, "sightings").rows
    codes = {"verify_code": 1, "state": 0, "work": None}
    renamed = {("verify_code" if k == "verify" else k): v for k, v in change.items()}
    assert seen == {"raw_id": 2, "punch": KNOWN.id} | codes | renamed
    (stored,) = table(db, "punches").rows
    assert {name: stored[name] for name in codes} == codes
    assert len(entries(db)) == 1


def test_nothing_new_writes_nothing(db: Database) -> None:
    """A pass without rows opens no epoch."""
    assert run(db) == Interpreted(0)
    assert run(db, last=7) == Interpreted(7)
    assert table(db, "epochs").count == 0


def test_only_repeats_append_nothing(db: Database) -> None:
    """A repeat moves neither seq nor chain."""
    keep(db, [record(raw=b"\x01a"), record(raw=b"\x01b")])
    run(db, limit=1)
    before = list(table(db, "epochs").rows)
    assert run(db, last=1).punches == []
    assert list(table(db, "epochs").rows) == before


wild = st.builds(
    record,
    badge=st.sampled_from(["1001", "0042", "9999", ""]),
    at=st.sampled_from(["2026-11-02T08:00:00", "2026-02-31T08:00:00"]),
    verify=st.integers(0, 2),
    raw=st.binary(min_size=2, max_size=2),
)


@given(st.lists(wild, max_size=10), st.lists(st.integers(1, 4), max_size=10))
def test_passes_of_any_size_give_the_same(
    log: list[RawRecord], sizes: list[int]
) -> None:
    """How rows are grouped into passes changes neither punches, seqs nor chain."""
    with memory() as whole, memory() as pieces:
        for db in (whole, pieces):
            keep(db, log)
        one, many, last = run(whole), [], 0
        for size in [*sizes, 100]:
            many.append(run(pieces, last, size))
            last = many[-1].last
        assert outbox.last_interpreted(whole) == outbox.last_interpreted(pieces) == last
        assert outcomes(whole) == outcomes(pieces)
        shown = [
            [
                (seq, kind, e | {"id": ""} if kind == "event" else e)
                for seq, kind, e in x
            ]
            for x in (entries(whole), entries(pieces))
        ]
        assert shown[0] == shown[1]
        for name in ("punches", "sightings"):
            assert list(table(whole, name).rows) == list(table(pieces, name).rows)
        assert [p for done in many for p in done.punches] == list(one.punches)
        assert sum(done.repeats for done in many) == one.repeats
        assert sum(done.conflicts for done in many) == one.conflicts
        assert len(outcomes(whole)) == table(whole, "raw").count
        if table(whole, "epochs").count:
            assert verify_chain(whole) == verify_chain(pieces) == len(entries(whole))


def plainly(db: Database, log: list[RawRecord]) -> list[tuple[Any, ...]]:
    """Return the outbox that a log of records makes, by the published rules alone."""
    ((name,),) = db.execute("SELECT name FROM epochs").fetchall()
    head = hashlib.sha256(name.encode()).hexdigest()
    known: set[str] = set()
    found: list[tuple[Any, ...]] = []
    for one in log:
        said = MEANING.normalise(one)
        if isinstance(said, Rejected) or said.id in known:
            continue
        known.add(said.id)
        values = {
            "seq": len(found) + 1,
            "id": said.id,
            "rev": 1,
            "serial": one.serial,
            "terminal": one.terminal,
            "badge": said.badge,
            "person": said.person,
            "reason": said.reason and said.reason.value,
            "at": one.at,
            "zone": "Asia/Shanghai",
            "verify": said.verify.value,
            "state": one.state,
            "work": one.work,
            "received_at": one.received_at.isoformat(timespec="milliseconds"),
            "offset_seconds": one.offset_seconds,
            "source": one.source.value,
            "raw": None if one.raw is None else one.raw.hex(),
            "verify_code": one.verify,
        }
        entry = json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()
        chained = hashlib.sha256(bytes.fromhex(head) + entry).hexdigest()
        found.append((1, len(found) + 1, "punch", said.id, entry, head, chained, STAMP))
        head = chained
    return found


readable = st.builds(
    record,
    badge=st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]))
    | st.sampled_from(["1001", " 0042\0", "9999", ""]),
    at=st.sampled_from(["2026-11-02T08:00:00", "2000-01-01T00:00:00"]),
    verify=st.integers(0, 255),
    state=st.integers(0, 255),
    work=st.none() | st.integers(0, 2**32 - 1),
    raw=st.none() | st.binary(min_size=1, max_size=40),
    source=st.sampled_from(Source),
    received_at=st.datetimes(
        datetime(2026, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        datetime(2027, 1, 1),  # noqa: DTZ001 - the same
        timezones=st.just(UTC),
    ),
    offset_seconds=st.none() | st.sampled_from([0.0, -1.5, 86400.25]),
)


@example(log=[record(badge='"\\7', raw=b"{")], fresh=True)
@given(log=st.lists(readable, max_size=10), fresh=st.booleans())
def test_entries_and_chain_are_those_of_the_published_rules(
    log: list[RawRecord],
    fresh: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    """Byte for byte, whether the rows are still in memory or read back."""
    with memory() as db:
        rows = raw.store(db, log, Seen()).rows if fresh else ()
        keep(db, log)
        epochs.current(db, STAMP)
        interpret(db, 0, 100, MEANING, STAMP, rows)
        kept = [row.record for row in raw.after(db, 0, 100)]
        stored = db.execute("SELECT * FROM outbox WHERE kind = 'punch' ORDER BY seq")
        rejected = table(db, "outbox").count_where("kind = 'event'")
        found = stored.fetchall()
        if not rejected:  # an event has an id of its own; the chain runs through it
            assert found == plainly(db, kept)
        assert verify_chain(db) == len(found) + rejected


def test_more_ids_than_one_question_can_hold(db: Database) -> None:
    """Stored punches are found among more ids than SQLite takes at once."""
    log = records(1201)
    keep(db, log)
    done = run(db, limit=2000)
    ids = [one.id for _, one in done.punches]
    found = outbox.stored(db, [*ids, "p1_none", *ids])
    assert found == dict.fromkeys(ids, (1, 0, None))
    assert len(ids) == 1201
    assert outbox.stored(db, []) == {}
    keep(db, [replace(one, raw=b"\x02" + bytes(one.raw or b"")) for one in log])
    again = run(db, last=1201, limit=2000)
    assert (again.repeats, list(again.punches)) == (1201, [])
    assert verify_chain(db) == 1201


def test_a_failing_pass_leaves_nothing_behind(db: Database) -> None:
    """Punch, outcome and entry are committed together or not at all."""
    keep(db, records(3))

    def breaks(punch: Punch, seq: int, rev: int) -> bytes:
        if seq == 3:
            raise ValueError(punch.id)
        return MEANING.punch_entry(punch, seq, rev)

    def attempt(means: outbox.Meaning) -> Interpreted:
        with db.atomic():
            return interpret(db, 0, 10, means, STAMP)

    with pytest.raises(ValueError, match="p1_"):
        attempt(replace(MEANING, punch_entry=breaks))
    for name in ("punches", "outcomes", "outbox", "sightings", "epochs"):
        assert table(db, name).count == 0
    assert len(attempt(MEANING).punches) == 3
    assert verify_chain(db) == 3


def test_last_interpreted_of_an_empty_journal(db: Database) -> None:
    """Before the first pass everything is behind row 0."""
    assert outbox.last_interpreted(db) == 0


LATER = meaning(book('[[enrolments]]\nperson = "p02"\nbadge = "9999"\n'))


def relearn_all(db: Database, means: outbox.Meaning, limit: int) -> int:
    """Attribute every stored punch again; return how many changed."""
    after: str | None = ""
    changed = 0
    while after is not None:
        after, more = outbox.relearn(db, after, limit, means, STAMP)
        changed += more
    return changed


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_book_that_learns_a_badge_sends_its_punches_again(
    db: Database, limit: int
) -> None:
    """The same id goes up with a higher rev and its person; others stay silent."""
    keep(db, [*records(2), *records(2, badge="9999")[1:], record(raw=b"\x02")])
    keep(db, [record(raw=b"\x03{", badge="9999", verify=15)])
    run(db)
    before = entries(db)
    assert relearn_all(db, MEANING, limit) == 0
    assert entries(db) == before
    assert relearn_all(db, LATER, limit) == 2
    again = [entry for _, _, entry in entries(db)[len(before) :]]
    assert {(e["rev"], e["person"], e["reason"]) for e in again} == {(2, "p02", None)}
    first = {e["id"]: e for _, _, e in before}
    for entry in again:
        changed = {"seq", "rev", "person", "reason"}
        old = first[entry["id"]]
        assert {k: v for k, v in entry.items() if k not in changed} == {
            k: v for k, v in old.items() if k not in changed
        }
    assert relearn_all(db, LATER, limit) == 0
    assert relearn_all(db, MEANING, limit) == 2
    rows = table(db, "punches").rows_where("badge = '9999'")
    assert {(r["person"], r["reason"], r["rev"]) for r in rows} == {
        (None, "unknown_badge", 3)
    }
    assert verify_chain(db) == len(before) + 4


def test_relearning_keeps_what_a_lost_clock_said(db: Database) -> None:
    """A punch with an implausible time gets its person and keeps its reason."""
    keep(db, [record(badge="9999", at="2063-01-01T00:00:00", raw=b"\x01")])
    run(db)
    assert relearn_all(db, LATER, 9) == 1
    (row,) = table(db, "punches").rows
    assert (row["person"], row["reason"]) == ("p02", NotJudged.IMPLAUSIBLE_TIME)


def test_relearning_an_empty_journal_is_done_at_once(db: Database) -> None:
    """There is nothing to look at."""
    assert outbox.relearn(db, "", 10, MEANING, STAMP) == (None, 0)


def test_functions_get_the_records_as_they_were_stored(db: Database) -> None:
    """What a rejection is told about is the stored record, whole."""
    whole = record(at="nonsense", raw=b"\x01\xff", work=4)
    told: list[tuple[Rejected, int, str]] = []

    def entry(rejected: Rejected, seq: int, at: str) -> bytes:
        told.append((rejected, seq, at))
        return MEANING.rejected_entry(rejected, seq, at)

    keep(db, [whole])
    interpret(db, 0, 5, replace(MEANING, rejected_entry=entry), STAMP)
    ((rejected, seq, at),) = told
    assert (rejected.record, seq, at) == (whole, 1, STAMP)


def test_builders_and_rows_agree() -> None:
    """The row of a punch has texts where the punch has members of sets."""
    first = raw.Row(4, 5, record(badge="9999"))
    row = outbox.punch_row(punch(badge="9999"), 1, 2, 3, first)
    plain = (str, int, float, type(None))
    assert all(type(value) in plain for value in row)
    assert "unknown_badge" in row
    assert row[-6:] == (1, 2, 3, 4, first.record.driver, 5)
