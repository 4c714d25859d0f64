"""Commands and a daemon on one machine, at a terminal that takes one client only."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import free_port
from tests.end_to_end.processes import Site, until
from tests.gateway.commands import run

pytestmark = pytest.mark.slow


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a site whose daemon holds the only place at its terminal."""
    site = Site(tmp_path, free_port())
    site.write()
    site.punch("1001")
    site.virtual.arguments += ["--fault", "single-client"]
    try:
        site.virtual.start()
        site.daemon.start()
        until(lambda: "terminal up" in site.daemon.text(), "the daemon at its terminal")
        yield site
    finally:
        site.close()


def test_who_has_the_terminal_is_said(site: Site) -> None:
    """Without its configuration a command says who has it, and what lends it.

    A command that learns nothing prints no files.
    """
    address = f"127.0.0.1:{site.terminal_port}"
    who = f"the gateway's daemon on this machine, process {site.daemon.pid},"
    lends = f"with -c {site.folder / 'gateway.toml'} it lends it"
    done = run("terminal", "info", address)
    assert done.returncode == 1
    assert who in done.stderr
    assert lends in done.stderr
    done = run("init", "--print", address)
    assert done.returncode == 1
    assert who in " ".join(done.stdout.split())
    assert "[gateway]" not in done.stdout
    assert "timezone" not in done.stdout
    (row,) = json.loads(run("init", "--print", "--json", address).stdout)["found"]
    assert who in row["words"]
    assert lends in row["words"]
    assert "terminal lent" not in site.daemon.text()


def test_a_configuration_with_this_address_borrows_it(site: Site) -> None:
    """However the address is written; afterwards the daemon has it again."""
    config = site.folder / "gateway.toml"
    for host in ("127.0.0.1", "localhost"):
        address = f"{host}:{site.terminal_port}"
        for done in (
            run("terminal", "info", address, "-c", config),
            run("terminal", "info", address, PUNCHGATE_CONFIG=str(config)),
            run("init", "--print", address, "-c", config),
            run("init", "--print", address, PUNCHGATE_CONFIG=str(config)),
            run("terminal", "scan", f"127.0.0.1:{site.terminal_port}", "-c", config),
        ):
            assert (done.returncode, done.stderr) == (0, "")
            assert "VT00000001" in done.stdout
    back = "terminal returned terminal=lobby"
    until(lambda: site.daemon.text().count(back) == 10, "the return")
    new = site.folder / "new"
    new.mkdir()
    done = run(
        "init",
        f"127.0.0.1:{site.terminal_port}",
        "-c",
        new / "gateway.toml",
        PUNCHGATE_CONFIG=str(config),
    )
    assert done.returncode == 0, done.stdout
    assert run("check-config", new / "gateway.toml").stdout == "ok\n"
    site.punch("1002")
    until(lambda: len(site.journal_ids()) == 2, "the next punch")


def test_doctor_names_another_daemon(site: Site) -> None:
    """The stage that fails says which process has the terminal."""
    other = site.folder / "other"
    other.mkdir()
    text = (site.folder / "gateway.toml").read_text("utf-8")
    text = text.replace(f"{site.folder}/data", f"{other}/data")
    (other / "gateway.toml").write_text(text, "utf-8")
    book = (site.folder / "book.toml").read_text("utf-8")
    (other / "book.toml").write_text(book, "utf-8")
    done = run("doctor", "--terminal", "lobby", "-c", other / "gateway.toml", "--json")
    first = json.loads(done.stdout)["first"]
    assert first["stage"] == "zk"
    assert f"daemon on this machine, process {site.daemon.pid}," in first["words"]
