"""`terminal scan`: terminals are found by their serial, wherever they answer."""

import json
from pathlib import Path

import pytest

from tests.brokers import free_port
from tests.gateway.commands import run, virtual, web_server
from tests.gateway.test_people import BOOK


def settings(folder: Path, port: int, subnets: str = "[]", key: str = "") -> Path:
    """Write a gateway whose terminal is at this port."""
    (folder / "book.toml").write_text(BOOK, "utf-8")
    file = folder / "gateway.toml"
    file.write_text(
        f"""
[gateway]
id = "gw"
site = "hq"
data_dir = "{folder / "data"}"
book = "book.toml"
scan_subnets = {subnets}
[mqtt]
host = "127.0.0.1"
[[terminals]]
id = "lobby"
host = "127.0.0.1"
port = {port}
comm_key_file = "{key}"
""",
        "utf-8",
    )
    return file


def test_a_terminal_that_moved(tmp_path: Path) -> None:
    """Found in a network by serial at another port: the change is proposed, exit 1."""
    with virtual(tmp_path / "log.dat") as address:
        port = address.split(":")[1]
        file = settings(tmp_path, free_port())
        asked = ("terminal", "scan", "127.0.0.0/30", "--port", port, "-c", file)
        done = run(*asked, "--json")
        shown = run(*asked)
        at_home = run(*asked, "-c", settings(tmp_path, int(port)))
    assert done.returncode == shown.returncode == 1, done.stderr
    found = {row["host"]: row for row in json.loads(done.stdout) if row["serial"]}
    row = found["127.0.0.1"]
    assert (row["serial"], row["id"]) == ("VT00000001", "lobby")
    assert row["propose"] == {"host": "127.0.0.1", "port": int(port)}
    assert f"port = {port}" in shown.stdout
    assert at_home.returncode == 0
    assert "moved" not in at_home.stdout


def test_what_cannot_be_searched(tmp_path: Path) -> None:
    """A large network is refused; who is no terminal is named and nothing proposed."""
    file = settings(tmp_path, 4370)
    assert run("terminal", "scan", "10.0.0.0/8", "-c", file).returncode == 2
    with web_server() as address:
        done = run("terminal", "scan", address, "--json", "-c", file)
    (row,) = json.loads(done.stdout)
    assert (done.returncode, row["serial"], row["propose"]) == (0, None, None)
    assert row["problem"]


def test_the_subnets_of_the_settings(tmp_path: Path) -> None:
    """Without an address they are searched, and the terminal's own place is asked."""
    key = tmp_path / "key"
    key.write_text("2468\n")
    key.chmod(0o600)
    subnets = '["127.0.0.0/30", "127.0.0.4/31"]'
    home = free_port()
    with virtual(tmp_path / "log.dat", "--comm-key", "2468") as address:
        port = address.split(":")[1]
        asked = ("terminal", "scan", "--port", port, "--json")
        moved = run(*asked, "-c", settings(tmp_path, home, subnets, str(key)))
        there = run(*asked, "-c", settings(tmp_path, int(port), subnets, str(key)))
    rows = {(row["host"], row["port"]): row for row in json.loads(moved.stdout)}
    assert moved.returncode == 1, moved.stderr
    assert set(rows) == {("127.0.0.1", int(port)), ("127.0.0.1", home)}
    found, silent = rows["127.0.0.1", int(port)], rows["127.0.0.1", home]
    assert (found["serial"], found["id"]) == ("VT00000001", "lobby")
    assert found["propose"] == {"host": "127.0.0.1", "port": int(port)}
    assert found["was"] == {"host": "127.0.0.1", "port": home}
    assert (silent["serial"], silent["id"], silent["propose"]) == (None, "lobby", None)
    assert silent["problem"]
    assert there.returncode == 0, there.stderr
    (row,) = json.loads(there.stdout)
    assert (row["id"], row["propose"]) == ("lobby", None)


@pytest.mark.parametrize(
    "subnets,words",
    [
        ('["10.0.0.0/8"]', "too large to search"),
        ('["lobby"]', "is no network"),
        ('["fd00::/64"]', "too large to search"),
        (str([f"10.0.{n}.0/24" for n in range(9)]), "at most 8 networks"),
        ('"10.0.0.0/24"', "must be a list"),
    ],
)
def test_subnets_that_are_not_searched(
    tmp_path: Path, subnets: str, words: str
) -> None:
    """A search stays small: what is too large or none is a problem of the settings."""
    done = run("check-config", settings(tmp_path, 4370, subnets))
    assert done.returncode == 2
    (line,) = [x for x in done.stdout.splitlines() if "gateway.scan_subnets" in x]
    assert words in line
