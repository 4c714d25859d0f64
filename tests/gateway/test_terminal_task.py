"""Listening, lending and giving up: what a terminal's task does between reads."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from drivers.base import Announcement, Counts, ProtocolError, TerminalError
from gateway.reading import ANCHOR_SECONDS, Announced, Due
from tests.gateway.pollers import FakeTerminal, Gateway, gateway


@dataclass
class LiveTerminal(FakeTerminal):
    """A terminal that announces; each entry of `coming` is one wait's outcome."""

    coming: "asyncio.Queue[Sequence[Announcement]]" = field(
        default_factory=asyncio.Queue
    )

    async def listen(self) -> None:
        """Agree to announce."""

    async def wait(self, seconds: float) -> Sequence[Announcement]:
        """Return what is coming, or nothing when the time is up."""
        try:
            async with asyncio.timeout(seconds):
                return await self.coming.get()
        except TimeoutError:
            return []


def live(site: Gateway) -> LiveTerminal:
    """Give the site a terminal that announces, and hold its session."""
    site.terminal = LiveTerminal()
    spec = replace(site.poller.spec, live=True, poll_seconds=60.0)
    site.poller.spec = spec
    return site.terminal


async def until(true: Any) -> None:
    """Wait for something the task does."""
    async with asyncio.timeout(30):
        while not await true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


def test_an_announcement_makes_a_read_at_once() -> None:
    """The log is read because of it, long before the next poll."""

    async def run() -> None:
        async with gateway() as site:
            terminal = live(site)
            task = asyncio.create_task(site.task.run())
            terminal.log = [1]
            await terminal.coming.put([Announcement("1001", "2026-11-02T07:00:01")])

            async def settled() -> bool:
                seen = await site.stored() == [1] and terminal.coming.empty()
                return seen and not site.poller.waits_for_records

            await until(settled)
            assert await site.events() == []
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_an_announcement_without_a_record_goes_up_after_three_reads() -> None:
    """A punch that never comes into the log is evidence, and said once."""

    async def run() -> None:
        async with gateway() as site:
            terminal = live(site)
            task = asyncio.create_task(site.task.run())
            await terminal.coming.put([Announcement("1001", "2026-11-02T07:00:09")])

            async def told() -> bool:
                return bool(await site.events())

            await until(told)
            (event,) = await site.events()
            assert '"event_without_record"' in event
            assert '"badge":"1001"' in event
            assert '"at":"2026-11-02T07:00:09"' in event
            assert len(terminal.asked) >= 3
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_a_record_that_comes_late_is_no_missing_record() -> None:
    """The terminal announces first and writes a moment later."""

    async def run() -> None:
        async with gateway() as site:
            terminal = live(site)
            task = asyncio.create_task(site.task.run())
            await terminal.coming.put([Announcement("1001", "2026-11-02T07:00:02")])

            async def looked() -> bool:
                return site.poller.waits_for_records

            await until(looked)
            terminal.log = [2]

            async def settled() -> bool:
                return not site.poller.waits_for_records

            await until(settled)
            assert await site.stored() == [2]
            assert await site.events() == []
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_a_terminal_is_lent_and_polled_again() -> None:
    """The held session is left at once; while lent nothing is asked of it."""

    async def run() -> None:
        async with gateway() as site:
            terminal = live(site)
            task = asyncio.create_task(site.task.run())

            async def online() -> bool:
                return site.poller.standing.online

            await until(online)
            async with asyncio.timeout(30), site.task.lent():
                assert terminal.closed == 1
                asked = list(terminal.asked)
                terminal.log = [1]
                await asyncio.sleep(0)
                assert terminal.asked == asked
                assert await site.stored() == []

            async def stored() -> bool:
                return await site.stored() == [1]

            await until(stored)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_pauses_are_spread_and_never_much_longer_than_a_minute() -> None:
    """Terminals that failed together do not all come back in the same moment."""

    async def fail() -> list[float]:
        async with gateway() as site:
            return [site.task._failed("gone") for _ in range(300)][10:]

    pauses = asyncio.run(fail())
    assert len(set(pauses)) > 200
    assert 48.0 <= min(pauses) < 54.0
    assert 66.0 < max(pauses) <= 72.0


def test_a_pause_is_waited_out() -> None:
    """The second try comes after about a second, the third after about two."""

    class Gone(FakeTerminal):
        async def open(self) -> str:
            tried.append(asyncio.get_running_loop().time())
            raise TerminalError("gone")

    tried: list[float] = []

    async def fail() -> None:
        async with gateway() as site:
            site.terminal = Gone()
            task = asyncio.create_task(site.task.run())
            async with asyncio.timeout(30):
                while len(tried) < 3:  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(fail())
    first, second, third = tried
    assert second - first >= 0.8
    assert third - second >= 1.6


