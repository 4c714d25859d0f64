"""docs/logs.md lists every event of the program with its keys."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import log_grammar
from tests.brokers import free_port
from tests.end_to_end.processes import Site, until

REPO = Path(__file__).parents[2]
PACKAGES = ("gateway", "drivers", "sync", "central")
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}


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
    known = log_grammar.documented()
    found = list(calls())
    assert len(found) > 30
    assert [where for where, event, _ in found if event not in known] == []


def test_no_documented_event_is_dead() -> None:
    """What the table promises is in the program; `library` is made by the formatter."""
    used = {event for _, event, _ in calls()} | {"library"}
    assert set(log_grammar.documented()) - used == set()


def test_literal_keys_stand_in_the_documented_order() -> None:
    """Where the mapping is written out, its keys are the table's keys."""
    known = log_grammar.documented()
    checked = 0
    for where, event, given in calls():
        if not isinstance(given, ast.Dict) or None in given.keys:
            continue
        keys = [key.value for key in given.keys if isinstance(key, ast.Constant)]
        assert keys == known[event].keys, where
        checked += 1
    assert checked > 10


def test_levels_are_as_documented() -> None:
    """The table's level is that of every call; `uplink rewound` has two by reason."""
    known = {event: row.level for event, row in log_grammar.documented().items()}
    assert set(known.values()) <= set(log_grammar.PRIORITIES)
    for package in PACKAGES:
        for path in sorted((REPO / package).rglob("*.py")):
            for name, event in re.findall(
                r'\blog\.([a-z]+)\(\s*"([a-z ]+)"', path.read_text("utf-8")
            ):
                level = {"exception": "error"}.get(name, name)
                if event != "uplink rewound":
                    assert level == known[event], f"{path}: {event}"


def test_rows_have_a_meaning_and_no_event_has_two() -> None:
    """Each event stands once in the table, with words behind it."""
    text = (REPO / "docs" / "logs.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == len(log_grammar.documented())
    assert all(len(line.split(" | ")[3].strip(" |")) > 10 for line in rows)


@pytest.mark.slow
def test_real_lines_are_as_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard error of a run under systemd: events, keys and levels of the table."""
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    site = Site(tmp_path, free_port())
    site.write(badges=["1001"])
    site.virtual.start()
    for badge in ("1001", "9999", "a b", 'x"=y', "工号"):
        site.punch(badge)
    site.punch("1001", "2026-02-31 08:00:00")
    try:
        site.daemon.start()
        until(lambda: "terminal up" in site.daemon.text(), "the first read")
        site.attlog.write_text("", "utf-8")
        site.punch("1001")
        until(lambda: "event kind=log_changed" in site.daemon.text(), "the event")
        site.virtual.end()
        until(lambda: "terminal down" in site.daemon.text(), "the terminal gone")
        until(lambda: "uplink down" in site.daemon.text(), "no broker")
        assert site.daemon.end() == 0
    finally:
        site.close()
    lines = [log_grammar.parse(line) for line in site.daemon.text().splitlines()]
    assert all(line.priority is not None for line in lines)
    seen = {line.event for line in lines}
    expected = "daemon up,book,punch,record rejected,event,terminal up,terminal down"
    assert seen >= {*expected.split(","), "uplink down", "daemon down"}


@pytest.mark.parametrize(
    "line",
    [
        "daemon gone gateway=gw-1",
        "daemon down gateway=gw-1 why=-",
        "<3>daemon down gateway=gw-1",
        "punch badge=1 terminal=lobby at=- verify=- seq=1",
        "Traceback (most recent call last):",
    ],
)
def test_a_line_that_is_not_as_documented_is_found(line: str) -> None:
    """The check of real lines sees events, keys, their order and the level."""
    well = "<6>daemon down gateway=gw-1\n<3>  File\npunchgate: a sentence\n"
    assert log_grammar.problems(well) == []
    assert len(log_grammar.problems(well + line)) == 1
