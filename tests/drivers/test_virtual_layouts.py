"""Every record layout: what goes with it, who can read it, and what it cannot hold."""

import asyncio
from typing import Any

import pytest

from drivers.attlog import AttlogLine
from drivers.base import Address, TerminalUser
from drivers.virtual import VirtualConfig, VirtualTerminal
from drivers.virtual.config import MODELS
from drivers.zk.commands import Command
from drivers.zk.events import parse_events
from drivers.zk.payloads import BufferRequest, Sizes, option_request, records_of
from drivers.zk.records import LAYOUTS, punches
from drivers.zk.terminal import ZkTerminal
from drivers.zk.users import USER_LAYOUTS, read_users
from tests.drivers.terminals import NOON, session, udp_session
from tests.drivers.test_foreign_pyzk import pyzk

LOG = BufferRequest(Command.READ_LOG)
USERS = BufferRequest(Command.READ_USERS, 5)
PEOPLE = [
    TerminalUser(number, str(1000 + number), "甲二", 0, 0) for number in (1, 2, 3)
]
LAYOUT = pytest.mark.parametrize("layout", list(MODELS))


def made(layout: str, count: int = 200, **fields: Any) -> VirtualConfig:
    """Make a terminal of this layout with plain numbers for badges."""
    log = [
        AttlogLine(
            str(1001 + number % 3),
            f"2026-11-{number // 60 + 1:02}T08:{number % 60:02}:00",
            state=(0, 1, 5)[number % 3],
            verify=(1, 4, 15)[number % 3],
        )
        for number in range(count)
    ]
    return VirtualConfig(
        layout=layout, log=log, users=PEOPLE, clock=lambda: NOON, **fields
    )


def test_the_tables_agree() -> None:
    """There is a model for every record layout that the codec knows."""
    assert set(MODELS) == set(LAYOUTS)
    assert {str(one.user_bytes) for one in MODELS.values()} == set(USER_LAYOUTS)


@LAYOUT
def test_records_are_those_of_the_layout(layout: str) -> None:
    """What was put in comes out of the bytes on both transports."""

    async def run() -> None:
        config = made(layout)
        async with (
            VirtualTerminal(config) as terminal,
            session(terminal) as peer,
            udp_session(terminal) as other,
        ):
            for one in (peer, other):
                records = records_of(await one.data_set(LOG, 5000))
                got = punches(
                    LAYOUTS[layout],
                    terminal.serial,
                    records,
                    "gb18030",
                    slots={user.slot: user.badge for user in PEOPLE},
                )
                assert got == terminal.records
            held = terminal.records
            assert [(p.badge, p.at, p.verify, p.state) for p in held] == [
                (row.badge, row.at, row.verify, row.state) for row in config.log
            ]

    asyncio.run(run())


@LAYOUT
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_our_driver_reads_it(layout: str, transport: str) -> None:
    """Log and users come out as they went in, and no template is asked for."""

    async def run() -> None:
        async with VirtualTerminal(made(layout)) as terminal:
            port = terminal.port if transport == "tcp" else terminal.udp_port
            driver = ZkTerminal(Address("127.0.0.1", port, transport))
            try:
                await driver.open()
                got = [punch async for piece in driver.read() for punch in piece]
                assert got == terminal.records
                assert list(await driver.users()) == PEOPLE
            finally:
                await driver.close()
                await asyncio.sleep(0)
            assert terminal.template_requests == []

    asyncio.run(run())


@pytest.mark.parametrize("layout", ["8a", "16", "40"])
@pytest.mark.parametrize("force_udp", [True, False])
def test_pyzk_reads_the_three_it_knows(layout: str, *, force_udp: bool) -> None:
    """Users, badges and times, over both transports."""

    def work(port: int) -> list[tuple[str, str]]:
        with pyzk(port, force_udp=force_udp) as zk:
            zk.connect()
            assert [one.user_id for one in zk.get_users()] == ["1001", "1002", "1003"]
            got = [
                (one.user_id, one.timestamp.isoformat()) for one in zk.get_attendance()
            ]
            zk.disconnect()
        return got

    async def run() -> None:
        async with VirtualTerminal(made(layout)) as terminal:
            got = await asyncio.to_thread(work, terminal.port)
            assert got == [(punch.badge, punch.at) for punch in terminal.records]

    asyncio.run(run())


