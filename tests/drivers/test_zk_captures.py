"""Real terminals' bytes, from public repositories: decoded to what they mean."""

from typing import Any

import pytest

from drivers.base import ProtocolError
from drivers.zk.commands import Reply, key_matches
from drivers.zk.events import PunchEvent, parse_events
from drivers.zk.operations import parse_operations
from drivers.zk.packets import Frame, FrameSplitter
from drivers.zk.payloads import (
    BufferRequest,
    Prepared,
    Sizes,
    parse_announcement,
    parse_option,
    parse_prepared,
    records_of,
)
from drivers.zk.records import LAYOUTS, punches
from drivers.zk.users import USER_LAYOUTS, UserRecord, read_users
from tests.drivers.captures import case, load

# Edited by hand before they were published (the README of the captures says so).
EDITED = {
    ("test_tcp_live_connect", 5),
    ("test_tcp_live_connect", 6),
    ("test_tcp_live_connect_small", 5),
    ("test_tcp_live_connect_small", 6),
}


def raw(row: dict[str, Any]) -> bytes:
    """Bytes of a row."""
    return bytes.fromhex(row["hex"])


def split(stream: bytes, step: int) -> list[Frame]:
    """Feed a stream in steps; all of it must be whole frames."""
    splitter = FrameSplitter()
    frames: list[Frame] = []
    for at in range(0, len(stream), step):
        frames += splitter.feed(stream[at : at + step])
    assert splitter.pending == 0
    return frames


def stream_of(name: str, direction: str) -> bytes:
    """Return all TCP bytes of a case that went one way, without unusable rows."""
    return b"".join(
        raw(row)
        for row in case(name)
        if row["direction"] == direction and row["length"] != 102
    )


def user_cases() -> list[tuple[str, int]]:
    """Cases whose frames are all real, and how many users each holds."""
    return [
        ("test_tcp_get_users_small_data", 7),
        ("test_tcp_get_users_broken_data", 2),
        ("test_tcp_get_users_broken_tcp", 70),
    ]


def test_every_whole_frame_has_the_plain_checksum() -> None:
    """Terminals and pyzk alike send the standard sum; 60 frames and more say so."""
    checked = 0
    for row in load("pyzk_packets.jsonl"):
        if not row["whole_frame"] or (row["case"], row["seq"]) in EDITED:
            continue
        body = raw(row)[0 if row["transport"] == "udp" else 8 :]
        assert Frame.from_bytes(body).to_bytes() == body
        checked += 1
    print("frames checked", checked)
    assert checked >= 50


def test_documented_frames_have_it_too() -> None:
    """Every whole frame of the second collection is one frame with a good sum."""
    whole = [
        row for row in load("adrobinoga_dumps.jsonl") if row["hex"].startswith("50")
    ]
    for row in whole:
        assert len(split(raw(row), 1)) == 1
    assert len(whole) == 15


def ways(rows: list[dict[str, Any]]) -> dict[str, list[bytes]]:
    """Return a case's bytes as they came, byte by byte, and in one segment."""
    stream = b"".join(map(raw, rows))
    return {
        "whole": [raw(row) for row in rows],
        "byte by byte": [stream[at : at + 1] for at in range(len(stream))],
        "glued": [stream],
    }


def test_every_sequence_whole_in_bytes_and_glued() -> None:
    """The same frames however they came, and written again the bytes that came."""
    seen = 0
    usable = [
        row
        for row in load("pyzk_packets.jsonl")
        if row["length"] != 102 and (row["case"], row["seq"]) not in EDITED
    ]
    sides = sorted({(row["case"], row["direction"]) for row in usable})
    for name, direction in sides:
        rows = [row for row in case(name) if row in usable]
        rows = [row for row in rows if row["direction"] == direction]
        if rows[0]["transport"] == "udp":
            for row in rows:
                assert Frame.from_bytes(raw(row)).to_bytes() == raw(row)
            seen += len(rows)
            continue
        for segments in ways(rows).values():
            splitter = FrameSplitter()
            frames = [one for part in segments for one in splitter.feed(part)]
            assert splitter.pending == 0
            assert b"".join(one.to_tcp() for one in frames) == b"".join(map(raw, rows))
            seen += len(frames)
    print("frames of", len(sides), "sides:", seen)
    assert seen >= 150


def test_udp_sequences() -> None:
    """Datagrams are the same frames without the eight bytes in front."""
    for name in ("test_udp_connect", "test_force_udp_connect"):
        sent = [Frame.from_bytes(raw(row)) for row in case(name)]
        assert [frame.command for frame in sent] == [2000, 1000, 1001]
        assert sent[0].session == sent[2].session != 0
        with pytest.raises(ProtocolError, match="not a ZK terminal"):
            FrameSplitter().feed(raw(case(name)[0]))


