"""A faithful terminal for tests, benchmarks, the demo and other people's clients.

Serves the classic ZK protocol over TCP and UDP, with faults on demand. It
holds no templates; users may be written and deleted, and whatever else would change
a real terminal's memory is refused.
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
