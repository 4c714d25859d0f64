"""A desk on a real journal, with books, readers and files of a folder of its own."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from drivers.serial_reader.frames import em4100_frame
from gateway.clock import text
from gateway.desk import Desk
from gateway.intake import Intake
from gateway.settings import load
from gateway.store import epochs
from gateway.store.journal import Journal
from tests.drivers.serial_devices import Device

PATIENCE_SECONDS = 20.0
GATEWAY = """[gateway]
id = "gw-1"
site = "hq"
data_dir = "data"
book = "book.toml"
{gateway}
[mqtt]
host = "127.0.0.1"
[[terminals]]
id = "lobby"
host = "127.0.0.1"
"""
BOOK = """
version = "1"
[site]
id = "hq"
[[terminals]]
id = "lobby"
serial = "VT00000001"
[[people]]
id = "p01"
name = "甲一"
[[people]]
id = "p02"
name = "甲二"
[[people]]
id = "p03"
name = "甲三"
[[people]]
id = "p04"
name = "甲四"
[[enrolments]]
person = "p01"
badge = "0000000001"
[[enrolments]]
person = "p02"
badge = "0000000002"
[[enrolments]]
person = "p03"
badge = "0000000003"
[[enrolments]]
person = "p04"
badge = "0000000004"
[[shifts]]
id = "noc-day"
sessions = [ { start = "08:00", end = "20:00" } ]
days = "every"
[[shifts]]
id = "noc-night"
sessions = [ { start = "20:00", end = "32:00" } ]
days = "every"
[[posts]]
id = "noc"
kind = "24x7"
from = 2026-11-02
"""
ROSTER = """
[[roster]]
person = "p01"
shift = "noc-day"
post = "noc"
from = 2026-11-02
[[roster]]
person = "p02"
shift = "noc-night"
post = "noc"
from = 2026-11-02
"""
HANDOVER = 'id = "desk"\nuse = "handover"\npost = "noc"\n'
ROLL = 'id = "desk"\nuse = "roll"\nplace = "服务台"\nwitness = "王小明"\n'
ATTEST = 'id = "desk"\nuse = "attestation"\nwitness = "clerk1"\n'
LINES = 'feedback = "line"\n'
AT_EIGHT = datetime(2026, 11, 2, 12, 1, 0, tzinfo=UTC)  # 20:01 in Shanghai


def card(number: int) -> bytes:
    """Return the five bytes of a card; its badge is the number with ten digits."""
    return number.to_bytes(5)


@dataclass
class Site:
    """The files of a gateway, its clock, and its desk."""

    folder: Path
    journal: Journal
    intake: Intake
    desk: Desk
    time: list[datetime]
    woken: list[int] = field(default_factory=list)

    async def entries(self, kind: str) -> list[dict[str, Any]]:
        """Return the entries of the outbox of one kind, oldest first."""

        def job(db: Database) -> list[dict[str, Any]]:
            rows = db.query(
                "SELECT entry FROM outbox WHERE kind = ? ORDER BY seq", [kind]
            )
            return [json.loads(row["entry"]) for row in rows]

        return await self.intake.ask(job)

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines of entries.jsonl."""
        path = self.folder / "entries.jsonl"
        found = path.read_text("utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in found]

    async def until(self, done: Callable[[], Any]) -> None:
        """Wait for something that the desk's tasks do."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not done():  # noqa: ASYNC110 - tasks of the product have no event for it
                await asyncio.sleep(0.01)

    async def until_sent(self, kind: str, count: int) -> list[dict[str, Any]]:
        """Wait for entries of the outbox."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            found = await self.entries(kind)
            while len(found) < count:
                await asyncio.sleep(0.01)
                found = await self.entries(kind)
        return found

    def reader(self, name: str = "desk") -> Mapping[str, Any]:
        """Return a reader's line of the status."""
        lines = self.desk.summary()["readers"]
        found: Mapping[str, Any] = next(one for one in lines if one["id"] == name)
        return found

    def write(self, *, readers: str = "", book: str = "", gateway: str = "") -> None:
        """Write settings and book."""
        write(self.folder, readers=readers, book=book, gateway=gateway)

    async def reload(self) -> list[str]:
        """Let the desk have settings and book as they are now."""
        return await self.desk.apply(load(self.folder / "gateway.toml"))


def write(folder: Path, *, readers: str, book: str, gateway: str) -> None:
    """Write settings and book of a site."""
    text_ = GATEWAY.format(gateway=gateway) + readers
    (folder / "gateway.toml").write_text(text_, "utf-8")
    (folder / "book.toml").write_text(BOOK + book, "utf-8")


def reader(folder: Path, more: str = HANDOVER) -> str:
    """Return a `[[readers]]` row at `folder`/reader."""
    return f'[[readers]]\nport = "{folder}/reader"\n{more}'


@asynccontextmanager
async def site(  # noqa: PLR0913 - what tests vary
    folder: Path,
    *,
    readers: str = "",
    book: str = ROSTER,
    gateway: str = "",
    run: bool = True,
    at: datetime = AT_EIGHT,
) -> AsyncIterator[Site]:
    """Give a site whose desk runs; the journal in `folder`/data is kept."""
    write(folder, readers=readers, book=book, gateway=gateway)
    loaded = load(folder / "gateway.toml")
    journal = Journal(folder / "data", "1.2.3")
    journal.open()
    time = [at]
    woken: list[int] = []
    intake = Intake(journal, lambda: time[0], lambda: woken.append(1), loaded.book)
    desk = Desk(intake, lambda: time[0], lambda: woken.append(1), loaded)
    try:
        await intake.ask(lambda db: epochs.current(db, text(time[0])))
        await desk.apply(loaded)
        running = asyncio.create_task(desk.run()) if run else None
        yield Site(folder, journal, intake, desk, time, woken)
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    finally:
        await desk.stop()
        await asyncio.to_thread(journal.close)


async def opened(there: Site) -> None:
    """Wait for the reader's port."""
    await there.until(lambda: there.reader()["online"])


def press(device_: Device, *numbers: int) -> None:
    """Present cards, one after the other."""
    device_.send(b"".join(em4100_frame(card(number)) for number in numbers))


def shown(device_: Device) -> str:
    """Return what the reader was told to show."""
    heard = device_.say("heard")
    return bytes.fromhex(heard).decode() if heard != "-" else ""
