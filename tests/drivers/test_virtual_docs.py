"""docs/virtual-terminal.md says what the code does: options, faults, layouts."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
import typer

import gateway.cli.every  # noqa: F401 - registers the commands
from drivers.virtual.config import MODELS
from drivers.virtual.faults import FAULT_LIST
from drivers.zk.records import LAYOUTS
from gateway.cli.app import app
from gateway.cli.serve import virtual

TEXT = (Path(__file__).parents[2] / "docs/virtual-terminal.md").read_text("utf-8")
# Defaults that are no value, in words.
WORDS = {"needed", "as TCP", "nobody", "local", "never full", "power on only",
         "by chance", "none"}  # fmt: skip


def table(title: str) -> list[list[str]]:
    """Rows of the first table below a heading, the two lines on top left out."""
    part = TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows[2:]]


def test_options() -> None:
    """Every option with its default, and no other."""
    command: Any = typer.main.get_command(app)
    options = {
        one.opts[0]: one.default
        for one in command.commands[virtual.__name__].params
        if "--help" not in one.opts
    }
    documented = {row[0].strip("`"): row[1] for row in table("Options")}
    assert set(documented) == set(options)
    for name, default in documented.items():
        if default in WORDS:
            assert options[name] in {None, ""}, name
        else:
            assert default.strip("`") == str(options[name]), name


def test_faults() -> None:
    """Every fault of the closed list with its argument, in the list's order."""
    assert [row[0].strip("`") for row in table("Faults")] == FAULT_LIST.split()


def test_layouts() -> None:
    """Every layout with its sizes."""
    rows = {
        row[0].strip("`"): [int(cell) for cell in row[1:5]] for row in table("Layouts")
    }
    assert rows == {
        name: [LAYOUTS[name].size, one.user_bytes, one.event_bytes, one.sizes_bytes]
        for name, one in MODELS.items()
    }


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The program in the document does what it says."""
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    source = program.replace("asyncio.run(main())", "")
    names: dict[str, object] = {}
    exec(compile(source, "docs/virtual-terminal.md", "exec"), names)  # noqa: S102 - ours
    asyncio.run(names["main"]())  # type: ignore[operator]
    assert re.fullmatch(r"\d+ 2 \[\]\n", capsys.readouterr().out)
