"""The operation log: what was done at a terminal's own menu, 16 bytes a record.

Sources disagree what the four parameters mean (zk-protocol 7.1), so they stay numbers.
"""

import struct
from dataclasses import dataclass

from drivers.base import ProtocolError
from drivers.zk.times import decode_time, encode_time

_FORM = struct.Struct("<HBBI4H")
OPERATION_BYTES = _FORM.size


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `at` is device local time; the date may be impossible."""

    admin: int
    code: int
    at: str
    parameters: tuple[int, int, int, int] = (0, 0, 0, 0)
    pad: int = 0

    def to_bytes(self) -> bytes:
        """Return the 16 bytes.

        Raises:
            ValueError: a time that no terminal can hold.
        """
        at = encode_time(self.at)
        return _FORM.pack(self.admin, self.code, self.pad, at, *self.parameters)


def parse_operations(records: bytes) -> list[Operation]:
    """Read the records of a whole operation log.

    Raises:
        ProtocolError: the bytes are no whole number of records.
    """
    if len(records) % OPERATION_BYTES:
        raise ProtocolError(
            f"{len(records)} bytes are no whole number of {OPERATION_BYTES}-byte "
            "operations",
            records,
        )
    return [
        Operation(admin, code, decode_time(packed), (one, two, three, four), pad)
        for admin, code, pad, packed, one, two, three, four in _FORM.iter_unpack(
            records
        )
    ]
