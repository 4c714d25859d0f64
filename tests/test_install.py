"""`make install` into a folder: what stands where, and what is never overwritten."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
_ETC = "etc/punchgate"
_UNITS = "usr/local/lib/systemd/system"


def _make(target: str, there: Path) -> str:
    """Run a target of the Makefile with DESTDIR; return what it said."""
    # GNU make of an outer `make test` would hand its own flags on.
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    base = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    told = subprocess.run(
        ["make", target, f"DESTDIR={there}", f"PYTHON={base}"],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an installation in it."""
    if shutil.which("make") is None:
        pytest.skip("make is absent: apt-get install make")
    folder = tmp_path_factory.mktemp("root")
    _make("install", folder)
    return folder


def test_everything_stands_in_its_place(there: Path) -> None:
    """Command, units, user, folders, configuration and shared data are there."""
    assert (there / "usr/local/bin/punchgate").readlink() == Path(
        "/opt/punchgate/bin/punchgate"
    )
    for name in ("punchgate.service", "punchgate-central.service"):
        assert (there / _UNITS / name).read_text() == (
            ROOT / "systemd" / name
        ).read_text()
    assert (there / "usr/local/lib/sysusers.d/punchgate.conf").is_file()
    assert (there / "usr/local/lib/tmpfiles.d/punchgate.conf").is_file()
    for name in ("gateway", "central", "book"):
        path = there / _ETC / f"{name}.toml"
        assert path.stat().st_mode & 0o777 == 0o640
        assert tomllib.loads(path.read_text())
    assert (there / "opt/punchgate/share/punchgate/config").is_dir()


def test_the_installed_command_runs(there: Path) -> None:
    """The environment has what the program needs, and no tool of ours besides."""
    bin_ = there / "opt/punchgate/bin"
    told = subprocess.run(
        [bin_ / "python", "-I", bin_ / "punchgate", "--help"],
        capture_output=True,
        text=True,
        check=False,
        cwd=there,
    )
    assert told.returncode == 0, told.stderr
    assert "check-config" in told.stdout
    code = "import central.collector, gateway, sys; print(gateway.__file__)"
    told = subprocess.run(
        [bin_ / "python", "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith(str(there))
    assert not (bin_ / "pytest").exists()
    assert not (bin_ / "hatchling").exists()


def test_paths_are_those_of_the_final_place(there: Path) -> None:
    """No script begins with the path of the folder it was built in."""
    first = (there / "opt/punchgate/bin/punchgate").read_text()
    assert "/opt/punchgate/bin/python" in first
    for path in (there / "opt/punchgate/bin").iterdir():
        if not path.is_symlink():
            assert str(there).encode() not in path.read_bytes(), path.name


def test_again_and_away(there: Path) -> None:
    """A second install keeps the configuration; uninstall keeps it and the data."""
    ours = there / _ETC / "gateway.toml"
    ours.write_text("# written by us\n")
    (there / _ETC / "book.toml").unlink()
    data = there / "var/lib/punchgate/journal.db"
    data.parent.mkdir(parents=True)
    data.write_bytes(b"punches")
    _make("install", there)
    assert ours.read_text() == "# written by us\n"
    assert (there / _ETC / "book.toml").is_file()
    said = _make("uninstall", there)
    assert "Kept:" in said
    assert "/var/lib/punchgate" in said
    assert data.read_bytes() == b"punches"
    left = {p.relative_to(there).as_posix() for p in there.rglob("*") if p.is_file()}
    kept = {f"{_ETC}/{name}.toml" for name in ("gateway", "central", "book")}
    assert left == {*kept, "var/lib/punchgate/journal.db"}
    assert not (there / "usr/local/bin/punchgate").is_symlink()
