"""Tells systemd that we live, and only while everything gets on.

The protocol is one datagram to `$NOTIFY_SOCKET`. `WATCHDOG=1` is sent only when every
part checked in within its own limit, never because a timer ran.
"""

import os
import socket
import time
from dataclasses import dataclass, field


def notify(message: str) -> None:
    """Send one message to systemd; without systemd nothing happens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect(address)
        sock.sendall(message.encode())


def interval_seconds() -> float | None:
    """Return how often systemd wants to hear from us: half of its limit."""
    micros = os.environ.get("WATCHDOG_USEC")
    return int(micros) / 2_000_000 if micros else None


@dataclass(slots=True)
class Heartbeats:
    """When each part last got on, by the monotonic clock."""

    _limits: dict[str, float] = field(default_factory=dict)
    _beats: dict[str, float] = field(default_factory=dict)

    def expect(self, part: str, limit_seconds: float) -> None:
        """Expect `part` to check in at least every `limit_seconds`."""
        self._limits[part] = limit_seconds
        self.beat(part)

    def forget(self, part: str) -> None:
        """Expect nothing of `part` any more."""
        self._limits.pop(part, None)

    def beat(self, part: str) -> None:
        """Note that `part` got on."""
        self._beats[part] = time.monotonic()

    def late(self) -> list[str]:
        """Return the parts that are over their limit."""
        now = time.monotonic()
        return [
            part
            for part, limit in self._limits.items()
            if now - self._beats[part] > limit
        ]
