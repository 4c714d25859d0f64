"""Verdicts over the journal of a gateway, judged now; the journal is only read.

How far the data goes is asked before the punches are read, so that nothing is called
complete that was not there.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

from gateway import law
from gateway.arrivals import Strangers
from gateway.clock import Now, moment
from gateway.clocks import Clocks
from gateway.core import retiming
from gateway.core.judge import Judge
from gateway.core.verdicts import Judged, Punched
from gateway.core.watermark import Terminals
from gateway.law import Law
from gateway.people_view import by_id
from gateway.settings import Loaded
from gateway.store import evidence, verdicts
from gateway.store.drain import Reader
from gateway.store.evidence import Evidence
from gateway.terminal_spec import Standing
from gateway.weighing import watermark

_DAY = timedelta(days=1)
_AROUND = 3 * _DAY


class JournalView:
    """Verdicts over a journal.

    Args:
        of: what is in force.
        reader: an open journal.
        clocks: of the terminals.
        mark: how far the data goes.
        sent: the epoch that is sent, and its last entry that was; None: nobody knows.
    """

    def __init__(
        self,
        of: Law,
        reader: Reader,
        clocks: Clocks,
        mark: Terminals,
        sent: tuple[str, int] | None,
    ) -> None:
        self.book = of.book
        self.zone = of.zone
        self.policies = by_id(of.policies)
        self.now: int | None = mark.now
        self.sent = sent
        self._law = of
        self._reader = reader
        self._clocks = clocks
        self._mark = mark
        site = of.book.site.id
        self._sites = {one.id: one.site or site for one in of.book.terminals}
        self._judge = Judge(
            of.book, of.calendar, of.policies, mark, own_terminals=frozenset(of.own)
        )

    def judged(
        self, person: str, first: date, last: date, *, accounts: bool = False
    ) -> Judged:
        """Judge the duties of a person that began in `[first, last]`."""
        pad = _AROUND + _DAY * self._clocks.off_days()
        rows = verdicts.punches(self._reader.db, person, first - pad, last + pad)
        judging = partial(self._judged, person, (first, last), accounts)
        timed = [self._timed(row) for row in rows]
        return retiming.judged(timed, judging, self._law.price)

    def _judged(
        self,
        person: str,
        period: tuple[date, date],
        accounts: bool,  # noqa: FBT001 - partial passes it by place
        punches: Sequence[Punched],
    ) -> Judged:
        return self._judge.person(person, punches, *period, accounts=accounts)

    def _timed(self, row: Mapping[str, Any]) -> retiming.Timed:
        terminal = row["terminal"]
        times = self._clocks.times(row)
        site = self._sites.get(terminal, f"?{terminal}")
        punch = Punched(row["id"], times[0], site, terminal, row["state"])
        return retiming.Timed(punch, times)

    def read_until(self, terminals: Sequence[str], until: int) -> int | None:
        """Return until when the one furthest behind of some terminals was read."""
        gap = self._mark.gap(terminals, until)
        return until if gap is None else gap.read_until

    def evidence(self, punches: Iterable[str]) -> dict[str, Evidence]:
        """Return where punches came from."""
        return evidence.of(self._reader.db, punches)


def of_journal(
    loaded: Loaded, reader: Reader, status: Mapping[str, Any], now: Now, since: date
) -> JournalView:
    """Put together what verdicts from a date on rest on.

    Args:
        loaded: the configuration.
        reader: its journal, open.
        status: what `status --json` says, asked before this.
        now: the wall clock.
        since: the first date that will be judged.

    Raises:
        ConfigError: policies or calendar have problems.
        sqlite3.Error: the journal cannot be read.
    """
    found = law.read(loaded)
    clocks = Clocks()
    clocks.set(found.zone, found.agree_seconds)
    clocks.learn(verdicts.readings(reader.db, 0))
    standings = {line["id"]: _standing(line) for line in status["terminals"]}
    clocks.see(found.own, standings)
    strangers = Strangers()
    strangers.add(verdicts.unknown(reader.db, since - _AROUND), clocks)
    read = dict(verdicts.watermarks(reader.db))
    for name, standing in standings.items():
        serial = found.own.get(name, "")
        at = clocks.read_until(serial, standing)
        if serial and at is not None:
            read[serial] = max(at, read.get(serial, 0))
    mark = watermark(found, clocks.wall(now()), read, strangers.moments)
    return JournalView(found, reader, clocks, mark, _sent(reader, status))


def _standing(line: Mapping[str, Any]) -> Standing:
    """Return what is known of a terminal; without a daemon its last whole read."""
    whole = (
        line["in_terminal"] is not None and line["in_terminal"] <= line["downloaded"]
    )
    last = line["last_read"] if whole and not line["reading"] else None
    complete, looked = line["complete_at"] or last, line["offset_at"] or last
    return Standing(
        offset_seconds=line["offset_seconds"],
        complete_at=moment(complete) if complete else None,
        offset_at=moment(looked) if looked else None,
    )


def _sent(reader: Reader, status: Mapping[str, Any]) -> tuple[str, int] | None:
    uplink = status["uplink"]
    return (reader.epoch()["name"], int(uplink["sent_upto"])) if uplink else None
