"""The units: how exposed they are, and that the program lives under their rules."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SYSTEMD = ROOT / "systemd"
UNITS = ("punchgate.service", "punchgate-central.service")
EXPOSURE = 1.0
_ANALYZE_ABSENT = "systemd-analyze is absent: apt-get install systemd"
_NOT_RUN = "not run: systemd is not process 1 here; docs/operations.md says how"


def _settings(unit: str) -> dict[str, list[str]]:
    """Return every setting of a unit, in order."""
    found: dict[str, list[str]] = {}
    for line in (SYSTEMD / unit).read_text().splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip(_ANALYZE_ABSENT)
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False
    )


def _exposure(path: Path) -> float:
    """Return what systemd-analyze says of a unit file, 0 to 10."""
    told = _analyze("security", "--offline=true", "--json=off", "--no-pager", str(path))
    last = told.stdout.strip().splitlines()[-1]
    assert "Overall exposure level" in last, told.stderr
    return float(last.split(":")[1].split()[0])


@pytest.mark.parametrize("unit", UNITS)
def test_exposure_stays_low(unit: str) -> None:
    """A unit of ours is exposed no more than 1.0."""
    assert _exposure(SYSTEMD / unit) <= EXPOSURE


@pytest.mark.parametrize("unit", UNITS)
def test_a_plain_unit_would_be_noticed(unit: str, tmp_path: Path) -> None:
    """The measure itself measures: the same unit without its hardening is far over."""
    lines = (SYSTEMD / unit).read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("NoNewPriv"))
    plain = tmp_path / unit
    plain.write_text("\n".join(lines[:start]) + "\n")
    assert _exposure(plain) > 5


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_every_line(unit: str, tmp_path: Path) -> None:
    """No setting is misspelt and no value unknown, or it would silently not count."""
    text = (SYSTEMD / unit).read_text()
    there = tmp_path / unit
    there.write_text(text.replace("/opt/punchgate/bin/punchgate", sys.executable))
    told = _analyze("verify", str(there))
    about_us = [line for line in told.stderr.splitlines() if unit in line]
    assert about_us == []


@pytest.mark.parametrize("unit", UNITS)
def test_a_wrong_configuration_is_not_tried_again(unit: str) -> None:
    """Exit 2 ends the matter, and the check before the start cannot restart it."""
    settings = _settings(unit)
    assert settings["Restart"] == ["on-failure"]
    assert settings["RestartPreventExitStatus"] == ["2"]
    (check,) = settings["ExecStartPre"]
    (start,) = settings["ExecStart"]
    assert check.startswith("-")
    assert check.split()[1:] == ["check-config", start.split()[-1]]


@pytest.mark.parametrize(
    "unit,limit", [("punchgate.service", "60s"), ("punchgate-central.service", "180s")]
)
def test_both_are_watched(unit: str, limit: str) -> None:
    """A unit says when it is ready, and is ended when it hangs."""
    settings = _settings(unit)
    assert settings["Type"] == ["notify"]
    assert settings["NotifyAccess"] == ["main"]
    assert settings["WatchdogSec"] == [limit]


@pytest.mark.parametrize(
    "example",
    ["network.conf", "credentials.conf", "credentials-encrypted.conf", "serial.conf"],
)
def test_examples_are_drop_ins_systemd_understands(
    example: str, tmp_path: Path
) -> None:
    """A drop-in people copy works as it stands, and costs no exposure over 1.3."""
    unit = tmp_path / "punchgate.service"
    text = (SYSTEMD / "punchgate.service").read_text()
    extra = (SYSTEMD / "examples" / example).read_text()
    text = text.replace("/opt/punchgate/bin/punchgate", sys.executable)
    unit.write_text(text.replace("[Install]", f"{extra}\n[Install]"))
    assert not [x for x in _analyze("verify", str(unit)).stderr.splitlines() if x]
    assert _exposure(unit) <= 1.3


def test_serial_drop_in_gives_ports_and_nothing_else() -> None:
    """Devices stay closed but for serial adapters; only named places can be written."""
    text = (SYSTEMD / "examples" / "serial.conf").read_text()
    lines = [line for line in text.splitlines() if line and line[0] not in "#["]
    assert lines == [
        "PrivateDevices=no",
        "DevicePolicy=closed",
        "DeviceAllow=char-ttyUSB rw",
        "DeviceAllow=char-ttyACM rw",
        "ReadWritePaths=-/etc/punchgate/entries.jsonl",
        "ReadWritePaths=-/media/punchgate",
    ]
    rule = (SYSTEMD / "examples" / "60-punchgate-reader.rules").read_text()
    assert 'OWNER="punchgate"' in rule
    assert 'SYMLINK+="punchgate-desk"' in rule


def test_the_user_and_its_folder_agree() -> None:
    """The unit, sysusers and tmpfiles name one user and one folder."""
    (user,) = _settings("punchgate.service")["User"]
    made = (SYSTEMD / "punchgate.sysusers").read_text().split()
    assert made[:2] == ["u", user]
    assert (
        f"d /var/lib/{user} 0700 {user} {user} -"
        in (SYSTEMD / "punchgate.tmpfiles").read_text().splitlines()
    )
    assert _settings("punchgate.service")["StateDirectory"] == [user]


_CONFINE = """
import ctypes, os, sys
prctl = ctypes.CDLL(None, use_errno=True).prctl
PR_SET_NO_NEW_PRIVS, PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 38, 65, 1
if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(
    PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0
):
    sys.exit(77)
