"""Which terminal is meant, and what is known of it now."""

from dataclasses import dataclass
from datetime import datetime

from drivers import Driver
from drivers.base import Address, TerminalError

# Between polls that are further apart nobody can tell late from not asked.
_STEADY_SECONDS = 60.0


class WrongTerminalError(TerminalError):
    """Another terminal answers at this address; nothing of it is read."""


@dataclass(frozen=True, slots=True)
class Spec:
    """Which terminal this is by the configuration and the book.

    An empty serial: neither says; the terminal is taken for what it says itself.
    """

    id: str
    serial: str
    zone: str
    address: Address
    driver: Driver
    poll_seconds: float
    live: bool

    @property
    def steady(self) -> bool:
        """Whether it is looked at so often that a late record means something."""
        return self.live or self.poll_seconds <= _STEADY_SECONDS


@dataclass(slots=True)
class Standing:
    """What is known of a terminal now; the daemon shows it.

    `complete_at`: everything punched until then is in the journal, as far as the
    terminal's own counter tells; None before this process has read its log to the end.
    `offset_at`: when its clock was last looked at.
    """

    online: bool = False
    in_terminal: int | None = None
    downloaded: int = 0
    generation: int = 1
    capacity: int | None = None
    offset_seconds: float | None = None
    last_read: str | None = None
    error: str | None = None
    complete_at: datetime | None = None
    offset_at: datetime | None = None
