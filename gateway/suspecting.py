"""Looks for proxy punching every night, over the whole family of people and days.

When a work day is over and its punches are here, everything is looked at anew: in a
thread of its own that rests again and again, so that punches, verdicts and people come
first. What is found goes up on `suspicion` and into the log without any name. A case
is open only while tonight's evidence carries it. Looking never ends the daemon.
"""

import asyncio
import gc
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from gateway import calendars, outgoing
from gateway.aside import Aside
from gateway.clock import Now, text
from gateway.control import RefusedError
from gateway.core.calendar import Calendar
from gateway.core.moments import HOUR_SECONDS
from gateway.core.suspicion.detect import suspect
from gateway.core.suspicion.state import State
from gateway.core.suspicion.values import Json, Leave, Options, Sessions
from gateway.intake import Intake
from gateway.settings import Loaded
from gateway.shipped import folders
from gateway.store import cases, happenings
from gateway.store.cases import Changed, Looked, Suspicion
from gateway.store.drain import Reader
from gateway.suspecting_book import SuspicionBook, closes_after
from gateway.suspecting_cases import merged
from gateway.suspecting_events import (
    MOST_PUNCHES,
    bounded_first,
    codes_of,
    first_day,
    read_events,
)
from gateway.suspecting_review import keep
from gateway.suspecting_stored import as_stored, tell
from gateway.terminal_spec import Standing

log = logging.getLogger("punchgate.suspecting")

_LOOK_SECONDS = 1.0
_PATIENCE = timedelta(days=2)
_GRACE = 4 * HOUR_SECONDS
_DAY = timedelta(days=1)
_FIRST_YEAR = 2026
_PIECE = 1_000
_REST_AFTER, _REST_SECONDS = 200, 0.002


class StoppedError(Exception):
    """The daemon ends: what was looked at so far is thrown away."""


class Reading(Protocol):
    """What is known of the terminals now."""

    def standings(self) -> dict[str, Standing]:
        """Return what is known of every terminal now."""
        ...


@dataclass(frozen=True, slots=True)
class _Law:
    """What a look rests on beside what happened."""

    loaded: Loaded
    calendar: Calendar
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class _Look:
    """What came out of a look: tonight's cases, and the running products."""

    tonight: list[Json]
    parts: list[tuple[str, Any]]


