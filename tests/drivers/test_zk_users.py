"""User records of 28 and 72 bytes: fields, names, and which of the two a list has."""

import struct
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.base import ProtocolError, TerminalUser
from drivers.zk.users import USER_LAYOUTS, UserRecord, read_users

SEED = 20261121
SHORT, LONG = USER_LAYOUTS["28"], USER_LAYOUTS["72"]
slots = st.integers(1, 0xFFFF)
cards = st.integers(0, 0xFFFFFFFF)


def long_user(slot: int, badge: bytes, name: bytes = b"", privilege: int = 0) -> bytes:
    """72 bytes packed from the paper (zk-protocol 5.3)."""
    zones = (0, 1, 0, 0)
    head = struct.pack("<HB8s24sIB", slot, privilege, b"1\0garb", name, 0, 1)
    return head + struct.pack("<4H24s", *zones, badge)


def short_user(slot: int, badge: int, name: bytes = b"", privilege: int = 0) -> bytes:
    """28 bytes packed from the paper."""
    return struct.pack("<HB5s8sIBBHI", slot, privilege, b"", name, 0, 0, 1, 0, badge)


@given(st.sampled_from(["28", "72"]), st.data())
def test_any_bytes_are_a_user(name: str, data: st.DataObject) -> None:
    """Nothing in a user record is lost, garbage behind a NUL included."""
    layout = USER_LAYOUTS[name]
    raw = data.draw(st.binary(min_size=layout.size, max_size=layout.size))
    record = UserRecord.from_bytes(layout, raw)
    assert record.to_bytes(layout) == raw
    assert record.user("gb18030").slot == record.slot


def test_documented_places() -> None:
    """Every field is read from its documented offset, in both layouts."""
    raw = struct.pack(
        "<HB8s24sIBHHHH24s", 9, 14, b"44\0x", b"Ned", 222, 2, 1, 3, 4, 5, b"0555"
    )
    record = UserRecord.from_bytes(LONG, raw)
    assert record.user("ascii") == TerminalUser(9, "0555", "Ned", 14, 222)
    assert (record.password, record.group, record.own_zones) == (
        b"44\0x\0\0\0\0",
        2,
        1,
    )
    assert record.zones == struct.pack("<3H", 3, 4, 5)
    raw = struct.pack("<HB5s8sIBBHI", 9, 6, b"44", b"Ned", 222, 0, 2, 3, 555)
    record = UserRecord.from_bytes(SHORT, raw)
    assert record.user("ascii") == TerminalUser(9, "555", "Ned", 6, 222)
    assert (record.group, record.zones) == (2, b"\3\0")


@given(slots, st.integers(0, 999999999), st.sampled_from([0, 2, 6, 14]), cards)
def test_users_survive(slot: int, badge: int, privilege: int, card: int) -> None:
    """A user goes in and out of both layouts."""
    user = TerminalUser(slot, str(badge), "甲七", privilege, card)
    for layout in USER_LAYOUTS.values():
        record = UserRecord.of(layout, user, "gb18030")
        assert len(record.to_bytes(layout)) == layout.size
        assert UserRecord.from_bytes(layout, record.to_bytes(layout)) == record
        assert record.user("gb18030") == user
        assert (record.group, record.password) == (1, bytes(len(record.password)))


def test_a_password_is_never_printed() -> None:
    """Neither the password nor a name is in any printed form."""
    for layout in USER_LAYOUTS.values():
        raw = bytes(3) + b"12345Nikolaus".ljust(layout.size - 3, b"\0")
        said = repr(UserRecord.from_bytes(layout, raw))
        assert "12345" not in said
        assert "Niko" not in said


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-8", "big5"])
@pytest.mark.parametrize("layout", [SHORT, LONG], ids=lambda one: one.name)
def test_names_cut_inside_a_character(layout: object, encoding: str) -> None:
    """Firmware cuts at the field's end; the half character is left out."""
    assert layout in {SHORT, LONG}
    text = "王小明李大中張文山林子安"
    whole = text.encode(encoding)
    room = SHORT.room if layout is SHORT else LONG.room
    for cut in range(1, min(room, len(whole)) + 1):
        name = whole[:cut]
        raw = short_user(1, 5, name) if layout is SHORT else long_user(1, b"5", name)
        used = SHORT if layout is SHORT else LONG
        found = UserRecord.from_bytes(used, raw).user(encoding).name
        whole_characters = len(name.decode(encoding, "ignore"))
        assert found == text[:whole_characters], (cut, name)


