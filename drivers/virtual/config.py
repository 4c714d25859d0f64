"""What a virtual terminal is made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from drivers.attlog import AttlogLine
from drivers.base import TerminalUser
from drivers.virtual.errors import VirtualError
from drivers.virtual.faults import Faults
from drivers.zk.operations import Operation
from drivers.zk.records import LAYOUTS

USUAL_CAPACITY = 100_000
_LAST_KEY = 0xFFFFFFFF
_LAST_PORT = 0xFFFF


class Full(StrEnum):
    """What happens to a punch when the log is full."""

    REFUSE = "refuse"
    OVERWRITE = "overwrite"


@dataclass(frozen=True, slots=True)
class Model:
    """What goes with a record layout, as on the terminals that have it.

    Bytes of a user record, of a punch event, and of the counts (more than 80: faces).
    """

    user_bytes: int
    event_bytes: int
    sizes_bytes: int


MODELS: Mapping[str, Model] = {
    "8a": Model(28, 10, 80),
    "8b": Model(28, 10, 80),
    "16": Model(28, 12, 80),
    "36": Model(72, 36, 80),
    "40": Model(72, 32, 80),
    "49": Model(72, 52, 112),
}


def host_clock() -> datetime:
    """Local time of this host, the clock a terminal has when nobody gives it one."""
    return datetime.now().astimezone()


def unheard(_: str) -> None:
    """Say nothing: a terminal inside a test has nobody to report to."""


@dataclass(frozen=True, slots=True)
class VirtualConfig:
    """One terminal. Everything has a default, so that a test names what it is about.

    `udp_port` is the TCP number unless given. `clock` gives the local time the device
    would show; its zone does not matter. Without a `capacity` the log is never full;
    with one, `full` says what becomes of the next punch. `inline_bytes` bounds the data
    sets that come in one packet without a buffer, `chunk_bytes` the data of one frame
    of a window (0: the whole window). `sizes_bytes` is the length of the counts, 80, 92
    or 112 (0: what goes with the layout). `options` adds to the name plate or changes
    it; an option that is None is not known. `seed` makes lost datagrams repeatable.
    `fingers` says how many templates the user of a slot has, for counting only.
    A UDP client silent for `udp_idle_seconds` loses its place when another needs it.
    `report` gets a sentence when something worth a look was asked. With `care` it lets
    a client restart it, set its clock and clear its log; without, that is refused and
    counted. `restart_replies` says whether it answers a restart before it goes down.
    Without `announces` nobody may register for events. In the middle of its reply
    number `falls_at` (0: never) the power goes. With `remembers` it keeps every record
    that a client fetched and was done with.
    """

    host: str = "127.0.0.1"
    port: int = 0
    udp_port: int | None = None
    serial: str = "VT00000001"
    users: Sequence[TerminalUser] = ()
    log: Sequence[AttlogLine] = ()
    operations: Sequence[Operation] = ()
    layout: str = "40"
    comm_key: int = 0
    encoding: str = "gb18030"
    clock: Callable[[], datetime] = host_clock
    clock_offset_seconds: int = 0
    capacity: int | None = None
    full: Full = Full.REFUSE
    user_capacity: int = 10_000
    fingers: Mapping[int, int] = field(default_factory=dict)
    name: str = "Virtual terminal"
    firmware: str = "Ver 6.60 virtual"
    platform: str = "VIRTUAL_TFT"
    options: Mapping[str, str | None] = field(default_factory=dict)
    inline_bytes: int = 1024
    chunk_bytes: int = 0
    sizes_bytes: int = 0
    frame_gap_ms: int = 0
    reboot_seconds: float = 1.0
    udp_idle_seconds: float = 60.0
    seed: int | None = None
    report: Callable[[str], None] = unheard
    care: bool = False
    restart_replies: bool = True
    announces: bool = True
    falls_at: int = 0
    remembers: bool = False
    faults: Faults = field(default_factory=Faults)

    @property
    def model(self) -> Model:
        """What goes with the record layout."""
        return MODELS[self.layout]

    def check(self) -> None:
        """Look for what no terminal can be.

        Raises:
            VirtualError: one sentence about the first of it.
        """
        if self.layout not in LAYOUTS:
            raise VirtualError(
                f"no layout {self.layout!r}; there are: {', '.join(MODELS)}"
            )
        if not 0 <= self.comm_key <= _LAST_KEY:
            raise VirtualError(f"no comm key of 0 to {_LAST_KEY}: {self.comm_key}")
        if self.capacity is not None and self.capacity < 1:
            raise VirtualError(f"no capacity of 1 or more: {self.capacity}")
        if self.frame_gap_ms < 0:
            raise VirtualError(f"no frame gap of 0 ms or more: {self.frame_gap_ms}")
        for port in (self.port, self.udp_port or 0):
            if not 0 <= port <= _LAST_PORT:
                raise VirtualError(f"no port of 0 to {_LAST_PORT}: {port}")
        try:
            "".encode(self.encoding)
        except LookupError as error:
            raise VirtualError(f"no encoding {self.encoding!r}") from error
