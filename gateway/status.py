"""What `status`, `health` and the retained terminal topics say, from one place."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway import central_book
from gateway.clock import Now, text
from gateway.poller import Standing
from gateway.settings import Loaded, TerminalSettings
from gateway.store import journal, raw
from gateway.store.drain import Reader
from gateway.store.figures import Figures, Log, Progress, broken_term, count
from gateway.store.schema import table
from sync import certificates


@dataclass(frozen=True, slots=True)
class Backlog:
    """Entries not confirmed, and since when the oldest waits."""

    unacknowledged: int
    oldest_age_seconds: float | None


def backlog(reader: Reader, now: Now) -> Backlog:
    """Return what waits for a confirmation."""
    epoch = reader.epoch()
    waiting = epoch["head_seq"] - epoch["acked_seq"]
    created = reader.created_at(epoch["id"], epoch["acked_seq"] + 1)
    if not waiting or created is None:
        return Backlog(waiting, None)
    age = (now() - datetime.fromisoformat(created)).total_seconds()
    return Backlog(waiting, round(max(age, 0.0), 3))


class Newest:
    """When the last new record of each terminal came; every row is looked at once."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, str | None]] = {}

    def of(self, reader: Reader, serial: str) -> str | None:
        """Return when the last new record of a serial was received, ISO, or None."""
        rows = table(reader.db, "raw")
        (top,) = rows.rows_where(select="coalesce(max(id), 0) as id")
        since, known = self._seen.get(serial, (0, None))
        fresh = rows.rows_where(
            "id > ? AND +serial = ?",  # the plus: newest first beats any index here
            [since, serial],
            select="received_at",
            order_by="id desc",
            limit=1,
        )
        for row in fresh:
            known = row["received_at"]
        self._seen[serial] = top["id"], known
        return known


def progress(reader: Reader, sent: int) -> Progress:
    """Return how far the newest epoch is delivered; `sent` is the last seq sent."""
    epoch = reader.epoch()
    return Progress(epoch["id"], sent, epoch["acked_seq"])


def log_of(settings: TerminalSettings, serial: str, standing: Standing) -> Log:
    """Return which log a terminal has now."""
    return Log(serial, settings.driver.value, standing.generation)


def terminal(
    settings: TerminalSettings,
    serial: str,
    standing: Standing,
    counted: Figures,
    last_record: str | None,
) -> dict[str, Any]:
    """Return one terminal's line of `status --json`."""
    term = broken_term(standing.in_terminal, standing.downloaded, counted)
    return {
        "id": settings.id,
        "serial": serial,
        "online": standing.online,
        "in_terminal": standing.in_terminal,
        "downloaded": standing.downloaded,
        "stored": counted.stored,
        "punches": counted.punches,
        "repeats": counted.repeats,
        "rejected": counted.rejected,
        "earlier": counted.earlier,
        "sent": counted.sent,
        "acknowledged": counted.acknowledged,
        "generation": standing.generation,
        "offset_seconds": standing.offset_seconds,
        "last_read": standing.last_read,
        "last_record": last_record,
        "silent_hours": settings.silent_hours,
        "complete_at": standing.complete_at and text(standing.complete_at),
        "offset_at": standing.offset_at and text(standing.offset_at),
        "equation": {"holds": term is None, "term": term},
        "driver": settings.driver.value,
        "capacity": standing.capacity,
        "error": standing.error,
    }


def from_journal(loaded: Loaded, now: Now) -> dict[str, Any]:
    """Return the status without a daemon: what the journal says, all offline.

    Raises:
        sqlite3.Error: when there is no journal yet or it cannot be read.
    """
    reader = Reader(loaded.data_dir / journal.FILE)
    reader.open()
    try:
        standings = {
            spec.id: _stored_standing(reader, loaded.book_serial(spec.id))
            for spec in loaded.settings.terminals
        }
        return whole(loaded, reader, Newest(), standings, now, uplink=None)
    finally:
        reader.close()


def _stored_standing(reader: Reader, serial: str) -> Standing:
    cursor = raw.cursor(reader.db, serial)
    if cursor is None:
        return Standing()
    return Standing(
        in_terminal=cursor.in_terminal,
        downloaded=cursor.position,
        generation=cursor.generation,
        offset_seconds=cursor.offset_seconds,
        last_read=cursor.read_at,
    )


def whole(  # noqa: PLR0913 - everything a status is made of
    loaded: Loaded,
    reader: Reader,
    newest: Newest,
    standings: Mapping[str, Standing],
    now: Now,
    *,
    uplink: Mapping[str, Any] | None,
    half_read: Collection[str] = (),
) -> dict[str, Any]:
    """Return `status --json`, counted now."""
    delivered = progress(reader, int(uplink["sent_upto"]) if uplink else 0)
    lines = [
        terminal(
            spec,
            serial := loaded.book_serial(spec.id),
            # A reload may be about to start this terminal.
            standing := standings.get(spec.id, Standing()),
            count(reader.db, log_of(spec, serial, standing), delivered),
            newest.of(reader, serial),
        )
        for spec in loaded.settings.terminals
    ]
    return around(loaded, backlog(reader, now), lines, uplink, half_read)


def around(
    loaded: Loaded,
    waiting: Backlog,
    lines: Sequence[Mapping[str, Any]],
    uplink: Mapping[str, Any] | None,
    half_read: Collection[str],
) -> dict[str, Any]:
    """Return `status --json` around the lines of its terminals.

    `half_read`: ids whose counts cannot add up yet, because a read is under way.
    `reconcile`, what came of the last counting with the centre, only the daemon knows,
    and so `readers` at the desk, `imports` from the watched folder, and `judging`.
    """
    return {
        "gateway": loaded.settings.gateway.id,
        "site": loaded.settings.gateway.site,
        "daemon": uplink is not None,
        "terminals": [{**line, "reading": line["id"] in half_read} for line in lines],
        "outbox": {
            "unacknowledged": waiting.unacknowledged,
            "oldest_age_seconds": waiting.oldest_age_seconds,
        },
        "confirm": loaded.settings.mqtt.confirm.value,
        "uplink": dict(uplink) if uplink else None,
        "certificates": [one.as_json() for one in certificates_of(loaded)],
        "reconcile": [],
        "readers": [],
        "imports": [],
        "judging": None,
        "book": _book(loaded),
    }


def _book(loaded: Loaded) -> dict[str, Any]:
    """Return which book is in force; `received_at` null: a file, or none came yet."""
    version = loaded.book.version or None
    if not loaded.follows_centre:
        return {"from": "file", "version": version, "received_at": None, "words": ""}
    received = loaded.received
    return {
        "from": "central",
        "version": version,
        "received_at": received.received_at if received else None,
        "words": central_book.words(received),
    }


def certificates_of(loaded: Loaded) -> list[certificates.Standing]:
    """Return what is known of the certificates that the uplink uses."""
    mqtt = loaded.settings.mqtt
    now = certificates.real_now()
    return certificates.standings(mqtt.tls_ca, mqtt.tls_cert, now)


def unreadable(error: sqlite3.Error, loaded: Loaded) -> str:
    """Say why a journal shows nothing."""
    return (
        f"{loaded.data_dir / journal.FILE}: {error}; the daemon makes it at its first"
        " start (punchgate run)"
    )
