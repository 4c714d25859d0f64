"""Data sets in every shape a terminal gives them, and what is none of them."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace

import pytest

from drivers.base import ProtocolError, SilentError, TerminalError, UnsupportedError
from drivers.zk import bulk
from drivers.zk.commands import Command, Reply
from drivers.zk.conversation import Conversation
from drivers.zk.packets import Frame
from drivers.zk.payloads import BufferRequest, Prepared, Window, block
from tests.drivers.fault_link import (
    SESSION,
    Answer,
    Script,
    announced,
    at,
    peer,
    prepared,
    reply,
    says,
    windows,
)

REQUEST = BufferRequest(Command.READ_LOG)
DATA = block(random.Random(7).randbytes(40_000))
Ask = Callable[[Conversation], Awaitable[object]]


def talk(script: Script, ask: Ask, transport: str = "tcp") -> object:
    """Run one conversation with a peer, and return what `ask` did."""

    async def run() -> object:
        async with peer(script, transport) as made:
            asked = Conversation(at(made.port, transport=transport))
            await asked.open()
            try:
                async with asyncio.timeout(20):
                    return await ask(asked)
            finally:
                await asked.close()

    return asyncio.run(run())


async def everything(asked: Conversation) -> bytes:
    """Prepare the log, fetch it and let it go."""
    found = await bulk.prepare(asked, REQUEST, b"")
    data = await bulk.whole(asked, found)
    await bulk.release(asked, found)
    return data


def reading(answer: Answer, size: int = len(DATA)) -> Script:
    """Answer a terminal's buffer reads; the descriptor is right."""
    return {Command.PREPARE_BUFFER: prepared(size), Command.READ_BUFFER: answer}


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(
    "script",
    [
        {Command.PREPARE_BUFFER: says(Command.DATA, DATA[:1000])},
        reading(windows(DATA[:1000]), 1000),
        {
            Command.PREPARE_BUFFER: prepared(1000, shifted=False),
            Command.READ_BUFFER: windows(DATA[:1000]),
        },
        reading(says(Command.DATA, DATA[:1000]), 1000),
        reading(windows(DATA[:1000], step=100, numbered=True), 1000),
    ],
)
def test_shapes_of_an_answer(script: Script, transport: str) -> None:
    """Inline, behind a descriptor of either shape, bare, and in numbered frames."""
    assert talk(script, everything, transport) == DATA[:1000]


@pytest.mark.parametrize(
    "transport, step, numbered",
    [("tcp", 1 << 20, False), ("tcp", 1000, False), ("tcp", 1000, True),
     ("udp", 1024, True), ("udp", 1 << 20, False), ("udp", 1024, False)],
)  # fmt: skip
def test_windows(transport: str, step: int, numbered: bool) -> None:  # noqa: FBT001 - a table
    """Windows of the transport's size to the last byte, in any number of frames."""
    wanted: list[bytes] = []

    def answer(asked: Frame) -> Iterable[Frame]:
        wanted.append(asked.data)
        return windows(DATA, step=step, numbered=numbered)(asked)

    assert talk(reading(answer), everything, transport) == DATA
    size = 65472 if transport == "tcp" else 16384
    offsets = range(0, len(DATA), size)
    expected = [Window(o, min(size, len(DATA) - o)).to_bytes() for o in offsets]
    # Datagrams without an order must come twice the same.
    twice = transport == "udp" and not numbered and step == 1024
    assert wanted == [one for one in expected for _ in range(1 + twice)]


def test_windows_shorter_than_asked_for() -> None:
    """The next one begins where this one ended."""

    def answer(asked: Frame) -> Iterable[Frame]:
        at_byte = int.from_bytes(asked.data[:4], "little")
        return announced(asked, DATA[at_byte : at_byte + 12_345])

    assert talk(reading(answer), everything) == DATA


def shuffled(frames: list[Frame]) -> list[Frame]:
    """Data frames in another order."""
    return [frames[0], *reversed(frames[1:-1]), frames[-1]]


def doubled(frames: list[Frame]) -> list[Frame]:
    """Every frame twice, the end once."""
    return [*(one for frame in frames[:-1] for one in (frame, frame)), frames[-1]]


@pytest.mark.parametrize("spoil", [shuffled, doubled, lambda f: doubled(shuffled(f))])
def test_numbered_datagrams_out_of_order_or_doubled(
    spoil: Callable[[list[Frame]], list[Frame]],
) -> None:
    """The numbers tell: the bytes are right at the first asking."""
    asks = 0

    def answer(asked: Frame) -> Iterable[Frame]:
        nonlocal asks
        asks += 1
        return spoil(windows(DATA, step=1024, numbered=True)(asked))

    assert talk(reading(answer), everything, "udp") == DATA
    assert asks == 3


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize("bad", [1, 2])
def test_a_lost_datagram_behind_a_doubled_one(bad: int, numbered: bool) -> None:  # noqa: FBT001 - a table
    """The total is right and the bytes are not: nobody is taken in."""
    asks = 0

    def answer(asked: Frame) -> Iterable[Frame]:
        nonlocal asks
        asks += 1
        frames = windows(DATA[:5000], step=1000, numbered=numbered)(asked)
        if asks <= bad:
            frames[asks] = frames[asks + 1]
        return frames

    assert talk(reading(answer, 5000), everything, "udp") == DATA[:5000]


