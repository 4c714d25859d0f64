"""Which terminal a command means, and having it for itself while the command runs.

A terminal may take one client only. When the daemon of this machine holds it, the
daemon is asked to leave it to the command for a while.
"""

import contextlib
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from drivers.base import Address
from gateway import control, settings
from gateway.cli.app import USAGE, config_path, fail
from gateway.errors import ConfigError
from gateway.settings import Loaded, TerminalSettings
from gateway.survey import Lend
from gateway.terminals import spec_of

_LAST_PORT = 65535
_DEFAULT_PORT = 4370
_LEND_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Target:
    """Where a terminal is; `id` and `data_dir` where a gateway of ours polls it.

    `serial` and `zone` are the book's, empty where it has none.
    """

    address: Address
    id: str | None = None
    data_dir: Path | None = None
    serial: str = ""
    zone: str = ""


def target(where: str, config: Path | None, address: Address) -> Target:
    """Find the terminal that `where` means: a configured id, HOST or HOST:PORT.

    An address is the configured terminal that has it, however both are written.

    `address` holds what the command's options say; a configured terminal brings its
    own key and encoding, unless the options name a key.
    """
    loaded = _loaded(config)
    one = None if loaded is None else _meant(loaded, where)
    if loaded is None or one is None:
        host, port = _split(where)
        return Target(replace(address, host=host, port=port))
    try:
        spec = spec_of(loaded, one)
    except ConfigError as error:
        fail(str(error), USAGE)
    found = spec.address
    if address.comm_key:
        found = replace(found, comm_key=address.comm_key)
    if address.transport == "udp":
        found = replace(found, transport="udp")
    return Target(found, one.id, loaded.data_dir, spec.serial, spec.zone)


def _meant(loaded: Loaded, where: str) -> TerminalSettings | None:
    """Return the configured terminal that an id or an address means."""
    by_id = {one.id: one for one in loaded.settings.terminals}
    return by_id[where] if where in by_id else _at(loaded, *_split(where))


def _at(loaded: Loaded, host: str, port: int) -> TerminalSettings | None:
    """Return the configured terminal at an address."""
    there = [one for one in loaded.settings.terminals if one.port == port]
    for one in there:
        if one.host == host:
            return one
    number = _resolved(host) if there else host
    return next((one for one in there if _resolved(one.host) == number), None)


def _resolved(host: str) -> str:
    """Return the IPv4 address a name means; what has none stays as it is."""
    try:
        return socket.gethostbyname(host)
    except (OSError, UnicodeError):
        return host


def lender(configs: Iterable[Path]) -> Lend:
    """Return what borrows the terminal at (host, port) from the daemon that polls it.

    It gives None where none of these configurations has a terminal there. What is not
    lent, because no daemon runs or it refuses, is asked all the same.
    """
    known = [one for path in dict.fromkeys(configs) if (one := _readable(path))]

    def lend(host: str, port: int) -> AbstractContextManager[object] | None:
        for loaded in known:
            if found := _at(loaded, host, port):
                return _borrowed(loaded.data_dir, found.id)
        return None

    return lend


@contextmanager
def _borrowed(data_dir: Path, terminal: str) -> Iterator[None]:
    with ExitStack() as lent:
        with contextlib.suppress(control.NoDaemonError, control.RefusedError):
            asked = control.borrow(data_dir, "borrow", _LEND_SECONDS, terminal=terminal)
            lent.enter_context(asked)
        yield


@contextmanager
def held(found: Target) -> Iterator[Callable[[], None] | None]:
    """Have the terminal while the context lasts, if a daemon here polls it.

    What takes minutes calls what this gives, if anything, so that the daemon waits on.
    """
    if found.id is None or found.data_dir is None:
        yield None
        return
    with ExitStack() as lent:
        renew = None
        try:
            asked = control.borrow(found.data_dir, "borrow", terminal=found.id)
            renew = lent.enter_context(asked).renew
        except control.NoDaemonError:
            pass  # nobody holds it
        except control.RefusedError as error:
            fail(f"the daemon does not lend {found.id}: {error}")
        yield renew


def _loaded(config: Path | None) -> Loaded | None:
    if config is None:
        return _readable(config_path(None))
    try:
        return settings.load(config)
    except ConfigError as error:
        fail(f"the configuration has problems:\n{error}", USAGE)


def _readable(path: Path) -> Loaded | None:
    """Return a configuration that is there, holds, and is ours to read."""
    try:
        return settings.load(path)
    except ConfigError:
        return None


def _split(where: str) -> tuple[str, int]:
    host, colon, port = where.rpartition(":")
    if not colon or where.endswith("]") or where.count(":") > 1:
        host, port = where, str(_DEFAULT_PORT)
    if not host or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        fail(f"{where!r} is no address; write HOST or HOST:PORT", USAGE)
    return host, int(port)
