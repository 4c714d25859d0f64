"""Users changed on a terminal by hand: who, what, before and after at the centre."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import Mosquitto
from tests.end_to_end.processes import Process, Site, query, until

EVENTS = "SELECT body FROM records WHERE kind = 'event' ORDER BY seq"
USERS = "uid,user_id,name\n1,1000,谁\n2,1001,甲1001\n"


def told(site: Site) -> list[dict[str, Any]]:
    """Return every deed that the centre knows."""
    rows = [json.loads(body) for (body,) in query(site.centre, EVENTS)]
    return [row for row in rows if row["kind"] == "terminal_handled"]


@pytest.mark.slow
def test_users_changed_are_told(site: Site, broker: Mosquitto) -> None:
    """Each user is an event, without any name; the daemon lends the terminal."""
    there = site.folder / "users.csv"
    there.write_text(USERS, "utf-8")
    arguments = [*site.virtual.arguments, "--users", str(there)]
    site.virtual = Process(arguments, site.virtual.log)
    site.write(["1000", "1001", "1002"])
    site.start(broker)
    site.punch("1001")
    until(site.equal, "a punch")
    made = site.ask("people", "plan", "--json")
    assert made.returncode == 0, made.stderr
    plan = json.loads(made.stdout)["id"]
    done = site.ask("people", "apply", plan)
    assert done.returncode == 0, done.stderr
    undo = Path(done.stdout.split()[-1])
    back = site.ask("people", "undo", str(undo))
    assert back.returncode == 0, back.stderr
    until(lambda: len(told(site)) == 6, "the deeds")
    said = [
        (row["reason"], row["detail"]["before"], row["detail"]["after"])
        for row in told(site)
    ]
    assert said == [
        ("users begun", "", f"plan {plan}"),
        ("user written", "there", "another name"),
        ("user written", "not there", "there"),
        ("users begun", "", "taken back"),
        ("user put back", "there", "as before"),
        ("user put back", "there", "not there"),
    ]
    for row in told(site):
        assert row["detail"]["who"]
        assert row["serial"] == "VT00000001"
        assert "甲" not in json.dumps(row, ensure_ascii=False)
    users = [(row["detail"]["slot"], row["detail"]["badge"]) for row in told(site)[1:3]]
    assert users == [(1, "1000"), (3, "1002")]
    assert told(site)[1]["detail"]["file"] == undo.name
    assert site.daemon.text().count("terminal returned terminal=lobby") >= 3
    site.punch("1001")
    until(site.equal, "a punch after it")
