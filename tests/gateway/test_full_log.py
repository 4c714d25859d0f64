"""E101: since when a full log may have refused punches, and until when."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from drivers.base import Counts
from gateway.full_log import FullLog, outage
from gateway.intake import Intake
from gateway.store import full_logs, raw
from gateway.store.figures import Log
from gateway.store.full_logs import Span
from gateway.store.journal import Journal
from gateway.store.seen import Seen
from tests.builders import book, record, records
from tests.gateway.store.journals import do, opened

SERIAL = "VT00000001"
ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 11, 2, 9, tzinfo=timezone(timedelta(hours=8)))
FULL, ROOM = Counts(0, 100, 100), Counts(0, 99, 100)
UNSAID = Counts(0, 100, -1)
Look = tuple[Counts, bool]
"""What the terminal says, and whether the read brought something."""


def at(minutes: int) -> datetime:
    """Return the moment of a look."""
    return START + timedelta(minutes=minutes)


def watch(
    journal: Journal,
    looks: Sequence[Look],
    read_at: str | None = None,
    first: int = 0,
    generation: int = 1,
) -> list[bool]:
    """Look once a minute in a new process; return what each look leaves open."""
    held = Log(SERIAL, "zk", generation)

    async def work() -> list[bool]:
        intake = Intake(journal, START.now, lambda: None, book())
        one = FullLog("lobby", "Asia/Shanghai", intake)
        await one.remember(SERIAL, read_at)
        return [
            await one.leaves_open(at(minute), counts, held, brought=brought)
            for minute, (counts, brought) in enumerate(looks, first)
        ]

    return asyncio.run(work())


def span(journal: Journal) -> Span | None:
    """Return what is written down."""
    return do(journal, full_logs.spans).get(SERIAL)


@pytest.mark.parametrize(
    "looks, left_open, since, until",
    [
        ([(ROOM, False)], [False], None, None),
        ([(UNSAID, False)], [False], None, None),
        ([(ROOM, False), (FULL, True)], [False, False], None, None),
        ([(ROOM, True), (FULL, False)], [False, True], 0, None),
        ([(ROOM, True), (FULL, False), (FULL, False)], [False, True, True], 0, None),
        ([(ROOM, True), (FULL, True), (FULL, False)], [False, False, True], 1, None),
        ([(ROOM, True), (FULL, False), (ROOM, False)], [False, True, True], 0, 2),
        # It took one more while it was full: its oldest went, and always will.
        ([(ROOM, True), (FULL, False), (FULL, True)], [False, True, False], None, None),
        (
            [(FULL, True), (FULL, True), (FULL, False), (ROOM, False)],
            [False, False, False, False],
            None,
            None,
        ),
    ],
)
def test_the_span_of_a_full_log(
    tmp_path: Path,
    looks: list[Look],
    left_open: list[bool],
    since: int | None,
    until: int | None,
) -> None:
    """From the last look that left nothing open to the first with room again."""
    with opened(tmp_path) as journal:
        assert watch(journal, looks) == left_open
        found = span(journal)
    if since is None:
        assert found is None
    else:
        assert found is not None
        assert datetime.fromisoformat(found.since) == at(since)
        assert bool(found.until) == (until is not None)
        assert until is None or datetime.fromisoformat(found.until) == at(until)


def test_it_is_open_until_the_book_has_it(tmp_path: Path) -> None:
    """Also for the process after this one, and when it is full again meanwhile."""
    with opened(tmp_path) as journal:
        assert watch(journal, [(ROOM, True), (FULL, False)]) == [False, True]
        assert watch(journal, [(ROOM, False), (ROOM, False)], first=5) == [True, True]
        ended = span(journal)
        assert ended is not None
        assert ended.until
        assert watch(journal, [(FULL, False), (ROOM, True)], first=9) == [True, True]
        assert span(journal) == ended
        do(journal, lambda db: full_logs.keep(db, SERIAL, None))
        assert watch(journal, [(ROOM, False)], first=20) == [False]
        assert span(journal) is None


@pytest.mark.parametrize(
    "read_at, stored, since",
    [
        ("2026-11-02T07:30:00.000+08:00", 1, "2026-11-02T07:30:00.000+08:00"),
        (None, 1, "2026-11-02T08:00:00.000+08:00"),
        (None, 0, "2026-11-02T09:00:00.000+08:00"),
    ],
)
def test_a_log_that_was_full_before_we_came(
    tmp_path: Path, read_at: str | None, stored: int, since: str
) -> None:
    """Known is what the last process read, else the last punch the log took."""
    with opened(tmp_path) as journal:
        do(journal, lambda db: raw.store(db, records(stored, serial=SERIAL), Seen()))
        assert watch(journal, [(FULL, False)], read_at) == [True]
        assert span(journal) == Span("lobby", since, stored)


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_a_log_that_makes_room_by_itself_refused_nothing(
    tmp_path: Path, kept: int
) -> None:
    """Some drop a block of their oldest records: what is left of them says so."""
    with opened(tmp_path) as journal:
        log = records(3, serial=SERIAL)
        do(journal, lambda db: raw.store(db, log, Seen(), generation=1))
        assert watch(journal, [(FULL, False)], first=1) == [True]
        seen = Seen()
        for one in log[3 - kept :]:
            seen(raw.record_key(one))
        if kept:
            do(journal, lambda db: raw.carry(db, log[3 - kept :], seen, 2))
        new = [record(serial=SERIAL, raw=b"new")]
        do(journal, lambda db: raw.store(db, new, Seen(), generation=2))
        still_open = watch(journal, [(ROOM, True)], first=2, generation=2)
        assert still_open == [not kept]
        found = span(journal)
    assert (found is None) == bool(kept)


def test_terminals_do_not_mix(tmp_path: Path) -> None:
    """What is written down of one is not touched by another."""
    other = Span("annex", "2026-11-02T07:00:00.000+08:00", 7, row="annex-full-1")
    with opened(tmp_path) as journal:
        do(journal, lambda db: full_logs.keep(db, "VT9", other))
        assert watch(journal, [(FULL, False), (FULL, True)]) == [True, False]
        assert do(journal, full_logs.spans) == {"VT9": other}


def test_the_outage_of_a_span() -> None:
    """By the site's clock, whole seconds, the last one included."""
    found = outage(
        Span(
            "lobby",
            "2026-11-02T01:00:00.900+00:00",
            7,
            "2026-11-02T02:00:00.100+00:00",
        ),
        ZONE,
        "gw-1",
        datetime(2026, 11, 2, 10, 1),  # noqa: DTZ001 - the site's clock
    )
    assert found.table == "outages"
    assert {key: found.row[key] for key in ("id", "terminal", "from", "to")} == {
        "id": "lobby-full-20261102T090000",
        "terminal": "lobby",
        "from": "2026-11-02T09:00:00",
        "to": "2026-11-02T10:00:01",
    }
    assert (found.row["entered_by"], found.row["entered_at"]) == (
        "gw-1",
        "2026-11-02T10:01:00",
    )
    assert found.travelling().keys() == {"id", "terminal", "from", "to", "entered_at"}
