"""What stands behind commands: builders and parsers undo each other."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import ProtocolError
from drivers.zk.packets import Frame
from drivers.zk.payloads import (
    BufferRequest,
    Prepared,
    Sizes,
    Window,
    announcement,
    block,
    descriptor,
    option_reply,
    option_request,
    parse_announcement,
    parse_option,
    parse_prepared,
    records_of,
    text_of,
)

u32 = st.integers(0, 0xFFFFFFFF)
i32 = st.integers(-(2**31), 2**31 - 1)


def test_options() -> None:
    """Names go out with a NUL; values come in with or without one."""
    assert option_request("~SerialNumber") == b"~SerialNumber\0"
    assert option_reply("WorkCode", "0") == b"WorkCode=0\0"
    assert parse_option(b"~Platform=ZEM760_TFT\0") == ("~Platform", "ZEM760_TFT")
    assert parse_option(b"A=b=c") == ("A", "b=c")
    assert text_of(b"Ver 6.60\0junk") == "Ver 6.60"
    assert text_of(b"\xff") == "\ufffd"


def test_an_option_without_a_value_is_refused() -> None:
    """No equals sign, no option; the bytes are kept."""
    with pytest.raises(ProtocolError, match="without a value") as caught:
        parse_option(b"WorkCode\0")
    assert caught.value.data == b"WorkCode\0"


@given(st.lists(u32, min_size=12, max_size=12))
def test_sizes_survive_80_bytes(words: list[int]) -> None:
    """Every count the 80-byte form knows comes back."""
    sizes = Sizes(*words)
    assert len(sizes.to_bytes()) == 80
    assert Sizes.from_bytes(sizes.to_bytes()) == sizes


@pytest.mark.parametrize("more, faces", [(0, 0), (12, 5), (32, 5)])
def test_sizes_of_other_lengths(more: int, faces: int) -> None:
    """92 and 112 bytes carry faces behind the 80; whole words nobody knows pass."""
    tail = b"".join(
        number.to_bytes(4, "little") for number in (5, 0, 400, 9, 9, 9, 9, 9)
    )
    sizes = Sizes.from_bytes(Sizes(records=3).to_bytes() + tail[:more])
    assert (sizes.records, sizes.faces) == (3, faces)
    assert sizes.face_capacity == (400 if faces else 0)


def test_each_count_has_its_own_place() -> None:
    """The offsets are those of zk-protocol 4."""
    data = b"".join(offset.to_bytes(4, "little") for offset in range(0, 92, 4))
    assert Sizes.from_bytes(data) == Sizes(
        users=16,
        fingers=24,
        records=32,
        operations=40,
        administrators=48,
        passwords=52,
        finger_capacity=56,
        user_capacity=60,
        record_capacity=64,
        fingers_free=68,
        users_free=72,
        records_free=76,
        faces=80,
        face_capacity=88,
    )


@given(st.integers(0, 0xFFFF), i32, i32)
def test_buffer_requests(inner: int, first: int, second: int) -> None:
    """Eleven bytes, undone by the parser."""
    request = BufferRequest(inner, first, second)
    assert len(request.to_bytes()) == 11
    assert BufferRequest.from_bytes(request.to_bytes()) == request


@given(u32, u32)
def test_windows(offset: int, size: int) -> None:
    """Eight bytes, unsigned, undone by the parser."""
    window = Window(offset, size)
    assert Window.from_bytes(window.to_bytes()) == window


def test_the_known_requests() -> None:
    """Log and users, byte for byte."""
    assert BufferRequest(13).to_bytes().hex() == "010d000000000000000000"
    assert BufferRequest(9, 5).to_bytes().hex() == "0109000500000000000000"


@given(u32)
def test_prepared_answers(size: int) -> None:
    """A descriptor gives the size, inline data gives itself."""
    assert parse_prepared(Frame(2000, 1, 1, descriptor(size, 7))) == Prepared(size)
    assert parse_prepared(Frame(1501, 1, 1, b"abc")) == Prepared(3, b"abc")
    assert parse_announcement(announcement(size, 1008)) == size


def test_a_descriptor_without_its_first_byte() -> None:
    """One firmware family starts with the size itself."""
    assert parse_prepared(Frame(2000, 1, 1, b"\xb4\x13\0\0")) == Prepared(5044)
    assert parse_prepared(Frame(2000, 1, 1, b"\xb4\x13\0\0\0")) == Prepared(5044)
    assert parse_prepared(Frame(2000, 1, 1, bytes(4))) == Prepared(0)


@given(u32)
def test_a_size_that_stands_there_twice_is_found(size: int) -> None:
    """With or without the zero byte before it, also when the size begins with one."""
    twice = struct.pack("<II", size, size)
    for data in (b"\0" + twice, twice, b"\0" + twice + b"\1\2\3\4"):
        assert parse_prepared(Frame(2000, 1, 1, data)) == Prepared(size)
    bare = twice + b"\1\2\3\4"
    assert parse_prepared(Frame(2000, 1, 1, bare)) == Prepared(size)
    assert parse_prepared(Frame(2000, 1, 1, b"\0\0\x14\0\0")) == Prepared(0x1400)


@given(st.binary(max_size=60))
def test_blocks(records: bytes) -> None:
    """A block is its own length and its records, nothing less and nothing more."""
    data = block(records)
    assert records_of(data) == records
    for wrong in (data + b"x", data[:-1]):
        with pytest.raises(ProtocolError, match=r"without its length|came with"):
            records_of(wrong)


def test_answers_without_data_are_refused() -> None:
    """A refusal is named by its code; a size must be there."""
    with pytest.raises(ProtocolError, match=r"did not prepare.*4989 \(NO_BUFFER\)"):
        parse_prepared(Frame(4989, 1, 1))
    with pytest.raises(ProtocolError, match="without a size"):
        parse_prepared(Frame(2000, 1, 1, b"\0\1\2"))
    with pytest.raises(ProtocolError, match="without a size"):
        parse_announcement(b"\0\1\2")


@pytest.mark.parametrize("data", [b"", bytes(10), bytes(11), b"\1" + bytes(11)])
def test_odd_requests_are_refused(data: bytes) -> None:
    """A server reads only requests of the known form."""
    with pytest.raises(ProtocolError, match="not a buffer request"):
        BufferRequest.from_bytes(data)
    with pytest.raises(ProtocolError, match="not a window"):
        Window.from_bytes(data)


def test_short_counts_are_refused() -> None:
    """79 bytes are no answer to the question for counts."""
    with pytest.raises(ProtocolError, match="79 bytes"):
        Sizes.from_bytes(bytes(79))
