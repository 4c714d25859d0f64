"""A gateway that follows the centre's book, and live punches: real processes."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gateway import control
from sync.link import Message
from tests.brokers import Mosquitto, mosquitto_path
from tests.end_to_end.processes import BADGES, Site, query, until
from tests.sync.listeners import Listener

pytestmark = pytest.mark.slow

PEOPLE = "SELECT badge, person, reason FROM punches ORDER BY at"


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Mosquitto]:
    """Give a running mosquitto; skip where there is none.

    Nobody holds its messages against the contract: the doctor's probe is none of it.
    """
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    with Mosquitto(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def site(tmp_path: Path, bus: Mosquitto) -> Iterator[Site]:
    """Give a site whose gateway follows the centre; nothing is started yet."""
    site = Site(tmp_path, bus.port)
    site.write()
    path = tmp_path / "gateway.toml"
    text = path.read_text("utf-8").replace('"book.toml"', '"central"')
    path.write_text(text, "utf-8")
    site.virtual.arguments += ["--timezone", "Asia/Shanghai"]
    yield site
    site.close()


def now() -> str:
    """Return the present as the terminal's log writes it."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y-%m-%d %H:%M:%S")


def said(site: Site, *arguments: str) -> str:
    """Return what a command says."""
    return site.ask(*arguments).stdout


def write_book(site: Site, version: str, badges: list[str]) -> None:
    """Change the book at the centre alone."""
    gateway = (site.folder / "gateway.toml").read_text("utf-8")
    site.write(badges)
    (site.folder / "gateway.toml").write_text(gateway, "utf-8")
    book = site.folder / "book.toml"
    book.write_text(f'version = "{version}"\n' + book.read_text("utf-8"), "utf-8")


def test_no_book_then_one_then_another_then_no_centre(site: Site) -> None:
    """Punches are kept and sent at every stage, and named as soon as it can be."""
    write_book(site, "1", ["1000"])
    site.virtual.start()
    site.punch("1000")
    site.daemon.start()
    until(lambda: query(site.journal, PEOPLE) != [], "the punch without a book")
    assert query(site.journal, PEOPLE) == [("1000", None, "unknown_badge")]
    assert "book missing" in site.daemon.text()
    assert "no book from the centre yet" in said(site, "status")
    assert "no book from the centre yet" in said(site, "check-config")
    (line,) = site.status()["terminals"]
    assert (line["serial"], line["punches"]) == ("VT00000001", 1)

    site.collector.start()
    until(lambda: query(site.journal, PEOPLE) == [("1000", "p1000", None)], "the book")
    central = "SELECT badge, person FROM punches"
    until(lambda: query(site.centre, central) == [("1000", "p1000")], "rev 2")
    until(lambda: "book received version=1" in site.daemon.text(), "the log line")
    assert "甲".encode() not in (site.folder / "data/book.json").read_bytes()
    assert "book from the centre, version 1, received " in said(site, "status")
    assert "book from the centre, version 1, received " in said(site, "check-config")
    assert "book from the centre, version 1, received " in said(site, "doctor")

    before = len(site.daemon.text())
    site.punch("1001")
    write_book(site, "2", ["1000", "1001"])
    until(lambda: ("1001", "p1001", None) in query(site.journal, PEOPLE), "version 2")
    until(lambda: "book received version=2" in site.daemon.text(), "the log line")
    assert "people: p1001 added" in site.daemon.text()
    assert "terminal down" not in site.daemon.text()[before:]

    site.collector.end()
    site.daemon.end()
    site.punch("1001")
    site.reads()
    until(lambda: len(query(site.journal, PEOPLE)) == 3, "a punch without a centre")
    assert {row[1] for row in query(site.journal, PEOPLE)} == {"p1000", "p1001"}
    assert "book kept version=2" in site.daemon.text()


def test_only_punches_of_now_are_live(site: Site, bus: Mosquitto) -> None:
    """A month of history is delivered and not live; the next punch is, at once."""
    write_book(site, "1", BADGES)
    at = datetime.now(ZoneInfo("Asia/Shanghai")) - timedelta(days=30)
    for hour in range(0, 29 * 24, 7):
        then = at + timedelta(hours=hour)
        site.punch("1000", then.strftime("%Y-%m-%d %H:%M:%S"))
    wall = Listener(bus.port, "wall")
    wall.connect()
    wall.link.subscribe(["att/v1/+/+/live/+"])
    wall.next()
    try:
        for process in (site.virtual, site.collector, site.daemon):
            process.start()
        until(site.equal, "the history at the centre")
        until(lambda: "book received" in site.daemon.text(), "the book")
        made = site.punch("1001", now())
        event = wall.next()
        while not isinstance(event, Message):
            event = wall.next()
        found = json.loads(event.payload)
        assert event.topic == "att/v1/hq/gw-1/live/lobby"
        assert (found["id"], found["person"]) == (made, "p1001")
        assert not event.retained
        until(site.equal, "the punch of now at the centre")
        assert wall.events.empty()
    finally:
        wall.link.close()


def test_a_running_gateway_changes_from_file_to_centre_and_back(site: Site) -> None:
    """A reload does it; nobody loses a name in between, no terminal its session."""
    gateway = site.folder / "gateway.toml"
    follows = gateway.read_text("utf-8")
    from_file = follows.replace('book = "central"', 'book = "book.toml"')
    write_book(site, "1", ["1000"])
    site.punch("1000")
    gateway.write_text(from_file, "utf-8")
    for process in (site.virtual, site.collector, site.daemon):
        process.start()
    until(lambda: query(site.journal, PEOPLE) == [("1000", "p1000", None)], "a name")
    gateway.write_text(follows, "utf-8")
    assert control.ask(site.folder / "data", "reload")["problems"] == []
    until(lambda: "book received version=1" in site.daemon.text(), "the centre's book")
    write_book(site, "2", [])
    until(lambda: query(site.journal, PEOPLE)[0][1] is None, "the change at the centre")
    write_book(site, "3", ["1000"])
    gateway.write_text(from_file, "utf-8")
    assert control.ask(site.folder / "data", "reload")["terminals"] == []
    until(lambda: query(site.journal, PEOPLE)[0][1] == "p1000", "the file's name")
    revs = "SELECT rev FROM punches"
    assert query(site.journal, revs) == [(3,)]
    assert site.daemon.text().count("terminal up") == 1
