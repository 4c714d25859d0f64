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


def count(
    db: Database, serial: str, driver: str, generation: int, progress: Progress
) -> Figures:
    """Count what is stored of a terminal's log as it is now, by the driver it has."""
    log = [serial, driver, generation]
    where = "serial = ? AND driver = ? AND generation = ?"

    def became(outcome: str) -> int:
        return table(db, "outcomes").count_where(
            f"{where} AND outcome = ?", [*log, outcome]
        )

    def behind(seq: int) -> int:
        behind = f"{where} AND epoch = ? AND seq > ?"
        return table(db, "punches").count_where(behind, [*log, progress.epoch, seq])

    punches = table(db, "punches").count_where(where, log)
    return Figures(
        stored=table(db, "raw").count_where(where, log),
        punches=punches,
        repeats=became("repeat"),
        rejected=became("rejected"),
        sent=punches - behind(max(progress.sent, progress.acked)),
        acknowledged=punches - behind(progress.acked),
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
