"""`punchgate terminal calibrate`: a punch with each credential tells its code."""

import json
import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from drivers.attlog import AttlogLine
from drivers.virtual import VirtualConfig
from tests.end_to_end.fleet import Fleet
from tests.end_to_end.processes import COMMAND
from tests.end_to_end.suspicious import add
from tests.gateway.commands import run

pytestmark = pytest.mark.slow
SERIAL = "VT00000000"


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """Give one terminal, in a thread, with a record of before."""
    with Fleet([VirtualConfig(serial=SERIAL)]) as fleet:
        add(fleet, AttlogLine("9", "2026-11-02T08:00:00", verify=1))
        yield fleet


def calibrate(
    fleet: Fleet, codes: Mapping[str, int | None], *more: str
) -> tuple[int, str]:
    """Punch as asked; a code of None punches nothing and says that there is none."""
    where = f"127.0.0.1:{fleet.terminals[0].port}"
    child = subprocess.Popen(
        [COMMAND, "terminal", "calibrate", where, *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert child.stdin is not None
    assert child.stderr is not None
    for minute, (word, code) in enumerate(codes.items()):
        seen = ""
        while f"punch once with: {word}" not in seen:
            letter = child.stderr.read(1)
            assert letter, seen
            seen += letter
        if code is not None:
            at = f"2026-11-02T09:{minute:02}:00"
            add(fleet, AttlogLine("9999", at, verify=code))
        child.stdin.write("s\n" if code is None else "\n")
        child.stdin.flush()
    out, _ = child.communicate(timeout=60)
    return child.returncode, out


USUAL: Mapping[str, int | None] = {
    "finger": 1,
    "card": 4,
    "password": 3,
    "face": 15,
    "palm": None,
}


def test_the_line_to_paste_is_a_line_of_the_configuration(
    fleet: Fleet, tmp_path: Path
) -> None:
    """What is printed can be pasted below the terminal and is understood."""
    code, out = calibrate(fleet, USUAL)
    assert code == 0
    line = out.splitlines()[-1]
    assert tomllib.loads(line) == {
        "verify_codes": {"1": "finger", "4": "card", "3": "password", "15": "face"}
    }
    (tmp_path / "book.toml").write_text(
        f'version = "1"\n[site]\nid = "hq"\n[[terminals]]\nid = "t0"\n'
        f'serial = "{SERIAL}"\n',
        "utf-8",
    )
    (tmp_path / "gateway.toml").write_text(
        f'[gateway]\nid = "g"\nsite = "hq"\ndata_dir = "{tmp_path}/data"\n'
        'book = "book.toml"\n[mqtt]\nhost = "127.0.0.1"\n[[terminals]]\nid = "t0"\n'
        f'host = "127.0.0.1"\n{line}\n',
        "utf-8",
    )
    assert run("check-config", tmp_path / "gateway.toml").returncode == 0


def test_a_code_of_two_credentials_proves_nothing(fleet: Fleet) -> None:
    """It is left out, said, and the command ends with 1."""
    chosen = ("--credential", "finger", "--credential", "card", "--json")
    code, out = calibrate(fleet, {"finger": 0, "card": 0}, *chosen)
    assert code == 1
    document = out[out.index("{") :]
    assert json.loads(document) == {"verify_codes": {}, "unclear": [0]}


def test_a_credential_nobody_knows_is_refused() -> None:
    """Before anything is asked."""
    done = run("terminal", "calibrate", "127.0.0.1", "--credential", "eye")
    assert done.returncode == 2
    assert "no credential is called 'eye'" in done.stderr
