"""2.0.2 Repeats: punches of one person at one site shortly after another are one.

A chain runs from its first punch; exactly `within` seconds later a new one begins.
Different sites never chain. All punches stay on record, linked by their chain.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


class Sign(Protocol):
    """A punch of a person, as far as time and place go."""

    @property
    def id(self) -> str:
        """Which."""
        ...

    @property
    def moment(self) -> int:
        """When, on the wall clock of the site."""
        ...

    @property
    def site(self) -> str:
        """Where."""
        ...


@dataclass(frozen=True, slots=True)
class Chain:
    """Punches that count as one: the first for an IN, the last for an OUT."""

    punches: tuple[Sign, ...]

    @property
    def first(self) -> int:
        """When it began."""
        return self.punches[0].moment

    @property
    def last(self) -> int:
        """When it ended."""
        return self.punches[-1].moment


def chains(punches: Iterable[Sign], within: int) -> list[Chain]:
    """Return the chains of punches given in order of time, by their first punches."""
    found: list[list[Sign]] = []
    open_at: dict[str, list[Sign]] = {}
    for punch in punches:
        running = open_at.get(punch.site)
        if running is not None and punch.moment - running[0].moment < within:
            running.append(punch)
        else:
            open_at[punch.site] = running = [punch]
            found.append(running)
    return [Chain(tuple(punches)) for punches in found]
