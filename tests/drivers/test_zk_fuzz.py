"""Millions of broken frames: what is accepted says exactly what came.

Valid frames of every kind are damaged (bits, bytes, cuts, glue, lengths), most of them
get a sound checksum again so that the parsers behind it are reached. A value that was
accepted and written again must be the bytes that came; where the wire has bytes nobody
knows, they are zeroed on both sides. `FUZZ_FRAMES` sets how many, `FUZZ_SEED` which.
"""

import os
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from drivers.base import ProtocolError, RawPunch
from drivers.zk.commands import key_matches
from drivers.zk.events import PunchEvent, parse_events
from drivers.zk.operations import Operation, parse_operations
from drivers.zk.packets import Frame, FrameSplitter, checksum
from drivers.zk.payloads import (
    BufferRequest,
    Sizes,
    Window,
    announcement,
    block,
    descriptor,
    option_reply,
    parse_announcement,
    parse_option,
    parse_prepared,
    records_of,
)
from drivers.zk.recognise import UnknownLayoutError, recognise
from drivers.zk.records import LAYOUTS, PunchRecord, punches, without_junk
from drivers.zk.users import USER_LAYOUTS, UserRecord, read_users
from tests.drivers.zk_logs import SIZES, make_log

FRAMES = int(os.environ.get("FUZZ_FRAMES", "1000000"))
SEED = int(os.environ.get("FUZZ_SEED", "20261121"))
MAGIC = b"\x50\x50\x82\x7d"
EVENT_PLACES = {10: 10, 14: 10, 12: 12, 32: 32, 36: 32, 37: 32, 52: 32}


def corpus(rng: Random) -> list[tuple[str, bytes]]:
    """Return data of valid frames, each with what reads it."""
    at = "2026-11-02T08:00:00"
    found = [
        ("sizes", Sizes(*range(12)).to_bytes() + bytes(more)) for more in (0, 12, 32)
    ]
    found += [
        ("option", option_reply("~Platform", "ZEM760_TFT")),
        ("request", BufferRequest(13).to_bytes()),
        ("window", Window(65472, 4096).to_bytes()),
        ("prepared", descriptor(4004, 99)),
        ("announced", announcement(4004, 1024)),
        ("key", bytes.fromhex("617d326b")),
    ]
    found += [
        ("event", PunchEvent("1042", 1, 3, at, 7).to_bytes("ascii", size))
        for size in EVENT_PLACES
    ]
    found.append(("event", PunchEvent("9", 1, 0, at).to_bytes("ascii", 52) * 3))
    operation = Operation(1, 6, at, (3, 0, 7, 1282)).to_bytes()
    found += [("operations", operation * 3), ("block", block(operation))]
    for name in SIZES:
        log = make_log(rng, name, "plain", "right", 4)
        found += [(name, log.data), ("block", block(log.data))]
    for name, layout in USER_LAYOUTS.items():
        found.append((f"user {name}", bytes(range(1, layout.size + 1))))
    return found


def damage(rng: Random, data: bytes) -> bytes:
    """Return data with something wrong with it, mostly not much."""
    how = rng.randrange(8)
    if how == 0 or not data:
        return data
    at = rng.randrange(len(data))
    if how <= 3:
        broken = bytearray(data)
        broken[at] ^= 1 << rng.randrange(8)
        return bytes(broken)
    if how == 4:
        return data[:at] + rng.randbytes(rng.randrange(1, 9)) + data[at + 4 :]
    if how == 5:
        return data[:at]
    if how == 6:
        return data + data[at:]
    return data[:at] + b"\0" * rng.randrange(1, 5) + data[at + 1 :]


def framed(rng: Random, data: bytes) -> bytes:
    """Return a TCP frame around data: sound mostly, else wrong in length or sum."""
    header = struct.pack("<4H", rng.choice((500, 1501, 2000)), 0, 7, rng.randrange(9))
    body = bytearray(header + data)
    body[2:4] = checksum(body).to_bytes(2, "little")
    wrong = rng.randrange(20)
    size = len(body)
    if wrong == 0:
        body[rng.randrange(size)] ^= 1 << rng.randrange(8)
    elif wrong == 1:
        size = rng.choice((0, 7, size - 1, size + 1, 2**32 - 1, rng.randrange(2**26)))
    return MAGIC + struct.pack("<I", size) + bytes(body)


