"""Logs as terminals write them, of every layout, and other bytes that are none.

Everything follows from one `Random`: whoever prints the seed can make it again. The
bytes are packed here from the paper (zk-protocol 5.1), not by the code under test.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

YEAR = 372 * 86400
SAMPLE_BYTES = 8192
JUNK = bytes.fromhex("ff32353500 00000000".replace(" ", ""))
SIZES = {"40": 40, "49": 49, "36": 36, "16": 16, "8a": 8, "8b": 8}
COUNTS = ("right", "zero", "none", "off", "lying")
# Kinds of logs: what is odd about them. «tails» has other unknown bytes each time.
KINDS = (
    "plain",
    "reset",
    "all reset",
    "impossible",
    "chinese",
    "odd codes",
    "junk",
    "damaged",
    "shuffled",
    "tails",
)


@dataclass(frozen=True, slots=True)
class Log:
    """A log, its layout, and what the terminal says beside it."""

    layout: str
    kind: str
    said: str
    data: bytes
    count: int
    slots: Mapping[int, str] | None
    records: tuple[bytes, ...]

    @property
    def sample(self) -> bytes:
        """Return what a reader fetches first."""
        return self.data[:SAMPLE_BYTES]


def make_log(rng: Random, layout: str, kind: str, said: str, count: int) -> Log:
    """Return a log of `count` records; `said` is how the terminal counts them."""
    people = _people(rng, layout, kind)
    times = _times(rng, kind, count)
    codes = _codes(rng, kind)
    work = rng.choice((0, 0, 0, rng.randrange(100)))
    tail = rng.choice((bytes(17), b"\xff" + bytes(16), rng.randbytes(17)))
    serial = rng.choice((None, None, rng.randrange(60000)))
    damaged = rng.randrange(count) if kind == "damaged" and count > 2 else None
    records = []
    for number, packed in enumerate(times):
        slot, badge = rng.choice(people)
        if serial is not None and SIZES[layout] > 16:
            slot = (serial + number) % 0x10000
        verify, state = rng.choice(codes)
        if kind == "tails":
            tail = rng.randbytes(17)
        record = _pack(layout, (slot, badge, verify, packed, state, work, tail))
        records.append(rng.randbytes(len(record)) if number == damaged else record)
    junk = _junk(rng, layout, kind, count)
    data = b"".join(
        JUNK * often + one for often, one in zip(junk, records, strict=True)
    )
    return Log(
        layout,
        kind,
        said,
        data,
        _said(rng, layout, said, count, len(data)),
        _slots(rng, people) if layout in {"8a", "8b"} else None,
        tuple(records),
    )


def _people(rng: Random, layout: str, kind: str) -> list[tuple[int, bytes | int]]:
    size = rng.choice((1, 2, 5, 20, 200))
    start = rng.choice((1, 1, 100, 1000, 10001, 66001, 100001, 20210001, 980000000))
    numbers = [start + n for n in range(size)]
    if rng.random() < 0.3:
        numbers = rng.sample(range(1, rng.choice((999, 9999, 99999, 9999999))), size)
    if layout == "16":
        return list(enumerate(numbers, 1))
    texts = [str(number) for number in numbers]
    if rng.random() < 0.2:
        texts = [text.zfill(6) for text in texts]
    if kind == "chinese":
        code = rng.choice(("gb18030", "utf-8"))
        return [(n, ("工号" + t[-4:]).encode(code)) for n, t in enumerate(texts, 1)]
    if rng.random() < 0.1:
        texts = ["AB-" + text for text in texts]
    return [(n, text.encode()) for n, text in enumerate(texts, 1)]


def _times(rng: Random, kind: str, count: int) -> list[int]:
    step = rng.choice((3, 60, 1000, 20000))
    now = rng.randrange(7 * YEAR, 32 * YEAR)
    reset = kind == "all reset"
    if reset:
        now = rng.randrange(20 * 86400)
    times = []
    for _ in range(count):
        if kind == "reset" and rng.random() < 0.05:
            now, reset = (
                (now + YEAR * 20, False) if reset else (rng.randrange(86400), True)
            )
        now += rng.randrange(step)
        odd = kind == "impossible" and rng.random() < 0.1
        times.append(_impossible(rng, now) if odd else _possible(now))
    if kind == "shuffled":
        rng.shuffle(times)
    return times


def _possible(now: int) -> int:
    """Move the 31st of short months, which only the clock's own form knows, back."""
    month = now // (31 * 86400) % 12
    day = now // 86400 % 31
    most = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month]
    return now - 86400 * max(0, day - most + 1)


def _impossible(rng: Random, now: int) -> int:
    year = now // YEAR
    return ((year * 12 + 1) * 31 + rng.choice((29, 30))) * 86400 + now % 86400


def _codes(rng: Random, kind: str) -> list[tuple[int, int]]:
    verify = rng.choice(((1,), (0,), (15,), (1, 4, 3), (1, 15, 2), (25,), (0, 1, 128)))
    state = rng.choice(((0,), (255,), (0, 1), (0, 1, 4, 5), (0, 1, 2, 3, 4, 5)))
    if kind == "odd codes":
        verify = (*verify, 77)
        state = (*state, 7)
    return [(one, other) for one in verify for other in state]


