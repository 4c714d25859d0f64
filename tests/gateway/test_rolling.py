"""A full log that drops its oldest record for each that it takes."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from drivers.base import RawPunch, TerminalUser
from drivers.virtual import Full, VirtualConfig, VirtualTerminal
from drivers.zk.commands import Command
from gateway import rolling
from gateway.reading import taken
from gateway.store import figures
from tests.builders import SERIAL
from tests.drivers.terminals import lines
from tests.gateway.pollers import FakeTerminal, Gateway, Log, gateway

CAPACITY = 20
ways = st.fixed_dictionaries(
    {"whole": st.booleans(), "bytes_": st.booleans(), "piece": st.integers(1, 7)}
)


async def told(site: Gateway) -> list[tuple[str, Any]]:
    """Return the kinds of the events on their way up, and what of the detail counts."""
    found = [json.loads(one) for one in await site.events()]
    return [(one["kind"], one["detail"].get("count")) for one in found]


async def counted(site: Gateway) -> figures.Figures:
    """Return the figures of the log as it is now; they add up."""
    standing = site.poller.standing
    log = figures.Log(SERIAL, site.poller.spec.driver.name, standing.generation)

    def count(db: Any) -> figures.Figures:
        return figures.count(db, log, figures.Progress(1, 0, 0))

    found = await site.intake.ask(count)
    term = figures.broken_term(standing.in_terminal, standing.downloaded, found)
    assert term is None
    return found


def test_what_a_full_log_took_is_read_alone() -> None:
    """One state of the log, one event; each poll asks for its two ends only."""

    async def punch() -> None:
        async with gateway(capacity=CAPACITY, piece=CAPACITY) as site:
            await site.poll(list(range(CAPACITY)))
            for dropped in (1, 2, 5, 6):
                site.terminal.asked.clear()
                await site.poll(list(range(dropped, dropped + CAPACITY)))
                assert site.terminal.asked == [CAPACITY - 1, 0]
                assert site.poller._due.brought
                assert await site.stored() == list(range(dropped + CAPACITY))
                found = await counted(site)
                assert (found.stored, found.earlier) == (CAPACITY, dropped)
                assert site.poller.standing.generation == 1
            assert await told(site) == [("records_gone", 1)]
            site.terminal.asked.clear()
            await site.poll(list(range(6, 6 + CAPACITY)))
            assert site.terminal.asked == [CAPACITY - 1]

    asyncio.run(punch())


def test_of_a_long_log_only_its_end_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The window is as long as it must be; what took more than half is read whole."""
    monkeypatch.setattr(rolling, "_REACH", 8)

    async def punch() -> None:
        async with gateway(capacity=CAPACITY) as site:
            await site.poll(list(range(CAPACITY)))
            site.terminal.asked.clear()
            await site.poll(list(range(4, 4 + CAPACITY)))
            assert site.terminal.asked == [CAPACITY - 1, CAPACITY - 8, 0]
            assert await told(site) == [("records_gone", 4)]
            site.terminal.asked.clear()
            await site.poll(list(range(9, 9 + CAPACITY)))
            assert site.terminal.asked == [CAPACITY - 1, CAPACITY - 8, 0]
            assert site.poller.standing.generation == 2
            assert await site.stored() == list(range(9 + CAPACITY))
            found = await counted(site)
            assert (found.stored, found.earlier) == (CAPACITY, 9)

    asyncio.run(punch())


class BusyTerminal(FakeTerminal):
    """Somebody punches right before its first record is asked for alone."""

    async def read(self, start: int = 0) -> AsyncGenerator[Sequence[RawPunch], None]:
        """Take one more, then give what is asked for."""
        if not start and self.log:
            self.log = [*self.log[1:], self.log[-1] + 1]
        async for piece in super().read(start):
            yield piece


