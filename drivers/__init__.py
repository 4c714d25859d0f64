"""Terminals and readers: who they are, what they hold, and nothing of attendance.

`REGISTRY` is the whole list of drivers; nothing is found by searching.
"""

from collections.abc import Callable
from dataclasses import dataclass

from drivers.base import Address, Terminal
from drivers.pyzk_terminal import PyzkTerminal
from drivers.zk.terminal import ZkTerminal


@dataclass(frozen=True, slots=True)
class Driver:
    """A name people write into their configuration, and what answers to it."""

    name: str
    open: Callable[[Address], Terminal]


REGISTRY: dict[str, Driver] = {
    driver.name: driver
    for driver in (
        Driver("zk", ZkTerminal),
        Driver("pyzk", PyzkTerminal),
    )
}
