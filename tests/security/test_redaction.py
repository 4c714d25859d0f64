"""Planted secrets and names, and everything real processes say, searched for them."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.processes import COMMAND, Process, until
from tests.security.authority import Authority, ShippedBroker
from tests.security.sites import GATEWAY, TlsSite

pytestmark = [pytest.mark.mosquitto, pytest.mark.slow]

KEY, WRONG_KEY = "48151623", "42108151"
PASSWORD = "planted-mqtt-password"  # noqa: S105 - planted to be looked for
DATABASE = "planted-db-password"
NAME, NAME_ON_TERMINAL = "欧阳密名", "PlantedNameOnTerminal"


@pytest.fixture
def site(
    tmp_path: Path, authority: Authority, tls_broker: ShippedBroker
) -> Iterator[TlsSite]:
    """Return a site with a secret or a name in every place that takes one."""
    site = TlsSite(tmp_path, tls_broker.port, authority)
    for name, text in (("password", PASSWORD), ("key", WRONG_KEY)):
        path = site.tls / name
        path.write_text(text)
        path.chmod(0o600)
    login = 'username = "gw"\npassword_file = "tls/password"\n'
    site.gateway_extra += login
    site.central_extra += login
    site.terminal_extra = 'comm_key_file = "tls/key"'
    site.write()
    book = tmp_path / "book.toml"
    book.write_text(book.read_text("utf-8").replace("甲1001", NAME), "utf-8")
    users = tmp_path / "users.csv"
    users.write_text(f"uid,user_id,name\n1,1001,{NAME_ON_TERMINAL}\n", "utf-8")
    site.virtual.arguments += ["--comm-key", KEY, "--users", str(users)]
    for process in (site.daemon, site.collector):
        process.arguments += ["--log-level", "debug"]
    with (tmp_path / "gateway.toml").open("a") as file:
        file.write(f'[alarms]\ntextfile = "{tmp_path}/x.prom"\n')
    yield site
    site.close()


def planted(site: TlsSite) -> set[str]:
    """Return everything that must stand nowhere."""
    found = {KEY, WRONG_KEY, PASSWORD, DATABASE, NAME, NAME_ON_TERMINAL}
    found |= {json.dumps(NAME)[1:-1], "PRIVATE KEY"}
    for path in site.tls.glob("*.key"):
        found |= set(path.read_text().splitlines()[1:-1])
    return found


def listening(site: TlsSite) -> Process:
    """Start a listener with the centre's rights on everything."""
    command = shutil.which("mosquitto_sub")
    if command is None:
        pytest.skip("mosquitto_sub is absent: apt-get install mosquitto-clients")
    files = site.authority.files("central")
    one = Process(
        [
            *(command, "-h", site.host, "-p", str(site.gateway_broker_port)),
            *("--cafile", files["tls_ca"], "--cert", files["tls_cert"]),
            *("--key", files["tls_key"], "-v", "-q", "1", "-t", "att/v1/#"),
        ],
        site.folder / "heard.log",
    )
    one.start()
    return one


def asked(site: TlsSite, *commands: str) -> list[str]:
    """Run commands and return what they said; none of them may crash."""
    said = []
    for command in commands:
        done = site.ask(*command.split())
        assert "Traceback" not in done.stderr, done.stderr
        said.append(done.stdout + done.stderr)
    return said


def test_nothing_that_was_planted_stands_anywhere(site: TlsSite) -> None:
    """Neither when all is well, nor with a wrong key, nor in what a crash leaves."""
    said: list[str] = []
    site.virtual.start()
    site.says(site.virtual, "ready tcp=")
    site.daemon.start()
    site.collector.start()
    heard = listening(site)
    try:
        site.says(site.daemon, "terminal down")
        said += asked(site, "status", "health --json", "doctor --json")
        assert "comm key" in said[-1], "the doctor got as far as the wrong key"
        (site.tls / "key").write_text(KEY)
        site.ask("doctor")  # the right one, while the daemon still has the wrong one
        site.daemon.end()
        site.daemon.start()
        site.punch("1001")
        site.punch("9999")
        until(site.equal, "equal id sets")
        site.says(heard, f"{GATEWAY}/punch")
        said += asked(site, "status --json", "doctor", "tail --json", "check-config")
        (site.tls / f"{GATEWAY}.key").write_text("damaged " + "\n".join(planted(site)))
        kept = planted(site)
        said += asked(site, "doctor")
        assert "FAIL  certificate" in said[-1]
        site.daemon.end()
        site.journal.write_bytes(b"damaged" * 4096)
        site.daemon.start()
        assert site.daemon.ended() == 1
        said.append(unreachable_database(site))
    finally:
        heard.close()
    assert '"badge":"1001"' in heard.text(), "the listener heard punches"
    said += [heard.text(), (site.folder / "x.prom").read_text("utf-8")]
    said += [process.text() for process in (site.daemon, site.collector, site.virtual)]
    for secret in kept:
        for text in said:
            assert secret not in text


def unreachable_database(site: TlsSite) -> str:
    """Return what a collector says whose database is not there."""
    text = (site.folder / "central.toml").read_text("utf-8")
    url = f"postgresql+psycopg://gw:{DATABASE}@127.0.0.1:1/punchgate"
    path = site.folder / "pg.toml"
    path.write_text(text.replace(site.store, url), "utf-8")
    done = subprocess.run(
        [COMMAND, "central", "-c", str(path), "--log-level", "debug"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "central store failed" in done.stderr
    return done.stdout + done.stderr