def test_a_punch_between_the_two_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first record may be gone by then; what came meanwhile is the next poll's."""
    monkeypatch.setattr(rolling, "_REACH", 8)

    async def punch() -> None:
        async with gateway(capacity=CAPACITY) as site:
            await site.poll(list(range(CAPACITY)))
            site.terminal = BusyTerminal(capacity=CAPACITY)
            await site.poll(list(range(1, 1 + CAPACITY)))
            assert await site.stored() == list(range(1 + CAPACITY))
            await site.poll(site.terminal.log)
            assert await site.stored() == list(range(2 + CAPACITY))
            assert site.poller.standing.generation == 1
            await counted(site)

    asyncio.run(punch())


@pytest.mark.parametrize("refusals", [1, 2])
def test_a_full_log_whose_end_is_not_to_be_had(
    monkeypatch: pytest.MonkeyPatch, refusals: int
) -> None:
    """It is read whole, as any other one; nothing waits for a tail that never comes."""
    monkeypatch.setattr(rolling, "_REACH", 8)

    async def punch() -> None:
        async with gateway(capacity=CAPACITY, no_tail=True) as site:
            await site.poll(list(range(CAPACITY)))
            for new in range(1, 1 + refusals):
                await site.poll(list(range(new, new + CAPACITY)))
            assert await site.stored() == list(range(refusals + CAPACITY))
            assert site.poller.standing.generation == 1 + refusals
            await counted(site)
            # It gives its end again: one refusal alone is forgotten at once.
            site.terminal.no_tail = False
            site.poller._tail.refused_at = float("-inf")
            for new in range(refusals + 1, refusals + 3):
                await site.poll(list(range(new, new + CAPACITY)))
            assert site.poller.standing.generation == 1 + refusals
            assert site.poller._tail.refusals == 0

    asyncio.run(punch())


def test_each_state_of_a_log_is_told_once() -> None:
    """Cleared, full again and dropping again: that is news."""

    async def live() -> None:
        async with gateway(capacity=CAPACITY) as site:
            for first in (0, 1, 2):
                await site.poll(list(range(first, first + CAPACITY)))
            await site.poll([])
            for first in (100, 101, 102):
                await site.poll(list(range(first, first + CAPACITY)))
            assert await told(site) == [
                ("records_gone", 1),
                ("log_changed", None),
                ("records_gone", CAPACITY),
                ("records_gone", 1),
            ]
            found = await counted(site)
            assert (found.stored, found.earlier) == (CAPACITY, 24)

    asyncio.run(live())


EDITED = {
    "one in the middle is gone": [*range(5), *range(6, CAPACITY + 1)],
    "one at its end is another": [*range(1, CAPACITY - 1), 99, CAPACITY],
    "its first is another": [98, *range(2, CAPACITY + 1)],
    "nothing of it is left": [*range(100, 100 + CAPACITY)],
}


@pytest.mark.parametrize("log", EDITED.values(), ids=EDITED)
def test_a_full_log_that_somebody_edited_is_another_one(log: Log) -> None:
    """Its ends do not stand as the rows say: it is read whole, and an event says so."""

    async def edit() -> None:
        async with gateway(capacity=CAPACITY) as site:
            first = list(range(CAPACITY))
            await site.poll(first)
            await site.poll(log)
            new = [one for one in log if one not in first]
            assert await site.stored() == first + new
            gone = len(set(first) - set(log))
            changed = [("log_changed", None), ("records_gone", gone)]
            assert await told(site) == changed
            await counted(site)

    asyncio.run(edit())


def test_a_log_with_room_that_moved_is_another_one() -> None:
    """Only a full log has a reason to drop anything."""

    async def move() -> None:
        async with gateway(capacity=CAPACITY + 1) as site:
            await site.poll(list(range(CAPACITY)))
            await site.poll(list(range(1, CAPACITY + 1)))
            assert site.poller.standing.generation == 2

    asyncio.run(move())


