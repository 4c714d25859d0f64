"""Which terminal a command means, and having it for itself while the command runs.

A terminal may take one client only. When the daemon of this machine holds it, the
daemon is asked to leave it to the command for a while.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from drivers.base import Address
from gateway import control, settings
from gateway.cli.app import USAGE, config_path, fail
from gateway.errors import ConfigError
from gateway.settings import Loaded
from gateway.terminals import spec_of

_LAST_PORT = 65535
_DEFAULT_PORT = 4370


@dataclass(frozen=True, slots=True)
class Target:
    """Where a terminal is; `id` and `data_dir` where a gateway of ours polls it."""

    address: Address
    id: str | None = None
    data_dir: Path | None = None


def target(where: str, config: Path | None, address: Address) -> Target:
    """Find the terminal that `where` means: a configured id, HOST or HOST:PORT.

    `address` holds what the command's options say; a configured terminal brings its
    own key and encoding, unless the options name a key.
    """
    loaded = _loaded(config)
    for one in loaded.settings.terminals if loaded else ():
        if loaded is None or where not in {one.id, f"{one.host}:{one.port}"}:
            continue
        try:
            found = spec_of(loaded, one).address
        except ConfigError as error:
            fail(str(error), USAGE)
        if address.comm_key:
            found = replace(found, comm_key=address.comm_key)
        if address.transport == "udp":
            found = replace(found, transport="udp")
        return Target(found, one.id, loaded.data_dir)
    host, port = _split(where)
    return Target(replace(address, host=host, port=port))


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
    path = config_path(config)
    if config is None and not path.exists():
        return None
    try:
        return settings.load(path)
    except ConfigError as error:
        if config is not None:
            fail(f"the configuration has problems:\n{error}", USAGE)
        return None


def _split(where: str) -> tuple[str, int]:
    host, colon, port = where.rpartition(":")
    if not colon or where.endswith("]") or where.count(":") > 1:
        host, port = where, str(_DEFAULT_PORT)
    if not host or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        fail(f"{where!r} is no address; write HOST or HOST:PORT", USAGE)
    return host, int(port)
