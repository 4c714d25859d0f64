"""Storing and interpreting in one process: in any order, the journal is the same."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway.core.values import RawRecord
from gateway.intake import Intake
from gateway.store import raw
from gateway.store.seen import Seen
from tests.builders import NOW, book, record
from tests.gateway.store.journals import do, opened, outcomes, verify_chain


def log_of(numbers: list[int]) -> list[RawRecord]:
    """Return records, equal where the numbers are."""
    return [
        record(at=f"2026-11-02T08:00:{n:02d}", position=p, raw=bytes([1, n]))
        for p, n in enumerate(numbers)
    ]


numbers = st.lists(st.integers(0, 5), max_size=8)


def checked(db: Database) -> list[tuple[Any, ...]]:
    """Return what became of each row, and check the chain behind it."""
    found = outcomes(db)
    assert verify_chain(db) == sum(row[1] == "punch" for row in found)
    return found


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
        found = do(journal, checked) if rows else []
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
        found = do(journal, checked)
    assert [one[1] for one in found] == ["punch"] * sum(map(len, logs))


@given(
    st.lists(st.lists(st.integers(1, 9), max_size=5), max_size=4),
    st.lists(st.integers(1, 9), max_size=12),
    st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_file_beside_pollers(
    tmp_path_factory: pytest.TempPathFactory,
    polled: list[list[int]],
    file: list[int],
    twice: bool,  # noqa: FBT001 - drawn
) -> None:
    """Rows others stored and nobody interpreted yet come first, and count as theirs."""
    lines = [
        record(badge=str(badge), raw=b"line %d" % badge, driver="attlog-file")
        for badge in file
    ]
    occurrences = [file[:place].count(badge) for place, badge in enumerate(file)]
    with opened(tmp_path_factory.mktemp("journal")) as journal:

        async def work() -> list[int]:
            intake = Intake(journal, lambda: NOW, lambda: None, book())
            await intake.interpret()
            logs = [
                [record(badge=str(b), raw=b"%d %d" % (number, b)) for b in badges]
                for number, badges in enumerate(polled)
            ]
            # It looks for rows to interpret, these come, and then its own.
            first, *_ = await asyncio.gather(
                intake.file(lines, occurrences),
                *[intake.store(log, Seen(), 1) for log in logs],
            )
            again = [await intake.file(lines, occurrences)] if twice else []
            await intake.interpret()
            assert not intake._fresh
            return [first, *again]

        new = asyncio.run(work())
        found = do(journal, checked) if any(polled) or file else []
        rows = do(journal, lambda db: raw.after(db, 0, 999))
    known = {badge for badges in polled for badge in badges}
    assert new == [len(set(file) - known), 0][: len(new)]
    assert [one[0] for one in found] == [row.id for row in rows]
    assert sum(row.record.driver == "attlog-file" for row in rows) == len(file)


def test_a_file_that_cannot_be_interpreted_leaves_nothing(tmp_path: Path) -> None:
    """One transaction: the rows of a piece go with its punches, or not at all."""
    with opened(tmp_path) as journal:

        async def work() -> None:
            intake = Intake(journal, lambda: NOW, lambda: None, book())
            broken = [record(), replace(record(badge="2"), received_at=None)]  # type: ignore[arg-type]
            with pytest.raises(AttributeError):
                await intake.file(broken, [0, 0])
            assert await intake.file([record()], [0]) == 1

        asyncio.run(work())
        assert len(do(journal, checked)) == 1
