"""Which layout a log has: the right one or none, never another.

Also a second opinion: how much sense a log makes is measured here in another way than
in the code under test, and both must name the same layout.
"""

import struct
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from random import Random

import pytest

from drivers.base import ProtocolError
from drivers.zk.payloads import records_of
from drivers.zk.recognise import SAMPLE_BYTES, UnknownLayoutError, recognise
from drivers.zk.records import LAYOUTS, punches, without_junk
from tests.drivers.captures import load
from tests.drivers.zk_logs import (
    COUNTS,
    KINDS,
    SIZES,
    YEAR,
    Log,
    make_log,
    other_bytes,
)

SEED = 20261121
LOGS = 1500
OTHERS = 2500
# Logs of more records than this are refused hardly ever, whatever is odd about them.
FEW = 5


def name_of(log: Log, sample: bytes | None = None, size: int | None = None) -> str:
    """Return what is recognised: the layout's name, or nothing."""
    fed = log.data if sample is None else sample
    return told(fed, len(log.data), log.count, log.slots, size)


def told(
    fed: bytes,
    total: int,
    count: int,
    slots: Mapping[int, str] | None,
    size: int | None = None,
) -> str:
    """Return the layout's name, or nothing if it is refused with its bytes."""
    try:
        return recognise(
            fed, total, count, encoding="gb18030", slots=slots, size=size
        ).name
    except UnknownLayoutError as error:
        kept = error.data
    assert kept == fed
    return ""


def any_log(rng: Random) -> Log:
    """Make a log of any layout and kind."""
    layout, kind = rng.choice(list(SIZES)), rng.choice(KINDS)
    if kind == "junk":
        layout = "40"
    if kind == "chinese" and SIZES[layout] <= 16:
        kind = "plain"
    count = rng.choice((1, 2, 3, 5, 10, 20, 50, rng.randint(1, 500)))
    return make_log(rng, layout, kind, rng.choice(COUNTS), count)


def test_realistic_logs() -> None:
    """The right layout or a refusal; of logs with some records hardly a refusal."""
    rng = Random(SEED)
    asked: Counter[tuple[str, bool]] = Counter()
    refused: Counter[tuple[str, bool]] = Counter()
    for _ in range(LOGS):
        log = any_log(rng)
        name = name_of(log)
        assert name in {log.layout, ""}, (log.kind, log.said, log.count, log.data[:99])
        many = len(log.records) > FEW
        asked[log.layout, many] += 1
        refused[log.layout, many] += not name
    print("seed", SEED, "refused", dict(refused), "of", dict(asked))
    for layout in SIZES:
        assert refused[layout, True] <= 0.01 * asked[layout, True], layout
    for layout in ("40", "49", "36"):
        assert refused[layout, False] <= 0.01 * asked[layout, False], layout
    for layout in ("16", "8a", "8b"):
        assert refused[layout, False] <= 0.25 * asked[layout, False], layout


def test_the_beginning_of_a_log_is_enough() -> None:
    """A head is recognised as the whole is, or not; junk in it is never bent."""
    rng = Random(SEED + 1)
    found: Counter[bool] = Counter()
    for _ in range(300):
        log = make_log(
            rng, rng.choice(list(SIZES)), rng.choice(("plain", "junk")), "right", 1100
        )
        name = name_of(log, log.data[:SAMPLE_BYTES])
        plain = log.data == b"".join(log.records)
        assert name in ({log.layout} if plain else {""}), log.layout
        found[plain] += 1
    print("seed", SEED + 1, dict(found))
    assert min(found.values()) > 10


def test_a_piece_from_the_middle_is_cut_for_its_size() -> None:
    """With a size, only layouts of that size are looked at."""
    rng = Random(SEED + 2)
    refused = 0
    for _ in range(200):
        log = make_log(rng, rng.choice(list(SIZES)), "plain", "right", 300)
        size = SIZES[log.layout]
        piece = log.data[size * 290 :]
        name = name_of(log, piece, size)
        assert name in {log.layout, ""}
        refused += not name
        other = rng.choice([one for one in SIZES.values() if one != size])
        assert name_of(log, piece, other) == ""
    print("seed", SEED + 2, "refused", refused)
    assert refused <= 10


