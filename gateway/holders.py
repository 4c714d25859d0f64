"""Which program of this machine has a connection to a terminal already.

Many terminals take one client and cut off the next one without a word. The kernel knows
who is connected; where it does not say (another machine's) nobody is named.
"""

import pwd
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path

_PROC = Path("/proc")
_TABLES = ("tcp", "tcp6", "udp", "udp6")
_CONNECTED = "01"
_OURS = "punchgate"
_RUNS = "run"
_CONFIG = ("-c", "--config")


@dataclass(frozen=True, slots=True)
class Holder:
    """A program with a connection; `process` is None where its user hides that.

    `config` is what a daemon of ours was started with, if it says so.
    """

    user: str
    process: int | None = None
    program: str = ""
    daemon: bool = False
    config: str = ""

    @property
    def who(self) -> str:
        """Say who has the terminal."""
        if self.process is None:
            who = f"a program of user {self.user} on this machine"
        elif self.daemon:
            who = f"the gateway's daemon on this machine, process {self.process},"
        else:
            who = f"process {self.process} ({self.program}) on this machine"
        return f"{who} has a connection to it"

    @property
    def do(self) -> str:
        """Say what to do."""
        if self.daemon:
            named = f"-c {self.config}" if self.config else "-c and its gateway.toml"
            return f"with {named} it lends it to this command, when it is done reading"
        if self.process is None:
            return (
                f"if it is the gateway's daemon, {self.user} and root may borrow it"
                " with -c and its gateway.toml; else end it: many take one client only"
            )
        return "end it: many terminals take one client only"

    @property
    def words(self) -> str:
        """Say who has it and what to do."""
        return f"{self.who}; {self.do}"


def holder(host: str, port: int) -> Holder | None:
    """Return another program of this machine that is connected to an address.

    Of several a daemon of ours. Looks up names; may wait for that.
    """
    try:
        found = socket.getaddrinfo(host, port)
    except (OSError, UnicodeError):
        return None
    wanted = {(str(row[4][0]), port) for row in found}
    inodes = {inode: uid for at, inode, uid in _connections() if at in wanted}
    for inode in _sockets(_PROC / "self"):
        inodes.pop(inode, None)
    named = {
        inode: process
        for process in _PROC.glob("[0-9]*")
        for inode in inodes.keys() & _sockets(process)
    }
    holders = [
        _named(named[inode], uid) if inode in named else Holder(_user(uid))
        for inode, uid in inodes.items()
    ]
    return max(holders, key=lambda one: (one.daemon, one.process or 0), default=None)


def _connections() -> Iterator[tuple[tuple[str, int], str, int]]:
    """Yield (address and port of the other side, inode, user) of all connections."""
    for name in _TABLES:
        try:
            lines = (_PROC / "net" / name).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, _, remote, state, *_, uid, _, inode = line.split()[:10]
            if state == _CONNECTED:
                yield _address(remote), inode, int(uid)


def _address(text: str) -> tuple[str, int]:
    """Read an address as the kernel writes it: words of its own byte order, in hex."""
    words, port = text.split(":")
    pieces = (int(words[at : at + 8], 16) for at in range(0, len(words), 8))
    found = ip_address(b"".join(one.to_bytes(4, sys.byteorder) for one in pieces))
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return str(found), int(port, 16)


def _sockets(process: Path) -> set[str]:
    """Return the inodes of a process's sockets; none where it is not ours to see."""
    found = set()
    try:
        for one in (process / "fd").iterdir():
            target = str(one.readlink())
            if target.startswith("socket:["):
                found.add(target[len("socket:[") : -1])
    except OSError:
        pass  # it ended meanwhile, or is another user's
    return found


def _named(process: Path, uid: int) -> Holder:
    try:
        words = (
            (process / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        )
        program = (process / "comm").read_text(encoding="utf-8").strip()
        folder = (process / "cwd").readlink()
    except (OSError, UnicodeDecodeError):
        return Holder(_user(uid))
    number = int(process.name)
    for at, word in enumerate(words[:-1]):
        if Path(word).name == _OURS and words[at + 1] == _RUNS:
            config = _config(words[at + 2 :], folder)
            return Holder(_user(uid), number, program, daemon=True, config=config)
    return Holder(_user(uid), number, program)


def _config(words: list[str], folder: Path) -> str:
    """Return the file that a daemon's command line names, whole; empty for none."""
    for at, word in enumerate(words[:-1]):
        if word in _CONFIG:
            return str(folder / words[at + 1])
    return ""


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
