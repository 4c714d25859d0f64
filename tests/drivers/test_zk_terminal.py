"""The default driver, method by method: keys, name plate, clock, users, operations."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from drivers import REGISTRY
from drivers.base import (
    Announcement,
    AuthError,
    Counts,
    ProtocolError,
    SilentError,
    TerminalError,
    TerminalInfo,
    TerminalUser,
    UnsupportedError,
)
from drivers.virtual import VirtualConfig, VirtualTerminal
from drivers.zk.commands import Command, Reply, key_matches
from drivers.zk.operations import Operation
from drivers.zk.packets import Frame
from drivers.zk.payloads import option_reply
from drivers.zk.terminal import ZkTerminal
from tests.drivers.fault_link import (
    EVENT,
    SERIAL,
    SESSION,
    Answer,
    Script,
    at,
    peer,
    reply,
    says,
    sizes,
)
from tests.drivers.terminals import address, config

Work = Callable[[VirtualTerminal, ZkTerminal], Awaitable[None]]


def talk(made: VirtualConfig, work: Work, **fields: Any) -> None:
    """Run one opened conversation; afterwards nothing was changed or given away."""

    async def run() -> None:
        async with VirtualTerminal(made) as terminal, asyncio.timeout(20):
            driver = ZkTerminal(address(terminal, **fields))
            try:
                assert await driver.open() == terminal.serial
                await work(terminal, driver)
            finally:
                await driver.close()
            assert terminal.template_requests == terminal.refused == []
            assert terminal.sessions == 0

    asyncio.run(run())


def opening(
    script: Script, transport: str = "tcp", **fields: Any
) -> str | TerminalError:
    """Open a peer and leave; return its serial number or the error."""

    async def run() -> str | TerminalError:
        async with peer(script, transport) as made, asyncio.timeout(20):
            driver = ZkTerminal(at(made.port, transport=transport, **fields))
            try:
                return await driver.open()
            except TerminalError as error:
                return error
            finally:
                await driver.close()

    return asyncio.run(run())


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("key", [0, 1, 123456, 131071, 0xFFFFFFFF])
def test_who_answered(transport: str, key: int) -> None:
    """Serial, name plate, clock, counts, users, over both transports, with a key."""

    async def work(terminal: VirtualTerminal, driver: ZkTerminal) -> None:
        assert await driver.info() == TerminalInfo(
            "VT00000001", "Ver 6.60 virtual", "VIRTUAL_TFT", "Virtual terminal",
            30, 26, 100_000,
        )  # fmt: skip
        assert await driver.clock() == "2026-11-02T12:01:30"
        assert await driver.counts() == Counts(30, 26, 100_000)
        assert await driver.users() == list(terminal.users)

    made = config(26, comm_key=key, clock_offset_seconds=90)
    talk(made, work, comm_key=key, transport=transport)


def test_the_registry_names_it() -> None:
    """`zk` is this driver."""
    assert isinstance(REGISTRY["zk"].open(at(1)), ZkTerminal)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 0xFFFFFFFF), st.integers(1, 0xFFFF))
@example(131071, 0xFFFF)
@example(0xFFFF8000, 0x8000)
def test_any_key_in_any_session(key: int, session: int) -> None:
    """What the driver sends is this key's in this session, and no other's."""
    sent: list[Frame] = []

    def auth(asked: Frame) -> list[Frame]:
        sent.append(asked)
        return [reply(asked, session=session)]

    script: Script = {
        Command.CONNECT: says(Reply.UNAUTHORISED, session=session),
        Command.AUTH: auth,
        Command.READ_OPTION: says(
            data=option_reply("~SerialNumber", SERIAL), session=session
        ),
        Command.EXIT: says(session=session),
    }
    assert opening(script, comm_key=key) == SERIAL
    assert len(sent) == 1
    assert sent[0].session == session
    assert key_matches(key, session, sent[0].data)
    assert not key_matches(key ^ 0x8000, session, sent[0].data)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("ours, theirs", [(0, 5), (5, 6), (131071, 131070)])
def test_a_wrong_key(ours: int, theirs: int, transport: str) -> None:
    """Said in words, without the key, and not tried again and again."""

    async def run() -> None:
        async with VirtualTerminal(config(1, comm_key=theirs)) as terminal:
            driver = ZkTerminal(address(terminal, comm_key=ours, transport=transport))
            with pytest.raises(AuthError, match=r"comm key: .*2005.*menu") as caught:
                await driver.open()
            assert str(ours) not in str(caught.value).replace("2005", "") or not ours
            await driver.close()
            assert terminal.asked(Command.AUTH) == 1
            assert terminal.sessions == 0

    asyncio.run(run())


OPTION = Command.READ_OPTION


@pytest.mark.parametrize(
    "script, kind, words",
    [
        ({Command.CONNECT: says(Reply.SECURE)}, UnsupportedError, "secure.*6001.*ADMS"),
        ({Command.CONNECT: says(Reply.UNAUTHORISED), Command.AUTH: says(Reply.SECURE)},
         UnsupportedError, "secure firmware"),
        ({Command.CONNECT: says(Reply.AUTH_LOCKED)}, AuthError, "nobody in.*2032"),
        ({Command.CONNECT: says(Reply.UNAUTHORISED),
          Command.AUTH: says(Reply.AUTH_LOCKED)}, AuthError, "nobody in.*2032"),
        ({Command.CONNECT: says(Reply.ERROR)}, TerminalError, r"connect: .*2001"),
        ({Command.CONNECT: says(Reply.UNAUTHORISED), Command.AUTH: says(Reply.ERROR)},
         TerminalError, r"connect: the terminal answered 2001 \(ERROR\)"),
        ({Command.CONNECT: lambda _: []}, SilentError, r"no answer to 1000"),
        ({Command.CONNECT: lambda _: [b""]}, TerminalError, "closed the connection"),
        ({Command.CONNECT: lambda _: [b"SSH-2.0-x\r\n"]}, ProtocolError, "SSH-2.0-x"),
        ({OPTION: says(Reply.ERROR)}, UnsupportedError, "serial number"),
        ({OPTION: says(data=b"~SerialNumber= \0")}, UnsupportedError, "serial number"),
        ({OPTION: says(data=b"~SerialNumber")}, ProtocolError, "option without a val"),
        ({OPTION: lambda _: []}, SilentError, "no answer to 11"),
    ],
)  # fmt: skip
def test_a_door_that_stays_shut(
    script: Script, kind: type[TerminalError], words: str
) -> None:
    """Secure firmware, locks, refusals, silence and strangers: each in its words."""
    found = opening(script)
    assert type(found) is kind
    with pytest.raises(kind, match=words):
        raise found


@pytest.mark.parametrize(
    "command, answer, ask, words",
    [
        (Command.GET_TIME, says(Reply.ERROR), "clock", r"clock: .*2001 \(ERROR\)"),
        (Command.GET_TIME, says(data=b"\1\2\3"), "clock", "a clock without a time"),
        (Command.FREE_SIZES, says(Reply.ERROR), "counts", r"counts: .*2001"),
        (Command.FREE_SIZES, says(data=bytes(79)), "counts", "counts of 79 bytes"),
        (Command.REGISTER_EVENT, says(Reply.UNKNOWN), "listen", r"listen: .*65535"),
        (Command.PREPARE_BUFFER, says(Reply.UNAUTHORISED), "users", "not prepare"),
        (Command.PREPARE_BUFFER, says(Command.DATA, bytes(3)), "operations", "length"),
    ],
)
def test_answers_that_say_nothing(
    command: Command, answer: Answer, ask: str, words: str
) -> None:
    """Each method names what it asked for and what came."""

    async def run() -> None:
        async with peer({command: answer}) as made:
            driver = ZkTerminal(at(made.port))
            await driver.open()
            with pytest.raises(TerminalError, match=words):
                await getattr(driver, ask)()
            assert await driver.counts() if command != Command.FREE_SIZES else True
            await driver.close()

    asyncio.run(run())


def test_a_name_plate_with_gaps() -> None:
    """What a terminal does not say is empty; the rest is still told."""

    async def run() -> None:
        def option(asked: Frame) -> list[Frame]:
            if asked.data == b"~SerialNumber\0":
                return [reply(asked, data=option_reply("~SerialNumber", f" {SERIAL} "))]
            return [reply(asked, Reply.ERROR)]

        script: Script = {
            Command.READ_OPTION: option,
            Command.VERSION: says(Reply.UNKNOWN, b"no"),
            Command.FREE_SIZES: sizes(5, 7),
        }
        async with peer(script) as made:
            driver = ZkTerminal(at(made.port))
            assert await driver.open() == SERIAL
            assert await driver.info() == TerminalInfo(SERIAL, "", "", "", 7, 5, 0)
            await driver.close()

    asyncio.run(run())


@pytest.mark.parametrize("layout, name", [("40", "甲二"), ("16", "王一"), ("8a", "x")])
@pytest.mark.parametrize("inline_bytes", [0, 1 << 20])
def test_users(layout: str, name: str, inline_bytes: int) -> None:
    """Of both record sizes, inline or prepared; nobody at all is nobody."""
    for count in (0, 1, 700):
        people = [
            TerminalUser(slot, str(slot), name, 14 * (slot == 1), slot)
            for slot in range(1, count + 1)
        ]
        # Cards stay at home: the virtual terminal's users are made from a CSV file.

        async def work(
            terminal: VirtualTerminal,
            driver: ZkTerminal,
            people: list[TerminalUser] = people,
        ) -> None:
            assert await driver.users() == people
            assert await driver.users() == people

        talk(config(users=people, layout=layout, inline_bytes=inline_bytes), work)


def test_operations() -> None:
    """What was done at the terminal's menu, in its order, and what it did itself."""
    done = [
        Operation(1, 5, f"2026-11-02T08:00:{number:02}", (number, 2, 3, 4))
        for number in range(60)
    ]

    async def work(terminal: VirtualTerminal, driver: ZkTerminal) -> None:
        found = await driver.operations()
        assert found == terminal.operations
        assert found[: len(done)] == done

    for transport in ("tcp", "udp"):
        talk(config(operations=done), work, transport=transport)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("layout, badge", [("40", "0007"), ("16", "7"), ("8a", None)])