@LAYOUT
def test_what_goes_with_it(layout: str) -> None:
    """Bytes of a record, a user, an event and the counts, as docs say."""
    model = MODELS[layout]

    async def run() -> None:
        async with (
            VirtualTerminal(made(layout)) as terminal,
            session(terminal) as peer,
            udp_session(terminal) as other,
        ):
            assert len(await peer.data_set(LOG)) == 4 + 200 * LAYOUTS[layout].size
            users = records_of(await peer.data_set(USERS))
            assert len(users) == 3 * model.user_bytes
            assert read_users(users, 3, "gb18030") == PEOPLE
            for one in (peer, other):
                sizes = await one.one(Command.FREE_SIZES)
                assert len(sizes.data) == model.sizes_bytes
                assert Sizes.from_bytes(sizes.data).records == 200
                await one.one(Command.REGISTER_EVENT, b"\1\0\0\0")
            terminal.punch("1002", state=1, verify=4)
            for one in (peer, other):
                frame = await one.event()
                assert len(frame.data) == model.event_bytes
                (event,) = parse_events(frame.data, "gb18030")
                assert event.badge in {"1002", None}
                assert event.slot == (2 if event.badge is None else 0)
                assert (event.verify, event.state) == (4, 1)

    asyncio.run(run())


@pytest.mark.parametrize("length", [80, 92, 112])
def test_counts_of_other_lengths(length: int) -> None:
    """A model with faces says how many it can hold, whatever its layout."""

    async def run() -> None:
        config = made("40", sizes_bytes=length)
        async with VirtualTerminal(config) as terminal, session(terminal) as peer:
            frame = await peer.one(Command.FREE_SIZES)
            assert len(frame.data) == length
            assert Sizes.from_bytes(frame.data).face_capacity == 3000 * (length > 80)
            option = await peer.one(Command.READ_OPTION, option_request("FaceFunOn"))
            assert option.data == f"FaceFunOn={int(length > 80)}\0".encode()

    asyncio.run(run())


@pytest.mark.parametrize(
    "layout, badge, words",
    [
        ("8a", "7", "8-byte records hold users only, and '7' is none"),
        ("8b", "7", "8-byte records hold users only"),
        ("16", "0042", "16-byte records hold plain numbers only, not '0042'"),
        ("16", "4294967296", "does not fit a record"),
        ("36", "x" * 25, "the field holds 24"),
        ("40", "x" * 25, "the field holds 24"),
        ("49", "x" * 25, "the field holds 24"),
    ],
)
def test_what_it_cannot_hold(layout: str, badge: str, words: str) -> None:
    """A badge no record of this layout can hold is refused; the log stays."""
    terminal = VirtualTerminal(made(layout, 3))
    terminal.load()
    with pytest.raises(ValueError, match=words):
        terminal.punch(badge)
    assert len(terminal.records) == 3


def test_short_users_cut_long_names() -> None:
    """28-byte users hold 8 bytes of a name, even if that cuts a character."""
    people = [TerminalUser(1, "1", "abc甲二三四", 0, 0), TerminalUser(2, "2", "", 0, 0)]

    async def run() -> None:
        config = VirtualConfig(layout="16", users=people)
        async with VirtualTerminal(config) as terminal, session(terminal) as peer:
            users = records_of(await peer.data_set(USERS))
            assert users[8:16] == "abc甲二三".encode("gb18030")[:8]
            assert read_users(users, 2, "gb18030")[0].name == "abc甲二"

    asyncio.run(run())
