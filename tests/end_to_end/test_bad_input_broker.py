"""What goes wrong with broker and centre: a clear word about it, and nothing lost.

Real processes all through; each test ends with equal id sets or says why not.
"""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.brokers import Mosquitto
from tests.end_to_end.processes import Process, Site, query, until

pytestmark = pytest.mark.slow
REPO = Path(__file__).parents[2]
RIGHT, WRONG = "right-4711", "wrong-0815"


def test_a_broker_that_is_absent_is_waited_for(site: Site, broker: Mosquitto) -> None:
    """Punches wait on disk and go up when a broker comes."""
    site.virtual.start()
    site.reads()
    site.punch("1001")
    until(lambda: len(site.journal_ids()) == 1, "the punch in the journal")
    assert site.status()["outbox"]["unacknowledged"] == 1
    assert site.ask("health").returncode == 1
    broker.start()
    site.collector.start()
    until(site.equal, "equal id sets")


def test_a_forbidden_topic_is_loud_and_loses_nothing(
    site: Site, broker: Mosquitto, tmp_path: Path
) -> None:
    """The refusal is an error in log and status; the data goes when it is allowed."""
    acl = "topic readwrite att/v1/hq/gw-1/state\ntopic read att/v1/#\n"
    strict = Mosquitto(tmp_path / "strict", acl=acl, port=broker.port)
    with strict:
        site.virtual.start()
        site.punch("1001")
        site.reads()
        until(lambda: "uplink refused" in site.daemon.text(), "the refusal")
        assert site.status()["uplink"]["refusals"] >= 1
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
    try:
        site.reads()
        site.punch("1001")
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
    ids = {site.punch("1001") for _ in range(20)}

    def heard() -> set[str]:
        # What is not ended by a newline is a message of which the rest is to come.
        lines = listener.log.read_text("utf-8").split("\n")[:-1]
        return {entry["id"] for line in lines for entry in json.loads(line)["entries"]}

    try:
        site.reads()
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
        site.reads()
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
    site.start(broker)
    site.punch("1001")
    until(site.equal, "the first punch")
    site.collector.send(signal.SIGSTOP)
    for _ in range(50):
        site.punch("1002")
    until(lambda: len(site.journal_ids()) == 51, "the punches in the journal")
    broker.restart()
    site.collector.send(signal.SIGCONT)
    until(site.equal, "equal id sets", 60)


def subscriber(site: Site, broker: Mosquitto) -> Process:
    """Start a mosquitto_sub on the punch topic; what it hears is its log."""
    command = shutil.which("mosquitto_sub")
    if command is None:
        pytest.skip("mosquitto_sub is absent: apt-get install mosquitto-clients")
    topic = "att/v1/+/+/punch"
    listener = Process(
        [command, "-p", str(broker.port), "-t", topic, "-q", "1"],
        site.folder / "heard.jsonl",
    )
    listener.start()
    until(lambda: broker.subscribed(topic), "the subscription")
    return listener


def acknowledged(site: Site) -> int:
    """Read from the journal how far the stream is confirmed."""
    found = query(site.journal, "SELECT acked_seq FROM epochs ORDER BY id DESC LIMIT 1")
    return int(found[0][0]) if found else 0


def test_a_refused_login_is_named_and_the_password_is_not(
    site: Site, tmp_path: Path
) -> None:
    """Log, status and health say it; with the right secret file everything arrives."""
    passwords(tmp_path / "passwords", "gw", RIGHT)
    settings = ["allow_anonymous false", f"password_file {tmp_path / 'passwords'}"]
    strict = Mosquitto(
        tmp_path / "strict", settings=settings, port=site.gateway_broker_port
    )
    secret = tmp_path / "secret"
    secret.write_text(f"{WRONG}\n", "utf-8")
    site.mqtt_extra = f'username = "gw"\npassword_file = "{secret}"'
    site.write()
    shown = []
    try:
        site.start(strict)
        ids = {site.punch(badge) for badge in ("1001", "1002", "1003")}
        refusal = "the broker refuses the login"
        until(lambda: refusal in site.daemon.text(), "the refusal in the log")
        until(lambda: refusal in site.collector.text(), "the centre's refusal")
        until(lambda: site.journal_ids() == ids, "every punch in the journal")
        status, health = site.ask("status"), site.ask("health")
        assert refusal in " ".join(status.stdout.split())
        assert (health.returncode, refusal in health.stdout) == (1, True)
        found = site.status()
        assert refusal in found["uplink"]["error"]
        assert found["outbox"]["unacknowledged"] == 3
        shown += [status.stdout, health.stdout, str(found), status.stderr]
        secret.write_text(f"{RIGHT}\n", "utf-8")
        until(site.equal, "equal id sets")
        assert site.status()["uplink"]["error"] is None
        assert site.daemon.end() == 0
    finally:
        strict.kill()
    for text in (*shown, site.daemon.text(), site.collector.text()):
        assert RIGHT not in text
        assert WRONG not in text


def passwords(file: Path, user: str, password: str) -> None:
    """Make a password file of mosquitto."""
    command = shutil.which("mosquitto_passwd")
    if command is None:
        pytest.skip("mosquitto_passwd is absent: apt-get install mosquitto")
    command_line = [command, "-c", "-b", str(file), user, password]
    subprocess.run(command_line, capture_output=True, check=True)
