"""Help, exit codes and `check-config`: what people and scripts may rely on."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import gateway.cli.every  # noqa: F401 - registers the commands
from gateway.cli.app import app
from tests.brokers import free_port
from tests.end_to_end.processes import COMMAND, Process, Site, until
from tests.gateway.commands import run

EXPECTED = {
    *("run", "central", "check-config", "virtual", "demo", "status", "health", "tail"),
    *("terminal info", "terminal read", "terminal users", "terminal clock"),
    *("central count", "central gaps", "init", "doctor", "import", "reconcile"),
}

BOOK = """[site]
id = "hq"
timezone = "Asia/Nowhere"
[[terminals]]
id = "lobby"
[[people]]
id = "p01"
name = ""
nick = "A"
[[enrolments]]
person = "p77"
badge = " 1001"
"""
GATEWAY = """[gateway]
id = "gw 1"
site = "branch"
data_dir = ""
book = "book.toml"
[mqtt]
host = "127.0.0.1"
port = 70000
confirm = "nobody"
[[terminals]]
id = "attic"
host = "127.0.0.1"
poll_seconds = 0
comm_key = 7
"""
GATEWAY_MISTAKES = {
    (2, "gateway.id"),
    (3, "gateway.site"),
    (4, "gateway.data_dir"),
    (8, "mqtt.port"),
    (9, "mqtt.confirm"),
    (13, "terminals[1].poll_seconds"),
    (14, "terminals[1].comm_key"),
}
BOOK_MISTAKES = {
    (3, "site.timezone"),
    (4, "terminals[1].serial"),
    (8, "people[1].name"),
    (9, "people[1].nick"),
    (11, "enrolments[1].person"),
    (12, "enrolments[1].badge"),
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a site whose files are right and where no broker listens."""
    site = Site(tmp_path, free_port())
    site.write()
    yield site
    site.close()


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """Return a gateway file with mistakes, and a book with more of them beside it."""
    (tmp_path / "book.toml").write_text(BOOK, "utf-8")
    path = tmp_path / "gateway.toml"
    path.write_text(GATEWAY, "utf-8")
    return path


def names(command: Any, before: str = "") -> Iterator[str]:
    """List every command below one."""
    for name, child in getattr(command, "commands", {}).items():
        yield f"{before}{name}"
        yield from names(child, f"{before}{name} ")


def test_every_command_has_help() -> None:
    """`--help` and `-h` of each command say what it does and end with 0."""
    found = list(names(get_command(app)))
    assert set(found) >= EXPECTED
    for name in found:
        for flag in ("--help", "-h"):
            done = CliRunner().invoke(app, [*name.split(), flag])
            assert done.exit_code == 0, name
            assert f"Usage: punchgate {name}" in done.stdout.replace(
                "root", "punchgate"
            )


@pytest.mark.slow
def test_help_of_the_installed_command() -> None:
    """The console script itself lists its commands."""
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert all(name.split()[0] in done.stdout for name in EXPECTED)


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "fly",
        "run --fast",
        "run --log-level loud",
        "central --log-level loud",
        "tail -n many",
        "tail -n -1",
        "virtual --port 0",
        "virtual --port 0 --serial S --attlog {folder}/a.dat --fault shy",
        "virtual --port 0 --serial S --attlog {folder}/a.dat --layout 41",
        "virtual --port 0 --serial S --attlog {folder}/no/a.dat",
        "virtual --port 0 --serial S --attlog {folder}/a.dat --users {folder}/no.csv",
        "run -c {folder}/no.toml",
        "central -c {folder}/no.toml",
        "central count -c {folder}/no.toml",
        "status -c {folder}/no.toml",
        "health -c {folder}/no.toml",
        "tail -c {folder}/no.toml",
        "check-config {folder}/no.toml",
        "terminal read 127.0.0.1 --tail 0",
        "terminal read 127.0.0.1 --format xml",
        "terminal info 127.0.0.1 --driver usb",
        "terminal info",
    ],
)
def test_usage_errors_end_with_2(tmp_path: Path, arguments: str) -> None:
    """Whatever cannot be done as asked is exit 2 and a sentence, never a traceback."""
    done = run(*arguments.format(folder=tmp_path).split(), PUNCHGATE_CONFIG="")
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr or done.stdout


@pytest.mark.slow
def test_a_story_nobody_can_read_is_a_usage_error(site: Site) -> None:
    """A mistyped story clock is named, not a traceback."""
    done = run("run", "-c", site.folder / "gateway.toml", PUNCHGATE_STORY="tomorrow")
    assert done.returncode == 2
    assert "PUNCHGATE_STORY" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_configuration_is_found_by_environment(site: Site) -> None:
    """`-c` goes before `$PUNCHGATE_CONFIG`."""
    good, absent = str(site.folder / "gateway.toml"), str(site.folder / "no.toml")
    assert run("check-config", PUNCHGATE_CONFIG=good).stdout == "ok\n"
    assert run("check-config", "-c", good, PUNCHGATE_CONFIG=absent).returncode == 0
    assert run("check-config", PUNCHGATE_CONFIG=absent).returncode == 2


