"""What goes wrong with terminals and files: a clear word about it, and nothing lost.

Real processes all through; each test ends with equal id sets or says why not.
"""

import json
import signal
import socketserver
import subprocess
import threading
from pathlib import Path

import pytest

from tests.brokers import Mosquitto
from tests.end_to_end.processes import COMMAND, Process, Site, query, until

pytestmark = pytest.mark.slow


class _BadRequest(socketserver.BaseRequestHandler):
    """Answers what is no HTTP as web servers do."""

    def handle(self) -> None:
        self.request.recv(1024)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def terminal_error(site: Site) -> str:
    """Return what `status` says of the terminal."""
    return str(site.status()["terminals"][0]["error"])


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_wrong_comm_key_is_named(site: Site) -> None:
    """The key is the reason that is shown; the key itself is not."""
    locked = Process(
        [*site.virtual.arguments, "--comm-key", "4711"], site.folder / "locked.log"
    )
    locked.start()
    try:
        site.reads()
        until(lambda: "key" in terminal_error(site), "the refusal")
        assert site.ask("health").returncode == 1
    finally:
        locked.close()


def test_a_web_server_on_the_port_is_recognised(site: Site) -> None:
    """What answers is named, instead of a time-out or a wrong record."""
    web = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _BadRequest)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    site.gateway_terminal_port = web.server_address[1]
    site.write()
    try:
        site.reads()
        until(lambda: "terminal down" in site.daemon.text(), "the refusal", 60)
        assert "not a ZK terminal" in terminal_error(site)
    finally:
        web.shutdown()
        web.server_close()


def test_a_terminal_gone_in_mid_read_is_read_again(
    site: Site, broker: Mosquitto
) -> None:
    """A cut log is never taken for a whole one."""
    for number in range(2000):
        site.punch(str(1000 + number % 30))
    broker.start()
    rebooting = Process(
        [*site.virtual.arguments, "--fault", "reboot-after=1"],
        site.folder / "rebooting.log",
    )
    rebooting.start()
    try:
        site.collector.start()
        site.reads()
        until(site.equal, "equal id sets", 60)
        assert "terminal down" in site.daemon.text()
    finally:
        rebooting.close()


def test_impossible_dates_are_events_and_odd_ones_travel(
    site: Site, broker: Mosquitto
) -> None:
    """31 February is rejected alone; 2000 and 2063 are sent with their reason."""
    site.start(broker)
    site.punch("1001", "2026-02-31 08:00:00")
    lost = site.punch("1001", "2000-01-01 00:00:07")
    future = site.punch("1002", "2063-05-05 08:00:00")
    site.punch("1003")
    until(site.equal, "equal id sets")
    sql = "SELECT id FROM punches WHERE reason = 'implausible_time'"
    assert {row[0] for row in query(site.journal, sql)} == {lost, future}
    sql = "SELECT body FROM records WHERE kind = 'event'"
    until(lambda: len(query(site.centre, sql)) == 1, "the event at the centre")
    event = json.loads(query(site.centre, sql)[0][0])
    assert event["kind"] == "record_rejected"
    assert event["detail"]["at"] == "2026-02-31T08:00:00"


def test_hostile_badges_travel_and_the_book_learns_one(
    site: Site, broker: Mosquitto
) -> None:
    """Nobody's badge goes up as nobody's; the same id comes again when it is known."""
    site.start(broker)
    until(lambda: "daemon up" in site.daemon.text(), "the daemon")
    unknown = site.punch("9999")
    for badge in ("123456789012345678901234", "工号七", "a\x01b\x1b[31m", "'; DROP--"):
        site.punch(badge)
    until(site.equal, "equal id sets")
    sql = f"SELECT person FROM punches WHERE id = '{unknown}'"
    assert query(site.centre, sql) == [(None,)]
    site.write([*map(str, range(1000, 1030)), "9999"])
    site.daemon.send(signal.SIGHUP)
    until(lambda: query(site.centre, sql) == [("p9999",)], "the person at the centre")
    assert site.equal()


def test_ten_mistakes_are_ten_lines(site: Site) -> None:
    """Every problem of gateway file and book at once, each with file, line and key."""
    path = site.folder / "gateway.toml"
    text = path.read_text("utf-8")
    path.write_text(
        text.replace('id = "gw-1"', 'id = "gw 1"')
        .replace("poll_seconds = 0.5", "poll_seconds = 0")
        .replace('confirm = "central"', 'confirm = "nobody"')
        .replace("[mqtt]", '[mqtt]\npassword = "hunter2-xyzzy"')
        + 'transport = "smoke"\nencoding = "klingon"\ncomm_key_file = "/none"\n',
        "utf-8",
    )
    book = site.folder / "book.toml"
    book.write_text(
        book.read_text("utf-8").replace('name = "甲1001"', "nme = 7")
        + '\n[[enrolments]]\nperson = "ghost"\nterminal = "attic"\nbadge = "5"\n',
        "utf-8",
    )
    done = run("check-config", str(path), "--json")
    assert done.returncode == 2
    problems = json.loads(done.stdout)["problems"]
    keys = {(Path(p["file"]).name, p["path"]) for p in problems}
    assert keys >= {
        ("gateway.toml", "gateway.id"),
        ("gateway.toml", "mqtt.password"),
        ("gateway.toml", "mqtt.confirm"),
        ("gateway.toml", "terminals[1].poll_seconds"),
        ("gateway.toml", "terminals[1].transport"),
        ("gateway.toml", "terminals[1].encoding"),
        ("gateway.toml", "terminals[1].comm_key_file"),
        ("book.toml", "people[2].nme"),
        ("book.toml", "people[2].name"),
        ("book.toml", "enrolments[31].person"),
        ("book.toml", "enrolments[31].terminal"),
    }
    assert all(problem["line"] > 1 for problem in problems)
    assert "hunter2-xyzzy" not in done.stdout


def test_the_status_has_the_contract_keys(site: Site, broker: Mosquitto) -> None:
    """Programs read these keys; they are there with and without a daemon."""
    site.start(broker)
    site.punch("1001")
    until(site.equal, "the punch at the centre")
    until(lambda: site.status()["terminals"][0]["acknowledged"] == 1, "the ack")
    running = site.status()
    assert site.daemon.end() == 0
    stopped = site.status()
    for found in (running, stopped):
        assert {"gateway", "terminals", "outbox", "confirm"} <= set(found)
        assert set(found["outbox"]) == {"unacknowledged", "oldest_age_seconds"}
        line = found["terminals"][0]
        counts = {"in_terminal", "downloaded", "stored", "punches"}
        assert {line[name] for name in (*counts, "sent", "acknowledged")} == {1}
        assert (line["repeats"], line["rejected"]) == (0, 0)
        assert line["serial"] == "VT00000001"
    assert running["terminals"][0]["online"] is True
    assert stopped["terminals"][0]["online"] is False
