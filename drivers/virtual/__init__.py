"""A faithful terminal for tests, benchmarks, the demo and other people's clients.

Serves the classic ZK protocol over TCP and UDP, with faults on demand. It
holds no templates and refuses whatever would change a real terminal's memory.
"""

from drivers.virtual.config import Full, VirtualConfig
from drivers.virtual.errors import VirtualError
from drivers.virtual.faults import Faults, parse_faults
from drivers.virtual.terminal import VirtualTerminal

__all__ = [
    "Faults",
    "Full",
    "VirtualConfig",
    "VirtualError",
    "VirtualTerminal",
    "parse_faults",
]
