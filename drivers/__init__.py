"""Terminals and readers: who they are, what they hold, and nothing of attendance.

`REGISTRY` is the whole list of drivers; nothing is found by searching.
"""

from collections.abc import Callable
from dataclasses import dataclass

from drivers.base import Address, Terminal
from drivers.pyzk_terminal import PyzkTerminal


@dataclass(frozen=True, slots=True)
class Driver:
    """A name people write into their configuration, and what answers to it.

    `served_by` is the driver that really reads; it differs from `name` where a name
    is promised and served by another one.
    """

    name: str
    served_by: str
    open: Callable[[Address], Terminal]


REGISTRY: dict[str, Driver] = {
    driver.name: driver
    for driver in (
        Driver("zk", "pyzk", PyzkTerminal),
        Driver("pyzk", "pyzk", PyzkTerminal),
    )
}
