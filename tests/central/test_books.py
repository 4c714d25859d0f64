"""The books on their way down: when they are said, to whom, and when they are not."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from central import books
from central.books import Books
from gateway.core import redaction
from sync.commands import SiteBook
from sync.link import MAXIMUM_PACKET, Message
from sync.messages import State, encode
from sync.topics import Topics
from tests.brokers import Mosquitto
from tests.builders import BOOK, STAMP
from tests.central.collectors import Centre
from tests.sync.listeners import Listener

TOPICS = Topics("att/v1")
LEAVE = {
    "table": "leave",
    "id": "L1",
    "person": "p01",
    "kind": "sick",
    "reason": "flu",
    "from": "2026-11-05T08:30:00",
    "to": "2026-11-05T10:30:00",
    "applied_at": "2026-11-04T16:00:00",
}


def state(gateway: str = "g1", site: str = "hq", *, online: bool = True) -> State:
    """Return a birth or a death."""
    return State(
        site=site,
        gateway=gateway,
        online=online,
        session=1,
        epoch="e",
        backlog=0,
        oldest_age_seconds=None,
        version="0",
        confirm="central",
        at=STAMP,
    )


class Table:
    """Books of one folder, and what was said of them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "book.toml"
        self.path.write_text(BOOK, "utf-8")
        self.said: list[tuple[str, SiteBook]] = []
        self.books = Books({"hq": self.path}, self._say, TOPICS, lambda: STAMP)
        self.books.connected(MAXIMUM_PACKET)
        self._time = 0.0

    def _say(self, topic: str, payload: bytes) -> None:
        self.said.append((topic, msgspec.json.decode(payload, type=SiteBook)))

    def tend(self) -> list[tuple[str, str]]:
        """Let as much time pass as lies between two looks; return what was said."""
        self._time += books.LOOK_SECONDS
        self.books.tend(self._time)
        return self.new()

    def heard(self, *states: State) -> list[tuple[str, str]]:
        """Let states come; return what was said."""
        self.books.heard(states)
        return self.new()

    def new(self) -> list[tuple[str, str]]:
        """Return topics and versions since the last call."""
        found = [(topic, message.version) for topic, message in self.said]
        self.said.clear()
        return found

    def write(self, version: str, more: str = "") -> None:
        """Change the book."""
        text = BOOK.replace('version = "1"', f'version = "{version}"')
        self.path.write_text(text + more, "utf-8")


