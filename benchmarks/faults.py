"""What faults cost, measured: holes, a backlog of a million rows, a month offline.

Not part of `make test`: `python -m benchmarks.faults [holes|backlog|month]`. Real
processes on loopback; sizes by PUNCHGATE_BACKLOG (rows) and PUNCHGATE_MONTH (days).
"""

import contextlib
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from tests.brokers import mosquitto_path
from tests.end_to_end.processes import SERIAL, until
from tests.faults.asking import ask
from tests.faults.checker import Recorded
from tests.faults.ground import Ground, Kind
from tests.faults.rules import Dropping, Watching

Figures = dict[str, float]
Measure = Callable[[Path], Figures]
BACKLOG = int(os.environ.get("PUNCHGATE_BACKLOG", "1000000"))
DAYS = int(os.environ.get("PUNCHGATE_MONTH", "30"))
A_DAY = 10_000
HOLES = 20
SHARE = 0.01
SEED = 20261121


def main() -> None:
    """Measure what was asked for and print it."""
    known: dict[str, Measure] = {
        "holes": holes,
        "backlog": backlog,
        "month": month,
    }
    asked = [name for name in sys.argv[1:] if name in known] or list(known)
    figures: Figures = {}
    for name in asked:
        with tempfile.TemporaryDirectory() as folder:
            figures |= known[name](Path(folder) / name)
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=2))
        return
    print(f"{os.cpu_count()} cores, {platform.machine()}, {platform.platform()},")
    print(f"Python {platform.python_version()}, seed {SEED}.\n")
    print("| what | measured |\n|---|---|")
    for name, value in figures.items():
        print(f"| {name} | {value:,.2f} |")


def holes(folder: Path) -> Figures:
    """One in a hundred batches is called delivered and vanishes: when is it filled?"""
    rng = random.Random(SEED)
    ground = Ground(folder, Kind.COLLECTOR)
    rule = Dropping(rng, SHARE)
    watching = Watching(rule)
    try:
        ground.open()
        with ground.up.does(rule=watching):
            while len(rule.dropped) < HOLES:
                ground.punch(rng.randint(1, 5), rng)
                time.sleep(0.02)  # the pace of people
            ground.settle()
    finally:
        ground.close()
    noticed = [s for lost in rule.dropped if (s := watching.noticed(lost)) is not None]
    filled = [s for lost in rule.dropped if (s := watching.filled(lost)) is not None]
    return {
        "holes": len(rule.dropped),
        "holes that an ack named": len(noticed),
        "noticed, median s": statistics.median(noticed),
        "noticed, longest s": max(noticed),
        "holes filled": len(filled),
        "filled, median s": statistics.median(filled),
        "filled, longest s": max(filled),
    }


def backlog(folder: Path) -> Figures:
    """A million rows wait; the broker starts."""
    ground = Ground(folder, Kind.COLLECTOR)
    try:
        ground.open()
        idle = memory(ground)
        with ground.without_broker():
            took = stick(ground, "backlog", BACKLOG)
            full = memory(ground)
            began = time.perf_counter()
        drained = _acked(ground, began)
        after = memory(ground)
        ground.settle(600)
    finally:
        ground.close()
    return {
        "backlog, rows": BACKLOG,
        "import, rows/s": BACKLOG / took,
        "broker starts → last ack, s": drained,
        "drain, rows/s": BACKLOG / drained,
        "daemon idle, MB": idle,
        "daemon with the backlog, MB": full,
        "daemon after the drain, MB": after,
    }


def month(folder: Path) -> Figures:
    """Thirty days of ten thousand punches each without a broker, a day at a time."""
    ground = Ground(folder, Kind.COLLECTOR)
    paces, costs, sizes = [], [], []
    try:
        ground.open()
        with ground.without_broker():
            for day in range(DAYS):
                before = cpu(ground)
                paces.append(A_DAY / stick(ground, f"day{day}", A_DAY, day))
                costs.append(cpu(ground) - before)
                sizes.append(memory(ground))
            began = time.perf_counter()
        drained = _acked(ground, began)
        ground.settle(600)
    finally:
        ground.close()
    third = max(1, DAYS // 3)
    early, late = statistics.median(paces[:third]), statistics.median(paces[-third:])
    # The clock on the wall measures the other users of the machine as well.
    cheap, dear = statistics.median(costs[:third]), statistics.median(costs[-third:])
    return {
        "days offline": DAYS,
        "RSS after the first day, MB": sizes[0],
        "RSS after the last day, MB": sizes[-1],
        "RSS growth, MB": sizes[-1] - sizes[0],
        "pace, first third, rows/s": early,
        "pace, last third, rows/s": late,
        "slower by the clock, %": 100 * (1 - late / early),
        "daemon's CPU for a day, first third, s": cheap,
        "daemon's CPU for a day, last third, s": dear,
        "dearer by, %": 100 * (dear / cheap - 1),
        "drain of it all, s": drained,
    }


def stick(ground: Ground, name: str, rows: int, day: int = 0) -> float:
    """Import generated lines through the running daemon; return the seconds."""
    file = ground.folder / f"{name}.dat"
    moment = datetime(2020, 1, 1) + timedelta(days=day)  # noqa: DTZ001 - device time
    with file.open("w", encoding="utf-8") as log:
        for number in range(rows):
            at = moment + timedelta(seconds=number)
            log.write(f"{1000 + number % 30:>9}\t{at}\t1\t0\t1\t0\n")
    ground.stick(Recorded(SERIAL, file))
    began = time.perf_counter()
    done = ground.ask("import", str(file), "--terminal", "lobby")
    assert done.returncode == 0, done.stdout + done.stderr
    return time.perf_counter() - began


def _acked(ground: Ground, began: float) -> float:
    head = ground.journal.stream().head
    sql = "SELECT acked_seq FROM epochs ORDER BY id DESC LIMIT 1"
    until(lambda: ask(ground.journal.path, sql)[0][0] >= head, "the last ack", 1800)
    return time.perf_counter() - began


def cpu(ground: Ground) -> float:
    """Return the seconds of CPU the daemon has used."""
    text = Path(f"/proc/{ground.site.daemon.pid}/stat").read_text("utf-8")
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(ground: Ground) -> float:
    """Return the daemon's resident memory in MB."""
    path = Path(f"/proc/{ground.site.daemon.pid}/status")
    line = next(x for x in path.read_text("utf-8").splitlines() if x[:5] == "VmRSS")
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    if mosquitto_path() is None:
        sys.exit("mosquitto is absent: apt-get install mosquitto")
    with contextlib.suppress(KeyboardInterrupt):
        main()
