"""Raw rows: the same log in any pieces, any number of times, adds nothing twice."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway.core.values import RawRecord, Source
from gateway.store import raw
from gateway.store.schema import table
from gateway.store.seen import Seen, fingerprint
from tests.builders import record, records
from tests.gateway.store.journals import keep, memory


def log_of(numbers: Sequence[int], *, with_bytes: bool) -> list[RawRecord]:
    """Return a log in which equal numbers are identical records."""
    return [
        record(
            at=f"2026-11-02T08:00:{n:02d}",
            position=position,
            raw=bytes([1, n]) if with_bytes else None,
        )
        for position, n in enumerate(numbers)
    ]


def keys(db: Database) -> list[tuple[str, bytes, int]]:
    """Return the keys of all rows in the order they came."""
    return list(
        db.execute("SELECT serial, record, occurrence FROM raw ORDER BY id").fetchall()
    )


logs = st.lists(st.integers(0, 3), max_size=12)


@given(logs, st.booleans(), st.lists(st.lists(st.integers(0, 12)), max_size=3))
def test_any_split_and_repetition_of_a_log_is_one_log(
    numbers: list[int],
    with_bytes: bool,  # noqa: FBT001 - hypothesis gives it
    reads: list[list[int]],
) -> None:
    """However often and in whatever pieces a log is read, each record is one row."""
    whole = log_of(numbers, with_bytes=with_bytes)
    with memory() as once, memory() as often:
        assert keep(once, whole) == len(whole)
        new = 0
        for cuts in [*reads, []]:
            seen = Seen()
            ends = [*sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
            for start, end in zip([0, *ends], ends, strict=False):
                new += raw.store(often, whole[start:end], seen).new
        assert new == len(whole)
        assert keys(often) == keys(once)


@given(logs, logs)
def test_a_log_that_grew_adds_its_tail_only(old: list[int], more: list[int]) -> None:
    """A whole read of a longer log, and a read behind the cursor, add the same."""
    whole = log_of([*old, *more], with_bytes=True)
    head, tail = whole[: len(old)], whole[len(old) :]
    with memory() as full, memory() as behind:
        assert keep(full, head) == keep(behind, head) == len(head)
        assert keep(full, whole) == len(tail)
        wanted = {raw.record_key(one) for one in tail}
        seen = raw.occurrences(behind, whole[0].serial if whole else "", wanted)
        assert raw.store(behind, tail, Seen(seen)).new == len(tail)
        assert keys(behind) == keys(full)


def test_identical_records_are_counted_in_log_order(db: Database) -> None:
    """Identical bytes are different rows: 0, 1, 2."""
    assert keep(db, log_of([1, 1, 2, 1], with_bytes=True)) == 4
    assert [(key, number) for _, key, number in keys(db)] == [
        (b"\x01\x01", 0),
        (b"\x01\x01", 1),
        (b"\x01\x02", 0),
        (b"\x01\x01", 2),
    ]
    mark = fingerprint(b"\x01\x01")
    found = raw.occurrences(db, "VT00000001", {b"\x01\x01", b"none"})
    assert found[mark] == 3
    assert raw.occurrences(db, "other", {b"\x01\x01"})[mark] == 0


def test_equal_bytes_of_two_terminals_are_two_rows(db: Database) -> None:
    """The serial is part of the key."""
    one = record(raw=b"x")
    assert keep(db, [one]) == 1
    assert keep(db, [replace(one, serial="VT2")]) == 1


def test_without_bytes_the_fields_are_the_key() -> None:
    """Position, terminal, way and receipt are no part of what a record is."""
    one = record(badge="甲", work=None)
    assert (
        raw.record_key(one)
        == (
            '{"serial":"VT00000001","badge":"甲","at":"2026-11-02T08:00:00","verify":1,'
            '"state":0,"work":null}'
        ).encode()
    )
    same = record(badge="甲", position=9, source=Source.FILE, terminal="x")
    assert raw.record_key(same) == raw.record_key(one)
    for changed in ("serial", "badge", "at", "verify", "state", "work"):
        value = "x" if changed in ("serial", "badge", "at") else 7
        other = record(**{"badge": "甲", changed: value})
        assert raw.record_key(other) != raw.record_key(one)
    assert raw.record_key(record(raw=b"\x00\x01")) == b"\x00\x01"


@example(b'{"a":1}')
@example(b"{")
@example(b"\x7b\x00" + b"1001".ljust(24, b"\0") + b"\x01" * 14)
@given(st.none() | st.binary(min_size=1, max_size=40))
def test_a_record_comes_back_as_it_was(content: bytes | None) -> None:
    """Whatever its bytes are, also those of a user in slot 123 (0x7B is a brace)."""
    whole = record(
        raw=content, work=3, position=7, source=Source.LIVE, offset_seconds=None
    )
    with memory() as db:
        keep(db, [whole])
        assert raw.after(db, 0, 10) == [raw.Row(1, 1, whole)]


def test_rows_are_read_behind_a_row_up_to_a_limit(db: Database) -> None:
    """Passes go through the rows once and in order."""
    log = records(5)
    keep(db, log)
    found = [(row.id, row.record) for row in raw.after(db, 2, 2)]
    assert found == [(3, log[2]), (4, log[3])]
    assert raw.after(db, 5, 2) == []


@given(logs, logs)
def test_rows_that_are_all_new_need_no_reading_back(
    old: list[int], more: list[int]
) -> None:
    """Told rows are those one would read; none are told where some were known."""
    with memory() as db:
        keep(db, log_of(old, with_bytes=True))
        came = log_of(more, with_bytes=True)
        stored = raw.store(db, came, Seen(), 2)
        assert stored.new == table(db, "raw").count - len(old)
        known = stored.new < len(came)
        assert stored.rows == ([] if known else raw.after(db, len(old), 99))


def test_the_first_reading_of_a_record_stays(db: Database) -> None:
    """A stored row is never changed by a later reading."""
    one = record(raw=b"x")
    keep(db, [one])
    assert keep(db, [replace(one, position=4, driver="pyzk", badge="9")]) == 0
    assert raw.after(db, 0, 9) == [raw.Row(1, 1, one)]


@pytest.mark.parametrize("offset", [None, -1.5])
def test_a_cursor_is_kept_per_serial(db: Database, offset: float | None) -> None:
    """The cursor comes back as it was moved; other serials have their own."""
    assert raw.cursor(db, "VT1") is None
    first = raw.Cursor("VT1", "lobby", "zk", 5, b"\x00{", 6, offset, "2026-11-02")
    raw.move(db, first)
    raw.move(db, replace(first, serial="VT2", position=9))
    assert raw.cursor(db, "VT1") == first
    moved = replace(first, position=6, anchor=b"z", in_terminal=7)
    raw.move(db, moved)
    assert raw.cursor(db, "VT1") == moved
    other = raw.cursor(db, "VT2")
    assert other is not None
    assert other.position == 9
