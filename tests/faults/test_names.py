"""Names and certificates that fail (rows 22 and 23 of docs/reliability.md)."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.brokers import Mosquitto, free_port, mosquitto_path
from tests.end_to_end.processes import Process, until
from tests.faults.ground import Ground, Kind

pytestmark = pytest.mark.slow
RELOAD = signal.SIGHUP
RESOLVER = Path(__file__).with_name("resolver")
SOME = 20
NOWHERE = "127.0.0.2"


@contextmanager
def broker_called(ground: Ground, name: str) -> Iterator[Path]:
    """Let the configuration of the gateway name its broker, and be itself again."""
    path = ground.folder / "gateway.toml"
    usual = path.read_text("utf-8")
    head, tail = usual.split("[mqtt]", 1)
    path.write_text(f"{head}[mqtt]" + tail.replace('"127.0.0.1"', f'"{name}"', 1))
    try:
        yield path
    finally:
        path.write_text(usual, "utf-8")


def test_a_name_that_does_not_exist(ground: Ground) -> None:
    """Punches wait on disk; with an address in the file and a reload they go out."""
    ground.site.daemon.end()
    with broker_called(ground, "broker.invalid"):
        ground.site.daemon.start()
        said = ground.listen()
        ground.punch(SOME)
        ground.read()
        until(lambda: "uplink down" in said(), "the failure in the log")
        until(
            lambda: ground.site.ask("status").returncode == 0, "a daemon that answers"
        )
    done = ground.site.ask("check-config")
    assert done.returncode == 0, done.stderr
    ground.site.daemon.send(RELOAD)
    ground.settle()


def test_a_resolver_that_fails_lies_and_hangs(ground: Ground) -> None:
    """The name is looked up at every try: the first right answer is enough."""
    names = ground.folder / "names"
    usual = ground.site.daemon
    usual.end()
    asks = Process(
        [
            *("env", f"PYTHONPATH={RESOLVER}:{os.environ.get('PYTHONPATH', '')}"),
            *(f"PUNCHGATE_TEST_NAMES={names}", *usual.arguments),
        ],
        ground.folder / "asks.log",
    )
    names.write_text("127.0.0.1")
    with broker_called(ground, "broker.test"):
        asks.start()
        try:
            ground.punch(1)
            ground.settle()
            for answer in ("", NOWHERE, "wait 1"):
                names.write_text(answer)
                failed = partial(_failed, asks, asks.text().count("uplink down"))
                ground.up.cut()
                ground.punch(SOME)
                ground.read()
                until(failed, "the failure in the log")
                names.write_text("127.0.0.1")
                ground.settle()
            assert asks.end() == 0
        finally:
            asks.close()
    usual.start()


def _failed(process: Process, before: int) -> bool:
    return process.text().count("uplink down") > before


def _says(said: Callable[[], str], word: str) -> bool:
    return word in said()


class Authority:
    """Certificates by openssl, valid when they are told to be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.ca = folder / "ca.pem"
        (folder / "index").touch()
        (folder / "serial").write_text("01\n")
        (folder / "ca.cnf").write_text(
            "[ca]\ndefault_ca = one\n[one]\n"
            f"database = {folder}/index\nserial = {folder}/serial\n"
            f"new_certs_dir = {folder}\ndefault_md = sha256\npolicy = any\n"
            "unique_subject = no\ncopy_extensions = copy\n"
            "[any]\ncommonName = supplied\n[req]\ndistinguished_name = name\n[name]\n"
        )
        self._run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes")

    def issue(self, name: str, begin: timedelta, end: timedelta) -> tuple[Path, Path]:
        """Write a certificate for 127.0.0.1 and its key; times count from now."""
        key, request, found = (
            self.folder / f"{name}.{x}" for x in ("key", "csr", "pem")
        )
        self._openssl(
            *("req", "-new", "-newkey", "ec", "-nodes"),
            *("-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-config", str(self.folder / "ca.cnf"), "-subj", f"/CN={name}"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(request)),
        )
        self._openssl(
            *("ca", "-batch", "-notext", "-config", str(self.folder / "ca.cnf")),
            *("-cert", str(self.ca), "-keyfile", str(self.folder / "ca.key")),
            *("-startdate", _when(begin), "-enddate", _when(end)),
            *("-in", str(request), "-out", str(found)),
        )
        return found, key

    def _run(self, command: str) -> None:
        self._openssl(
            *command.split(),
            *("-config", str(self.folder / "ca.cnf"), "-subj", "/CN=test authority"),
            *("-addext", "basicConstraints=critical,CA:TRUE", "-days", "2"),
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),  # Python 3.13 asks
            *("-keyout", str(self.folder / "ca.key"), "-out", str(self.ca)),
        )

    def _openssl(self, *arguments: str) -> None:
        done = subprocess.run(
            ["openssl", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def _when(passed: timedelta) -> str:
    return (datetime.now(UTC) + passed).strftime("%Y%m%d%H%M%SZ")


HOUR = timedelta(hours=1)
VALID, EXPIRED = (-HOUR, HOUR), (-2 * HOUR, -HOUR)


@pytest.mark.skipif(
    mosquitto_path() is None or shutil.which("openssl") is None,
    reason="mosquitto or openssl is absent: apt-get install mosquitto openssl",
)
@pytest.mark.parametrize("kind", list(Kind))
def test_certificates_that_expired_and_are_renewed(tmp_path: Path, kind: Kind) -> None:
    """Broker's, then gateway's: nobody is let in, all is kept; renewed, all arrives.

    The example consumer speaks no TLS: it has a listener on the broker's own machine.
    """
    authority = Authority(tmp_path / "ca")
    certificates = {who: authority.issue(who, *VALID) for who in ("broker", "gw-1")}
    ground = Ground(tmp_path / "site", kind, secure=True)
    if kind is Kind.CONSUMER:
        ground.down.target = free_port()
    ground.broker = Mosquitto(
        tmp_path / "tls",
        port=ground.broker_port,
        settings=[
            f"cafile {authority.ca}",
            f"certfile {certificates['broker'][0]}",
            f"keyfile {certificates['broker'][1]}",
            "require_certificate true",
            *[f"listener {ground.down.target} 127.0.0.1"] * (kind is Kind.CONSUMER),
        ],
    )
    ground.site.mqtt_extra = (
        f'tls_ca = "{authority.ca}"\ntls_cert = "{certificates["gw-1"][0]}"\n'
        f'tls_key = "{certificates["gw-1"][1]}"'
    )
    try:
        ground.open()
        for who in certificates:
            said = ground.listen()
            authority.issue(who, *EXPIRED)
            ground.broker.restart()
            ground.punch(SOME)
            ground.read()
            until(partial(_says, said, "expired"), f"the word about {who}")
            stream = ground.journal.stream()
            assert stream.confirmed < stream.head
            authority.issue(who, *VALID)
            ground.broker.restart()
            ground.settle()
        print(ground.settle())
    finally:
        ground.close()
