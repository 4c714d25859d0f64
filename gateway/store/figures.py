"""The figures of the count equation, counted from the rows themselves."""

from dataclasses import dataclass

from sqlite_utils import Database

from gateway.store.schema import table


@dataclass(frozen=True, slots=True)
class Figures:
    """What became of the records of one terminal, and how far its punches are."""

    stored: int
    punches: int
    repeats: int
    rejected: int
    sent: int
    acknowledged: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an epoch is sent and confirmed; older epochs are confirmed as a whole."""

    epoch: int
    sent: int
    acked: int


def count(db: Database, serial: str, driver: str, progress: Progress) -> Figures:
    """Count what is stored of one terminal, by the driver that reads it."""
    outcomes = table(db, "outcomes")

    def became(outcome: str) -> int:
        return outcomes.count_where(
            "serial = ? AND driver = ? AND outcome = ?", [serial, driver, outcome]
        )

    def upto(seq: int) -> int:
        punches = table(db, "punches")
        older = punches.count_where(
            "serial = ? AND epoch < ?", [serial, progress.epoch]
        )
        here = "serial = ? AND epoch = ? AND seq <= ?"
        return older + punches.count_where(here, [serial, progress.epoch, seq])

    return Figures(
        stored=table(db, "raw").count_where(
            "serial = ? AND driver = ?", [serial, driver]
        ),
        punches=became("punch"),
        repeats=became("repeat"),
        rejected=became("rejected"),
        sent=upto(max(progress.sent, progress.acked)),
        acknowledged=upto(progress.acked),
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
