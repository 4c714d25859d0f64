"""Delivery, measured beside its floors in one run: latency, drain, memory, first read.

Run by `make bench`. Real processes on loopback: a virtual terminal, the daemon, a
mosquitto, the collector. Prints a Markdown table; `--json` the figures alone. Nothing
here is a test: figures of a busy machine are figures of a busy machine.
"""

import asyncio
import json
import os
import platform
import signal
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from drivers.attlog import AttlogLine
from drivers.virtual import VirtualConfig, VirtualTerminal
from sync.messages import compose
from tests.brokers import Mosquitto
from tests.end_to_end.processes import SERIAL, Site, query, until

RECORDS = 100_000
LIVE = 200
LIVE_EVERY_SECONDS = 0.1
ROUNDS = 3
BATCH = 100
COMMIT = 2_000  # what the collector finds waiting at most: 20 messages of 100
Figures = dict[str, float]


def main() -> None:
    """Measure everything and print it."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        figures |= live(Path(folder) / "live")
        rounds = [drain(Path(folder) / f"drain{n}") for n in range(ROUNDS)]
    for name in rounds[0]:
        figures[name] = statistics.median(found[name] for found in rounds)
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=2))
    else:
        show(figures)


class Terminal:
    """A virtual terminal in a thread of this process: a punch is one call away."""

    def __init__(self, log: list[AttlogLine]) -> None:
        self._loop = asyncio.new_event_loop()
        self._terminal = VirtualTerminal(VirtualConfig(serial=SERIAL, log=log))
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(self._terminal.start(), self._loop).result(30)
        self.port = self._terminal.port

    def punch(self, badge: str, at: str) -> None:
        """Let somebody punch now."""
        self._loop.call_soon_threadsafe(self._terminal.punch, badge, at)

    def close(self) -> None:
        """Stop it."""
        asyncio.run_coroutine_threadsafe(self._terminal.stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)


def at(number: int) -> str:
    """Give every record a second of its own."""
    moment = datetime(2026, 1, 1) + timedelta(seconds=number)  # noqa: DTZ001 - device time
    return moment.isoformat(timespec="seconds")


def site_at(folder: Path, terminal: Terminal, broker: Mosquitto) -> Site:
    """Set up files for a daemon and a collector."""
    folder.mkdir(exist_ok=True)
    site = Site(folder, broker.port)
    site.gateway_terminal_port = terminal.port
    site.write()
    return site


def live(folder: Path) -> Figures:
    """Single punches on a small log: made → seen committed at the centre."""
    folder.mkdir()
    terminal = Terminal([])
    broker = Mosquitto(folder, settings=["set_tcp_nodelay true"])
    broker.start()
    site = site_at(folder, terminal, broker)
    delays: list[float] = []
    try:
        site.collector.start()
        site.daemon.start()
        terminal.punch("1000", at(0))
        until(lambda: len(site.centre_ids()) == 1, "the first punch")
        conn = sqlite3.connect(f"file:{site.centre}?mode=ro", uri=True)
        for number in range(1, LIVE + 1):
            made = time.perf_counter()
            terminal.punch("1000", at(number))
            sql = "SELECT count(*) FROM punches"
            while conn.execute(sql).fetchone()[0] <= number:
                time.sleep(0.001)
            delays.append((time.perf_counter() - made) * 1000)
            time.sleep(LIVE_EVERY_SECONDS)
        conn.close()
        idle = memory(site)
    finally:
        site.close()
        broker.stop()
        terminal.close()
    cuts = statistics.quantiles(delays, n=100)
    return {"live_p50_ms": cuts[49], "live_p99_ms": cuts[98], "rss_idle_mb": idle}


def drain(folder: Path) -> Figures:
    """Read a full log without a broker, then let the backlog out; then the floors."""
    folder.mkdir()
    log = [AttlogLine(str(1000 + n % 30), at(n)) for n in range(RECORDS)]
    terminal = Terminal(log)
    broker = Mosquitto(folder, settings=["set_tcp_nodelay true"])
    site = site_at(folder, terminal, broker)
    try:
        began = time.perf_counter()
        site.daemon.start()
        until(lambda: "terminal up" in site.daemon.text(), "the first read", 300)
        read = time.perf_counter() - began
        after_read = memory(site)
        # The library's reading would share the drain's core: the terminal goes away.
        site.daemon.end()
        terminal.close()
        broker.start()
        site.collector.start()
        until(lambda: "central up" in site.collector.text(), "the collector", 60)
        site.daemon.start()
        until(lambda: _acked(site) > 0, "the first acknowledgement", 60)
        began, held = time.perf_counter(), _acked(site)
        until(lambda: _acked(site) == RECORDS, "the last acknowledgement", 300)
        rate = (RECORDS - held) / (time.perf_counter() - began)
        draining = memory(site)
        bare_sqlite = executemany(folder, site.centre)
        bare_paho = publish(broker.port, batches(site.journal))
    finally:
        site.close()
        broker.stop()
    return {
        "first_read_s": read,
        "rss_after_read_mb": after_read,
        "rss_after_drain_mb": draining,
        "drain_per_s": rate,
        "bare_paho_per_s": bare_paho,
        "bare_executemany_per_s": bare_sqlite,
    }


def _acked(site: Site) -> int:
    found = query(site.journal, "SELECT acked_seq FROM epochs ORDER BY id DESC LIMIT 1")
    return int(found[0][0]) if found else 0


def memory(site: Site) -> float:
    """Return the daemon's resident memory in MB, its children (none) included."""
    status = Path(f"/proc/{site.daemon.pid}/status").read_text("utf-8")
    line = next(row for row in status.splitlines() if row.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def executemany(folder: Path, centre: Path) -> float:
    """Insert the same rows into the same table, nothing else, FULL."""
    with sqlite3.connect(centre) as source:
        (name, create), *_ = source.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
            " AND sql LIKE '%verify_code%'"
        ).fetchall()
        indexes = source.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ?"
            " AND sql IS NOT NULL",
            (name,),
        ).fetchall()
        rows = source.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608 - ours
    source.close()
    target = sqlite3.connect(folder / "bare.db", isolation_level=None)
    target.execute("PRAGMA journal_mode = WAL")
    target.execute("PRAGMA synchronous = FULL")
    for sql in (create, *(row[0] for row in indexes)):
        target.execute(sql)
    marks = ", ".join("?" * len(rows[0]))
    began = time.perf_counter()
    for start in range(0, len(rows), COMMIT):
        target.execute("BEGIN IMMEDIATE")
        insert = f"INSERT INTO {name} VALUES ({marks})"  # noqa: S608 - ours
        target.executemany(insert, rows[start : start + COMMIT])
        target.execute("COMMIT")
    rate = len(rows) / (time.perf_counter() - began)
    target.close()
    return rate


