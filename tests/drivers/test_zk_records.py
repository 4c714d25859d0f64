"""Attendance records of every layout: bytes to values and back, nothing lost."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import ProtocolError, RawPunch
from drivers.zk.records import (
    JUNK,
    LAYOUTS,
    Ids,
    PunchRecord,
    encode,
    junk_count,
    punches,
    without_junk,
)
from drivers.zk.times import decode_time, encode_time

AT = "2026-11-02T08:00:00"
PACKED = encode_time(AT)
SIZES = {"40": 40, "49": 49, "36": 36, "16": 16, "8a": 8, "8b": 8}
names = st.sampled_from(sorted(LAYOUTS))
u8 = st.integers(0, 255)
u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFFFFFF)

# One record of each layout, packed from the paper (zk-protocol 5.1).
HEAD = struct.pack("<H24sBIB", 7, b"0042", 15, PACKED, 4)
VECTORS = {
    "40": HEAD + b"\x09\0\0\0\xff\0\0\0",
    "49": HEAD + bytes(range(17)),
    "36": HEAD + b"\x09\0\0\0",
    "16": struct.pack("<IIBBHI", 42, PACKED, 15, 4, 0, 9),
    "8a": struct.pack("<HBIB", 7, 15, PACKED, 4),
    "8b": struct.pack("<HBBI", 7, 15, 4, PACKED),
}


def test_the_table() -> None:
    """Six layouts of the paper, each with its size and its way to name a person."""
    assert {name: layout.size for name, layout in LAYOUTS.items()} == SIZES
    assert {name for name, one in LAYOUTS.items() if one.ids is Ids.SLOT} == {
        "8a",
        "8b",
    }


@pytest.mark.parametrize("name", VECTORS)
def test_documented_places(name: str) -> None:
    """Every field is read from its documented offset."""
    badge = {"16": "42", "8a": "0007", "8b": "0007"}.get(name, "0042")
    work = 9 if name in {"40", "36", "16"} else None
    (punch,) = punches(LAYOUTS[name], "VT1", VECTORS[name], "ascii", 5, {7: "0007"})
    assert punch == RawPunch("VT1", badge, AT, 15, 4, work, 5, VECTORS[name])


@given(names, st.data())
def test_any_bytes_are_a_record(name: str, data: st.DataObject) -> None:
    """Nothing in a record is lost, and none is refused for what it says."""
    layout = LAYOUTS[name]
    raw = data.draw(st.binary(min_size=layout.size, max_size=layout.size))
    record = PunchRecord.from_bytes(layout, raw)
    assert record.to_bytes(layout) == raw
    (punch,) = punches(layout, "S", raw, "gb18030")
    assert punch.raw == raw
    assert (punch.verify, punch.state, punch.work) == (
        record.verify,
        record.state,
        record.work,
    )
    assert punch.at == decode_time(record.packed)


@given(names, u16, u8, u8, u32, u32)
def test_records_survive(  # noqa: PLR0913, PLR0917 - one argument a field
    name: str, slot: int, verify: int, state: int, packed: int, work: int
) -> None:
    """What is encoded comes back with every value the layout holds."""
    layout = LAYOUTS[name]
    slot = slot or 1
    codes = {"verify": verify, "state": state, "work": work}
    raw = encode(
        layout, "4711", decode_time(packed), slot=slot, encoding="ascii", **codes
    )
    (punch,) = punches(layout, "S", raw, "ascii", 3, {slot: "4711"})
    expected = work if "work" in layout.fields else None
    assert punch == RawPunch(
        "S", "4711", decode_time(packed), verify, state, expected, 3, raw
    )
    if "slot" in layout.fields:
        assert PunchRecord.from_bytes(layout, raw).slot == slot


@given(names, st.integers(0, 30), st.integers(0, 10**6))
def test_positions_count_on(name: str, count: int, first: int) -> None:
    """Records of a block are numbered from where the block began, in order."""
    found = punches(LAYOUTS[name], "S", VECTORS[name] * count, "ascii", first)
    assert [punch.position for punch in found] == list(range(first, first + count))


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_bad_record_costs_nobody_else(name: str) -> None:
    """Between two good ones a damaged record is read as it is; the others stay."""
    layout = LAYOUTS[name]
    good = VECTORS[name]
    for bad in (b"\xff" * layout.size, bytes(layout.size)):
        found = punches(layout, "S", good + bad + good, "gb18030", 0, {7: "7"})
        assert [punch.raw for punch in found] == [good, bad, good]
        assert found[0].at == found[2].at == AT
        assert found[1].at in {"2000-01-01T00:00:00", "2133-08-18T06:28:15"}


def test_31_february_keeps_its_digits() -> None:
    """A date no calendar knows costs no record."""
    at = "2026-02-31T08:00:00"
    for name, layout in LAYOUTS.items():
        raw = encode(
            layout, "7", at, verify=1, state=0, work=0, slot=7, encoding="ascii"
        )
        assert punches(layout, "S", raw, "ascii")[0].at == at, name


def test_slots_without_a_user_give_no_badge() -> None:
    """A slot number is never taken for a badge."""
    for name in ("8a", "8b"):
        raw = VECTORS[name]
        assert punches(LAYOUTS[name], "S", raw, "ascii")[0].badge == ""
        assert punches(LAYOUTS[name], "S", raw, "ascii", 0, {8: "8"})[0].badge == ""


@pytest.mark.parametrize(
    "badge, encoding, raw",
    [
        ("甲二", "gb18030", "甲二".encode("gb18030")),
        ("工号42", "gb18030", "工号42".encode()),
        ("000042", "ascii", b"000042"),
        ("A" * 24, "ascii", b"A" * 24),
    ],
)
@pytest.mark.parametrize("name", ["40", "49", "36"])
def test_text_badges(name: str, badge: str, encoding: str, raw: bytes) -> None:
    """All 24 bytes count, leading zeros stay, and Chinese is read in either code."""
    record = struct.pack("<H24sBIB", 0, raw, 1, PACKED, 0).ljust(SIZES[name], b"\0")
    assert punches(LAYOUTS[name], "S", record, encoding)[0].badge == badge


@pytest.mark.parametrize("badge", ["0042", "A1", "", "-1", "\uff14\uff12"])
def test_16_bytes_hold_plain_numbers(badge: str) -> None:
    """What would come back as another badge is not written."""
    with pytest.raises(ValueError, match="plain numbers only"):
        encode(
            LAYOUTS["16"],
            badge,
            AT,
            verify=1,
            state=0,
            work=0,
            slot=1,
            encoding="utf-8",
        )


def test_what_no_record_holds_is_a_value_error() -> None:
    """The writer of a record hears of codes as of badges and users."""
    codes = {"verify": 256, "state": 0, "work": 0, "slot": 1}
    for layout in LAYOUTS.values():
        with pytest.raises(ValueError, match="a code that does not fit"):
            encode(layout, "1", AT, encoding="ascii", **codes)
    codes = {"verify": 1, "state": 0, "work": 0, "slot": 0}
    with pytest.raises(ValueError, match="hold users only, and '5' is none"):
        encode(LAYOUTS["8a"], "5", AT, encoding="ascii", **codes)
    with pytest.raises(ValueError, match="the field holds 24"):
        encode(LAYOUTS["40"], "5" * 25, AT, encoding="ascii", **codes)
    with pytest.raises(ValueError, match="a terminal cannot hold the time"):
        encode(LAYOUTS["40"], "5", "1999-01-01T00:00:00", encoding="ascii", **codes)


@pytest.mark.parametrize("name", LAYOUTS)
def test_records_of_another_length_are_refused(name: str) -> None:
    """A record that is cut is no record; the bytes are kept."""
    layout = LAYOUTS[name]
    for size in (0, layout.size - 1, layout.size + 1):
        with pytest.raises(ProtocolError, match=f"record of {size} bytes") as caught:
            PunchRecord.from_bytes(layout, bytes(size))
        assert caught.value.data == bytes(size)
    data = bytes(layout.size + 1)
    for refuse in (
        lambda: punches(layout, "S", data, "ascii"),
        lambda: without_junk(data, layout),
    ):
        with pytest.raises(ProtocolError, match="no whole number") as caught:
            refuse()
        assert caught.value.data == data
    assert punches(layout, "S", b"", "ascii") == []


@given(st.lists(st.integers(0, 2), min_size=1, max_size=130), st.integers(0, 255))
def test_junk_goes_and_records_stay(before: list[int], fill: int) -> None:
    """In front of one, some or all records, once or twice: the records are left."""
    records = [bytes((fill, n % 256)) + VECTORS["40"][2:] for n in range(len(before))]
    if fill == 0xFF:
        records = [b"\0" + record[1:] for record in records]
    data = b"".join(
        JUNK * often + record for often, record in zip(before, records, strict=True)
    )
    assert without_junk(data, LAYOUTS["40"]) == b"".join(records)


def test_forty_pieces_of_junk_are_found() -> None:
    """They are as long as nine records, so the length alone says nothing."""
    records = VECTORS["40"] * 40
    data = (JUNK + VECTORS["40"]) * 40
    assert junk_count(len(data), LAYOUTS["40"]) == 0
    assert without_junk(data, LAYOUTS["40"]) == records


def test_a_record_that_looks_like_junk_stays() -> None:
    """Badge 55 in slot 13055 begins with the same nine bytes."""
    record = struct.pack("<H24sBIB8s", 0x32FF, b"55", 1, PACKED, 0, bytes(8))
    assert record.startswith(JUNK)
    for records in (record, record * 3 + VECTORS["40"] * 2):
        assert without_junk(records, LAYOUTS["40"]) == records


def test_other_layouts_have_no_junk() -> None:
    """Only 40-byte firmware is known to write it."""
    for name, layout in LAYOUTS.items():
        if name != "40":
            assert junk_count(layout.size + len(JUNK), layout) == 0
            with pytest.raises(ProtocolError, match="no whole number"):
                without_junk(JUNK + VECTORS[name], layout)
