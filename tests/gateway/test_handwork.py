"""What is done to a terminal by hand reaches the journal; what takes long may."""

import json
from pathlib import Path

import pytest

from gateway import control, handwork
from gateway.handwork import Deed, Deeds, whoever
from tests.end_to_end.house import House
from tests.end_to_end.processes import query

pytestmark = pytest.mark.slow
EVENTS = "SELECT entry FROM outbox WHERE kind = 'event' ORDER BY seq"


def test_deeds_are_events_in_order(tmp_path: Path) -> None:
    """Who, what, before and after; hostile words stay words; nonsense is refused."""
    with House(tmp_path) as house:
        house.write()
        house.start()
        ask = tmp_path / "data"
        deeds = (
            Deed("clock set", "a\n<b>", "甲", 3, "0042", "x.jsonl"),
            Deed("restart done", "", ""),
        )
        control.ask(ask, "handled", **Deeds("t0", "me", deeds).to_json())
        with pytest.raises(control.RefusedError, match="deeds"):
            control.ask(ask, "handled", terminal="t0", who="me", deeds=[])
        rows = [json.loads(body) for (body,) in query(house.journal, EVENTS)]
        found = [row for row in rows if row["kind"] == handwork.KIND]
        assert [row["reason"] for row in found] == ["clock set", "restart done"]
        assert found[0]["serial"] == "VT00000000"
        assert found[0]["detail"] == {
            "who": "me",
            "before": "a\n<b>",
            "after": "甲",
            "slot": 3,
            "badge": "0042",
            "file": "x.jsonl",
        }
        assert found[1]["detail"] == {"who": "me", "before": "", "after": ""}


def test_a_long_loan_is_progress(tmp_path: Path) -> None:
    """A borrower that goes on keeps the watchdog fed for the terminal it has."""
    with House(tmp_path) as house:
        house.write()
        house.start()
        house.until(house.read, "the terminal")
        with control.borrow(tmp_path / "data", "borrow", terminal="t0") as lent:
            assert house._daemon is not None
            beats = house._daemon._beats
            beats._limits["terminal t0"] = 0.0
            before = beats._beats["terminal t0"]
            lent.renew()
            assert beats._beats["terminal t0"] > before
            beats._limits["terminal t0"] = 600.0


def test_who_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """The account's name, and behind sudo the name of who is there."""
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setenv("LOGNAME", "clerk")
    assert whoever() == "clerk"
    monkeypatch.setenv("SUDO_USER", "admin")
    assert whoever() == "admin"
