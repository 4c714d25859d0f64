"""What the terminal remembers: its log as record bytes, its users, its counts.

Records are encoded once, when they come; a request costs no step per record.
"""

from collections.abc import Sequence
from dataclasses import replace

from drivers.attlog import AttlogLine
from drivers.base import RawPunch, TerminalUser
from drivers.virtual.config import VirtualConfig
from drivers.virtual.errors import VirtualError
from drivers.zk.events import PunchEvent
from drivers.zk.payloads import Sizes, block
from drivers.zk.records import JUNK, LAYOUTS, PunchRecord, encode, punches
from drivers.zk.times import decode_time, encode_time
from drivers.zk.users import USER_LAYOUTS, UserRecord

_EDIT_SECONDS = 60


class Memory:
    """Log and users of one terminal, with the faults that live in them."""

    def __init__(self, config: VirtualConfig) -> None:
        self._config = config
        self._layout = LAYOUTS[config.layout]
        self._faults = config.faults
        self._log = bytearray()
        self._last: PunchEvent | None = None
        self._block: bytes | None = None
        self._first_read_records = 0
        self._bad_date_due = config.faults.bad_date
        self._users = b""
        self._slots: dict[str, int] = {}
        self.log_reads = 0

    def load(self, users: Sequence[TerminalUser], log: Sequence[AttlogLine]) -> None:
        """Take users and log as they are at power-on.

        Raises:
            VirtualError: a user or line that no record can hold.
        """
        try:
            layout = USER_LAYOUTS["72"]
            records = [UserRecord.of(layout, u, self._config.encoding) for u in users]
            self._users = block(b"".join(one.to_bytes(layout) for one in records))
            self._slots = {user.badge: user.slot for user in users}
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
            ValueError: a badge, time or code that no record can hold.
        """
        record = encode(
            self._layout,
            line.badge,
            line.at,
            verify=line.verify,
            state=line.state,
            work=line.work,
            slot=self._slots.get(line.badge, 0),
            encoding=self._config.encoding,
        )
        self._log += record
        self._block = None
        self._last = PunchEvent(line.badge, line.verify, line.state, line.at)
        return self._last

    def clear(self) -> None:
        """Forget the log; users stay."""
        self._log.clear()
        self._block = None

    @property
    def records(self) -> int:
        """How many records the log really holds."""
        return len(self._log) // self._layout.size

    @property
    def last(self) -> PunchEvent | None:
        """The youngest punch, as it was announced."""
        return self._last

    def punches(self, serial: str) -> list[RawPunch]:
        """Everything in the log, as this terminal wrote it."""
        return punches(
            self._layout,
            serial,
            bytes(self._log),
            self._config.encoding,
            slots={slot: badge for badge, slot in self._slots.items()},
        )

    def sizes(self) -> Sizes:
        """Counts and capacities as the terminal states them."""
        config = self._config
        users = len(self._slots)
        return Sizes(
            users=users,
            records=max(0, self.records + self._faults.count_lies),
            user_capacity=config.user_capacity,
            record_capacity=config.capacity,
            users_free=max(0, config.user_capacity - users),
            records_free=max(0, config.capacity - self.records),
        )

    def prepare_users(self) -> bytes:
        """Users as a client's buffer gets them."""
        return self._users

    def prepare_log(self) -> bytes:
        """Log as a client's buffer gets it: a snapshot that no later punch moves."""
        self.log_reads += 1
        if self.log_reads == 1:
            self._first_read_records = self.records
        if self.log_reads == 2:  # noqa: PLR2004 - the read these faults wait for
            self._tamper()
        if self._block is None:
            junk = JUNK if self._faults.junk_prefix else b""
            self._block = block(junk + bytes(self._log))
        return self._block

    def _tamper(self) -> None:
        """Clear the log, or move the record that the first read saw last."""
        if self._faults.clear_log:
            self.clear()
        elif self._faults.edit_log and self._first_read_records:
            anchor = self._first_read_records - 1
            record = self._record(anchor)
            self._write(anchor, record, record.packed + _EDIT_SECONDS)

    def _record(self, index: int) -> PunchRecord:
        start, size = index * self._layout.size, self._layout.size
        return PunchRecord.from_bytes(
            self._layout, bytes(self._log[start : start + size])
        )

    def _write(self, index: int, record: PunchRecord, packed: int) -> None:
        start, size = index * self._layout.size, self._layout.size
        changed = replace(record, packed=packed)
        self._log[start : start + size] = changed.to_bytes(self._layout)
        self._block = None
