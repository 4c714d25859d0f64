"""Storing and interpreting in one process: in any order, the journal is the same."""

import asyncio
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway.core.values import RawRecord
from gateway.intake import Intake
from gateway.store import raw
from gateway.store.seen import Seen
from tests.builders import NOW, book, record
from tests.gateway.store.journals import do, opened, verify_chain


def log_of(numbers: list[int]) -> list[RawRecord]:
    """Return records, equal where the numbers are."""
    return [
        record(at=f"2026-11-02T08:00:{n:02d}", position=p, raw=bytes([1, n]))
        for p, n in enumerate(numbers)
    ]


def outcomes(db: Database) -> list[tuple[Any, ...]]:
    """Return what became of each row, and check the chain behind it."""
    found = db.execute(
        "SELECT raw_id, outcome FROM outcomes ORDER BY raw_id"
    ).fetchall()
    punches = sum(row[1] == "punch" for row in found)
    assert verify_chain(db) == punches
    return list(found)


numbers = st.lists(st.integers(0, 5), max_size=8)


@settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(numbers, st.lists(st.tuples(numbers, st.booleans()), max_size=4))
def test_every_row_gets_one_outcome(
    tmp_path_factory: Any, left: list[int], steps: list[tuple[list[int], bool]]
) -> None:
    """Rows left by an unclean stop, new ones, known ones; a pass after some or all."""
    folder: Path = tmp_path_factory.mktemp("journal")
    with opened(folder) as journal:
        do(journal, lambda db: raw.store(db, log_of(left), Seen()))

        async def work() -> None:
            intake = Intake(journal, lambda: NOW, lambda: None, book())
            for came, interpret in steps:
                await intake.store(log_of(came), Seen())
                if interpret:
                    await intake.interpret()
            await intake.interpret()
            assert not intake._fresh

        asyncio.run(work())
        rows = do(journal, lambda db: raw.after(db, 0, 999))
        found = do(journal, outcomes) if rows else []
    assert [one[0] for one in found] == [row.id for row in rows]
    firsts = {row.record.at: row.id for row in reversed(rows)}
    assert {one[0] for one in found if one[1] == "punch"} == set(firsts.values())


def test_two_at_once_lose_nothing(tmp_path: Path) -> None:
    """Pollers store while another one's pass runs."""
    logs = [
        [
            record(serial=f"VT{n}", badge=str(b), raw=bytes([n, b]))
            for b in range(1, 200)
        ]
        for n in range(5)
    ]
    with opened(tmp_path) as journal:

        async def work() -> None:
            intake = Intake(journal, lambda: NOW, lambda: None, book())

            async def poll(log: list[RawRecord]) -> None:
                seen = Seen()
                for at in range(0, len(log), 7):
                    await intake.store(log[at : at + 7], seen)
                    await intake.interpret()

            async with asyncio.TaskGroup() as group:
                for log in logs:
                    group.create_task(poll(log))
            assert not intake._fresh

        asyncio.run(work())
        found = do(journal, outcomes)
    assert [one[1] for one in found] == ["punch"] * sum(map(len, logs))
