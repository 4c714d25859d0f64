"""E101: what a full log may have refused is unknown for ever, and nobody's absence."""

import json
from pathlib import Path
from typing import Any

import pytest

from drivers.virtual.config import Full
from tests.end_to_end.house import DAY, House
from tests.end_to_end.processes import query

pytestmark = pytest.mark.slow

TUESDAY, WEDNESDAY = "2026-11-03", "2026-11-04"


def rows(house: House) -> list[dict[str, Any]]:
    """Return the rows that were entered beside the book."""
    text = (house.folder / "entries.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def kinds(house: House, person: str, session: int, day: str = DAY) -> list[str]:
    """Return the kinds of what was found of a session."""
    found = house.verdict(person, session, day).get("findings", [])
    return [one["kind"] for one in found]


def said(house: House) -> list[tuple[bool, list[str]]]:
    """Return what was ever said of p2's afternoon: whether it was final, and kinds."""
    return [
        (one["final"], [finding["kind"] for finding in one["findings"]])
        for one in house.sent()
        if (one["person"], one["date"], one["session"]) == ("p2", DAY, 2)
    ]


def fill(house: House) -> None:
    """Let p1 punch a morning, which is all that the log can hold."""
    house.write()
    house.start()
    house.until(house.read, "a look at the terminal")
    for time in ("08:20:00", "12:05:00"):
        house.set(time)
        house.punch("1", time)
    house.until(lambda: house.verdict("p1", 1).get("departure") is not None, "both")


def test_a_full_log_makes_nobody_absent(tmp_path: Path) -> None:
    """E101: a log that may refuse punches proves no absence; who punched is judged."""
    with House(tmp_path, capacity=2) as house:
        fill(house)
        house.set("20:00:00")
        with pytest.raises(ValueError, match="full"):
            house.punch("2", "20:00:00")
        house.until(lambda: house.verdict("p2", 2).get("state") == "pending", "waits")
        house.until(house.judged, "everything judged")
        assert house.verdict("p1", 1)["findings"] == []
        for person, session in (("p1", 2), ("p2", 1), ("p2", 2)):
            verdict = house.verdict(person, session)
            assert verdict["state"] == "pending"
            assert "t0" in verdict["waits"]["en"]
            assert not verdict["final"]


def test_a_full_log_that_is_cleared_leaves_an_outage(tmp_path: Path) -> None:
    """E101: verdicts wait until the book has it; then a missing sign is a clerk's."""
    with House(tmp_path, capacity=2) as house:
        fill(house)
        house.set("12:06:00")
        sql = "SELECT value FROM meta WHERE key = 'full_logs'"
        house.until(lambda: bool(query(house.journal, sql)), "a full log")
        house.stop()  # what is known of it outlives the process
        house.start()
        house.set("20:00:00")
        with pytest.raises(ValueError, match="full"):
            house.punch("2", "20:00:00")
        house.fleet.clear(0)
        house.until(lambda: "{}" in str(query(house.journal, sql)), "the span is over")
        (row,) = rows(house)
        assert row == {
            "table": "outages",
            "id": f"t0-full-{row['from'].replace('-', '').replace(':', '')}",
            "terminal": "t0",
            "from": row["from"],
            "to": f"{DAY}T20:00:01",
            "note": row["note"],
            "entered_by": "gw-1",
            "entered_at": f"{DAY}T20:00:00",
        }
        assert f"{DAY}T12:05:00" <= row["from"] <= f"{DAY}T12:06:00"
        assert row["note"].startswith("考勤机记录已满")
        sql = "SELECT entry FROM outbox WHERE kind = 'entry'"
        ((entry,),) = query(house.journal, sql)
        assert json.loads(entry)["row"]["terminal"] == "t0"
        house.set("07:00:00", TUESDAY)
        house.until(
            lambda: "outage" in house.verdict("p2", 2)["waits"]["en"], "it is named"
        )
        assert house.verdict("p2", 2)["state"] == "pending"
        assert kinds(house, "p1", 2) == []
        house.set("07:00:00", WEDNESDAY)
        house.until(lambda: kinds(house, "p2", 2, TUESDAY) == ["absence"], "the next")
        assert {(final, *kinds) for final, kinds in said(house)} == {(False,)}


def test_a_log_that_overwrites_its_oldest_is_no_outage(tmp_path: Path) -> None:
    """It takes punches while it is full: a quiet evening is quiet, and judged."""
    with House(tmp_path, people=["p1"], capacity=2, full=Full.OVERWRITE) as house:
        house.write()
        house.start()
        house.until(house.read, "a look at the terminal")
        stored = "SELECT count(*) FROM punches"
        for number, time in enumerate(("08:20", "12:05", "14:20", "17:35"), 1):
            house.set(f"{time}:00")
            house.punch("1", f"{time}:00")
            house.until(lambda n=number: query(house.journal, stored)[0][0] == n, time)  # type: ignore[misc]
        house.set("07:00:00", WEDNESDAY)
        house.until(lambda: kinds(house, "p1", 1, TUESDAY) == ["absence"], "judged")
        assert [house.verdict("p1", session)["state"] for session in (1, 2)] == [
            "ok",
            "ok",
        ]
        assert rows(house) == []
        assert query(house.journal, "SELECT * FROM generations") == []
