"""The outbox of the uplink, on a real journal."""

import asyncio
import json
from pathlib import Path

import pytest
from sqlite_utils import Database

from gateway.delivery import JournalOutbox
from gateway.store.drain import Reader
from gateway.store.epochs import Appender
from sync.messages import origin
from sync.outbox import Position
from tests.builders import NOW, STAMP, entry
from tests.gateway.store.journals import do, opened


def append(db: Database) -> None:
    """Append an entry that belongs to no punch."""
    appender = Appender(db, STAMP)
    appender.add("event", entry({}), None)
    appender.flush()


def test_the_outbox_of_the_uplink_reads_and_writes_the_journal(tmp_path: Path) -> None:
    """The uplink sees the newest epoch, and what it writes is committed."""
    with opened(tmp_path) as journal:
        do(journal, append)
        do(journal, append)
        reader = Reader(journal.path)
        reader.open()
        outbox = JournalOutbox(journal, reader, lambda: NOW)
        before = outbox.position()
        first, second = outbox.batch(0, 10)
        assert (before.acked, before.head, before.head_hash) == (0, 2, second.hash)
        assert before.acked_hash == origin(before.epoch) == first.prev
        assert (outbox.hash_at(1), outbox.hash_at(9)) == (first.hash, None)
        asyncio.run(outbox.confirm(1, first.hash, "s", 7))
        assert outbox.position() == Position(
            before.epoch, 1, first.hash, 2, second.hash, "s", 7
        )
        asyncio.run(outbox.fork("other chain", 1))
        after = outbox.position()
        assert (after.acked, after.head, after.store) == (0, 2, None)
        assert after.epoch != before.epoch
        told, again = outbox.batch(0, 10)
        assert (told.seq, again.seq) == (1, 2)
        event = json.loads(told.entry)
        assert (event["kind"], event["reason"]) == ("epoch_fork", "other chain")
        assert event["detail"] == {"before": before.epoch, "head": 2, "common": 1}
        assert outbox.between(before.epoch, 2, 9, 10) == [second]
        assert outbox.between("another", 1, 9, 10) == []
        reader.close()


def test_a_centre_that_has_nothing_of_the_stream_gets_the_older_ones(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Only one that had something of it: a new stream begins with nothing, too."""
    with opened(tmp_path) as journal:
        do(journal, append)
        do(journal, append)
        reader = Reader(journal.path)
        reader.open()
        outbox = JournalOutbox(journal, reader, lambda: NOW)
        asyncio.run(outbox.confirm(2, None, "s", 7))
        asyncio.run(outbox.fork("other chain", 2))
        asyncio.run(outbox.confirm(0, None, "s", 8))
        assert outbox.position().head == 1
        asyncio.run(outbox.confirm(1, None, "s", 8))
        assert outbox.position().head == 1
        asyncio.run(outbox.confirm(0, None, "s", 9))
        assert (outbox.position().acked, outbox.position().head) == (0, 3)
        reader.close()
    (line,) = caplog.records
    assert (line.msg, line.args) == ("uplink older streams", {"entries": 2})
