"""Whose log is still to be read whole is not forgotten by a stop in good order."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway import control
from tests.end_to_end.house import House
from tests.end_to_end.processes import query

pytestmark = pytest.mark.slow

MORNING = ("08:01:00", "08:02:00", "08:03:00")


def times(house: House) -> list[str]:
    """Return the times of all raw rows."""
    rows = query(house.journal, "SELECT at FROM raw ORDER BY id")
    return [at[11:] for (at,) in rows]


def read_to(house: House) -> int:
    """Return how far the log is read; the rows come before."""
    rows = query(house.journal, "SELECT position FROM cursors")
    return int(rows[0][0]) if rows else 0


def read_a_morning(house: House) -> None:
    """Let the daemon read three punches to their end, and stop it."""
    house.write()
    for time in MORNING:
        house.punch("1", time)
    house.start()
    house.until(lambda: read_to(house) == len(MORNING), "the morning")
    house.stop()


def reading(house: House) -> bool:
    """Ask the daemon whether the log is still to be read to its end."""
    (line,) = control.ask(house.folder / "data", "status")["terminals"]
    return bool(line["reading"])


def lose_power(house: House) -> None:
    """Make the last stop one that was none."""
    with closing(sqlite3.connect(house.journal)) as conn, conn:
        conn.execute("UPDATE meta SET value = 'no' WHERE key = 'clean'")


def edit(house: House) -> None:
    """Move the first record of the log by a minute: only a whole read can see it."""
    memory = house.fleet.terminals[0]._device.memory

    def act() -> None:
        record = memory._record(0)
        memory._write(0, record, record.packed + 60 * 30)

    house.fleet.ask(act)


@pytest.mark.parametrize("stops", [1, 2])
def test_an_unclean_stop_is_not_forgotten_by_a_clean_one(
    tmp_path: Path, stops: int
) -> None:
    """The terminal was away until the next start: then its log is read in full."""
    with House(tmp_path, people=["p1"]) as house:
        read_a_morning(house)
        lose_power(house)
        edit(house)
        house.deaf = {0}
        house.write()
        for _ in range(stops):
            house.start()
            house.stop()
        house.deaf = set()
        house.write()
        house.start()
        house.until(lambda: times(house) == [*MORNING, "08:31:00"], "a whole read")
        house.until(lambda: not reading(house), "its end")
        house.stop()
        sql = "SELECT value FROM meta WHERE key = 'half_read'"
        assert query(house.journal, sql) == [("[]",)]


def test_a_clean_stop_trusts_what_was_read(tmp_path: Path) -> None:
    """The other side of it: nothing is read whole for no reason."""
    with House(tmp_path, people=["p1"]) as house:
        read_a_morning(house)
        edit(house)
        house.start()
        house.punch("1", "08:05:00")
        house.until(lambda: times(house)[-1] == "08:05:00", "the next punch")
        assert times(house) == [*MORNING, "08:05:00"]
