"""The table of docs/reliability.md is whole, and names tests that are there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = "tests/faults/"
COLUMNS = ["#", "fault", "what happens, our rule", "test", "seed", "figure"]
FAULTS = [str(number) for number in range(1, 28)]
"""Of the catalogue; some have several rows, as 7a and 7b."""
LATER = "*later*"


def rows() -> list[dict[str, str]]:
    """Return the rows of the catalogue."""
    text = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    lines = text.split("## The catalogue")[1].splitlines()
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("|")
    ]
    assert cells[0] == COLUMNS
    return [dict(zip(COLUMNS, row, strict=True)) for row in cells[2:]]


def named(row: dict[str, str]) -> list[str]:
    """Return the tests of a row as pytest calls them."""
    found = re.findall(r"`([\w/]+\.py::test_\w+)`", row["test"])
    return [one if "/" in one else HERE + one for one in found]


def test_every_fault_has_a_row() -> None:
    """Numbers of the catalogue, each at least once, in order, none twice."""
    numbers = [row["#"] for row in rows()]
    assert len(set(numbers)) == len(numbers)
    plain = [number.rstrip("abcde") for number in numbers]
    assert list(dict.fromkeys(plain))[: len(FAULTS)] == FAULTS


@pytest.mark.parametrize("row", rows(), ids=lambda row: row["#"])
def test_no_cell_is_empty(row: dict[str, str]) -> None:
    """A row has a test, a seed and a figure, or says that it comes later."""
    assert all(row.values()), row
    assert named(row) or row["test"] == LATER
    if row["test"] == LATER:
        assert (row["seed"], row["figure"]) == (LATER, LATER)
    else:
        assert re.fullmatch(r"none|\d{8}(,.*)?", row["seed"])
        assert re.search(r"\d", row["figure"])


def test_every_test_that_is_named_is_run() -> None:
    """Pytest itself finds each of them, and no fault test is without a row."""
    wanted = {test for row in rows() for test in named(row)}
    files = sorted({test.split("::")[0] for test in wanted})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", ""]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        env=os.environ | {"PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = {line.split("[")[0] for line in done.stdout.splitlines() if "::" in line}
    assert not wanted - found, done.stdout[-2000:]
    assert {one for one in found if one.startswith(HERE)} <= wanted
