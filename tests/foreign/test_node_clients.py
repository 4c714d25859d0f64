"""Clients that others wrote for node judge the virtual terminal, field by field.

They check no checksums: a tap between them and the terminal does, on every frame, by
rules written down a second time.
"""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from drivers.attlog import AttlogLine
from drivers.base import TerminalUser
from drivers.virtual import VirtualConfig
from tests.end_to_end.fleet import Fleet
from tests.foreign.npm import VENV, installed
from tests.foreign.tap import Tap

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

REPO = Path(__file__).parents[2]
ACT = Path(__file__).with_name("act.mjs")
PLACE = VENV / "node"
PACKAGES = ("zkteco-js@1.7.2", "node-zklib@1.3.0", "zklib@0.2.11")
ROWS = (0, 1, 25, 26, 5_000, 60_000)
CLOCK = datetime(2026, 11, 2, 12, 0)  # noqa: DTZ001 - device time has no zone
# The node family reads nine bytes of a badge.
BADGES = ("0042", "1001", "123456789", "7")
NAMES = ("甲二", "Ned Kelly", "", "Wang")
VERIFY = (1, 4, 15)
Transport = Literal["tcp", "udp"]

UNREAD_NAME = "names are read as ASCII: a Chinese one is garbage at the client"
NO_SUCH_CALL = "the library has no such call"
MANY_ROWS = "read by hand in 11 s: it joins everything anew at each datagram"
NO_CHECKSUM = "it registers in a packet without checksum, which a terminal drops"


@dataclass(frozen=True, slots=True)
class Client:
    """A client, how it speaks, and what it cannot do: cell → reason."""

    name: str
    transport: Transport
    blank: dict[str, str]


CLIENTS = (
    Client("zkteco-js", "tcp", {"Chinese names": UNREAD_NAME}),
    Client(
        "node-zklib",
        "tcp",
        {"Chinese names": UNREAD_NAME, "time": NO_SUCH_CALL, "serial": NO_SUCH_CALL},
    ),
    Client(
        "zklib",
        "udp",
        {
            "Chinese names": UNREAD_NAME,
            "counts": NO_SUCH_CALL,
            "60000 rows": MANY_ROWS,
            "live": NO_CHECKSUM,
        },
    ),
)
CELLS = (
    *(f"{rows} rows" for rows in ROWS),
    *("users", "Chinese names", "counts", "time", "serial", "live"),
)


@pytest.fixture(scope="session")
def packages() -> Path:
    """Install the clients with npm, once; skip in words where that cannot be."""
    return installed("node", PACKAGES)


def lines(count: int) -> list[AttlogLine]:
    """Return records whose every field changes from row to row."""
    start = datetime(2025, 1, 1)  # noqa: DTZ001 - device time has no zone
    return [
        AttlogLine(
            BADGES[n % len(BADGES)],
            (start + timedelta(seconds=61 * n)).isoformat(),
            state=n % 6,
            verify=VERIFY[n % len(VERIFY)],
        )
        for n in range(count)
    ]


