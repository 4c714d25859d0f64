"""`doctor`: for every staged defect the right first failure, with what to do.

Real processes and a real broker; each defect is staged where it would be in a site.
"""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.doctor.checks import Stage
from gateway.doctor.terminal import held
from tests.brokers import Mosquitto, free_port, mosquitto_path
from tests.end_to_end.processes import Site, until
from tests.gateway.commands import Done, run, web_server

pytestmark = pytest.mark.slow

TERMINAL = ["name", "route", "tcp", "zk", "key", "serial", "counter", "clock", "log"]
TERMINAL += ["badge"]
WAY = ["broker", "topic", "centre"]
RULES = ["rules"]
KEY = "4711"


@dataclass
class Staged:
    """A site that is well, and what a test does to it."""

    site: Site
    stack: ExitStack

    def terminal(self, *options: str) -> None:
        """Start the terminal with further options."""
        self.site.virtual.arguments += ["--timezone", "Asia/Shanghai", *options]
        self.site.virtual.start()
        until(lambda: "ready" in self.site.virtual.text(), "the terminal")

    def setting(self, text: str, other: str) -> None:
        """Replace a text of gateway.toml."""
        path = self.site.folder / "gateway.toml"
        written = path.read_text("utf-8")
        assert text in written
        path.write_text(written.replace(text, other), "utf-8")

    def host(self, host: str, port: int | None = None) -> None:
        """Let the terminal be somewhere else."""
        where = f"poll_seconds = 0.5\nport = {self.site.terminal_port}"
        self.setting(where, f"poll_seconds = 0.5\nport = {port or 4370}")
        head, tail = (
            (self.site.folder / "gateway.toml")
            .read_text("utf-8")
            .split("[[terminals]]")
        )
        text = f"{head}[[terminals]]{tail.replace('127.0.0.1', host)}"
        (self.site.folder / "gateway.toml").write_text(text, "utf-8")

    def broker(self, **options: Any) -> None:
        """Start a broker where the gateway looks for it."""
        if mosquitto_path() is None:
            pytest.skip("mosquitto is absent: apt-get install mosquitto")
        folder = self.site.folder / "broker"
        port = self.site.gateway_broker_port
        self.stack.enter_context(Mosquitto(folder, port=port, **options))


@pytest.fixture
def staged(tmp_path: Path) -> Iterator[Staged]:
    """Give a site with five records of known people and nothing started."""
    site = Site(tmp_path, free_port())
    site.write()
    for number in range(5):
        site.punch(f"{1000 + number}")
    with ExitStack() as stack:
        yield Staged(site, stack)
        site.close()


def doctor(staged: Staged, *arguments: str) -> Done:
    """Run the command."""
    return run("doctor", *arguments, "-c", staged.site.folder / "gateway.toml")


def first(staged: Staged, *arguments: str) -> dict[str, Any]:
    """Return the first failure; what stands before it has passed, in order."""
    done = doctor(staged, "--json", *arguments)
    assert (done.returncode, done.stderr) == (1, "")
    found = json.loads(done.stdout)
    assert found["ok"] is False
    for chain in found["all"]:
        stages = [check["stage"] for check in chain["checks"]]
        orders = [WAY, RULES] if chain["terminal"] is None else [TERMINAL]
        assert stages in [order[: len(stages)] for order in orders]
        assert all(check["passed"] for check in chain["checks"][:-1])
        assert all(bool(c["do"]) is not c["passed"] for c in chain["checks"])
    failure: dict[str, Any] = found["first"]
    assert failure["passed"] is False
    return failure


def unknown_name(staged: Staged) -> None:
    """Nobody knows the terminal's name."""
    staged.host("lobby.invalid")


def no_route(staged: Staged) -> None:
    """The system knows no way to the address."""
    staged.host("255.255.255.255")


def nobody_answers(staged: Staged) -> None:
    """Packets vanish: a queue of connections that is full and never emptied."""
    server = staged.stack.enter_context(socket.socket())
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    for _ in range(4):
        waiting = staged.stack.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(server.getsockname())
    staged.setting("timeout_seconds = 5", "timeout_seconds = 0.5")
    staged.host("127.0.0.1", server.getsockname()[1])


def port_closed(staged: Staged) -> None:
    """Nobody listens."""
    staged.host("127.0.0.1", staged.site.terminal_port)


def only_udp(staged: Staged) -> None:
    """The terminal listens on another TCP port, and on this one over UDP."""
    port = free_port()
    own = staged.site.terminal_port
    staged.terminal("--port", str(port), "--udp-port", str(own))


