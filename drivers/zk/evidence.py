"""How well a layout explains bytes: in bits saved against bytes that mean nothing.

Every field of a record costs as many bits as it is surprising: a badge that was there
before costs little, a known code little, the next date little more than the logarithm
of the seconds since the last; a date outside the sane window or a garbled badge costs
more than its own bytes. What is left against eight bits and fewer a byte is evidence.
"""

import struct
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache, partial
from itertools import takewhile
from math import log2
from typing import Any

from drivers.zk.records import Ids, Layout
from drivers.zk.text import BADGE_BYTES, decode_badge
from drivers.zk.times import encode_time

# A terminal whose clock lost its battery counts from 2000. Zero itself is no date: so
# do bytes look that were never written.
_SANE_FROM, _RESET_FROM = encode_time("2005-01-01T00:00:00"), 1
_VERIFY = frozenset({*range(16), *range(25, 30), *range(128, 143), 200})
_STATES = frozenset({0, 1, 2, 3, 4, 5, 255})
_OPERATIONS = frozenset(
    {*range(33), 70, 71, 82, 83, 101, 106, 107, 113, *range(115, 127)}
)
# An operation log has the dates where records of 16 bytes have them. Read as one, only
# what stands for a badge differs: who did what.
OPERATIONS = Layout(
    "operations",
    Ids.NUMBER,
    ("admin", "code", "pad", "packed", "verify", "state", "tail", "third", "fourth"),
    struct.Struct("<HB1sIBB2sHH"),
    2,
)
# Bits: of a number whose size nobody knows, beside its own; of what should not be.
_SIZE_BITS, _ODD_BITS = 5.0, 10.0
_STEP_BITS, _BACK_BITS, _JUMP_BITS = 0.5, 6.0, 4.0
_IMPOSSIBLE_BITS, _RESET_BITS, _UNKNOWN_BITS = 6.0, 9.0, 6.0
_EXTRA_BITS, _ADMIN_BITS = 5.0, 15.0
_WORD_BYTES = 4
# At least so many records say something.
_SOUND = 0.6
_SHORT_MONTHS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


class _Seen:
    """Values that come again cost less each time; a new one its own bits as well."""

    def __init__(self, fresh: Callable[[Any], float]) -> None:
        self._fresh = fresh
        self._counts: Counter[Hashable] = Counter()
        self._total = 1

    def bits(self, value: Hashable) -> float:
        """Return what this value costs here, and remember it."""
        count = self._counts[value]
        cost = log2(self._total)
        cost += -log2(count) if count else self._fresh(value)
        self._counts[value] += 1
        self._total += 1
        return cost


class _Dates:
    """Dates mostly follow each other; how many could be believed is counted."""

    def __init__(self, until: int) -> None:
        self._until = until
        self._before: int | None = None
        self.believed = 0

    def bits(self, packed: int) -> float:
        """Return what this date costs after the one before."""
        sane = _SANE_FROM <= packed < self._until
        if not (sane or _RESET_FROM <= packed < _SANE_FROM):
            return 32 + _ODD_BITS
        self.believed += 1
        before, self._before = self._before, packed
        fresh = (
            log2(self._until - _SANE_FROM) if sane else _number(packed) + _RESET_BITS
        )
        if before is not None:
            step = log2(abs(packed - before) + 1) + _SIZE_BITS
            step += _STEP_BITS if packed >= before else _BACK_BITS
            fresh = min(fresh + _JUMP_BITS, step)
        return fresh + (0 if _possible(packed) else _IMPOSSIBLE_BITS)


