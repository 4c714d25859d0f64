"""docs/logs.md lists every event of the program with its keys."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

REPO = Path(__file__).parents[2]
PACKAGES = ("gateway", "drivers", "sync", "central")
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
ROW = re.compile(r"^\| `([a-z ]+)` \| ([a-z_ ]+) \| (\w+) \|", re.MULTILINE)


def documented() -> dict[str, list[str]]:
    """Read the table: event → keys."""
    text = (REPO / "docs" / "logs.md").read_text("utf-8")
    return {event: keys.split() for event, keys, _ in ROW.findall(text)}


def calls() -> Iterator[tuple[str, str, ast.expr | None]]:
    """Find every log call: where, event, the mapping given."""
    for package in PACKAGES:
        for path in sorted((REPO / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in LEVELS
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id == "log"
                ):
                    first = node.args[0]
                    assert isinstance(first, ast.Constant), f"{path}:{node.lineno}"
                    where = f"{path.relative_to(REPO)}:{node.lineno}"
                    given = node.args[1] if len(node.args) > 1 else None
                    yield where, str(first.value), given


def test_every_log_call_is_documented() -> None:
    """A call with an event that is not in the table fails here, by file and line."""
    known = documented()
    found = list(calls())
    assert len(found) > 30
    assert [where for where, event, _ in found if event not in known] == []


def test_no_documented_event_is_dead() -> None:
    """What the table promises is in the program; `library` is made by the formatter."""
    used = {event for _, event, _ in calls()} | {"library"}
    assert set(documented()) - used == set()


def test_literal_keys_stand_in_the_documented_order() -> None:
    """Where the mapping is written out, its keys are the table's keys."""
    known = documented()
    checked = 0
    for where, event, given in calls():
        if not isinstance(given, ast.Dict) or None in given.keys:
            continue
        keys = [key.value for key in given.keys if isinstance(key, ast.Constant)]
        assert keys == known[event], where
        checked += 1
    assert checked > 10
