"""The duty desk: card readers, what their cards mean, and the folder for USB sticks.

A card is answered only after the journal has what it came to. A row for the book goes
up from the journal and is added to entries.jsonl; a file that cannot be written keeps
it waiting in the journal and holds nobody up. A reader that fails is tried again by its
driver and never delays another.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from drivers.serial_reader.frames import Card
from drivers.serial_reader.reader import Presented, SerialReader
from gateway import calendars, desk_log
from gateway.clock import Now, text
from gateway.core.calendar import Calendar
from gateway.desk_entries import append_rows
from gateway.desk_journal import Happening, Made, Memory, keep, recall
from gateway.desk_log import ReaderStanding
from gateway.desk_rules import Rules
from gateway.desk_settings import Feedback, ReaderSettings, ReaderUse
from gateway.desk_words import GOOD, Answer, line
from gateway.full_log import outage
from gateway.import_folder import ImportFolder
from gateway.intake import Intake
from gateway.log import loud
from gateway.settings import Loaded
from gateway.shipped import folders
from gateway.store import full_logs
from gateway.store.full_logs import Span
from gateway.store.journal import Job

log = logging.getLogger("punchgate.desk")

_LOOK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Running:
    settings: ReaderSettings
    reader: SerialReader
    standing: ReaderStanding
    task: asyncio.Task[None]


class Desk:
    """Every reader of the settings, and the watched folder.

    Args:
        intake: the journal's jobs.
        now: the wall clock.
        wake: told when something waits for the uplink.
        loaded: settings and book to begin with; `apply` brings later ones.
    """

    def __init__(
        self, intake: Intake, now: Now, wake: Callable[[], None], loaded: Loaded
    ) -> None:
        self._intake = intake
        self._now = now
        self._wake = wake
        self._loaded = loaded
        self._calendar: Calendar | None = None
        self._memory: Memory | None = None
        self._rolls: dict[tuple[str, str], datetime] = {}
        self._running: dict[str, _Running] = {}
        self._altered = asyncio.Event()
        self._turn = asyncio.Lock()
        self._write_failures = 0
        self._folder = ImportFolder(intake, now, lambda: self._loaded)

    async def apply(self, loaded: Loaded) -> list[str]:
        """Use these settings and this book; return the readers that were touched.

        A reader whose settings did not change goes on undisturbed.
        """
        async with self._turn:
            self._loaded, self._calendar = loaded, None
        wanted = {one.id: one for one in loaded.settings.readers}
        touched = []
        for name, running in list(self._running.items()):
            if wanted.get(name) != running.settings:
                await self._stop(name)
                touched.append(name)
        for name, settings in wanted.items():
            if name not in self._running:
                self._start(settings)
                touched.append(name)
        self._altered.set()
        return sorted(set(touched))

    async def run(self) -> None:
        """Attend to readers and folder until cancelled.

        Raises:
            StoreError: when the journal writes no more.
        """
        own = {
            asyncio.create_task(self._look()),
            asyncio.create_task(self._folder.run()),
        }
        try:
            while True:
                self._altered.clear()
                altered = asyncio.create_task(self._altered.wait())
                tasks = own | {one.task for one in self._running.values()}
                try:
                    done, _ = await asyncio.wait(
                        {*tasks, altered}, return_when=asyncio.FIRST_COMPLETED
                    )
                finally:
                    altered.cancel()
                for task in done & tasks:
                    if not task.cancelled():
                        task.result()
        finally:
            for task in own:
                task.cancel()
            await asyncio.gather(*own, return_exceptions=True)
            self._memory = None  # as the journal has it: a job may have been cut off
            await self.stop()

    async def stop(self) -> None:
        """Leave every port."""
        for name in list(self._running):
            await self._stop(name)

    def summary(self) -> dict[str, Any]:
        """Return `readers` and `imports` of `status --json`."""
        readers = [_line(running) for running in self._running.values()]
        return {"readers": readers, "imports": self._folder.results()}

    def _start(self, settings: ReaderSettings) -> None:
        reader = SerialReader(settings.where, settings.decoder())
        reader.start()
        standing = ReaderStanding()
        attending = self._attend(settings, reader, standing)
        task = asyncio.create_task(attending)
        self._running[settings.id] = _Running(settings, reader, standing, task)

    async def _stop(self, name: str) -> None:
        """Leave a port; what its reader has said by then is still attended to."""
        running = self._running.pop(name)
        await running.reader.close()
        await asyncio.gather(running.task, return_exceptions=True)

    async def _attend(
        self, settings: ReaderSettings, reader: SerialReader, standing: ReaderStanding
    ) -> None:
        """Take what a reader says, until it is closed and all was taken."""
        while True:
            events = await reader.events()
            if not events:
                return
            for event in events:
                desk_log.note(settings, standing, event)
            cards = [one.card for one in events if isinstance(one, Presented)]
            if cards:
                standing.last_card = text(self._now())
                for answer in await self._present(settings, cards):
                    _answer(settings, reader, answer)

    async def _present(
        self, settings: ReaderSettings, cards: Sequence[Card]
    ) -> list[Answer]:
        """Decide on cards, one after the other, and keep what they came to."""
        async with self._turn:
            rules = await self._rules()
            at = self._local()
            happenings = list(rules.expire(settings, at))
            outcomes = [rules.present(settings, card, at) for card in cards]
            made = [one.made for one in outcomes if one.made]
            happenings += [one.happening for one in outcomes if one.happening]
            await self._keep(rules.memory, made, happenings)
            desk_log.report(settings.id, outcomes, happenings)
            await self._write(rules.memory)
        return [one.answer for one in outcomes]

    async def _look(self) -> None:
        """Let waiting halves expire, and try again what could not be written."""
        while True:
            async with self._turn:
                rules = await self._rules()
                happenings = list(self._expired(rules))
                if happenings:
                    await self._keep(rules.memory, [], happenings)
                    desk_log.report("-", [], happenings)
                for serial, span in (await self._intake.ask(full_logs.spans)).items():
                    await self._note_full(rules.memory, serial, span)
                await self._write(rules.memory)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _note_full(self, memory: Memory, serial: str, span: Span) -> None:
        """Make an outage of a full log that is over; let it go once the book has it."""
        loaded = self._loaded
        if span.row and loaded.book.row("outages", span.row) is not None:
            await self._intake.ask(partial(full_logs.keep, serial=serial, span=None))
        elif span.until and not span.row:
            zone = ZoneInfo(loaded.book.site.timezone)
            made = outage(span, zone, loaded.settings.gateway.id, self._local())
            # A book from the centre comes by its own way, if somebody takes it there.
            named = None if loaded.follows_centre else replace(span, row=made.row["id"])
            await self._keep(
                memory, [made], [], partial(full_logs.keep, serial=serial, span=named)
            )

    def _expired(self, rules: Rules) -> Iterator[Happening]:
        """Yield the halves of handovers whose other half does not come any more."""
        readers = {
            one.id: one
            for one in self._loaded.settings.readers
            if one.use is ReaderUse.HANDOVER
        }
        yield from rules.orphans(readers)
        at = self._local()
        for settings in readers.values():
            yield from rules.expire(settings, at)

    async def _rules(self) -> Rules:
        if self._memory is None:
            self._memory = await self._intake.ask(recall)
        if self._calendar is None:
            self._calendar = await asyncio.to_thread(_calendar, self._loaded)
        return Rules(self._loaded.book, self._calendar, self._memory, self._rolls)

    def _local(self) -> datetime:
        """Return the present by the site's clock, zone-less, in whole seconds."""
        zone = ZoneInfo(self._loaded.book.site.timezone)
        return self._now().astimezone(zone).replace(tzinfo=None, microsecond=0)

    async def _keep(
        self,
        memory: Memory,
        made: Sequence[Made],
        happenings: Sequence[Happening],
        beside: Job[None] | None = None,
    ) -> None:
        if not self._loaded.follows_centre:  # whose book has no file here
            memory.unwritten += [one.line() for one in made]
        said, at = memory.to_json(), text(self._now())

        def job(db: Database) -> None:
            keep(db, said, made, happenings, at)
            if beside is not None:
                beside(db)

        await self._intake.ask(job)
        if made or happenings:
            self._wake()

    async def _write(self, memory: Memory) -> None:
        """Add rows to entries.jsonl that it does not have; those refused wait on."""
        if not memory.unwritten:
            return
        path = self._loaded.book_path
        left, reason = await asyncio.to_thread(append_rows, path, memory.unwritten)
        if len(left) < len(memory.unwritten):
            memory.unwritten = left
            await self._keep(memory, [], [])
        self._write_failures = self._write_failures + 1 if reason else 0
        if reason and loud(self._write_failures):
            values = {"rows": len(left), "problem": reason}
            log.error("desk not written", {**values, "count": self._write_failures})


def _calendar(loaded: Loaded) -> Calendar:
    beside = loaded.path.parent if loaded.follows_centre else loaded.book_path.parent
    book = loaded.book
    return calendars.find(book.site.calendar, folders("calendars", beside)).calendar


def _line(running: _Running) -> dict[str, Any]:
    settings, tally = running.settings, running.reader.tally
    return {
        "id": settings.id,
        "port": settings.port,
        "use": settings.use.value,
        "post": settings.post or None,
        "online": running.standing.online,
        "error": running.standing.error,
        "presented": tally.presented,
        "flaws": {kind.value: count for kind, count in tally.flaws.items()},
        "last_card": running.standing.last_card,
    }


def _answer(settings: ReaderSettings, reader: SerialReader, answer: Answer) -> None:
    """Show the person what became of the card, where the reader can."""
    if settings.feedback is Feedback.LINE:
        reader.write(line(answer, settings.characters))
    beep = settings.beep_ok if answer in GOOD else settings.beep_refused
    if beep:
        reader.write(bytes.fromhex(beep))