def test_datagrams_without_an_order_that_never_agree() -> None:
    """Also the smallest piece comes otherwise each time: a named error."""
    asks = 0

    def answer(asked: Frame) -> Iterable[Frame]:
        nonlocal asks
        asks += 1
        return windows(bytes([asks]) * 1000, step=500)(asked)

    with pytest.raises(bulk.UnorderedError, match="2 datagrams without an order"):
        talk(reading(answer, 1000), everything, "udp")


def test_smaller_pieces_over_a_bad_line() -> None:
    """Where long answers never come whole, short ones do."""
    sizes: list[int] = []

    def answer(asked: Frame) -> Iterable[Frame]:
        frames = windows(DATA[:16384], step=1024, numbered=True)(asked)
        sizes.append(len(frames))
        if len(frames) > 5:
            del frames[3]
        return frames

    assert talk(reading(answer, 16384), everything, "udp") == DATA[:16384]
    assert sizes[:4] == [18, 18, 18, 6]


@pytest.mark.parametrize("lost", range(7))
def test_one_lost_datagram(lost: int) -> None:
    """Asked for again, whichever of the answer's frames it was."""
    asks = 0

    def answer(asked: Frame) -> Iterable[Frame]:
        nonlocal asks
        asks += 1
        frames = windows(DATA[:5000], step=1000, numbered=True)(asked)
        assert len(frames) == 7
        if asks == 1:
            del frames[lost]
        return frames

    assert talk(reading(answer, 5000), everything, "udp") == DATA[:5000]
    assert asks == 2


def test_a_datagram_from_the_middle_is_no_bare_answer() -> None:
    """With its announcement lost, a part is not taken for a short window."""

    def answer(asked: Frame) -> Iterable[Frame]:
        return windows(DATA[:1000], step=300)(asked)[3:]

    with pytest.raises(ProtocolError, match="300 bytes came instead of 1000"):
        talk(reading(answer, 1000), everything, "udp")


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda a: announced(a, DATA[:99])[1:], "^99 bytes came instead of 100"),
        (lambda a: announced(a, DATA[:101])[1:], "^101 bytes came instead of 100"),
        (lambda a: announced(a, DATA[:101]), "^101 bytes came instead of 100"),
        (lambda a: announced(a, b""), "^0 bytes came instead of 100"),
        (says(Command.DATA), "^0 bytes came instead of 100"),
        (lambda a: [announced(a, DATA[:99])[0], *announced(a, DATA[:100])[1:]],
         "^100 bytes came where 99 were announced, then 1501"),
        (lambda a: [announced(a, DATA[:101])[0], *announced(a, DATA[:100])[1:]],
         r"^100 bytes came where 101 were announced, then 2000 \(OK\)"),
        (lambda a: [*announced(a, DATA[:100])[:-1], reply(a, Reply.ERROR)],
         r"^100 bytes came where 100 were announced, then 2001 \(ERROR\)"),
        (says(Command.PREPARE_DATA, b"\1\2"), "announced without a size"),
        (says(Command.PREPARE_DATA, b"\xff" * 8), "data set of 4294967295 bytes"),
        (says(Reply.ERROR), r"^the terminal did not give bytes 0 to 100 .*2001"),
        (says(), r"^the terminal did not give bytes 0 to 100 .*2000"),
        (says(4242), "^the terminal did not give .*4242$"),
    ],
)  # fmt: skip
def test_answers_that_are_none(answer: Answer, words: str, transport: str) -> None:
    """Too few, too many, a lie about either, a refusal: said, and never used."""
    first: list[Frame] = []

    def noted(asked: Frame) -> Iterable[Frame | bytes]:
        first.append(asked)
        return answer(asked)

    least = "^99 bytes came instead" in words and transport == "tcp"
    if least:  # a short window: the rest is asked for, and there is none
        words = "99 bytes came instead of 1$"
    if "^101 bytes came i" in words or "^0 bytes came i" in words:
        words = words.removeprefix("^")
    with pytest.raises(ProtocolError, match=words):
        talk(reading(noted, 100), everything, transport)
    assert len(first) == (3 if transport == "udp" else 1 + least)


def test_an_answer_that_stops() -> None:
    """Silence in the middle of an answer is silence."""
    with pytest.raises(SilentError, match=r"no answer to 1504 \(READ_BUFFER\)"):
        talk(reading(lambda a: announced(a, DATA[:100])[:-1], 100), everything)


