"""What happens to terminals in years: reboots, cleared logs, clocks, second readers."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from drivers.attlog import AttlogLine
from drivers.virtual import VirtualConfig
from drivers.virtual.faults import parse_faults
from drivers.zk.commands import Command, Reply
from gateway.core.normalise import punch_id
from tests.brokers import Iotcore
from tests.end_to_end.fleet import Fleet, write
from tests.end_to_end.processes import Site, query, until

pytestmark = pytest.mark.slow

PACKETS = 30
# The first visit to a live terminal with a key takes 15, a look some more.
REPLIES = 22
RECORDS = 120


@pytest.fixture
def broker() -> Iterator[Iotcore]:
    """Give a running broker."""
    broker = Iotcore()
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def site(tmp_path: Path, broker: Iotcore) -> Iterator[Site]:
    """Give a site at the broker, nothing started."""
    site = Site(tmp_path, broker.port)
    yield site
    site.close()


def log(day: int) -> list[AttlogLine]:
    """Records of one morning, one a second."""
    return [
        AttlogLine("1001", f"2026-10-{day:02}T08:{n // 60:02}:{n % 60:02}")
        for n in range(RECORDS)
    ]


def ids(serial: str, lines: list[AttlogLine]) -> set[str]:
    """Return the ids of records."""
    return {punch_id(serial, line.badge, line.at) for line in lines}


def centre(site: Site) -> set[str]:
    """Return what the centre holds."""
    return set(site.centre_ids()) if site.centre.exists() else set()


def test_a_reboot_at_every_packet(site: Site) -> None:
    """E103: wherever in the answer the power goes, all arrives in the end, and once."""
    configs = [
        VirtualConfig(
            serial=f"VT{number:08}",
            log=log(1 + number % 28),
            faults=parse_faults([f"reboot-after={number}", f"split-data={PACKETS}"]),
            reboot_seconds=0.1,
        )
        for number in range(1, PACKETS + 1)
    ]
    want = set().union(*(ids(c.serial, list(c.log)) for c in configs))
    with Fleet(configs) as fleet:
        write(site, fleet.terminals, settings="poll_seconds = 1\ntimeout_seconds = 2")
        site.collector.start()
        site.daemon.start()
        until(lambda: centre(site) == want, "every record", 60)
        rows = query(site.centre, "SELECT count(*) FROM punches")
        assert rows == [(len(want),)]
        text = site.daemon.text()
        for number in range(PACKETS):
            assert f"terminal down terminal=t{number} " in text
        kinds = query(site.journal, "SELECT DISTINCT kind FROM outbox")
        assert kinds == [("punch",)]  # a reboot is no tampering


CUT = {
    (Command.CONNECT, Reply.UNAUTHORISED),
    (Command.AUTH, Reply.OK),
    (Command.READ_OPTION, Reply.OK),
    (Command.GET_TIME, Reply.OK),
    (Command.FREE_SIZES, Reply.OK),
    (Command.PREPARE_BUFFER, Reply.OK),
    (Command.READ_BUFFER, Command.PREPARE_DATA),
    (Command.READ_BUFFER, Command.DATA),
    (Command.READ_BUFFER, Reply.OK),
    (Command.FREE_DATA, Reply.OK),
    (Command.REGISTER_EVENT, Reply.OK),
}
"""What is asked, and the reply in whose middle the power goes."""


def test_a_reboot_in_every_reply(site: Site) -> None:
    """Hello, key, name, clock, counter, buffer, log, goodbye: half of each comes once.

    All arrives in the end, and once; each fall is said, and none is tampering.
    """
    configs = [
        VirtualConfig(
            serial=f"VT{number:08}",
            log=log(number),
            comm_key=4711,
            falls_at=number,
            faults=parse_faults(["split-data=3"]),
            reboot_seconds=0.1,
        )
        for number in range(1, REPLIES + 1)
    ]
    key = site.folder / "comm.key"
    key.write_text("4711\n", "utf-8")
    key.chmod(0o600)
    want = set().union(*(ids(c.serial, list(c.log)) for c in configs))
    with Fleet(configs) as fleet:
        settings = "poll_seconds = 1\ntimeout_seconds = 2\nlive = true\n"
        write(site, fleet.terminals, settings=f'{settings}comm_key_file = "{key}"')
        site.collector.start()
        site.daemon.start()
        until(lambda: all(t.fell_in for t in fleet.terminals), "every fall", 60)
        for number in range(REPLIES):
            fleet.punch(number, "1002", "2026-11-02T09:00:00")
            late = AttlogLine("1002", "2026-11-02T09:00:00")
            want |= ids(configs[number].serial, [late])
        until(lambda: centre(site) == want, "every record", 60)
        rows = query(site.centre, "SELECT count(*) FROM punches")
        assert rows == [(len(want),)]
        text = site.daemon.text()
        for number, terminal in enumerate(fleet.terminals):
            assert f"terminal down terminal=t{number} " in text, terminal.fell_in
        kinds = query(site.journal, "SELECT DISTINCT kind FROM outbox")
        assert kinds == [("punch",)]
        fell = {terminal.fell_in for terminal in fleet.terminals}
        print(sorted(one for one in fell if one))
        assert fell >= CUT


def test_a_log_cleared_before_it_was_sent(site: Site, broker: Iotcore) -> None:
    """What was read is ours: it goes up when the broker is back, with the newer."""
    broker.stop()
    config = VirtualConfig(serial="VT00000001", log=log(1))
    with Fleet([config]) as fleet:
        write(site, fleet.terminals, settings="poll_seconds = 0.3\nlive = false")
        site.daemon.start()
        until(lambda: "terminal up" in site.daemon.text(), "the first read")
        fleet.clear(0)
        fleet.punch(0, "1002", "2026-11-02T09:00:00")
        until(lambda: "log_changed" in site.daemon.text(), "the tamper event")
        until(lambda: len(site.journal_ids()) == RECORDS + 1, "the newer punch")
        broker.start()
        site.collector.start()
        newer = [AttlogLine("1002", "2026-11-02T09:00:00")]
        want = ids("VT00000001", log(1) + newer)
        until(lambda: centre(site) == want, "everything")
        sql = "SELECT entry FROM outbox WHERE kind = 'event'"

        def gone() -> bool:
            return any(
                b'"records_gone"' in entry and b'"count":120' in entry
                for (entry,) in query(site.journal, sql)
            )

        until(gone, "the event of the records that are gone")


def test_ten_years_of_clock_jump(site: Site) -> None:
    """A clock that jumps is said; what was punched before and after arrives."""
    config = VirtualConfig(
        serial="VT00000001", log=log(1), faults=parse_faults(["clock-jump=315360000"])
    )
    with Fleet([config]) as fleet:
        write(site, fleet.terminals, settings="poll_seconds = 0.3\nlive = false")
        site.collector.start()
        site.daemon.start()
        until(lambda: "clock_jumped" in site.daemon.text(), "the event")
        fleet.punch(0, "1001", "2036-11-02T09:00:00")
        future = [AttlogLine("1001", "2036-11-02T09:00:00")]
        want = ids("VT00000001", log(1) + future)
        until(lambda: centre(site) == want, "everything")


@pytest.mark.parametrize("fault", ["single-client", "past-end-2001"])
@pytest.mark.parametrize("live", ["false", "true"])
def test_two_gateways_on_one_terminal(
    tmp_path: Path, broker: Iotcore, fault: str, live: str
) -> None:
    """Both read it all, also where only one at a time may; the centre counts once.

    Who holds the session of a terminal for one client keeps others out, who say so and
    take it up when the first one goes.
    """
    config = VirtualConfig(
        serial="VT00000001", log=log(1), faults=parse_faults([fault])
    )
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet([config]))
        sites = []
        for name in ("gw-1", "gw-2"):
            (tmp_path / name).mkdir()
            site = Site(tmp_path / name, broker.port)
            stack.callback(site.close)
            settings = f"poll_seconds = 0.5\nlive = {live}\ntimeout_seconds = 5"
            write(site, fleet.terminals, settings=settings)
            path = site.folder / "gateway.toml"
            path.write_text(path.read_text("utf-8").replace("gw-1", name), "utf-8")
            sites.append(site)
        first, second = sites
        first.collector.start()
        first.daemon.start()
        until(lambda: "terminal up" in first.daemon.text(), "the first read")
        second.daemon.start()
        held = (live, fault) == ("true", "single-client")
        fleet.punch(0, "1002", "2026-11-02T09:00:00")
        newer = AttlogLine("1002", "2026-11-02T09:00:00")
        want = ids("VT00000001", [*log(1), newer])
        until(lambda: first.journal_ids() == want, "the first gateway")
        if held:
            until(lambda: "terminal down" in second.daemon.text(), "the refusal")
            assert second.journal_ids() == set()
            assert first.daemon.end() == 0
        until(lambda: second.journal_ids() == want, "the second gateway")
        until(lambda: centre(first) == want, "the centre")
        sent = "SELECT sum(acked_seq) FROM epochs"
        until(lambda: query(second.journal, sent)[0][0] > RECORDS, "its delivery")
        assert query(first.centre, "SELECT count(*) FROM punches") == [(RECORDS + 1,)]


@pytest.mark.parametrize("driver", ["zk", "pyzk"])
def test_a_terminal_that_announces_nothing_is_polled(site: Site, driver: str) -> None:
    """It refuses to say when somebody punches: so it is asked, and is not down."""
    config = VirtualConfig(serial="VT00000001", log=log(1), announces=False)
    with Fleet([config]) as fleet:
        settings = f'poll_seconds = 0.3\nlive = true\ndriver = "{driver}"'
        write(site, fleet.terminals, settings=settings)
        site.collector.start()
        site.daemon.start()
        want = ids("VT00000001", log(1))

        def arrived() -> bool:
            return centre(site) == want

        until(arrived, "the log")
        until(lambda: "terminal not live" in site.daemon.text(), "the refusal")
        for number in range(3):
            later = AttlogLine("1002", f"2026-11-02T09:00:0{number}")
            fleet.punch(0, later.badge, later.at)
            want |= ids("VT00000001", [later])
            until(arrived, "a later punch")
        assert fleet.terminals[0].asked(Command.REGISTER_EVENT) > 1
        assert "terminal down" not in site.daemon.text()
        assert site.status()["terminals"][0]["online"]