def same_event(data: bytes) -> None:
    """Compare what is known of an event frame; its digits may be no date."""
    size = min(len(data), 52)
    for number, event in enumerate(parse_events(data, "latin-1")):
        piece = data[number * size : (number + 1) * size]
        end = EVENT_PLACES[size]
        time6 = struct.unpack("6B", piece[end - 6 : end])
        assert [int(part) for part in _digits(event.at)] == [
            time6[0] + 2000,
            *time6[1:],
        ]
        if max(time6[1:]) > 99:
            continue
        known = bytearray(piece[:end].ljust(size, b"\0"))
        if size in {10, 14}:
            known[3] &= 15
        elif size != 12:
            badge = piece[:24].split(b"\0")[0].strip(b" ")
            if not badge.isascii():
                continue
            known[:24] = badge.ljust(24, b"\0")
        assert event.to_bytes("latin-1", size) == known


def _digits(at: str) -> list[str]:
    return at.replace("T", "-").replace(":", "-").split("-")


def same_option(data: bytes) -> None:
    """Compare an option, unless its bytes were no UTF-8."""
    name, value = parse_option(data)
    if "\ufffd" not in name + value:
        assert option_reply(name, value) == data.split(b"\0")[0] + b"\0"


def same_sizes(data: bytes) -> None:
    """Compare the counts whose places are known."""
    sizes = Sizes.from_bytes(data)
    words = list(struct.unpack_from("<20I", data))
    unknown = {*range(20)} - {4, 6, 8, 10, *range(12, 20)}
    for place in unknown:
        words[place] = 0
    assert sizes.to_bytes() == struct.pack("<20I", *words)
    faces = struct.unpack_from("<3I", data, 80) if len(data) >= 92 else (0, 0, 0)
    assert (sizes.faces, sizes.face_capacity) == (faces[0], faces[2])


def same_prepared(data: bytes) -> None:
    """Compare the size, which stands in the first or in the second byte."""
    found = parse_prepared(Frame(2000, 7, 1, data))
    assert found.inline is None
    assert found.size.to_bytes(4, "little") in {data[:4], data[1:5]}
    inline = parse_prepared(Frame(1501, 7, 1, data))
    assert (inline.inline, inline.size) == (data, len(data))


def same_announced(data: bytes) -> None:
    """Compare the announced size."""
    assert announcement(parse_announcement(data), 0)[:4] == data[:4]


def same_key(data: bytes) -> None:
    """Accept a key only whole: three bytes are proof, one is free."""
    if not key_matches(0, 0x1234, data):
        raise ProtocolError("another key")
    assert len(data) == 4
    shift = data[2] ^ 0x32
    assert bytes(byte ^ shift for byte in data) == bytes.fromhex("617d326b")


def same_records(name: str, data: bytes) -> None:
    """Compare every record of a log, its punches, and the layout if there is one."""
    layout = LAYOUTS[name]
    found = punches(layout, "S", data, "gb18030")
    assert b"".join(punch.raw or b"" for punch in found) == data
    for punch in found:
        again(punch, name)
    assert without_junk(data, layout) in {data, b""} or b"255" in data


def again(punch: RawPunch, name: str) -> None:
    """Compare a punch with the record it came from."""
    record = PunchRecord.from_bytes(LAYOUTS[name], punch.raw or b"")
    assert record.to_bytes(LAYOUTS[name]) == punch.raw
    assert (record.verify, record.state) == (punch.verify, punch.state)


def same_user(name: str, data: bytes) -> None:
    """Compare a user record."""
    layout = USER_LAYOUTS[name]
    assert UserRecord.from_bytes(layout, data).to_bytes(layout) == data


def same_operations(data: bytes) -> None:
    """Compare an operation log."""
    assert b"".join(one.to_bytes() for one in parse_operations(data)) == data


CHECKS: dict[str, Callable[[bytes], None]] = {
    "sizes": same_sizes,
    "option": same_option,
    "prepared": same_prepared,
    "announced": same_announced,
    "key": same_key,
    "event": same_event,
    "operations": same_operations,
}


