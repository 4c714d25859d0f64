"""What a poller stores: exactly what is behind the anchor, whatever the log does."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.base import Announcement, Counts
from gateway.poller import Poller, WrongTerminalError
from gateway.store import figures
from tests.builders import NOW, SERIAL
from tests.gateway.pollers import CLOCK, FakeTerminal, Log, gateway

# Few different records: identical ones are common, next to and far from each other.
logs = st.lists(st.integers(0, 3), max_size=12)
ways = st.fixed_dictionaries(
    {"whole": st.booleans(), "bytes_": st.booleans(), "piece": st.integers(1, 5)}
)
few = settings(max_examples=60)


@few
@given(logs, st.lists(logs, max_size=3), ways)
def test_a_growing_log_is_stored_once(first: Log, more: list[Log], way: Any) -> None:
    """After each read the rows are the log, identical records counted, no event."""

    async def grow() -> None:
        async with gateway(**way) as site:
            log: Log = []
            for part in [first, *more, []]:
                log = log + part
                await site.poll(log)
                assert await site.stored() == log
                cursor = await site.cursor()
                assert cursor is not None
                assert (cursor.position, cursor.in_terminal) == (len(log), len(log))
                assert site.poller.standing.downloaded == len(log)
            assert await site.events() == []

    asyncio.run(grow())


@few
@given(logs, logs, ways)
def test_an_unclean_stop_reads_all_and_adds_only_what_is_new(
    log: Log, more: Log, way: Any
) -> None:
    """A full read meets the stored rows, identical records included."""

    async def again() -> None:
        async with gateway(**way) as site:
            await site.poll(log)
            site.start(distrust=True)
            await site.poller.remember()
            await site.poll(log + more)
            assert await site.stored() == log + more
            assert site.terminal.asked[-1] == 0
            assert await site.events() == []

    asyncio.run(again())


@few
@given(logs, logs, ways)
def test_a_lost_anchor_is_seen_and_nothing_is_lost(
    before: Log, after: Log, way: Any
) -> None:
    """Another or no record at the anchor: one event, and every record is stored."""

    async def change() -> None:
        async with gateway(**way) as site:
            await site.poll(before)
            await site.poll(after)
            kept = len(before) <= len(after)
            kept = kept and before[-1:] == after[: len(before)][-1:]
            stored = await site.stored()
            if kept:
                assert await site.events() == []
                assert stored == before + after[len(before) :]
            else:
                event, *gone = await site.events()
                assert '"log_changed"' in event
                lost = Counter(before) - Counter(after)
                assert len(gone) == bool(lost)
                assert all(f'"count":{lost.total()}' in one for one in gone)
                assert Counter(stored) == Counter(before) | Counter(after)
                assert site.terminal.asked[-1] == 0
            cursor = await site.cursor()
            assert cursor is not None
            assert cursor.position == len(after)
            await site.poll(after)
            assert await site.stored() == stored

    asyncio.run(change())


@few
@given(st.lists(logs, min_size=1, max_size=5), ways)
def test_the_count_equation_is_of_the_log_as_it_is_now(
    states: list[Log], way: Any
) -> None:
    """However the log was changed: what is in it, is downloaded, is stored."""

    async def change() -> None:
        counter = figures.Counter()
        async with gateway(**way) as site:
            for log in states:
                await site.poll(log)
                standing = site.poller.standing
                held = figures.Log(SERIAL, "zk", standing.generation)
                asked: dict[str, Any] = {
                    "log": held,
                    "progress": figures.Progress(1, 0, 0),
                }
                found = await site.intake.ask(partial(figures.count, **asked))
                # What is counted again only where something came says the same.
                again = await site.intake.ask(
                    partial(counter.count, **asked, read_at=standing.last_read)
                )
                assert again == found
                assert found.stored == len(log) == standing.downloaded
                term = figures.broken_term(
                    standing.in_terminal, standing.downloaded, found
                )
                assert term is None

    asyncio.run(change())


class Records(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self.records.append(record)


@pytest.fixture
def said() -> Iterator[list[logging.LogRecord]]:
    """Give what the program logs."""
    handler = Records()
    logger = logging.getLogger("punchgate")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler.records
    logger.removeHandler(handler)
    logger.setLevel(level)


def events(said: list[logging.LogRecord], event: str) -> list[Any]:
    """Return the values of one event's lines."""
    return [record.args for record in said if record.msg == event]


