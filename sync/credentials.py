"""Files that hold secrets: where they are, whether others can read them.

A configuration names files and never holds a secret. `credential:NAME` is a file that
systemd lays down for the running service alone (LoadCredential=); other names are
relative to the configuration file. Nothing here ever shows what stands in a file, nor a
name that leads nowhere: somebody may have written the secret itself there.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

PREFIX = "credential:"
MQTT_FILES = ("tls_ca", "tls_cert", "tls_key", "password_file")
A_FILE = "must be the name of a file; the secret itself must not stand here"
_FOLDER = "CREDENTIALS_DIRECTORY"
_RUN = "/run/credentials"
_OTHERS = 0o077


def locate(value: str, folder: Path, unit: str) -> str:
    """Return the path that a value of a configuration means; empty stays empty.

    Args:
        value: as written.
        folder: of the configuration file.
        unit: whose credentials are meant where this process is not the service.
    """
    if not value:
        return ""
    if value.startswith(PREFIX):
        given = os.environ.get(_FOLDER) or f"{_RUN}/{unit}"
        return str(Path(given) / value.removeprefix(PREFIX))
    return str(folder / value)


def settle(
    row: dict[str, Any], names: Iterable[str], folder: Path, unit: str
) -> Iterator[str]:
    """Replace the file names of a table, as written, by the paths they mean.

    Yields the keys that are no text, taken out of the table: people write a secret
    itself there, and an error that quotes what it found would show it.
    """
    for name in names:
        value = row.get(name, "")
        if isinstance(value, str):
            row[name] = locate(value, folder, unit)
        else:
            del row[name]
            yield name


def is_file(path: str) -> bool:
    """Say whether a file is there; also of names that no file can have."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False


def is_foreign(path: str) -> bool:
    """Say whether a path is a credential of a service that this process is not."""
    return not os.environ.get(_FOLDER) and path.startswith(f"{_RUN}/")


def is_credential(path: str) -> bool:
    """Say whether systemd laid this file down: it looks after who may read it."""
    given = os.environ.get(_FOLDER)
    return is_foreign(path) or bool(given and path.startswith(f"{given}/"))


def missing(path: str) -> str | None:
    """Say which file is not there; for files that are no secret."""
    if not path or is_foreign(path) or is_file(path):
        return None
    return f"there is no file {path}"


def absent(path: str) -> str | None:
    """Say that there is no such file, without its name: it may be the secret itself."""
    if not path or is_foreign(path) or is_file(path):
        return None
    if is_credential(path):
        return "the service has no such credential; add LoadCredential= to its unit"
    return (
        "there is no such file; names are relative to this file, and the secret itself"
        " must not stand here"
    )


def exposure(path: str) -> str:
    """Say who else may read a secret file; empty when nobody may."""
    if not path or is_credential(path):
        return ""
    try:
        mode = stat.S_IMODE(Path(path).stat().st_mode)
    except OSError:
        return ""  # that it is absent or out of reach is said elsewhere
    if not mode & _OTHERS:
        return ""
    return (
        f"{path} holds a secret and others may read or change it (mode {mode:o});"
        f" chmod 600 {path}, and give it to the user of the service"
    )


def password(path: str) -> str | None:
    """Read a password, without the line end behind it; None for no file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no text.
    """
    if not path:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8") from None
