"""Counting days with the centre: every night, and whenever somebody asks.

The counts go up as durable events behind everything they count. The centre answers
with its own figures of the days that differ; those days' punches go up again, followed
by a second count.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from gateway.clock import Now, text
from gateway.intake import Intake
from gateway.outgoing import event_entry, event_id, punch_entry
from gateway.store import days, schema
from gateway.store.again import requeue_days
from gateway.store.epochs import Appender
from sync.commands import Command, DayCount

log = logging.getLogger("punchgate.daemon")

KIND = "day_counts"
_HOUR = 3
_RECENT_DAYS = 40
_DAYS_AN_EVENT = 40
_LAST = "reconciled_on"
_DIFFERING = "differing"


@dataclass(slots=True)
class _Asked:
    """One event that waits for the centre's figures."""

    serial: str
    counts: Sequence[DayCount]
    again: bool


@dataclass(slots=True)
class Summary:
    """What came of the last counting of one terminal.

    `waiting`: events not yet answered.
    """

    at: str = ""
    days: int = 0
    waiting: int = 0
    mended: list[str] = field(default_factory=list)


class Reconciler:
    """Counts, hears what the centre counts, and queues again what it misses.

    Args:
        intake: the journal's jobs.
        now: the wall clock.
        name: serial → the terminal's id in the book, the serial itself without one.
        wake: says that new entries wait.
    """

    def __init__(
        self,
        intake: Intake,
        now: Now,
        name: Callable[[str], str],
        wake: Callable[[], None],
    ) -> None:
        self._intake = intake
        self._now = now
        self._name = name
        self._wake = wake
        self._asked: dict[str, _Asked] = {}
        self._summaries: dict[str, Summary] = {}
        # Terminal → days the centre counts otherwise, until both count alike; written
        # down, so that neither a night nor a restart ends the alarm.
        self._open: dict[str, dict[str, dict[str, Any]]] | None = None
        self._counting = asyncio.Lock()

    @property
    def differing(self) -> dict[str, int]:
        """Return terminal → days the centre counts otherwise, where there are any."""
        return {
            self._name(serial): len(lines)
            for serial, lines in (self._open or {}).items()
            if lines
        }

    def summary(self) -> list[dict[str, Any]]:
        """Return what came of the last counting, a line per terminal."""
        unlike = self._open or {}
        lines = []
        for serial in sorted(
            {*self._summaries, *(name for name in unlike if unlike[name])}
        ):
            one = self._summaries.get(serial, Summary())
            lines.append(
                {
                    "terminal": self._name(serial),
                    "serial": serial,
                    "at": one.at,
                    "days": one.days,
                    "waiting": one.waiting,
                    "differing": list(unlike.get(serial, {}).values()),
                    "mended": one.mended,
                }
            )
        return lines

    async def nightly(self, zone: ZoneInfo) -> None:
        """Count once a day, at three in the site's night or when next awake."""
        await self._recall()
        local = self._now().astimezone(zone)
        due = (local - timedelta(hours=_HOUR)).date().isoformat()
        last = await self._intake.ask(lambda db: schema.get(db, _LAST))
        if last is None:  # a new journal: the first night comes
            await self._intake.ask(lambda db: schema.put(db, _LAST, due))
        elif last != due:  # also behind a clock that had jumped ahead
            await self.count(zone)
            await self._intake.ask(lambda db: schema.put(db, _LAST, due))

    async def count(self, zone: ZoneInfo) -> None:
        """Queue the counts of recent days and of all that changed since last time."""
        async with self._counting:
            self._asked.clear()
            self._summaries.clear()
            today = self._now().astimezone(zone).date()
            since = (today - timedelta(days=_RECENT_DAYS)).isoformat()
            wanted = await self._intake.ask(lambda db: days.touched(db, since))
            for serial, lines in (await self._recall()).items():
                wanted.setdefault(serial, set()).update(lines)
            for serial, some in days.chunks(wanted, _DAYS_AN_EVENT):
                await self._queue(serial, some, again=False)
            await self._intake.ask(days.remember)
        total = sum(one.days for one in self._summaries.values())
        log.info("reconcile", {"terminals": len(self._summaries), "days": total})

    async def answered(self, said: Command) -> None:
        """Take in the centre's figures of the days it counts otherwise.

        An answer to a count of before the last start is weighed against what is here
        now.
        """
        serial = said.serial or ""
        asked = self._asked.pop(said.id, None)
        if asked is None:
            wanted = [one.day for one in said.days]
            counts = await self._intake.ask(lambda db: days.count(db, serial, wanted))
            asked = _Asked(serial, counts, again=False)
        summary = self._summaries.setdefault(asked.serial, Summary())
        summary.waiting = max(0, summary.waiting - 1)
        theirs = {one.day: one for one in said.days}
        unlike = [one for one in asked.counts if theirs.get(one.day, one) != one]
        alike = {one.day for one in asked.counts} - {one.day for one in unlike}
        lines = (await self._recall()).setdefault(asked.serial, {})
        self._settle(asked.serial, summary, lines, alike)
        for ours in unlike:
            self._differs(asked, lines, ours, theirs[ours.day])
        said_now = json.dumps(self._open)
        await self._intake.ask(lambda db: schema.put(db, _DIFFERING, said_now))
        if unlike and not asked.again:
            await self._send_again(asked.serial, [one.day for one in unlike])

    async def _recall(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the days that differ, as they were written down."""
        if self._open is None:
            kept = await self._intake.ask(lambda db: schema.get(db, _DIFFERING))
            self._open = json.loads(kept or "{}")
        return self._open

    def _settle(
        self,
        serial: str,
        summary: Summary,
        lines: dict[str, dict[str, Any]],
        alike: set[str],
    ) -> None:
        """Note the days that both count alike now."""
        for day in sorted(alike & lines.keys()):
            del lines[day]
            summary.mended.append(day)
            values = {"terminal": self._name(serial), "day": day}
            log.info("reconcile mended", values)

    def _differs(
        self,
        asked: _Asked,
        lines: dict[str, dict[str, Any]],
        ours: DayCount,
        theirs: DayCount,
    ) -> None:
        counts = {"here": ours.count, "centre": theirs.count}
        values = {"terminal": self._name(asked.serial), "day": ours.day, **counts}
        lines.pop(ours.day, None)
        if asked.again and theirs.count > ours.count:
            # Everything of ours went up twice: the centre knows more than this journal,
            # as after a lost card. Nothing is missing there.
            log.info("day has more", values)
            return
        lines[ours.day] = {"day": ours.day, **counts}
        log.error("day differs", values)

    async def _send_again(self, serial: str, wanted: Sequence[str]) -> None:
        now = text(self._now())
        again = await self._intake.ask(
            lambda db: requeue_days(db, now, serial, wanted, punch_entry)
        )
        values = {"terminal": self._name(serial), "days": len(wanted)}
        log.warning("reconcile sends again", {**values, "punches": again})
        for some in days.chunks({serial: wanted}, _DAYS_AN_EVENT):
            await self._queue(serial, some[1], again=True)

    async def _queue(self, serial: str, some: Sequence[str], *, again: bool) -> None:
        """Count some days and queue the event, in one transaction."""
        at, name, key = text(self._now()), self._name(serial), event_id()

        def job(db: Database) -> list[DayCount]:
            counts = days.count(db, serial, some)
            detail = {
                "epochs": ",".join(days.epoch_names(db)),
                "round": 2 if again else 1,
                **days.as_detail(counts),
            }
            appender = Appender(db, at)
            said = partial(
                event_entry,
                kind=KIND,
                terminal=name,
                serial=serial,
                at=at,
                detail=detail,
                key=key,
            )
            appender.add("event", said, None)
            appender.flush()
            return counts

        counts = await self._intake.ask(job)
        summary = self._summaries.setdefault(serial, Summary())
        summary.at = at
        summary.waiting += 1
        if not again:
            summary.days += len(counts)
        self._asked[key] = _Asked(serial, counts, again)
        self._wake()
