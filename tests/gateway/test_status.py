"""`status`, `health` and `tail`: of a running daemon, and from the journal alone."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import control
from tests import log_grammar
from tests.brokers import free_port
from tests.end_to_end.processes import COMMAND, Process, Site, query, until
from tests.gateway.commands import Done, run

pytestmark = pytest.mark.slow

WHOLE = {"gateway", "terminals", "outbox", "confirm"}
TERMINAL = {
    *("id", "serial", "online", "in_terminal", "downloaded", "stored", "punches"),
    *("repeats", "rejected", "sent", "acknowledged", "offset_seconds", "last_read"),
}
OUTBOX = {"unacknowledged", "oldest_age_seconds"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a site with written files, no broker, and nothing started yet."""
    site = Site(tmp_path, free_port())
    site.write()
    yield site
    site.close()


def ask(site: Site, *arguments: str) -> Done:
    """Run a command with the site's configuration."""
    return run(*arguments, "-c", site.folder / "gateway.toml")


def status(site: Site) -> dict[str, Any]:
    """Return `status --json`, its contract keys checked."""
    done = ask(site, "status", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    assert set(found) >= WHOLE
    assert set(found["outbox"]) == OUTBOX
    for line in found["terminals"]:
        assert set(line) >= TERMINAL
    return found


def started(site: Site, punches: int) -> list[str]:
    """Start terminal and daemon; return the ids of punches that are in the journal."""
    ids = [site.punch(f"{1000 + number}") for number in range(punches)]
    site.virtual.start()
    site.daemon.start()
    until(lambda: "terminal up" in site.daemon.text(), "the first read")
    return ids


def test_without_a_journal(site: Site) -> None:
    """Nothing was ever stored: exit 1 and a sentence that says what makes a journal."""
    for command in ("status", "tail"):
        done = ask(site, command, "--json")
        assert (done.returncode, done.stdout) == (1, "")
        assert "the daemon makes it at its first start" in done.stderr
    done = ask(site, "health", "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["ok"] is False
    (risk,) = found["risks"]
    assert (risk["id"], risk["terminal"]) == ("journal_unreadable", None)
    assert str(site.journal) in risk["words"]
    assert not site.journal.exists()


def test_status_with_a_daemon_and_after_it(site: Site) -> None:
    """The same figures from the daemon and, when it is gone, from the journal."""
    started(site, 5)
    site.punch("1001", "2026-02-31 08:00:00")
    until(lambda: len(query(site.journal, "SELECT 1 FROM outbox")) == 6, "6 rows")
    until(lambda: status(site)["terminals"][0]["downloaded"] == 6, "the cursor")
    running = status(site)
    assert (running["gateway"], running["confirm"]) == ("gw-1", "central")
    assert running["daemon"] is True
    (line,) = running["terminals"]
    assert (line["id"], line["serial"], line["online"]) == ("lobby", "VT00000001", True)
    counts = ("in_terminal", "downloaded", "stored", "punches", "repeats", "rejected")
    assert [line[name] for name in counts] == [6, 6, 6, 5, 0, 1]
    assert (line["sent"], line["acknowledged"]) == (0, 0)
    assert running["outbox"]["unacknowledged"] == 6  # five punches and one event
    assert running["outbox"]["oldest_age_seconds"] >= 0
    assert site.daemon.end() == 0
    stopped = status(site)
    assert (stopped["daemon"], stopped["uplink"]) == (False, None)
    (later,) = stopped["terminals"]
    assert later["online"] is False
    same = TERMINAL - {"online", "offset_seconds", "last_read"}
    assert {name: later[name] for name in same} == {name: line[name] for name in same}


def test_status_for_people(site: Site) -> None:
    """The table names the terminal and what waits, and reads without colours."""
    started(site, 3)
    shown = ask(site, "status").stdout
    assert "gateway gw-1 at hq, daemon running" in shown
    (row,) = [line for line in shown.splitlines() if line.startswith("lobby")]
    assert row.split()[:4] == ["lobby", "yes", "3", "3"]
    assert "outbox  3 not acknowledged" in shown
    assert "no broker: " in shown
    assert "\x1b" not in shown


def test_health(site: Site) -> None:
    """Each risk on a line and exit 1: no daemon, no broker, no terminal."""
    site.daemon.start()
    until(lambda: "terminal down" in site.daemon.text(), "the refusal")
    done = ask(site, "health")
    assert done.returncode == 1
    risks = done.stdout.splitlines()
    assert any(line.startswith("terminal lobby is offline: ") for line in risks)
    assert any(line.startswith("no broker lets the uplink in: ") for line in risks)
    assert json.loads(ask(site, "health", "--json").stdout)["risks"]
    assert site.daemon.end() == 0
    done = ask(site, "health")
    assert done.returncode == 1
    assert "the daemon is not running" in done.stdout.splitlines()


def test_tail(site: Site) -> None:
    """The last N punches in order: lines of the log grammar, or an object each."""
    started(site, 12)
    badges = [str(1000 + number) for number in range(12)]
    assert ask(site, "tail", "-n", "0").stdout == ""
    for arguments, count in ([], 10), (["-n", "3"], 3), (["--lines", "99"], 12):
        lines = ask(site, "tail", *arguments).stdout.splitlines()
        read = [log_grammar.parse(line) for line in lines]
        assert [line.event for line in read] == ["punch"] * count
        assert [line.values["badge"] for line in read] == badges[-count:]
    lines = ask(site, "tail", "--json", "-n", "2").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    assert [(row["badge"], row["person"]) for row in found] == [
        ("1010", "p1010"),
        ("1011", "p1011"),
    ]
    assert list(found[0]) == [
        "terminal",
        "badge",
        "at",
        "verify",
        "seq",
        "person",
        "reason",
    ]


def test_tail_follows(site: Site) -> None:
    """With -f the next punches come too, once each, until Ctrl-C, which is no error."""
    started(site, 2)
    config = str(site.folder / "gateway.toml")
    following = Process(
        [COMMAND, "tail", "-f", "-n", "1", "-c", config], site.folder / "tail.log"
    )
    following.start()
    try:
        until(lambda: following.text().count("\n") == 1, "the last punch")
        for badge in ("1007", "1008"):
            site.punch(badge)
        until(lambda: following.text().count("\n") >= 3, "the next punches")
        assert following.end(signal.SIGINT) == 0
    finally:
        following.close()
    read = [log_grammar.parse(line) for line in following.text().splitlines()]
    assert [line.values["badge"] for line in read] == ["1001", "1007", "1008"]


def test_reload_keeps_the_old_book_when_the_new_one_is_wrong(site: Site) -> None:
    """A broken book is refused with every problem; a right one is taken."""
    site.write(badges=["1000"])
    started(site, 2)
    book = site.folder / "book.toml"
    right = book.read_text("utf-8")
    data = site.folder / "data"
    book.write_text(right + '[[people]]\nid = "p 1"\nnick = "A"\n', "utf-8")
    found = control.ask(data, "reload")
    assert found["changed"] == 0
    assert len(found["problems"]) == 3  # id, name, nick
    assert all(problem.startswith(f"{book}:") for problem in found["problems"])
    until(lambda: site.daemon.text().count("reload refused") >= 3, "three lines")
    site.punch("1000")
    site.punch("1001")
    until(lambda: len(site.journal_ids()) == 4, "the next punches")
    sql = "SELECT badge, person FROM punches ORDER BY rowid"
    old = [("1000", "p1000"), ("1001", None)] * 2
    assert query(site.journal, sql) == old
    site.write(badges=["1000", "1001"])
    assert control.ask(data, "reload")["problems"] == []
    assert query(site.journal, sql) == [("1000", "p1000"), ("1001", "p1001")] * 2


def test_sighup_reads_the_book(site: Site) -> None:
    """The signal of `systemctl reload` does what the control socket does."""
    site.write(badges=[])
    started(site, 2)
    site.write(badges=["1000", "1001"])
    site.daemon.send(signal.SIGHUP)
    until(lambda: "punches_changed=2" in site.daemon.text(), "the new book")
    book = site.folder / "book.toml"
    book.unlink()
    site.daemon.send(signal.SIGHUP)
    until(lambda: "reload refused" in site.daemon.text(), "the refusal")
    assert site.daemon.end() == 0
