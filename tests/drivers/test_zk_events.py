"""Punch events of seven lengths, and several of them in one frame."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import ProtocolError
from drivers.zk.events import EVENT_SIZES, PunchEvent, parse_events

AT = "2026-11-02T08:00:00"
TIME = bytes((26, 11, 2, 8, 0, 0))
TEXT_SIZES = (32, 36, 37, 52)
u8 = st.integers(0, 255)
times = st.builds(
    "20{:02}-{:02}-{:02}T{:02}:{:02}:{:02}".format, *[st.integers(0, 99)] * 6
)


def test_the_sizes() -> None:
    """Those of zk-protocol 6, no more."""
    assert EVENT_SIZES == (10, 12, 14, 32, 36, 37, 52)


@pytest.mark.parametrize("size", TEXT_SIZES)
def test_events_with_a_text_badge(size: int) -> None:
    """The time stands at 26 in all of them; what stands behind is unknown."""
    data = struct.pack("<24sBB6s", b"0042", 1, 255, TIME) + b"\x07" * (size - 32)
    assert parse_events(data, "ascii") == [PunchEvent("0042", 1, 255, AT)]


@pytest.mark.parametrize("size", [10, 14])
def test_events_with_a_slot(size: int) -> None:
    """The low four bits are the state, the high ones something else."""
    data = struct.pack("<HBB6s", 300, 15, 0xF4, TIME) + b"\x07" * (size - 10)
    assert parse_events(data, "ascii") == [PunchEvent(None, 15, 4, AT, 300)]


def test_events_with_a_number() -> None:
    """The 12-byte event of older units carries the badge as a number."""
    data = bytes.fromhex("f19449000000120c07130906")
    expected = PunchEvent("4822257", 0, 0, "2018-12-07T19:09:06")
    assert parse_events(data, "ascii") == [expected]


@given(st.sampled_from(TEXT_SIZES), u8, u8, times)
def test_text_events_survive(size: int, verify: int, state: int, at: str) -> None:
    """Written and read, with any codes and digits, Chinese badges too."""
    event = PunchEvent("工号7", verify, state, at)
    data = event.to_bytes("gb18030", size)
    assert len(data) == size
    assert parse_events(data, "gb18030") == [event]


@given(st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFF), u8, u8, times)
def test_short_events_survive(
    number: int, slot: int, verify: int, state: int, at: str
) -> None:
    """A number of 32 bits, or a slot with a state of four bits."""
    event = PunchEvent(str(number), verify, state, at)
    assert parse_events(event.to_bytes("ascii", 12), "ascii") == [event]
    for size in (10, 14):
        event = PunchEvent(None, verify, state & 15, at, slot)
        assert len(event.to_bytes("ascii", size)) == size
        assert parse_events(event.to_bytes("ascii", size), "ascii") == [event]


def test_a_state_of_255_has_four_bits_in_short_events() -> None:
    """It arrives as 15, as terminals write it."""
    data = PunchEvent(None, 1, 255, AT, 3).to_bytes("ascii", 10)
    assert parse_events(data, "ascii")[0].state == 15


@given(st.lists(st.tuples(u8, times), min_size=2, max_size=9))
def test_several_events_in_one_frame(found: list[tuple[int, str]]) -> None:
    """Fifty-two bytes each, in order."""
    events = [PunchEvent(str(n), v, 1, at) for n, (v, at) in enumerate(found)]
    data = b"".join(event.to_bytes("ascii", 52) for event in events)
    assert parse_events(data, "ascii") == events


def test_impossible_dates_keep_their_digits() -> None:
    """An event is a hint; its date is judged nowhere here."""
    data = struct.pack("<24sBB6s", b"1", 1, 0, bytes((26, 2, 31, 8, 0, 0)))
    assert parse_events(data, "ascii")[0].at == "2026-02-31T08:00:00"


@pytest.mark.parametrize(
    "size", [0, 1, 9, 11, 13, 15, 31, 33, 35, 38, 40, 51, 53, 64, 103, 105]
)
def test_events_of_unknown_length_are_refused(size: int) -> None:
    """The bytes are in the sentence, for whoever must learn the layout."""
    data = b"\xab" * size
    with pytest.raises(ProtocolError, match=f"event of {size} bytes: ") as caught:
        parse_events(data, "ascii")
    assert caught.value.data == data
    assert str(caught.value).count("ab") == min(size, 64)


@pytest.mark.parametrize("badge", [None, "", "A1", "\uff14"])
def test_a_number_must_be_one(badge: str | None) -> None:
    """A badge that is no number is not written as one."""
    with pytest.raises(ValueError, match="holds numbers only"):
        PunchEvent(badge, 1, 0, AT).to_bytes("ascii", 12)


def test_an_event_without_a_badge_has_an_empty_field() -> None:
    """Nobody is nobody in the text form too."""
    data = PunchEvent(None, 1, 0, AT).to_bytes("ascii")
    assert data[:24] == bytes(24)
    assert parse_events(data, "ascii")[0].badge == ""
