"""Judges people and dates from the journal: reads, judges, says it as entries.

Works in a thread of its own and writes nothing. How far the data goes is asked before
the punches are read, so that nothing is called complete that was not there.
"""

import logging
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any

from gateway import outgoing
from gateway.agenda import Item, Until
from gateway.clocks import Clocks
from gateway.core import retiming
from gateway.core.judge import Judge
from gateway.core.moments import day_of
from gateway.core.rules.clock import uncertain
from gateway.core.verdicts import Flag, Judged, Punched, SessionVerdict, State
from gateway.core.watermark import Terminals
from gateway.errors import StoreError
from gateway.law import Law
from gateway.store import verdicts
from gateway.store.drain import Reader
from gateway.store.verdicts import Piece, Verdict
from sync.messages import AttendanceEntry

log = logging.getLogger("punchgate.judging")

_FAR = 4_000_000 * 86_400  # behind every date there is
_AROUND = timedelta(days=3)
_DAY = timedelta(days=1)


@dataclass(slots=True)
class Weighed:
    """What came out for one item.

    `until` are the moments at which more is known, each with its date; `unsure` the
    serials whose next look at their clock may settle the time of a punch.
    """

    piece: Piece
    until: list[tuple[Until, date]] = field(default_factory=list)
    unsure: set[str] = field(default_factory=set)


class Weighing:
    """Judges items by one law.

    Args:
        law: in force.
        reader: an open journal, for reading alone.
        clocks: of the terminals.
        watermark: how far the data goes.
    """

    def __init__(
        self, law: Law, reader: Reader, clocks: Clocks, watermark: Terminals
    ) -> None:
        self._law = law
        self._reader = reader
        self._clocks = clocks
        self._watermark = watermark
        self._pad = _AROUND + _DAY * clocks.off_days()
        site = law.book.site.id
        self._sites = {one.id: one.site or site for one in law.book.terminals}
        own = frozenset(law.own)
        self._judge = Judge(
            law.book, law.calendar, law.policies, watermark, own_terminals=own
        )

    def some(self, item: Item) -> Iterator[tuple[Item, Weighed | None]]:
        """Judge an item; None for a date that a defect of a rule keeps from it.

        Its verdict stays as it was, and everything else is judged all the same.

        Raises:
            StoreError, sqlite3.Error: the journal cannot be read.
        """
        found: Weighed | None = None
        try:
            found = self.weigh(item)
        except (StoreError, sqlite3.Error):
            raise
        # The border of the rules: whatever is wrong in one of them, or in what nobody
        # thought of on one day of one person, must not end the intake of punches.
        # The traceback is logged, and `status` and `health` show the date.
        except Exception:
            if item.first == item.last:
                values = {"person": item.person, "date": item.first}
                log.exception("judging failed", values)
        if found or item.first == item.last:
            yield item, found
            return
        for day in days_of(item):
            yield from self.some(Item(item.person, day, day))

    def weigh(self, item: Item) -> Weighed:
        """Judge the dates of an item."""
        rows = verdicts.punches(
            self._reader.db, item.person, item.first - self._pad, item.last + self._pad
        )
        timed = [self._timed(row) for row in rows]
        judging = partial(self._judged, item)
        judged = retiming.judged(timed, judging, self._law.price)
        entries = outgoing.verdict_entries(
            item.person,
            self._vendor(item.person),
            judged,
            partial(self._policy, item.person),
            self._law.zone,
        )
        silent = {self._key(one) for one in judged.sessions if self._is_ahead(one)}
        said = [_said(entry, quiet=_place(entry) in silent) for entry in entries]
        piece = Piece(item.person, str(item.first), str(item.last), said)
        found = Weighed(piece, self._until(item, judged))
        pairs = zip(rows, timed, strict=True)
        found.unsure = {row["serial"] for row, one in pairs if uncertain(one.times)}
        return found

    def _judged(self, item: Item, punches: Iterable[Punched]) -> Judged:
        return self._judge.person(item.person, punches, item.first, item.last)

    def _timed(self, row: Mapping[str, Any]) -> retiming.Timed:
        terminal = row["terminal"]
        times = self._clocks.times(row)
        site = self._sites.get(terminal, f"?{terminal}")
        punch = Punched(row["id"], times[0], site, terminal, row["state"])
        return retiming.Timed(punch, times)

    def _vendor(self, person: str) -> str:
        found = self._law.book.person(person)
        return found.vendor if found else ""

    def _policy(self, person: str, of: SessionVerdict | date) -> str:
        """Return the policy that a session, or a day, is judged by."""
        days = [of] if isinstance(of, date) else [day_of(of.start), day_of(of.end - 1)]
        rules = (self._judge.policy_on(person, day) for day in days)
        return next((rule.id for rule in rules if rule is not None), "")

    def _is_ahead(self, one: SessionVerdict) -> bool:
        """Say whether there is nothing to say of a session yet."""
        begun = one.start <= self._watermark.now or one.arrival or one.departure
        return one.state is State.PENDING and not begun and not one.findings

    @staticmethod
    def _key(one: SessionVerdict) -> tuple[str, str, int | None]:
        return one.date.isoformat(), one.shift, one.session

    def _until(self, item: Item, judged: Judged) -> list[tuple[Until, date]]:
        """Return when more is known of these sessions by itself."""
        now = self._watermark.now
        waiting = [one for one in judged.sessions if one.state is State.PENDING]
        if not waiting:
            return []
        dues = self._judge.duties.of(item.person, item.first, item.last)
        terminals = {(due.date, due.shift, due.number): due.terminals for due in dues}
        found = []
        for one in waiting:
            nexts = (at for at in (one.start, one.end) if at > now)
            found += [(Until(at), one.date) for at in list(nexts)[:1]]
            names = terminals.get((one.date, one.shift, one.session), ())
            gap = self._watermark.gap(names, one.closes)
            if Flag.WAITS_FOR_TERMINAL in one.flags and gap is not None:
                # One after the other, so that it says which one it waits for.
                found.append((Until(one.closes, gap.terminal), one.date))
        return found


