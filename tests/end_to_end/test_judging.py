"""A daemon that judges: from a punch at a terminal to a verdict that is revised."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import control
from tests.end_to_end.house import DAY, House
from tests.end_to_end.processes import query
from tests.end_to_end.told import told, until_told

pytestmark = pytest.mark.slow

GOOD = ("08:20:00", "12:05:00", "14:20:00", "17:35:00")
TUESDAY = "2026-11-03"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Give a house with one terminal."""
    with House(tmp_path) as house:
        house.write()
        yield house


@pytest.fixture
def two_doors(tmp_path: Path) -> Iterator[House]:
    """Give a house with two terminals, one of which does not answer."""
    with House(tmp_path, terminals=2, people=["p1"]) as house:
        house.deaf = {1}
        house.write()
        yield house


def kinds(verdict: dict[str, Any]) -> list[tuple[str, bool]]:
    """Return the kinds of a verdict's findings, and whether they are final."""
    return [(one["kind"], one["final"]) for one in verdict.get("findings", [])]


def test_late_is_shown_at_once_and_becomes_final(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Provisional without money when the punch comes, final when all is read."""
    caplog.set_level("INFO", "punchgate.judging")
    house.start()
    house.set("08:32:00")
    house.punch("1", "08:31:07")
    house.until(lambda: kinds(house.verdict("p1", 1)) == [("late", False)], "late")
    shown = house.verdict("p1", 1)
    assert (shown["state"], shown["deductions"]) == ("pending", [])
    assert shown["arrival"]["at"] == "2026-11-02T08:31:07+08:00"
    assert shown["id"].startswith("a1_")
    assert "name" not in shown
    house.set("12:06:00")
    house.punch("1", "12:05:00")
    house.until(lambda: house.verdict("p1", 1)["departure"] is not None, "the OUT")
    house.set("13:14:59")
    house.until(lambda: kinds(house.verdict("p2", 1)) == [], "nothing of p2")
    assert house.verdict("p1", 1)["state"] == "pending"
    house.set("13:15:00")
    house.until(lambda: kinds(house.verdict("p1", 1)) == [("late", True)], "final")
    final = house.verdict("p1", 1)
    assert final["state"] == "found"
    assert [one["amount_fen"] for one in final["deductions"]] == [50000]
    assert final["findings"][0]["clause"] == "S0-T19-6(1)"
    house.until(lambda: kinds(house.verdict("p2", 1)) == [("absence", True)], "p2")
    assert until_told(caplog, "verdict", kind="late") == {
        "kind": "late",
        "seconds": 67,
        "person": "p1",
        "duty": f"{DAY}/1",
        "clause": "S0-T19-6(1)",
        "rev": shown["rev"],
        "final": "no",
    }
    revs = [one["rev"] for one in house.sent() if one["id"] == final["id"]]
    assert revs == list(range(1, final["rev"] + 1))


def test_a_session_is_told_when_it_begins_and_when_it_ends(house: House) -> None:
    """Nobody there yet is worth a line; early leave is known at the end, not before."""
    house.start()
    house.punch("1", "08:10:00")
    house.until(lambda: house.verdict("p1", 1).get("arrival") is not None, "p1 in")
    assert house.verdict("p2", 1) == {}
    house.set("08:30:00")
    house.until(lambda: house.verdict("p2", 1).get("state") == "pending", "p2 missing")
    house.set("11:50:00")
    house.punch("1", "11:49:00")
    house.until(lambda: house.verdict("p1", 1)["departure"] is not None, "p1 out")
    assert kinds(house.verdict("p1", 1)) == []
    house.set("12:00:00")
    early = [("early_leave", False)]
    house.until(lambda: kinds(house.verdict("p1", 1)) == early, "early")


def test_a_silent_second_terminal_keeps_verdicts_pending(two_doors: House) -> None:
    """E98: no absence before every terminal was read; late data turns it into ok."""
    house = two_doors
    house.set("18:00:00")
    for time in GOOD[1:]:
        house.punch("1", time)
    house.punch("1", GOOD[0], terminal=1)
    house.start()

    def waits() -> str:
        said: dict[str, str] = house.verdict("p1", 1).get("waits") or {}
        return said.get("en", "")

    house.until(lambda: waits() == "waits for terminal t1, never read", "pending")
    waiting = house.verdict("p1", 1)
    assert (waiting["state"], kinds(waiting)) == ("pending", [])
    assert "waits_for_terminal" in waiting["flags"]
    house.deaf = set()
    house.write()
    house.reload()
    house.until(lambda: house.verdict("p1", 1)["state"] == "ok", "ok")
    assert house.verdict("p1", 1)["rev"] > waiting["rev"]
    assert all(kinds(one) == [] for one in house.sent() if one["session"] == 1)


def test_a_changed_book_judges_again_what_it_must(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """A leave of one person changes that person's verdicts alone."""
    caplog.set_level("INFO", "punchgate")
    house.set("04:30:00", TUESDAY)
    house.start()
    absent = [("absence", True)]
    house.until(lambda: kinds(house.verdict("p2", 2)) == absent, "absent all day")
    house.until(house.judged, "everything judged")
    before = len(house.sent())
    leave = {
        "table": "leave",
        "id": "L1",
        "person": "p1",
        "kind": "personal",
        "from": f"{DAY}T08:30:00",
        "to": f"{DAY}T12:00:00",
        "applied_at": "2026-10-30T09:00:00",
        "approved_by": "leader1",
    }
    house.write(entries=[leave])
    house.reload()
    house.until(lambda: house.verdict("p1", 1)["state"] == "excused", "excused")
    house.until(house.judged, "everything judged")
    changed = [
        (one["person"], one["date"], one["session"]) for one in house.sent()[before:]
    ]
    # The line of money of the day moves to the session that is left.
    assert changed == [("p1", DAY, 1), ("p1", DAY, 2)]
    until_told(caplog, "verdict over", person="p1", duty=f"{DAY}/1")
    house.stop()
    assert len(told(caplog, "verdict over")) == 1
    # The daemon may see the book between its two files, before it is asked to.
    assert [one["judged"] for one in told(caplog, "reloaded") if one["judged"]] == [2]


def test_a_restart_judges_the_same(house: House) -> None:
    """Stopped in the middle and begun again nothing is said twice or taken back."""
    house.start()
    house.set("12:10:00")
    for time in ("08:31:07", "12:05:00"):
        house.punch("1", time)
    house.until(lambda: len(kinds(house.verdict("p1", 1))) == 1, "late")
    house.set("13:20:00")
    house.until(lambda: house.verdict("p1", 1)["state"] == "found", "final")
    house.until(lambda: kinds(house.verdict("p2", 1)) == [("absence", True)], "absent")
    house.until(house.judged, "everything judged")
    house.stop()
    before = house.sent()
    house.start()
    house.punch("2", "13:19:00")
    house.until(lambda: house.verdict("p2", 2).get("arrival") is not None, "p2 in")
    house.until(house.judged, "everything judged")
    assert [one["person"] for one in house.sent()[len(before) :]] == ["p2"]


def test_punches_that_came_while_nobody_judged_are_judged(house: House) -> None:
    """Stored but not judged when the power went: judged at the next start."""
    house.start()
    house.set("08:40:00")
    house.punch("1", "08:31:07")
    house.until(lambda: kinds(house.verdict("p1", 1)) == [("late", False)], "late")
    house.stop()
    house.set("08:45:00")
    house.punch("2", "08:44:00")
    house.start()
    house.until(lambda: kinds(house.verdict("p2", 1)) == [("late", False)], "p2 late")


def test_a_parked_badge_keeps_absence_pending(house: House) -> None:
    """E38: nobody's badge may be anybody's; named later, every day of it is judged."""
    house.set("18:00:00")
    for badge, times in (("1", GOOD), ("99", GOOD[:2]), ("2", GOOD[2:])):
        for time in times:
            house.punch(badge, time)
    house.start()
    house.until(
        lambda: "waits_for_badge" in house.verdict("p2", 1).get("flags", []), "parked"
    )
    assert house.verdict("p2", 1)["state"] == "pending"
    house.write('\n[[enrolments]]\nperson = "p2"\nbadge = "99"\n')
    house.reload()
    house.until(lambda: house.verdict("p2", 1)["state"] == "ok", "named")


def test_a_session_that_is_owed_no_more_is_taken_back(house: House) -> None:
    """Nothing is deleted: the verdict is superseded by one that finds nothing."""
    house.set("18:00:00")
    house.start()
    house.until(lambda: kinds(house.verdict("p2", 1)) == [("absence", True)], "absent")
    house.people = ["p1"]
    house.write()
    house.reload()
    house.until(lambda: house.verdict("p2", 1)["flags"] == ["not_owed"], "withdrawn")
    gone = house.verdict("p2", 1)
    assert (gone["state"], gone["findings"], gone["deductions"]) == ("excused", [], [])
    assert house.verdict("p1", 1)["state"] == "found"


def test_a_broken_policy_leaves_judging_as_it_was(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """The last good rules stay, loudly."""
    house.start()
    house.punch("2", "08:15:00")
    house.until(lambda: house.verdict("p2", 1).get("arrival") is not None, "rules")
    house.set("08:40:00")
    (house.folder / "policies").mkdir()
    (house.folder / "policies/client-contract.toml").write_text("x = 1", "utf-8")
    house.reload()
    assert told(caplog, "judging refused")
    house.punch("1", "08:31:07")
    house.until(lambda: kinds(house.verdict("p1", 1)) == [("late", False)], "late")


def test_a_book_broken_while_the_daemon_runs_changes_nothing(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """The last good book stays, each problem by its line, and judging goes on."""
    house.start()
    house.punch("2", "08:15:00")
    house.until(lambda: house.verdict("p2", 1).get("arrival") is not None, "rules")
    house.set("08:40:00")
    book = house.folder / "book.toml"
    book.write_text(book.read_text("utf-8") + "[[people]]\nid = 7\n", "utf-8")
    problems = control.ask(house.folder / "data", "reload")["problems"]
    assert any("book.toml" in line and "people" in line for line in problems), problems
    assert {"problem": problems[0]} in told(caplog, "reload refused")
    house.punch("1", "08:31:07")
    house.until(lambda: kinds(house.verdict("p1", 1)) == [("late", False)], "late")


def test_a_fast_clock_makes_nobody_early(tmp_path: Path) -> None:
    """E45: 90 s fast at every look: judged by corrected time, the raw one is kept."""
    with House(tmp_path, people=["p1"], fast_seconds=90) as house:
        house.write()
        house.start()
        house.set("08:25:00")
        house.until(house.read, "a look at the clock")
        house.set("08:32:00")
        house.punch("1", "08:31:20")
        house.until(lambda: house.verdict("p1", 1).get("arrival") is not None, "in")
        house.set("08:40:00")

        def corrected() -> bool:
            # Until the clock is looked at again both times are tried, and it is said.
            verdict = house.verdict("p1", 1)
            at = verdict["arrival"]["at"]
            known = "time_uncertain" not in verdict["flags"]
            return known and bool(at == f"{DAY}T08:29:50+08:00")

        house.until(corrected, "on time")
        assert kinds(house.verdict("p1", 1)) == []


def test_a_history_read_from_a_fast_clock_costs_nobody(tmp_path: Path) -> None:
    """E45: nobody knows how it was: both are tried, the cheaper stands, flagged."""
    with House(tmp_path, people=["p1"], fast_seconds=90) as house:
        house.write()
        house.set("20:00:00")
        for time in ("08:31:20", "12:00:30", "14:20:00", "17:35:00"):
            house.punch("1", time)
        house.start()
        house.until(lambda: house.verdict("p1", 1).get("state") == "ok", "ok")
        verdict = house.verdict("p1", 1)
        assert "time_uncertain" in verdict["flags"]
        assert verdict["arrival"]["at"] == f"{DAY}T08:29:50+08:00"
        assert verdict["departure"]["at"] == f"{DAY}T12:00:30+08:00"


def tampered(house: House) -> bool:
    """Say whether the journal has told that a log is another one."""
    sent = query(house.journal, "SELECT entry FROM outbox WHERE kind = 'event'")
    return any(b"log_changed" in entry for (entry,) in sent)


def test_an_erased_log_changes_no_verdict(tmp_path: Path) -> None:
    """E102: the counter fell, which is told; what was stored stays, and counts."""
    with House(tmp_path, people=["p1"]) as house:
        house.write()
        house.set("20:00:00")
        for time in ("08:20:00", "12:05:00", "14:20:00", "17:35:00"):
            house.punch("1", time)
        house.start()
        house.until(lambda: house.verdict("p1", 1).get("state") == "ok", "ok")
        before = house.verdict("p1", 1)
        house.fleet.clear(0)
        house.set("07:00:00", TUESDAY)
        house.punch("1", "07:00:00", day=TUESDAY)
        house.until(lambda: tampered(house), "the event")
        house.until(house.judged, "everything judged")
        assert house.verdict("p1", 1) == before
        house.until(lambda: house.verdict("p1", 2)["state"] == "ok", "the next day")
