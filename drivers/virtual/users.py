"""The users of a virtual terminal: their record bytes by slot, and how many fingers.

A template itself is never held: a number of fingers stands for those of a user, and
goes with the user.
"""

from collections.abc import Sequence
from dataclasses import replace

from drivers.base import ProtocolError, TerminalUser
from drivers.virtual.config import VirtualConfig
from drivers.virtual.snapshot import Snapshot
from drivers.zk.payloads import block
from drivers.zk.users import USER_LAYOUTS, UserLayout, UserRecord


class Users:
    """Users in the order their slots were first filled; a freed slot keeps its own."""

    def __init__(self, config: VirtualConfig) -> None:
        self._layout = USER_LAYOUTS[str(config.model.user_bytes)]
        self._encoding = config.encoding
        self._capacity = config.user_capacity
        self._fingers = dict(config.fingers)
        self._records: dict[int, bytes | None] = {}
        self._snapshot: Snapshot | None = None
        self._known: tuple[TerminalUser, ...] = ()
        self.slots: dict[str, int] = {}

    def load(self, users: Sequence[TerminalUser]) -> None:
        """Take the users there are at power-on, as many as there may be.

        Raises:
            ValueError: a user that no record can hold.
        """
        self._records = {
            user.slot: _record(self._layout, user, self._encoding) for user in users
        }
        self._changed()

    def write(self, data: bytes) -> None:
        """Put a record into its slot.

        Raises:
            ProtocolError: no record, no slot, or one more user than the terminal holds.
        """
        slot = UserRecord.from_bytes(self._layout, data).slot
        if not slot:
            raise ProtocolError("a user without a slot", data)
        if self._records.get(slot) is None and len(self) >= self._capacity:
            raise ProtocolError(f"full with {len(self)} users", data)
        self._records[slot] = data
        self._changed()

    def delete(self, slot: int) -> None:
        """Forget the user of a slot, fingers included.

        Raises:
            ProtocolError: nobody has this slot.
        """
        if self._records.get(slot) is None:
            raise ProtocolError(f"no user in slot {slot}")
        self._records[slot] = None
        self._fingers.pop(slot, None)
        self._changed()

    def __len__(self) -> int:
        """How many users there are."""
        return len(self._known)

    @property
    def fingers(self) -> int:
        """How many fingers are enrolled, of all users."""
        return sum(self._fingers.values())

    def enrol(self, slot: int) -> None:
        """Somebody lays a finger on: a template that stays in here."""
        self._fingers[slot] = self._fingers.get(slot, 0) + 1

    def known(self) -> tuple[TerminalUser, ...]:
        """Return who is enrolled now."""
        return self._known

    def snapshot(self) -> Snapshot:
        """Users as a client's buffer gets them."""
        if self._snapshot is None:
            self._snapshot = Snapshot(block(b"".join(self._filled())))
        return self._snapshot

    def _filled(self) -> list[bytes]:
        return [record for record in self._records.values() if record is not None]

    def _changed(self) -> None:
        self._snapshot = None
        self._known = tuple(
            UserRecord.from_bytes(self._layout, record).user(self._encoding)
            for record in self._filled()
        )
        self.slots = {user.badge: user.slot for user in self._known}


def _record(layout: UserLayout, user: TerminalUser, encoding: str) -> bytes:
    """Return a user's record; the short one cuts a long name, as terminals do.

    Raises:
        ValueError: a badge or name that does not fit.
    """
    if not layout.numbers:
        return UserRecord.of(layout, user, encoding).to_bytes(layout)
    record = UserRecord.of(layout, replace(user, name=""), encoding)
    name = user.name.encode(encoding)[: layout.room].ljust(layout.room, b"\0")
    return replace(record, name=name).to_bytes(layout)