def test_every_expectation_has_a_test() -> None:
    """A new case among the expected values fails here until it is read."""
    assert set(load("pyzk_expected.json")) == {
        "test_tcp_auth",
        "test_tcp_unauth",
        "test_tcp_get_size",
        "test_tcp_live_connect",
        "test_tcp_live_connect_small",
        *(name for name, _ in user_cases()),
    }
    assert set(load("adrobinoga_expected.json")) == {
        "protocol.md:441",
        "sections/realtime.md:125",
        "sections/data-record.md:118",
        "sections/data-user.md:158",
        "sections/terminal.md:241",
        "sections/terminal.md:252",
    }


@pytest.mark.parametrize("name", sorted({case_name for case_name, _ in EDITED}))
def test_edited_frames_are_refused(name: str) -> None:
    """A frame whose length was changed by hand never comes out as a frame."""
    rows = {row["seq"]: row for row in case(name)}
    with pytest.raises(ProtocolError, match="wrong checksum"):
        FrameSplitter().feed(raw(rows[5]))
    waiting = FrameSplitter()
    assert waiting.feed(raw(rows[6])) == []
    assert waiting.pending == len(raw(rows[6]))
    with pytest.raises(ProtocolError, match="wrong checksum"):
        waiting.feed(b"\x01" * 1008)


def test_connect_and_exit() -> None:
    """CONNECT asks with session 0; the reply carries the id that EXIT repeats."""
    sent = split(stream_of("test_tcp_connect", "host->device"), 5)
    answered = split(stream_of("test_tcp_connect", "device->host"), 5)
    assert [frame.command for frame in sent] == [1000, 1001]
    assert [frame.session for frame in sent] == [0, answered[0].session]
    assert answered[0].command == Reply.OK


@pytest.mark.parametrize("name", ["test_tcp_auth", "test_tcp_unauth"])
def test_keys(name: str) -> None:
    """The payload in the capture is the key's, and no other key's."""
    expected = load("pyzk_expected.json")[name]
    auth = next(
        frame
        for frame in split(stream_of(name, "host->device"), 7)
        if frame.command == 1102
    )
    assert auth.data.hex() == expected["auth_payload_hex"]
    assert auth.session == expected["session_id"]
    assert key_matches(expected["commkey"], auth.session, auth.data)
    last = split(stream_of(name, "device->host"), 7)[1]
    answers = {"CMD_ACK_OK": Reply.OK, "CMD_ACK_UNAUTH": Reply.UNAUTHORISED}
    assert last.command == answers[expected["result"]]
    assert not key_matches(expected["commkey"] + 1, auth.session, auth.data)


def test_sizes() -> None:
    """Counts of a K20: the frame is cut in the capture, its first 80 bytes are not."""
    expected = load("pyzk_expected.json")["test_tcp_get_size"]
    row = next(row for row in case("test_tcp_get_size") if row["length"] == 102)
    splitter = FrameSplitter()
    assert splitter.feed(raw(row)) == []
    sizes = Sizes.from_bytes(raw(row)[16:])
    assert {
        "users": sizes.users,
        "fingers": sizes.fingers,
        "records": sizes.records,
        "users_cap": sizes.user_capacity,
        "fingers_cap": sizes.finger_capacity,
        "records_cap": sizes.record_capacity,
    } == expected


@pytest.mark.parametrize("step", [1, 3, 1016, 10**6])
@pytest.mark.parametrize("name, count", user_cases())
def test_users(name: str, count: int, step: int) -> None:
    """Inline, late and in chunks, cut anywhere: the same users."""
    frames = split(stream_of(name, "device->host"), step)
    data = b"".join(frame.data for frame in frames if frame.command == 1501)
    records = records_of(data)
    assert len(records) == 72 * count
    users = [
        UserRecord.from_bytes(USER_LAYOUTS["72"], records[at : at + 72]).user("gb18030")
        for at in range(0, len(records), 72)
    ]
    for said in (count, 0, -1):
        assert read_users(records, said, "gb18030") == users
    expected = load("pyzk_expected.json")[name]
    assert expected.pop("users") == count
    for key, want in expected.items():
        start = int(key.rsplit("_", 1)[1]) if "index" in key else 0
        for index, row in enumerate(want if isinstance(want, list) else [want], start):
            user = users[index]
            assert (user.slot, user.badge) == (row["uid"], row["user_id"])
            assert user.name == row["name"].replace("(empty in record)", "")
            assert user.privilege == row.get("privilege", user.privilege)


