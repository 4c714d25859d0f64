"""Short makers with sane defaults: records, books, punches."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gateway.core.book import Book, read_book
from gateway.core.normalise import attribute, normalise
from gateway.core.values import NotJudged, Punch, RawRecord, Rejected, Source
from gateway.outgoing import punch_entry, rejected_entry
from gateway.store.outbox import Meaning

SERIAL = "VT00000001"
NOW = datetime(2026, 11, 2, 0, 0, 1, tzinfo=UTC)
STAMP = "2026-11-02T00:00:01.000+00:00"

BOOK = """
version = "1"

[site]
id = "hq"

[[terminals]]
id = "lobby"
serial = "VT00000001"

[[terminals]]
id = "machine-room"
serial = "VT00000002"
timezone = "Asia/Urumqi"

[[people]]
id = "p01"
name = "甲一"

[[people]]
id = "p02"
name = "甲二"

[[enrolments]]
person = "p01"
badge = "1001"

[[enrolments]]
person = "p02"
badge = "0042"
"""

_RECORD = RawRecord(
    terminal="lobby",
    serial=SERIAL,
    badge="1001",
    at="2026-11-02T08:00:00",
    verify=1,
    state=0,
    work=None,
    position=0,
    raw=None,
    driver="zk",
    source=Source.POLL,
    received_at=NOW,
    offset_seconds=0.5,
)


def record(**changes: Any) -> RawRecord:
    """Return a record of badge 1001 in the lobby, 08:00 on 2026-11-02."""
    return replace(_RECORD, **changes)


def records(count: int, **changes: Any) -> list[RawRecord]:
    """Return different records with bytes, one second apart, in log order."""
    return [
        record(
            at=f"2026-11-02T{8 + n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}",
            position=n,
            raw=b"\x01" + n.to_bytes(7, "big"),
            **changes,
        )
        for n in range(count)
    ]


def book(more: str = "") -> Book:
    """Return the book above with `more` TOML behind it."""
    found, problems = read_book(BOOK + more, "book.toml")
    assert found is not None, [str(problem) for problem in problems]
    return found


def punch(**changes: Any) -> Punch:
    """Return the punch that `record(**changes)` is."""
    found = normalise(record(**changes), book())
    assert isinstance(found, Punch)
    return found


def meaning(of: Book | None = None) -> Meaning:
    """Return what records mean by a book, with the entries of the real contract."""
    today = of or book()

    def meant(one: RawRecord) -> Punch | Rejected:
        return normalise(one, today)

    def whose(one: Punch) -> tuple[str | None, NotJudged | None]:
        return attribute(today, one.terminal, one.badge, one.at, one.received_at)

    return Meaning(meant, whose, punch_entry, rejected_entry)


def entry(values: Mapping[str, object]) -> Callable[[int], bytes]:
    """Return an encoder of a tiny entry that names its seq."""
    return lambda seq: json.dumps({"seq": seq, **values}).encode()
