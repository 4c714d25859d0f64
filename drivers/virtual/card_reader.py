"""A pretended card reader: a pseudo-terminal under a name, in a process of its own.

    python -m drivers.virtual.card_reader LINK

`LINK` becomes a symbolic link to the port. Commands come as lines: `send HEX`,
`flood COUNT SECONDS HEX` (the same bytes, spread evenly; what does not fit is lost, as
at a real port), `unplug`, `plug`, `heard`. Each is answered by one line: `ok`, `lost N`
or the hex of what was written to the reader. The first line is `ready`.
"""

import contextlib
import os
import pty
import sys
import time
import tty
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

_READ_BYTES = 65_536
_BURST_SECONDS = 0.01


class CardReader:
    """The device's end of a pseudo-terminal."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self._master: int | None = None

    def plug(self) -> str:
        """Appear under the link."""
        self.unplug()
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        fresh = self._link.with_name(f"{self._link.name}.new")
        fresh.symlink_to(os.ttyname(slave))
        os.close(slave)
        fresh.rename(self._link)
        return "ok"

    def unplug(self) -> str:
        """Vanish, also in the middle of a frame."""
        if self._master is not None:
            self._link.unlink(missing_ok=True)
            os.close(self._master)
            self._master = None
        return "ok"

    def send(self, data: bytes) -> int:
        """Send what fits; return how many bytes did not."""
        if self._master is None:
            return len(data)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < len(data):
                sent += os.write(self._master, data[sent:])
        return len(data) - sent

    def flood(self, count: int, seconds: float, data: bytes) -> int:
        """Send bytes over and over in even bursts; return how many bytes were lost."""
        began = time.monotonic()
        sent = lost = 0
        while sent < count:
            passed = time.monotonic() - began
            due = count if passed >= seconds else round(count * passed / seconds)
            lost += self.send(data * (due - sent))
            sent = due
            time.sleep(_BURST_SECONDS if sent < count else 0)
        return lost

    def heard(self) -> bytes:
        """Return what was written to the reader since it was asked last."""
        found = b""
        with contextlib.suppress(OSError):  # nothing there, or nobody at the other end
            while self._master is not None:
                found += os.read(self._master, _READ_BYTES)
        return found

    def obey(self, line: str) -> str:
        """Do what one line says; return the answer."""
        word, *rest = line.split()
        if word == "send":
            lost = self.send(bytes.fromhex("".join(rest)))
            return f"lost {lost}" if lost else "ok"
        if word == "flood":
            count, seconds, data = rest
            lost = self.flood(int(count), float(seconds), bytes.fromhex(data))
            return f"lost {lost}"
        plain = {"plug": self.plug, "unplug": self.unplug}
        return plain[word]() if word in plain else self.heard().hex() or "-"


def serve(link: Path, commands: Iterable[str], answers: TextIO) -> None:
    """Obey until the commands end, then vanish."""
    reader = CardReader(link)
    reader.plug()
    try:
        answers.write("ready\n")
        answers.flush()
        for line in commands:
            answers.write(f"{reader.obey(line)}\n")
            answers.flush()
    finally:
        reader.unplug()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), sys.stdin, sys.stdout)