def test_what_is_no_log_is_refused() -> None:
    """Random bytes, text, pictures, users, operations: hardly ever taken."""
    rng = Random(SEED + 3)
    fed: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    for _ in range(OTHERS):
        kind, data = other_bytes(rng)
        counts = (0, -1, len(data) // rng.choice((8, 16, 36, 40, 49)))
        if kind == "operations":
            counts = (0, -1, len(data) // 16)
        slots = rng.choice((None, {n: str(n) for n in range(1, 60)}))
        fed[kind] += 1
        taken[kind] += bool(told(data, len(data), rng.choice(counts), slots))
    print("seed", SEED + 3, "taken", dict(taken), "of", dict(fed))
    assert min(fed.values()) > OTHERS / 20
    assert sum(taken.values()) <= OTHERS / 800, taken


def sense(layout: str, records: bytes) -> float:
    """Share of records that are plainly right, read from the paper's offsets alone."""
    size = SIZES[layout]
    good = 0
    for at in range(0, len(records), size):
        record = records[at : at + size]
        packed, verify, state = {
            "16": (record[4:8], record[8:9], record[9:10]),
            "8a": (record[3:7], record[2:3], record[7:8]),
            "8b": (record[4:8], record[2:3], record[3:4]),
        }.get(layout, (record[27:31], record[26:27], record[31:32]))
        badge = record[2:26].rstrip(b"\0") if size > 16 else b"1"
        good += (
            calendar(int.from_bytes(packed, "little"))
            and verify[0] in {0, 1, 2, 3, 4, 15, 25, 128}
            and state[0] in {0, 1, 2, 3, 4, 5, 255}
            and badge.isdigit()
            and (size > 16 or any(record[: 4 if layout == "16" else 2]))
            and (layout != "16" or record[10:12] == b"\0\0")
        )
    return good / (len(records) / size)


def calendar(packed: int) -> bool:
    """Return whether this is a day of 2005 to 2045."""
    days = packed // 86400
    try:
        year = datetime(2000 + days // 372, days // 31 % 12 + 1, days % 31 + 1).year  # noqa: DTZ001 - device time
    except ValueError:
        return False
    return 2005 <= year < 2046


def test_a_second_opinion() -> None:
    """Where only one layout makes plain sense, it is the one that is recognised."""
    rng = Random(SEED + 4)
    agreed = 0
    for _ in range(600):
        log = make_log(
            rng,
            rng.choice(list(SIZES)),
            "plain",
            rng.choice(COUNTS),
            rng.randint(8, 90),
        )
        fitting = {
            name: sense(name, log.data)
            for name, size in SIZES.items()
            if len(log.data) % size == 0
        }
        sound = [name for name, share in fitting.items() if share > 0.6]
        if len(sound) == 1:
            assert name_of(log) == sound[0] == log.layout
            agreed += 1
    print("seed", SEED + 4, "agreed", agreed)
    assert agreed > 400


def test_a_miscount_moves_nothing() -> None:
    """One log, every count: forty bytes stay forty."""
    log = make_log(Random(SEED), "40", "plain", "right", 90)
    for count in (90, 450, 225, 100, 0, -1, 1, 91, 10**9):
        layout = recognise(log.data, len(log.data), count, encoding="ascii")
        assert layout.name == "40"


def test_one_damaged_record_costs_no_other() -> None:
    """Its neighbours prove the layout, and all of them are read."""
    log = make_log(Random(SEED), "40", "plain", "right", 5)
    data = log.data[:80] + b"\xff" * 40 + log.data[120:]
    layout = recognise(data, len(data), 5, encoding="gb18030")
    found = punches(layout, "S", data, "gb18030")
    assert [punch.raw for punch in found if punch.raw in log.records] == [
        record for n, record in enumerate(log.records) if n != 2
    ]


def test_junk_before_every_record() -> None:
    """Junk and a record are as long as a record of 49 bytes; they are none."""
    rng = Random(SEED)
    for count in (1, 3, 39, 40, 41, 80, 200):
        while True:
            log = make_log(rng, "40", "junk", "right", count)
            if len(log.data) == 49 * count:
                break
        assert name_of(log) == "40"
        assert without_junk(log.data, LAYOUTS["40"]) == b"".join(log.records)


def test_both_orders_of_eight_bytes_from_one_reset_record() -> None:
    """One record of a clock that was reset may be either: it is refused."""
    record = struct.pack("<HBBI", 1, 1, 0, 4000)
    with pytest.raises(UnknownLayoutError, match="8 bytes for 1 records") as caught:
        recognise(record, 8, 1, encoding="ascii")
    assert caught.value.data == record


def test_dates_from_the_newest_on_are_not_sane() -> None:
    """Whoever knows the date of today can say so."""
    packed = 26 * YEAR
    record = struct.pack("<HBBI", 1, 1, 0, packed)
    log = b"".join(record[:4] + struct.pack("<I", packed + 60 * n) for n in range(9))
    assert recognise(log, len(log), 9, encoding="ascii").name == "8b"
    with pytest.raises(UnknownLayoutError):
        recognise(log, len(log), 9, encoding="ascii", newest="2020-01-01T00:00:00")


def test_the_refusal_says_what_was_weighed() -> None:
    """Length, count and every layout tried; nothing where no size divides it."""
    with pytest.raises(UnknownLayoutError, match=r"7 bytes for 3 records.*no size"):
        recognise(bytes(7), 7, 3, encoding="ascii")
    with pytest.raises(UnknownLayoutError, match=r"16 bytes for 2.*8a: [-+]\d+ bits"):
        recognise(bytes(16), 16, 2, encoding="ascii")
    with pytest.raises(ProtocolError, match="bytes are kept, nothing of it is used"):
        recognise(b"", 0, 0, encoding="ascii")


def test_real_bytes() -> None:
    """A record and two user lists of real terminals: one is a log, two are none."""
    record = next(
        bytes.fromhex(row["hex"])
        for row in load("adrobinoga_dumps.jsonl")
        if (row["file"], row["line"]) == ("sections/data-record.md", 118)
    )
    assert recognise(record, 40, 1, encoding="gb18030").name == "40"
    users = b"".join(
        bytes.fromhex(row["hex"])[16:]
        for row in load("pyzk_packets.jsonl")
        if row["case"] == "test_tcp_get_users_small_data"
        and row["direction"] == "device->host"
        and bytes.fromhex(row["hex"])[8:10] == b"\xdd\x05"
    )
    records = records_of(users)
    assert len(records) == 504
    for count in (7, 0, -1, 63, 14):
        with pytest.raises(UnknownLayoutError):
            recognise(records, 504, count, encoding="gb18030")