os.umask(0o077)
os.execv(sys.argv[1], sys.argv[1:])
"""
_TRY_WRITABLE_CODE = """
import mmap
mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
"""
_IMPORT_EVERYTHING = """
import gateway.daemon, gateway.cli.serve, central.collector, central.store.store
import drivers.pyzk_terminal, psycopg, sqlite3
sqlite3.connect(":memory:").execute("select 1")
"""


def _confined(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code that may not make memory executable, nor gain rights."""
    told = subprocess.run(
        [sys.executable, "-c", _CONFINE, sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if told.returncode == 77:
        pytest.skip("this kernel cannot forbid writable code (before 6.3)")
    return told


def test_memory_may_stay_without_writable_code() -> None:
    """MemoryDenyWriteExecute does not break the program or a library it loads."""
    assert _confined(_TRY_WRITABLE_CODE).returncode != 0
    told = _confined(_IMPORT_EVERYTHING)
    assert (told.returncode, told.stderr) == (0, "")


def test_ready_message_fits_the_socket_of_systemd(tmp_path: Path) -> None:
    """READY=1 arrives at $NOTIFY_SOCKET as one datagram."""
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(path))
        sock.settimeout(10)
        subprocess.run(
            [sys.executable, "-c", "from gateway.watchdog import *; notify('READY=1')"],
            env={**os.environ, "NOTIFY_SOCKET": str(path)},
            check=True,
            cwd=ROOT,
        )
        assert sock.recv(64) == b"READY=1"


def test_a_service_runs_under_the_restrictions() -> None:
    """The program starts with the whole hardening of its unit."""
    if not Path("/run/systemd/system").is_dir() or os.geteuid() != 0:
        pytest.skip(_NOT_RUN)
    own = ("Exec", "Type", "Restart", "Notify", "Watchdog", "User", "Group", "Timeout")
    skip = (*own, "Description", "Documentation", "Wants", "After", "Start", "State")
    properties = [
        f"--property={name}={value}"
        for name, values in _settings("punchgate.service").items()
        if not name.startswith(skip)
        for value in values
        if name not in ("ProtectHome", "WantedBy")  # this checkout may lie in a home
    ]
    command = [sys.executable, "-c", _IMPORT_EVERYTHING]
    run = ["systemd-run", "--wait", "--pipe", f"--working-directory={ROOT}"]
    told = subprocess.run(
        [*run, *properties, *command], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, json.dumps([told.stdout, told.stderr])
