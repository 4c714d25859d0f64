"""`punchgate terminal …` asks a real child and says in words what is wrong."""

import csv
import io
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import free_port
from tests.gateway.commands import run, virtual, web_server
from tests.gateway.test_scan import settings

pytestmark = pytest.mark.slow

COLUMNS = ["serial", "badge", "at", "verify", "state", "position", "raw"]
LINES = [
    f"{badge:>9}\t2026-11-02 08:0{minute}:07\t1\t{state}\t{verify}\t0"
    for minute, (badge, state, verify) in enumerate(
        [("0042", 0, 1), ("1001", 1, 15), ("0042", 255, 4), ("1001", 0, 1), ("7", 5, 3)]
    )
]
KEY = "4711"


@pytest.fixture(scope="module")
def lobby(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a terminal with five records and two users."""
    folder = tmp_path_factory.mktemp("lobby")
    (folder / "log.dat").write_text("\n".join(LINES) + "\n", "utf-8")
    users = "uid,user_id,name\n1,0042,甲二\n2,1001,甲一\n"
    (folder / "users.csv").write_text(users, "utf-8")
    with virtual(folder / "log.dat", "--users", str(folder / "users.csv")) as address:
        yield address


def test_info(lobby: str) -> None:
    """Who answers, for people and as one JSON document."""
    done = run("terminal", "info", "--json", lobby)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["serial"], found["records"], found["users"]) == ("VT00000001", 5, 2)
    assert found["record_capacity"] == 100_000
    shown = run("terminal", "info", lobby).stdout.splitlines()
    assert shown[0].split() == ["serial", "VT00000001"]
    assert ["records", "5"] in [line.split() for line in shown]


@pytest.mark.parametrize("driver", ["zk", "pyzk"])
def test_read_jsonl(lobby: str, driver: str) -> None:
    """One object per record with exactly the columns of the contract, in log order."""
    done = run("terminal", "read", lobby, "--driver", driver)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [list(row) for row in rows] == [COLUMNS] * 5
    assert [row["badge"] for row in rows] == ["0042", "1001", "0042", "1001", "7"]
    assert [row["position"] for row in rows] == [0, 1, 2, 3, 4]
    assert [(row["verify"], row["state"]) for row in rows[1:3]] == [(15, 1), (4, 255)]
    assert rows[0]["at"] == "2026-11-02T08:00:07"


def test_read_csv_and_attlog_hold_the_same(lobby: str) -> None:
    """Csv has the columns in order; attlog is the terminal's own export."""
    rows = [
        json.loads(line) for line in run("terminal", "read", lobby).stdout.splitlines()
    ]
    shown = run("terminal", "read", lobby, "--format", "csv").stdout
    found = list(csv.DictReader(io.StringIO(shown)))
    assert shown.splitlines()[0] == ",".join(COLUMNS)
    expected = [
        {name: "" if row[name] is None else str(row[name]) for name in COLUMNS}
        for row in rows
    ]
    assert found == expected
    export = run("terminal", "read", lobby, "--format", "attlog").stdout
    assert export.splitlines() == LINES


@pytest.mark.parametrize("count", [1, 2, 5, 99])
def test_read_tail(lobby: str, count: int) -> None:
    """`--tail N` is the end of the log; more than there is, is all."""
    done = run("terminal", "read", lobby, "--format", "attlog", "--tail", str(count))
    assert done.returncode == 0
    assert done.stdout.splitlines() == LINES[-count:]


def test_users(lobby: str) -> None:
    """Slot, badge and name of everybody; nothing that looks like a template."""
    done = run("terminal", "users", "--json", lobby)
    found = json.loads(done.stdout)
    assert [(user["slot"], user["badge"], user["name"]) for user in found] == [
        (1, "0042", "甲二"),
        (2, "1001", "甲一"),
    ]
    assert set(found[0]) == {"slot", "badge", "name", "privilege", "card"}
    shown = run("terminal", "users", lobby).stdout.splitlines()
    assert [line.split() for line in shown] == [
        ["1", "0042", "甲二"],
        ["2", "1001", "甲一"],
    ]


def test_clock_of_a_story(tmp_path: Path) -> None:
    """All processes of a story have its time: the terminal's clock is the gateway's."""
    story = f"2026-11-02T08:20:00+08:00@1@{time.time()!r}"
    zone = {"PUNCHGATE_STORY": story, "TZ": "Asia/Shanghai"}
    with virtual(tmp_path / "log.dat", **zone) as address:
        found = json.loads(run("terminal", "clock", "--json", address, **zone).stdout)
        shown = run("terminal", "clock", address, **zone).stdout.splitlines()
    assert set(found) == {"terminal", "gateway", "offset_seconds", "timezone"}
    assert found["terminal"].startswith("2026-11-02T08:2")
    assert found["gateway"].startswith("2026-11-02T08:2")
    assert found["gateway"].endswith("+08:00")
    assert [line.split()[0] for line in shown] == ["terminal", "gateway", "offset"]


def test_how_far_a_clock_is_off(tmp_path: Path) -> None:
    """The difference is in seconds; without a configured zone in this machine's."""
    options = ("--timezone", "Asia/Shanghai", "--clock-offset", "90")
    with virtual(tmp_path / "log.dat", *options) as address:
        file = settings(tmp_path, int(address.split(":")[1]))
        here = json.loads(run("terminal", "clock", "--json", address, TZ="UTC").stdout)
        shown = run("terminal", "clock", address, TZ="UTC").stdout
        asked = ("terminal", "clock", "lobby", "-c", file)
        known = json.loads(run(*asked, "--json", TZ="UTC").stdout)
        words = run(*asked, TZ="UTC").stdout
    assert here["timezone"] is None
    assert abs(here["offset_seconds"] - 28_890) < 5
    assert here["gateway"].endswith("+00:00")
    assert "if it stands in this machine's zone (UTC+0000)" in shown
    assert known["timezone"] == "Asia/Shanghai"
    assert abs(known["offset_seconds"] - 90) < 5
    assert known["gateway"].endswith("+08:00")
    assert re.search(r"offset   \+(8|9)[0-9.]+ s, .* in Asia/Shanghai\n", words)


def test_another_terminal_than_the_book_says(tmp_path: Path) -> None:
    """It is asked all the same, said on standard error, and the end is 1."""
    with virtual(tmp_path / "log.dat", "--serial", "VT99") as address:
        file = settings(tmp_path, int(address.split(":")[1]))
        for command in ("info", "users", "read", "clock"):
            for where in ("lobby", address, address.replace("127.0.0.1", "localhost")):
                done = run("terminal", command, where, "-c", file)
                assert done.returncode == 1
                words = "serial VT99 answers, the book has VT00000001 for lobby"
                assert words in done.stderr
        assert "VT99" in run("terminal", "info", "lobby", "-c", file).stdout
        done = run("terminal", "info", address)
    assert (done.returncode, done.stderr) == (0, "")


def test_records_with_impossible_dates_are_shown_and_named(tmp_path: Path) -> None:
    """They keep their digits, are named on standard error, and the end is 1."""
    log = tmp_path / "log.dat"
    log.write_text(LINES[0].replace("11-02", "02-31") + "\n" + LINES[1] + "\n", "utf-8")
    with virtual(log) as address:
        done = run("terminal", "read", address)
    assert done.returncode == 1
    rows = [json.loads(line)["at"] for line in done.stdout.splitlines()]
    assert rows == ["2026-02-31T08:00:07", "2026-11-02T08:01:07"]
    assert "record 0 of badge 0042 has the impossible time" in done.stderr


def test_a_comm_key(tmp_path: Path) -> None:
    """The right key opens; a wrong one is exit 1 and named as the reason, unshown."""
    with virtual(tmp_path / "log.dat", "--comm-key", KEY) as address:
        assert run("terminal", "info", "--key", KEY, address).returncode == 0
        for key in ("0", "4712"):
            done = run("terminal", "info", "--key", key, address)
            assert (done.returncode, done.stdout) == (1, "")
            assert "did not accept the comm key" in done.stderr
            assert "4712" not in done.stderr


def test_who_is_no_terminal_is_said() -> None:
    """A web server, nobody, and somebody silent end with 1 and different words."""
    with web_server() as address:
        done = run("terminal", "info", address)
    assert done.returncode == 1
    assert "not a ZK terminal" in done.stderr
    nobody = f"127.0.0.1:{free_port()}"
    done = run("terminal", "read", nobody)
    assert done.returncode == 1
    assert done.stderr.startswith(f"punchgate: {nobody}: ")
    assert "refused" in done.stderr


def test_somebody_silent_is_given_up() -> None:
    """What accepts and says nothing ends the command in words, in a bounded time."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        done = run("terminal", "info", address)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_udp_is_refused_in_words(lobby: str) -> None:
    """The driver pyzk reads over TCP and says what to do."""
    done = run("terminal", "info", "--udp", "--driver", "pyzk", lobby)
    assert done.returncode == 1
    assert "TCP" in done.stderr


@pytest.mark.parametrize(
    "address", ["", ":4370", "host:", "host:0", "host:65536", "host:4370x", "host:-1"]
)
def test_a_bad_address_is_a_usage_error(address: str) -> None:
    """Exit 2, with the text that was given and what to write instead."""
    done = run("terminal", "info", address)
    assert done.returncode == 2
    assert f"{address!r} is no address; write HOST or HOST:PORT" in done.stderr
