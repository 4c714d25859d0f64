"""What goes wrong on a site: a clear word about it, and nothing lost.

Real processes all through; each test ends with equal id sets or says why not.
"""

import json
import shutil
import signal
import socketserver
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import log_grammar
from tests.brokers import Mosquitto, mosquitto_path
from tests.end_to_end.processes import COMMAND, Process, Site, query, until

pytestmark = pytest.mark.slow
REPO = Path(__file__).parents[2]


class _BadRequest(socketserver.BaseRequestHandler):
    """Answers what is no HTTP as web servers do."""

    def handle(self) -> None:
        self.request.recv(1024)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Give a broker that keeps nothing, not started yet."""
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    broker = Mosquitto(tmp_path / "broker")
    yield broker
    broker.kill()


@pytest.fixture
def site(tmp_path: Path, broker: Mosquitto) -> Iterator[Site]:
    """Give a site with written files, nothing started yet."""
    site = Site(tmp_path, broker.port)
    site.write()
    yield site
    site.close()
    for process in (site.daemon, site.collector):
        if process.log.exists():
            for line in process.text().splitlines():
                if not line.startswith(("  ", "punchgate: ")):
                    log_grammar.parse(line)


def start(site: Site, broker: Mosquitto) -> None:
    """Start everything."""
    broker.start()
    for process in (site.virtual, site.collector, site.daemon):
        process.start()


def terminal_error(site: Site) -> str:
    """Return what `status` says of the terminal."""
    return str(site.status()["terminals"][0]["error"])


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        [COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def reads_again(site: Site) -> Site:
    """Start the daemon and wait until its control socket answers."""
    site.daemon.start()
    until(lambda: "daemon up" in site.daemon.text(), "the daemon")
    return site


def test_a_wrong_comm_key_is_named(site: Site) -> None:
    """The key is the reason that is shown; the key itself is not."""
    locked = Process(
        [*site.virtual.arguments, "--comm-key", "4711"], site.folder / "locked.log"
    )
    locked.start()
    try:
        reads_again(site)
        until(lambda: "terminal down" in site.daemon.text(), "the refusal")
        assert "key" in terminal_error(site)
        assert run("health", "-c", str(site.folder / "gateway.toml")).returncode == 1
    finally:
        locked.close()


def test_a_web_server_on_the_port_is_recognised(site: Site) -> None:
    """What answers is named, instead of a time-out or a wrong record."""
    web = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _BadRequest)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    site.gateway_terminal_port = web.server_address[1]
    site.write()
    try:
        reads_again(site)
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
        reads_again(site)
        until(site.equal, "equal id sets", 60)
        assert "terminal down" in site.daemon.text()
    finally:
        rebooting.close()


def test_impossible_dates_are_events_and_odd_ones_travel(
    site: Site, broker: Mosquitto
) -> None:
    """31 February is rejected alone; 2000 and 2063 are sent with their reason."""
    start(site, broker)
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
    start(site, broker)
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


def test_a_broker_that_is_absent_is_waited_for(site: Site, broker: Mosquitto) -> None:
    """Punches wait on disk and go up when a broker comes."""
    site.virtual.start()
    reads_again(site)
    site.punch("1001")
    until(lambda: len(site.journal_ids()) == 1, "the punch in the journal")
    assert site.status()["outbox"]["unacknowledged"] == 1
    assert run("health", "-c", str(site.folder / "gateway.toml")).returncode == 1
    broker.start()
    site.collector.start()
    until(site.equal, "equal id sets")


def test_a_forbidden_topic_is_loud_and_loses_nothing(
    site: Site, broker: Mosquitto, tmp_path: Path
) -> None:
    """The refusal is an error in log and status; the data goes when it is allowed."""
    acl = "topic readwrite att/v1/hq/gw-1/state\ntopic read att/v1/#\n"
    strict = Mosquitto(tmp_path / "strict", acl=acl, port=broker.port)
    strict.start()
    site.virtual.start()
    site.punch("1001")
    reads_again(site)
    until(lambda: "uplink refused" in site.daemon.text(), "the refusal")
    assert site.status()["uplink"]["refusals"] >= 1
    strict.kill()
    broker.start()
    site.collector.start()
    until(site.equal, "equal id sets", 60)


def test_a_subscriber_that_never_acknowledges_delivers_nothing(
    site: Site, broker: Mosquitto
) -> None:
    """PUBACK is not delivery: the backlog stays until a centre says it committed."""
    broker.start()
    site.virtual.start()
    listener = subscriber(site, broker)
    reads_again(site)
    site.punch("1001")
    try:
        until(lambda: listener.log.stat().st_size > 0, "the message at the subscriber")
        assert site.status()["outbox"]["unacknowledged"] == 1
        site.collector.start()
        until(site.equal, "equal id sets", 60)
        until(lambda: site.status()["outbox"]["unacknowledged"] == 0, "the ack")
    finally:
        listener.close()


def test_a_plain_mosquitto_sub_is_enough_with_confirm_broker(
    site: Site, broker: Mosquitto
) -> None:
    """A foreign subscriber that knows nothing of acks gets every punch."""
    site.confirm = "broker"
    site.write()
    broker.start()
    site.virtual.start()
    listener = subscriber(site, broker)
    reads_again(site)
    ids = {site.punch("1001") for _ in range(20)}

    def heard() -> set[str]:
        lines = listener.log.read_text("utf-8").splitlines()
        return {entry["id"] for line in lines for entry in json.loads(line)["entries"]}

    try:
        until(lambda: heard() == ids, "every punch at the subscriber")
        until(lambda: site.status()["outbox"]["unacknowledged"] == 0, "confirmation")
        assert "uplink confirm by=broker" in site.daemon.text()
        assert site.status()["confirm"] == "broker"
    finally:
        listener.close()


def test_the_example_consumer_stands_in_for_the_collector(
    site: Site, broker: Mosquitto
) -> None:
    """Eighty lines of a stranger acknowledge, also after their own restart."""
    broker.start()
    site.virtual.start()
    consumer = Process(
        [
            *(sys.executable, str(REPO / "docs" / "examples" / "consumer.py")),
            *("--port", str(broker.port), "--db", str(site.folder / "consumer.db")),
        ],
        site.folder / "consumer.log",
    )
    consumer.start()
    try:
        reads_again(site)
        site.punch("1001")
        until(lambda: acknowledged(site) == 1, "the first ack")
        consumer.end(signal.SIGKILL)
        site.punch("1002")
        until(lambda: len(site.journal_ids()) == 2, "the punch in the journal")
        consumer.start()
        until(lambda: acknowledged(site) == 2, "the ack after its restart", 60)
    finally:
        consumer.close()


def test_a_centre_that_stands_still_is_caught_up_with(
    site: Site, broker: Mosquitto
) -> None:
    """A stopped collector costs time, not punches, also when its broker forgets."""
    start(site, broker)
    site.punch("1001")
    until(site.equal, "the first punch")
    site.collector.send(signal.SIGSTOP)
    for _ in range(50):
        site.punch("1002")
    until(lambda: len(site.journal_ids()) == 51, "the punches in the journal")
    broker.restart()
    site.collector.send(signal.SIGCONT)
    until(site.equal, "equal id sets", 60)


def test_a_full_disk_ends_the_daemon_and_loses_nothing(
    site: Site, broker: Mosquitto
) -> None:
    """The reason is a sentence, the exit code a failure; with space all arrives."""
    for number in range(3000):
        site.punch(str(1000 + number % 30))
    broker.start()
    for process in (site.virtual, site.collector):
        process.start()
    limited = ["bash", "-c", 'ulimit -f 400; exec "$@"', "limited"]
    full = Process([*limited, *site.daemon.arguments], site.folder / "full.log")
    full.start()
    assert full.ended(60) == 1
    assert "free space or mend the disk" in full.text()
    assert set(site.centre_ids()) <= site.journal_ids() <= site.terminal_ids()
    site.daemon.start()
    until(site.equal, "equal id sets", 60)


def test_a_journal_of_a_newer_version_is_refused(site: Site, broker: Mosquitto) -> None:
    """Exit 2, both versions named, nothing touched."""
    broker.start()
    site.virtual.start()
    reads_again(site)
    site.punch("1001")
    until(lambda: len(site.journal_ids()) == 1, "the punch in the journal")
    assert site.daemon.end() == 0
    with sqlite3.connect(site.journal) as conn:
        conn.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('punchgate.journal', '0999_future', '')"
        )
        conn.execute("UPDATE meta SET value = '99.0' WHERE key = 'version'")
    conn.close()
    done = run("run", "-c", str(site.folder / "gateway.toml"))
    assert done.returncode == 2
    assert "99.0" in done.stderr
    assert "0.1.0" in done.stderr


def test_two_daemons_on_one_folder_are_one_too_many(
    site: Site, broker: Mosquitto
) -> None:
    """The second says whom it found and ends; the first does not notice."""
    start(site, broker)
    until(lambda: "daemon up" in site.daemon.text(), "the daemon")
    done = run("run", "-c", str(site.folder / "gateway.toml"))
    assert done.returncode == 1
    assert f"process {site.daemon.pid}" in done.stderr
    site.punch("1001")
    until(site.equal, "equal id sets")


def test_ten_mistakes_are_ten_lines(site: Site) -> None:
    """Every problem of gateway file and book at once, each with file, line and key."""
    path = site.folder / "gateway.toml"
    text = path.read_text("utf-8")
    path.write_text(
        text.replace('id = "gw-1"', 'id = "gw 1"')
        .replace("poll_seconds = 0.5", "poll_seconds = 0")
        .replace('confirm = "central"', 'confirm = "nobody"')
        .replace("[mqtt]", '[mqtt]\npassword = "secret"')
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
    assert "secret" not in done.stdout


def subscriber(site: Site, broker: Mosquitto) -> Process:
    """Start a mosquitto_sub on the punch topic; what it hears is its log."""
    command = shutil.which("mosquitto_sub")
    if command is None:
        pytest.skip("mosquitto_sub is absent: apt-get install mosquitto-clients")
    topic = ["-t", "att/v1/+/+/punch", "-q", "1"]
    listener = Process(
        [command, "-p", str(broker.port), *topic], site.folder / "heard.jsonl"
    )
    listener.start()
    return listener


def acknowledged(site: Site) -> int:
    """Read from the journal how far the stream is confirmed."""
    found = query(site.journal, "SELECT acked_seq FROM epochs ORDER BY id DESC LIMIT 1")
    return int(found[0][0]) if found else 0


def test_the_status_has_the_contract_keys(site: Site, broker: Mosquitto) -> None:
    """Programs read these keys; they are there with and without a daemon."""
    start(site, broker)
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
