"""How many punches of a terminal and local day there are, and which: both sides count.

A figure covers what stands in the journal inside the transaction that queues it, so the
centre can compare as soon as it has everything in front of that entry, and nothing is
ever compared that is still on its way.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from sqlite_utils import Database

from gateway.store import schema
from gateway.store.schema import table
from sync.commands import DayCount

_MARK = "counted_upto"


def epoch_names(db: Database) -> list[str]:
    """Return the names of all streams this journal knows, the oldest first."""
    return [row["name"] for row in table(db, "epochs").rows_where(order_by="id")]


def touched(db: Database, since_day: str) -> dict[str, set[str]]:
    """Return serial → days to count: from `since_day` on, or queued since last time."""
    if schema.get(db, _MARK) is None:
        where, values = "1", []
    else:
        where = (
            "at >= ? OR id IN (SELECT punch FROM outbox"
            " WHERE punch IS NOT NULL AND (epoch, seq) > (?, ?))"
        )
        values = [since_day, *_mark(db)]
    found: dict[str, set[str]] = {}
    rows = table(db, "punches").rows_where(
        where, values, select="DISTINCT serial, substr(at, 1, 10) AS day"
    )
    for row in rows:
        found.setdefault(row["serial"], set()).add(row["day"])
    return found


def remember(db: Database) -> None:
    """Write down that everything queued until now was counted."""
    newest = next(table(db, "epochs").rows_where(order_by="id desc", limit=1))
    schema.put(db, _MARK, f"{newest['id']} {newest['head_seq']}")


def forget(db: Database) -> None:
    """Count every day there is next time: the centre may have lost old ones."""
    table(db, "meta").delete_where("key = ?", [_MARK])


def count(db: Database, serial: str, days: Iterable[str]) -> list[DayCount]:
    """Count the punches of a terminal on some days, in the order of the days."""
    return [day_count(day, _ids(db, serial, day)) for day in sorted(days)]


def day_count(day: str, ids: Iterable[str]) -> DayCount:
    """Return the figure of a day from the ids of its punches, each once."""
    ordered = sorted(ids)
    text = "".join(f"{one}\n" for one in ordered)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return DayCount(day=day, count=len(ordered), digest=digest)


def as_detail(counts: Sequence[DayCount]) -> dict[str, str]:
    """Return figures as the detail of a `day_counts` event has them."""
    return {one.day: f"{one.count}:{one.digest}" for one in counts}


def chunks(
    days: Mapping[str, Iterable[str]], size: int
) -> Iterator[tuple[str, list[str]]]:
    """Yield (serial, at most `size` days) in order."""
    for serial, wanted in sorted(days.items()):
        for _, group in groupby(
            enumerate(sorted(wanted)), lambda pair: pair[0] // size
        ):
            yield serial, [day for _, day in group]


def _ids(db: Database, serial: str, day: str) -> list[str]:
    # Every time of that day stands between its T and the letter after it.
    rows = table(db, "punches").rows_where(
        "serial = ? AND at >= ? AND at < ?", [serial, day + "T", day + "U"], select="id"
    )
    return [row["id"] for row in rows]


def _mark(db: Database) -> list[int]:
    return [int(part) for part in (schema.get(db, _MARK) or "0 0").split()]
