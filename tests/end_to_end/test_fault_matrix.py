"""Every fault a terminal can have, alone and in pairs, against one running daemon."""

import itertools
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drivers.attlog import AttlogLine
from drivers.base import TerminalUser
from drivers.virtual import VirtualConfig
from drivers.virtual.faults import parse_faults
from tests.brokers import Iotcore
from tests.end_to_end.fleet import Fleet, write
from tests.end_to_end.processes import Site, until
from tests.end_to_end.recorded import Recorded, centre
from tests.gateway.commands import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

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
# A counter that says less than there is, and one that says nothing is there.
COUNTS = ("count-lies=-3", "count-lies=-99999")
# A fault that keeps others from being seen: nobody reads a terminal any more.
HIDDEN = {
    "secure-6001": set(FAULTS) - {"secure-6001"},
    "serial-change=OTHER": {
        "clock-jump=3600",
        "clear-log",
        "edit-log",
        "bad-checksum=23",
        "wrong-reply-id=29",
    },
}
# A held session looks at the clock every five minutes and at the serial never. Over
# UDP a damaged datagram is one that did not come, and is asked for again.
UNSEEN = {
    "live": ("clock-jump=3600", "serial-change=OTHER"),
    "udp": ("bad-checksum=23", "wrong-reply-id=29"),
}
LATER = 5
LOSSY = "drop-udp=2"
# These let nobody read, so nothing new can arrive.
CLOSED = ("secure-6001", "serial-change=OTHER")
# These take away what nobody may have read yet: what was fetched must be there.
LOSING = ("clear-log", "edit-log")
WAYS = {
    "live": "poll_seconds = 1\ntimeout_seconds = 2\nlive = true",
    "polled": "poll_seconds = 1\ntimeout_seconds = 2\nlive = false",
    "pyzk": 'poll_seconds = 1\ntimeout_seconds = 2\nlive = false\ndriver = "pyzk"',
    "udp": 'poll_seconds = 1\ntimeout_seconds = 1.5\nlive = false\ntransport = "udp"',
}
# Read twice at once, so that the second time a fault waits for is none of its own.
SLOTS = ("8a", "8b")
LAYOUTS = ("40", "8a", "49", "16", "36", "8b")
# Records of a log that comes in a window of its own, and of one that needs two.
FEW = {"40": 60, "8a": 150, "49": 60, "16": 150, "36": 60, "8b": 150}
MANY = {"40": 1_700, "8a": 8_300, "49": 1_400, "16": 4_200, "36": 1_900, "8b": 8_300}
USERS = [TerminalUser(n, str(1000 + n), "", 0, 0) for n in range(1, 31)]


@dataclass(frozen=True)
class Tried:
    """One terminal of a run: its faults, its layout, and how much it holds."""

    faults: tuple[str, ...]
    layout: str = "40"
    sizes: str = "few"

    @property
    def closed(self) -> bool:
        """Say whether nobody may read it, at least not for long."""
        return bool(set(self.faults) & set(CLOSED))

    @property
    def loses(self) -> bool:
        """Say whether it forgets records."""
        return bool(set(self.faults) & set(LOSING))

    def config(self, number: int) -> VirtualConfig:
        """Return the terminal."""
        count = (MANY if self.sizes == "many" else FEW)[self.layout]
        return VirtualConfig(
            serial=f"VT{number:08}",
            layout=self.layout,
            users=USERS,
            log=log(number, count),
            faults=parse_faults(self.faults),
            reboot_seconds=0.2,
            remembers=True,
        )


def log(number: int, count: int) -> list[AttlogLine]:
    """Records of one terminal, in the order of their times."""
    return [
        AttlogLine(
            str(1001 + n % 30),
            f"2026-10-{1 + n // 3600:02}"
            f"T{6 + number % 12:02}:{n // 60 % 60:02}:{n % 60:02}",
        )
        for n in range(count)
    ]


