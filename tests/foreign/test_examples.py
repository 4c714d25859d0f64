"""The examples of docs/subscribing.md do what it says, with real processes."""

import json
import re
import shutil
import signal
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.brokers import Mosquitto
from tests.end_to_end.processes import Process, Site, query, until
from tests.faults.duty import DUTY, OWING

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "subscribing.md").read_text("utf-8")


def started(site: Site, name: str, *arguments: str) -> Process:
    """Start one of the examples."""
    process = Process(
        [sys.executable, str(DOCS / "examples" / name), *arguments],
        site.folder / f"{Path(name).stem}.log",
    )
    process.start()
    return process


def listening(broker: Mosquitto, kind: str) -> None:
    """Wait until somebody hears a topic: nobody is told what came before."""
    until(lambda: broker.subscribed(f"att/v1/+/+/{kind}"), "a subscription", 60)


def test_the_subscriber_prints_every_punch_once(
    site: Site, mosquitto: Mosquitto
) -> None:
    """Twenty lines hear what a gateway sends; what comes again is not printed again."""
    subscriber = started(
        site, "subscriber.py", "127.0.0.1", str(site.gateway_broker_port)
    )
    try:
        listening(mosquitto, "punch")
        for process in (site.virtual, site.collector):
            process.start()
        site.reads()
        for badge in ("1001", "1002", "9999"):
            site.punch(badge)
        lines = {
            "2026-11-02T06:00:01 lobby 1001 p1001",
            "2026-11-02T06:00:02 lobby 1002 p1002",
            "2026-11-02T06:00:03 lobby 9999 None",
        }
        until(lambda: set(subscriber.text().splitlines()) == lines, "three lines")
        until(site.equal, "the same at the centre")
        site.collector.end(signal.SIGKILL)
        for path in site.folder.glob("central.db*"):
            path.unlink()  # everything will be sent again
        site.collector.start()
        until(site.equal, "everything again")
        site.punch("1003")
        more = lines | {"2026-11-02T06:00:04 lobby 1003 p1003"}
        until(lambda: set(subscriber.text().splitlines()) == more, "a fourth line")
        assert len(subscriber.text().splitlines()) == 4
    finally:
        subscriber.close()


def test_the_subscriber_stays_short() -> None:
    """Somebody types it off a screen; the guide shows it as it is."""
    text = (DOCS / "examples" / "subscriber.py").read_text("utf-8")
    assert len(text.splitlines()) <= 20
    assert text.replace("  # type: ignore[no-untyped-call]", "") in GUIDE


def test_the_line_of_the_guide_prints_punches(site: Site, mosquitto: Mosquitto) -> None:
    """`mosquitto_sub` as written there shows each message as JSON of one line."""
    command = shutil.which("mosquitto_sub")
    if command is None:
        pytest.skip("mosquitto_sub is absent: apt-get install mosquitto-clients")
    found = re.search(r"^mosquitto_sub (.*) \| jq", GUIDE, re.MULTILINE)
    assert found is not None
    words = [word.strip("'") for word in found[1].split()]
    words[words.index("BROKER")] = "127.0.0.1"
    listener = Process(
        [command, "-p", str(site.gateway_broker_port), *words], site.folder / "sub.log"
    )
    listener.start()
    try:
        listening(mosquitto, "punch")
        for process in (site.virtual, site.collector):
            process.start()
        site.reads()
        wanted = {site.punch("1001"), site.punch("1002")}

        def heard() -> set[str]:
            lines = listener.text().splitlines()
            return {one["id"] for line in lines for one in json.loads(line)["entries"]}

        until(lambda: heard() == wanted, "both punches")
    finally:
        listener.close()


@pytest.mark.skipif(
    not (shutil.which("mosquitto_sub") and shutil.which("jq")),
    reason="mosquitto_sub or jq is absent: apt-get install mosquitto-clients jq",
)
def test_the_line_of_the_guide_prints_verdicts(
    site: Site, mosquitto: Mosquitto
) -> None:
    """The filter as written there gives the keys it names."""
    book = site.folder / "book.toml"
    text = book.read_text("utf-8").replace(OWING, OWING + 'vendor = "acme"\n', 1)
    text = text.replace("[site]\n", '[site]\ncalendar = "weekdays"\n', 1)
    book.write_text(text + DUTY, "utf-8")
    found = re.search(r"^mosquitto_sub .*/attendance.*$", GUIDE, re.MULTILINE)
    assert found is not None
    line = found[0].replace("BROKER", f"127.0.0.1 -p {site.gateway_broker_port} -C 1")
    listener = Process(["sh", "-c", line], site.folder / "verdicts.log")
    listener.start()
    try:
        listening(mosquitto, "attendance")
        for process in (site.virtual, site.collector):
            process.start()
        site.reads()
        site.punch("1000")
        until(lambda: listener.text().endswith("}\n"), "a verdict")
        said = json.loads(listener.text().splitlines()[0])
        assert list(said) == ["person", "date", "session", "state", "final"]
        assert said["person"] == "p1000"
    finally:
        listener.close()


def test_the_consumer_gets_past_what_a_gateway_has_deleted(site: Site) -> None:
    """A new centre without old entries: their punches come again, nothing stalls."""
    site.virtual.start()
    port = str(site.gateway_broker_port)
    first = started(site, "consumer.py", "--port", port, "--db", str(site.folder / "1"))
    try:
        site.reads()
        old = {site.punch(str(1001 + number)) for number in range(20)}
        until(lambda: stored(site.folder / "1") == old, "the old punches")
        until(lambda: site.status()["outbox"]["unacknowledged"] == 0, "the last ack")
    finally:
        first.close()
    assert site.daemon.end() == 0
    deleted = delete(site.journal)
    second = started(
        site, "consumer.py", "--port", port, "--db", str(site.folder / "2")
    )
    try:
        site.reads()
        new = {site.punch("1001")}
        until(lambda: stored(site.folder / "2") == old | new, "old and new punches", 90)
        until(lambda: site.status()["outbox"]["unacknowledged"] == 0, "all confirmed")
        sql = "SELECT min(seq), max(last) FROM entries WHERE kind = 'pruned'"
        assert query(site.folder / "2", sql) == [(1, deleted)]
    finally:
        second.close()


def stored(path: Path) -> set[str]:
    """Return the punches a consumer holds."""
    return {row[0] for row in query(path, "SELECT id FROM punches")}


def delete(journal: Path) -> int:
    """Delete what is confirmed from an outbox, as retention does; return the last."""
    conn = sqlite3.connect(journal)
    try:
        with conn:
            (epoch, last) = conn.execute("SELECT id, head_seq FROM epochs").fetchone()
            conn.execute("DELETE FROM outbox WHERE epoch = ?", (epoch,))
            conn.execute("UPDATE epochs SET pruned_seq = ?", (last,))
    finally:
        conn.close()
    return int(last)
