"""A daemon that suspects: from a terminal's month to a case, and into the log."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.suspicious import Suspicious
from tests.end_to_end.told import told, until_told
from tests.gateway.suspects import command, day_text, events, month, write

pytestmark = pytest.mark.slow

LOGGER = "punchgate.suspecting"
SUNDAY = "2026-11-01"
FAKED = [f"{day_text(n)}T08:11:03" for n in (24, 28, 30, 32)]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Suspicious]:
    """Give a house with a month of punches in its terminal."""
    with Suspicious(tmp_path) as house:
        house.write_all()
        house.load(month())
        yield house


def test_the_first_full_read_brings_the_case_and_names_nobody_in_the_log(
    house: Suspicious, caplog: pytest.LogCaptureFixture
) -> None:
    """A case with its evidence goes up on `suspicion`; log lines hold no person."""
    caplog.set_level("INFO", LOGGER)
    house.start()
    house.until_looked(SUNDAY)
    (case,) = house.cases()
    assert (case["kind"], case["grade"], case["status"]) == ("pair", "case", "open")
    assert (case["subject"], case["neighbour"]) == ("p1", "p2")
    assert [one["at"] for one in case["punches"]] == FAKED
    (said,) = house.said()
    assert {key: said[key] for key in case} == case
    assert (said["rev"], said["review"]) == (1, [])
    until_told(caplog, "suspicions")  # the last line of a look
    opened = {"id": case["id"], "terminal": "t0", "grade": "case"}
    assert told(caplog, "case opened") == [opened]
    house.stop()
    lines = [(r.msg, r.args) for r in caplog.records if r.name == LOGGER]
    assert "p1" not in str(lines)


def test_offline_and_daemon_say_the_same(house: Suspicious, tmp_path: Path) -> None:
    """What the journal gives the engine is what a file of events would."""
    house.start()
    house.until_looked(SUNDAY)
    house.stop()
    (case,) = house.cases()
    files = tmp_path / "files"
    files.mkdir()
    first, said = write(files, events(month()))
    asked = ("--book", first, "--events", said, "--through", SUNDAY, "--json")
    (other,) = json.loads(command("suspect", *asked).stdout)["cases"]
    same = {"id", "subject", "neighbour", "days", "null", "strength", "opened_on"}
    strip = {"beside"}

    def told(days: list[dict[str, object]]) -> list[dict[str, object]]:
        return [{k: v for k, v in day.items() if k not in strip} for day in days]

    assert told(case["days"]) == told(other["days"])
    assert {k: case[k] for k in same - {"days"}} == {
        k: other[k] for k in same - {"days"}
    }


def test_a_restart_and_another_night_say_nothing_twice(house: Suspicious) -> None:
    """The same evidence is the same revision, from kept products as from none."""
    house.start()
    house.until_looked(SUNDAY)
    before = house.cases()
    house.stop()
    house.start()
    house.set("04:30:00", "2026-11-03")
    house.until_looked("2026-11-02")
    house.stop()
    assert [one["rev"] for one in house.said()] == [1]
    assert house.cases() == before


def test_evidence_that_is_explained_weakens_the_case(
    house: Suspicious, caplog: pytest.LogCaptureFixture
) -> None:
    """Late data clears the days; the case stays visible and is open no more."""
    caplog.set_level("INFO", LOGGER)
    house.start()
    house.until_looked(SUNDAY)
    house.load(("1", f"{at[:11]}{time}", "card") for at in FAKED for time in LATER)
    house.set("04:30:00", "2026-11-03")
    house.until_looked("2026-11-02")
    (case,) = house.cases()
    assert case["status"] == "weakened"
    assert case["grade"] == "note"
    assert case["why_not_a_case"]["zh"].startswith("证据已减弱")
    assert [one["status"] for one in house.said()] == ["open", "weakened"]
    until_told(caplog, "case weakened")
    house.stop()
    assert len(told(caplog, "case weakened")) == 1


LATER = ("09:00:00", "12:05:30", "14:20:30", "17:40:30")


def test_codes_nobody_calibrated_make_no_case(tmp_path: Path) -> None:
    """Until `verify_codes` stand in the settings a card code proves nothing."""
    with Suspicious(tmp_path) as house:
        house.write_all(codes="")
        house.load(month())
        house.start()
        house.until_looked(SUNDAY)
        assert [one for one in house.cases() if one["grade"] == "case"] == []


def test_operations_counts_and_links_are_kept(house: Suspicious) -> None:
    """An enrolment at the menu, the count, the link down at first and then up."""
    house.operate(6, 1)
    house.start()
    # The link is up when everything else of the visit is kept; a look may come sooner.
    house.until(lambda: len(house.happened("link")) == 2, "down and up")
    house.until_looked(SUNDAY)
    assert [row[0] for row in house.happened("operation")][-1] == 6
    assert [row[3] for row in house.happened("count")] == [len(month())]
    assert [row[3] for row in house.happened("link")] == [0, 1]
    house.stop()
    house.start()
    house.until(lambda: len(house.happened("link")) == 4, "down and up again")
    assert [row[3] for row in house.happened("link")] == [0, 1, 0, 1]
    assert [row[0] for row in house.happened("operation")].count(6) == 1
