"""Day counts in the store: which wait, what is held of a day, what came of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, func, select, text, update

from central.day_counts import Compared, DayCounts
from central.store.store import CentralStore
from central.store.tables import (
    UNANSWERED,
    punch_rows,
    reconciled,
    records,
    sightings,
)
from central.values import Stream

_EVENT = "event"
_DAY_LETTERS = 10


def unanswered(store: CentralStore) -> list[tuple[Stream, int]]:
    """Return where day counts stand that nobody answered yet."""
    place = (records.c.site, records.c.gateway, records.c.epoch, records.c.seq)
    asked = select(*place).where(text(UNANSWERED), records.c.kind == _EVENT)
    with store.reading() as conn:
        found = conn.execute(asked.order_by(*place)).all()
    return [(Stream(*row[:3]), row[3]) for row in found]


def counted(store: CentralStore, stream: Stream, seq: int) -> str | None:
    """Return the text of day counts; None when there are none or they are answered."""
    asked = select(records.c.body).where(
        *_at(stream, seq), text(UNANSWERED), records.c.kind == _EVENT
    )
    with store.reading() as conn:
        found = conn.execute(asked).scalar()
    return None if found is None else str(found)


def held(
    store: CentralStore, stream: Stream, seq: int, counts: DayCounts
) -> dict[str, tuple[set[str], set[str]]]:
    """Return day → ids that came before entry `seq` of the stream, and those since."""
    epochs = {*counts.epochs, stream.epoch}
    found: dict[str, tuple[set[str], set[str]]] = {}
    with store.reading() as conn:
        for day in counts.days:
            before, since = found.setdefault(day, (set(), set()))
            for asked in _ids(stream, epochs, counts.serial, day):
                for punch, epoch, number in conn.execute(asked):
                    late = epoch == stream.epoch and number > seq
                    (since if late else before).add(punch)
    return {day: (before, since - before) for day, (before, since) in found.items()}


def keep_verdicts(
    store: CentralStore,
    stream: Stream,
    counts: DayCounts,
    compared: Iterable[Compared],
    at: str,
) -> None:
    """Keep both figures of every day; `at` is now, ISO with offset."""
    rows = [
        {
            "site": stream.site,
            "gateway": stream.gateway,
            "serial": counts.serial,
            "day": item.day,
            "terminal": counts.terminal,
            "there_count": item.there.count,
            "there_digest": item.there.digest,
            "here_count": item.here.count,
            "here_digest": item.here.digest,
            "verdict": item.verdict.value,
            "round": counts.round,
            "event": counts.id,
            "at": at,
        }
        for item in compared
    ]
    if rows:
        with store.writing() as conn:
            conn.execute(store.statements.reconciled, rows)


def answered(store: CentralStore, stream: Stream, seq: int, at: str) -> None:
    """Note that day counts were answered; `at` is now, ISO with offset."""
    with store.writing() as conn:
        done = update(records).where(*_at(stream, seq)).values(answered_at=at)
        conn.execute(done)


def differing(store: CentralStore) -> list[Mapping[str, Any]]:
    """Return the days that differ as last compared."""
    order = (reconciled.c.site, reconciled.c.gateway, reconciled.c.day)
    asked = select(reconciled).where(reconciled.c.verdict != "alike").order_by(*order)
    with store.reading() as conn:
        return [dict(row) for row in conn.execute(asked).mappings()]


def _at(stream: Stream, seq: int) -> Sequence[ColumnElement[bool]]:
    place = {**asdict(stream), "seq": seq}
    return [records.c[name] == value for name, value in place.items()]


def _ids(stream: Stream, epochs: set[str], serial: str, day: str) -> Sequence[Any]:
    """Return the questions for the ids of a day: who came first, and who as well."""
    at = punch_rows.c.at
    of_day = (
        punch_rows.c.serial == serial,
        # For the index; the next says it exactly, whatever order texts have there.
        at.between(day, f"{day}T99"),
        func.substr(at, 1, _DAY_LETTERS) == day,
    )
    questions = []
    for table in (punch_rows, sightings):
        asked = select(table.c.id, table.c.epoch, table.c.seq).where(
            *of_day,
            table.c.site == stream.site,
            table.c.gateway == stream.gateway,
            table.c.epoch.in_(sorted(epochs)),
        )
        if table is sightings:
            asked = asked.where(sightings.c.id == punch_rows.c.id)
        questions.append(asked)
    return questions
