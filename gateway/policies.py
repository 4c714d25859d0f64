"""Policies by name or file: a site's own beside its configuration, else the shipped."""

from pathlib import Path

from gateway.core.policy import Policy, read_policy
from gateway.core.walker import Problem
from gateway.errors import ConfigError
from gateway.shipped import folders
from gateway.texts import read_text

_KIND = "policies"
_SUFFIX = ".toml"


def names(beside: Path | None = None) -> frozenset[str]:
    """Return the names of all policies that have a file."""
    return frozenset(
        path.stem
        for folder in folders(_KIND, beside)
        for path in folder.glob("*" + _SUFFIX)
    )


def load(name: str, beside: Path | None = None) -> Policy:
    """Read a policy by its name, or by a file's path relative to `beside`.

    Raises:
        ConfigError: with every problem of it, or that there is none of this name.
    """
    path = _path(name, beside)
    if path is None:
        known = ", ".join(sorted(names(beside)))
        reason = f"there is no policy {name!r}; there are: {known}"
        raise ConfigError([Problem(name, 1, "", reason)])
    policy, problems = read_policy(read_text(path), str(path))
    if policy is None:
        raise ConfigError(problems)
    return policy


def _path(name: str, beside: Path | None) -> Path | None:
    if "/" in name or name.endswith(_SUFFIX):
        return (beside or Path()) / name
    found = (folder / (name + _SUFFIX) for folder in folders(_KIND, beside))
    return next((path for path in found if path.is_file()), None)
