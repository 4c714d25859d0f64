"""A running daemon takes new settings and lends its terminals; no punch is lost."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway import control
from tests.brokers import Iotcore, free_port
from tests.end_to_end.processes import Process, Site, query, until
from tests.gateway.commands import run, virtual

pytestmark = pytest.mark.slow


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a site with written files, no broker, and nothing started yet."""
    site = Site(tmp_path, free_port())
    site.write()
    yield site
    site.close()


def online(site: Site) -> None:
    """Start terminal and daemon and wait for the first read."""
    site.virtual.start()
    site.daemon.start()
    until(lambda: "terminal up" in site.daemon.text(), "the first read")


def since_up(site: Site) -> str:
    """Return what the daemon said since the first read."""
    return site.daemon.text().split("terminal up", 1)[1]


def reload(site: Site) -> list[str]:
    """Reload; return the terminals that were touched."""
    found = control.ask(site.folder / "data", "reload")
    assert found["problems"] == []
    touched: list[str] = found["terminals"]
    return touched


def add_terminal(site: Site, address: str) -> None:
    """Write a second terminal into book and settings."""
    with (site.folder / "book.toml").open("a", encoding="utf-8") as book:
        book.write('\n[[terminals]]\nid = "hall"\nserial = "VT00000002"\n')
    host, port = address.split(":")
    with (site.folder / "gateway.toml").open("a", encoding="utf-8") as settings:
        settings.write(
            f'\n[[terminals]]\nid = "hall"\nhost = "{host}"\nport = {port}\n'
            "poll_seconds = 0.5\n"
        )


def test_a_terminal_is_added_and_removed_while_another_goes_on(site: Site) -> None:
    """The untouched terminal keeps its session; the new one is read at once."""
    site.punch("1000")
    online(site)
    second = site.folder / "hall.dat"
    second.write_text("     1001\t2026-11-02 08:00:00\t1\t0\t1\t0\n", "utf-8")
    before = (site.folder / "gateway.toml").read_text("utf-8")
    with virtual(second, "--serial", "VT00000002") as address:
        add_terminal(site, address)
        reload(site)
        until(lambda: len(site.journal_ids()) == 2, "the new terminal's punch")
        assert site.daemon.text().count("terminal up terminal=lobby") == 1
        (site.folder / "gateway.toml").write_text(before, "utf-8")
        assert reload(site) == ["hall"]
        site.punch("1002")
        until(lambda: len(site.journal_ids()) == 3, "a punch at the other one")
        assert "terminal down" not in since_up(site)
    done = run("status", "--json", "-c", site.folder / "gateway.toml")
    assert [line["id"] for line in json.loads(done.stdout)["terminals"]] == ["lobby"]


def test_a_changed_book_is_noticed(site: Site) -> None:
    """Nobody has to say so: a written book is read again, and punches find people."""
    site.write(badges=[])
    site.punch("1000")
    online(site)
    people = "SELECT person FROM punches"
    assert query(site.journal, people) == [(None,)]
    site.write(badges=["1000"])
    until(lambda: query(site.journal, people) == [("p1000",)], "the person")


def test_the_broker_may_move(site: Site, tmp_path: Path) -> None:
    """Another broker in the settings takes the backlog; terminals are not disturbed."""
    site.punch("1000")
    online(site)
    broker = Iotcore()
    broker.start()
    try:
        site.gateway_broker_port = broker.port
        site.write()
        site.daemon.send(signal.SIGHUP)
        until(lambda: "uplink up" in site.daemon.text(), "the new broker")
        assert site.daemon.text().count("terminal up") == 1
    finally:
        broker.stop()


def test_what_cannot_change_is_refused_in_words(site: Site) -> None:
    """Another gateway id needs a restart; nothing is changed by halves."""
    online(site)
    path = site.folder / "gateway.toml"
    path.write_text(path.read_text("utf-8").replace('"gw-1"', '"gw-2"'), "utf-8")
    found = control.ask(site.folder / "data", "reload")
    (problem,) = found["problems"]
    assert "gateway.id" in problem
    assert "restart" in problem


def test_a_command_borrows_the_only_slot_of_a_terminal(tmp_path: Path) -> None:
    """A terminal for one client: the daemon leaves, the command asks, it returns."""
    with ExitStack() as stack:
        site = Site(tmp_path, free_port())
        stack.callback(site.close)
        site.write()
        site.virtual = Process(
            [*site.virtual.arguments, "--fault", "single-client"], tmp_path / "v.log"
        )
        site.punch("1000")
        online(site)
        config = ("-c", site.folder / "gateway.toml")
        for where in ("lobby", f"127.0.0.1:{site.terminal_port}"):
            done = run("terminal", "read", where, *config)
            assert (done.returncode, done.stderr) == (0, "")
            assert json.loads(done.stdout)["badge"] == "1000"
        site.punch("1001")
        until(lambda: len(site.journal_ids()) == 2, "the punch after the loan")
        text = site.daemon.text()
        assert text.count("terminal lent terminal=lobby") == 2
        assert text.count("terminal returned terminal=lobby") == 2
        assert "terminal down" not in since_up(site)


def test_a_terminal_nobody_has_is_not_lent(site: Site) -> None:
    """The daemon says which terminal it does not know."""
    online(site)
    with (
        pytest.raises(control.RefusedError, match="no terminal 'hall' here"),
        control.borrow(site.folder / "data", "borrow", terminal="hall"),
    ):
        pass
