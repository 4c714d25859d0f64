"""Frozen copies of the schemas, one folder per release of the program.

A release once frozen is never written again: strangers' programs were made for it. Any
later change is held against the newest one.
"""

import re
from pathlib import Path

from sync.schema.generate import FOLDER, texts

RELEASED = FOLDER / "released"
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


class ReleaseError(ValueError):
    """A release that cannot be frozen; the reason in words."""


def freeze(version: str, folder: Path = RELEASED) -> list[str]:
    """Freeze the messages as they are now; return the names of the files written.

    Args:
        version: of the program, as in pyproject.toml: `1.2.3`.
        folder: where releases are.

    Raises:
        ReleaseError: when `version` is none, is older than a release, or is frozen.
    """
    number = _number(version)
    if number is None:
        raise ReleaseError(f"{version!r} is no version like 1.2.3")
    last = newest(folder)
    if last is not None and number <= (_number(last.name) or ()):
        raise ReleaseError(f"{last.name} is frozen already, {version} cannot follow it")
    place = folder / version
    place.mkdir(parents=True)
    found = texts()
    for name, text in found.items():
        (place / name).write_text(text, encoding="utf-8")
    return sorted(found)


def newest(folder: Path = RELEASED) -> Path | None:
    """Return the folder of the newest release, None before the first."""
    found = [path for path in folder.glob("*") if _number(path.name) is not None]
    return max(found, key=lambda path: _number(path.name) or (), default=None)


def _number(version: str) -> tuple[int, ...] | None:
    found = _VERSION.fullmatch(version)
    return tuple(int(part) for part in found.groups()) if found else None