@pytest.mark.parametrize(
    "answer, words",
    [
        (prepared(256 * 1024 * 1024 + 1), "a data set of 268435457 bytes"),
        (says(), "without a size"),
        (says(Reply.DATA), r"did not prepare its data: 2002 \(DATA\)"),
        (says(Reply.UNAUTHORISED), r"did not prepare its data: 2005"),
    ],
)
def test_preparations_that_are_none(answer: Answer, words: str) -> None:
    """A size nobody has room for, no size, and answers that are none."""
    with pytest.raises(ProtocolError, match=words):
        talk({Command.PREPARE_BUFFER: answer}, everything)


def test_the_largest_data_set_is_not_refused() -> None:
    """The bound is where it says it is."""
    size = 256 * 1024 * 1024

    async def ask(asked: Conversation) -> Prepared:
        return await bulk.prepare(asked, REQUEST, b"")

    assert talk({Command.PREPARE_BUFFER: prepared(size)}, ask) == Prepared(size)


REFUSALS = [Reply.ERROR, Reply.NO_BUFFER, Reply.ERROR_DATA, Reply.ERROR_INIT,
            Reply.ERROR_COMMAND, Reply.UNKNOWN]  # fmt: skip


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("refusal", REFUSALS)
def test_the_old_way(refusal: Reply, transport: str) -> None:
    """Every refusal of the buffer leads to the direct request; nothing to free then."""
    got: list[bytes] = []

    def direct(asked: Frame) -> Iterable[Frame]:
        got.append(asked.data)
        return announced(asked, DATA, step=1024, numbered=True)

    async def ask(asked: Conversation) -> bytes:
        found = await bulk.prepare(asked, BufferRequest(Command.READ_USERS, 5), b"\5")
        await bulk.release(asked, found)
        return await bulk.whole(asked, found)

    script: Script = {
        Command.PREPARE_BUFFER: says(refusal),
        Command.READ_USERS: direct,
        Command.FREE_DATA: lambda _: pytest.fail("nothing was prepared"),
    }
    assert talk(script, ask, transport) == DATA
    assert got == [b"\5"]


@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize("direct", [*REFUSALS, Reply.OK, Reply.UNAUTHORISED])
def test_both_ways_refused(refusal: Reply, direct: Reply) -> None:
    """«Unsupported», with both answers; only two plain errors may mean «nothing»."""
    script: Script = {
        Command.PREPARE_BUFFER: says(refusal),
        Command.READ_LOG: says(direct),
    }
    with pytest.raises(UnsupportedError, match="unsupported: the terminal") as caught:
        talk(script, everything)
    assert str(int(refusal)) in str(caught.value)
    assert str(int(direct)) in str(caught.value)
    empty = refusal == direct == Reply.ERROR
    assert isinstance(caught.value, bulk.NothingGivenError) is empty


@pytest.mark.parametrize("lost", range(43))
def test_the_old_way_over_a_bad_line(lost: int) -> None:
    """One datagram of the direct answer is lost: everything comes again, whole."""
    asks = 0

    def direct(asked: Frame) -> Iterable[Frame]:
        nonlocal asks
        asks += 1
        frames = announced(asked, DATA, step=1000, numbered=True)
        assert len(frames) == 43
        return frames[:lost] + frames[lost + 1 :] if asks == 1 else frames

    script: Script = {
        Command.PREPARE_BUFFER: says(Reply.UNKNOWN),
        Command.READ_LOG: direct,
    }
    assert talk(script, everything, "udp") == DATA
    assert asks == 2


def test_the_old_way_with_a_length_that_lies() -> None:
    """The length in front of the records is checked there too."""
    script: Script = {
        Command.PREPARE_BUFFER: says(Reply.NO_BUFFER),
        Command.READ_LOG: lambda a: announced(a, DATA[:-1]),
    }
    with pytest.raises(
        ProtocolError, match="a data set of 40000 bytes came with 39999"
    ):
        talk(script, everything)


def test_frames_of_another_number_or_damaged_are_never_data() -> None:
    """Data of another request stands between the right ones, over both ways."""

    def answer(asked: Frame) -> list[Frame | bytes]:
        mixed: list[Frame | bytes] = []
        for frame in announced(asked, DATA[:300], step=100, numbered=True):
            mixed += [replace(frame, reply_id=asked.reply_id ^ 1, data=b"no"), frame]
        return mixed

    for transport in ("tcp", "udp"):
        assert talk(reading(answer, 300), everything, transport) == DATA[:300]


def test_errors_are_of_the_drivers_family() -> None:
    """Whoever backs off from a terminal catches these too."""
    assert issubclass(bulk.UnorderedError, TerminalError)
    assert issubclass(bulk.NothingGivenError, UnsupportedError)
    assert len(DATA) // 1024 < SESSION  # numbers of frames here are no session
