"""Terminals that give the end of their log never, or not always, and that miscount."""

import asyncio
import json
from typing import Any

import pytest

from drivers.base import ProtocolError
from gateway.store import figures
from tests.builders import SERIAL
from tests.gateway.pollers import Gateway, gateway


async def told(site: Gateway) -> list[str]:
    """Return the kinds of the events on their way up."""
    return [json.loads(one)["kind"] for one in await site.events()]


async def term(site: Gateway) -> str | None:
    """Return which term of the count equation does not add up."""
    standing = site.poller.standing
    log = figures.Log(SERIAL, "zk", standing.generation)

    def count(db: Any) -> figures.Figures:
        return figures.count(db, log, figures.Progress(1, 0, 0))

    found = await site.intake.ask(count)
    return figures.broken_term(standing.in_terminal, standing.downloaded, found)


def test_a_terminal_that_gives_no_tail_is_read_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Told once; asked for its end again at the next read, then once an hour."""
    now = [1000.0]
    monkeypatch.setattr("gateway.poller.time.monotonic", lambda: now[0])

    async def look() -> None:
        async with gateway(no_tail=True) as site:
            await site.poll([1, 2, 3, 4])
            asked = site.terminal.asked
            for log, reads in (
                ([1, 2, 3, 4, 5], [3, 0]),
                ([1, 2, 3, 4, 5, 6], [4, 0]),
                ([1, 2, 3, 4, 5, 6, 7], [0]),
            ):
                asked.clear()
                await site.poll(log)
                assert await site.stored() == log
                assert asked == reads
            now[0] += 3600.0
            asked.clear()
            await site.poll([*range(1, 9)])
            assert asked == [6, 0]
            assert await told(site) == ["tail_unreadable"]
            assert site.poller.standing.generation == 1
            assert await term(site) is None
            site.terminal.no_tail = False
            now[0] += 3600.0
            await site.poll([*range(1, 10)])
            site.terminal.no_tail = True
            await site.poll([*range(1, 11)])
            assert await site.stored() == [*range(1, 11)]
            assert await told(site) == ["tail_unreadable"] * 2

    asyncio.run(look())


def test_a_log_without_a_tail_is_still_checked_by_its_anchor() -> None:
    """Read from its start, a changed log is another log."""

    async def look() -> None:
        async with gateway(no_tail=True) as site:
            await site.poll([1, 2, 3, 4])
            await site.poll([1, 2, 3, 9, 5])
            assert await told(site) == [
                "tail_unreadable",
                "log_changed",
                "records_gone",
            ]
            assert site.poller.standing.generation == 2
            site.start(distrust=True)
            await site.task.poller.remember()
            await site.poll([1, 2, 3, 9, 5, 6])
            assert sorted(await site.stored()) == [1, 2, 3, 4, 5, 6, 9]
            assert site.poller.standing.generation == 2
            assert await term(site) is None

    asyncio.run(look())


def test_what_cannot_be_read_is_no_reason_to_read_whole() -> None:
    """A terminal that gives nothing at all has failed, and says what it holds."""

    async def look() -> None:
        async with gateway() as site:
            await site.poll([1, 2])
            site.terminal.refuses = True
            with pytest.raises(ProtocolError):
                await site.poll([1, 2, 3])
            assert site.poller.standing.in_terminal == 3
            assert await term(site) == "in_terminal = downloaded"
            site.terminal.refuses = False
            await site.poll([1, 2, 3])
            assert await term(site) is None

    asyncio.run(look())


@pytest.mark.parametrize("off", [-2, -1, 1])
def test_a_counter_that_lies_is_named(off: int) -> None:
    """What it says is shown beside what is there; a punch in between is no lie."""

    async def look() -> None:
        async with gateway(count_off=off) as site:
            await site.poll([1, 2])
            await site.poll([1, 2])
            assert site.poller.standing.in_terminal == 2 + off
            assert await term(site) == "in_terminal = downloaded"
            assert await site.stored() == [1, 2]
            site.terminal.count_off = 0
            await site.poll([1, 2])
            assert await term(site) is None

    asyncio.run(look())


def test_a_punch_behind_the_count_is_no_lie() -> None:
    """Whoever punches between count and read breaks no equation."""

    async def look() -> None:
        async with gateway() as site:
            await site.poll([1, 2])
            site.terminal.count_off = -1
            await site.poll([1, 2, 3])
            assert await term(site) is None

    asyncio.run(look())
