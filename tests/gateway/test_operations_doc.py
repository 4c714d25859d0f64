"""What docs/operations.md tells people to type can be typed."""

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

import gateway.cli.every  # noqa: F401 - registers the commands
from gateway.cli.app import app
from gateway.settings import (
    AlarmSettings,
    GatewaySettings,
    MqttSettings,
    TerminalSettings,
)

REPO = Path(__file__).parents[2]
TEXT = (REPO / "docs/operations.md").read_text("utf-8")
TYPED = re.compile(r"(?:`|^ {4}|^)(punchgate [^`\n#]+)", re.MULTILINE)


def commands() -> list[list[str]]:
    """Return every command of the document, in words; `a|b` is two of them."""
    found = []
    for typed in TYPED.findall(TEXT):
        several: list[list[str]] = [[]]
        for word in typed.split():
            choices = word.split("|") if "[" not in word else [word]
            several = [[*one, choice] for one in several for choice in choices]
        found += several
    return found


def command_of(words: list[str]) -> Any:
    """Return the command that words name."""
    found: Any = typer.main.get_command(app)
    for word in words[1:]:
        if not hasattr(found, "commands"):
            return found
        assert word in found.commands, " ".join(words)
        found = found.commands[word]
    return found


def test_there_are_commands() -> None:
    """The document is read at all: the ones for each device are among them."""
    named = {" ".join(words[1:3]) for words in commands()}
    assert {"terminal clear", "terminal scan", "people apply", "init ADDRESS"} <= named


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_of_the_document(words: list[str]) -> None:
    """The command exists and has every option that is shown."""
    found = command_of(words)
    options = {name for one in found.params for name in one.opts}
    for word in words:
        option = word.strip("[],.;")
        if option.startswith("-"):
            assert option in options, word


@pytest.mark.parametrize(
    "key,settings",
    [
        ("import_dir", GatewaySettings),
        ("import_names", GatewaySettings),
        ("scan_subnets", GatewaySettings),
        ("keep_days", GatewaySettings),
        ("confirm", MqttSettings),
        ("comm_key_file", TerminalSettings),
        ("transport", TerminalSettings),
        ("driver", TerminalSettings),
        *((one.name, AlarmSettings) for one in dataclasses.fields(AlarmSettings)),
    ],
)
def test_a_key_of_the_document(key: str, settings: type) -> None:
    """Keys people are told to write are keys, and stand in the example too."""
    example = (REPO / "config/gateway.example.toml").read_text("utf-8")
    assert key in settings.__dataclass_fields__  # type: ignore[attr-defined]
    assert re.search(rf"^{key} = ", example, re.MULTILINE)
    assert AlarmSettings(**tomllib.loads(example)["alarms"]) == AlarmSettings()
    assert key in TEXT or key == "keep_days"
