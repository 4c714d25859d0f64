"""The count equation: every figure from its own rows, and the term that is wrong."""

from dataclasses import replace

import pytest
from sqlite_utils import Database

from gateway.store import epochs
from gateway.store.again import fork
from gateway.store.figures import Counter, Figures, Log, Progress, broken_term, count
from gateway.store.outbox import interpret
from tests.builders import STAMP, entry, meaning, record, records
from tests.gateway.store.journals import keep

BY_ZK = Log("VT00000001", "zk", 1)
GOOD = Figures(stored=10, punches=7, repeats=2, rejected=1, sent=7, acknowledged=5)


def test_figures_of_one_terminal_and_its_driver(db: Database) -> None:
    """Other terminals and other ways of reading the same log are not mixed in."""
    keep(db, [*records(3), record(raw=b"\x02"), record(raw=b"\x03", at="nonsense")])
    keep(db, records(2, serial="VT9"))
    keep(db, [replace(one, raw=None, driver="pyzk") for one in records(3)])
    interpret(db, 0, 100, meaning(), STAMP)
    by_zk = count(db, BY_ZK, Progress(epoch=1, sent=2, acked=1))
    assert by_zk == Figures(
        stored=5, punches=3, repeats=1, rejected=1, sent=2, acknowledged=1, earlier=0
    )
    now = count(db, replace(BY_ZK, generation=3), Progress(epoch=1, sent=2, acked=1))
    assert now == Figures(0, 0, 0, 0, 0, 0, earlier=5)
    by_pyzk = count(db, replace(BY_ZK, driver="pyzk"), Progress(1, 0, 0))
    assert (by_pyzk.stored, by_pyzk.punches, by_pyzk.repeats) == (3, 0, 3)
    other = count(db, replace(BY_ZK, serial="VT9"), Progress(1, 99, 99))
    assert other == Figures(
        stored=2, punches=2, repeats=0, rejected=0, sent=2, acknowledged=2
    )


def test_what_is_acknowledged_was_sent(db: Database) -> None:
    """After a restart nothing is sent yet, but the confirmed stays confirmed."""
    keep(db, records(3))
    interpret(db, 0, 100, meaning(), STAMP)
    found = count(db, BY_ZK, Progress(epoch=1, sent=0, acked=2))
    assert (found.sent, found.acknowledged) == (2, 2)


def test_older_epochs_count_as_confirmed(db: Database) -> None:
    """What a fork did not queue again was confirmed in the epoch before."""
    keep(db, records(3))
    interpret(db, 0, 100, meaning(), STAMP)
    epochs.confirm(db, 1, None, None, 0)
    fork(db, STAMP, "restored", 1, entry({}))
    found = count(db, BY_ZK, Progress(epoch=2, sent=2, acked=0))
    assert (found.sent, found.acknowledged) == (2, 1)


@pytest.mark.parametrize(
    "in_terminal, downloaded, change, term",
    [
        (10, 10, {}, None),
        (None, 10, {}, None),
        (11, 10, {}, "in_terminal = downloaded"),
        (11, 11, {}, "downloaded = stored"),
        (10, 10, {"repeats": 3}, "stored = punches + repeats + rejected"),
        (10, 10, {"sent": 8}, "punches >= sent"),
        (10, 10, {"sent": 4}, "sent >= acknowledged"),
    ],
)
def test_the_term_that_does_not_add_up_is_named(
    in_terminal: int | None, downloaded: int, change: dict[str, int], term: str | None
) -> None:
    """The first wrong term is named; a terminal that says no count breaks none."""
    assert broken_term(in_terminal, downloaded, replace(GOOD, **change)) == term


def test_a_log_is_counted_again_only_when_something_came(db: Database) -> None:
    """A look that finds nothing new reads no row; any other says what is there."""
    counter, told = Counter(), Progress(1, 0, 0)

    def counts() -> list[int]:
        found = counter.count(db, BY_ZK, told, "08:00")
        assert found == count(db, BY_ZK, told)
        return [found.stored, found.punches, found.repeats, found.rejected]

    def asked(read_at: str) -> list[str]:
        executed: list[str] = []
        db.conn.set_trace_callback(executed.append)
        counter.count(db, BY_ZK, told, read_at)
        db.conn.set_trace_callback(None)
        return [sql for sql in executed if "outcome = " in sql]

    assert counts() == [0, 0, 0, 0]
    keep(db, records(3))
    assert counts() == [3, 0, 0, 0]
    interpret(db, 0, 2, meaning(), STAMP)
    assert counts() == [3, 2, 0, 0]
    interpret(db, 2, 2, meaning(), STAMP)
    keep(db, [record(raw=b"\x02"), record(raw=b"\x03", at="nonsense")])
    interpret(db, 3, 100, meaning(), STAMP)
    assert counts() == [5, 3, 1, 1]
    keep(db, records(2, serial="VT9"))
    interpret(db, 5, 100, meaning(), STAMP)
    assert asked("08:00") == []
    assert len(asked("08:01")) == 2  # a read may have carried older rows over
    for generation in range(1, 9):
        log = replace(BY_ZK, generation=generation)
        assert counter.count(db, log, told, "08:01") == count(db, log, told)
    assert len(counter._known) == 1, "former states of a log are let go"


def test_progress_is_told_without_counting_the_log_again(db: Database) -> None:
    """What is sent and confirmed is asked for anew each time."""
    counter = Counter()
    keep(db, records(3))
    interpret(db, 0, 100, meaning(), STAMP)
    for told in (Progress(1, 0, 0), Progress(1, 2, 1), Progress(1, 3, 3)):
        assert counter.count(db, BY_ZK, told, "08:00") == count(db, BY_ZK, told)
