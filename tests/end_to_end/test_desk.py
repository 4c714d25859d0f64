"""A desk reader and a USB file, by real processes: what happens is at the centre."""

import json
import signal
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from drivers.serial_reader.frames import em4100_frame
from gateway.cli.children import ChildError
from gateway.cli.demo_desk import DemoDesk, at_centre
from gateway.cli.demo_site import people
from gateway.settings import load
from tests.brokers import Mosquitto
from tests.drivers.serial_devices import device
from tests.end_to_end.processes import SERIAL, Site, until

CARDS = {"1001": 11, "1002": 12}
ZONE = ZoneInfo("Asia/Shanghai")


def furnish(site: Site) -> None:
    """Add a desk reader, a post and two cards to a site's files."""
    gateway = site.folder / "gateway.toml"
    text = gateway.read_text("utf-8")
    (site.folder / "usb").mkdir()
    text = text.replace("[mqtt]", f'import_dir = "{site.folder}/usb"\n[mqtt]')
    text += f'[[readers]]\nid = "desk"\nport = "{site.folder}/reader"\n'
    gateway.write_text(f'{text}use = "handover"\npost = "noc"\n', "utf-8")
    book = (site.folder / "book.toml").read_text("utf-8")
    for badge, number in CARDS.items():
        book += f'\n[[enrolments]]\nperson = "p{badge}"\nbadge = "{number:010d}"\n'
    book += '\n[[posts]]\nid = "noc"\nkind = "24x7"\nfrom = 2026-01-01\n'
    (site.folder / "book.toml").write_text(book, "utf-8")


def reader_online(site: Site) -> bool:
    """Ask the daemon whether its reader is there."""
    if "daemon up" not in site.daemon.text():
        return False
    return any(line["online"] for line in site.status()["readers"])


def frame(badge: str) -> bytes:
    """Return what the reader sends for the card of a badge's person."""
    return em4100_frame(CARDS[badge].to_bytes(5))


@pytest.mark.slow
def test_a_handover_appears_at_the_centre(site: Site, broker: Mosquitto) -> None:
    """Two cards, the daemon killed in between: one row at the centre and on disk."""
    furnish(site)
    with device(site.folder) as there:
        site.start(broker)
        until(lambda: reader_online(site), "the reader")
        there.send(frame("1001"))
        until(lambda: "desk card" in site.daemon.text(), "the first card")
        site.daemon.end(signal.SIGKILL)
        site.reads()
        until(lambda: reader_online(site), "the reader again")
        there.send(frame("1002"))
        until(lambda: site.centre.exists() and bool(at_centre(site.centre)), "the row")
        there.send(em4100_frame((99).to_bytes(5)))
        until(lambda: "card_unknown" in site.daemon.text(), "a card of nobody")
        until(lambda: site.status()["outbox"]["unacknowledged"] == 0, "the last ack")
    (entry,) = at_centre(site.centre)
    assert entry["table"] == "handovers"
    assert (entry["row"]["outgoing"], entry["row"]["incoming"]) == ("p1001", "p1002")
    (line,) = (site.folder / "entries.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["id"] == entry["id"]
    until(lambda: "reader_offline:desk" in risks(site), "an alarm")
    assert site.daemon.end() == 0


def risks(site: Site) -> set[str]:
    """Return what `health` names."""
    rows = json.loads(site.ask("health", "--json").stdout)
    found = rows["risks"] if isinstance(rows, dict) else rows
    return {f"{row['id']}:{row['terminal']}" for row in found}


@pytest.mark.slow
def test_a_usb_file_arrives_once(site: Site, broker: Mosquitto) -> None:
    """A file in the folder and the same punches by the network are each one punch."""
    furnish(site)
    site.start(broker)
    until(lambda: "daemon up" in site.daemon.text(), "the daemon")
    wanted = {site.punch("1001") for _ in range(5)}
    until(site.equal, "the network's")
    export = site.folder / "usb" / f"{SERIAL}_attlog.dat"
    more = "     1001\t2026-11-02 05:00:00\t1\t0\t1\t0\r\n"
    export.write_text(more + site.attlog.read_text("utf-8"), "utf-8", newline="")
    until(lambda: bool(site.status()["imports"]), "the file")
    (result,) = site.status()["imports"]
    assert (result["new"], result["duplicate"], result["error"]) == (1, 5, None)
    until(lambda: len(site.centre_ids()) == 6, "all at the centre")
    assert wanted < set(site.centre_ids())
    assert (site.folder / "usb" / "done" / export.name).exists()


def test_the_demos_desk_is_a_desk(tmp_path: Path) -> None:
    """What the demo adds to its files is a valid reader, post and change of duty."""
    crew = people(4)
    desk = DemoDesk(tmp_path)
    day = datetime(2026, 11, 2, tzinfo=ZONE).date()
    book = 'version = "1"\n[site]\nid = "demo"\n'
    for person in crew:
        book += f'[[people]]\nid = "{person.id}"\nname = "{person.name}"\n'
    (tmp_path / "book.toml").write_text(book + desk.book(day), "utf-8")
    gateway = '[gateway]\nid = "g"\nsite = "demo"\ndata_dir = "d"\nbook = "book.toml"\n'
    gateway += '[mqtt]\nhost = "127.0.0.1"\n'
    path = tmp_path / "gateway.toml"
    path.write_text(f"terminals = []\n{gateway}{desk.gateway()}", "utf-8")
    (reader,) = load(path).settings.readers
    assert (reader.id, reader.post) == ("desk", "noc")
    desk.start()
    try:
        assert Path(reader.port).exists()
        desk.hand_over()
    finally:
        desk.stop()
    assert not Path(reader.port).exists()


def test_the_demo_says_loudly_what_is_not_there(tmp_path: Path) -> None:
    """No handover at the centre, one of others, or two of them: the demo fails."""
    store = tmp_path / "central.db"
    desk = DemoDesk(tmp_path)
    rows = [("n01", "n02"), ("n02", "n01")]
    with closing(sqlite3.connect(store)) as db:
        db.execute("CREATE TABLE records (seq, kind, body)")
        words = desk.missing(store)
        assert words == "desk: the handover of post noc is not at the centre"
        for seq, (outgoing, incoming) in enumerate((rows[1], rows[0], rows[0])):
            row = {"outgoing": outgoing, "incoming": incoming, "at": "09:00"}
            body = json.dumps({"table": "handovers", "row": row})
            db.execute("INSERT INTO records VALUES (?, 'entry', ?)", (seq, body))
            db.commit()
            assert (desk.missing(store) is None) == (seq == 1)
            if seq == 1:
                assert desk.proof().endswith("夜班甲 to 白班乙, 09:00")


def test_a_desk_that_is_gone_ends_the_demo(tmp_path: Path) -> None:
    """A reader that was never plugged in, or died, is an error and no silence."""
    desk = DemoDesk(tmp_path)
    with pytest.raises(ChildError, match="was not started"):
        desk.act()
    desk.start()
    assert desk._child is not None
    desk._child.kill()
    desk._child.wait()
    with pytest.raises(ChildError, match="desk reader"):
        desk.act()
    desk.stop()


@pytest.mark.parametrize("seconds,due", [(8, 4.4), (60, 33.0), (600, 40.0)])
def test_when_the_demo_hands_over(tmp_path: Path, seconds: float, due: float) -> None:
    """At the change of duty, or within a short demo while punches still come."""
    assert DemoDesk(tmp_path).due(seconds) == pytest.approx(due)
    assert due < 0.6 * seconds
