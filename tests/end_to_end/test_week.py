"""A week of a gateway's life, compressed: polls, punches, reboots; memory stays flat.

A terminal polled every 30 seconds is polled 20,160 times a week: `make soak` does so
with twenty terminals of 1,008 polls each (`PUNCHGATE_POLLS`), `make test` with fewer.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.attlog import AttlogLine
from drivers.virtual import VirtualConfig
from drivers.virtual.faults import parse_faults
from tests.brokers import Iotcore
from tests.end_to_end.fleet import Fleet, write
from tests.end_to_end.processes import Site, until

TERMINALS = 20
POLLS = int(os.environ.get("PUNCHGATE_POLLS", "120"))
POLL_SECONDS = 0.1
# What a Python process may take more after its first minutes, whatever it does.
SLACK_KB = 6_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120 + POLLS * POLL_SECONDS * 20),
]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a site with a broker."""
    broker = Iotcore()
    broker.start()
    site = Site(tmp_path, broker.port)
    yield site
    site.close()
    broker.stop()


def resident_kb(pid: int) -> int:
    """Return what a process has in memory."""
    for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise ValueError(pid)


def test_memory_stays_flat(site: Site) -> None:
    """Twenty terminals polled again and again, punches and reboots among it."""
    configs = [
        VirtualConfig(
            serial=f"VT{number:08}",
            log=[
                AttlogLine("1001", f"2026-10-01T08:{n // 60:02}:{n % 60:02}")
                for n in range(300)
            ],
            faults=parse_faults(["reboot-after=7"] if number % 5 == 0 else []),
            reboot_seconds=0.1,
        )
        for number in range(TERMINALS)
    ]
    with Fleet(configs) as fleet:
        settings = f"poll_seconds = {POLL_SECONDS}\nlive = false\ntimeout_seconds = 2"
        write(site, fleet.terminals, settings=settings)
        site.collector.start()
        site.daemon.start()
        want = 300 * TERMINALS
        until(lambda: site.centre.exists() and len(site.centre_ids()) == want, "all")
        before = 0
        for poll in range(POLLS):
            if poll == POLLS // 4:
                before = resident_kb(site.daemon.pid)
            minute, second = divmod(poll % 3600, 60)
            hour = 9 + poll // 3600
            at = f"2026-11-{2 + hour // 24:02}T{hour % 24:02}:{minute:02}:{second:02}"
            fleet.punch(poll % TERMINALS, "1001", at)
            want += 1
            time.sleep(POLL_SECONDS)  # the pace of the week, not a synchronisation
        until(lambda: len(site.centre_ids()) == want, "every punch of the week", 60)
        after = resident_kb(site.daemon.pid)
        print(f"{POLLS} polls of {TERMINALS} terminals: {before} kB, then {after} kB")
        assert after - before < SLACK_KB
