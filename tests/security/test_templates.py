"""No code path asks a terminal for fingerprints, faces or photos.

What is sent to a terminal is watched where drivers are tested: the virtual terminal
keeps `template_requests`. Here the code itself is read: the means do not occur in it.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.virtual.manners import TEMPLATES
from drivers.zk.commands import Command

REPO = Path(__file__).parents[2]
PACKAGES = ("drivers", "gateway", "sync", "central")
# Of pyzk, the library behind the second driver.
LIBRARY = {
    "get_templates",
    "get_user_template",
    "save_user_template",
    "delete_user_template",
    "enroll_user",
    "verify_user",
}
OURS = {Command(code).name for code in TEMPLATES - {Command.READ_USERS}}
OURS |= {name for name in Command.__members__ if "TEMPLATE" in name or "PHOTO" in name}


def used(source: str) -> Iterator[str]:
    """Yield every attribute, name and text in a source that is such a means."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case (
                ast.Attribute(attr=name) | ast.Name(id=name) | ast.Constant(value=name)
            ):
                if name in OURS | LIBRARY:
                    yield str(name)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_means_occur_nowhere(package: str) -> None:
    """Outside the virtual terminal, which refuses them, nothing names one."""
    paths = sorted((REPO / package).rglob("*.py"))
    assert paths
    for path in paths:
        if REPO / "drivers/virtual" in path.parents or path.name == "commands.py":
            continue  # the list of the protocol's commands, and who refuses them
        assert list(used(path.read_text("utf-8"))) == [], path


@pytest.mark.parametrize(
    "source", ["Command.READ_TEMPLATES", "conn.get_templates()", "f('enroll_user')"]
)
def test_a_use_would_be_seen(source: str) -> None:
    """The search finds what it is for."""
    assert len(list(used(source))) == 1
