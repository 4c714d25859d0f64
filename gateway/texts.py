"""Reading our own files: what is wrong with one is said like any other problem."""

from pathlib import Path

from gateway.core.walker import Problem
from gateway.errors import ConfigError


def read_text(path: Path) -> str:
    """Read a file of ours.

    Raises:
        ConfigError: if it is absent, unreadable or not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 (byte {error.start}); save it as UTF-8"
    raise ConfigError([Problem(str(path), 1, "", reason)])
