"""An export that says it is another terminal's: refused, and how it is taken in."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.file_origin import Origin, other_origin
from gateway.settings import Loaded, load
from tests.brokers import free_port
from tests.end_to_end.processes import SERIAL, Site, punch_id, query, until
from tests.gateway import desks
from tests.gateway.commands import Done, run
from tests.gateway.test_import_folder import Watched, attlog, settings

LINE = "     1000\t2026-11-02 08:00:00\t1\t0\t1\t0\r\n"
GATE = '\n[[terminals]]\nid = "gate"\nserial = "VT49"\n'
CLOCK = '\n[[terminals]]\nid = "7"\nserial = "3412160400012"\n'
EVENTS = "SELECT entry FROM outbox WHERE kind = 'event' ORDER BY seq"


def book(site: Site) -> None:
    """Write a site whose book has two terminals more."""
    site.write(badges=["1000"])
    path = site.folder / "book.toml"
    path.write_text(path.read_text("utf-8") + GATE + CLOCK, "utf-8")


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    """Give settings with `lobby`, and a book with `gate` and `7` besides."""
    book(Site(tmp_path, free_port()))
    return load(tmp_path / "gateway.toml")


@pytest.mark.parametrize(
    "name, first, where, said, owner",
    [
        ("1_attlog.dat", "VT49", "first line", "VT49", "gate"),
        ("1_attlog.dat", "\r\n\ufeffvt49", "first line", "vt49", "gate"),
        ("1_attlog.dat", "3412160400012", "first line", "3412160400012", "7"),
        ("1_attlog.dat", "AEH1234567890", "first line", "AEH1234567890", None),
        ("1_attlog.dat", "VTC0", "first line", "VTC0", None),
        (f"{SERIAL}_attlog.dat", "VT49", "first line", "VT49", "gate"),
        ("VT49_attlog.dat", "", "name", "VT49", "gate"),
        ("VT49_attlog.dat", SERIAL, "name", "VT49", "gate"),
        ("vt49_ATTLOG.2.DAT", "", "name", "vt49", "gate"),
        ("VT49_attlog (1).dat", "", "name", "VT49", "gate"),
        ("gate_attlog.dat", "", "name", "gate", "gate"),
        ("3412160400012_attlog.dat", "", "name", "3412160400012", "7"),
    ],
)
def test_another_terminal_is_seen(  # noqa: PLR0913 - a file, and what must be seen
    loaded: Loaded,
    tmp_path: Path,
    *,
    name: str,
    first: str,
    where: str,
    said: str,
    owner: str | None,
) -> None:
    """Its serial in the first line or the name, its id in the name, in either case."""
    path = tmp_path / name
    path.write_text(f"{first}\r\n" * bool(first) + LINE, "utf-8")
    found = other_origin(path, "lobby", loaded)
    assert found == Origin(said, where, owner, "lobby", SERIAL)
    assert str(found) == (
        f"its {where} says {said}, which is "
        f"{'terminal ' + owner if owner else 'no terminal we know'};"
        f" terminal lobby has the serial {SERIAL}"
    )


@pytest.mark.parametrize(
    "name",
    ["1_attlog.dat", "7_attlog.dat", "65535_attlog.dat", f"{SERIAL}_attlog.dat",
     "lobby_attlog.dat", "Lobby_attlog.2.dat", "november_attlog.dat", "VT49.dat",
     "AEH1234567890_attlog.dat", "_attlog.dat"],
)  # fmt: skip
@pytest.mark.parametrize("first", ["", SERIAL, SERIAL.lower(), "nonsense", "2026-11-0"])
def test_what_names_no_other_terminal(
    loaded: Loaded, tmp_path: Path, name: str, first: str
) -> None:
    """Its own serial or id, a machine's number, or words that nobody knows."""
    path = tmp_path / name
    path.write_text(f"{first}\r\n" * bool(first) + LINE, "utf-8")
    assert other_origin(path, "lobby", loaded) is None


def test_a_terminal_whose_serial_nobody_knows_yet(tmp_path: Path) -> None:
    """Without the centre's book a terminal of the settings is known by its id."""
    site = Site(tmp_path, free_port())
    site.terminal_extra = (
        f'serial = "{SERIAL}"\n[[terminals]]\nid = "hall"\nhost = "127.0.0.1"\n'
    )
    site.write()
    path = tmp_path / "gateway.toml"
    text = path.read_text("utf-8").replace('"book.toml"', '"central"')
    path.write_text(text, "utf-8")
    file = tmp_path / "hall_attlog.dat"
    file.write_text(LINE, "utf-8")
    found = other_origin(file, "lobby", load(path))
    assert found == Origin("hall", "name", "hall", "lobby", SERIAL)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a site with an export of `gate`, and nothing started."""
    site = Site(tmp_path, free_port())
    book(site)
    stick(site).write_text(f"VT49\r\n{LINE}8A3F21\r\n", "utf-8")
    yield site
    site.close()


def stick(site: Site) -> Path:
    """Return where the export lies."""
    return site.folder / "1_attlog.dat"


def import_(site: Site, terminal: str, *more: str) -> Done:
    """Import the export as this terminal's."""
    config = ("-c", str(site.folder / "gateway.toml"))
    return run("import", stick(site), "--terminal", terminal, *config, *more)


