"""Numbering and sorting of frames, and requests over a link that answers oddly."""

import asyncio

import pytest

from drivers.base import Announcement, SilentError, TerminalError
from drivers.zk.commands import Command, EventCode, Reply
from drivers.zk.conversation import Conversation
from drivers.zk.events import EVENT_SIZES, PunchEvent
from drivers.zk.packets import Frame
from drivers.zk.session import Session
from tests.drivers.fault_link import EVENT, SESSION, Peer, at, peer, reply, says

AT = "2026-11-02T08:00:00"


def event(size: int) -> Frame:
    """Return an announced punch of badge 7 in slot 7, in a form of so many bytes."""
    data = PunchEvent("7", 1, 0, AT, 7).to_bytes("gb18030", size)
    return Frame(Command.REGISTER_EVENT, EventCode.PUNCH, 0, data)


def test_numbers_begin_at_0_and_wrap_at_65536() -> None:
    """CONNECT carries 0; after 65535 comes 0 again, and its reply still counts."""
    session = Session("gb18030")
    numbers = [session.request(Command.GET_TIME).reply_id for _ in range(65536 + 2)]
    assert numbers[:2] == [0, 1]
    assert numbers[65534:] == [65534, 65535, 0, 1]
    assert session.is_reply(Frame(Reply.OK, 0, 1))


def test_the_first_request_has_no_session_and_later_ones_have() -> None:
    """0 in CONNECT, then what the terminal gave."""
    session = Session("gb18030")
    assert session.request(Command.CONNECT).session == 0
    session.id = SESSION
    assert session.request(Command.GET_TIME, b"x") == Frame(
        Command.GET_TIME, SESSION, 1, b"x"
    )
    assert session.acknowledgement() == Frame(Reply.OK, SESSION, 0)


@pytest.mark.parametrize(
    "frame, ours",
    [
        (Frame(Reply.OK, SESSION, 1), True),
        (Frame(Reply.OK, SESSION, 0), False),
        (Frame(Reply.OK, SESSION, 2), False),
        (Frame(Reply.OK, SESSION + 1, 1), False),
        (Frame(Reply.ERROR, 0, 1), False),
        (Frame(Command.DATA, 5, 1), True),
        (Frame(Command.DATA, SESSION, 2), False),
        (Frame(Command.PREPARE_DATA, SESSION, 1), True),
    ],
)
def test_what_is_a_reply(frame: Frame, ours: bool) -> None:  # noqa: FBT001 - a table
    """Number and session must be those of the request; data frames name their own."""
    session = Session("gb18030")
    session.request(Command.CONNECT)
    assert session.is_reply(Frame(Reply.OK, SESSION, 0))
    session.id = SESSION
    session.request(Command.GET_TIME)
    assert session.is_reply(frame) is ours
    assert session.strays == (not ours)
    said = session.silence(Command.GET_TIME, 2.5)
    assert said.startswith("no answer to 201 (GET_TIME) within 2.5 s")
    assert said.endswith("; 1 answers to something else came") is not ours


@pytest.mark.parametrize("size", EVENT_SIZES)
def test_events_of_every_form_are_put_aside(size: int) -> None:
    """An event is never a reply, even when its number and session look like one."""
    session = Session("gb18030")
    session.request(Command.CONNECT)
    assert not session.is_reply(event(size))
    badge = "7" if size == 12 or size >= 32 else None
    slot = 7 if badge is None else None
    assert list(session.announced) == [Announcement(badge, AT, slot)]
    assert session.strays == 0


def test_an_event_nobody_can_read_still_says_that_somebody_punched() -> None:
    """Unknown forms count as an announcement without words, other kinds as none."""
    session = Session("gb18030")
    session.request(Command.CONNECT)
    for size in (0, 9, 11, 51, 103):
        data = bytes(size)
        frame = Frame(Command.REGISTER_EVENT, EventCode.PUNCH, 0, data)
        assert not session.is_reply(frame)
    assert list(session.announced) == [Announcement(None, "")] * 5
    assert not session.is_reply(EVENT)
    assert len(session.announced) == 5
    two = Frame(Command.REGISTER_EVENT, EventCode.PUNCH, 0, event(52).data * 2)
    assert not session.is_reply(two)
    assert list(session.announced)[5:] == [Announcement("7", AT)] * 2


def test_strays_before_the_reply_are_passed_over_and_events_acknowledged() -> None:
    """A late answer, a wrong session and an event come first; the reply is found."""

    async def run() -> None:
        def clock(asked: Frame) -> list[Frame]:
            late = reply(asked, data=b"no", reply_id=asked.reply_id - 1)
            other = reply(asked, data=b"no", session=SESSION + 1)
            return [late, event(32), other, reply(asked, data=b"yes")]

        async with peer({Command.GET_TIME: clock}) as made:
            asked = Conversation(at(made.port))
            await asked.open()
            assert asked.session_id == SESSION
            assert (await asked.ask(Command.GET_TIME)).data == b"yes"
            assert await asked.wait(0.0) == [Announcement("7", AT)]
            assert await asked.wait(0.05) == []
            await asked.close()
        assert made.of(Reply.OK) == [Frame(Reply.OK, SESSION, 0)]

    asyncio.run(run())


