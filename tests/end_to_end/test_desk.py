"""A desk reader and a USB file, by real processes: what happens is at the centre."""

import json
import signal
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from drivers.serial_reader.frames import em4100_frame
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
    desk = DemoDesk(tmp_path, crew)
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
