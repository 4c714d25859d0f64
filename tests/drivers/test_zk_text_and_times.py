"""Device time and device text: every number and every byte has a reading."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drivers.zk.text import decode_badge, decode_name, encode_field
from drivers.zk.times import decode_time, decode_time6, encode_time, encode_time6


@pytest.mark.parametrize(
    "packed, text",
    [
        (0x2368B36B, "2018-06-25T17:50:35"),
        (0x33825720, "2026-11-21T02:00:00"),
        (0, "2000-01-01T00:00:00"),
        (0xFFFFFFFF, "2133-08-18T06:28:15"),
    ],
)
def test_known_times(packed: int, text: str) -> None:
    """Published examples and both ends, in both directions."""
    assert decode_time(packed) == text
    assert encode_time(text) == packed


@given(st.integers(0, 0xFFFFFFFF))
def test_every_packed_time_comes_back(packed: int) -> None:
    """Text of any packed number, impossible dates included, gives the number."""
    assert encode_time(decode_time(packed)) == packed


def test_31_february_keeps_its_digits() -> None:
    """A date no calendar knows is neither moved nor refused."""
    assert decode_time(encode_time("2026-02-31T08:00:00")) == "2026-02-31T08:00:00"


@pytest.mark.parametrize(
    "text",
    [
        "1999-12-31T23:59:59",
        "2133-08-18T06:28:16",
        "2026-13-01T00:00:00",
        "2026-00-01T00:00:00",
        "2026-01-32T00:00:00",
        "2026-01-00T00:00:00",
        "2026-01-01T24:00:00",
        "2026-01-01T00:60:00",
        "2026-01-01T00:00:60",
        "2026-01-01 00:00:00",
        "2026-01-01T00:00:00Z",
        "",
    ],
)
def test_times_no_terminal_can_hold(text: str) -> None:
    """What does not fit the packed form is refused before it becomes another time."""
    with pytest.raises(ValueError, match="time"):
        encode_time(text)


def test_six_byte_times() -> None:
    """The published example, impossible dates, and the range of a year byte."""
    assert decode_time6(bytes.fromhex("120619112905")) == "2018-06-25T17:41:05"
    assert encode_time6("2018-06-25T17:41:05").hex() == "120619112905"
    assert decode_time6(encode_time6("2026-02-31T08:00:00")) == "2026-02-31T08:00:00"
    for text in ("1999-01-01T00:00:00", "2256-01-01T00:00:00"):
        with pytest.raises(ValueError, match="an event cannot hold"):
            encode_time6(text)


@pytest.mark.parametrize(
    "field, encoding, text",
    [
        (b"0042".ljust(24, b"\0"), "gb18030", "0042"),
        (b"   42  ".ljust(24, b"\0"), "gb18030", "42"),
        (b"42\0garbage", "gb18030", "42"),
        (b"A" * 24, "gb18030", "A" * 24),
        (b"\x01\n42", "gb18030", "\x01\n42"),
        (bytes(24), "gb18030", ""),
        ("甲二".encode("gb18030"), "gb18030", "甲二"),
        ("甲二".encode(), "gb18030", "甲二"),
        ("一".encode("gb18030"), "gb18030", "一"),
        ("一".encode("gbk"), "GBK", "一"),
        ("José".encode(), "latin-1", "José"),
        ("José".encode("latin-1"), "latin-1", "José"),
        ("Иван".encode("cp1251"), "cp1251", "Иван"),
        (b"\xff\xfe", "utf-8", "\ufffd\ufffd"),
    ],
)
def test_badges(field: bytes, encoding: str, text: str) -> None:
    """NUL ends it, blanks pad it, zeros lead it; UTF-8 counts only where proved."""
    assert decode_badge(field, encoding) == text


@pytest.mark.parametrize(
    "field, encoding, text",
    [
        ("欧阳甲二三四五六七".encode()[:23], "gb18030", "欧阳甲二三四五"),
        (
            "欧阳甲二三四五六七八九十甲".encode("gb18030")[:23],
            "gb18030",
            "欧阳甲二三四五六七八九",
        ),
        (b"A\xc8", "cp1251", "A\u0418"),
        (b"\xe4\xb8", "utf-8", ""),
        ("  甲 二 ".encode("gb18030"), "gb18030", "甲 二"),
    ],
)
def test_cut_names(field: bytes, encoding: str, text: str) -> None:
    """A character cut by the end of the field is left out, the rest is read."""
    assert decode_name(field, encoding) == text


@given(st.binary(max_size=24), st.sampled_from(["gb18030", "utf-8", "cp1256", "big5"]))
@example(b"\xc3", "gb18030")
def test_no_bytes_raise(field: bytes, encoding: str) -> None:
    """Odd bytes are read as well as they can be, and always the same."""
    assert decode_badge(field, encoding) == decode_badge(field, encoding)
    assert decode_name(field, encoding) == decode_name(field, encoding)


@given(st.text("0123456789ABCabc甲乙丙一王", min_size=1, max_size=11))
def test_written_badges_come_back(text: str) -> None:
    """What a terminal writes in its own encoding is read as that."""
    assert decode_badge(encode_field(text, 24, "gb18030"), "gb18030") == text


def test_fields_that_do_not_fit() -> None:
    """Nothing is cut silently."""
    assert encode_field("x" * 24, 24, "ascii") == b"x" * 24
    with pytest.raises(ValueError, match="25 bytes long; the field holds 24"):
        encode_field("x" * 25, 24, "ascii")
    with pytest.raises(ValueError, match="NUL"):
        encode_field("a\0b", 24, "ascii")
    with pytest.raises(ValueError, match="codec can't encode"):
        encode_field("甲", 24, "ascii")
