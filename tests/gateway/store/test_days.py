"""Days counted: what `sort | sha256sum` says, and every day that changed."""

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from gateway.core.book import read_book
from gateway.store import days
from gateway.store.outbox import interpret, relearn
from gateway.store.schema import table
from tests.builders import BOOK, SERIAL, STAMP, meaning, record
from tests.gateway.store.journals import keep


def punched(
    db: Database, *times: str, serial: str = SERIAL, badge: str = "1001"
) -> None:
    """Make punches at times."""
    last = table(db, "raw").count
    keep(
        db,
        [
            record(at=at, raw=f"{badge}{at}".encode(), serial=serial, badge=badge)
            for at in times
        ],
    )
    interpret(db, last, 10_000, meaning(), STAMP)


def test_the_digest_is_what_a_shell_says() -> None:
    """Anybody can check it: one id a line, sorted, SHA-256."""
    if shutil.which("sha256sum") is None:
        pytest.skip("sha256sum is absent: apt-get install coreutils")
    ids = ["p1_b", "p1_a", "p1_c"]
    said = subprocess.run(
        ["sh", "-c", "printf '%s\\n' p1_b p1_a p1_c | LC_ALL=C sort | sha256sum"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()[0]
    found = days.day_count("2026-11-02", ids)
    assert (found.count, found.digest) == (3, said)


@given(st.sets(st.text("abc234567", min_size=1)))
def test_the_order_of_ids_changes_nothing(ids: set[str]) -> None:
    """And another set is another digest."""
    backwards = sorted(ids, reverse=True)
    assert days.day_count("d", ids) == days.day_count("d", backwards)
    assert days.day_count("d", ids).digest != days.day_count("d", ids | {"x"}).digest


def test_each_day_of_each_terminal_by_itself(db: Database) -> None:
    """A day begins and ends at the terminal's own midnight."""
    punched(db, "2026-11-01T23:59:59", "2026-11-02T00:00:00", "2026-11-02T23:59:59")
    punched(db, "2026-11-02T12:00:00", serial="VT00000002")
    rows = table(db, "punches").rows
    ids = {(row["serial"], row["at"]): row["id"] for row in rows}
    found = days.count(db, SERIAL, ["2026-11-03", "2026-11-02", "2026-11-01"])
    assert found == [
        days.day_count("2026-11-01", [ids[SERIAL, "2026-11-01T23:59:59"]]),
        days.day_count(
            "2026-11-02",
            [ids[SERIAL, "2026-11-02T00:00:00"], ids[SERIAL, "2026-11-02T23:59:59"]],
        ),
        days.day_count("2026-11-03", []),
    ]
    assert days.as_detail(found)["2026-11-03"] == "0:" + found[2].digest


def test_the_first_time_every_day_counts_later_what_is_new(db: Database) -> None:
    """Recent days always, old ones when something of them was queued since."""
    punched(db, "2020-01-05T08:00:00", "2026-10-30T08:00:00")
    assert days.touched(db, "2026-10-01") == {SERIAL: {"2020-01-05", "2026-10-30"}}
    days.remember(db)
    assert days.touched(db, "2026-10-01") == {SERIAL: {"2026-10-30"}}
    assert days.touched(db, "2026-11-01") == {}
    punched(db, "2019-05-05T08:00:00", badge="0042")
    assert days.touched(db, "2026-11-01") == {SERIAL: {"2019-05-05"}}
    days.remember(db)
    strangers, _ = read_book(BOOK.replace("1001", "9").replace("0042", "8"), "b")
    relearn(db, "", 100, meaning(strangers), STAMP)
    assert days.touched(db, "2026-11-01") == {
        SERIAL: {"2019-05-05", "2020-01-05", "2026-10-30"}
    }
    days.forget(db)
    assert len(days.touched(db, "2026-11-01")[SERIAL]) == 3


def test_chunks_keep_the_order_and_the_size() -> None:
    """An event holds so many days and no more, of one terminal."""
    wanted = {"B": {"3", "1", "2"}, "A": {"9"}, "C": set()}
    found = list(days.chunks(wanted, 2))
    assert found == [("A", ["9"]), ("B", ["1", "2"]), ("B", ["3"])]
