"""The figures of the count equation, counted from the rows themselves."""

from dataclasses import dataclass

from sqlite_utils import Database

from gateway.store.outbox import last_interpreted
from gateway.store.schema import OF_FORMER_LOGS, OF_LOG, table


@dataclass(frozen=True, slots=True)
class Log:
    """One state of a terminal's log, from clear to clear, as one driver reads it."""

    serial: str
    driver: str
    generation: int

    @property
    def values(self) -> list[str | int]:
        """Return what `OF_LOG` asks for."""
        return [self.serial, self.driver, self.generation]


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of the records of one terminal, and how far its punches are.

    `earlier` records were stored of former states of its log and are gone from it.
    """

    stored: int
    punches: int
    repeats: int
    rejected: int
    sent: int
    acknowledged: int
    earlier: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an epoch is sent and confirmed; older epochs are confirmed as a whole."""

    epoch: int
    sent: int
    acked: int


@dataclass(frozen=True, slots=True)
class _Rows:
    """How many rows of each kind a log has."""

    stored: int
    punches: int
    repeats: int
    rejected: int
    earlier: int


_Mark = tuple[int, str | None, int, int]


class Counter:
    """Counts logs; one that nothing came to since the last time is not counted again.

    Counting a long log takes a while and is asked for at every look of a live terminal.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[_Mark, _Rows]] = {}

    def count(
        self, db: Database, log: Log, progress: Progress, read_at: str | None
    ) -> Figures:
        """Count what is stored of a log, which was last read at `read_at`."""
        mark = _mark(db, log, read_at)
        # One place for each terminal: some logs are another one at every punch.
        place = log.serial, log.driver
        known = self._known.get(place)
        if known is None or known[0] != mark:
            known = self._known[place] = mark, _rows(db, log)
        return _figures(db, log, progress, known[1])


def count(db: Database, log: Log, progress: Progress) -> Figures:
    """Count what is stored of a log."""
    return _figures(db, log, progress, _rows(db, log))


def _mark(db: Database, log: Log, read_at: str | None) -> _Mark:
    """Return what changes with a log's rows.

    They are never deleted. New ones have higher numbers and are interpreted in their
    order; rows are carried into a generation, or dropped from it, by a read before its
    end.
    """
    (row,) = table(db, "raw").rows_where(
        OF_LOG, log.values, select="coalesce(max(id), 0) AS last"
    )
    return log.generation, read_at, row["last"], min(row["last"], last_interpreted(db))


def _rows(db: Database, log: Log) -> _Rows:
    def became(outcome: str) -> int:
        where = f"{OF_LOG} AND outcome = ?"
        return table(db, "outcomes").count_where(where, [*log.values, outcome])

    return _Rows(
        stored=table(db, "raw").count_where(OF_LOG, log.values),
        punches=table(db, "punches").count_where(OF_LOG, log.values),
        repeats=became("repeat"),
        rejected=became("rejected"),
        earlier=table(db, "raw").count_where(OF_FORMER_LOGS, log.values),
    )


def _figures(db: Database, log: Log, progress: Progress, rows: _Rows) -> Figures:
    def behind(seq: int) -> int:
        where = f"{OF_LOG} AND epoch = ? AND seq > ?"
        values = [*log.values, progress.epoch, seq]
        return table(db, "punches").count_where(where, values)

    return Figures(
        stored=rows.stored,
        punches=rows.punches,
        repeats=rows.repeats,
        rejected=rows.rejected,
        earlier=rows.earlier,
        sent=rows.punches - behind(max(progress.sent, progress.acked)),
        acknowledged=rows.punches - behind(progress.acked),
    )


def broken_term(
    in_terminal: int | None, downloaded: int, figures: Figures
) -> str | None:
    """Name the first term of the count equation that does not add up, if any."""
    terms = {
        "in_terminal = downloaded": in_terminal in (None, downloaded),
        "downloaded = stored": downloaded == figures.stored,
        "stored = punches + repeats + rejected": figures.stored
        == figures.punches + figures.repeats + figures.rejected,
        "punches >= sent": figures.punches >= figures.sent,
        "sent >= acknowledged": figures.sent >= figures.acknowledged,
    }
    return next((term for term, holds in terms.items() if not holds), None)
