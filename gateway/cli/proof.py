"""The proof that nothing was lost: id sets, each read from its own place.

The terminals' files, the journal and the central store are opened here directly; no
counter of the product is asked.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from drivers.attlog import AttlogLine, parse_line
from gateway.core.normalise import punch_id

_OURS = "SELECT id || ' rev ' || rev FROM verdicts"
_THEIRS = (
    "SELECT id || ' rev ' || max(rev) FROM records WHERE kind = 'attendance'"
    " GROUP BY id"
)


@dataclass(frozen=True, slots=True)
class Proof:
    """What each place holds at one moment."""

    generated: int
    in_terminals: int
    journal_rows: int
    terminal_ids: frozenset[str]
    journal_ids: frozenset[str]
    centre_ids: frozenset[str]
    centre_rows: int
    journal_verdicts: frozenset[str] = frozenset()
    centre_verdicts: frozenset[str] = frozenset()
    """The last verdict on each session, as its id and revision."""

    @property
    def holds(self) -> bool:
        """Say whether nothing is lost and nothing is there twice."""
        return (
            self.generated == self.in_terminals == self.journal_rows
            and self.terminal_ids == self.journal_ids == self.centre_ids
            and self.centre_rows == len(self.centre_ids)
            and self.journal_verdicts == self.centre_verdicts
        )

    def text(self) -> str:
        """Return the line that is printed."""
        rest = self.journal_rows - len(self.journal_ids)
        sign, verdict = ("=", "id sets equal") if self.holds else ("·", "THEY DIFFER")
        return (
            f"generated {self.generated:,} {sign} in terminals {self.in_terminals:,}"
            f" {sign} journal {self.journal_rows:,} ({len(self.journal_ids):,} punches"
            f" + {rest} rejected or repeated) · centre {self.centre_rows:,} · verdicts"
            f" {len(self.journal_verdicts):,} · {verdict}"
        )

    def differences(self) -> list[str]:
        """Name ids that are not everywhere."""
        places = {
            "terminals": self.terminal_ids,
            "journal": self.journal_ids,
            "centre": self.centre_ids,
        }
        judged = {"journal": self.journal_verdicts, "centre": self.centre_verdicts}
        return [*_missing(places), *_missing(judged)]


def _missing(places: Mapping[str, frozenset[str]]) -> list[str]:
    everything = frozenset[str]().union(*places.values())
    return [
        f"{one} is missing in: "
        + ", ".join(name for name, ids in places.items() if one not in ids)
        for one in sorted(everything)
        if any(one not in ids for ids in places.values())
    ]


def read(
    generated: int, attlogs: Iterable[tuple[str, Path]], journal: Path, centre: Path
) -> Proof:
    """Open every place and read its ids; `attlogs` are (serial, file)."""
    lines = [
        (serial, parse_line(text))
        for serial, path in attlogs
        for text in path.read_text(encoding="utf-8").splitlines()
    ]
    journal_ids = _column(journal, "SELECT id FROM punches")
    centre_ids = _column(centre, "SELECT id FROM punches")
    return Proof(
        generated=generated,
        in_terminals=len(lines),
        journal_rows=len(_column(journal, "SELECT id FROM raw")),
        terminal_ids=frozenset(
            punch_id(serial, line.badge, line.at)
            for serial, line in lines
            if _exists(line)
        ),
        journal_ids=frozenset(journal_ids),
        centre_ids=frozenset(centre_ids),
        centre_rows=len(centre_ids),
        journal_verdicts=frozenset(_column(journal, _OURS)),
        centre_verdicts=frozenset(_column(centre, _THEIRS)),
    )


def _exists(line: AttlogLine) -> bool:
    try:
        datetime.fromisoformat(line.at)
    except ValueError:
        return False
    return True


def _column(path: Path, sql: str) -> list[str]:
    """Read one column of a database; a database not there yet holds nothing."""
    try:
        conn = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    except sqlite3.OperationalError:
        return []
    try:
        return [_text(row[0]) for row in conn.execute(sql)]
    except sqlite3.OperationalError:
        return []
    finally:
        conn.close()


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def reasons(journal: Path) -> dict[str, int]:
    """Count what the journal holds but does not judge, by reason."""
    found: dict[str, int] = {}
    for sql in (
        "SELECT reason FROM punches WHERE reason IS NOT NULL",
        "SELECT reason FROM outcomes WHERE reason IS NOT NULL",
    ):
        for reason in _column(journal, sql):
            found[reason] = found.get(reason, 0) + 1
    return found


def verdicts(journal: Path, day: date) -> list[dict[str, Any]]:
    """Return the verdicts of a day."""
    sql = f"SELECT body FROM verdicts WHERE date = '{day}'"  # noqa: S608 - a date of ours
    return [json.loads(body) for body in _column(journal, sql)]
