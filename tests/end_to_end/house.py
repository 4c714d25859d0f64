"""A real daemon and virtual terminals in this process, all by one clock of the test."""

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from drivers.virtual import VirtualConfig
from drivers.virtual.config import Full
from gateway import control
from gateway.daemon import Daemon
from gateway.settings import load
from tests.book_rows import ACME, DAY_SHIFT, contract
from tests.brokers import free_port
from tests.end_to_end.fleet import Fleet
from tests.end_to_end.processes import query, until

SHANGHAI = timezone(timedelta(hours=8))
DAY = "2026-11-02"  # a Monday
PEOPLE = ("p1", "p2")
_CONTRACT = ACME + contract("2026-11-01") + DAY_SHIFT


def at(time: str, day: str = DAY) -> datetime:
    """Return a time of a day at the site."""
    return datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=SHANGHAI)


class House:
    """One site: terminals t0, t1, …, people p1 with badge 1, and so on.

    `people` owe the day shift from the first of November; the clock stands still until
    it is set.
    """

    def __init__(  # noqa: PLR0913 - what a house may be
        self,
        folder: Path,
        terminals: int = 1,
        people: Sequence[str] = PEOPLE,
        fast_seconds: int = 0,
        *,
        capacity: int | None = None,
        full: Full = Full.REFUSE,
    ) -> None:
        self.folder = folder
        self.journal = folder / "data" / "journal.db"
        self.people = people
        self._clock = at("08:20")
        self.fleet = Fleet(
            [
                VirtualConfig(
                    serial=f"VT{number:08}",
                    clock=lambda: self._clock,
                    clock_offset_seconds=fast_seconds,
                    capacity=capacity,
                    full=full,
                )
                for number in range(terminals)
            ]
        )
        self.deaf: set[int] = set()
        """Terminals that nobody answers for: their port is another one."""
        self._daemon: Daemon | None = None
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread: threading.Thread | None = None
        self._failed: list[BaseException] = []

    def __enter__(self) -> Self:
        self.fleet.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self.fleet.__exit__(kind, error, trace)
        self._loop.close()

    def set(self, time: str, day: str = DAY) -> None:
        """Let it be another time, everywhere."""
        self._clock = at(time, day)

    def punch(self, badge: str, time: str, terminal: int = 0, day: str = DAY) -> None:
        """Let somebody punch, at a time of a terminal's clock."""
        self.fleet.punch(terminal, badge, f"{day}T{time}")

    def write(self, *rows: str, entries: Sequence[dict[str, Any]] = ()) -> None:
        """Write book and settings."""
        book = 'version = "1"\n\n[site]\nid = "hq"\ncalendar = "weekdays"\n'
        text = (
            f'[gateway]\nid = "gw-1"\nsite = "hq"\ndata_dir = "{self.folder}/data"\n'
            f'book = "book.toml"\n[mqtt]\nhost = "127.0.0.1"\nport = {free_port()}\n'
        )
        for number, terminal in enumerate(self.fleet.terminals):
            port = free_port() if number in self.deaf else terminal.port
            book += f'\n[[terminals]]\nid = "t{number}"\n'
            book += f'serial = "{terminal.config.serial}"\n'
            text += f'\n[[terminals]]\nid = "t{number}"\nhost = "127.0.0.1"\n'
            text += f"port = {port}\npoll_seconds = 0.2\nlive = false\n"
        book += _CONTRACT
        for person in self.people:
            book += f'\n[[people]]\nid = "{person}"\nname = "甲"\nvendor = "acme"\n'
            book += f'\n[[enrolments]]\nperson = "{person}"\nbadge = "{person[1:]}"\n'
            book += f'\n[[roster]]\nperson = "{person}"\nshift = "day"\n'
            book += "from = 2026-11-01\n"
        (self.folder / "book.toml").write_text("\n".join([book, *rows]), "utf-8")
        lines = [json.dumps(one) + "\n" for one in entries]
        (self.folder / "entries.jsonl").write_text("".join(lines), "utf-8")
        (self.folder / "gateway.toml").write_text(text, "utf-8")

    def start(self) -> None:
        """Start the daemon."""
        self._stop = asyncio.Event()
        loaded = load(self.folder / "gateway.toml")
        daemon = self._daemon = Daemon(loaded, lambda: self._clock)

        def run() -> None:
            try:
                self._loop.run_until_complete(daemon.run(self._stop))
            except BaseException as error:  # noqa: BLE001 - told by the next `stop`
                self._failed.append(error)

        self._thread = threading.Thread(target=run)
        self._thread.start()
        until((self.folder / "data/control").exists, "the control socket")

    def stop(self) -> None:
        """Stop the daemon, and fail if it failed."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(30)
            self._thread = None
        if self._failed:
            raise self._failed.pop()

    def reload(self) -> None:
        """Let the daemon read settings and book again."""
        assert control.ask(self.folder / "data", "reload")["problems"] == []

    def verdicts(self) -> list[dict[str, Any]]:
        """Return the verdicts of the journal."""
        rows = query(
            self.journal, "SELECT body FROM verdicts ORDER BY person, date, id"
        )
        found = [json.loads(row[0]) for row in rows]
        return sorted(
            found, key=lambda v: (v["person"], v["date"], v["session"] or 0, v["id"])
        )

    def verdict(self, person: str, session: int, day: str = DAY) -> dict[str, Any]:
        """Return one verdict, empty while there is none."""
        for one in self.verdicts():
            if (one["person"], one["session"], one["date"]) == (person, session, day):
                return one
        return {}

    def sent(self) -> list[dict[str, Any]]:
        """Return every entry of `attendance`, in order."""
        sql = "SELECT entry FROM outbox WHERE kind = 'attendance' ORDER BY epoch, seq"
        return [json.loads(row[0]) for row in query(self.journal, sql)]

    def read(self) -> bool:
        """Say whether a terminal's clock was looked at."""
        return bool(query(self.journal, "SELECT 1 FROM clocks"))

    def judged(self) -> bool:
        """Say whether nothing waits to be judged: it is written down then."""
        sql = "SELECT value FROM meta WHERE key = 'judged_upto'"
        last = "SELECT value FROM meta WHERE key = 'interpreted'"
        return query(self.journal, sql) == query(self.journal, last)

    def until(self, true: Callable[[], bool], what: str) -> None:
        """Wait for something; fail with what stands in the journal."""
        try:
            until(true, what, 60)
        except AssertionError as error:
            shown = json.dumps(self.verdicts(), ensure_ascii=False, indent=1)
            raise AssertionError(f"{error}\n{shown}") from None
