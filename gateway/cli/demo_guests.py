"""Who takes part in the demo beside the terminals: a desk reader, and whoever joins.

A guest brings its own lines of the two files, does something at its own time, may have
a line to show of what the daemon says, and ends with a proof of its own.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Protocol

from gateway.cli.demo_desk import DemoDesk
from gateway.cli.demo_site import DemoPerson
from gateway.cli.demo_suspect import HELPER, MOST, DemoHelper


class Guest(Protocol):
    """One more part of the demo."""

    def gateway(self) -> str:
        """Return what stands last in gateway.toml for it."""
        ...

    def book(self, day: date) -> str:
        """Return what stands last in book.toml for it; `day` is the story's."""
        ...

    def start(self) -> None:
        """Be there, before the daemon starts.

        Raises:
            ChildError: it cannot.
        """
        ...

    def due(self, seconds: float) -> float | None:
        """Return when `act` is called, in seconds; of a demo that takes `seconds`."""
        ...

    def act(self) -> str:
        """Do something; return what the demo says of it.

        Raises:
            ChildError: it cannot.
        """
        ...

    def hear(self, event: str, values: Mapping[str, str]) -> str | None:
        """Return a line for an event of the daemon's log, None for most."""
        ...

    def missing(self, centre: Path) -> str | None:
        """Return what the central store does not have yet, None when all is there."""
        ...

    def proof(self) -> str:
        """Return in one line what is at the centre once nothing is missing."""
        ...

    def stop(self) -> None:
        """Leave."""
        ...


def guests(folder: Path, crew: Sequence[DemoPerson]) -> list[Guest]:
    """Return who takes part; one line each. Some need to know the crew."""
    found: list[Guest] = [DemoDesk(folder)]
    if HELPER < len(crew) <= MOST:
        found.append(DemoHelper(folder))
    return found