def test_only_the_tail_is_asked_for() -> None:
    """The second read begins at the anchor, not behind it and not at the start."""

    async def twice() -> list[int]:
        async with gateway() as site:
            await site.poll([1, 2, 3, 4, 5])
            await site.poll([1, 2, 3, 4, 5, 6])
            assert site.terminal.closed == 2
            return site.terminal.asked

    assert asyncio.run(twice()) == [0, 4]


def test_another_terminal_is_reported_once_and_never_read() -> None:
    """The wrong serial makes one event however often it answers, and no row."""

    async def replaced() -> None:
        async with gateway(serial="OTHER") as site:
            for _ in range(3):
                with pytest.raises(WrongTerminalError, match="serial OTHER answers"):
                    await site.poll([1, 2])
            assert await site.stored() == []
            assert len(await site.events()) == 1
            site.terminal.serial = SERIAL
            await site.poll([1, 2])
            site.terminal.serial = "OTHER"
            with pytest.raises(WrongTerminalError):
                await site.poll([1, 2])
            assert len(await site.events()) == 2
            assert await site.stored() == [1, 2]

    asyncio.run(replaced())


@pytest.mark.parametrize("off, counted", [(-2, 3), (0, 3), (2, 5)])
def test_a_counter_that_lies(off: int, counted: int) -> None:
    """Too low: what came is what there is; too high: the equation will show it."""

    async def lied() -> None:
        async with gateway(count_off=off) as site:
            await site.poll([1, 2, 3])
            cursor = await site.cursor()
            assert cursor is not None
            assert (cursor.position, cursor.in_terminal) == (3, counted)

    asyncio.run(lied())


@pytest.mark.parametrize("seconds, jumped", [("06", 0), ("07", 1)])
def test_a_clock_that_jumps_between_two_looks(seconds: str, jumped: int) -> None:
    """More than five seconds between two measurements goes up as an event."""

    async def jump() -> tuple[Poller, list[str], list[float]]:
        async with gateway(clocks=[CLOCK, CLOCK[:-2] + seconds]) as site:
            await site.poll([1])
            await site.poll([1])
            noted = await site.intake.ask(
                lambda db: [row["offset_seconds"] for row in db.table("clocks").rows]
            )
            return site.poller, await site.events(), noted

    poller, events_, noted = asyncio.run(jump())
    assert ['"clock_jumped"' in event for event in events_] == [True] * jumped
    assert poller.standing.offset_seconds == int(seconds) - 0.5
    assert noted == [0.5, int(seconds) - 0.5]


def test_a_clock_without_a_date_measures_nothing(
    said: list[logging.LogRecord],
) -> None:
    """The log is read all the same; its records have no offset."""

    async def ask() -> None:
        async with gateway(clocks=["2000-00-00T00:00:00"]) as site:
            await site.poll([1])
            assert await site.stored() == [1]
            assert site.poller.standing.offset_seconds is None

    asyncio.run(ask())
    (values,) = events(said, "clock unreadable")
    assert values["shows"] == "2000-00-00T00:00:00"


