"""What serial readers send: frames and lines, split, damaged and drowned in noise."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.serial_reader.debounce import Debounce
from drivers.serial_reader.frames import (
    Base,
    Card,
    CardText,
    Decoder,
    Em4100Frames,
    Flaw,
    FlawKind,
    Lines,
    Terminator,
    em4100_frame,
    number_text,
)

# Numbers of public samples, checked by hand in zk-protocol 11.2.
SAMPLE = b"\x020100\x36\x33E9AE25\x03"
FOB = bytes.fromhex("010063e9ae")
NUMBERS = st.binary(min_size=5, max_size=5)


def flow(decoder: Decoder, *pieces: bytes) -> tuple[list[Card | Flaw], bytes]:
    """Feed pieces one after the other; return what was found and what is held."""
    found: list[Card | Flaw] = []
    rest = b""
    for piece in pieces:
        taken = decoder.take(rest + piece)
        found += taken.found
        rest = taken.rest
    return found, rest


def badges(found: list[Card | Flaw]) -> list[str]:
    """Return the badges of the cards."""
    return [one.badge for one in found if isinstance(one, Card)]


def kinds(found: list[Card | Flaw]) -> list[FlawKind]:
    """Return the names of the flaws."""
    return [one.kind for one in found if isinstance(one, Flaw)]


def test_a_known_fob_has_the_number_printed_on_it() -> None:
    """The public sample decodes to the number its fob shows, and is built alike."""
    assert em4100_frame(FOB) == SAMPLE
    assert flow(Em4100Frames(), SAMPLE) == ([Card("0006547886", SAMPLE)], b"")
    assert em4100_frame(bytes.fromhex("100086f444"))[11:13] == b"26"


@pytest.mark.parametrize(
    "style,badge",
    [
        (CardText.PRINTED, "0006547886"),
        (CardText.PLAIN, "6547886"),
        (CardText.WIEGAND, "099,59822"),
        (CardText.HEX, "010063E9AE"),
    ],
)
def test_styles_of_badges(style: CardText, badge: str) -> None:
    """One card can be written as people, books and fobs write it."""
    assert badges(flow(Em4100Frames(style), SAMPLE)[0]) == [badge]
    assert number_text(0x5A, CardText.HEX) == "5A"


@given(st.lists(NUMBERS, min_size=1, max_size=5), st.data())
def test_frames_survive_any_split(numbers: list[bytes], data: st.DataObject) -> None:
    """Where the bytes are cut makes no difference."""
    stream = b"".join(map(em4100_frame, numbers))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)))))
    edges = [0, *cuts, len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    found, rest = flow(Em4100Frames(CardText.HEX), *pieces)
    assert badges(found) == [number.hex().upper() for number in numbers]
    assert (kinds(found), rest) == ([], b"")


@given(st.binary(max_size=80), st.integers(1, 80))
def test_noise_is_named_and_nothing_of_it_vanishes(noise: bytes, size: int) -> None:
    """Every byte comes back in a card, in a flaw, or is held: none is dropped."""
    pieces = [noise[at : at + size] for at in range(0, len(noise), size)]
    found, rest = flow(Em4100Frames(), *pieces)
    assert b"".join(one.raw for one in found) + rest == noise
    after, _ = flow(Em4100Frames(), *pieces, SAMPLE)
    assert badges(after)[-1:] == ["0006547886"], "noise must not swallow a good frame"


@pytest.mark.parametrize(
    "stream,flaws,cards",
    [
        (SAMPLE[:-3] + b"24\x03" + SAMPLE, [FlawKind.CHECKSUM], 1),
        (SAMPLE[:6] + SAMPLE, [FlawKind.HALF_FRAME], 1),
        (SAMPLE[:-1] + b"x" + SAMPLE, [FlawKind.HALF_FRAME], 1),
        (b"\xff\x00\x80" + SAMPLE, [FlawKind.NOISE], 1),
        (SAMPLE + b"\r\n" + SAMPLE, [FlawKind.NOISE], 2),
        (b"\x02\x02\x02" + SAMPLE, [FlawKind.HALF_FRAME] * 3, 1),
    ],
)
def test_flaws_have_names(stream: bytes, flaws: list[FlawKind], cards: int) -> None:
    """What is wrong with bytes is said, and the frame behind them is read."""
    found, rest = flow(Em4100Frames(), stream)
    assert (kinds(found), len(badges(found)), rest) == (flaws, cards, b"")


def test_one_changed_digit_is_no_other_card() -> None:
    """A changed bit in any digit of number or checksum never gives a card."""
    for at in range(1, 13):
        for bit in range(8):
            damaged = bytearray(SAMPLE)
            damaged[at] ^= 1 << bit
            found, _ = flow(Em4100Frames(), bytes(damaged))
            wrong = [badge for badge in badges(found) if badge != "0006547886"]
            assert wrong == [], f"byte {at}, bit {bit}"


def lines(pattern: str, **more: object) -> Lines:
    """Return a line reader."""
    return Lines(re.compile(pattern), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "decoder,stream,expected",
    [
        (lines(r"[0-9A-F]{6}", base=Base.HEX), b"63E9AE\r", ["6547886"]),
        (lines(r"\d{10}"), b"0006547886\r\n", ["0006547886"]),
        (lines(r"\d{10}", base=Base.DECIMAL), b"0006547886\r\n", ["6547886"]),
        (lines(r"ID=(\w+)"), b"ID=A17\rID=B2\n", ["A17", "B2"]),
        (lines(r"(x)(?P<card>\d+)"), b"x12\r", ["12"]),
        (lines(r"\w+", terminator=Terminator.TAB), b"QR1\tQR2\t", ["QR1", "QR2"]),
        (lines(r"\w+", terminator=Terminator.CRLF), b"A\r\nB\r\n", ["A", "B"]),
        (lines(r"\w+", terminator=Terminator.LF), b"A\r\nB\n", ["A", "B"]),
        (lines("工号(.+)"), "工号七\r".encode(), ["七"]),
        (
            lines(r"[0-9a-f]+", base=Base.HEX, style=CardText.PRINTED),
            b"63e9ae\r",
            ["0006547886"],
        ),
    ],
)
def test_lines_by_setting(decoder: Lines, stream: bytes, expected: list[str]) -> None:
    """Pattern, base and terminator make a card of a converter's or scanner's line."""
    found, rest = flow(decoder, *[bytes([byte]) for byte in stream])
    assert (badges(found), kinds(found), rest.strip()) == (expected, [], b"")


@pytest.mark.parametrize(
    "stream,kind",
    [
        (b"hello\r", FlawKind.NOT_A_CARD),
        (b"\xff\xfe\r", FlawKind.NOISE),
        (b"1\x002\r", FlawKind.NOISE),
        (b"7" * 2000 + b"\r", FlawKind.TOO_LONG),
    ],
)
def test_lines_that_are_no_card(stream: bytes, kind: FlawKind) -> None:
    """A line that does not fit is named, whole or split, and the next one is read."""
    for pieces in ([stream], [bytes([byte]) for byte in stream]):
        found, _ = flow(lines(r"\d+"), *pieces, b"42\r")
        assert (kinds(found), badges(found)) == ([kind], ["42"])


def test_digits_that_are_no_number() -> None:
    """A pattern wider than its base gives flaws, never a crash or half a number."""
    found, _ = flow(lines(r".*", base=Base.HEX), b"xyz\r-12\r()\r")
    assert kinds(found) == [FlawKind.NOT_A_CARD] * 3
    found, _ = flow(lines(r"a(\d*)"), b"a\r")
    assert kinds(found) == [FlawKind.NOT_A_CARD]


@given(st.binary(max_size=2000))
def test_lines_take_any_bytes(noise: bytes) -> None:
    """No bytes can make a line reader fail or hold more than one line."""
    found, rest = flow(lines(r"\w+", base=Base.HEX), noise)
    assert len(rest) <= 513
    assert len(found) <= len(noise)


def test_a_card_left_lying_is_one_presentation() -> None:
    """Repeats do not count, however long; after a silence the card is a new one."""
    debounce = Debounce(0.5)
    repeats = [debounce.is_new("a", 0.05 * n) for n in range(200)]
    assert repeats == [True] + [False] * 199
    assert not debounce.is_new("a", 10.4)
    assert debounce.is_new("a", 10.91)


def test_two_cards_at_once_are_two_presentations() -> None:
    """Cards that take turns in one field are told apart, each once."""
    debounce = Debounce(0.5)
    seen = [debounce.is_new("ab"[n % 2], 0.05 * n) for n in range(100)]
    assert seen == [True, True] + [False] * 98


def test_debounce_forgets_cards_that_have_gone() -> None:
    """Thousands of different cards do not fill the memory."""
    debounce = Debounce(0.5)
    assert all(debounce.is_new(str(n), n * 0.01) for n in range(20_000))
    assert len(debounce._seen) <= 1_001
