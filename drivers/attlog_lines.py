"""Lines of a text file nobody vouches for: any encoding, any line ends, any length.

Memory is bounded whatever the file holds: of a line too long only its beginning is
kept, and a run of NULs (a stick pulled out too early) counts as one.
"""

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

MOST_BYTES = 4096
_CHUNK = 65536
_BOMS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line, its end kept; `number` counts from 1.

    `text` of a line that is too long is its first `MOST_BYTES` bytes.
    """

    number: int
    text: str
    is_ended: bool
    is_too_long: bool


def read_lines(file: BinaryIO, progress: Callable[[int], object]) -> Iterator[TextLine]:
    """Yield every line; `progress` is told the bytes read before each piece's lines.

    UTF-16 is known by its mark or by its zeros; a line of any other file is UTF-8
    where its bytes are that, else GB18030.
    """
    number = 0
    kept, beginning = b"", b""
    for chunk in _chunks(file, progress):
        pieces = (kept + chunk).splitlines(keepends=True)
        # A carriage return at the end may be half of a line end.
        whole = pieces and pieces[-1].endswith(b"\n")
        kept = b"" if whole or not pieces else pieces.pop()
        for piece in pieces:
            number += 1
            yield _line(number, piece, beginning)
            beginning = b""
        kept = _without_run(kept)
        if len(kept) > MOST_BYTES:
            beginning = beginning or kept[:MOST_BYTES]
            kept = kept[-1:]
    if kept or beginning:
        yield _line(number + 1, kept, beginning)


def _without_run(data: bytes) -> bytes:
    """Shorten NULs in front and behind; one behind stays, as what is there."""
    data = data.lstrip(b"\0")
    short = data.rstrip(b"\0")
    return data if short == data else short + b"\0"


def _line(number: int, data: bytes, beginning: bytes = b"") -> TextLine:
    """Make a line; `beginning` is there when more was read than is kept."""
    is_too_long = bool(beginning) or len(data.strip(b"\0\r\n")) > MOST_BYTES
    text = (beginning or data)[:MOST_BYTES] if is_too_long else data
    return TextLine(number, _decoded(text), data.endswith((b"\n", b"\r")), is_too_long)


def _decoded(data: bytes) -> str:
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gb18030", errors="replace")


def _chunks(file: BinaryIO, progress: Callable[[int], object]) -> Iterator[bytes]:
    """Yield the file piece by piece, two bytes a character turned into UTF-8."""
    start = file.read(4)
    encoding = _BOMS.get(start[:2]) or _bare_utf16(start)
    file.seek(2 if start[:2] in _BOMS else 0)
    decoder = codecs.getincrementaldecoder(encoding or "utf-8")(errors="replace")
    while piece := file.read(_CHUNK):
        progress(file.tell())
        yield decoder.decode(piece).encode() if encoding else piece
    progress(file.tell())
    if encoding:
        yield decoder.decode(b"", final=True).encode()


def _bare_utf16(start: bytes) -> str | None:
    """Tell two bytes a character by the zeros of the first two digits or blanks."""
    zeros = [byte == 0 for byte in start]
    if zeros == [False, True, False, True]:
        return "utf-16-le"
    return "utf-16-be" if zeros == [True, False, True, False] else None
