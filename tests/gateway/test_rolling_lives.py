"""Any life of a full log and of the gateway that reads it, killed now and then."""

import asyncio
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway import rolling
from tests.gateway.pollers import Gateway, Log, gateway, second_of
from tests.gateway.test_rolling import counted, ways


class KilledError(BaseException):
    """The process ends before its next job is done."""


@dataclass
class Life:
    """A terminal that lives on, and a gateway that is killed now and then."""

    site: Gateway
    capacity: int
    log: Log = field(default_factory=list)
    ever: set[int] = field(default_factory=set)
    last: int = 0

    def happen(self, what: str, much: int) -> None:
        """Let people punch, or somebody clear the log or delete a record of it."""
        if what == "cleared":
            self.log = []
        elif what == "deleted" and self.log:
            del self.log[much % len(self.log)]
        else:
            new = range(self.last, self.last + much)
            self.last += much
            self.log = [*self.log, *new][-self.capacity :]

    async def poll(self, jobs: int | None) -> None:
        """Read; be killed before the job behind so many, and read in a new process."""
        self.ever |= set(self.log)
        ask = self.site.intake.ask
        left = count() if jobs is None else iter(range(jobs))

        async def dying(job: Any) -> Any:
            if next(left, None) is None:
                raise KilledError
            return await ask(job)

        self.site.intake.ask = dying  # type: ignore[method-assign]
        try:
            await self.site.poll(list(self.log))
        except KilledError:
            self.site.renew()
            await self.site.poller.remember()
            await self.site.poll(list(self.log))
        else:
            del self.site.intake.ask

    async def check(self) -> None:
        """See that each record is stored once, in the right log, and one punch."""

        def rows(db: Database) -> list[tuple[int, int]]:
            found = db.query("SELECT at, generation FROM raw")
            return [(second_of(row["at"]), row["generation"]) for row in found]

        stored = dict(await self.site.intake.ask(rows))
        assert await self.site.stored() == list(stored)
        assert set(stored) >= self.ever
        now = self.site.poller.standing.generation
        assert {one for one, of in stored.items() if of == now} == set(self.log)
        punches = await self.site.intake.ask(lambda db: db.table("punches").count)
        assert punches == len(stored)
        await counted(self.site)


@settings(max_examples=60)
@given(
    st.integers(1, 12),
    st.integers(1, 9),
    ways | st.just({"no_tail": True}),
    st.lists(
        st.tuples(
            st.sampled_from(["punched"] * 6 + ["cleared", "deleted"]),
            st.integers(0, 6),
            st.none() | st.integers(0, 14),
        ),
        max_size=10,
    ),
)
def test_any_life(
    capacity: int, reach: int, way: Any, steps: list[tuple[str, int, int | None]]
) -> None:
    """Punched, cleared, deleted from, killed at any job: each record once."""

    async def run() -> None:
        async with gateway(capacity=capacity, **way) as site:
            life = Life(site, capacity)
            for what, much, jobs in steps:
                life.happen(what, much)
                await life.poll(jobs)
                await life.check()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rolling, "_REACH", reach)
        asyncio.run(run())