def test_a_name_leaves_room_for_its_nul() -> None:
    """24 bytes of name would leave no end; 23 do. Eight fill the short field."""
    for layout, room in ((LONG, 23), (SHORT, 8)):
        user = TerminalUser(1, "1", "n" * room, 0, 0)
        assert UserRecord.of(layout, user, "ascii").user("ascii") == user
        with pytest.raises(ValueError, match=f"the field holds {room}"):
            UserRecord.of(layout, TerminalUser(1, "1", "n" * (room + 1), 0, 0), "ascii")


@pytest.mark.parametrize("badge", ["0042", "A1", "", "\uff14"])
def test_28_bytes_hold_plain_numbers(badge: str) -> None:
    """What would come back as another badge is not written."""
    with pytest.raises(ValueError, match="plain numbers only"):
        UserRecord.of(SHORT, TerminalUser(1, badge, "", 0, 0), "utf-8")


def test_users_of_another_length_are_refused() -> None:
    """A user that is cut is no user; the bytes are kept."""
    for layout in USER_LAYOUTS.values():
        for size in (0, layout.size - 1, layout.size + 1):
            with pytest.raises(ProtocolError, match=f"of {size} bytes") as caught:
                UserRecord.from_bytes(layout, bytes(size))
            assert caught.value.data == bytes(size)


def test_lists() -> None:
    """The layout of a list follows from its users, whatever the terminal counts."""
    rng = Random(SEED)
    print("seed", SEED)
    for _ in range(400):
        count = rng.choice((1, 2, 7, 9, 18, 36, 63, 126))
        said = rng.choice((count, 0, -1, count + 1, count * 72 // 28))
        level = rng.choice((0, 0, 2, 6, 14))
        name = rng.choice((b"", b"Ned", "王明".encode("gb18030"), "李".encode()))
        wide = [
            long_user(n, b"%04d" % (n * 7), name, level) for n in range(1, count + 1)
        ]
        narrow = [short_user(n, n * 7, name, level) for n in range(1, count + 1)]
        found = read_users(b"".join(wide), said, "gb18030")
        assert [user.badge for user in found] == [
            f"{n * 7:04}" for n in range(1, count + 1)
        ]
        found = read_users(b"".join(narrow), said, "gb18030")
        assert [user.badge for user in found] == [
            str(n * 7) for n in range(1, count + 1)
        ]


def test_one_damaged_user_costs_no_other() -> None:
    """Most users decide; the damaged one is read as it is."""
    records = [long_user(n, b"%d" % n) for n in range(1, 6)]
    records[2] = b"\xff" * 72
    found = read_users(b"".join(records), 5, "gb18030")
    assert [user.badge for user in found if user.badge.isdigit()] == list("1245")


def test_no_users() -> None:
    """A terminal without users has an empty list, not an odd one."""
    assert read_users(b"", 0, "ascii") == []


@pytest.mark.parametrize(
    "data",
    [
        bytes(504),
        b"\xff" * 504,
        b"0123456789ab" * 42,
        bytes(71),
        long_user(0, b"") * 7,
        long_user(1, b"0") * 7,
    ],
)
def test_other_lists_are_refused(data: bytes) -> None:
    """What makes sense in no layout is refused with its bytes."""
    with pytest.raises(ProtocolError, match="no layout known here") as caught:
        read_users(data, 7, "gb18030")
    assert caught.value.data == data


def test_a_list_of_both_layouts_goes_by_the_count() -> None:
    """Bytes that are sound users in both: the terminal's count decides, or nobody."""
    data = b"\1" + bytes(23) + b"5\0\0\0"
    data *= 18
    both = bytearray(data)
    for at in range(0, len(data), LONG.size):
        both[at : at + 3] = b"\1\0\0"
        both[at + 48 : at + LONG.size] = b"5".ljust(24, b"\0")
    for at in range(0, len(data), SHORT.size):
        if not any(both[at : at + 2]):
            both[at] = 1
        if not any(both[at + 24 : at + SHORT.size]):
            both[at + 24] = 5
    for count in (18, 7):
        assert len(read_users(bytes(both), count, "ascii")) == count
    for count in (0, -1, 12):
        with pytest.raises(ProtocolError, match="no layout known here"):
            read_users(bytes(both), count, "ascii")
