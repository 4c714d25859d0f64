"""Programs of others from npm, installed by name and version when a test asks."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest

VENV = Path(__file__).parents[2] / ".venv"
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def installed(name: str, packages: Sequence[str], seconds: int = 100) -> Path:
    """Return the folder below `.venv` where packages are, installing them once.

    Skips in words where that cannot be; where everything must run, that is a failure.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node or npm absent: install nodejs and npm")
    place = VENV / name
    place.mkdir(parents=True, exist_ok=True)
    done, wanted = place / "done", " ".join(packages)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_text("utf-8") != wanted:
            _install(place, packages, seconds)
            done.write_text(wanted, "utf-8")
    return place


def _install(place: Path, packages: Sequence[str], seconds: int) -> None:
    options = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund")
    command = ["npm", "install", "--ignore-scripts", "--fetch-retries=1", *options]
    # node trusts certificates of its own; those of the machine are right here.
    own = str(_CERTIFICATES)
    trust = {"NODE_EXTRA_CA_CERTS": own} if _CERTIFICATES.exists() else {}
    try:
        done = subprocess.run(
            [*command, "--prefix", str(place), *packages],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env=trust | os.environ,
        )
    except subprocess.TimeoutExpired:
        _cannot("npm could not reach its packages in time")
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:]
        _cannot(f"npm could not install {packages[0]}: {said}")


def _cannot(why: str) -> NoReturn:
    """Skip for a user; where everything must run, that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)