@pytest.fixture
def table(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Table:
    """Return books of a folder, with their log kept."""
    caplog.set_level(logging.INFO, "punchgate.central")
    return Table(tmp_path)


def logged(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    """Return the values of the lines of an event, and forget all lines."""
    found = [r.args for r in caplog.records if r.msg == event]
    caplog.clear()
    return [values for values in found if isinstance(values, dict)]


def test_every_birth_is_answered(table: Table) -> None:
    """A gateway that lost its disk has its book a moment after its birth."""
    assert table.heard(state()) == [("att/v1/hq/g1/book", "1")]
    assert table.heard(state(), state("g2")) == [
        ("att/v1/hq/g1/book", "1"),
        ("att/v1/hq/g2/book", "1"),
    ]


def test_who_is_dead_finds_it_on_return(table: Table) -> None:
    """Once on a connection: the broker keeps it. Its death itself is no reason."""
    assert table.heard(state(online=False)) == [("att/v1/hq/g1/book", "1")]
    assert table.heard(state(online=False)) == []
    table.heard(state())
    assert table.heard(state(online=False)) == []
    table.books.connected(MAXIMUM_PACKET)
    assert table.heard(state(online=False)) == [("att/v1/hq/g1/book", "1")]


def test_a_site_without_a_book_here_hears_nothing(table: Table) -> None:
    """Its gateways have book files of their own, or another centre."""
    assert table.heard(state(site="branch")) == []


def test_the_message_says_what_it_is(table: Table) -> None:
    """Site, version, digest and tables, without a name."""
    table.books.heard([state()])
    ((_, message),) = table.said
    assert (message.site, message.version, message.sent) == ("hq", "1", STAMP)
    assert message.digest == redaction.digest(message.tables)
    assert "甲".encode() not in encode(message)
    assert message.tables["people"][1] == {"id": "p02", "name": "p02"}


def test_a_changed_book_is_said_to_everybody_of_the_site(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    """Noticed by its stamp, every few seconds and no more often."""
    table.heard(state("g2"), state("g1"))
    assert table.tend() == []
    table.write("2")
    table.books.tend(table._time + books.LOOK_SECONDS / 2)
    assert table.new() == []
    assert table.tend() == [("att/v1/hq/g1/book", "2"), ("att/v1/hq/g2/book", "2")]
    lines = logged(caplog, "central book")
    assert [(line["site"], line["version"]) for line in lines] == [
        ("hq", "1"),
        ("hq", "2"),
    ]
    assert lines[0]["bytes"] > 0


def test_each_site_has_its_own_book(tmp_path: Path) -> None:
    """A change at one site is nothing to the gateways of another."""
    for site in ("hq", "branch"):
        (tmp_path / site).mkdir()
        text = BOOK.replace('"hq"', f'"{site}"')
        (tmp_path / site / "book.toml").write_text(text, "utf-8")
    said: list[str] = []
    paths = {site: tmp_path / site / "book.toml" for site in ("hq", "branch")}
    both = Books(paths, lambda topic, _: said.append(topic), TOPICS, lambda: STAMP)
    both.connected(MAXIMUM_PACKET)
    both.heard([state(), state(site="branch")])
    both.tend(10.0)
    said.clear()
    paths["hq"].write_text(BOOK.replace('version = "1"', 'version = "2"'), "utf-8")
    both.tend(20.0)
    assert said == ["att/v1/hq/g1/book"]


def test_what_does_not_travel_is_no_change(table: Table) -> None:
    """A name that was corrected, a blank line: no gateway hears of it."""
    table.heard(state())
    table.path.write_text(BOOK.replace("甲一", "甲乙") + "\n", "utf-8")
    assert table.tend() == []


def test_entries_beside_the_book_travel_too(table: Table) -> None:
    """A leave that a clerk entered is known at the gate some seconds later."""
    table.heard(state())
    entries = table.path.with_name("entries.jsonl")
    entries.write_text(json.dumps(LEAVE) + "\n", "utf-8")
    table.tend()
    table.books.heard([state()])
    ((_, message),) = table.said
    (leave,) = message.tables["leave"]
    assert (leave["person"], leave["kind"]) == ("p01", "other")
    assert b"flu" not in encode(message)


def test_a_book_with_problems_is_not_said(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    """Every problem is in the log, once; the last good one goes on."""
    table.heard(state())
    table.write("2", '\n[[enrolments]]\nperson = "x"\nbadge = "7"\n[[peopel]]\n')
    assert table.tend() == []
    assert table.tend() == []
    found = logged(caplog, "central book refused")
    assert [line["reason"].partition(": ")[2] for line in found] == [
        "enrolments[3].person: nobody is called 'x'",
        "peopel: unknown key; did you mean people?",
    ]
    assert {line["file"] for line in found} == {str(table.path)}
    assert table.heard(state()) == [("att/v1/hq/g1/book", "1")]
    table.write("3")
    assert table.tend() == [("att/v1/hq/g1/book", "3")]


@pytest.mark.parametrize("how", ["gone", "bytes", "site", "big"])
def test_other_reasons_to_say_nothing(
    table: Table, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """A file that is away, no text, of another site or too big: said in words."""
    table.heard(state())
    if how == "gone":
        table.path.unlink()
    elif how == "bytes":
        table.path.write_bytes(b"version = \xff")
    elif how == "site":
        table.path.write_text(BOOK.replace('"hq"', '"branch"'), "utf-8")
    else:
        table.write("2" * redaction.MAX_BYTES)
    assert table.tend() == []
    (line,) = logged(caplog, "central book refused")
    words = {
        "gone": "cannot be read: No such file",
        "bytes": "is not UTF-8 (byte 10)",
        "site": "it is of site branch now; restart the centre",
        "big": "bytes are more than the 4194304 allowed",
    }
    assert words[how] in line["reason"]
    assert table.heard(state()) == [("att/v1/hq/g1/book", "1")]


def test_a_book_bigger_than_the_broker_takes_breaks_no_connection(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    """Acknowledgements go on; the log says it once for each connection."""
    table.books.connected(600)
    assert table.heard(state(), state("g2")) == []
    (line,) = logged(caplog, "central book refused")
    assert line["reason"].startswith("the broker takes 600 bytes, this has ")
    table.books.connected(600)
    table.heard(state())
    assert len(logged(caplog, "central book refused")) == 1
    table.books.connected(MAXIMUM_PACKET)
    assert table.heard(state()) == [("att/v1/hq/g1/book", "1")]


def test_a_book_that_never_was_good_is_never_said(tmp_path: Path) -> None:
    """Nothing is better than half a book."""
    bad = Table(tmp_path)
    bad.path.write_text("[site", "utf-8")
    assert bad.heard(state()) == []
    assert bad.tend() == []


def test_a_policy_beside_the_book_is_known(table: Table) -> None:
    """A site's own policy is no problem of its book."""
    folder = table.path.parent / "policies"
    folder.mkdir()
    (folder / "own.toml").write_text("", "utf-8")
    vendor = '\n[[vendors]]\nid = "v"\nname = "v"\n[[contracts]]\nid = "c"\n'
    vendor += 'vendor = "v"\npolicy = "own"\nfrom = 2026-01-01\nto = 2026-12-31\n'
    table.write("2", vendor)
    assert table.heard(state()) == [("att/v1/hq/g1/book", "2")]


@pytest.fixture
def listener(broker: Mosquitto) -> Iterator[Listener]:
    """Return a client that hears the book of g1."""
    found = Listener(broker.port, "hand-g1")
    found.connect()
    found.link.subscribe(["att/v1/hq/g1/book"])
    found.next()
    yield found
    found.link.close()


def test_a_real_collector_says_and_says_again(
    broker: Mosquitto,
    listener: Listener,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Over a real broker, retained: at the birth, and when the file changed."""
    monkeypatch.setattr(books, "LOOK_SECONDS", 0.1)
    path = tmp_path / "book.toml"
    path.write_text(BOOK, "utf-8")
    with Centre(broker.port, tmp_path, sites=("hq",), books=(path,)):
        topic = "att/v1/hq/g1/state"
        birth = encode(state())
        listener.link.publish(topic, birth, qos=1, retain=True, token=1)
        assert version(listener) == "1"
        path.write_text(BOOK.replace('version = "1"', 'version = "2"'), "utf-8")
        assert version(listener) == "2"
    late = Listener(broker.port, "late-g1")
    late.connect()
    late.link.subscribe(["att/v1/hq/g1/book"])
    try:
        assert version(late) == "2"
    finally:
        late.link.close()


def version(listener: Listener) -> str:
    """Return the version of the next book that comes."""
    while True:
        event = listener.next()
        if isinstance(event, Message):
            return msgspec.json.decode(event.payload, type=SiteBook).version
