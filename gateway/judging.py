"""Judges what is affected, all the time: new punches, a changed book, time passing.

Small pieces in a thread of their own, so that no punch waits for a verdict. What comes
out differently than what is stored goes up as the next revision, in one transaction
with its outbox entry; what comes out the same says nothing. After a restart it goes on
where it stopped: a verdict that stands never goes back to waiting.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from gateway import affected, law
from gateway.agenda import Agenda, Item
from gateway.arrivals import Came, Strangers
from gateway.aside import Aside
from gateway.clock import Now, text
from gateway.clocks import Clocks
from gateway.core.moments import day_of
from gateway.core.values import Punch
from gateway.core.watermark import Terminals
from gateway.errors import ConfigError
from gateway.intake import Intake
from gateway.law import Law
from gateway.settings import Loaded
from gateway.store import verdicts
from gateway.store.drain import Reader
from gateway.terminal_spec import Standing
from gateway.verdict_lines import tell
from gateway.weighing import (
    Weighed,
    Weighing,
    days_of,
    is_reached,
    watermark,
    withdraw,
)

log = logging.getLogger("punchgate.judging")

WINDOW = timedelta(days=45)
"""So far back everything is judged; older dates only when something of them comes."""

_DAY = timedelta(days=1)
_TICK_SECONDS = 1.0
_HELD_SECONDS = 120.0
_ITEMS, _DAYS = 8, 31
_FIRST_YEAR = 2026


class Reading(Protocol):
    """What is known of the terminals now."""

    def standings(self) -> dict[str, Standing]:
        """Return what is known of every terminal now."""
        ...

    def half_read(self) -> set[str]:
        """Return the terminals whose log is being read, or was not to its end."""
        ...


class Judging:
    """Keeps the verdicts of a gateway as they should be.

    Args:
        journal: the journal's file.
        intake: the journal's jobs.
        now: the wall clock.
        terminals: how far they were read.
        wake: called when entries wait to be sent.
    """

    def __init__(
        self,
        journal: Path,
        intake: Intake,
        now: Now,
        terminals: Reading,
        wake: Callable[[], None],
    ) -> None:
        self._intake = intake
        self._now = now
        self._terminals = terminals
        self._wake = wake
        self._reader = Reader(journal)
        self._clocks = Clocks()
        self._agenda = Agenda()
        self._law: Law | None = None
        self._read_until: dict[str, int] = {}
        self._strangers = Strangers()
        self._unsure: dict[str, set[tuple[str, date]]] = {}
        self._looked: dict[str, int] = {}
        self._done = verdicts.Progress()
        self._upto = 0
        self._day = ""
        self._stale = False
        self._running = False
        self._came = Came()
        self._held_since: float | None = None
        self._free = asyncio.Lock()
        self._woken = asyncio.Event()
        self._aside = Aside()
        self._refused: tuple[str, ...] = ()
        self._failed: set[tuple[str, date]] = set()
        self.again = 0
        """How many stored verdicts the last change of the book has judged again."""

    async def open(self) -> None:
        """Take up where the last process stopped; the journal is open."""
        self._reader.open()
        self._done = await self._aside.do(lambda: verdicts.progress(self._reader.db))
        self._read_until = await self._aside.do(
            lambda: verdicts.watermarks(self._reader.db)
        )
        self._upto, self._day = self._done.upto, self._done.day

    async def close(self) -> None:
        """Wait for what is being judged; let the journal go."""
        await self._aside.ended()
        self._reader.close()

    def touch(self, punches: Iterable[Punch]) -> None:
        """Judge again what punches that are durable now may change."""
        # Without a law they wait for one.
        if not self._running or (self._law and not self._law.book.people):
            return
        for one in punches:
            place = (one.terminal, one.serial, one.zone, one.at)
            self._came.note(one.person, one.reason, place, text(one.received_at))
        self._woken.set()

    @asynccontextmanager
    async def changing(self, loaded: Loaded) -> AsyncIterator[None]:
        """Let punches be attributed anew; judge by these settings afterwards.

        Settings whose policies or years have problems change nothing, loudly.
        """
        async with self._free:
            yield
            before, after = self._law, self._law_of(loaded)
            self.again = 0
            if after is not None:
                self._law = after
                self._clocks.set(after.zone, after.agree_seconds)
                self._stale = True
                self.again = await self._aside.do(partial(self._changed, before, after))
        self._woken.set()

    async def run(self) -> None:
        """Judge what is affected, for ever.

        Raises:
            StoreError: when the journal writes no more.
        """
        await self._resume()
        while True:
            if self._law is not None and self._now().year >= _FIRST_YEAR:
                await self._look(self._law)
                while await self._judge_some():
                    pass
                await self._note()
            try:
                async with asyncio.timeout(_TICK_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                continue
            self._woken.clear()

    def summary(self) -> dict[str, Any]:
        """Return what `status --json` says of judging.

        `lawful`: there are rules to judge by; `refused`: problems of newer ones;
        `failed`: the dates of people that a defect kept from being judged.
        """
        return {
            "judging": {
                "lawful": self._law is not None,
                "refused": list(self._refused),
                "failed": [[who, str(day)] for who, day in sorted(self._failed)],
            }
        }

    def _law_of(self, loaded: Loaded) -> Law | None:
        try:
            found = law.read(loaded)
        except ConfigError as error:
            self._refused = tuple(map(str, error.problems))
            _refuse(self._refused)
            return None
        self._refused = ()
        return found

    def _changed(self, before: Law | None, after: Law) -> int:
        """Put on the agenda what a changed law may change; return how many verdicts."""
        db = self._reader.db
        today = self._today()
        first = today - WINDOW
        if before is None:
            same = after.digest == self._done.law
            return 0 if same else self._all(after, first, today)
        if before.rules != after.rules:
            return self._all(after, first, today)
        if before.digest == after.digest:
            return 0
        found = list(affected.of(before.book, after.book, first, today))
        everybody = [one.id for one in after.book.people]
        for one in found:
            for person in everybody if one.person is None else [one.person]:
                self._agenda.add(person, one.first, one.last, urgent=False)
        for name in affected.named(before.book, after.book):
            self._agenda.add_all(_places(verdicts.dates_with(db, name)))
        self._agenda.add_all(_places(verdicts.open_dates(db)))
        people = {one.person for one in found}
        named = None if None in people else {one for one in people if one}
        return verdicts.count(db, named, str(first))

    def _all(self, current: Law, first: date, last: date) -> int:
        """Put everybody on the agenda; return how many verdicts that are."""
        db = self._reader.db
        for person in {one.id for one in current.book.people} | {*verdicts.people(db)}:
            self._agenda.add(person, first, last, urgent=False)
        return verdicts.count(db, None, str(first))

    async def _resume(self) -> None:
        """Put on the agenda what the last process may not have come to."""
        self._running = True  # what comes from now on is told
        async with self._free:
            await self._aside.do(self._left_over)

    def _left_over(self) -> None:
        db = self._reader.db
        self._learn()
        today = self._today()
        came = Came()
        for row in verdicts.since(db, self._done.upto):
            place = (row["terminal"], row["serial"], row["zone"], row["at"])
            came.note(row["person"], row["reason"], place, row["received_at"])
        self._sort(came, today)
        self._agenda.add_all(_places(verdicts.open_dates(db)))
        # Sessions that had not begun were not worth a verdict yet.
        for one in self._law.book.people if self._law else ():
            self._agenda.add(one.id, today - _DAY, today, urgent=True)

    def _sort(self, came: Came, today: date) -> None:
        """Put on the agenda whom punches concern, and know the badges of nobody."""
        recent = today - _DAY
        for person, first, last in came.concerned(self._clocks):
            self._agenda.add(person, max(first, recent), min(last, today), urgent=True)
            until = min(last, recent - _DAY)
            self._agenda.add(person, first, until, urgent=False)
        for first, last in self._strangers.add(came.strange, self._clocks):
            waiting = verdicts.absent_on(self._reader.db, first, last)
            for person, day in _places(waiting):
                self._agenda.add(person, day, day, urgent=False)

    async def _look(self, current: Law) -> None:
        """Put on the agenda what time and reading have brought."""
        standings = self._terminals.standings()
        async with self._free:
            came, self._came = self._came, Came()
            await self._aside.do(partial(self._take_in, came))
            self._clocks.see(current.own, standings)
            fresh = self._clocks.advance(self._read_until, current.own, standings)
            self._new_day(current)
            mark = self._watermark(current)
            # What waits for a terminal says since when, once that is known.
            self._agenda.reached(
                lambda until: until.terminal in fresh or is_reached(mark, until)
            )
            for serial in current.own.values():
                seen = self._clocks.seen_at(serial)
                if seen > self._looked.get(serial, 0):
                    self._looked[serial] = seen
                    self._agenda.add_all(self._unsure.pop(serial, ()))

    def _take_in(self, came: Came) -> None:
        """Learn how clocks were, and whom punches concern."""
        self._learn()
        self._sort(came, self._today())

    def _learn(self) -> None:
        db = self._reader.db
        self._clocks.learn(verdicts.readings(db, self._clocks.newest))
        if self._stale:
            self._stale = False
            self._strangers = Strangers()
            since = self._today() - WINDOW
            self._strangers.add(verdicts.unknown(db, since), self._clocks)

    def _new_day(self, current: Law) -> None:
        """Judge everything once a day: deadlines pass, sessions will begin."""
        today = self._today()
        if self._day == str(today):
            return
        self._day = str(today)
        for one in current.book.people:
            self._agenda.add(one.id, today - WINDOW, today, urgent=False)

    async def _judge_some(self) -> bool:
        """Judge a piece of the agenda; say whether there was one."""
        async with self._free:
            current = self._law
            if current is None or not self._agenda.waits(late=self._is_late_due()):
                return False
            items = list(self._agenda.take(_ITEMS, _DAYS, late=self._is_late_due()))
            mark = self._watermark(current)
            weighed = await self._aside.do(partial(self._weigh, current, mark, items))
            kept = await self._intake.ask(
                self._keeping([one.piece for _, one in weighed if one])
            )
        for item, one in weighed:
            places = {(item.person, day) for day in days_of(item)}
            if one is None:
                self._failed |= places
            else:
                self._failed -= places
                self._expect(item, one)
        if kept:
            tell(kept)
            self._wake()
        return True

    def _keeping(self, pieces: list[verdicts.Piece]) -> Callable[[Any], Any]:
        now, marks = text(self._now()), dict(self._read_until)
        return lambda db: verdicts.keep(db, now, pieces, withdraw, marks)

    def _weigh(
        self, current: Law, mark: Terminals, items: list[Item]
    ) -> list[tuple[Item, Weighed | None]]:
        weighing = Weighing(current, self._reader, self._clocks, mark)
        return [one for item in items for one in weighing.some(item)]

    def _expect(self, item: Item, weighed: Weighed) -> None:
        """Come back when more is known."""
        for until, day in weighed.until:
            self._agenda.wait(until, (item.person, day))
        for serial in weighed.unsure:
            places = self._unsure.setdefault(serial, set())
            places |= {(item.person, day) for day in days_of(item)}

    def _is_late_due(self) -> bool:
        """Say whether old dates may be judged: not in the middle of a first read.

        They would wait for its end, and be said twice. A log that is never read to its
        end holds nothing up for long.
        """
        if not self._terminals.half_read():
            self._held_since = None
            return True
        now = time.monotonic()
        self._held_since = self._held_since or now
        return now - self._held_since >= _HELD_SECONDS

    async def _note(self) -> None:
        """Write down that everything is judged, once nothing waits."""
        if self._agenda.waits(late=True) or self._law is None:
            return
        # What is here now is told to us before the next look: it is noted then.
        upto = self._upto
        self._upto = await self._aside.do(lambda: verdicts.newest(self._reader.db))
        done = verdicts.Progress(upto, self._law.digest, self._day)
        if done != self._done and not self._came:
            self._done = done
            await self._intake.ask(lambda db: verdicts.note(db, done))

    def _watermark(self, current: Law) -> Terminals:
        now = self._clocks.wall(self._now())
        return watermark(current, now, self._read_until, self._strangers.moments)

    def _today(self) -> date:
        return day_of(self._clocks.wall(self._now()))


def _refuse(problems: Iterable[str]) -> None:
    for problem in problems:
        log.error("judging refused", {"problem": problem})


def _places(found: Iterable[tuple[str, str]]) -> list[tuple[str, date]]:
    return [(person, date.fromisoformat(day)) for person, day in found]
