"""A terminal that does not give its log to pyzk: said by everyone who asks it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import free_port
from tests.end_to_end.processes import Site, until
from tests.gateway.commands import run

pytestmark = pytest.mark.slow

UNSUPPORTED = "unsupported: the terminal does not give its data"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a terminal with three records that counts none and answers 4989."""
    site = Site(tmp_path, free_port())
    site.terminal_extra = 'driver = "pyzk"'
    site.write()
    for badge in ("1000", "1001", "1002"):
        site.punch(badge)
    faults = ("--fault", "no-buffer-4989", "--fault", "count-lies=-3")
    site.virtual.arguments += ["--timezone", "Asia/Shanghai", *faults]
    site.virtual.start()
    until(lambda: "ready" in site.virtual.text(), "the terminal")
    yield site
    site.close()


def test_nobody_says_no_punches(site: Site) -> None:
    """`terminal read`, `doctor` and the daemon: unsupported, 4989, driver = "zk"."""
    where = f"127.0.0.1:{site.terminal_port}"
    read = run("terminal", "read", where, "--driver", "pyzk")
    assert (read.returncode, read.stdout) == (1, "")
    doctor = site.ask("doctor", "--terminal", "lobby")
    assert doctor.returncode == 1
    for said in (read.stderr, " ".join(doctor.stdout.split())):
        assert UNSUPPORTED in said
        assert "4989 (NO_BUFFER)" in said
        assert 'driver = "zk"' in said
    site.daemon.start()
    until(lambda: "terminal down" in site.daemon.text(), "the first look")
    assert UNSUPPORTED in site.daemon.text()
    assert "terminal up" not in site.daemon.text()
    (line,) = site.status()["terminals"]
    assert not line["online"]
    assert UNSUPPORTED in line["error"]


def test_the_other_driver_reads_it(site: Site) -> None:
    """The advice is right: `zk` gets all of the same terminal."""
    done = run("terminal", "read", f"127.0.0.1:{site.terminal_port}")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 3), done.stderr
