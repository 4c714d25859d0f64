"""Every fault a terminal can have, alone and in pairs, against one running daemon."""

import contextlib
import itertools
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from drivers.attlog import AttlogLine
from drivers.virtual import VirtualConfig
from drivers.virtual.faults import parse_faults
from gateway.core.normalise import punch_id
from tests.brokers import Iotcore
from tests.end_to_end.fleet import Fleet, write
from tests.end_to_end.processes import Site, until
from tests.gateway.commands import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

# Fault → what the log or `status` must say of a terminal that has it; None: it is
# borne without a word, because the reader copes.
FAULTS: dict[str, str | None] = {
    "count-lies=7": "in_terminal = downloaded",
    "split-data=3": None,
    "split-bytes=100": None,
    "coalesce": None,
    "interleave-events": None,
    "slow=5": None,
    "past-end-2001": None,
    "no-buffer-4989": None,
    "secure-6001": "secure firmware",
    "reboot-after=2": "terminal down",
    "clock-jump=3600": "clock_jumped",
    "clear-log": "log_changed",
    "edit-log": "log_changed",
    "junk-prefix": None,
    "bad-date": "record rejected",
    "bad-checksum=23": "wrong checksum",
    "wrong-reply-id=29": "something else",
    "single-client": None,
    "serial-change=OTHER": "terminal_replaced",
}
RECORDS = 60
LATER = 5
LOSSY = "drop-udp=2"
# These let nobody read, so nothing new can arrive; the others below change what is
# there, so what a terminal once held may have gone before anybody read it.
CLOSED = ("secure-6001", "serial-change=OTHER")
HIDING = (*CLOSED, "clear-log", "edit-log")
WAYS = {
    "live": "poll_seconds = 1\ntimeout_seconds = 2\nlive = true",
    "polled": "poll_seconds = 1\ntimeout_seconds = 2\nlive = false",
    "udp": 'poll_seconds = 1\ntimeout_seconds = 1.5\nlive = false\ntransport = "udp"',
}


def combinations(way: str) -> list[tuple[str, ...]]:
    """Return every fault alone and every pair; over UDP lost datagrams with each."""
    if way == "udp":
        return [(LOSSY,), *((LOSSY, name) for name in FAULTS)]
    return [
        *((name,) for name in FAULTS),
        *itertools.combinations(FAULTS, 2),
    ]


def log(number: int) -> list[AttlogLine]:
    """Records of one terminal."""
    return [
        AttlogLine(
            str(1001 + n % 30), f"2026-10-{1 + n % 28:02}T08:{number % 60:02}:{n:02}"
        )
        for n in range(RECORDS)
    ]


class Recorded:
    """What each terminal ever recorded, kept outside the product."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.ever: list[set[str]] = [set() for _ in fleet.terminals]
        self.look()

    def look(self) -> None:
        """Add what the terminals hold now."""
        for number in range(len(self.ever)):
            self.ever[number] |= self.now(number)

    def now(self, number: int) -> set[str]:
        """Return the ids of the readable records in a terminal."""
        terminal = self._fleet.terminals[number]
        return {
            punch_id(terminal.config.serial, one.badge, one.at)
            for one in terminal.records
            if _exists(one.at)
        }

    def due(self, number: int, faults: tuple[str, ...]) -> set[str]:
        """Return the ids that must reach the centre from such a terminal."""
        if complete(faults):
            return self.ever[number]
        return set() if set(faults) & set(CLOSED) else self.now(number)


def _exists(at: str) -> bool:
    try:
        datetime.fromisoformat(at)
    except ValueError:
        return False
    return True


def centre(site: Site) -> dict[str, list[str]]:
    """Return the ids at the centre by serial."""
    found: dict[str, list[str]] = {}
    if not site.centre.exists():
        return found
    with (
        closing(sqlite3.connect(site.centre)) as conn,
        contextlib.suppress(sqlite3.OperationalError),  # no tables yet
    ):
        for serial, one in conn.execute("SELECT serial, id FROM punches"):
            found.setdefault(serial, []).append(one)
    return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a site with a broker."""
    broker = Iotcore()
    broker.start()
    site = Site(tmp_path, broker.port)
    yield site
    site.close()
    broker.stop()


def complete(faults: tuple[str, ...]) -> bool:
    """Return whether everything recorded can be had from such a terminal."""
    return not set(faults) & set(HIDING)


def fleet_of(tried: list[tuple[str, ...]]) -> Fleet:
    """Return a terminal for each combination."""
    return Fleet(
        [
            VirtualConfig(
                serial=f"VT{number:08}",
                log=log(number),
                faults=parse_faults(faults),
                reboot_seconds=0.2,
            )
            for number, faults in enumerate(tried)
        ]
    )


@pytest.mark.parametrize("way", WAYS)
def test_every_fault_alone_and_in_pairs(site: Site, way: str) -> None:
    """The centre ends with exactly what was recorded; what happened is named."""
    tried = combinations(way)
    with fleet_of(tried) as fleet:
        recorded = Recorded(fleet)
        write(site, fleet.terminals, settings=WAYS[way])
        site.collector.start()
        site.daemon.start()

        def arrived() -> bool:
            time.sleep(0.5)  # looking costs more than the daemon's work
            recorded.look()
            there = centre(site)
            return all(
                recorded.due(n, faults) <= set(there.get(f"VT{n:08}", []))
                for n, faults in enumerate(tried)
            )

        until(arrived, "every record at the centre", 120)
        for number in range(len(tried)):
            for later in range(LATER):
                at = f"2026-11-02T09:{number % 60:02}:{later:02}"
                fleet.punch(number, "1001", at)
        until(arrived, "every later punch at the centre", 120)
        # A held session looks at the clock every five minutes and at the serial never.
        late = {"clock-jump=3600", "serial-change=OTHER"} if way == "live" else set()
        deadline = time.monotonic() + 60
        while (
            missing := set(unsaid(site, tried)) - late
        ) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert not missing
        found = centre(site)
        for number, faults in enumerate(tried):
            ids = found.get(f"VT{number:08}", [])
            assert len(ids) == len(set(ids)), faults
            assert set(ids) <= recorded.ever[number], faults
            if complete(faults):
                assert set(ids) == recorded.ever[number], faults
            elif "secure-6001" in faults:
                assert ids == [], faults
        assert site.daemon.end() == 0


def unsaid(site: Site, tried: list[tuple[str, ...]]) -> list[str]:
    """Return the single faults that neither the log nor `status` names."""
    done = run("status", "--json", "-c", site.folder / "gateway.toml")
    shown: dict[str, Any] = {
        line["id"]: json.dumps(line) for line in json.loads(done.stdout)["terminals"]
    }
    text = site.daemon.text().splitlines()
    missing = []
    for number, faults in enumerate(tried):
        words = FAULTS.get(faults[0])
        if len(faults) > 1 or words is None:
            continue
        name = f"terminal=t{number} "
        said = [line for line in text if name in line + " "]
        if not any(words in line for line in said) and words not in shown[f"t{number}"]:
            missing.append(faults[0])
    return missing