def test_a_failing_terminal_is_tried_again_and_said_rarely(
    said: list[logging.LogRecord],
) -> None:
    """Failure 1 and 10 are logged; pauses grow to a minute; success starts over."""

    async def fail() -> list[float]:
        async with gateway() as site:
            pauses = [site.task._failed("gone") for _ in range(12)]
            assert not site.poller.standing.online
            assert site.poller.standing.error == "gone"
            await site.poll([1])
            assert site.poller.standing.online
            assert site.poller.standing.error is None
            return [*pauses, site.task._failed("gone")]

    pauses = asyncio.run(fail())
    assert [values["after"] for values in events(said, "terminal down")] == [1, 10, 1]
    for number, pause in enumerate(pauses[:12]):
        assert 0.8 * min(2**number, 60) <= pause <= 1.2 * min(2**number, 60)
    assert pauses[12] <= 1.2
    assert [values["records"] for values in events(said, "terminal up")] == [1]


def test_a_counter_that_falls_makes_a_whole_read() -> None:
    """Also where the last record still stands in its place: somebody was there."""

    async def fall() -> None:
        async with gateway() as site:
            await site.poll([1, 2, 3, 4, 5])
            site.terminal.count_off = -2
            await site.poll([1, 2, 3, 4, 5])
            assert site.terminal.asked == [0, 0]
            (event,) = await site.events()
            assert '"log_changed"' in event
            assert "counts 3 records, 5 before" in event
            assert await site.stored() == [1, 2, 3, 4, 5]
            assert site.poller.standing.generation == 2

    asyncio.run(fall())


def test_our_own_mistake_is_shown_and_the_task_goes_on(
    said: list[logging.LogRecord],
) -> None:
    """An unexpected exception is logged with its traceback; the terminal is offline."""

    class Broken(FakeTerminal):
        async def open(self) -> str:
            raise ZeroDivisionError("a mistake of ours")

    async def mistaken() -> None:
        async with gateway() as site:
            site.terminal = Broken()
            task = asyncio.create_task(site.task.run())
            async with asyncio.timeout(10):
                while site.poller.standing.error is None:  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            error = site.poller.standing.error
            assert error == "ZeroDivisionError: a mistake of ours"

    asyncio.run(mistaken())
    (record,) = [r for r in said if r.msg == "terminal task failed"]
    assert record.exc_info is not None


def test_a_start_shows_what_the_journal_knows() -> None:
    """Before the first answer the standing is that of the stored cursor."""

    async def restart() -> None:
        async with gateway() as site:
            await site.poll([1, 2, 3])
            before = site.poller.standing
            site.start()
            site.terminal.serial = "OTHER"  # nothing is read any more
            task = asyncio.create_task(site.task.run())
            async with asyncio.timeout(10):
                while site.poller.standing.error is None:  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            found = replace(site.poller.standing, error=None)
            assert found == replace(
                before, online=False, capacity=None, complete_at=None, offset_at=None
            )

    asyncio.run(restart())


def test_a_log_is_complete_until_its_counter_was_asked() -> None:
    """What is punched while the log is read may be missing; a mere look is enough."""

    async def look() -> None:
        async with gateway() as site:
            assert site.poller.standing.complete_at is None
            await site.poll([1, 2])
            assert site.poller.standing.complete_at == NOW
            later = site.poller._now = lambda: NOW + timedelta(hours=1)
            reads = len(site.terminal.asked)
            await site.poller.visit(site.terminal)
            assert len(site.terminal.asked) == reads
            assert site.poller.standing.complete_at == later()

    asyncio.run(look())


def test_a_log_that_shows_less_than_it_counts_is_not_complete() -> None:
    """Also not while an announced punch is missing, or in the middle of a read."""

    async def look() -> None:
        async with gateway(count_off=1) as site:
            await site.poll([1, 2])
            assert site.poller.standing.complete_at is None
            site.terminal.count_off = 0
            announced = [Announcement("1001", "2026-11-02T07:59:00")]
            await site.poller.look(site.terminal, announced)
            assert site.poller.waits_for_records
            assert site.poller.standing.complete_at is None
            site.poller._announced.waiting.clear()
            site.poller.distrust = True
            await site.poller._complete(Counts(0, 2, 1000))
            assert site.poller.standing.complete_at is None
            await site.poller.look(site.terminal)
            assert site.poller.standing.complete_at == NOW

    asyncio.run(look())
