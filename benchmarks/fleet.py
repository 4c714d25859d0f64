"""A daemon with a fleet of terminals: memory and CPU, recovering all of them and idle.

The end of `make bench`, alone `make bench-fleet`: ten minutes and more, with
`--terminals N --records N` less.
The terminals live in one process of their own, the daemon in another; a broker and a
collector take what it sends. Figures are read from /proc while it works.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

from drivers.attlog import AttlogLine
from drivers.virtual import VirtualConfig, VirtualTerminal
from tests.brokers import Mosquitto
from tests.end_to_end.processes import Site, query

_SETTLE_SECONDS, _IDLE_SECONDS = 30.0, 60.0
_TICKS = os.sysconf("SC_CLK_TCK")
_MB = 1024


def main() -> None:
    """Measure and print a table; `--serve` is the process of the terminals."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--terminals", type=int, default=50)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--serve", action="store_true")
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.terminals, given.records))
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), given.terminals, given.records)


async def serve(terminals: int, records: int) -> None:
    """Run the terminals until standard input ends; print their ports."""
    start = datetime(2025, 1, 1)  # noqa: DTZ001 - device time has no zone
    log = [
        AttlogLine(str(1001 + n % 300), (start + timedelta(seconds=37 * n)).isoformat())
        for n in range(records)
    ]
    running = []
    for number in range(terminals):
        one = VirtualTerminal(VirtualConfig(serial=f"VT{number:08}", log=log))
        await one.start()
        running.append(one)
    print(json.dumps([one.port for one in running]), flush=True)
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.read)
    for one in running:
        await one.stop()


def write(site: Site, ports: list[int]) -> None:
    """Write book and configurations for the fleet."""
    site.write(badges=[])
    book = '[site]\nid = "hq"\n'
    settings = (site.folder / "gateway.toml").read_text("utf-8")
    settings = settings[: settings.index("[[terminals]]")]
    for number, port in enumerate(ports):
        book += f'\n[[terminals]]\nid = "t{number}"\nserial = "VT{number:08}"\n'
        settings += f'\n[[terminals]]\nid = "t{number}"\nhost = "127.0.0.1"\n'
        settings += f"port = {port}\npoll_seconds = 30\nlive = true\n"
    (site.folder / "book.toml").write_text(book, "utf-8")
    (site.folder / "gateway.toml").write_text(settings, "utf-8")


def measure(folder: Path, terminals: int, records: int) -> None:
    """Recover the whole fleet, then idle."""
    command = [sys.executable, "-m", "benchmarks.fleet", "--serve"]
    command += ["--terminals", str(terminals), "--records", str(records)]
    fleet = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert fleet.stdout is not None
    assert fleet.stdin is not None
    broker = Mosquitto(folder, settings=["set_tcp_nodelay true"])
    broker.start()
    site = Site(folder, broker.port)
    try:
        write(site, json.loads(fleet.stdout.readline()))
        site.collector.start()
        began = time.monotonic()
        site.daemon.start()
        total = terminals * records
        stored = wait(site, "journal", "SELECT count(*) FROM punches", total)
        recovering = resident(site.daemon.pid, "VmHWM")
        sql = "SELECT max(head_seq) - max(acked_seq) FROM epochs"
        delivered = wait(site, "journal", sql, 0)
        time.sleep(_SETTLE_SECONDS)  # the last figures are counted and told
        cpu = used(site.daemon.pid)
        time.sleep(_IDLE_SECONDS)
        idle = (used(site.daemon.pid) - cpu) / _IDLE_SECONDS
        print(f"| {terminals} terminals x {records:,} records, live | |")
        print("|---|---|")
        print(f"| stored after | {stored - began:.0f} s |")
        print(f"| confirmed by the centre after | {delivered - began:.0f} s |")
        print(f"| resident at most, recovering | {recovering} MB |")
        print(f"| resident, idle | {resident(site.daemon.pid, 'VmRSS')} MB |")
        print(f"| of one core, idle | {idle:.2%} |")
    finally:
        site.close()
        broker.stop()
        fleet.stdin.close()
        fleet.wait(60)
        fleet.stdout.close()


def wait(site: Site, what: str, sql: str, value: int) -> float:
    """Return when a question to the journal gives this value."""
    while True:
        site.daemon.check()
        found = query(site.journal, sql) if site.journal.exists() else []
        if found and found[0][0] == value:
            return time.monotonic()
        print(f"{what}: {found}", file=sys.stderr)
        time.sleep(2.0)


def resident(pid: int, key: str) -> int:
    """Return a figure of /proc in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith(key):
            return int(line.split()[1]) // _MB
    raise ValueError(key)


def used(pid: int) -> float:
    """Return the CPU seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


if __name__ == "__main__":
    main()
