"""The tasks of all terminals together: whole logs in turn, and settings in mid-read."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from sqlite_utils import Database

from drivers.attlog import AttlogLine
from drivers.virtual import VirtualConfig, VirtualTerminal, parse_faults
from gateway.clock import text
from gateway.intake import Intake
from gateway.settings import Loaded, load
from gateway.store import epochs
from gateway.store.journal import Journal
from gateway.terminals import Terminals
from gateway.watchdog import Heartbeats
from tests.builders import NOW

SECONDS = 30.0


def log(count: int) -> list[AttlogLine]:
    """Records of one day, one a second."""
    return [
        AttlogLine("1001", f"2026-11-01T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}")
        for n in range(count)
    ]


class Site:
    """Virtual terminals, a journal, and what polls them."""

    def __init__(self, folder: Path, served: Sequence[VirtualTerminal]) -> None:
        self._folder = folder
        self.served = served
        self.journal = Journal(folder, "1.2.3")
        loaded = self.loaded(60)
        self.intake = Intake(self.journal, lambda: NOW, lambda: None, loaded.book)
        self.terminals = Terminals(
            self.intake, lambda: NOW, Heartbeats(), lambda _: None
        )

    def loaded(self, poll_seconds: float) -> Loaded:
        """Write book and settings; return them as they are read."""
        book = '[site]\nid = "hq"\n'
        settings = f'[gateway]\nid = "gw-1"\nsite = "hq"\ndata_dir = "{self._folder}"\n'
        settings += 'book = "book.toml"\n[mqtt]\nhost = "127.0.0.1"\n'
        for number, terminal in enumerate(self.served):
            book += f'\n[[terminals]]\nid = "t{number}"\n'
            book += f'serial = "{terminal.config.serial}"\n'
            settings += f'\n[[terminals]]\nid = "t{number}"\nhost = "127.0.0.1"\n'
            settings += f"port = {terminal.port}\nlive = false\n"
            settings += f"poll_seconds = {poll_seconds}\n"
        (self._folder / "book.toml").write_text(book, "utf-8")
        path = self._folder / "gateway.toml"
        path.write_text(settings, "utf-8")
        return load(path)

    async def stored(self) -> list[str]:
        """Return the times of all raw rows, in the order they came."""

        def job(db: Database) -> list[str]:
            return [row["at"] for row in db.query("SELECT at FROM raw ORDER BY id")]

        return await self.intake.ask(job)

    async def until(self, true: Callable[[], bool], what: str) -> int:
        """Wait for something; return how many logs were on their way at most."""
        most = 0
        async with asyncio.timeout(SECONDS):
            while not true():
                most = max(most, sum(one.reading for one in self.served))
                await asyncio.sleep(0.002)
        print(f"{what}: {most} logs at once")
        return most


@asynccontextmanager
async def running(folder: Path, *configs: VirtualConfig) -> AsyncIterator[Site]:
    """Give a site whose terminals answer and are not polled yet."""
    async with AsyncExitStack() as stack:
        served = [
            await stack.enter_async_context(VirtualTerminal(one)) for one in configs
        ]
        site = Site(folder, served)
        site.journal.open()
        stack.callback(site.journal.close)
        await site.intake.ask(lambda db: epochs.current(db, text(NOW)))
        stack.push_async_callback(site.terminals.stop)
        yield site


def test_at_most_two_whole_logs_at_once(tmp_path: Path) -> None:
    """Seven terminals read for the first time wait for each other, in twos."""
    configs = [
        VirtualConfig(
            serial=f"VT{number:08}",
            log=log(200),
            faults=parse_faults(["slow=20", "split-data=5"]),
        )
        for number in range(7)
    ]

    async def run() -> None:
        async with running(tmp_path, *configs) as site:
            await site.terminals.apply(site.loaded(60))
            standings = site.terminals.standings()
            most = await site.until(
                lambda: all(one.online for one in standings.values()), "first reads"
            )
            assert most == 2
            assert len(await site.stored()) == 7 * 200

    asyncio.run(run())


def test_new_settings_in_the_middle_of_a_read(tmp_path: Path) -> None:
    """A read that was cut off is begun anew, whole: nothing is missing or double."""
    before, more = log(4_010)[:10], log(4_010)[10:]
    config = VirtualConfig(log=before, faults=parse_faults(["slow=150"]))

    async def run() -> None:
        async with running(tmp_path, config) as site:
            (terminal,) = site.served
            await site.terminals.apply(site.loaded(0.1))
            standing = site.terminals.poller("t0").standing
            await site.until(lambda: standing.online, "the first read")
            for line in more:
                terminal.add(line)
            async with asyncio.timeout(SECONDS):
                while len(half := await site.stored()) == len(before):  # noqa: ASYNC110 - no event
                    await asyncio.sleep(0.002)
            assert len(half) < len(before + more)
            assert site.terminals.half_read() == {"t0"}
            assert await site.terminals.apply(site.loaded(0.2)) == ["t0"]
            standing = site.terminals.poller("t0").standing
            await site.until(lambda: standing.online, "the read after that")
            assert await site.stored() == [line.at for line in before + more]
            assert site.terminals.half_read() == set()

    asyncio.run(run())