def events(site: Site) -> list[dict[str, Any]]:
    """Return the events of the journal."""
    return [json.loads(entry) for (entry,) in query(site.journal, EVENTS)]


def check_event(site: Site) -> None:
    """One event says what was taken for what, by whom."""
    (event,) = events(site)
    who = event["detail"].pop("who")
    assert who
    assert event["kind"] == "terminal_handled"
    assert (event["terminal"], event["serial"]) == ("lobby", SERIAL)
    assert event["reason"] == "import --serial-differs"
    assert event["detail"] == {
        "before": "VT49",
        "after": SERIAL,
        "file": "1_attlog.dat",
    }


@pytest.mark.slow
def test_refused_and_taken_all_the_same(site: Site) -> None:
    """Exit 2, nothing stored, and what to do; said explicitly it is an event."""
    done = import_(site, "lobby")
    assert (done.returncode, done.stdout) == (2, "")
    assert "its first line says VT49, which is terminal gate" in done.stderr
    assert f"terminal lobby has the serial {SERIAL}" in done.stderr
    assert "--terminal gate" in done.stderr
    assert "--serial-differs" in done.stderr
    assert not site.journal.exists()
    done = import_(site, "lobby", "--serial-differs")
    assert (done.returncode, done.stderr) == (0, "")
    assert site.journal_ids() == {punch_id(SERIAL, "1000", "2026-11-02T08:00:00")}
    check_event(site)


@pytest.mark.slow
def test_the_right_terminal_needs_no_word(site: Site) -> None:
    """The advice is right; the option alone is no event."""
    done = import_(site, "gate", "--serial-differs")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "read 1 · new 1 · duplicate 0 · rejected 0\n"
    assert site.journal_ids() == {punch_id("VT49", "1000", "2026-11-02T08:00:00")}
    assert events(site) == []


@pytest.mark.slow
def test_beside_a_daemon(site: Site) -> None:
    """The daemon writes the event down before the first punch."""
    site.daemon.start()
    until(lambda: "daemon up" in site.daemon.text(), "the daemon")
    assert import_(site, "lobby").returncode == 2
    assert site.journal_ids() == set()
    assert import_(site, "lobby", "--serial-differs").returncode == 0
    assert site.journal_ids() == {punch_id(SERIAL, "1000", "2026-11-02T08:00:00")}
    check_event(site)
    order = query(site.journal, "SELECT kind FROM outbox ORDER BY seq")
    assert order == [("event",), ("punch",)]


@pytest.mark.parametrize(
    "name, first, mapped, words, do",
    [
        ("lobby", "AEH1234567890", "", "its first line says AEH1234567890", "ID_att"),
        ("lobby", "VT49", "", "its first line says VT49", "gate_attlog.dat"),
        ("VT49", "", "VT49", "its name says VT49", "correct import_names"),
    ],
)
def test_the_watched_folder_sets_it_aside(  # noqa: PLR0913 - a file, and what is said
    tmp_path: Path, *, name: str, first: str, mapped: str, words: str, do: str
) -> None:
    """Nothing of it is stored; a text beside it says what was found, what to do."""
    names = f'import_names = {{ "{mapped}" = "lobby" }}\n' if mapped else ""
    gateway = settings(tmp_path, names)

    async def run_() -> None:
        async with desks.site(tmp_path, gateway=gateway, book=GATE, run=False) as at:
            there = Watched(at)
            file = there.folder / f"{name}_attlog.dat"
            file.write_text(f"{first}\r\n" * bool(first) + attlog(1))
            (result,) = await there.settle()
            assert words in result["error"]
            assert there.names() == [
                f"failed/{name}_attlog.dat",
                f"failed/{name}_attlog.dat.txt",
            ]
            said = (there.folder / f"failed/{name}_attlog.dat.txt").read_text("utf-8")
            assert words in said
            assert f"terminal lobby has the serial {SERIAL}" in said
            assert do in said
            assert "--terminal lobby --serial-differs" in said
            assert await there.punches() == 0

    asyncio.run(run_())


def test_the_watched_folder_takes_its_own(tmp_path: Path) -> None:
    """The serial of the terminal in the first line is as it should be."""

    async def run_() -> None:
        gateway = settings(tmp_path)
        async with desks.site(tmp_path, gateway=gateway, book=GATE, run=False) as at:
            there = Watched(at)
            for name, serial, second in (("lobby", SERIAL, 1), ("VT49", "vt49", 2)):
                file = there.folder / f"{name}_attlog.dat"
                file.write_text(f"{serial}\r\n{attlog(second)}8A3F21\r\n")
            lobby, gate = await there.settle()
            assert (gate["terminal"], gate["new"], gate["rejected"]) == ("gate", 1, 0)
            assert (lobby["terminal"], lobby["new"]) == ("lobby", 1)

    asyncio.run(run_())
