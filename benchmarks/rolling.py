"""A full log of 100,000 records that drops its oldest: what one more punch costs.

Part of `make bench`. The whole path from the poll to the committed punch, in this
process and its journal; the virtual terminal is another one. pyzk's poll of such a log
is its poll of any (`benchmarks/reading.py`).
"""

import asyncio
import json
import logging
import statistics
import sys
import tempfile
import time
from pathlib import Path

from sqlite_utils import Database

from benchmarks.reading import RECORDS, Tap, terminal
from benchmarks.reading import cost as cost_of
from tests.gateway.pollers import Gateway, gateway

PUNCHES = 20
FULL = ("--capacity", str(RECORDS), "--full", "overwrite")


def main() -> None:
    """Measure and print."""
    logging.disable()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with terminal(folder, RECORDS, more=FULL) as port:
            found = asyncio.run(polls(port, folder / f"{RECORDS}.dat"))
            found["pyzk_cpu"] = cost_of("pyzk", port, 0, 1)[0]
    if "--json" in sys.argv:
        print(json.dumps(found, indent=2))
        return
    print("| 1 new of a full log | bytes | round trips | CPU | wall | pyzk, CPU |")
    print("|---|---|---|---|---|---|")
    print(
        f"| {RECORDS:,} records | {found['bytes']:,.0f} | {found['trips']:.0f} |"
        f" {found['cpu'] * 1000:.0f} ms | {found['wall'] * 1000:.0f} ms |"
        f" {found['pyzk_cpu'] * 1000:,.0f} ms |"
    )


async def polls(port: int, log: Path) -> dict[str, float]:
    """Return the medians of polls that find one punch each."""
    rounds: list[dict[str, float]] = []
    async with gateway() as site:
        await site.visit(port)
        for number in range(PUNCHES):
            with log.open("a", encoding="utf-8") as file:
                file.write(f"{1001:>9}\t2026-11-02 07:00:{number:02}\t1\t0\t1\t0\n")
            found = await one(site, port, RECORDS + number)
            rounds.append(found)
        assert site.poller.standing.generation == 1
    return {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}


async def one(site: Gateway, port: int, stored: int) -> dict[str, float]:
    """Poll until the punch is there; return what that poll cost."""

    def count(db: Database) -> int:
        return db.table("raw").count

    while True:
        with Tap(port) as tap:
            cpu, wall = time.process_time(), time.perf_counter()
            await site.visit(tap.port)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        if await site.intake.ask(count) > stored:
            return {"bytes": tap.bytes, "trips": tap.trips, "cpu": cpu, "wall": wall}


if __name__ == "__main__":
    main()
