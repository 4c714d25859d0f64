"""The table of edge cases is complete, and every test it names is run."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CORE = HERE.parent
TESTS = CORE.parents[1]
REPO = TESTS.parent
TABLE = HERE / "edge_cases.md"
NUMBERS = {
    *(f"E{number}" for number in (*range(1, 61), *range(70, 91), *range(97, 108))),
    *("E24a", "E24b", "E106a", "E106b", "E111", "E116"),
}


def rows() -> dict[str, tuple[str, str]]:
    """Return the case and the last cell of every number, as the table has them."""
    found: dict[str, tuple[str, str]] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if re.fullmatch(r"E\d+[ab]?", cells[0]):
            assert cells[0] not in found, f"{cells[0]} stands there twice"
            found[cells[0]] = cells[1], cells[2]
    return found


def named(cell: str) -> list[tuple[str, str]]:
    """Return the files and functions that a cell names."""
    found: list[tuple[str, str]] = []
    file = ""
    for path, function in re.findall(r"`([\w/.]*)::(\w+)`", cell):
        file = path or file
        found.append((file, function))
    return found


def path(file: str) -> Path:
    """Return where a file of the table lies."""
    return CORE / file if (CORE / file).exists() else TESTS / file


TESTED = {
    number: tests for number, (_, cell) in rows().items() if (tests := named(cell))
}


def test_no_number_is_missing() -> None:
    """Every edge case of attendance and leave has its row; each says what it is."""
    assert set(rows()) == NUMBERS
    assert all(case and cell for case, cell in rows().values())


def test_every_row_has_a_test_or_a_reason() -> None:
    """Who is not tested here says where it is decided."""
    for number, (_, cell) in rows().items():
        assert (number in TESTED) != bool(re.match(r"[a-z]", cell)), number


@pytest.fixture(scope="module")
def collected() -> set[tuple[str, str]]:
    """Return the tests that pytest finds in the files of the table."""
    files = sorted({file for tests in TESTED.values() for file, _ in tests})
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--collect-only", "-q"),
            *("-p", "no:cacheprovider", "-p", "no:xdist"),
            *(str(path(file)) for file in files),
        ],
        cwd=REPO,
        env=os.environ | {"PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    names = r"^tests/(?:gateway/core/)?(\S+?)::(\w+)"
    found = re.findall(names, run.stdout, re.MULTILINE)
    return set(found)


def test_every_test_of_the_table_is_collected(
    collected: set[tuple[str, str]],
) -> None:
    """A test that was renamed leaves no row behind."""
    for number, tests in TESTED.items():
        for test in tests:
            assert test in collected, (number, test)


@pytest.mark.parametrize("number", sorted(TESTED))
def test_a_test_says_the_number_that_it_holds(number: str) -> None:
    """In its name, its first line, or the name of one of its cases."""
    for file, function in TESTED[number]:
        text = path(file).read_text(encoding="utf-8")
        before, found, rest = text.partition(f"\ndef {function}(")
        assert found, (file, function)
        marks = before.rsplit("\n\n\n", 1)[-1]
        own = marks + found + rest.split("\n\n\n", 1)[0]
        said = rf"(?<![A-Za-z0-9]){number}(?![0-9])|_{number.lower()}_"
        assert re.search(said, own), (number, function)