@pytest.mark.parametrize("distrust, generation", [(False, 1), (True, 2)])
def test_after_a_stop(*, distrust: bool, generation: int) -> None:
    """A clean one changes nothing; after an unclean one all of the log is read."""

    async def stop() -> None:
        async with gateway(capacity=CAPACITY) as site:
            await site.poll(list(range(CAPACITY)))
            site.start(distrust=distrust)
            await site.poller.remember()
            await site.poll(list(range(1, 1 + CAPACITY)))
            assert site.poller.standing.generation == generation
            assert await site.stored() == list(range(1 + CAPACITY))
            await counted(site)

    asyncio.run(stop())


# A tail of these two sizes does not tell its layout alone; 8 bytes need the users too.
REQUESTS = {"49": 5, "8a": 13, "8b": 13}


@pytest.mark.parametrize(
    "driver, layout",
    [
        *(("zk", layout) for layout in ("40", "16", "36", "49", "8a", "8b")),
        ("pyzk", "40"),
        ("pyzk", "16"),
    ],
)
def test_by_the_wire(driver: str, layout: str) -> None:
    """Every layout, and the other witness: the rows are what the log ever held."""
    many = 12_000
    made = VirtualConfig(
        serial=SERIAL,
        users=[TerminalUser(slot, str(slot), "甲", 0, 0) for slot in range(1, 31)],
        log=[replace(one, badge=str(int(one.badge))) for one in lines(many)],
        layout=layout,
        capacity=many,
        full=Full.OVERWRITE,
    )

    async def work() -> None:
        async with VirtualTerminal(made) as terminal, gateway() as site:
            site.poll_virtual(terminal, driver)
            await site.task._converse()
            before = [(one.badge, one.at) for one in terminal.records]
            punched = []
            for minute in range(4):
                punched.append((before[minute][0], f"2026-11-02T07:5{minute}:00"))
                terminal.punch(*punched[-1])
                if minute == 1:
                    continue  # two at the next poll
                whole = terminal.asked(Command.READ_BUFFER)
                await site.task._converse()
                asked = terminal.asked(Command.READ_BUFFER) - whole
                assert driver == "pyzk" or asked <= REQUESTS.get(layout, 3)
                found = await counted(site)
                assert (found.stored, found.earlier) == (many, minute + 1)
            assert site.poller.standing.generation == 1

            def held(db: Database) -> list[tuple[str, str]]:
                rows = db.query("SELECT badge, at FROM raw ORDER BY id")
                return [(row["badge"], row["at"]) for row in rows]

            assert await site.intake.ask(held) == before + punched

    asyncio.run(work())


@settings(max_examples=60)
@given(
    st.lists(st.integers(0, CAPACITY + 3), max_size=6), st.sampled_from([4, 128]), ways
)
def test_however_many_it_takes_nothing_is_lost(
    steps: list[int], reach: int, way: Any
) -> None:
    """The rows are all that was ever in the log, as far as a read came in time."""

    async def run() -> None:
        async with gateway(capacity=CAPACITY, **way) as site:
            known: set[int] = set()
            end = 0
            for step in [3, *steps, 0]:
                end += step
                log = list(range(max(end - CAPACITY, 0), end))
                known |= set(log)
                await site.poll(log)
                assert await site.stored() == sorted(known)
                assert (await counted(site)).stored == len(log)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rolling, "_REACH", reach)
        asyncio.run(run())


@given(st.integers(1, 40), st.integers(0, 50), st.data())
def test_how_many_were_taken(length: int, new: int, data: Any) -> None:
    """As many as the end moved by, while at least half of it is still there."""
    keys = [bytes([number]) for number in range(length + new)]
    before, now = keys[:length], keys[new:]
    assert taken(now, before) == (new if new <= length // 2 else 0)
    assert taken(now[1:], before) == 0
    if 0 < new <= length // 2:
        place = data.draw(st.integers(0, length - new - 1))
        assert taken([*now[:place], b"other", *now[place + 1 :]], before) == 0
