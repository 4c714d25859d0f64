"""Badges and names as bytes on a terminal, and the text they are.

No terminal says how it writes text (zk-protocol 5.3): GBK on Chinese units, UTF-8 on
newer ones, code pages elsewhere, cut at the field's end even inside a character.
Nothing here raises for odd bytes: the raw record is kept beside the text.
"""

import codecs
from functools import lru_cache

BADGE_BYTES = 24
NAME_BYTES = 24

# Encodings that write one character as two high bytes. Such a pair can pass for a
# two-byte UTF-8 character, so UTF-8 needs better proof against these.
_TWO_BYTE = frozenset(
    {"gb18030", "gbk", "gb2312", "big5", "big5hkscs", "cp949", "cp950", "euc_kr"}
)
_FIRST_OF_THREE_BYTES = "\u0800"


@lru_cache(maxsize=8192)
def decode_badge(field: bytes, encoding: str) -> str:
    """Badge: the bytes up to the first NUL without padding blanks, as text.

    Leading zeros and control characters stay: a badge is what the terminal holds.
    """
    return _decode(field.split(b"\0", 1)[0].strip(b" "), encoding)


def decode_name(field: bytes, encoding: str) -> str:
    """Name: as a badge, but a character cut by the field's end is left out."""
    return _decode(field.split(b"\0", 1)[0].strip(b" "), encoding).rstrip("\ufffd ")


def encode_field(text: str, size: int, encoding: str) -> bytes:
    """Text as a field of `size` bytes, NUL padded.

    Raises:
        ValueError: longer than the field, with a NUL in it, or not in this encoding.
    """
    data = text.encode(encoding)
    if len(data) > size:
        raise ValueError(f"{text!r} is {len(data)} bytes long; the field holds {size}")
    if b"\0" in data:
        raise ValueError(f"{text!r} holds a NUL, which ends a field")
    return data.ljust(size, b"\0")


def _decode(data: bytes, encoding: str) -> str:
    """UTF-8 where the bytes prove it, else the terminal's encoding.

    Chinese in UTF-8 has three bytes a character and hardly ever passes for anything
    else; «一» in GBK (D2 BB) passes for one Cyrillic letter. So against a two-byte
    encoding only a character of three bytes or more counts as proof.
    """
    if data.isascii():
        return data.decode("ascii")
    text = _whole_utf8(data)
    if text is not None and (
        max(text) >= _FIRST_OF_THREE_BYTES
        or codecs.lookup(encoding).name not in _TWO_BYTE
    ):
        return text
    return data.decode(encoding, errors="replace")


def _whole_utf8(data: bytes) -> str | None:
    """UTF-8 reading, a character cut at the end left out; None if it is no UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        kept = data[: error.start]
        # A last byte alone after plain letters is a letter of another code page.
        if error.reason != "unexpected end of data" or kept.isascii():
            return None
        return kept.decode("utf-8")
