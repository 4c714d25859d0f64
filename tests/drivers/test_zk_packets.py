"""Frames: the checksum, both forms, and a TCP stream cut or glued anywhere."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import ProtocolError
from drivers.zk.packets import MAX_FRAME_BYTES, Frame, FrameSplitter, checksum

u16 = st.integers(0, 0xFFFF)
frames = st.builds(Frame, u16, u16, u16, st.binary(max_size=300))


def plain_checksum(data: bytes) -> int:
    """Add word by word, fold and invert: the definition, written out."""
    total = 0
    for at in range(0, len(data), 2):
        total += int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "little")
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@pytest.mark.parametrize(
    "data, expected",
    [
        (bytes.fromhex("0b000000f38d0300") + b"ZKFaceVersion\0", 0x175A),
        (bytes.fromhex("d0070000f38d0a0009"), 0x6A29),
        (b"", 0xFFFF),
        (bytes(8), 0xFFFF),
        (b"\xff\xff", 0),
        (b"\xff\xff\xff\xff", 0),
    ],
)
def test_known_checksums(data: bytes, expected: int) -> None:
    """The published vectors, and both zeros of ones'-complement arithmetic."""
    assert checksum(data) == expected


@given(st.binary(max_size=2000))
def test_checksum_is_the_plain_loop(data: bytes) -> None:
    """One division gives what adding word by word gives, for any bytes."""
    assert checksum(data) == plain_checksum(data)
    assert checksum(memoryview(data)) == plain_checksum(data)


@given(st.integers(0, 20_000), st.randoms(use_true_random=False))
def test_checksum_of_long_data(size: int, rng: Random) -> None:
    """Data of many pieces, odd lengths too, sums up as the plain loop says."""
    data = rng.randbytes(size)
    assert checksum(data) == plain_checksum(data)
    assert checksum(b"\xff" * size) == plain_checksum(b"\xff" * size)


@given(frames)
def test_a_frame_survives_both_forms(frame: Frame) -> None:
    """from_bytes undoes to_bytes; the TCP form is the same behind 8 bytes."""
    body = frame.to_bytes()
    assert Frame.from_bytes(body) == frame
    assert frame.to_tcp()[8:] == body
    assert int.from_bytes(frame.to_tcp()[4:8], "little") == len(body)


@pytest.mark.parametrize(
    "frame, expected",
    [
        (Frame(1000, 0, 0), "5050827d08000000e80317fc00000000"),
        (
            Frame(1503, 0x1234, 5, bytes.fromhex("010d000000000000000000")),
            "5050827d13000000df05e6da34120500010d000000000000000000",
        ),
        (
            Frame(1504, 0x1234, 6, bytes.fromhex("c0ff000000100000")),
            "5050827d10000000e00524d834120600c0ff000000100000",
        ),
    ],
)
def test_known_frames(frame: Frame, expected: str) -> None:
    """CONNECT and the two buffer requests, byte for byte."""
    assert frame.to_tcp().hex() == expected


@given(frames, st.data())
def test_a_changed_bit_is_refused(frame: Frame, data: st.DataObject) -> None:
    """No packet with one wrong bit is taken, and the bytes are kept."""
    body = bytearray(frame.to_bytes())
    bit = data.draw(st.integers(0, len(body) * 8 - 1))
    body[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ProtocolError, match="wrong checksum") as caught:
        Frame.from_bytes(bytes(body))
    assert caught.value.data == bytes(body)


def test_both_zeros() -> None:
    """Words that sum up to all ones have the checksum 0; none at all have 0xFFFF."""
    ones = Frame(0xFFFF, 0, 0)
    assert ones.to_bytes() == b"\xff\xff\0\0\0\0\0\0"
    assert Frame.from_bytes(ones.to_bytes()) == ones
    with pytest.raises(ProtocolError, match="wrong checksum"):
        Frame.from_bytes(b"\xff\xff\xff\xff\0\0\0\0")
    nothing = b"\0\0\xff\xff\0\0\0\0"
    assert Frame.from_bytes(nothing) == Frame(0, 0, 0)
    assert Frame(0, 0, 0).to_bytes() == nothing


