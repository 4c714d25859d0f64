"""The demo: everything on loopback, and the proof at its end."""

import base64
import hashlib
import json
import re
import signal
import sqlite3
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from tests import log_grammar

COMMAND = Path(sys.executable).with_name("punchgate")


def ids_of(path: Path, serial: str) -> set[str]:
    """Compute the ids of a terminal's file without the product's code."""
    ids = set()
    for line in path.read_text("utf-8").splitlines():
        badge, at = line.split("\t")[:2]
        try:
            datetime.fromisoformat(at)
        except ValueError:
            continue
        identity = [serial, badge.strip(), at.replace(" ", "T")]
        text = json.dumps(identity, ensure_ascii=False, separators=(",", ":"))
        digest = base64.b32encode(hashlib.sha256(text.encode()).digest())
        ids.add("p1_" + digest.decode().lower()[:26])
    return ids


def column(path: Path) -> list[str]:
    """Read the punch ids of a journal or a central store."""
    with sqlite3.connect(path) as conn:
        rows = [row[0] for row in conn.execute("SELECT id FROM punches")]
    conn.close()
    return rows


def rows_of_desk(path: Path) -> list[dict[str, str]]:
    """Read the handovers of a central store, without the product's code."""
    with sqlite3.connect(path) as conn:
        found = conn.execute("SELECT body FROM records WHERE kind = 'entry'").fetchall()
    conn.close()
    entries = [json.loads(body) for (body,) in found]
    return [one["row"] for one in entries if one["table"] == "handovers"]


def check(folder: Path) -> None:
    """Compare the three places, and every log line with docs/logs.md."""
    for name in ("daemon", "centre"):
        log = (folder / f"{name}.log").read_text("utf-8")
        assert "up" in log
        assert log_grammar.problems(log) == []
    terminals = ids_of(folder / "lobby_attlog.dat", "VT00000001")
    terminals |= ids_of(folder / "machine-room_attlog.dat", "VT00000002")
    assert set(column(folder / "gateway" / "journal.db")) == terminals
    centre = column(folder / "central.db")
    assert set(centre) == terminals
    assert len(centre) == len(set(centre))
    assert len(terminals) > 100


@pytest.mark.slow
def test_the_demo_ends_with_a_proof_that_is_true(tmp_path: Path) -> None:
    """The proof line is printed, and an independent count of all places agrees."""
    folder = tmp_path / "demo"
    done = subprocess.run(
        [COMMAND, "demo", "--for", "16", "--data", folder],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "id sets equal" in done.stdout
    assert "broker killed by the demo" in done.stdout
    assert "reboots in mid-read" in done.stdout
    assert "desk's handover of post noc is there: 夜班甲 to 白班乙" in done.stdout
    (handover,) = rows_of_desk(folder / "central.db")
    assert (handover["outgoing"], handover["incoming"]) == ("n01", "n02")
    check(folder)
    lobby = (folder / "daemon.log").read_text("utf-8")
    assert "terminal down terminal=lobby" in lobby  # it really was cut


@pytest.mark.slow
def test_ctrl_c_prints_the_proof_too(tmp_path: Path) -> None:
    """Whoever stops the demo early still sees whether anything was lost."""
    folder = tmp_path / "demo"
    with subprocess.Popen(
        [COMMAND, "demo", "--for", "60", "--people", "3", "--data", folder],
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith("daemon"):
                break
        child.send_signal(signal.SIGINT)
        rest = child.stdout.read()
        assert child.wait(60) == 0, rest
    assert "id sets equal" in rest
    check(folder)


@pytest.mark.slow
def test_two_demos_at_once_do_not_meet(tmp_path: Path) -> None:
    """Each has ports of its own, ends well, and holds its own punches alone."""
    folders = [tmp_path / "one", tmp_path / "two"]
    demos = [
        subprocess.Popen(
            [COMMAND, "demo", "--for", "16", "--data", folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for folder in folders
    ]
    try:
        said = [demo.communicate(timeout=120)[0] for demo in demos]
    finally:
        for demo in demos:
            demo.kill()
    assert [demo.returncode for demo in demos] == [0, 0], said
    # `:14370` is a terminal, `127.0.0.1:18883` the broker.
    ports = [set(re.findall(r":(1[48]\d{3})\b", text)) for text in said]
    assert [len(found) for found in ports] == [3, 3], said
    assert not ports[0] & ports[1]
    for folder in folders:
        check(folder)


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    """The demo never writes among somebody's files."""
    (tmp_path / "mine").write_text("kept")
    done = subprocess.run(
        [COMMAND, "demo", "--data", tmp_path],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
