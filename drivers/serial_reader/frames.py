"""What serial readers send, from bytes to cards, without touching a port.

A decoder is a frozen value: it takes the bytes held so far and returns what was in them
and what must be held until more come. Bytes that are no card are never dropped in
silence: they come back as flaws with a name (zk-protocol 11.2 to 11.4).
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

STX, ETX = 0x02, 0x03
_FRAME_BYTES = 14
_FRAME = re.compile(rb"\x02([0-9A-Fa-f]{10})([0-9A-Fa-f]{2})\x03")
_PART = re.compile(rb"\x02[0-9A-Fa-f]{0,12}")
_MOST_LINE_BYTES = 512
_NUMBER_MASK, _SHORT_MASK, _LOW_MASK = 0xFFFFFFFF, 0xFF, 0xFFFF


class FlawKind(StrEnum):
    """Why bytes are no card."""

    NOISE = "noise"
    HALF_FRAME = "half_frame"
    CHECKSUM = "checksum"
    TOO_LONG = "too_long"
    NOT_A_CARD = "not_a_card"
    OVERFLOW = "overflow"


class Base(StrEnum):
    """What the digits of a line are."""

    TEXT = "text"
    DECIMAL = "decimal"
    HEX = "hex"


class Terminator(StrEnum):
    """What ends a line; `any` is CR, LF or both."""

    ANY = "any"
    CR = "cr"
    LF = "lf"
    CRLF = "crlf"
    TAB = "tab"


class CardText(StrEnum):
    """How the number of a card is written as a badge.

    `printed` is that of most fobs: the low four bytes, ten decimal digits. `plain` is
    the same without leading zeros. `wiegand` is the third byte, a comma, and the low
    two. `hex` is all of the number, in capitals, of an EM4100 card ten digits.
    """

    PRINTED = "printed"
    PLAIN = "plain"
    WIEGAND = "wiegand"
    HEX = "hex"


@dataclass(frozen=True, slots=True)
class Card:
    """One reading of a card: the badge as people write it, and the bytes it was."""

    badge: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Flaw:
    """Bytes that are no card, and why."""

    kind: FlawKind
    raw: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """What bytes held, in order, and the begun frame behind it."""

    found: tuple[Card | Flaw, ...]
    rest: bytes


class Decoder(Protocol):
    """Finds cards in bytes."""

    def take(self, data: bytes) -> Taken:
        """Read everything that is complete."""
        ...


def number_text(number: int, style: CardText, digits: int = 0) -> str:
    """Write the number of a card as a badge; `digits` pads hex from the left."""
    if style is CardText.HEX:
        return f"{number:0{max(digits, 1)}X}"
    low = number & _NUMBER_MASK
    if style is CardText.WIEGAND:
        return f"{low >> 16 & _SHORT_MASK:03d},{low & _LOW_MASK:05d}"
    return f"{low:010d}" if style is CardText.PRINTED else str(low)


@dataclass(frozen=True, slots=True)
class Em4100Frames:
    """RDM6300, RDM630 and their like: 02, ten hex digits, two of checksum, 03.

    The checksum is the exclusive or of the five bytes (zk-protocol 11.2).
    """

    style: CardText = CardText.PRINTED

    def take(self, data: bytes) -> Taken:
        """Find frames; the beginning of one at the very end is held."""
        found: list[Card | Flaw] = []
        at = 0
        while at < len(data):
            match = _FRAME.match(data, at)
            if match is not None:
                found.append(self._frame(match))
                at = match.end()
                continue
            begun = _PART.match(data, at)
            if begun is not None and begun.end() == len(data):
                return Taken(tuple(found), data[at:])
            end = data.find(STX, at + 1)
            end = len(data) if end < 0 else end
            kind = FlawKind.NOISE if begun is None else FlawKind.HALF_FRAME
            found.append(Flaw(kind, data[at:end]))
            at = end
        return Taken(tuple(found), b"")

    def _frame(self, match: re.Match[bytes]) -> Card | Flaw:
        number = bytes.fromhex(match[1].decode())
        check = 0
        for byte in number:
            check ^= byte
        if check != int(match[2], 16):
            return Flaw(FlawKind.CHECKSUM, match[0])
        text = number_text(int.from_bytes(number), self.style, len(match[1]))
        return Card(text, match[0])


@dataclass(frozen=True, slots=True)
class Lines:
    """A reader that sends one card as one line of text (zk-protocol 11.3, 11.4).

    `pattern` must match the whole line without blanks around it; the card is its group
    `card`, else its first group, else all of it. With a `base` that is no text the
    card is a number, written as `style` says.
    """

    pattern: re.Pattern[str]
    base: Base = Base.TEXT
    terminator: Terminator = Terminator.ANY
    style: CardText = CardText.PLAIN

    def take(self, data: bytes) -> Taken:
        """Find lines; what has no end yet is held.

        Of a line that is too long as much is held as shows that it is: its end must not
        pass for a line of its own.
        """
        *lines, rest = _ENDS[self.terminator].split(data)
        found = tuple(self._line(line) for line in lines if line.strip())
        return Taken(found, rest[: _MOST_LINE_BYTES + 1])

    def _line(self, line: bytes) -> Card | Flaw:
        if len(line) > _MOST_LINE_BYTES:
            return Flaw(FlawKind.TOO_LONG, line)
        text = line.decode(errors="replace").strip()
        if not text.isprintable() or "\ufffd" in text:
            return Flaw(FlawKind.NOISE, line)
        match = self.pattern.fullmatch(text)
        badge = self._badge(_card_of(match)) if match else ""
        return Card(badge, line) if badge else Flaw(FlawKind.NOT_A_CARD, line)

    def _badge(self, card: str) -> str:
        """Write what the pattern found as a badge; empty where it is none."""
        if self.base is Base.TEXT:
            return card
        try:
            number = int(card, 16 if self.base is Base.HEX else 10)
        except ValueError:
            return ""
        return number_text(number, self.style, len(card)) if number >= 0 else ""


_ENDS = {
    Terminator.ANY: re.compile(rb"[\r\n]+"),
    Terminator.CR: re.compile(rb"\r"),
    Terminator.LF: re.compile(rb"\n"),
    Terminator.CRLF: re.compile(rb"\r\n"),
    Terminator.TAB: re.compile(rb"\t"),
}


def _card_of(match: re.Match[str]) -> str:
    named = match.groupdict().get("card")
    found = named or (match[1] if match.re.groups else match[0])
    return (found or "").strip()


def em4100_frame(number: bytes) -> bytes:
    """Return the frame of a card's five bytes, as a reader sends it."""
    check = 0
    for byte in number:
        check ^= byte
    text = f"{number.hex()}{check:02x}".upper()
    return bytes([STX, *text.encode(), ETX])
