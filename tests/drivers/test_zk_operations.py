"""The operation log: sixteen bytes a record, whole or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import ProtocolError
from drivers.zk.operations import OPERATION_BYTES, Operation, parse_operations
from drivers.zk.times import decode_time

u8 = st.integers(0, 255)
u16 = st.integers(0, 0xFFFF)
operations = st.builds(
    Operation,
    u16,
    u8,
    st.integers(0, 0xFFFFFFFF).map(decode_time),
    st.tuples(u16, u16, u16, u16),
    u8,
)


def test_a_documented_record() -> None:
    """Code 6, finger 7 of slot 3, a template of 1282 bytes (zk-protocol 7.1)."""
    data = bytes.fromhex("0000 0600 6bb36823 0300 0000 0700 0205")
    expected = Operation(0, 6, "2018-06-25T17:50:35", (3, 0, 7, 1282))
    assert parse_operations(data) == [expected]
    assert expected.to_bytes() == data


@given(st.lists(operations, max_size=20))
def test_operations_survive(found: list[Operation]) -> None:
    """What was written is read, in order, every field of it."""
    data = b"".join(one.to_bytes() for one in found)
    assert len(data) == OPERATION_BYTES * len(found)
    assert parse_operations(data) == found


@given(st.binary(min_size=16, max_size=16))
def test_any_16_bytes_are_an_operation(data: bytes) -> None:
    """None is refused for what it says, and nothing of it is lost."""
    (found,) = parse_operations(data)
    assert found.to_bytes() == data


@pytest.mark.parametrize("size", [1, 15, 17, 31])
def test_cut_operations_are_refused(size: int) -> None:
    """The bytes are kept."""
    with pytest.raises(ProtocolError, match="no whole number of 16-byte") as caught:
        parse_operations(bytes(size))
    assert caught.value.data == bytes(size)
