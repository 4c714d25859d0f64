"""The page of `status`: what it says, and that it fits the screen it is shown on."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.cli.status_page import equation, show_page
from gateway.health import risks
from gateway.settings import AlarmSettings

IDS = [f"virtual-terminal-{end}" for end in ("0042", "0043", "1042")]
COUNTS = ("in_terminal", "downloaded", "stored", "punches", "repeats", "rejected")
SHOW = """
import json, os
from gateway.cli.status_page import show_page
show_page(json.loads(os.environ["STATUS"]))
"""


def line(name: str = "lobby", **fields: Any) -> dict[str, Any]:
    """Return a terminal's line where all is well."""
    counts = dict.fromkeys(COUNTS, 104_412)
    well = {
        "id": name,
        "online": True,
        "reading": False,
        "error": None,
        **counts,
        "sent": 104_000,
        "acknowledged": 103_999,
        "offset_seconds": 0.4,
        "last_read": "2026-11-02T08:00:00.000+00:00",
        "complete_at": "2026-11-02T08:09:30.000+00:00",
        "equation": {"holds": True, "term": None},
        "last_record": None,
        "silent_hours": None,
        "earlier": 0,
        "capacity": None,
    }
    return well | fields


def status(*lines: dict[str, Any]) -> dict[str, Any]:
    """Return what `status --json` shows."""
    return {
        "gateway": "gw",
        "site": "hq",
        "daemon": True,
        "confirm": "central",
        "terminals": list(lines),
        "outbox": {"unacknowledged": 0, "oldest_age_seconds": None},
        "uplink": None,
        "book": {"from": "file"},
        "judging": None,
        "readers": [],
        "imports": [],
        "certificates": [],
        "reconcile": [],
    }


def on_a_screen(found: dict[str, Any], columns: int) -> list[str]:
    """Return the lines that a terminal emulator of this width gets."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 50, columns, 0, 0))
    env = {k: v for k, v in os.environ.items() if k != "COLUMNS"} | {"TERM": "xterm"}
    child = subprocess.Popen(
        [sys.executable, "-c", SHOW],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=env | {"STATUS": json.dumps(found)},
    )
    os.close(slave)
    said = b""
    try:
        while piece := os.read(master, 4096):
            said += piece
    except OSError:
        pass  # Linux says so when the other side is closed
    os.close(master)
    assert child.wait(30) == 0, said.decode()
    return re.sub(r"\x1b\[[0-9;]*m", "", said.decode()).splitlines()


def table(lines: list[str]) -> list[str]:
    """Return the lines of the table, without its heads and what stands behind it."""
    first = next(n for n, one in enumerate(lines) if one.startswith("virtual"))
    notes = next(n for n, one in enumerate(lines) if one.startswith(f"  {IDS[0]}: "))
    return lines[first:notes]


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_ids_and_numbers_are_whole_on_every_screen(columns: int) -> None:
    """No row is wider than the screen; every id and every number can be read whole."""
    shown = on_a_screen(status(*map(line, IDS)), columns)
    rows = table(shown)
    assert max(map(len, shown)) <= columns
    assert "".join(row.split(" ")[0] for row in rows) == "".join(IDS)
    whole = [row for row in rows if "104412" in row]
    assert len(whole) == len(IDS)
    for row in whole:
        assert row.split()[1:] == ["yes", *["104412"] * 6, "104000", "103999"]
    assert "…" not in "".join(shown)
    assert "2026-11-02T08:00:00+00:00, clock off" in " ".join(" ".join(shown).split())
    if columns == 160:
        assert [row.split()[0] for row in rows] == IDS
        assert "in terminal  downloaded" in shown[1]


def test_a_pipe_has_no_width(capsys: pytest.CaptureFixture[str]) -> None:
    """Into a pipe each terminal is one row with its whole id, however long."""
    long = ["x" * 200 + "1", "x" * 200 + "2"]
    show_page(status(*map(line, long)))
    rows = [row.split() for row in capsys.readouterr().out.splitlines()]
    assert [row[:2] for row in rows if row[0] in long] == [[one, "yes"] for one in long]


READING = line(
    online=False, reading=True, equation={"holds": False, "term": "downloaded = stored"}
)


def test_a_first_read_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """While a log is read for the first time nothing is wrong, and nothing alarms."""
    show_page(status(READING))
    shown = capsys.readouterr().out
    (row,) = [one for one in shown.splitlines() if one.startswith("lobby")]
    assert row.split()[1] == "reading"
    assert "does not add up" not in shown
    assert "not read to its end yet" in shown
    assert "ADD UP" not in equation(READING)
    found = status(READING) | {"uplink": {"connected": True, "refusals": 0}}
    assert risks(found, AlarmSettings(), datetime.now(UTC)) == []


def test_a_read_that_broke_off_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    """A terminal that went away in the middle of its first read is offline."""
    gone = READING | {"error": "no route"}
    show_page(status(gone))
    shown = capsys.readouterr().out
    (row,) = [one for one in shown.splitlines() if one.startswith("lobby")]
    assert row.split()[1] == "no"
    assert "lobby: no route" in shown
    found = status(gone) | {"uplink": {"connected": True, "refusals": 0}}
    keys = [risk.key for risk in risks(found, AlarmSettings(), datetime.now(UTC))]
    assert keys == ["terminal_offline:lobby"]


def test_what_a_log_was_before_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """After a log was cleared the former records are a total; without any no word."""
    show_page(status(line(earlier=812)))
    words = "lobby: 812 more records are stored of what its log was before"
    assert words in capsys.readouterr().out
    show_page(status(line()))
    assert "before" not in capsys.readouterr().out


def test_a_log_that_is_not_new_is_told_from_one_not_looked_at(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A quiet terminal is read seldom and looked at often: both times have names."""
    show_page(status(line()))
    assert (
        "complete until 2026-11-02T08:09:30+00:00, log last read"
        " 2026-11-02T08:00:00+00:00, clock off +0.4 s"
    ) in capsys.readouterr().out
    show_page(status(line(complete_at=None, equation={"holds": False, "term": "x"})))
    shown = capsys.readouterr().out
    assert "complete until" not in shown
    assert "does not add up: x" in shown
