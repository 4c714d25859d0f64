"""The demo's planted proxy: one colleague swipes the card of another on six mornings.

The daemon is told nothing of it: the case appears because its first full read brings
the month. The demo shows it when the daemon does, and ends with it at the centre.
"""

import json
import random
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date, datetime, time, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from drivers.attlog import AttlogLine
from gateway.cli.children import ChildError

HELPED, HELPER = 7, 8
"""Places in the crew; both come in by the lobby."""

MOST = 300
"""With more people the look takes longer than the demo waits."""

CODES = 'verify_codes = { 1 = "finger", 4 = "card" }\n'
"""What calibration found of the demo's terminals; without it a card proves nothing."""

_CARD = 4
_FIRST = time(8, 2)
_LEAST_SECONDS = 20
_LATEST = 0.55  # of the whole demo
_PATIENCE_SECONDS = 10.0
_LOOK_SECONDS = 0.2


def cover(
    lines: list[AttlogLine], badges: Sequence[str], day: date, rng: random.Random
) -> None:
    """Let the helper swipe the only record of the helped on a day; an absent one none.

    They are the first of that morning, so that nobody stands between. `lines` are those
    of the lobby; `badges` of the crew, in its order.
    """
    if len(badges) <= HELPER:
        return
    helped, helper = badges[HELPED], badges[HELPER]
    there = [one for one in lines if one.at.startswith(str(day))]
    arrival = min(
        (one for one in there if one.badge == helper),
        key=lambda one: one.at,
        default=None,
    )
    if arrival is None:
        return
    for one in there:
        if one.badge == helped or one is arrival:
            lines.remove(one)
    early = datetime.combine(day, _FIRST) + timedelta(seconds=rng.randint(0, 300))
    behind = early + timedelta(seconds=rng.randint(2, 4))
    lines.append(AttlogLine(helper, early.isoformat(timespec="seconds")))
    at = behind.isoformat(timespec="seconds")
    lines.append(AttlogLine(helped, at, verify=_CARD))


class DemoHelper:
    """Waits for the case, shows it, and proves that reviewers have it.

    Args:
        folder: of the demo.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._case: dict[str, Any] | None = None

    def gateway(self) -> str:
        """Return nothing: verify codes stand beside their terminals."""
        return ""

    def book(self, day: date) -> str:
        """Return nothing: nobody wrote down who helps whom."""
        del day
        return ""

    def start(self) -> None:
        """Do nothing: the month is in the terminals."""

    def stop(self) -> None:
        """Do nothing."""

    def due(self, seconds: float) -> float | None:
        """Return when a case must be there; never in a demo of some seconds."""
        return None if seconds < _LEAST_SECONDS else _LATEST * seconds

    def hear(self, event: str, values: Mapping[str, str]) -> str | None:
        """Return the line of the case, once it is opened."""
        if event != "case opened" or values["grade"] != "case":
            return None
        found = self._read(values["id"])
        if found is None or self._case is not None:
            return None
        self._case = found
        return (
            f"{'CASE':<11} suspected proxy, {values['terminal']},"
            f" {_days(found)}    {self._look()}"
        )

    def act(self) -> str:
        """Say what people do next.

        Raises:
            ChildError: no case was opened.
        """
        deadline = monotonic() + _PATIENCE_SECONDS
        while self._any() is None and monotonic() < deadline:
            sleep(_LOOK_SECONDS)
        found = self._case = self._case or self._any()
        if found is None:
            raise ChildError("the planted proxy was not found by the daemon")
        return f"case {found['id']}: two people decide, never a number"

    def missing(self, centre: Path) -> str | None:
        """Return that the case is not at the centre yet."""
        key = self._case["id"] if self._case else ""
        try:
            with closing(sqlite3.connect(f"{centre.as_uri()}?mode=ro", uri=True)) as db:
                found = db.execute(
                    "SELECT count(*) FROM records WHERE kind = 'suspicion' AND id = ?",
                    [key],
                ).fetchone()[0]
        except sqlite3.Error:
            found = 0
        return None if found else f"case {key} is not at the centre"

    def proof(self) -> str:
        """Return in one line that reviewers at the centre have the case."""
        found = self._case or {}
        return f"case {found.get('id')} ({_days(found)}) is there, for reviewers alone"

    def _look(self) -> str:
        key = self._case["id"] if self._case else ""
        return f"punchgate cases show {key} -c {self._folder}/gateway.toml"

    def _any(self) -> dict[str, Any] | None:
        found = self._query("SELECT known FROM cases WHERE grade = 'case'")
        return found[0] if found else None

    def _read(self, key: str) -> dict[str, Any] | None:
        found = self._query("SELECT known FROM cases WHERE id = ?", key)
        return found[0] if found else None

    def _query(self, sql: str, *values: str) -> list[dict[str, Any]]:
        """Read cases from the journal; none while it is not there."""
        path = self._folder / "gateway" / "journal.db"
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
                return [json.loads(row[0]) for row in db.execute(sql, values)]
        except sqlite3.Error:
            return []


def _days(case: Mapping[str, Any]) -> str:
    """Return how many days speak for a case and against it."""
    sides = [day.get("speaks", "for") for day in case.get("days", ())]
    return f"{sides.count('for')} days for, {sides.count('against')} days against"