def _possible(packed: int) -> bool:
    """Return whether the calendar has this day; 29 February counts in every year."""
    days = packed // 86400
    return days % 31 < _SHORT_MONTHS.get(days // 31 % 12 + 1, 31)


def _number(value: int) -> float:
    """Bits of a number: small ones are likelier; zero is nobody."""
    return log2(value + 1) + _SIZE_BITS if value else _ODD_BITS + _SIZE_BITS


def _work(value: int) -> float:
    """Bits of a work code: mostly none, and short."""
    return _EXTRA_BITS + 1.5 * _number(value) if value else 1.0


def _parameter(value: int) -> float:
    """Bits of a number behind an operation: mostly none."""
    return _EXTRA_BITS + _number(value) if value else 1.0


def _admin(value: int) -> float:
    """Bits of a person in charge: mostly nobody, and there are few."""
    return _ADMIN_BITS + _number(value) if value else 1.0


def _code(value: int, known: frozenset[int]) -> float:
    return log2(len(known)) if value in known else 8 + _UNKNOWN_BITS


def _raw(data: bytes) -> float:
    """Bits of bytes nobody knows the meaning of; zeros are likely."""
    zeros = data.count(0)
    return 1.0 if zeros == len(data) else 1.0 + zeros + 9 * (len(data) - zeros)


class _Badges:
    """Text badges: digits are likelier than letters, a beginning as before likelier."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._before = b""

    def bits(self, field: bytes) -> float:
        """Return what a new badge costs; garbage costs more than its bytes."""
        if not _printable(field, self._encoding):
            return 8 * BADGE_BYTES + _ODD_BITS
        text = field.rstrip(b"\0")
        pairs = zip(text, self._before, strict=False)
        same = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
        self._before = text
        return min(_text(text), _SIZE_BITS + _text(text[same:]))


def _printable(field: bytes, encoding: str) -> bool:
    badge = decode_badge(field, encoding)
    garbage = "\ufffd" in badge or b"\0" in field.rstrip(b"\0")
    return bool(badge) and badge.isprintable() and not garbage


def _text(text: bytes) -> float:
    if text.isdigit() or not text:
        return _SIZE_BITS + 3.4 * len(text)
    return _SIZE_BITS + 2 + (6.6 if text.isascii() else 8.0) * len(text)


def _slot(slot: int, slots: Mapping[int, str] | None) -> float:
    """Bits of a user's internal number; one without a user is odd, yet happens."""
    if slots is None:
        return _number(slot)
    if slot in slots:
        return log2(len(slots)) + 1
    return _number(slot) + _ODD_BITS / 2


class _Place:
    """What stands before a badge: its user's slot, a serial number, or nothing."""

    def __init__(self) -> None:
        self._of: dict[object, int] = {}
        self._last = 0

    def bits(self, slot: int, badge: object) -> float:
        """Return what this number costs before this badge."""
        known, before = self._of.get(badge), self._last
        self._of[badge] = self._last = slot
        if slot == known:
            return 1.0
        if slot == before + 1:
            return 2.0
        return 19.0 if slot else 3.0


class _Reader:
    """Adds up what the records of one layout cost."""

    def __init__(
        self, layout: Layout, known: tuple[str, Mapping[int, str] | None], until: int
    ) -> None:
        self._encoding, slots = known
        badges: dict[Ids, Callable[[Any], float]] = {
            Ids.TEXT: _Badges(self._encoding).bits,
            Ids.NUMBER: _number,
            Ids.SLOT: partial(_slot, slots=slots),
        }
        self._dates = _Dates(until)
        self._known = Counter[str]()
        self._layout = layout
        self._place = _Place()
        self._seen = {
            "slot" if layout.ids is Ids.SLOT else "id": _Seen(badges[layout.ids]),
            "verify": _Seen(partial(_code, known=_VERIFY)),
            "state": _Seen(partial(_code, known=_STATES)),
            "admin": _Seen(_admin),
            "code": _Seen(partial(_code, known=_OPERATIONS)),
            "pad": _Seen(_raw),
            "third": _Seen(_parameter),
            "fourth": _Seen(_parameter),
            "work": _Seen(_work),
            "tail": _Seen(_raw),
        }

    @property
    def believed(self) -> int:
        """Records with a date, and with a badge of text, else with known codes."""
        proofs = ("badge",) if self._layout.ids is Ids.TEXT else ("verify", "state")
        return min(self._dates.believed, *(self._known[proof] for proof in proofs))

    def bits(self, record: bytes) -> float:
        """Return what a record costs after those before it."""
        layout = self._layout
        values = dict(zip(layout.fields, layout.form.unpack(record), strict=True))
        cost = self._dates.bits(values["packed"])
        self._known["verify"] += values["verify"] in _VERIFY
        self._known["state"] += values["state"] in _STATES
        if layout.ids is Ids.TEXT:
            self._known["badge"] += _printable(values["id"], self._encoding)
        if layout.ids is Ids.TEXT:
            cost += self._place.bits(values["slot"], values["id"])
        return cost + sum(
            seen.bits(values[name])
            for name, seen in self._seen.items()
            if name in values
        )


def evidence(
    layout: Layout,
    records: bytes,
    known: tuple[str, Mapping[int, str] | None],
    until: str,
) -> tuple[float, float]:
    """Return the bits this layout saves, and the share of records to be believed.

    `records` is a whole number of records, `known` the terminal's encoding and its
    badges by slot; dates from `until` on are not sane.
    """
    reader = _Reader(layout, known, encode_time(until))
    size = layout.size
    prices = _meaningless(records)
    saved = [
        sum(prices[at : at + size]) - reader.bits(records[at : at + size])
        for at in range(0, len(records), size)
    ]
    if sum(bits > 0 for bits in saved) < _SOUND * len(saved):
        return min(sum(saved), 0.0), 0.0
    # The others are damaged: more than that they cannot cost.
    bits = sum(max(bits, -_ODD_BITS) for bits in saved)
    return bits, reader.believed / len(saved)


@lru_cache(maxsize=4)
def _meaningless(data: bytes) -> tuple[float, ...]:
    """Bits of each byte when only is known what came before, as bytes or as words."""
    counts = [0.5] * 256
    bytewise = []
    for total, byte in enumerate(data, 128):
        bytewise.append(log2(total / counts[byte]))
        counts[byte] += 1
    words: Counter[bytes] = Counter()
    wordwise: list[float] = []
    for total, at in enumerate(range(0, len(data), _WORD_BYTES), 1):
        word = data[at : at + _WORD_BYTES]
        fresh = bytewise[at : at + _WORD_BYTES]
        if words[word]:
            fresh = [log2(total / words[word]) / len(word)] * len(word)
        else:
            fresh[0] += log2(total)
        words[word] += 1
        wordwise += fresh
    plain = [8.0] * len(data)
    return tuple(min(bytewise, wordwise, plain, key=sum))