def in_turn(
    combinations: Sequence[tuple[str, ...]],
    first: int,
    layouts: Sequence[str] = LAYOUTS,
    sizes: str = "few",
) -> list[Tried]:
    """Give layouts to combinations of faults, one after the other.

    Junk stands in front of records of 40 bytes only.
    """
    return [
        Tried(
            faults,
            "40" if "junk-prefix" in faults else layouts[n % len(layouts)],
            sizes,
        )
        for n, faults in enumerate(combinations, first)
    ]


ALONE = [(name,) for name in (*FAULTS, *COUNTS)]
PAIRS = list(itertools.combinations(FAULTS, 2))


def tried(way: str) -> list[Tried]:
    """Return what is tried in a way; datagrams are lost with every fault."""
    if way == "udp":
        with_loss = [(LOSSY,), *((LOSSY, *one) for one in ALONE)]
        return in_turn(with_loss, 2)
    return in_turn([*ALONE, *PAIRS], 1 if way == "live" else 0)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a site with a broker."""
    broker = Iotcore()
    broker.start()
    site = Site(tmp_path, broker.port)
    yield site
    site.close()
    broker.stop()


class Matrix:
    """A daemon that reads terminals with faults, and what they recorded."""

    def __init__(self, site: Site, fleet: Fleet, tried: list[Tried]) -> None:
        self.site = site
        self.fleet = fleet
        self.tried = tried
        self.recorded = Recorded(fleet)
        self.first = [set(ids) for ids in self.recorded.ever]

    def due(self, number: int) -> set[str]:
        """Return the ids that must be at the centre."""
        one = self.tried[number]
        due = set(self.recorded.fetched[number])
        if not one.closed:
            due |= self.recorded.now[number]
            if not one.loses:
                due |= self.recorded.ever[number]
        return due

    def settle(self, what: str) -> None:
        """Wait until everything due is at the centre."""
        waiting = set(range(len(self.tried)))

        def arrived() -> bool:
            time.sleep(0.5)  # looking costs more than the daemon's work
            there = centre(self.site)
            for number in list(waiting):
                self.recorded.look(number)
                if self.due(number) <= set(there.get(f"VT{number:08}", [])):
                    waiting.discard(number)
            return not waiting

        try:
            until(arrived, what, 150)
        except AssertionError as error:
            left = [self.tried[number] for number in waiting]
            raise AssertionError(f"{error}: {left}") from None

    def punch(self) -> None:
        """Let people punch everywhere."""
        for number in range(len(self.tried)):
            for later in range(LATER):
                at = f"2026-11-02T09:{number % 60:02}:{later:02}"
                self.fleet.punch(number, "1001", at)
            self.recorded.look(number)

    def check(self) -> None:
        """Compare the centre with the terminals, id by id."""
        found = centre(self.site)
        for number, one in enumerate(self.tried):
            self.recorded.look(number)
            ids = found.get(f"VT{number:08}", [])
            assert len(ids) == len(set(ids)), one
            assert self.due(number) <= set(ids) <= self.recorded.ever[number], one
            if not (one.closed or one.loses):
                assert set(ids) == self.recorded.ever[number], one
            if "secure-6001" in one.faults:
                assert ids == [], one
            if one.loses and len(one.faults) == 1 and one.layout not in SLOTS:
                # It forgets what was read before, so there is something to lose.
                assert self.first[number] <= self.recorded.fetched[number], one

    def unsaid(self, way: str) -> list[str]:
        """Return the faults that neither the log nor `status` names."""
        done = run("status", "--json", "-c", self.site.folder / "gateway.toml")
        shown: dict[str, Any] = {
            line["id"]: json.dumps(line)
            for line in json.loads(done.stdout)["terminals"]
        }
        text = self.site.daemon.text().splitlines()
        missing = []
        for number, one in enumerate(self.tried):
            name = f"terminal=t{number} "
            said = [line for line in text if name in line + " "]
            said.append(shown[f"t{number}"])
            missing += [
                f"{fault} of {one}"
                for fault in one.faults
                if self.is_due_a_word(number, fault)
                and fault not in UNSEEN.get(way, ())
                and not any(str(FAULTS[fault]) in line for line in said)
            ]
        return missing

    def is_due_a_word(self, number: int, fault: str) -> bool:
        """Say whether a fault of a terminal can and must be noticed."""
        one = self.tried[number]
        if FAULTS.get(fault) is None:
            return False
        if any(fault in HIDDEN.get(other, ()) for other in one.faults):
            return False
        # What was lost before anybody had it was never there, for all one can know.
        had = self.first[number] <= self.recorded.fetched[number]
        return had or not one.loses or fault not in (*LOSING, "bad-date")


def run_matrix(site: Site, way: str, cases: list[Tried]) -> None:
    """Let the daemon read terminals with faults; compare, and look who was named."""
    with Fleet([one.config(n) for n, one in enumerate(cases)]) as fleet:
        matrix = Matrix(site, fleet, cases)
        write(site, fleet.terminals, settings=WAYS[way])
        site.collector.start()
        site.daemon.start()
        matrix.settle("every record at the centre")
        matrix.punch()
        matrix.settle("every later punch at the centre")
        deadline = time.monotonic() + 60
        while (missing := matrix.unsaid(way)) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert not missing, "\n".join(missing)
        matrix.check()
        assert site.daemon.end() == 0


@pytest.mark.parametrize("way", ["live", "polled", "udp"])
def test_every_fault_alone_and_in_pairs(site: Site, way: str) -> None:
    """The centre ends with exactly what was recorded; what happened is named."""
    run_matrix(site, way, tried(way))


def test_every_fault_of_a_log_that_needs_two_windows(site: Site) -> None:
    """The same, whatever happens between the two."""
    run_matrix(site, "live", in_turn(ALONE, 0, ("49", "40", "36"), "many"))


@pytest.mark.soak
@pytest.mark.parametrize("way", ["live", "polled", "udp"])
def test_every_fault_of_a_long_log_in_every_layout(site: Site, way: str) -> None:
    """Records of 8 bytes take thousands to need two windows."""
    run_matrix(site, way, in_turn(ALONE, len(way), LAYOUTS, "many"))


@pytest.mark.soak
def test_every_pair_over_udp(site: Site) -> None:
    """Datagrams are lost with every pair of faults, too."""
    run_matrix(site, "udp", in_turn([(LOSSY, *pair) for pair in PAIRS], 4))


def test_pyzk_says_what_it_cannot_read(site: Site) -> None:
    """A log nobody gives it, and a counter that lies: never «no punches».

    The library goes by the counter, so it reads those only whose counter is right.
    """
    counts = ("count-lies=7", *COUNTS)
    cases = [Tried(("no-buffer-4989", one)) for one in counts]
    cases += [Tried((one,)) for one in (*counts, "split-bytes=100", "coalesce")]
    words = [*["unsupported"] * 3, *["which is not"] * 3]
    with Fleet([one.config(n) for n, one in enumerate(cases)]) as fleet:
        recorded = Recorded(fleet)
        write(site, fleet.terminals, settings=WAYS["pyzk"])
        site.collector.start()
        site.reads()

        def errors() -> list[str]:
            return [line["error"] or "" for line in site.status()["terminals"][:6]]

        def unlike() -> list[tuple[Tried, str]]:
            """Return whose error has not its words: one may have timed out first."""
            return [
                (case, said)
                for case, found, said in zip(cases, words, errors(), strict=False)
                if found not in said or 'driver = "zk"' not in said
            ]

        until(lambda: not unlike(), "six terminals that are down, each with its words")
        readable = {f"VT{n:08}": recorded.ever[n] for n in (6, 7)}
        until(lambda: len(centre(site)) == 2, "two terminals at the centre")
        until(
            lambda: {name: set(ids) for name, ids in centre(site).items()} == readable,
            "all of the others and nothing of these",
        )