def test_a_chunked_answer() -> None:
    """Size three times over, frames numbered in the session field, one reply id."""
    frames = split(stream_of("test_tcp_get_users_broken_tcp", "device->host"), 11)
    prepared = next(frame for frame in frames if len(frame.data) == 13)
    announced = next(frame for frame in frames if frame.command == 1500)
    data = [frame for frame in frames if frame.command == 1501]
    assert parse_prepared(prepared) == Prepared(5044)
    assert parse_announcement(announced.data) == sum(len(f.data) for f in data) == 5044
    assert [frame.session for frame in data] == list(range(6))
    assert {frame.reply_id for frame in data} == {announced.reply_id}


def test_an_inline_answer() -> None:
    """A small data set comes in one frame instead of a descriptor."""
    frames = split(stream_of("test_tcp_get_users_small_data", "device->host"), 11)
    inline = next(frame for frame in frames if frame.command == 1501)
    assert parse_prepared(inline) == Prepared(len(inline.data), inline.data)


def test_buffer_requests() -> None:
    """What pyzk sends for users is the request known here."""
    for name in ("test_tcp_get_users_small_data", "test_tcp_get_users_broken_data"):
        sent = split(stream_of(name, "host->device"), 9)
        assert BufferRequest.from_bytes(sent[-1].data) == BufferRequest(9, 5)


@pytest.mark.parametrize(
    "name", ["test_tcp_live_connect", "test_tcp_live_connect_small"]
)
def test_events(name: str) -> None:
    """Event payloads of 12 and 32 bytes; only the length before them was edited."""
    row = next(row for row in case(name) if row["seq"] == 6)
    event = parse_events(raw(row)[16:], "gb18030")[0]
    assert event.badge == load("pyzk_expected.json")[name]["first_event_user_id"]
    assert event.at.startswith("2018-1")


def dump(where: str) -> bytes:
    """Bytes of one row of the second collection, named `file:line`."""
    return next(
        raw(row)
        for row in load("adrobinoga_dumps.jsonl")
        if f"{row['file']}:{row['line']}" == where
    )


def test_a_documented_event() -> None:
    """The event code stands in the session field, the reply id is 0."""
    expected = load("adrobinoga_expected.json")["sections/realtime.md:125"]
    (frame,) = split(dump("sections/realtime.md:125"), 4)
    assert (frame.command, frame.session, frame.reply_id) == (500, 1, 0)
    event = parse_events(frame.data, "gb18030")[0]
    at = expected["time"].replace(" ", "T")
    assert event == PunchEvent(expected["user_id"], expected["verify"], 0, at)


def test_a_documented_record() -> None:
    """The 40-byte record with its unaligned time."""
    record = dump("sections/data-record.md:118")
    (punch,) = punches(LAYOUTS["40"], "S", record, "gb18030")
    assert (punch.badge, punch.at, punch.verify, punch.state) == (
        "999111333",
        "2018-06-25T17:50:35",
        1,
        0,
    )
    assert punch.raw == record


def test_a_documented_user() -> None:
    """The 72-byte user: garbage behind the password's NUL, a group, own zones."""
    record = UserRecord.from_bytes(
        USER_LAYOUTS["72"], dump("sections/data-user.md:158")
    )
    user = record.user("gb18030")
    assert (user.slot, user.name, user.badge, user.card) == (13, "Ned", "555", 222)
    assert (record.group, record.own_zones, record.password[:4]) == (2, 1, b"444\0")


def test_documented_options() -> None:
    """Replies to option requests."""
    for where, expected in (
        ("sections/terminal.md:241", ("~Platform", "ZEM760_TFT")),
        ("sections/terminal.md:252", ("WorkCode", "0")),
    ):
        (frame,) = split(dump(where), 6)
        assert parse_option(frame.data) == expected


def test_a_documented_operation() -> None:
    """A finger was enrolled; which parameter is what, sources disagree about."""
    record = dump("sections/data-record.md:197")
    (operation,) = parse_operations(record)
    assert operation.to_bytes() == record
    assert (operation.code, operation.parameters) == (6, (3, 0, 7, 1282))


def test_documented_session_fields() -> None:
    """Another kind of event, and the reply that has the state in the session field."""
    (frame,) = split(dump("protocol.md:441"), 3)
    assert (frame.command, frame.session, frame.data) == (500, 256, b"\x64")
    with pytest.raises(ProtocolError, match="a punch event of 1 bytes"):
        parse_events(frame.data, "ascii")
    (frame,) = split(dump("sections/terminal.md:470"), 3)
    assert (frame.command, frame.session) == (2000, 2)
