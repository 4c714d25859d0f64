"""`punchgate import`: with a daemon and without, twice, and beside the network."""

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from drivers.attlog_file import FileRecord
from gateway.filing import Piece, read_request
from tests.brokers import free_port
from tests.end_to_end.processes import SERIAL, Site, punch_id, query, until
from tests.gateway.commands import Done, run

pytestmark = pytest.mark.slow

LINES = [
    "     1000\t2026-11-02 08:00:00\t1\t0\t1\t0",
    "     1000\t2026-11-02 08:00:00\t1\t0\t1\t0",  # the same line again
    "     1001\t2026-11-02 08:00:01\t1\t0\t1\t0",
    "nonsense",
    "     1002\t2026-02-31 08:00:00\t1\t0\t1\t0",
    "     9999\t2026-11-02 08:00:02\t1\t255\t15\t0",
]
KINDS = "SELECT kind, count(*) FROM outbox GROUP BY kind"
IDS = {
    punch_id(SERIAL, badge, f"2026-11-02T08:00:0{second}")
    for badge, second in (("1000", 0), ("1001", 1), ("9999", 2))
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a site with written files and a stick, and nothing started."""
    site = Site(tmp_path, free_port())
    site.write(badges=["1000", "1001"])
    stick(site).write_text("".join(line + "\r\n" for line in LINES), "utf-8")
    yield site
    site.close()


def stick(site: Site) -> Path:
    """Return where the export lies."""
    return site.folder / "1_attlog.dat"


def import_(site: Site, *more: str) -> Done:
    """Import the export of the lobby."""
    config = ("-c", str(site.folder / "gateway.toml"))
    return run("import", stick(site), "--terminal", "lobby", *config, *more)


def counts(done: Done) -> dict[str, Any]:
    """Return `--json`, its rejects apart from the numbers."""
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check_first(done: Done) -> None:
    """The first import: three punches, one line twice, two lines that are none."""
    assert done.returncode == 1
    found = counts(done)
    rejects = found.pop("rejects")
    assert found == {"read": 6, "new": 3, "duplicate": 1, "rejected": 2}
    assert [one["line"] for one in rejects] == [4, 5]
    assert "no date and time" in rejects[0]["reason"]
    assert "2026-02-31T08:00:00 does not exist" in rejects[1]["reason"]


def test_without_a_daemon(site: Site) -> None:
    """The command takes the journal itself; a second time adds nothing."""
    check_first(import_(site, "--json"))
    assert site.journal_ids() == IDS
    rows = query(site.journal, "SELECT count(*) FROM raw")
    sent = query(site.journal, KINDS)
    assert sent == [("event", 1), ("punch", 3)]  # the impossible date went up too
    again = counts(import_(site, "--json"))
    assert (again["new"], again["duplicate"], again["rejected"]) == (0, 4, 2)
    assert query(site.journal, "SELECT count(*) FROM raw") == rows
    assert (
        query(site.journal, "SELECT kind, count(*) FROM outbox GROUP BY kind") == sent
    )
    known = query(site.journal, "SELECT badge, person, reason, source FROM punches")
    assert sorted(known) == [
        ("1000", "p1000", None, "file"),
        ("1001", "p1001", None, "file"),
        ("9999", None, "unknown_badge", "file"),
    ]


def test_a_longer_export_of_the_same_log(site: Site) -> None:
    """Later exports begin with the same lines; only the new ones are new."""
    import_(site)
    with stick(site).open("a", encoding="utf-8") as file:
        file.write("     1001\t2026-11-02 17:30:00\t1\t1\t1\t0\r\n")
    assert counts(import_(site, "--json"))["new"] == 1


def test_with_a_daemon_and_beside_the_network(site: Site) -> None:
    """The daemon keeps what the command reads; a punch that came both ways is one."""
    site.punch("1000", "2026-11-02 08:00:00")
    site.virtual.start()
    site.daemon.start()
    until(lambda: "terminal up" in site.daemon.text(), "the first read")
    done = import_(site, "--json")
    assert done.returncode == 1, done.stderr
    found = counts(done)
    assert (found["read"], found["new"], found["duplicate"]) == (6, 2, 2)
    assert site.journal_ids() == IDS
    assert "imported terminal=lobby read=5 new=2 duplicate=2" in site.daemon.text()
    ask = run("status", "--json", "-c", site.folder / "gateway.toml")
    (line,) = json.loads(ask.stdout)["terminals"]
    assert (line["in_terminal"], line["stored"], line["punches"]) == (1, 1, 1)
    assert line["equation"]["holds"]


def test_long_lines_reach_the_daemon(site: Site) -> None:
    """However long the lines, what goes through the socket is bounded."""
    site.daemon.start()
    until(lambda: "daemon up" in site.daemon.text(), "the daemon")
    line = "     1000\t2026-11-02 {:02d}:{:02d}:{:02d}\t1\t0\t1\t0" + "\t0" * 900
    clock = [(9 + n // 3600, n // 60 % 60, n % 60) for n in range(2_000)]
    stick(site).write_text("".join(line.format(*at) + "\n" for at in clock))
    done = import_(site, "--json")
    assert done.returncode == 0, done.stderr
    assert counts(done)["new"] == 2_000


@pytest.mark.parametrize(
    "row",
    [
        [],
        [1, "1000", "2026-11-02T08:00:00", 1, 0, 0, "raw"],
        [1, 1000, "2026-11-02T08:00:00", 1, 0, 0, "raw", 0],
        [1, "1000", None, 1, 0, 0, "raw", 0],
        [1, "1000", "2026-11-02T08:00:00", 2**70, 0, 0, "raw", 0],
        [1, "1000", "2026-11-02T08:00:00", 1, -1, 0, "raw", 0],
        [1, "1000", "2026-11-02T08:00:00", 1, 0, 0, "raw", True],
        [1, "1000", "2026-11-02T08:00:00", 1, 0, 0, "\udcff", 0],
    ],
)
def test_a_request_of_another_form_is_refused(row: list[Any]) -> None:
    """Whoever may ask the daemon may still be wrong."""
    with pytest.raises(ValueError, match=r"."):
        read_request({"terminal": "lobby", "records": [row]})


def test_what_goes_through_the_socket_comes_back() -> None:
    """A piece as JSON is the same piece."""
    record = FileRecord(7, "0042", "2026-02-31T08:00:00", 1, 255, None, b"0042\tx")
    piece = Piece([record], [3])
    sent = json.loads(json.dumps(piece.to_json()))
    assert read_request({"terminal": "lobby", "records": sent}) == ("lobby", piece)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give folders away")
def test_root_leaves_the_journal_of_another_user_alone(site: Site) -> None:
    """Files of root in its folder would lock the daemon out."""
    data = site.journal.parent
    data.mkdir()
    os.chown(data, 12345, 12345)
    done = import_(site)
    assert done.returncode == 1
    assert "belongs to user 12345" in done.stderr
    assert list(data.iterdir()) == []


def test_words_for_people(site: Site) -> None:
    """The numbers in a line, the refused lines on standard error, nothing else."""
    done = import_(site)
    assert done.stdout == "read 6 · new 3 · duplicate 1 · rejected 2\n"
    assert done.stderr.splitlines() == [
        "line 4: no date and time in 'nonsense'",
        "line 5: the date 2026-02-31T08:00:00 does not exist; kept",
    ]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--terminal", "hall"], "no terminal 'hall' with a serial; there are: lobby"),
        (["--terminal", "lobby", "missing.dat"], "missing.dat does not exist"),
        (["--terminal", "lobby", "."], ". is no file"),
    ],
)
def test_usage(site: Site, arguments: list[str], words: str) -> None:
    """An unknown terminal, no file, a folder: exit 2 and what to name instead."""
    config = ("-c", str(site.folder / "gateway.toml"))
    files = [] if len(arguments) > 2 else [str(stick(site))]
    done = run("import", *files, *arguments, *config)
    assert done.returncode == 2
    assert words in done.stderr
    assert not site.journal.exists()


def test_an_unclean_stop_stays_unclean(site: Site) -> None:
    """An import between a crash and the next start must not hide the crash."""
    site.virtual.start()
    site.daemon.start()
    until(lambda: "terminal up" in site.daemon.text(), "the first read")
    site.daemon.close()  # SIGKILL
    import_(site)
    with closing(sqlite3.connect(site.journal)) as conn:
        clean = conn.execute("SELECT value FROM meta WHERE key = 'clean'").fetchone()
    assert clean == ("no",)
