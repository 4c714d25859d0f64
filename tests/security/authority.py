"""A site's authority made by the shipped script; a broker with the shipped files."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.brokers import Mosquitto, mosquitto_path

REPO = Path(__file__).parents[2]
SCRIPT = REPO / "config/ca/punchgate-ca"
SHIPPED = REPO / "config/mosquitto"
HOST = "localhost"
LONG_AGO = ("20200101000000Z", "20200201000000Z")
LATER = ("20990101000000Z", "20990201000000Z")


class Authority:
    """One folder of `punchgate-ca`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def made(cls, folder: Path, *clients: str) -> "Authority":
        """Make an authority, the certificate of a broker on localhost, and clients'."""
        if shutil.which("openssl") is None:
            pytest.skip("openssl is absent: apt-get install openssl")
        one = cls(folder)
        one.must("init")
        one.must("broker", HOST)
        if clients:
            one.must("client", *clients)
        return one

    def run(self, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run the script to its end."""
        return subprocess.run(
            [str(SCRIPT), *words],
            env=os.environ | {"PUNCHGATE_CA": str(self.folder)} | more,
            capture_output=True,
            text=True,
            check=False,
        )

    def must(self, *words: str, **more: str) -> str:
        """Run the script and return what it says; it must succeed."""
        done = self.run(*words, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def file(self, name: str) -> Path:
        """Return the path of a file of the authority."""
        return self.folder / name

    def files(self, name: str) -> dict[str, str]:
        """Return the settings of a client under [mqtt]."""
        return {
            "tls_ca": str(self.file("ca.crt")),
            "tls_cert": str(self.file(f"{name}.crt")),
            "tls_key": str(self.file(f"{name}.key")),
        }

    def expired(self, folder: Path) -> None:
        """Write old.crt, expired, early.crt, not valid yet, and an expired broker's."""
        self.dated("gw-hq-1", "client", LONG_AGO, folder / "old.crt")
        self.dated("gw-hq-1", "client", LATER, folder / "early.crt")
        self.dated("broker", "broker", LONG_AGO, folder / "broker.crt")
        for name in ("ca.crt", "broker.key"):
            shutil.copy(self.file(name), folder)

    def dated(self, name: str, kind: str, when: tuple[str, str], to: Path) -> Path:
        """Sign the key of a certificate again, for other dates than the script's."""
        settings = ["-config", str(self.file("openssl.cnf"))]
        request = to.with_suffix(".csr")
        openssl(
            *("req", "-new", *settings, "-key", str(self.file(f"{name}.key"))),
            *("-subj", f"/CN={name}", "-out", str(request)),
            CA_DIR=str(self.folder),
        )
        openssl(
            *("ca", "-batch", "-notext", *settings, "-extensions", kind),
            *("-startdate", when[0], "-enddate", when[1]),
            *("-in", str(request), "-out", str(to)),
            CA_DIR=str(self.folder),
        )
        return to


def openssl(*words: str, **more: str) -> str:
    """Run openssl and return what it says; it must succeed."""
    done = subprocess.run(
        ["openssl", *words],
        env=os.environ | {"CA_SANS": f"DNS:{HOST}"} | more,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class ShippedBroker(Mosquitto):
    """Mosquitto as Debian starts it, with our two files: ports and paths replaced.

    Args:
        folder: for its files.
        certificates: where ca.crt, broker.crt and broker.key are.
        acl: changes the text of the shipped ACL, for rules that only a test needs.
        port: None: a free one.
    """

    def __init__(
        self,
        folder: Path,
        certificates: Path,
        *,
        acl: Callable[[str], str] = str,
        port: int | None = None,
    ) -> None:
        if mosquitto_path() is None:
            pytest.skip("mosquitto is absent: apt-get install mosquitto")
        super().__init__(folder, port=port)
        self._certificates = certificates
        self._change = acl

    def reload(self) -> None:
        """Do what `systemctl reload mosquitto` does."""
        assert self._child is not None
        self._child.send(signal.SIGHUP)

    def _configuration(self) -> Path:
        included = self._folder / "conf.d"
        included.mkdir(parents=True, exist_ok=True)
        acl = self._folder / "punchgate.acl"
        acl.write_text(self._change((SHIPPED / acl.name).read_text()))
        text = (SHIPPED / "punchgate.conf").read_text()
        for ours, theirs in (
            ("listener 8883\n", f"listener {self.port} {HOST}\n"),
            ("/etc/mosquitto/certs", str(self._certificates)),
            ("/etc/mosquitto/punchgate.acl", str(acl)),
        ):
            assert ours in text
            text = text.replace(ours, theirs)
        (included / "punchgate.conf").write_text(text)
        # What stands in Debian's own file, which includes ours.
        main = ["persistence true", f"persistence_location {self._folder}/"]
        main += ["log_dest stderr", f"include_dir {included}"]
        if os.geteuid() == 0:
            main.insert(0, "user root")
        path = self._folder / "mosquitto.conf"
        path.write_text("\n".join(main) + "\n")
        return path