def check(kind: str, data: bytes) -> None:
    """Read data as what it was before it was damaged; compare what is accepted."""
    if kind in CHECKS:
        CHECKS[kind](data)
    elif kind in LAYOUTS:
        same_records(kind, data)
    elif kind == "request":
        assert BufferRequest.from_bytes(data).to_bytes() == data
    elif kind == "window":
        assert Window.from_bytes(data).to_bytes() == data
    elif kind == "block":
        assert block(records_of(data)) == data
    else:
        same_user(kind.removeprefix("user "), data)


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_damaged_frames() -> None:
    """Only what says what came is accepted; in a process that nobody watches."""
    root = Path(__file__).parents[2]
    watching = ("COV_", "COVERAGE_")
    env = {k: v for k, v in os.environ.items() if not k.startswith(watching)}
    done = subprocess.run(
        [sys.executable, __file__],
        env=env | {"PYTHONPATH": str(root)},
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    assert f"{FRAMES} frames" in done.stdout


def run_damaged_frames() -> None:
    """Feed damaged frames; only refusals are raised, and each kind is also taken."""
    rng = Random(SEED)
    stock = corpus(rng)
    came: Counter[str] = Counter()
    began = time.monotonic()
    for number in range(FRAMES):
        kind, data = stock[number % len(stock)]
        stream = framed(rng, damage(rng, data))
        splitter = FrameSplitter()
        try:
            frames = splitter.feed(stream)
        except ProtocolError:
            came["refused frame"] += 1
            continue
        if not frames:
            assert 0 < splitter.pending == len(stream)
            came["waiting"] += 1
            continue
        frame = frames[0]
        assert stream.startswith(frame.to_tcp())
        try:
            check(kind, frame.data)
            came[kind] += 1
        except ProtocolError:
            came[f"refused {kind}"] += 1
    seconds = time.monotonic() - began
    print(
        f"seed {SEED}, {FRAMES} frames in {seconds:.0f} s:", dict(sorted(came.items()))
    )
    share = FRAMES / len(stock)
    assert came["refused frame"] > FRAMES / 50
    for kind in {kind for kind, _ in stock}:
        assert came[kind] > share / 20, kind
    for kind in ("event", "request", "window", "block", "operations", "40", "key"):
        assert came[f"refused {kind}"] > share / 20, kind


def test_frames_glued_and_cut() -> None:
    """Streams of damaged frames, cut anywhere: every frame that comes out was sent."""
    rng = Random(SEED + 1)
    stock = corpus(rng)
    out = refused = 0
    for _ in range(FRAMES // 200):
        sent = [framed(rng, damage(rng, rng.choice(stock)[1])) for _ in range(5)]
        stream = b"".join(sent)
        splitter = FrameSplitter()
        got: list[Frame] = []
        at = 0
        try:
            while at < len(stream):
                step = rng.choice((1, 3, 40, 400))
                got += splitter.feed(stream[at : at + step])
                at += step
        except ProtocolError:
            refused += 1
        assert stream.startswith(b"".join(frame.to_tcp() for frame in got))
        out += len(got)
    print(f"seed {SEED + 1}, frames out {out}, streams refused {refused}")
    assert out > FRAMES / 200
    assert refused > FRAMES / 4000


def test_damaged_lists_and_logs() -> None:
    """A log or user list is recognised and keeps its bytes, or refused with them."""
    rng = Random(SEED + 2)
    taken = refused = 0
    for _ in range(FRAMES // 1000):
        log = make_log(rng, rng.choice(list(SIZES)), "plain", "right", 8)
        data = damage(rng, damage(rng, log.data))
        try:
            layout = recognise(data, len(data), 8, encoding="gb18030")
        except UnknownLayoutError as error:
            kept = error.data
            assert kept == data
            refused += 1
        else:
            assert layout.name == log.layout or len(data) != len(log.data)
            found = punches(layout, "S", without_junk(data, layout), "gb18030")
            assert b"".join(punch.raw or b"" for punch in found) in data
            taken += 1
        try:
            assert read_users(data, 8, "gb18030") is not None
        except ProtocolError as error:
            kept = error.data
            assert kept == data
    print(f"seed {SEED + 2}, logs taken {taken}, refused {refused}")
    assert taken > FRAMES / 4000
    assert refused > FRAMES / 10000


if __name__ == "__main__":
    run_damaged_frames()
