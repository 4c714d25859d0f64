"""What the demo says of verdicts, and its proof that the centre has them all."""

import json
import sqlite3
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import proof
from gateway.cli.demo_site import people
from gateway.cli.demo_verdicts import Shown

TODAY = date(2026, 11, 2)
FRIDAY = date(2026, 10, 30)
LATE = {
    "kind": "late",
    "seconds": "67",
    "person": "p07",
    "duty": "2026-11-02/1",
    "clause": "S0-T19-6(1)",
    "rev": "1",
    "final": "no",
}


def shown(count: int = 10) -> Shown:
    """Return what is shown of so many people."""
    return Shown(people(count), TODAY)


def verdict(
    person: str, session: int, state: str = "ok", *kinds: str
) -> dict[str, Any]:
    """Return a verdict."""
    return {
        "person": person,
        "session": session,
        "state": state,
        "final": state != "pending",
        "findings": [{"kind": kind} for kind in kinds],
    }


def both(person: str, state: str = "ok", *kinds: str) -> list[dict[str, Any]]:
    """Return the verdicts of a day of somebody."""
    return [verdict(person, 1, state, *kinds), verdict(person, 2)]


def test_somebody_late_now_is_told_with_clause_and_amount() -> None:
    """The name is the demo's own: the log has none."""
    assert shown().late(LATE) == (
        "08:31:07  LATE     甲七  67 s after 08:30   S0-T19-6(1)"
        "   500.00 yuan if it stands"
    )


@pytest.mark.parametrize(
    "other", [{"duty": "2026-10-30/1"}, {"kind": "absence"}, {"duty": "2026-11-02"}]
)
def test_what_is_older_or_no_lateness_is_not_told(other: dict[str, str]) -> None:
    """A month of history is told by its last day."""
    assert shown().late(LATE | other) is None


def test_a_day_is_told_once_everybody_is_judged() -> None:
    """By the worst of each; nothing while one is missing or waits."""
    day = [*both("p01"), *both("p02", "found", "late"), *both("p03", "excused")]
    whole = [*day, *both("p04", "found", "late", "absence")]
    assert shown(4).day(FRIDAY, day) is None
    assert shown(4).day(FRIDAY, whole[:-1]) is None
    assert shown(4).day(FRIDAY, [*day, *both("p04", "pending")]) is None
    assert shown(4).day(FRIDAY, whole) == (
        "Fri 10-30: 4 people · 1 ok · 1 late · 1 on leave · 1 absent"
    )


def write(path: Path, table: str, *rows: tuple[object, ...]) -> None:
    """Write a table of one of the two databases."""
    conn = sqlite3.connect(path)
    conn.execute(f"CREATE TABLE {table}")
    places = ", ".join("?" * len(rows[0]))
    name = table.split(" ", maxsplit=1)[0]
    conn.executemany(f"INSERT INTO {name} VALUES ({places})", rows)
    conn.commit()
    conn.close()


def test_the_proof_holds_verdicts_against_each_other(tmp_path: Path) -> None:
    """The centre must have the last revision of each, whatever order it came in."""
    journal, centre = tmp_path / "journal.db", tmp_path / "central.db"
    body = json.dumps({"person": "p01"}).encode()
    write(journal, "verdicts (id, rev, date, body)", ("a1", 2, "2026-10-30", body))
    write(centre, "records (kind, id, rev)", ("attendance", "a1", 1))
    found = proof.read(0, [], journal, centre)
    assert not found.holds
    assert found.differences() == [
        "a1 rev 1 is missing in: journal",
        "a1 rev 2 is missing in: centre",
    ]
    assert proof.verdicts(journal, FRIDAY) == [{"person": "p01"}]
    conn = sqlite3.connect(centre)
    conn.execute("INSERT INTO records VALUES ('attendance', 'a1', 2)")
    conn.commit()
    conn.close()
    assert proof.read(0, [], journal, centre).holds
