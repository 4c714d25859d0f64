"""Who on this machine has a terminal: found where the kernel says it, in words."""

import os
import pwd
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway import holders
from gateway.holders import Holder, holder

CONNECT = "import socket, sys; s = socket.create_connection(({host!r}, {port})); "
WAIT = "print('there', flush=True); sys.stdin.read()"


@contextmanager
def client(host: str, port: int, *arguments: str) -> Iterator[int]:
    """Have another process connected to a port; give its process id."""
    program = CONNECT.format(host=host, port=port) + WAIT
    child = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == b"there\n"
        yield child.pid
    finally:
        child.stdin.close()
        child.stdout.close()
        child.wait(30)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_another_process_is_named(host: str) -> None:
    """By its number and name while it is connected; our own connection is none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        with socket.create_connection((host, port)):
            assert holder(host, port) is None
            with client(host, port) as process:
                found = holder("localhost" if "." in host else host, port)
            assert found is not None
            assert (found.process, found.daemon) == (process, False)
            assert f"process {process} (python" in found.words
            assert "end it" in found.words


@pytest.mark.parametrize(
    "arguments, config",
    [
        (["-c", "site/gateway.toml"], "site/gateway.toml"),
        (["--config", "/etc/x.toml"], "/etc/x.toml"),
        ([], ""),
    ],
)
def test_a_daemon_of_ours_is_told_from_others(
    arguments: list[str], config: str
) -> None:
    """It has priority over others, and its configuration is named whole."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        started = ["/usr/bin/punchgate", "run", *arguments]
        with (
            client("127.0.0.1", port, *started) as process,
            client("127.0.0.1", port),
        ):
            found = holder("127.0.0.1", port)
    assert found is not None
    assert (found.process, found.daemon) == (process, True)
    assert found.config == (str(Path.cwd() / config) if config else "")
    assert f"with -c {found.config or 'and its gateway.toml'} it lends" in found.words


ROWS = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt
   0: 0100007F:A925 05010A0A:1112 0A 00000000:00000000 00:00000000 00000000 0 0 11 1
   1: 0100007F:A925 05010A0A:1112 06 00000000:00000000 00:00000000 00000000 0 0 0 3
"""


@pytest.mark.parametrize("uid", [0, 4_000_001])
def test_a_program_that_hides_is_named_by_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: int
) -> None:
    """Where its open files are not ours to see; an ended connection is none.

    The sample is how a little-endian kernel writes 10.10.1.5:4370, plainly and mapped.
    """
    if sys.byteorder != "little":
        pytest.skip("the sample is of a little-endian machine")
    monkeypatch.setattr(holders, "_PROC", tmp_path)
    assert holder("10.10.1.5", 4370) is None  # no such tables here
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(ROWS)
    assert holder("10.10.1.5", 4370) is None
    mapped = "0000000000000000FFFF000005010A0A:1112"
    row = ROWS.splitlines()[1].replace("05010A0A:1112", mapped)
    row = row.replace(" 0A ", " 01 ").replace(" 0 0 11 1", f" {uid} 0 11 1")
    (tmp_path / "net" / "tcp6").write_text(f"head\n{row}\n")
    (tmp_path / "4711").mkdir()  # a process without anything that may be read
    found = holder("10.10.1.5", 4370)
    user = pwd.getpwuid(os.getuid()).pw_name if uid == os.getuid() else str(uid)
    assert found == Holder(user if uid else "root")
    assert f"a program of user {found.user} on this machine" in found.words
    assert "-c" in found.words
    assert holder("10.10.1.5", 4371) is None


def test_a_name_that_nobody_knows_is_held_by_nobody() -> None:
    """What has no address has no connections."""
    assert holder("lobby.invalid", 4370) is None
    assert holder("a" * 70, 4370) is None