def batches(journal: Path) -> list[bytes]:
    """Compose the very messages the uplink sent."""
    sql = "SELECT entry, prev, hash FROM outbox ORDER BY seq"
    rows = query(journal, sql)
    return [
        compose(
            site="hq",
            gateway="gw-1",
            epoch="bare",
            session=1,
            sent="2026-11-21T00:00:00.000+00:00",
            entries=[row[0] for row in part],
            prev=part[0][1],
            head=part[-1][2],
        )
        for part in (rows[n : n + BATCH] for n in range(0, len(rows), BATCH))
    ]


def publish(port: int, messages: list[bytes]) -> float:
    """Publish with bare paho, window 20, QoS 1, to one subscriber that only counts."""
    done, subscribed, count = threading.Event(), threading.Event(), 0

    def heard(_client: Client, _userdata: object, _message: MQTTMessage) -> None:
        nonlocal count
        count += 1
        if count == len(messages):
            done.set()

    reader, writer = client(), client()
    reader.on_message = heard
    reader.on_subscribe = lambda *_: subscribed.set()
    writer.max_inflight_messages_set(20)
    for each in (reader, writer):
        each.connect("127.0.0.1", port)
        each.loop_start()
    reader.subscribe("bare", 1)
    subscribed.wait(10)
    began = time.perf_counter()
    for message in messages:
        writer.publish("bare", message, 1)
    done.wait(120)
    rate = len(messages) * BATCH / (time.perf_counter() - began)
    for each in (reader, writer):
        each.disconnect()
        each.loop_stop()
    return rate


def client() -> Client:
    """Make a bare client."""
    return Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)


def show(figures: Figures) -> None:
    """Print the table."""
    slower = min(figures["bare_paho_per_s"], figures["bare_executemany_per_s"])
    share = 100 * figures["drain_per_s"] / slower
    rows: list[tuple[str, str, str]] = [
        ("live, p50", f"{figures['live_p50_ms']:.0f} ms", "≤ 50 ms"),
        ("live, p99", f"{figures['live_p99_ms']:.0f} ms", "≤ 300 ms"),
        ("drain to the centre", f"{figures['drain_per_s']:,.0f} /s", "≥ 15,000 /s"),
        ("bare paho, same batches", f"{figures['bare_paho_per_s']:,.0f} /s", "floor"),
        (
            "bare executemany, same rows",
            f"{figures['bare_executemany_per_s']:,.0f} /s",
            "floor",
        ),
        ("drain, of the slower floor", f"{share:.0f} %", "≥ 40 %"),
        ("daemon idle, empty log", f"{figures['rss_idle_mb']:.0f} MB", "≤ 80 MB"),
        (
            "daemon after a full read",
            f"{figures['rss_after_read_mb']:.0f} MB",
            "≤ 80 MB",
        ),
        (
            "daemon after the drain",
            f"{figures['rss_after_drain_mb']:.0f} MB",
            "≤ 80 MB",
        ),
        (
            f"start to first read of {RECORDS:,} stored",
            f"{figures['first_read_s']:.1f} s",
            "-",
        ),
    ]
    print(f"{os.cpu_count()} cores, {platform.machine()}, {platform.platform()},")
    print(f"Python {platform.python_version()}; medians of {ROUNDS} rounds.\n")
    print("| what | measured | target |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def interrupted(*_: object) -> None:
    """End with children stopped."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupted)
    main()