def test_eight_zero_bytes_are_no_packet() -> None:
    """Nothing but zeros has the wrong checksum, though it sums up to zero."""
    with pytest.raises(ProtocolError, match="wrong checksum"):
        Frame.from_bytes(bytes(8))


def test_a_packet_shorter_than_its_header_is_refused() -> None:
    """Seven bytes hold no header."""
    with pytest.raises(ProtocolError, match="7 bytes is shorter"):
        Frame.from_bytes(bytes(7))


@given(st.lists(frames, max_size=8), st.data())
def test_cuts_do_not_change_the_frames(sent: list[Frame], data: st.DataObject) -> None:
    """Cut and glued anywhere, the same frames come out in the same order."""
    stream = b"".join(frame.to_tcp() for frame in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    splitter = FrameSplitter()
    got: list[Frame] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        got += splitter.feed(stream[start:end])
    assert got == sent
    assert splitter.pending == 0


def test_byte_by_byte_and_a_long_frame() -> None:
    """Lengths of more than 16 bits count; a frame comes out with its last byte."""
    long = Frame(1501, 1, 2, bytes(range(256)) * 300)
    splitter = FrameSplitter()
    stream = long.to_tcp()
    for byte in stream[:-1]:
        assert splitter.feed(bytes((byte,))) == []
    assert splitter.pending == len(stream) - 1
    assert splitter.feed(stream[-1:]) == [long]


@pytest.mark.parametrize(
    "answer, words",
    [
        (
            b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n",
            'not a ZK terminal: it answered "HTTP/1.1 400 Bad Request"',
        ),
        (b"SSH-2.0-x\n", 'not a ZK terminal: it answered "SSH-2.0-x"'),
        (b"\xaa\x01\x00\x00", "an access panel answered"),
        (b"\x50\x50\x83\x7c\x08\0\0\0", "secure firmware"),
        (b"\x16\x03\x01\x02", "it answered the bytes 16 03 01 02"),
        (b"\xe4\xb8\xad", "it answered the bytes e4 b8 ad"),
        (b"\r\n", "it answered the bytes 0d 0a"),
        (b"Q", 'it answered "Q"'),
    ],
)
def test_other_peers_are_named_in_one_sentence(answer: bytes, words: str) -> None:
    """Whoever does not speak this protocol is named, from its first wrong byte on."""
    with pytest.raises(ProtocolError, match=words.replace(".", r"\.")) as caught:
        FrameSplitter().feed(answer)
    assert caught.value.data == answer


@pytest.mark.parametrize("size", [0, 7, MAX_FRAME_BYTES + 1, 0xFFFFFFFF])
def test_impossible_lengths_are_refused(size: int) -> None:
    """A frame is at least a header and never larger than any terminal sends."""
    with pytest.raises(ProtocolError, match=f"says it is {size} bytes long"):
        FrameSplitter().feed(b"\x50\x50\x82\x7d" + size.to_bytes(4, "little"))


def test_good_frames_before_bad_bytes_are_handed_out_first() -> None:
    """The refusal follows with the next call and stays."""
    good = Frame(2000, 1, 1)
    splitter = FrameSplitter()
    assert splitter.feed(good.to_tcp() + b"HTTP/1.1") == [good]
    for data in (b"", b"more"):
        with pytest.raises(ProtocolError, match="not a ZK terminal"):
            splitter.feed(data)


def test_a_server_may_look_past_a_damaged_frame() -> None:
    """`split` keeps the border of a frame with a wrong checksum; `feed` refuses it."""
    good, bad = Frame(2000, 1, 1), bytearray(Frame(50, 1, 2).to_tcp())
    bad[-1] ^= 1
    stream = bytes(bad) + good.to_tcp()
    assert FrameSplitter().split(stream) == [bytes(bad[8:]), good.to_bytes()]
    with pytest.raises(ProtocolError, match="wrong checksum"):
        FrameSplitter().feed(stream)
