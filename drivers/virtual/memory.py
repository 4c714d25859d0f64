"""What the terminal remembers: its log as record bytes, its users, its counts.

Records are encoded once, when they come; a request costs no step per record.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from drivers.attlog import AttlogLine
from drivers.base import RawPunch, TerminalUser
from drivers.virtual.config import USUAL_CAPACITY, Full, VirtualConfig
from drivers.virtual.errors import VirtualError
from drivers.virtual.snapshot import Snapshot
from drivers.virtual.users import Users
from drivers.zk.events import PunchEvent
from drivers.zk.payloads import Sizes
from drivers.zk.records import JUNK, LAYOUTS, PunchRecord, encode, punches
from drivers.zk.times import decode_time, encode_time

# How many of the oldest records go at once when a full log overwrites. Real terminals
# may drop a block; one at a time is the hardest case for whoever reads by position.
OVERWRITTEN_AT_ONCE = 1

_EDIT_SECONDS = 60
_LENGTH_BYTES = 4


class Memory:
    """Log and users of one terminal, with the faults that live in them."""

    def __init__(self, config: VirtualConfig) -> None:
        self._config = config
        self._layout = LAYOUTS[config.layout]
        self._faults = config.faults
        self._log = bytearray()
        self._last: PunchEvent | None = None
        self._snapshot: Snapshot | None = None
        self._anchor = -1
        self._bad_date_due = config.faults.bad_date
        self.users = Users(config)

    def load(self, users: Sequence[TerminalUser], log: Sequence[AttlogLine]) -> None:
        """Take users and log as they are at power-on.

        Raises:
            VirtualError: a user or line that no record can hold.
        """
        try:
            self.users.load(users)
            for line in log:
                self.add(line)
        except ValueError as error:
            raise VirtualError(f"a terminal cannot hold this: {error}") from error

    def spoil_date(self) -> None:
        """Give the record in the middle 31 February, if that fault is on and due."""
        if not self._bad_date_due or not self._log:
            return
        self._bad_date_due = False
        middle = self.records // 2
        record = self._record(middle)
        at = decode_time(record.packed)
        self._write(middle, record, encode_time(at[:4] + "-02-31" + at[10:]))

    def add(self, line: AttlogLine) -> PunchEvent:
        """Append one punch; return it as an event.

        Raises:
            ValueError: a badge, time or code that no record can hold, or the log is
                full and its terminal refuses.
        """
        slot = self.users.slots.get(line.badge, 0)
        record = encode(
            self._layout,
            line.badge,
            line.at,
            verify=line.verify,
            state=line.state,
            work=line.work,
            slot=slot,
            encoding=self._config.encoding,
        )
        if self.full:
            self._make_room()
        self._log += record
        self._snapshot = None
        self._last = PunchEvent(line.badge, line.verify, line.state, line.at, slot)
        return self._last

    def clear(self) -> None:
        """Forget the log; users stay."""
        self._log.clear()
        self._snapshot = None

    @property
    def records(self) -> int:
        """How many records the log really holds."""
        return len(self._log) // self._layout.size

    @property
    def full(self) -> bool:
        """Whether the log holds all it can."""
        capacity = self._config.capacity
        return capacity is not None and self.records >= capacity

    @property
    def capacity(self) -> int:
        """Records it says it can hold; of a log that is never full, round numbers."""
        steps = self.records // USUAL_CAPACITY + 1
        return self._config.capacity or steps * USUAL_CAPACITY

    @property
    def last(self) -> PunchEvent | None:
        """The youngest punch, as it was announced."""
        return self._last

    def punches(self, serial: str) -> list[RawPunch]:
        """Everything in the log, as this terminal wrote it."""
        return self.decoded(serial, [bytes(self._log)])

    def decoded(self, serial: str, records: Iterable[bytes]) -> list[RawPunch]:
        """Return records as this terminal means them; their places mean nothing."""
        slots = {slot: badge for badge, slot in self.users.slots.items()}
        data, encoding = b"".join(records), self._config.encoding
        return punches(self._layout, serial, data, encoding, slots=slots)

    def records_in(self, log: Snapshot, first: int, end: int) -> list[bytes]:
        """Return the whole records between two places of a log as clients get it."""
        size = self._layout.size
        head = _LENGTH_BYTES + (len(JUNK) if self._faults.junk_prefix else 0)
        at = head + max(-(-(first - head) // size), 0) * size
        return [log.data[n : n + size] for n in range(at, end - size + 1, size)]

    def sizes(self) -> Sizes:
        """Counts and capacities as the terminal states them."""
        config = self._config
        users = len(self.users)
        return Sizes(
            users=users,
            fingers=self.users.fingers,
            records=max(0, self.records + self._faults.count_lies),
            user_capacity=config.user_capacity,
            record_capacity=self.capacity,
            users_free=max(0, config.user_capacity - users),
            records_free=max(0, self.capacity - self.records),
        )

    def log(self) -> Snapshot:
        """Log as a client's buffer gets it."""
        if self._snapshot is None:
            junk = JUNK if self._faults.junk_prefix else b""
            total = len(junk) + len(self._log)
            parts = (total.to_bytes(_LENGTH_BYTES, "little"), junk, self._log)
            self._snapshot = Snapshot(b"".join(parts))
        return self._snapshot

    def mark_anchor(self) -> None:
        """Keep in mind which record is the last one now."""
        self._anchor = self.records - 1

    def edit_anchor(self) -> None:
        """Move that record by a minute, if the log still has it."""
        if 0 <= self._anchor < self.records:
            record = self._record(self._anchor)
            self._write(self._anchor, record, record.packed + _EDIT_SECONDS)

    def _make_room(self) -> None:
        if self._config.full == Full.REFUSE:
            raise ValueError(f"the log is full with {self.records} records")
        del self._log[: OVERWRITTEN_AT_ONCE * self._layout.size]
        self._anchor -= OVERWRITTEN_AT_ONCE

    def _record(self, index: int) -> PunchRecord:
        start, size = index * self._layout.size, self._layout.size
        return PunchRecord.from_bytes(
            self._layout, bytes(self._log[start : start + size])
        )

    def _write(self, index: int, record: PunchRecord, packed: int) -> None:
        start, size = index * self._layout.size, self._layout.size
        changed = replace(record, packed=packed)
        self._log[start : start + size] = changed.to_bytes(self._layout)
        self._snapshot = None
