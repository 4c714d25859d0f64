"""A site of real processes whose way to the centre is TLS, from the shipped files."""

import shutil
from pathlib import Path

from tests.end_to_end.processes import Process, Site, until
from tests.security.authority import HOST, Authority

GATEWAY = "gw-hq-1"


class TlsSite(Site):
    """A site whose gateway and centre have certificates of their own.

    The files lie in `folder/tls` under the names the configuration has, relative to it:
    replaced there as a renewal would.
    """

    def __init__(self, folder: Path, port: int, authority: Authority) -> None:
        super().__init__(folder, port)
        self.authority = authority
        self.tls = folder / "tls"
        self.tls.mkdir()
        for name in (GATEWAY, "central"):
            self.use(name)
        shutil.copy(authority.file("ca.crt"), self.tls)
        self.gateway_extra = self.settings(GATEWAY)
        self.central_extra = self.settings("central")
        self.host = HOST
        self.store = f"sqlite:///{self.centre}"

    def use(self, name: str, crt: Path | None = None) -> None:
        """Lay down a certificate with its key; `crt`: another one for that key."""
        shutil.copy(self.authority.file(f"{name}.key"), self.tls)
        shutil.copy(crt or self.authority.file(f"{name}.crt"), self.tls / f"{name}.crt")

    @staticmethod
    def settings(name: str) -> str:
        """Return the lines of [mqtt] that name the files of somebody."""
        return (
            f'tls_ca = "tls/ca.crt"\ntls_cert = "tls/{name}.crt"\n'
            f'tls_key = "tls/{name}.key"\n'
        )

    def write(self, badges: list[str] | None = None) -> None:
        """Write the files of a site, then what is our own."""
        super().write(badges or ["1001"])
        own = {"gateway": self.gateway_extra, "central": self.central_extra}
        for name, extra in own.items():
            path = self.folder / f"{name}.toml"
            text = path.read_text("utf-8")
            for old, new in (
                ('"gw-1"', f'"{GATEWAY}"'),
                ('[mqtt]\nhost = "127.0.0.1"', f'[mqtt]\nhost = "{self.host}"'),
                ("reconnect_max_seconds = 0.3", f"{extra}reconnect_max_seconds = 0.1"),
                (f"sqlite:///{self.centre}", self.store),
            ):
                text = text.replace(old, new)
            path.write_text(text, "utf-8")

    def says(self, process: Process, words: str) -> None:
        """Wait until a process says something."""
        until(lambda: words in process.text(), words)

    def another(self, name: str, text: str) -> Process:
        """Return another collector with a configuration of its own."""
        path = self.folder / f"{name}.toml"
        path.write_text(text, "utf-8")
        command = [*self.collector.arguments[:-1], str(path)]
        return Process(command, self.folder / f"{name}.log")