def web_server_there(staged: Staged) -> None:
    """A web server has the port."""
    where = staged.stack.enter_context(web_server())
    staged.host("127.0.0.1", int(where.rpartition(":")[2]))


def secure(staged: Staged) -> None:
    """Firmware that speaks encrypted only."""
    staged.terminal("--fault", "secure-6001")


def no_key(staged: Staged) -> None:
    """The terminal wants a key, none is configured."""
    staged.terminal("--comm-key", KEY)


def wrong_key(staged: Staged) -> None:
    """The key is another one."""
    file = staged.site.folder / "lobby.key"
    file.write_text("4712\n", "utf-8")
    staged.setting("timeout_seconds", f'comm_key_file = "{file}"\ntimeout_seconds')
    staged.terminal("--comm-key", KEY)


def wrong_serial(staged: Staged) -> None:
    """Another terminal has this address."""
    staged.terminal("--serial", "VT99")


def counter_high(staged: Staged) -> None:
    """It counts more than there is."""
    staged.terminal("--fault", "count-lies=300")


def counter_low(staged: Staged) -> None:
    """It counts less than there is."""
    staged.terminal("--fault", "count-lies=-3")


def zone_wrong(staged: Staged) -> None:
    """Its clock is right for another zone."""
    staged.terminal("--clock-offset", "28800")


def clock_wrong(staged: Staged) -> None:
    """Its clock is ten minutes slow."""
    staged.terminal("--clock-offset", "-600")


def layout_unknown(staged: Staged) -> None:
    """Records that make no sense in any layout: no date of them can be meant."""
    row = f"{'~':>9}\t2110-01-01 08:00:00\t1\t77\t99\t0\n"
    staged.site.attlog.write_text(row * 50, "utf-8")
    staged.terminal()


def driver_knows_less(staged: Staged) -> None:
    """The other driver refuses what this terminal gives."""
    staged.setting("timeout_seconds", 'driver = "pyzk"\ntimeout_seconds')
    staged.terminal("--fault", "junk-prefix")


def badges_unknown(staged: Staged) -> None:
    """Two people the book does not have."""
    staged.site.punch("9998")
    staged.site.punch("9999")
    staged.terminal()


@pytest.mark.parametrize(
    "defect, stage, words, do",
    [
        (unknown_name, "name", "lobby.invalid is unknown", "correct host"),
        (no_route, "route", "unreachable", "address and mask"),
        (nobody_answers, "route", "no answer within", "cable"),
        (port_closed, "tcp", "refused", "compare port"),
        (only_udp, "tcp", "refused", 'transport = "udp"'),
        (web_server_there, "zk", "HTTP/1.1 400", "correct host and port"),
        (secure, "zk", "6001", "connection mode"),
        (no_key, "key", "comm key", "comm_key_file"),
        (wrong_key, "key", "comm key", "comm_key_file"),
        (wrong_serial, "serial", "VT99", "correct serial of terminal lobby"),
        (counter_high, "counter", "305 records and its log holds 5", "restart"),
        (counter_low, "counter", "2 records and its log holds 5", "restart"),
        (zone_wrong, "clock", "+8 hours", "Asia/Shanghai"),
        # A terminal says whole seconds, and its answer takes a moment.
        (clock_wrong, "clock", "-599 s|-600 s|-601 s", "in its menu"),
        (layout_unknown, "log", "unsupported", "USB"),
        (driver_knows_less, "log", "unsupported", 'driver = "zk"'),
        (badges_unknown, "badge", "9998, 9999", "[[enrolments]]"),
    ],
)
def test_first_failure_of_a_terminal(
    staged: Staged,
    defect: Callable[[Staged], None],
    stage: str,
    words: str,
    do: str,
) -> None:
    """Each defect stops the chain at its own stage, in words, with a remedy."""
    defect(staged)
    found = first(staged, "--terminal", "lobby")
    assert (found["terminal"], found["stage"]) == ("lobby", stage), found
    assert any(one in found["words"] for one in words.split("|")), found
    assert do in found["do"]


def broker_absent(staged: Staged) -> None:
    """No broker listens."""


def broker_refuses(staged: Staged) -> None:
    """The broker wants a password and there is none."""
    staged.broker(settings=["allow_anonymous false"])


def topic_forbidden(staged: Staged) -> None:
    """The broker's ACL has another gateway's name."""
    staged.broker(acl="topic write att/v1/hq/gw-2/#\ntopic read att/v1/#\n")


def centre_silent(staged: Staged) -> None:
    """No centre listens on this broker."""
    staged.broker()


