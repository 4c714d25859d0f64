"""One terminal read by two drivers that share no code above the socket: the same ids.

`zk` is ours, `pyzk` goes through the library people know. What both say of one virtual
terminal must be the same punches, whatever its layout, key, language or dates.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from drivers import REGISTRY
from drivers.attlog import AttlogLine
from drivers.base import RawPunch, TerminalUser
from drivers.virtual import VirtualConfig, VirtualTerminal
from gateway.core.normalise import punch_id
from tests.drivers.terminals import address, config

Between = Callable[[VirtualTerminal], Awaitable[None]]


async def statement(
    name: str, terminal: VirtualTerminal, **fields: Any
) -> Sequence[Any]:
    """Return the whole log and the user list as one driver tells them."""
    driver = REGISTRY[name].open(address(terminal, **fields))
    try:
        serial = await driver.open()
        log = [punch async for piece in driver.read() for punch in piece]
        return serial, log, await driver.users(), await driver.counts()
    finally:
        await driver.close()


def ids(log: Sequence[RawPunch]) -> list[str]:
    """Identities of punches, as the journal will know them."""
    return [punch_id(one.serial, one.badge, one.at) for one in log]


def facts(log: Sequence[RawPunch]) -> list[tuple[object, ...]]:
    """What both drivers see of each record."""
    return [(p.badge, p.at, p.verify, p.state, p.position) for p in log]


def agree(made: VirtualConfig, **fields: Any) -> None:
    """Read a terminal by both, in both orders; they say the same, and the truth."""

    async def run() -> None:
        async with VirtualTerminal(made) as terminal, asyncio.timeout(60):
            held = terminal.records
            told = [
                await statement(name, terminal, **fields)
                for name in ("zk", "pyzk", "zk")
            ]
            assert told[0] == told[2]
            for serial, log, users, counts in told:
                assert serial == terminal.serial
                assert ids(log) == ids(held)
                assert facts(log) == facts(held)
                assert list(users) == list(terminal.users)
                assert counts.records == len(held)
            assert set(ids(told[0][1])) == set(ids(told[1][1]))
            assert [one.raw for one in told[0][1]] == [one.raw for one in held]
            assert {one.raw for one in told[1][1]} <= {None}
            assert terminal.template_requests == terminal.refused == []

    asyncio.run(run())


def site(layout: str, count: int, *faults: str, **fields: Any) -> VirtualConfig:
    """Make a terminal of this layout, with `count` punches of 30 people."""
    zeros = "" if layout != "40" else "00"
    people = [
        TerminalUser(slot, f"{zeros}{slot}", "abc", 0, 0) for slot in range(1, 31)
    ]
    log = [
        AttlogLine(
            f"{zeros}{number % 30 + 1}",
            f"2026-11-{number // 3600 + 2:02}"
            f"T08:{number // 60 % 60:02}:{number % 60:02}",
            verify=(1, 4, 15)[number % 3],
            state=(0, 1, 255)[number % 3],
        )
        for number in range(count)
    ]
    usual: dict[str, Any] = {"layout": layout, "users": people, "log": log}
    return config(0, *faults, **{**usual, **fields})


@pytest.mark.parametrize("layout", ["40", "16", "8a"])
@pytest.mark.parametrize("count", [0, 3, 25, 26, 5000])
def test_layouts_and_sizes(layout: str, count: int) -> None:
    """Inline and prepared, empty and in many windows."""
    agree(site(layout, count))


@pytest.mark.parametrize("layout", ["40", "16"])
def test_one_record(layout: str) -> None:
    """A single record is enough where records name their badge."""
    agree(site(layout, 1))


@pytest.mark.parametrize("key", [1, 12345, 999_999])
def test_keys(key: int) -> None:
    """The same key opens for both."""
    agree(site("40", 26, comm_key=key), comm_key=key)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_chinese_badges_and_names(encoding: str) -> None:
    """Badges in GBK and UTF-8 are the same text to both, and so are their ids."""
    badges = ["工号一", "甲2", "一", "00七"]
    people = [TerminalUser(n, b, "王一二", 0, 0) for n, b in enumerate(badges, 1)]
    log = [
        AttlogLine(badges[n % 4], f"2026-11-02T08:00:{n:02}", state=0, verify=1)
        for n in range(30)
    ]
    agree(site("40", 0, users=people, log=log, encoding=encoding), encoding=encoding)


@pytest.mark.parametrize("layout", ["40", "16", "8a"])
def test_an_impossible_date(layout: str) -> None:
    """31 February keeps its digits and its place; both give it one id."""
    agree(site(layout, 40, "bad-date"))


def test_two_punches_in_one_second_are_one_identity() -> None:
    """Two records, one id: in both witnesses alike."""
    log = [AttlogLine("001", "2026-11-02T08:00:00", state=n, verify=1) for n in (0, 1)]
    agree(site("40", 0, log=log))


@pytest.mark.parametrize("order", [("zk", "pyzk"), ("pyzk", "zk")])
@pytest.mark.parametrize("layout", ["40", "16", "8a"])
def test_growth_between_the_two(layout: str, order: tuple[str, str]) -> None:
    """Who came later sees the same and the new ones, nothing else."""

    async def run() -> None:
        made = site(layout, 100)
        async with VirtualTerminal(made) as terminal, asyncio.timeout(30):
            before = await statement(order[0], terminal)
            for second in range(7):
                badge = terminal.users[second].badge
                terminal.punch(badge, f"2026-11-09T08:00:{second:02}")
            after = await statement(order[1], terminal)
            assert facts(after[1]) == facts(terminal.records)
            assert facts(after[1])[:100] == facts(before[1])
            assert ids(after[1])[:100] == ids(before[1])
            assert len(set(ids(after[1])) - set(ids(before[1]))) == 7

    asyncio.run(run())


def test_a_tail_of_one_and_the_whole_of_the_other() -> None:
    """What `zk` reads from a position on is what `pyzk` has from there."""

    async def run() -> None:
        async with VirtualTerminal(site("40", 3000)) as terminal:
            whole = (await statement("pyzk", terminal))[1]
            driver = REGISTRY["zk"].open(address(terminal))
            await driver.open()
            for start in (0, 1, 1500, 2994, 2999, 3000):
                tail = [one async for piece in driver.read(start) for one in piece]
                assert ids(tail) == ids(whole[start:])
                assert facts(tail) == facts(whole[start:])
            await driver.close()

    asyncio.run(run())
