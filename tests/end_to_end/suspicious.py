"""A house at which p2 makes the only punch of p1 on four days of the last month."""

import asyncio
import json
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

from drivers.attlog import AttlogLine
from tests.end_to_end.fleet import Fleet
from tests.end_to_end.house import House
from tests.end_to_end.processes import query
from tests.gateway.suspects import CODES, PEOPLE, Row, book

CALIBRATED = 'verify_codes = { 1 = "finger", 4 = "card" }\n'


class Suspicious(House):
    """A house with one terminal, four people, and calibrated verify codes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, people=PEOPLE)

    def write_all(self, *rows: str, codes: str = CALIBRATED) -> None:
        """Write book and settings; the terminal's codes are known."""
        self.write()
        (self.folder / "book.toml").write_text(book() + "\n".join(rows), "utf-8")
        file = self.folder / "gateway.toml"
        file.write_text(file.read_text("utf-8") + codes, "utf-8")

    def load(self, rows: Iterable[Row]) -> None:
        """Put records into the terminal, in the order of their times."""
        ordered = sorted(rows, key=lambda row: row[1])
        lines = [
            AttlogLine(badge, at, verify=CODES[word]) for badge, at, word in ordered
        ]
        add(self.fleet, *lines)

    def operate(self, code: int, slot: int) -> None:
        """Let somebody do something at the terminal's menu."""

        async def act() -> None:
            self.fleet.terminals[0].operate(code, 0, (slot, 0, 0, 0))

        _do(self.fleet, act())

    def looked(self) -> str:
        """Return the day of the last look, empty before the first."""
        rows = query(self.journal, "SELECT value FROM meta WHERE key = 'suspected'")
        return str(json.loads(rows[0][0])["day"]) if rows else ""

    def until_looked(self, day: str) -> None:
        """Wait for the look at a day."""
        self.until(lambda: self.looked() == day, f"the look at {day}")

    def cases(self) -> list[dict[str, Any]]:
        """Return the cases of the journal."""
        rows = query(self.journal, "SELECT known FROM cases ORDER BY id")
        return [json.loads(row[0]) for row in rows]

    def said(self) -> list[dict[str, Any]]:
        """Return every entry of `suspicion`, in order."""
        sql = "SELECT entry FROM outbox WHERE kind = 'suspicion' ORDER BY epoch, seq"
        return [json.loads(row[0]) for row in query(self.journal, sql)]

    def happened(self, kind: str) -> list[tuple[Any, ...]]:
        """Return what was kept of a kind."""
        sql = (
            "SELECT code, admin, target, value FROM happenings"
            f" WHERE kind = '{kind}' ORDER BY id"
        )
        return query(self.journal, sql)


def add(fleet: Fleet, *lines: AttlogLine) -> None:
    """Put records into the first terminal of a fleet, without a word to anybody."""

    async def act() -> None:
        for line in lines:
            fleet.terminals[0].add(line, announce=False)

    _do(fleet, act())


def _do(fleet: Fleet, work: Coroutine[Any, Any, None]) -> None:
    """Run something in the thread of the terminals."""
    asyncio.run_coroutine_threadsafe(work, fleet._loop).result(60)
