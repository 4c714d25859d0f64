"""What every driver gives: device facts as they are, and errors by family.

A driver says what a terminal said. It knows no persons, no shifts, no database; it
never judges a record, drops one, or changes anything on a terminal unasked.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class TerminalError(Exception):
    """The terminal did not do it now: wait, back off, try again; others go on."""


class SilentError(TerminalError):
    """The terminal did not answer in time."""


class UnsupportedError(TerminalError):
    """The terminal cannot do this at all, and trying again will not change it."""


class AuthError(TerminalError):
    """The terminal wants a comm key and did not accept ours."""


class ProtocolError(TerminalError):
    """What came is not what this protocol allows; the bytes are kept in the error."""

    def __init__(self, reason: str, data: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.data = data


@dataclass(frozen=True, slots=True)
class RawPunch:
    """One record of a terminal's log, untouched.

    `at` is the device's local wall clock as `YYYY-MM-DDTHH:MM:SS`, zone-less; an
    impossible date keeps its digits (`2026-02-31T08:00:00`). `verify` and `state` are
    the raw codes, `position` the place in the log counted from 0, `raw` the record's
    bytes or None where the driver does not see them.
    """

    serial: str
    badge: str
    at: str
    verify: int
    state: int
    work: int | None
    position: int
    raw: bytes | None


@dataclass(frozen=True, slots=True)
class TerminalInfo:
    """Who answered. Counts are the terminal's own words, -1 where it has none."""

    serial: str
    firmware: str
    platform: str
    name: str
    users: int
    records: int
    record_capacity: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What a terminal says it holds, -1 where it has no word for it.

    Terminals miscount: nothing may rest on these numbers alone.
    """

    users: int
    records: int
    record_capacity: int


@dataclass(frozen=True, slots=True)
class Announcement:
    """A punch a terminal announced: a hint that its log has grown, never a record.

    `badge` is None where the terminal named only an internal slot, or nobody.
    """

    badge: str | None
    at: str
    slot: int | None = None


@dataclass(frozen=True, slots=True)
class TerminalUser:
    """A user on a terminal; `slot` is the internal uid and means nothing elsewhere."""

    slot: int
    badge: str
    name: str
    privilege: int
    card: int


@dataclass(frozen=True, slots=True)
class Address:
    """Where a terminal is and how to speak to it.

    `timeout_seconds` bounds every single wait for the terminal, never a whole read.
    """

    host: str
    port: int = 4370
    transport: str = "tcp"
    comm_key: int = field(default=0, repr=False)
    encoding: str = "gb18030"
    timeout_seconds: float = 10.0


class Terminal(Protocol):
    """One conversation with one terminal: open, ask, read, close.

    Every method raises `TerminalError` (or a subclass) in plain words, and nothing
    else, when the terminal or the network fails. No method may be called before
    `open` or by two tasks at once; `close` never raises and may be called twice.
    """

    async def open(self) -> str:
        """Connect, present the key, and return the serial number of who answered."""
        ...

    async def info(self) -> TerminalInfo:
        """Name plate and counts."""
        ...

    async def clock(self) -> str:
        """Device local time, `YYYY-MM-DDTHH:MM:SS`."""
        ...

    async def counts(self) -> Counts:
        """Return what the terminal says it holds now."""
        ...

    def read(self, start: int = 0) -> AsyncGenerator[Sequence[RawPunch], None]:
        """Pieces of the log in order, from `start` or, if it must, from 0.

        A driver that can only read everything yields everything; `position` tells.
        """
        ...

    def slots(self) -> Mapping[int, str]:
        """Badges by slot that the last read went by; empty where records have badges.

        Slots are given to others when users leave, so this is true of that read only.
        """
        ...

    async def users(self) -> Sequence[TerminalUser]:
        """Everybody the terminal knows. Never templates."""
        ...

    async def listen(self) -> None:
        """Ask the terminal to announce punches on this session."""
        ...

    async def wait(self, seconds: float) -> Sequence[Announcement]:
        """Return what was announced since the last call; wait for it if need be.

        Empty when the time is up. An announcement nobody can read counts as one
        without badge and time.
        """
        ...

    async def close(self) -> None:
        """End the session and give the terminal's only client slot back."""
        ...
