"""The terminal's operation log: what was done at its menu, 16 bytes a record.

The ring of 4,096 is what one dissector's constant suggests (zk-protocol 7.2).
"""

import struct
from collections.abc import Iterable
from enum import IntEnum

from drivers.virtual.snapshot import Snapshot
from drivers.zk.operations import OPERATION_BYTES, Operation, parse_operations
from drivers.zk.payloads import block

MOST_OPERATIONS = 4096


class OperationCode(IntEnum):
    """The operations this terminal writes down by itself."""

    POWER_ON = 0
    SET_TIME = 21
    DELETED_RECORDS = 23


class OperationLog:
    """A ring of operations; the oldest goes when it is full."""

    def __init__(self) -> None:
        self._records = bytearray()

    def __len__(self) -> int:
        """How many operations it holds."""
        return len(self._records) // OPERATION_BYTES

    def add(self, operations: Iterable[Operation]) -> None:
        """Write operations down.

        Raises:
            ValueError: a time or number that no record can hold.
        """
        try:
            self._records += b"".join(one.to_bytes() for one in operations)
        except struct.error as error:
            raise ValueError(f"an operation cannot hold this: {error}") from error
        del self._records[: -MOST_OPERATIONS * OPERATION_BYTES]

    def snapshot(self) -> Snapshot:
        """Return the log as a client's buffer gets it."""
        return Snapshot(block(bytes(self._records)))

    def operations(self) -> list[Operation]:
        """Return the log, decoded anew."""
        return parse_operations(bytes(self._records))
