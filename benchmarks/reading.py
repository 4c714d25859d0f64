"""Reading a terminal: polls and whole logs, beside pyzk and a bare socket loop.

Run by `make bench`. Every client is a process of its own, measured by getrusage; the
virtual terminal is another one. Prints a Markdown table; `--json` the figures alone.
"""

import json
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

RECORDS = 100_000
NEW = 5
USERS = 300
SIZES = (1_000, 10_000, RECORDS)
SLOW_BYTES = 1_000_000  # 8 Mbit/s
_PUNCHGATE = Path(sys.executable).with_name("punchgate")
Figures = dict[str, float]


def main() -> None:
    """Measure everything and print it."""
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for records in SIZES:
            with terminal(folder, records) as port:
                figures |= whole(port, records)
                if records == RECORDS:
                    figures |= polls(port)
                    figures |= slow(port)
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=2))
    else:
        show(figures)


@contextmanager
def terminal(
    folder: Path, records: int, count: int = USERS, more: Sequence[str] = ()
) -> Iterator[int]:
    """Give the port of a virtual terminal with so many records and more options."""
    log, users = folder / f"{records}.dat", folder / "users.csv"
    users.write_text(
        "uid,user_id,name\n"
        + "".join(f"{n},{1000 + n},甲{n}\n" for n in range(1, count + 1)),
        "utf-8",
    )
    moment = datetime(2025, 1, 1)  # noqa: DTZ001 - device time has no zone
    with log.open("w", encoding="utf-8") as file:
        for number in range(records):
            moment += timedelta(seconds=37)
            badge = 1001 + number % count
            file.write(f"{badge:>9}\t{moment}\t1\t0\t1\t0\n")
    options = ["--serial", "VT00000001", "--attlog", str(log), "--users", str(users)]
    child = subprocess.Popen(
        [_PUNCHGATE, "virtual", "--port", "0", *options, *more],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    try:
        yield int(child.stdout.readline().split()[1].removeprefix("tcp="))
    finally:
        child.terminate()
        child.wait(30)
        child.stdout.close()


def cost(way: str, port: int, start: int, rounds: int) -> tuple[float, float]:
    """Return the median CPU and wall seconds of a way of reading."""
    command = [sys.executable, "-m", "benchmarks.reader", way]
    done = subprocess.run(
        [*command, str(port), str(start), str(rounds)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout) or [{"cpu": 0.0, "wall": 0.0}]
    return (
        statistics.median(one["cpu"] for one in found),
        statistics.median(one["wall"] for one in found),
    )


def whole(port: int, records: int) -> Figures:
    """Read the whole log in all three ways."""
    figures: Figures = {}
    for way, rounds in (("zk", 5), ("pyzk", 3), ("bare", 5)):
        cpu, wall = cost(way, port, 0, rounds)
        figures |= {f"{way}_{records}_cpu": cpu, f"{way}_{records}_wall": wall}
    return figures


def polls(port: int) -> Figures:
    """Poll with nothing and with five records new, in a new and in a held session."""
    figures: Figures = {}
    for new in (0, NEW):
        start = RECORDS - new - 1
        for way in ("zk", "held"):
            figures[f"{way}_poll_{new}_cpu"] = cost(way, port, start, 50)[0]
            with Tap(port) as tap:
                cost(way, tap.port, start, 1)
            with Tap(port) as session:
                if way == "held":  # what opening and closing it takes
                    cost(way, session.port, start, 0)
            figures |= {
                f"{way}_poll_{new}_bytes": tap.bytes - session.bytes,
                f"{way}_poll_{new}_trips": tap.trips - session.trips,
            }
    with Tap(port) as tap:
        cost("pyzk", tap.port, 0, 1)
    return figures | {"pyzk_poll_bytes": tap.bytes, "pyzk_poll_trips": tap.trips}


def slow(port: int) -> Figures:
    """Read everything over a line of 8 Mbit/s."""
    figures: Figures = {}
    for way in ("bare", "zk"):
        with Tap(port, SLOW_BYTES) as tap:
            figures[f"{way}_slow_wall"] = cost(way, tap.port, 0, 3)[1]
    return figures


class Tap:
    """A line to a port that counts bytes and round trips, and may be slow."""

    def __init__(self, port: int, bytes_per_second: int | None = None) -> None:
        self._to = port
        self._speed = bytes_per_second
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.bytes = 0
        self.trips = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self._to)) as server:
                for sock in (client, server):
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._carry(client, server)

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        """Carry until either side leaves; a request after answers is a new trip."""
        asking = False
        free_at = time.perf_counter()
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in ready.select():
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    data = source.recv(16384)
                    if not data:
                        return
                    self.bytes += len(data)
                    self.trips += source is client and not asking
                    asking = source is client
                    if self._speed:
                        free_at = max(free_at, time.perf_counter())
                        free_at += len(data) / self._speed
                        time.sleep(max(free_at - time.perf_counter(), 0))
                    key.data.sendall(data)


def show(figures: Figures) -> None:
    """Print the tables."""
    print("| CPU of the client | punchgate | pyzk | pyzk ÷ punchgate | bare loop |")
    print("|---|---|---|---|---|")
    for records in SIZES:
        zk, pyzk, bare = (figures[f"{w}_{records}_cpu"] for w in ("zk", "pyzk", "bare"))
        print(
            f"| whole log, {records:,} records | {zk * 1000:.1f} ms |"
            f" {pyzk * 1000:.0f} ms | {pyzk / zk:.1f} | {bare * 1000:.1f} ms |"
        )
    pyzk = figures[f"pyzk_{RECORDS}_cpu"]
    for new in (0, NEW):
        for way, words in (("zk", "new session"), ("held", "held session")):
            ours = figures[f"{way}_poll_{new}_cpu"]
            print(
                f"| poll, {new} new of {RECORDS:,}, {words} | {ours * 1000:.2f} ms |"
                f" {pyzk * 1000:.0f} ms | {pyzk / ours:,.0f} | - |"
            )
    per = (figures[f"zk_{SIZES[2]}_cpu"] - figures[f"zk_{SIZES[1]}_cpu"]) / (
        SIZES[2] - SIZES[1]
    )
    print(f"\nSlope of a whole log: {per * 1e6:.2f} µs of CPU a record.\n")
    print("| on the wire | bytes | round trips | fewer bytes than pyzk |")
    print("|---|---|---|---|")
    pyzk = figures["pyzk_poll_bytes"]
    print(f"| pyzk, any poll | {pyzk:,.0f} | {figures['pyzk_poll_trips']:.0f} | 1 |")
    for new in (0, NEW):
        for way, words in (("zk", "new session"), ("held", "held session")):
            ours = figures[f"{way}_poll_{new}_bytes"]
            print(
                f"| poll, {new} new, {words} | {ours:,.0f} |"
                f" {figures[f'{way}_poll_{new}_trips']:.0f} | {pyzk / ours:,.0f} |"
            )
    slow_, floor = figures["zk_slow_wall"], figures["bare_slow_wall"]
    print(
        f"\nAt 8 Mbit/s {RECORDS:,} records take {slow_:.2f} s, the bare loop"
        f" {floor:.2f} s: {slow_ / floor:.2f} times."
    )


if __name__ == "__main__":
    main()