def test_announcements(layout: str, badge: str | None, transport: str) -> None:
    """Told once each, in order, with a badge where the model names one, else a slot."""
    slot = 7 if badge is None else None

    async def work(terminal: VirtualTerminal, driver: ZkTerminal) -> None:
        assert await driver.wait(0.05) == []
        terminal.punch(badge or "7")  # nobody listens yet
        await driver.listen()
        assert await driver.wait(0.05) == []
        ats = [terminal.punch(badge or "7", f"2026-11-02T09:00:0{n}") for n in range(3)]
        # An answer comes behind the events before it.
        await driver.clock()
        assert await driver.wait(2) == [Announcement(badge, at, slot) for at in ats]
        ats = [terminal.punch(badge or "7")]
        assert await driver.wait(5) == [Announcement(badge, ats[0], slot)]
        assert await driver.wait(0.05) == []

    people = [TerminalUser(7, badge or "7", "", 0, 0)]
    talk(config(users=people, layout=layout), work, transport=transport)


def test_a_wait_that_the_terminal_ends() -> None:
    """Hanging up while nobody asks is an error of the wait, not an empty answer."""

    async def run() -> None:
        async with peer({Command.REGISTER_EVENT: says()}) as made:
            driver = ZkTerminal(at(made.port))
            await driver.open()
            await driver.listen()
            made.writers[0].write(EVENT.to_tcp())
            made.writers[0].close()
            with pytest.raises(TerminalError, match="closed the connection"):
                await driver.wait(5)
            await driver.close()
            await driver.close()

    asyncio.run(run())


def test_close_says_goodbye_in_its_session() -> None:
    """The terminal's only client slot is given back at once."""

    async def run() -> None:
        async with peer() as made:
            driver = ZkTerminal(at(made.port))
            await driver.open()
            await driver.close()
            assert [frame.session for frame in made.of(Command.EXIT)] == [SESSION]
        async with VirtualTerminal(config(1, "single-client")) as terminal:
            for _ in range(20):
                driver = ZkTerminal(address(terminal))
                await driver.open()
                await driver.close()
                assert terminal.sessions == 0

    asyncio.run(run())