def _pack(layout: str, row: tuple[int, Any, int, int, int, int, bytes]) -> bytes:
    slot, badge, verify, packed, state, work, tail = row
    if layout == "8a":
        return struct.pack("<HBIB", slot, verify, packed, state)
    if layout == "8b":
        return struct.pack("<HBBI", slot, verify, state, packed)
    if layout == "16":
        return struct.pack("<IIBBHI", badge, packed, verify, state, 0, work)
    head = struct.pack("<H24sBIB", slot, badge, verify, packed, state)
    if layout == "49":
        return head + tail
    last = b"\0\0\0\0\xff\0\0\0" if tail[0] == 255 else bytes(8)
    return (head + struct.pack("<I", work) + last[4:])[: SIZES[layout]]


def _junk(rng: Random, layout: str, kind: str, count: int) -> list[int]:
    if layout != "40" or kind != "junk":
        return [0] * count
    how = rng.choice(("one", "some", "all"))
    if how == "one":
        where = rng.randrange(count)
        return [int(n == where) for n in range(count)]
    return [int(how == "all" or rng.random() < 0.3) for _ in range(count)]


def _said(rng: Random, layout: str, said: str, count: int, total: int) -> int:
    if said == "right":
        return count
    if said in {"zero", "none"}:
        return {"zero": 0, "none": -1}[said]
    if said == "off":
        return max(count + rng.choice((-3, -1, 1, 2, 50)), 0)
    others = [size for size in (8, 16, 36, 40, 49) if size != SIZES[layout]]
    fitting = [size for size in others if total % size == 0] or others
    return total // rng.choice(fitting)


def _slots(
    rng: Random, people: list[tuple[int, bytes | int]]
) -> Mapping[int, str] | None:
    known = rng.choice((None, "all", "some"))
    if known is None:
        return None
    return {
        slot: str(1000 + slot)
        for slot, _ in people
        if known == "all" or rng.random() < 0.6
    }


def other_bytes(rng: Random) -> tuple[str, bytes]:
    """Return bytes that are no log, of a length that some layout divides."""
    kind = rng.choice(tuple(_OTHERS))
    data = _OTHERS[kind](rng)
    size = rng.choice(tuple(SIZES.values()))
    if kind in {"users 72", "users 28", "operations"}:
        return kind, data
    return kind, data[: max(len(data) // size, 1) * size].ljust(size, b" ")


def _random(rng: Random) -> bytes:
    return rng.randbytes(rng.choice((8, 16, 40, 49, 80, 400, 3920)))


def _text(rng: Random) -> bytes:
    words = ("attendance", "2026-11-02", "08:00:00", "1001", "\t", "\r\n", "考勤", "OK")
    return " ".join(rng.choices(words, k=rng.choice((8, 20, 200)))).encode()


def _image(rng: Random) -> bytes:
    """Return a gradient with runs, as simple bitmaps have them."""
    row = bytes(rng.randrange(256) for _ in range(4)) + bytes(rng.randrange(30))
    return b"BM" + struct.pack("<IHHI", 4000, 0, 0, 54) + row * rng.choice((4, 20, 90))


def _constant(rng: Random) -> bytes:
    return bytes((rng.choice((0, 0, 255, 1, 32, 48, rng.randrange(256))),)) * 720


def _users72(rng: Random) -> bytes:
    count = rng.choice((1, 2, 5, 10, 49, 60))
    return b"".join(
        struct.pack(
            "<HB8s24sIBHHHH24s",
            n,
            rng.choice((0, 0, 0, 14)),
            b"",
            rng.choice(("王小明".encode("gb18030"), b"Ned", b"", b"Johanna")),
            rng.choice((0, 0, rng.randrange(2**32))),
            1,
            0,
            1,
            0,
            0,
            str(1000 + n).encode(),
        )
        for n in range(1, count + 1)
    )


def _users28(rng: Random) -> bytes:
    count = rng.choice((2, 4, 10, 20, 60))
    return b"".join(
        struct.pack(
            "<HB5s8sIBBHI",
            n,
            rng.choice((0, 0, 14)),
            b"",
            rng.choice((b"Ned", b"", "王明".encode("gb18030"))),
            rng.choice((0, 0, rng.randrange(2**32))),
            0,
            1,
            0,
            1000 + n,
        )
        for n in range(1, count + 1)
    )


def _operations(rng: Random) -> bytes:
    now = rng.randrange(15 * YEAR, 30 * YEAR)
    found = []
    for _ in range(rng.choice((1, 2, 5, 20, 200))):
        now += rng.randrange(90000)
        code = rng.choice((0, 1, 2, 3, 4, 4, 5, 6, 9, 21, 30))
        one = (rng.randrange(1, 60), 0, rng.randrange(10), rng.randrange(400, 1600))
        found.append(
            struct.pack(
                "<HBBI4H",
                rng.choice((0, 1)) * (code > 3),
                code,
                0,
                _possible(now),
                *(one if code in {6, 9, 30} else (0, 0, 0, 0)),
            )
        )
    return b"".join(found)


_OTHERS = {
    "random": _random,
    "text": _text,
    "image": _image,
    "constant": _constant,
    "users 72": _users72,
    "users 28": _users28,
    "operations": _operations,
}
