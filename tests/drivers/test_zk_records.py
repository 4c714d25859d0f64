"""Records: bytes to values and back, and blocks that are whole or refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import ProtocolError, RawPunch, TerminalUser
from drivers.zk.records import (
    PunchEvent,
    PunchRecord,
    UserRecord,
    block,
    punch_record,
    punches,
    records_of,
)

u8 = st.integers(0, 255)
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFFFFFF)
field = st.binary(min_size=24, max_size=24)


@given(u16, field, u8, u32, u8, u32, st.binary(min_size=4, max_size=4))
def test_punch_records_survive(  # noqa: PLR0913, PLR0917 - one argument a field
    slot: int,
    badge: bytes,
    verify: int,
    packed: int,
    state: int,
    work: int,
    tail: bytes,
) -> None:
    """Forty bytes hold every field, and the parser undoes the builder."""
    record = PunchRecord(slot, badge, verify, packed, state, work, tail)
    assert len(record.to_bytes()) == 40
    assert PunchRecord.from_bytes(record.to_bytes()) == record


@given(st.binary(min_size=40, max_size=40))
def test_any_forty_bytes_are_a_record(data: bytes) -> None:
    """Nothing in a record is lost, and none is refused for what it says."""
    assert PunchRecord.from_bytes(data).to_bytes() == data
    assert punches("S", data, "gb18030")[0].raw == data


@given(st.binary(min_size=72, max_size=72))
def test_any_72_bytes_are_a_user(data: bytes) -> None:
    """Nothing in a user record is lost, garbage behind a NUL included."""
    assert UserRecord.from_bytes(data).to_bytes() == data


def test_raw_punches() -> None:
    """Positions count from where the block began; raw is the record itself."""
    first = punch_record(
        "0042",
        "2026-11-02T08:00:00",
        verify=1,
        state=255,
        work=7,
        slot=3,
        encoding="gb18030",
    )
    second = punch_record(
        "甲二",
        "2026-02-31T08:00:00",
        verify=15,
        state=0,
        work=0,
        slot=4,
        encoding="gb18030",
    )
    assert punches("VT1", first + second, "gb18030", 10) == [
        RawPunch("VT1", "0042", "2026-11-02T08:00:00", 1, 255, 7, 10, first),
        RawPunch("VT1", "甲二", "2026-02-31T08:00:00", 15, 0, 0, 11, second),
    ]


def test_a_code_that_does_not_fit_is_a_value_error() -> None:
    """The writer of a record hears of it in the same way as of a long badge."""
    with pytest.raises(ValueError, match="a code that does not fit"):
        punch_record(
            "1",
            "2026-11-02T08:00:00",
            verify=256,
            state=0,
            work=0,
            slot=0,
            encoding="ascii",
        )


def test_users() -> None:
    """A user goes in and out; the password is in no printed form."""
    user = TerminalUser(7, "0007", "甲七", 14, 222)
    record = UserRecord.of(user, "gb18030")
    assert len(record.to_bytes()) == 72
    assert record.user("gb18030") == user
    secret = UserRecord.from_bytes(record.to_bytes()[:3] + b"12345678" + bytes(61))
    assert secret.password == b"12345678"
    assert "12345678" not in repr(secret)


def test_a_name_leaves_room_for_its_nul() -> None:
    """24 bytes of name would leave no end; 23 do."""
    assert (
        UserRecord.of(TerminalUser(1, "1", "n" * 23, 0, 0), "ascii").name[23:] == b"\0"
    )
    with pytest.raises(ValueError, match="the field holds 23"):
        UserRecord.of(TerminalUser(1, "1", "n" * 24, 0, 0), "ascii")


@pytest.mark.parametrize("size", [0, 39, 41, 71, 73, 80])
def test_records_of_another_length_are_refused(size: int) -> None:
    """A layout is never guessed."""
    with pytest.raises(ProtocolError, match=f"attendance record of {size} bytes"):
        PunchRecord.from_bytes(bytes(size))
    with pytest.raises(ProtocolError, match=f"user record of {size} bytes"):
        UserRecord.from_bytes(bytes(size))


def test_blocks() -> None:
    """A block is its own length and its records, nothing less and nothing more."""
    assert records_of(block(b"abc")) == b"abc"
    assert records_of(block(b"")) == b""
    with pytest.raises(ProtocolError, match="without its length"):
        records_of(b"\1\0\0")
    with pytest.raises(ProtocolError, match="of 3 bytes came with 2"):
        records_of(b"\3\0\0\0ab")
    with pytest.raises(ProtocolError, match="no whole number"):
        punches("S", bytes(41), "ascii")
    assert punches("S", b"", "ascii") == []


@pytest.mark.parametrize("more", [0, 4, 20])
def test_events_with_a_text_badge(more: int) -> None:
    """32, 36 and 52 bytes are one event; what stands behind the 32 is unknown."""
    event = PunchEvent("0042", 1, 255, "2026-11-02T08:00:00")
    data = event.to_bytes("gb18030") + bytes(more)
    assert PunchEvent.from_bytes(data, "gb18030") == event


def test_events_with_a_number() -> None:
    """The 12-byte event of older units carries the badge as a number."""
    data = bytes.fromhex("f19449000000120c07130906")
    expected = PunchEvent("4822257", 0, 0, "2018-12-07T19:09:06")
    assert PunchEvent.from_bytes(data, "ascii") == expected


@pytest.mark.parametrize("size", [0, 10, 14, 31, 33, 37, 53])
def test_events_of_unknown_length_are_refused(size: int) -> None:
    """The bytes are in the sentence, for whoever must learn the layout."""
    with pytest.raises(ProtocolError, match=f"event of {size} bytes: ") as caught:
        PunchEvent.from_bytes(b"\xab" * size, "ascii")
    assert caught.value.data == b"\xab" * size
