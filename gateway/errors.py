"""The error families of the edge; terminals bring their own from `drivers.base`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.core.walker import Problem


class StoreError(Exception):
    """The journal cannot be trusted to keep a punch: stop the process, loudly."""


class NewerJournalError(StoreError):
    """The journal was written by a newer version; this one must not touch it."""


@dataclass
class ConfigError(Exception):
    """The configuration cannot be used; `problems` names everything at once."""

    problems: Sequence[Problem] = field(default_factory=tuple)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)