def days_of(item: Item) -> list[date]:
    """Return the dates of an item."""
    return [item.first + _DAY * n for n in range((item.last - item.first).days + 1)]


def watermark(
    law: Law,
    now: int,
    read_until: Mapping[str, int],
    unknown: Mapping[str, list[int]],
) -> Terminals:
    """Return how far data goes.

    A terminal that is read elsewhere holds no punch of anybody judged here.

    Args:
        law: in force.
        now: the moment of judging.
        read_until: serial → the moment until which a terminal was read.
        unknown: terminal → moments of punches with unknown badges.
    """
    names = {one.id for one in law.book.terminals} | set(law.own)
    read = {
        name: read_until.get(law.own[name]) if name in law.own else _FAR
        for name in names
    }
    known = {name: at for name, at in read.items() if at is not None}
    return Terminals(now, known, tuple(sorted(names)), unknown)


def _said(entry: AttendanceEntry, *, quiet: bool) -> Verdict:
    return Verdict(
        id=entry.id,
        person=entry.person,
        date=entry.date,
        final=entry.final,
        digest=outgoing.verdict_digest(entry),
        encode=partial(outgoing.verdict_entry, entry),
        quiet=quiet,
    )


def withdraw(stored: bytes) -> Verdict:
    """Return the verdict that a stored one's session is owed no more."""
    return _said(outgoing.withdrawn(stored), quiet=True)


def _place(entry: AttendanceEntry) -> tuple[str, str, int | None]:
    return entry.date, entry.shift, entry.session


def is_reached(mark: Terminals, until: Until) -> bool:
    """Say whether a moment is reached, by the clock or by reading a terminal."""
    if not until.terminal:
        return until.moment <= mark.now
    return mark.gap((until.terminal,), until.moment) is None