@pytest.fixture
def fleet(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """Give a terminal with as many rows as the test says."""
    users = [
        TerminalUser(slot, badge, name, 0, 0)
        for slot, (badge, name) in enumerate(zip(BADGES, NAMES, strict=True), 1)
    ]
    config = VirtualConfig(
        serial="VT00000001",
        users=users,
        log=lines(request.param),
        clock=lambda: CLOCK,
        frame_gap_ms=4,
    )
    with Fleet([config]) as running:
        yield running


def start(client: Client, port: int, action: str) -> subprocess.Popen[str]:
    """Start a client's action."""
    return subprocess.Popen(
        ["node", ACT, PLACE, client.name, client.transport, str(port), action],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=PLACE,  # two of them leave an error log where they stand
        env=os.environ | {"TZ": "UTC"},
    )


def answer(child: subprocess.Popen[str]) -> Any:
    """Return what a client found."""
    try:
        out, _ = child.communicate(timeout=120)
    finally:
        child.kill()
        child.wait()
    found = json.loads(out)
    assert child.returncode == 0, found
    return found


def ask(client: Client, fleet: Fleet, action: str) -> Any:
    """Let a client do one thing through the tap; every frame must be right."""
    terminal = fleet.terminals[0]
    port = terminal.port if client.transport == "tcp" else terminal.udp_port
    with Tap(client.transport, port) as tap:
        found = answer(start(client, tap.port, action))
        assert tap.problems == []
        assert tap.oddities == []
        assert sum(judge.frames for judge in tap.judges) > 0
    assert terminal.template_requests == []
    return found


def row(client: Client, n: int, line: AttlogLine) -> dict[str, Any]:
    """Return what a client calls a record."""
    slot = n % len(BADGES) + 1
    if client.name == "zkteco-js":
        return {
            "sn": slot,
            "user_id": line.badge,
            "record_time": line.at,
            "type": line.verify,
            "state": line.state,
            "ip": "127.0.0.1",
        }
    if client.name == "node-zklib":
        return {
            "userSn": slot,
            "deviceUserId": line.badge,
            "recordTime": line.at,
            "ip": "127.0.0.1",
        }
    return {
        "id": slot,
        "uid": int(line.badge),  # the library makes a number of it
        "state": line.verify,
        "timestamp": line.at,
        "verificationType": line.verify,
        "inOutStatus": line.state,
    }


def cases(*cells: str) -> list[Any]:
    """Return client and cell wherever the cell is not blank."""
    return [
        pytest.param(client, cell, id=f"{client.name}-{cell}")
        for client in CLIENTS
        for cell in cells
        if cell not in client.blank
    ]


@pytest.mark.parametrize(
    "client, fleet",
    [
        pytest.param(client, rows, id=f"{client.name}-{rows}")
        for client in CLIENTS
        for rows in ROWS
        if f"{rows} rows" not in client.blank
    ],
    indirect=["fleet"],
)
@pytest.mark.usefixtures("packages")
def test_every_field_of_every_record(client: Client, fleet: Fleet) -> None:
    """Records of 40 bytes, none or sixty thousand: all fields the client returns."""
    held = fleet.terminals[0].config.log
    want = [row(client, n, line) for n, line in enumerate(held)]
    assert ask(client, fleet, "log") == want


@pytest.mark.parametrize("fleet", [3], indirect=True)
@pytest.mark.parametrize("client, cell", cases("users", "counts", "time", "serial"))
@pytest.mark.usefixtures("packages")
def test_what_else_a_client_can_ask(client: Client, cell: str, fleet: Fleet) -> None:
    """Users, counts, the clock and the serial number."""
    found = ask(client, fleet, cell)
    if cell == "users":
        key = "userid" if client.name == "zklib" else "userId"
        assert [(user["uid"], user[key], user["cardno"]) for user in found] == [
            (slot, badge, 0) for slot, badge in enumerate(BADGES, 1)
        ]
        assert [user["name"] for user in found[1:]] == list(NAMES[1:])
    elif cell == "counts":
        assert (found["userCounts"], found["logCounts"]) == (len(BADGES), 3)
    elif cell == "time":
        assert found == CLOCK.isoformat()
    else:
        assert found.rstrip("\0") == "VT00000001"


@pytest.mark.parametrize("fleet", [3], indirect=True)
@pytest.mark.parametrize("client, cell", cases("live"))
@pytest.mark.usefixtures("packages")
def test_live_punches(client: Client, cell: str, fleet: Fleet) -> None:
    """A punch is announced to whoever registered."""
    terminal = fleet.terminals[0]
    port = terminal.port if client.transport == "tcp" else terminal.udp_port
    with Tap(client.transport, port) as tap:
        child = start(client, tap.port, cell)
        stop = threading.Timer(60, child.kill)
        stop.start()
        try:
            assert tap.listening()
            fleet.punch(0, "1001", "2026-11-02T12:00:01")
            found = answer(child)
        finally:
            stop.cancel()
            child.kill()
        assert tap.problems == []
    assert "1001" in {str(value) for value in found.values()}
    assert "2026-11-02T12:00:01" in found.values()


def table() -> str:
    """Return the matrix as the documentation has it."""
    lines_ = ["| | " + " | ".join(client.name for client in CLIENTS) + " |"]
    lines_.append("|---" * (len(CLIENTS) + 1) + "|")
    for cell in CELLS:
        marks = ("-" if cell in client.blank else "yes" for client in CLIENTS)
        lines_.append(f"| {cell} | " + " | ".join(marks) + " |")
    return "\n".join(lines_)


def test_the_documentation_shows_the_matrix() -> None:
    """The table and every reason stand in docs/foreign-clients.md as they are here."""
    text = (REPO / "docs" / "foreign-clients.md").read_text("utf-8")
    assert table() in text
    for client in CLIENTS:
        for cell, reason in client.blank.items():
            assert cell in CELLS
            assert f"- {client.name}, {cell}: {reason}." in text
