"""`terminal scan`: terminals are found by their serial, wherever they answer."""

import json
from pathlib import Path

from tests.brokers import free_port
from tests.gateway.commands import run, virtual, web_server
from tests.gateway.test_people import BOOK


def settings(folder: Path, port: int) -> Path:
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
[mqtt]
host = "127.0.0.1"
[[terminals]]
id = "lobby"
host = "127.0.0.1"
port = {port}
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