@pytest.mark.slow
def test_check_config_names_every_mistake_of_both_files(wrong: Path) -> None:
    """File, line, key path and reason of each, in one run."""
    done = run("check-config", wrong)
    assert (done.returncode, done.stderr) == (2, "")
    *lines, last = done.stdout.splitlines()
    book = wrong.with_name("book.toml")
    expected = {f"{wrong}:{line}: {path}" for line, path in GATEWAY_MISTAKES}
    expected |= {f"{book}:{line}: {path}" for line, path in BOOK_MISTAKES}
    assert {": ".join(line.split(": ")[:2]) for line in lines} >= expected
    assert all(len(line.split(": ", 2)) == 3 for line in lines)
    assert last == f"{len(lines)} problems"


@pytest.mark.slow
def test_check_config_json_stands_alone(wrong: Path) -> None:
    """`--json` is one document with the same problems as the lines."""
    done = run("check-config", "--json", wrong)
    assert (done.returncode, done.stderr) == (2, "")
    found = json.loads(done.stdout)
    assert found["ok"] is False
    assert all(
        set(row) == {"file", "line", "path", "reason"} for row in found["problems"]
    )
    lines = run("check-config", wrong).stdout.splitlines()
    assert [
        f"{p['file']}:{p['line']}: {p['path']}: {p['reason']}"
        for p in found["problems"]
    ] == lines[:-1]


@pytest.mark.slow
def test_check_config_of_files_without_mistakes(site: Site) -> None:
    """Every kind of file is told by its first table, several go in one run."""
    files = [site.folder / f"{name}.toml" for name in ("gateway", "book", "central")]
    assert run("check-config", *files).stdout == "ok\n"
    done = run("check-config", "--json", *files)
    assert (done.returncode, json.loads(done.stdout)) == (
        0,
        {"ok": True, "problems": [], "warnings": [], "notes": []},
    )


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "status", "health", "tail"])
def test_commands_refuse_what_check_config_refuses(wrong: Path, command: str) -> None:
    """Nothing begins with a wrong configuration; all problems are on standard error."""
    done = run(command, "-c", wrong)
    assert (done.returncode, done.stdout) == (2, "")
    for line, path in GATEWAY_MISTAKES:
        assert f"{wrong}:{line}: {path}: " in done.stderr
    assert not (wrong.parent / "data").exists()


@pytest.mark.slow
def test_a_second_daemon_is_refused(site: Site) -> None:
    """One process writes a journal; the second one names the first and ends with 1."""
    site.daemon.start()
    until(lambda: "daemon up" in site.daemon.text(), "the daemon")
    done = run("run", "-c", site.folder / "gateway.toml")
    assert done.returncode == 1
    assert f"process {site.daemon.pid}" in done.stderr
    assert site.daemon.end() == 0


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_that_cannot_be_written(site: Site) -> None:
    """The daemon ends with 1 and names the folder."""
    site.folder.chmod(0o500)
    try:
        done = run("run", "-c", site.folder / "gateway.toml")
    finally:
        site.folder.chmod(0o700)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


@pytest.mark.slow
def test_central_questions_without_a_store(site: Site) -> None:
    """Without a store the commands say so and end with 1."""
    for question in ("count", "gaps"):
        done = run("central", question, "-c", site.folder / "central.toml")
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert done.stderr.startswith("punchgate: ")
        assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_virtual_announces_its_port_and_ends_cleanly(tmp_path: Path) -> None:
    """`ready tcp=PORT` when it listens; a taken port is exit 2 with the port named."""
    port = free_port()
    options = [
        "--serial",
        "S",
        "--attlog",
        str(tmp_path / "a.dat"),
        "--port",
        str(port),
    ]
    first = Process([COMMAND, "virtual", *options], tmp_path / "virtual.log")
    first.start()
    try:
        until(
            lambda: first.text() == f"ready tcp={port} udp={port}\n", "the ready line"
        )
        done = run("virtual", *options)
        assert done.returncode == 2
        assert str(port) in done.stderr
        assert first.end() == 0
    finally:
        first.close()


def test_a_daemon_carries_no_other_command() -> None:
    """What runs for years on a small machine imports what it needs, and no tables."""
    said = (
        "import sys, gateway.cli.serve;"
        "print(*[m for m in sys.modules if m.split('.')[0] in ('rich', 'openpyxl')"
        " or m.startswith('gateway.cli.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", said], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) == {"gateway.cli.app", "gateway.cli.serve"}


def test_the_daemon_has_its_help() -> None:
    """Alone it is the same command as among the others."""
    done = run("run", "--help")
    assert done.returncode == 0
    assert "punchgate run [OPTIONS]" in done.stdout