def centre_gone(staged: Staged) -> None:
    """A centre was there and left."""
    staged.broker()
    staged.site.collector.start()
    until(lambda: "central up" in staged.site.collector.text(), "the centre")
    staged.site.collector.end()


@pytest.mark.parametrize(
    "defect, stage, words, do",
    [
        (broker_absent, "broker", "refused", "start the broker"),
        (broker_refuses, "broker", "login", "username and password_file"),
        (topic_forbidden, "topic", "forbids writing att/v1/hq/gw-1/", "ACL"),
        (centre_silent, "centre", "no centre speaks", "punchgate-central"),
        (centre_gone, "centre", "the centre c1 went away", "punchgate-central"),
    ],
)
def test_first_failure_on_the_way_to_the_centre(
    staged: Staged,
    defect: Callable[[Staged], None],
    stage: str,
    words: str,
    do: str,
) -> None:
    """The terminal is well, so the first failure is behind it."""
    staged.terminal()
    defect(staged)
    found = first(staged)
    assert (found["terminal"], found["stage"]) == (None, stage), found
    assert words in found["words"]
    assert do in found["do"]


def test_rules_with_problems_are_a_failure_of_their_own(staged: Staged) -> None:
    """A policy that is absent: the daemon judges nothing, and doctor says which."""
    book = staged.site.folder / "book.toml"
    rows = '[[vendors]]\nid = "v9"\nname = "v9"\n[[contracts]]\nid = "c9"\n'
    rows += 'vendor = "v9"\npolicy = "none.toml"\nfrom = 2026-01-01\nto = 2027-12-31\n'
    book.write_text(book.read_text("utf-8") + rows, "utf-8")
    found = json.loads(doctor(staged, "--json").stdout)["all"][-1]["checks"]
    assert [(one["stage"], one["passed"]) for one in found] == [("rules", False)]
    assert "none.toml" in found[0]["words"]
    assert "nothing new is judged" in found[0]["do"]


def test_all_is_well_and_a_daemon_is_not_disturbed(staged: Staged) -> None:
    """With everything right exit 0; a daemon lends its terminal and keeps its session.

    The terminal takes one client only, so it is really the daemon's that is asked.
    """
    site = staged.site
    staged.broker()
    staged.terminal("--fault", "single-client")
    site.collector.start()
    site.reads()
    until(site.equal, "equal id sets")
    done = doctor(staged)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.endswith("all is well\n")
    assert "\x1b" not in done.stdout
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[1] for row in rows if row[0] == "ok"] == [*TERMINAL, *WAY, *RULES]
    until(lambda: "terminal returned" in site.daemon.text(), "the terminal's return")
    site.punch("1001")
    until(site.equal, "equal id sets afterwards")
    assert "uplink down" not in site.daemon.text()
    assert "central quarantined" not in site.collector.text()


def test_for_people_each_failure_has_its_remedy(staged: Staged) -> None:
    """The chain is printed to its first failure, the remedy in the next line."""
    done = doctor(staged)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("terminal lobby  127.0.0.1:")
    (at, at_broker) = (n for n, line in enumerate(lines) if line.startswith("  FAIL"))
    assert lines[at].split()[:2] == ["FAIL", "tcp"]
    assert lines[at + 1].strip().startswith("do this: ")
    assert lines[at + 2].startswith("broker  127.0.0.1:")
    assert lines[at_broker].split()[:2] == ["FAIL", "broker"]
    assert not any("all is well" in line for line in lines)


@pytest.mark.parametrize("online", [True, False])
def test_a_terminal_that_is_not_lent_is_told_from_the_status(*, online: bool) -> None:
    """What the daemon knows of it stands in for the stages; offline is a failure."""
    line = {"online": online, "in_terminal": 5, "last_read": "T", "error": "timeout"}
    check = held(line, "busy")
    assert (check.passed, check.stage) == (online, Stage.TCP)
    assert "does not lend it (busy)" in check.words
    assert ("5 records, log last read T" in check.words) is online
    assert ("timeout" in check.words) is not online
    assert bool(check.do) is not online


def test_an_unknown_terminal_is_a_usage_error(staged: Staged) -> None:
    """`--terminal` with an id that is not configured names those that are."""
    done = doctor(staged, "--terminal", "attic")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there are: lobby" in done.stderr


def test_the_stages_are_the_contract() -> None:
    """Order and names of the stages as documented."""
    assert [stage.value for stage in Stage] == [
        *TERMINAL,
        "certificate",
        *WAY,
        "book",
        *RULES,
    ]