class _Rest:
    """Lets others work now and then while a thread looks, and stops it when it must."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._steps = 0

    def __call__(self) -> None:
        """Count a small step of work.

        Raises:
            StoppedError: the daemon ends.
        """
        self._steps += 1
        if self._steps % _REST_AFTER == 0:
            time.sleep(_REST_SECONDS)
            if self._stop.is_set():
                raise StoppedError


class _Resting(SuspicionBook):
    """The book, asked by a thread that rests; each person and day asks for leave."""

    def __init__(self, law: _Law, rest: _Rest) -> None:
        super().__init__(law.loaded.book, law.calendar)
        self._rest = rest

    def sessions(self, person: str, day: date) -> Sessions | None:
        """Return the sessions owed on a day."""
        self._rest()
        return super().sessions(person, day)

    def leave(self, person: str) -> Sequence[Leave]:
        """Return the approved leave of a person."""
        self._rest()
        return super().leave(person)


class Suspecting:
    """Keeps the cases of a gateway as they should be.

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
        self._law: _Law | None = None
        self._looked = Looked()
        self._began = now()
        self._stop = threading.Event()
        self._aside = Aside()

    async def open(self) -> None:
        """Take up where the last process stopped; the journal is open."""
        self._stop.clear()
        self._reader.open()
        self._looked = cases.looked(self._reader.db)

    async def close(self) -> None:
        """Let a look be and the journal go."""
        self._stop.set()
        await self._aside.ended()
        self._reader.close()

    def apply(self, loaded: Loaded) -> None:
        """Look by this book from the next look on; one with problems changes nothing.

        Judging says the problems of calendars; here they only wait.
        """
        book = loaded.book
        beside = loaded.path if loaded.follows_centre else loaded.book_path
        found = calendars.find(book.site.calendar, folders("calendars", beside.parent))
        if not found.problems:
            zone = ZoneInfo(book.site.timezone)
            self._law = _Law(loaded, found.calendar, zone)

    async def review(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Keep what people decided of a case, for a command.

        Raises:
            RefusedError: nobody has this case, or it is no review.
        """
        now, key = text(self._now()), str(asked.get("case"))
        try:
            said = outgoing.review(asked.get("review"))
        except ValueError as error:
            raise RefusedError(f"no review: {error}") from None
        if not await self._intake.ask(lambda db: cases.one(db, key) is not None):
            raise RefusedError(f"there is no case {key!r}")
        row = asked.get("row")
        row = row if isinstance(row, dict) and row.get("id") else None
        changed = await self._intake.ask(
            partial(keep, now=now, key=key, said=said, row=row)
        )
        if changed is not None:
            tell(changed)
            self._wake()
        return {"case": key}

    async def run(self) -> None:
        """Look whenever a day is over, for ever.

        Raises:
            StoreError: when the journal writes no more.
        """
        while True:
            law = self._law
            if law is not None and law.loaded.book.people:
                day = self._closed(law)
                if day is not None and self._looked.day < str(day):
                    await self._look(law, day)
            await asyncio.sleep(_LOOK_SECONDS)

    def _closed(self, law: _Law) -> date | None:
        """Return the last day that is over with all of its punches here.

        A terminal that cannot be read holds a look up for two days, no longer.
        """
        now = self._now()
        if now.year < _FIRST_YEAR:
            return None
        after = timedelta(seconds=max(closes_after(law.loaded.book), 24 * HOUR_SECONDS))
        over = after + timedelta(seconds=_GRACE)
        local = now.astimezone(law.zone)
        day = (local - over).date()
        read = [one.complete_at for one in self._terminals.standings().values()]
        if None in read:
            patient = not self._looked.day and now - self._began < _PATIENCE
            return None if patient else day - _PATIENCE
        ends = [(at.astimezone(law.zone) - after).date() for at in read if at]
        return max(min([day, *ends]), day - _PATIENCE)

    async def _look(self, law: _Law, day: date) -> None:
        started = time.monotonic()
        try:
            with _uncollected():
                look = await self._aside.do(partial(self._seen, law, day))
        except StoppedError:
            return
        except Exception:
            # Our own mistake must not end what punches rest on; the next day is tried.
            log.exception("suspecting failed", {"day": str(day)})
            self._looked = Looked(str(day), self._looked.copy)
            return
        if look is None:
            log.error("suspecting skipped", {"day": str(day), "most": MOST_PUNCHES})
            self._looked = Looked(str(day), self._looked.copy)
            return
        done = Looked(str(day), cases.other(self._looked))
        await self._write(done.copy, look.parts)
        now = text(self._now())
        found, changed = await self._intake.ask(
            partial(_finished, now=now, done=done, tonight=look.tonight)
        )
        self._looked = done
        self._tell(day, found, changed, time.monotonic() - started)
        before = datetime.combine(first_day(day) - _DAY, datetime.min.time(), UTC)
        await self._intake.ask(partial(happenings.forget, before=text(before)))

    async def _write(self, copy: int, parts: list[tuple[str, Any]]) -> None:
        """Write the running products, a piece at a time."""
        while await self._intake.ask(partial(cases.clear, copy=copy, most=_PIECE)):
            pass
        for first in range(0, len(parts), _PIECE):
            piece = parts[first : first + _PIECE]
            await self._intake.ask(
                partial(cases.write, copy=copy, first=first, parts=piece)
            )

    def _seen(self, law: _Law, day: date) -> _Look | None:
        """Look at everything up to a day, in a thread of its own; None: too much."""
        db = self._reader.db
        settings = law.loaded.settings
        rest = _Rest(self._stop)
        codes = codes_of(settings)
        first = bounded_first(self._reader, day)
        if first is None:
            return None
        events = read_events(self._reader, first, codes, rest)
        capacity = {
            name: one.capacity
            for name, one in self._terminals.standings().items()
            if one.capacity
        }
        report = suspect(
            _Resting(law, rest),
            events,
            Options(through=day, capacity=capacity),
            _states(cases.running(db, self._looked.copy)),
        )
        tonight = report.to_json()["cases"]
        return _Look(tonight, _parts(report.state.to_json()))

    def _tell(
        self,
        day: date,
        found: Iterable[Suspicion],
        changed: Iterable[Changed],
        seconds: float,
    ) -> None:
        """Say what is new, naming nobody."""
        for one in changed:
            tell(one)
        open_ = [one.grade for one in found if one.status == "open"]
        counts = {grade: open_.count(grade) for grade in ("case", "watch", "note")}
        said = {"day": day, "cases": counts["case"], "watch": counts["watch"]}
        log.info(
            "suspicions",
            {**said, "notes": counts["note"], "seconds": f"{seconds:.1f}"},
        )
        self._wake()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the cycle collector still: going through a look it stops everybody.

    Measured with 26,000 punches: half a second without this, 50 ms with it. A look
    holds next to nothing that refers to itself.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _finished(
    db: Database, now: str, done: Looked, tonight: Iterable[Json]
) -> tuple[list[Suspicion], list[Changed]]:
    """Let a look count, beside what people decided while it was made."""
    found = merged(cases.every(db), tonight, cases.labels(db))
    stored = [as_stored(one) for one in found]
    return stored, cases.finish(db, now, done, stored)


def _states(parts: Iterator[tuple[str, Any]]) -> list[State]:
    """Return the state that was kept, if these rules wrote it."""
    head: dict[str, Any] = {}
    people: dict[str, Any] = {}
    pairs: list[Any] = []
    for part, body in parts:
        if part == "person":
            people[body[0]] = body[1]
        elif part == "pair":
            pairs.append(body)
        else:
            head = body
    if not head:
        return []
    found = State.from_json({**head, "people": people, "pairs": pairs})
    return [found] if found else []


def _parts(state: Json) -> list[tuple[str, Any]]:
    """Return a state in parts that are small each."""
    head = {key: one for key, one in state.items() if key not in {"people", "pairs"}}
    people = [("person", [name, one]) for name, one in state["people"].items()]
    return [("head", head), *people, *(("pair", one) for one in state["pairs"])]
