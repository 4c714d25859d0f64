"""Care for a terminal by real processes: what is done stands at the centre, too."""

import json
import signal
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import Mosquitto
from tests.end_to_end.processes import COMMAND, SERIAL, Process, Site, query, until

WORDS = "SELECT body FROM records WHERE kind = 'event' ORDER BY seq"


def obedient(site: Site, *more: str) -> None:
    """Let the site's terminal obey, with more options of `punchgate virtual`."""
    arguments = [*site.virtual.arguments, "--care", *more]
    site.virtual = Process(arguments, site.virtual.log)


def deeds(site: Site) -> list[tuple[str, str, str]]:
    """Return what, before and after of every deed at the centre."""
    rows = [json.loads(body) for (body,) in query(site.centre, WORDS)]
    found = [row for row in rows if row["kind"] == "terminal_handled"]
    assert all(row["detail"]["who"] for row in found)
    return [
        (row["reason"], row["detail"]["before"], row["detail"]["after"])
        for row in found
    ]


def clearing(site: Site, *more: str) -> "subprocess.Popen[str]":
    """Begin `terminal clear`; it waits for the serial on its input."""
    where = ("-c", str(site.folder / "gateway.toml"))
    return subprocess.Popen(
        [COMMAND, "terminal", "clear", "lobby", *more, *where],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def prompted(child: "subprocess.Popen[str]") -> str:
    """Read until the command asks for the serial."""
    assert child.stdout is not None
    said = ""
    while not said.endswith("the terminal: "):
        letter = child.stdout.read(1)
        assert letter, (said, child.communicate())
        said += letter
    return said


def typed(child: "subprocess.Popen[str]", words: str) -> tuple[int, str]:
    """Type a line; return how it ended and what it complained of."""
    _, errors = child.communicate(words + "\n", timeout=60)
    return child.returncode, errors


def refused(site: Site, *more: str) -> str:
    """Ask for a clear that is refused before the serial; return why."""
    child = clearing(site, *more)
    _, errors = child.communicate("", timeout=60)
    assert child.returncode == 1
    return errors


def exports(site: Site) -> list[Path]:
    """Return the files that hold exported logs."""
    return sorted((site.folder / "data" / "cleared").glob("*"))


@pytest.mark.slow
def test_a_log_is_cleared_only_when_all_of_it_is_safe(
    site: Site, broker: Mosquitto
) -> None:
    """Not acknowledged, a wrong serial, a punch in between: refused; then cleared."""
    obedient(site)
    site.start(broker)
    held = {site.punch("1001") for _ in range(40)}
    held.add(site.punch("1002", "2026-11-01 06:00:00"))
    until(site.equal, "the first punches")

    broker.kill()
    held.add(site.punch("1003"))
    until(lambda: site.journal_ids() == held, "a punch without a broker")
    assert "not acknowledged by the centre" in refused(site)
    assert exports(site) == []
    broker.start()
    until(site.equal, "that punch")

    child = clearing(site)
    assert "42 records, all at the centre" in prompted(child)
    assert typed(child, "VT00000002") == (1, said("that is not its serial"))

    child = clearing(site)
    prompted(child)
    held.add(site.punch("1001"))
    until(site.equal, "the punch in between")
    code, errors = typed(child, SERIAL)
    assert (code, "another one than in" in errors) == (1, True)
    assert len(site.attlog.read_text("utf-8").splitlines()) == 43
    assert deeds(site) == []  # nothing was done until now

    child = clearing(site, "--export", str(site.folder / "lobby.jsonl"))
    prompted(child)
    code, errors = typed(child, SERIAL)
    assert (code, errors) == (0, "")
    until(lambda: not site.attlog.read_text("utf-8"), "the empty memory")
    rows = (site.folder / "lobby.jsonl").read_text("utf-8").splitlines()
    assert len(rows) == 43
    assert (site.folder / "lobby.jsonl").stat().st_mode & 0o777 == 0o600
    assert json.loads(rows[0])["raw"]
    until(lambda: len(deeds(site)) == 2, "both events")
    begun, done = deeds(site)
    assert (begun[0], done[0], done[2]) == ("clear begun", "clear done", "0 records")
    assert done[1].startswith("43 records, sha256 ")

    held.add(site.punch("1004"))
    until(lambda: set(site.centre_ids()) == held, "a punch after it")
    assert len(site.centre_ids()) == len(held)
    assert "File exists" in refused(site, "--export", str(site.folder / "lobby.jsonl"))


def said(words: str) -> str:
    """Return a complaint as it stands on stderr."""
    return f"punchgate: {words}; nothing was cleared\n"


@pytest.mark.slow
def test_clock_and_restart_are_told(site: Site, broker: Mosquitto) -> None:
    """Before and after stand in the log and at the centre; punches go on."""
    obedient(site, "--clock-offset", "300")
    site.start(broker)
    site.punch("1001")
    until(site.equal, "the first punch")
    done = site.ask("terminal", "clock", "lobby", "--set", "--json")
    assert done.returncode == 0, done.stderr
    times: dict[str, Any] = json.loads(done.stdout)
    before, now, ours = (
        datetime.fromisoformat(times[key]).replace(tzinfo=None)
        for key in ("before", "terminal", "gateway")
    )
    assert abs(now - ours) < timedelta(seconds=60) < abs(now - before)
    done = site.ask("terminal", "restart", "lobby", "--wait", "20")
    assert done.returncode == 0, done.stderr
    assert "is back after" in done.stdout
    assert site.ask("terminal", "voice", "lobby").returncode == 0
    site.punch("1002")
    until(site.equal, "a punch after all that")
    until(lambda: len(deeds(site)) == 4, "the events")
    words = [what for what, _, _ in deeds(site)]
    assert words == [
        "clock set begun",
        "clock set done",
        "restart begun",
        "restart done",
    ]
    assert "1 records" in deeds(site)[3][2]
    assert 'kind=terminal_handled terminal=lobby reason="clock set done"' in (
        site.daemon.text()
    )


@pytest.mark.slow
def test_without_a_daemon_it_is_told_later(site: Site, broker: Mosquitto) -> None:
    """The command writes the journal itself; a terminal gone for good is told too."""
    obedient(site)
    site.start(broker)
    site.punch("1001")
    until(site.equal, "the first punch")
    assert site.daemon.end() == 0
    assert site.ask("terminal", "clock", "lobby", "--set").returncode == 0
    site.virtual.send(signal.SIGSTOP)
    try:
        done = site.ask("terminal", "restart", "lobby", "--wait", "3")
    finally:
        site.virtual.send(signal.SIGCONT)
    assert done.returncode == 1  # it did not even answer: nothing to tell
    for words in (("clear", "no"), ("restart", "no"), ("clock", "no", "--set")):
        wrong = site.ask("terminal", *words)
        assert (wrong.returncode, "there are: lobby" in wrong.stderr) == (2, True)
    site.daemon.start()
    until(lambda: len(deeds(site)) == 2, "the events")