def test_a_flood_of_strays_is_no_answer() -> None:
    """Frames that answer something else hold nobody up for longer than six waits."""

    async def run() -> None:
        async with peer({Command.GET_TIME: lambda _: []}) as made:
            asked = Conversation(at(made.port, timeout_seconds=0.3))
            await asked.open()
            flood = asyncio.create_task(_flood(made))
            begun = asyncio.get_running_loop().time()
            with pytest.raises(SilentError, match="answers to something else came"):
                await asked.ask(Command.GET_TIME)
            assert 1.2 < asyncio.get_running_loop().time() - begun < 9
            # Goodbye is not answered in the flood, and is given up all the same.
            made.script[Command.EXIT] = lambda _: []
            async with asyncio.timeout(20):
                await asked.close()
            flood.cancel()
            await asyncio.gather(flood, return_exceptions=True)

    asyncio.run(run())


async def _flood(made: Peer) -> None:
    """Send strays for ever."""
    while True:
        for writer in made.writers:
            writer.write(Frame(Reply.OK, SESSION, 0xFFFF).to_tcp())
        await asyncio.sleep(0.01)


def test_over_udp_a_request_is_repeated_under_a_new_number() -> None:
    """Two lost requests cost nothing but time; three are silence."""

    async def run() -> None:
        def third(asked: Frame) -> list[Frame]:
            return [reply(asked)] if len(made.of(Command.GET_TIME)) >= 3 else []

        async with peer({Command.GET_TIME: third}, "udp") as made:
            asked = Conversation(at(made.port, transport="udp"))
            await asked.open()
            assert (await asked.ask(Command.GET_TIME)).command == Reply.OK
            assert [frame.reply_id for frame in made.of(Command.GET_TIME)] == [1, 2, 3]
            with pytest.raises(SilentError, match=r"no answer to 1100 \(VERSION\)"):
                await asked.ask(Command.VERSION)
            assert len(made.of(Command.VERSION)) == 3
            await asked.close()

    asyncio.run(run())


def test_nothing_may_be_asked_before_open_and_after_close() -> None:
    """Plain words instead of a crash; a second close is no matter."""

    async def run() -> None:
        async with peer() as made:
            asked = Conversation(at(made.port))
            await asked.close()
            with pytest.raises(TerminalError, match="not open"):
                await asked.ask(Command.GET_TIME)
            await asked.open()
            await asked.close()
            await asked.close()
            with pytest.raises(TerminalError, match="not open"):
                await asked.wait(1.0)

    asyncio.run(run())


def test_a_second_conversation_begins_at_the_beginning() -> None:
    """Session 0 and number 0 again, whatever the first one left behind."""

    async def run() -> None:
        async with peer() as made:
            asked = Conversation(at(made.port))
            for _ in range(2):
                await asked.open()
                await asked.close()
        first, second = made.of(Command.CONNECT)
        assert (first.session, first.reply_id) == (second.session, second.reply_id)
        assert (first.session, first.reply_id) == (0, 0)

    asyncio.run(run())


def test_an_unknown_encoding_is_said_at_open() -> None:
    """Before anything is asked, and as an error of the driver's."""

    async def run() -> None:
        with pytest.raises(TerminalError, match="no encoding 'gbk2'"):
            await Conversation(at(1, encoding="gbk2")).open()

    asyncio.run(run())


def test_close_leaves_even_when_cancelled_in_its_goodbye() -> None:
    """Whoever stops the task that says goodbye leaves no connection behind."""

    async def run() -> None:
        heard = asyncio.Event()

        def silent(_: Frame) -> list[Frame]:
            heard.set()
            return []

        async with peer({Command.EXIT: silent}) as made:
            asked = Conversation(at(made.port))
            await asked.open()
            goodbye = asyncio.create_task(asked.close())
            async with asyncio.timeout(20):
                await heard.wait()
                goodbye.cancel()
                await asyncio.gather(goodbye, return_exceptions=True)
                await made.writers[0].wait_closed()
        assert goodbye.cancelled()

    asyncio.run(run())


def test_the_peer_of_these_tests_says_what_its_script_says() -> None:
    """A refusal comes as it is: the caller decides what it means."""

    async def run() -> None:
        async with peer({Command.VERSION: says(Reply.ERROR)}) as made:
            asked = Conversation(at(made.port))
            await asked.open()
            assert (await asked.ask(Command.VERSION)).command == Reply.ERROR
            await asked.close()

    asyncio.run(run())
