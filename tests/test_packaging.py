"""The distribution: its names are ours, its contents whole, its needs pinned."""

import importlib
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import distribution, metadata, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ("gateway", "drivers", "sync", "central")
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))
# Put together here, so that this file is no find of its own.
_INDEX = re.compile(
    "|".join(
        (
            r"https?://\S*" + "(pypi|python" + "hosted|npm" + "js)",
            "(extra-)?index" + "-url",
            "trusted" + "-host",
        )
    ),
    re.IGNORECASE,
)


def _pins(path: Path) -> dict[str, Requirement]:
    """Return what a requirement file and those it includes name."""
    found: dict[str, Requirement] = {}
    for line in path.read_text().splitlines():
        if line.startswith("-r "):
            found |= _pins(path.parent / line[3:])
        elif line and not line.startswith("#"):
            pin = Requirement(line)
            found[canonicalize_name(pin.name)] = pin
    return found


def _tracked() -> list[Path]:
    """Return the files of the repository, also those not yet added."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    names = told.stdout.decode().split("\0")
    return [ROOT / name for name in names if (ROOT / name).is_file()]


@pytest.mark.parametrize("name", PACKAGES)
def test_import_names_are_ours(name: str) -> None:
    """No other distribution in the environment answers to one of our four names."""
    found = importlib.import_module(name)
    assert Path(str(found.__file__)).parent == ROOT / name
    assert set(packages_distributions().get(name, ["punchgate"])) == {"punchgate"}


def test_never_uploaded() -> None:
    """The classifier makes every public index refuse the distribution."""
    said = metadata("punchgate").get_all("Classifier") or []
    assert "Private :: Do Not Upload" in said


def test_one_command() -> None:
    """The only way in is the console script `punchgate`."""
    (script,) = distribution("punchgate").entry_points
    assert (script.group, script.name) == ("console_scripts", "punchgate")
    assert callable(script.load())


@pytest.mark.slow
def test_wheel_is_whole(tmp_path: Path) -> None:
    """The wheel holds every module, the schemas, config, units and the licence."""
    build = ["-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run([sys.executable, *build], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("punchgate-*-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    for path in _tracked():
        inside = path.relative_to(ROOT)
        top = inside.parts[0]
        if top in PACKAGES:
            assert str(inside) in names
        elif top in ("config", "systemd"):
            assert any(n.endswith(f"/data/share/punchgate/{inside}") for n in names)
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.startswith("punchgate-")} == set(PACKAGES)


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.stem)
def test_requirements_are_pinned(path: Path) -> None:
    """Each line is a name and one version, nothing else."""
    for line in path.read_text().splitlines():
        pinned = re.fullmatch(r"[\w.-]+==[\w.]+", line)
        assert pinned or re.fullmatch(r"#.*|-r \w+\.txt", line), line


@pytest.mark.parametrize(
    "group, file", [("", "run"), ("central", "central"), ("demo", "broker")]
)
def test_pins_satisfy_the_project(group: str, file: str) -> None:
    """What pyproject.toml asks for is pinned, within the range it asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = project["optional-dependencies"][group] if group else None
    pins = _pins(ROOT / "requirements" / f"{file}.txt")
    for text in asked or project["dependencies"]:
        wanted = Requirement(text)
        if wanted.name != "punchgate":
            (version,) = pins[canonicalize_name(wanted.name)].specifier
            assert wanted.specifier.contains(version.version), text


def test_one_version_of_everything() -> None:
    """Two requirement files never pin two versions of one package."""
    seen: dict[str, str] = {}
    for path in REQUIREMENTS:
        for name, pin in _pins(path).items():
            assert seen.setdefault(name, str(pin.specifier)) == str(pin.specifier)


def test_no_package_index_is_named() -> None:
    """No file says where packages come from: that is the machine's business."""
    hits = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in _tracked()
        if (match := _INDEX.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert hits == []


def test_licence_is_the_whole_text() -> None:
    """LICENSE is the GPL 3, as the metadata says."""
    text = (ROOT / "LICENSE").read_text()
    assert "GNU GENERAL PUBLIC LICENSE" in text
    assert "Version 3, 29 June 2007" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert metadata("punchgate")["License-Expression"] == "GPL-3.0-or-later"