def test_bytes_that_make_no_sense_go_up_once() -> None:
    """The same complaint again and again is one event, with the bytes in it."""

    class Odd(FakeTerminal):
        async def open(self) -> str:
            raise ProtocolError("unsupported log layout", b"\x01\x02" * 2000)

    async def run() -> None:
        async with gateway() as site:
            site.terminal = Odd()
            for _ in range(3):
                with pytest.raises(TerminalError):
                    await site.task._converse()
                await site.task._keep(
                    ProtocolError("unsupported log layout", b"\x01\x02" * 2000)
                )
            (event,) = await site.events()
            assert '"answer_unreadable"' in event
            assert '"bytes":4000' in event
            assert "0102" * 512 in event
            assert "0102" * 513 not in event

    asyncio.run(run())


@pytest.mark.parametrize(
    "counts, now, due",
    [
        (Counts(0, 5, 100), 10.0, False),
        (Counts(0, 6, 100), 10.0, True),
        (Counts(0, 4, 100), 10.0, True),
        (Counts(0, 5, 5), 10.0, True),  # a full log may lose its beginning
        (Counts(0, 5, 100), 10.0 + ANCHOR_SECONDS, True),
    ],
)
def test_when_a_log_is_read(counts: Counts, now: float, *, due: bool) -> None:
    """A counter that did not move spares the read, but not for ever."""
    found = Due()
    assert found.is_due(counts, now)
    found.done(Counts(0, 5, 100), 5, 10.0, brought=False)
    assert found.is_due(counts, now) is due


@pytest.mark.parametrize("counted, position", [(5, 4), (4, 5), (0, 0), (-1, 3)])
def test_a_counter_that_lied_is_not_asked_again(counted: int, position: int) -> None:
    """Where the count is not what was read, or is nothing, the log is read."""
    found = Due()
    found.done(Counts(0, counted, 0), position, 0.0, brought=False)
    assert found.is_due(Counts(0, counted, 0), 0.1)


def test_announcements_wait_for_three_reads_or_five_minutes() -> None:
    """A slot nobody knows the badge of can be looked for nowhere: nobody waits."""
    found = Announced()
    unknown = [Announcement(None, "b"), Announcement(None, "b", 6)]
    found.note([Announcement("1", "a"), *unknown], {7: "seven"}, 0.0)
    found.note([Announcement("1", "a")], {}, 100.0)
    assert list(found.waiting) == [("1", "a")]
    assert found.overdue(1.0) == []
    assert found.overdue(2.0) == []
    assert found.overdue(3.0) == [("1", "a")]
    assert not found.waiting
    found.note([Announcement(None, "c", 7)], {7: "2"}, 10.0)
    assert found.overdue(310.0) == [("2", "c")]
    found.note([Announcement("3", "d")], {}, 10.0)
    found.seen("3", "d")
    assert not found.waiting


def test_a_held_clock_is_looked_at_every_five_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where polls are further apart: silence ends when the clock is due."""
    now = [5000.0]
    monkeypatch.setattr("gateway.terminal_clock.time.monotonic", lambda: now[0])

    async def hold() -> None:
        async with gateway() as site:
            site.poller.spec = replace(site.poller.spec, poll_seconds=86_400.0)
            await site.task._wait(site.terminal)  # never looked at: due at once
            await site.poll([1])
            clocks = site.terminal.clocks = ["2026-11-02T08:00:01"] * 2
            for passed in (0.0, 100.0, 198.0):
                now[0] += passed
                await site.task._wait(site.terminal)
                await site.poller.look(site.terminal)
                assert len(clocks) == 2
            now[0] += 2.0
            await site.poller.look(site.terminal)
            assert len(clocks) == 1
            await site.task._wait(site.terminal)
            assert site.terminal.waited == [0.0, 300.0, 200.0, 2.0, 300.0]
            site.poller.spec = replace(site.poller.spec, poll_seconds=30.0)
            await site.task._wait(site.terminal)
            assert site.terminal.waited[-1] == 30.0

    asyncio.run(hold())


@dataclass
class ShyTerminal(FakeTerminal):
    """A terminal that does not announce; where `breaks`, the connection is gone too."""

    breaks: bool = False
    gone: bool = False

    async def counts(self) -> Counts:
        """Count, unless nobody is there any more."""
        if self.gone:
            raise TerminalError("the connection broke")
        return await FakeTerminal.counts(self)

    async def listen(self) -> None:
        """Refuse."""
        self.gone = self.breaks
        raise TerminalError("no events here")


def test_a_refusal_to_announce_is_said_now_and_then(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is polled for ever: one line each time would be no news."""
    caplog.set_level("INFO", "punchgate.poller")

    async def poll() -> None:
        async with gateway() as site:
            live(site)
            site.terminal = ShyTerminal()
            for _ in range(12):
                await site.task._converse()

    asyncio.run(poll())
    said = [record for record in caplog.records if record.msg == "terminal not live"]
    assert len(said) == 2


def test_a_connection_that_breaks_while_registering_is_no_refusal() -> None:
    """The terminal is down and tried again soon, not polled at leisure."""

    async def poll() -> None:
        async with gateway() as site:
            live(site)
            site.terminal = ShyTerminal(breaks=True)
            with pytest.raises(TerminalError, match="broke"):
                await site.task._converse()

    asyncio.run(poll())
