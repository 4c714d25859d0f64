"""A serial reader over real pseudo-terminals, its device in another process."""

import asyncio
import errno
import os
import pty
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from serial import SerialException

from drivers.serial_reader.frames import CardText, Em4100Frames, FlawKind, em4100_frame
from drivers.serial_reader.reader import (
    Down,
    Event,
    Flawed,
    Port,
    Presented,
    SerialReader,
    Up,
)
from tests.drivers.serial_devices import device, watched

CARD = em4100_frame(bytes.fromhex("010063e9ae"))
OTHER = em4100_frame(bytes.fromhex("100086f444"))
HEX = Em4100Frames(CardText.HEX)
ATTEMPTS = 8


def badges(events: list[Event]) -> list[str]:
    """Return the badges that were presented."""
    return [one.card.badge for one in events if isinstance(one, Presented)]


def flaws(events: list[Event]) -> dict[FlawKind, int]:
    """Return how often each kind of flaw came."""
    found: dict[FlawKind, int] = {}
    for one in events:
        if isinstance(one, Flawed):
            for kind, count in one.kinds.items():
                found[kind] = found.get(kind, 0) + count
    return found


def has(kind: type[Event]) -> Callable[[list[Event]], bool]:
    """Return a check for an event of a kind."""
    return lambda events: any(isinstance(one, kind) for one in events)


def test_a_card_is_presented_once_while_it_lies_there(tmp_path: Path) -> None:
    """A card repeated every 50 ms is one presentation, with its bytes."""

    async def run() -> None:
        with device(tmp_path) as there:
            async with watched(there.path, debounce_seconds=1.5) as watch:
                await watch.until(has(Up))
                assert there.say(f"flood 40 2.0 {CARD.hex()}") == "lost 0"
                there.send(OTHER)
                events = await watch.until(lambda all_: len(badges(all_)) > 1)
                assert badges(events) == ["0006547886", "0008844356"]
                assert watch.reader.tally.cards == 41
                assert watch.reader.tally.presented == 2

    asyncio.run(run())


def test_noise_half_frames_and_wrong_checksums_are_counted(tmp_path: Path) -> None:
    """Bytes that are no card come out with a name; the cards around them are read."""
    wrong = CARD[:-3] + b"00\x03"

    async def run() -> None:
        with device(tmp_path) as there:
            async with watched(there.path) as watch:
                await watch.until(has(Up))
                there.send(b"\xff\xfe\x80" + CARD + wrong + OTHER + CARD[:5])
                events = await watch.until(
                    lambda all_: FlawKind.HALF_FRAME in flaws(all_)
                )
                assert badges(events) == ["0006547886", "0008844356"]
                assert flaws(events) == {
                    FlawKind.NOISE: 1,
                    FlawKind.CHECKSUM: 1,
                    FlawKind.HALF_FRAME: 1,
                }
                assert flaws(events) == dict(watch.reader.tally.flaws)

    asyncio.run(run())


def test_unplugged_in_mid_frame_and_plugged_again(tmp_path: Path) -> None:
    """A vanished device is said to be gone, its half frame named; it comes back."""

    async def run() -> None:
        with device(tmp_path) as there:
            async with watched(there.path) as watch:
                await watch.until(has(Up))
                there.send(CARD[:7])
                # What a port that goes still holds unread goes with it.
                reader = watch.reader
                while not (reader._rest or reader.tally.flaws):  # noqa: ASYNC110 - a thread's
                    await asyncio.sleep(0)
                assert there.say("unplug") == "ok"
                events = await watch.until(has(Down))
                down = next(one for one in events if isinstance(one, Down))
                assert "gone" in down.reason
                assert flaws(events) == {FlawKind.HALF_FRAME: 1}
                await watch.until(
                    lambda all_: isinstance(all_[-1], Down) and all_[-1].failures > 1
                )
                absent = watch.events[-1]
                assert isinstance(absent, Down)
                assert "is not there; is the reader plugged in?" in absent.reason
                assert there.say("plug") == "ok"
                await watch.until(lambda all_: isinstance(all_[-1], Up))
                there.send(CARD)
                events = await watch.until(badges)
                assert badges(events) == ["0006547886"]

    asyncio.run(run())


def test_pauses_grow_while_a_port_is_absent(tmp_path: Path) -> None:
    """An absent reader is tried again with growing pauses, and for ever."""

    async def run() -> list[Event]:
        async with watched(tmp_path / "nowhere") as watch:
            return await watch.until(lambda all_: len(all_) > 2)

    downs = [one for one in asyncio.run(run()) if isinstance(one, Down)]
    assert [one.next_seconds for one in downs] == [0.5, 1.0, 2.0]
    assert [one.failures for one in downs] == [1, 2, 3]


def test_no_permission_says_what_gives_it(tmp_path: Path) -> None:
    """A port of somebody else is refused in words that lead to the cure."""
    reader = SerialReader(Port(str(tmp_path)), HEX)
    refused = _as_pyserial(PermissionError(errno.EACCES, "Permission denied"))
    assert "dialout" in reader._reason(refused)
    if os.geteuid() != 0:  # root may open everything
        master, slave = pty.openpty()
        name = os.ttyname(slave)
        Path(name).chmod(0)

        async def run() -> list[Event]:
            async with watched(Path(name)) as watch:
                return await watch.until(has(Down))

        try:
            (down, *_) = asyncio.run(run())
        finally:
            os.close(master)
            os.close(slave)
        assert isinstance(down, Down)
        assert "dialout" in down.reason


def _as_pyserial(cause: OSError) -> OSError:
    try:
        try:
            raise cause
        except OSError as error:
            raise SerialException(error.errno, f"could not open port: {error}")  # noqa: B904 - as the library does
    except SerialException as error:
        refused: OSError = error
        return refused


def test_a_port_that_another_program_has(tmp_path: Path) -> None:
    """Two programs at one reader would each get half of the cards: the second waits."""

    async def run() -> list[Event]:
        with device(tmp_path) as there:
            async with watched(there.path) as first:
                await first.until(has(Up))
                async with watched(there.path) as second:
                    return await second.until(has(Down))

    (down, *_) = asyncio.run(run())
    assert isinstance(down, Down)
    assert "in use by another program" in down.reason


def test_a_file_that_is_no_port(tmp_path: Path) -> None:
    """A path that is no serial port is refused in words and tried again."""
    path = tmp_path / "file"
    path.write_text("", encoding="utf-8")

    async def run() -> list[Event]:
        async with watched(path) as watch:
            return await watch.until(has(Down))

    (down, *_) = asyncio.run(run())
    assert isinstance(down, Down)
    assert str(path) in down.reason


def test_words_go_back_to_the_reader(tmp_path: Path) -> None:
    """A line or a beep reaches the device; without a device nothing is sent."""

    async def run() -> None:
        with device(tmp_path) as there:
            async with watched(there.path) as watch:
                await watch.until(has(Up))
                assert watch.reader.write("已记录\r\n".encode())
                assert bytes.fromhex(there.say("heard")).decode() == "已记录\r\n"
                there.say("unplug")
                await watch.until(has(Down))
                assert not watch.reader.write(b"x")

    asyncio.run(run())


def test_ten_thousand_frames_a_second(tmp_path: Path) -> None:
    """A reader gone mad, 10,000 frames a second for a second, loses nothing.

    A busy machine may keep us from running for longer than the port's buffer lasts, so
    it may go mad again; what does not keep up does so in no attempt.
    """
    most = len(CARD) * 10_000 * 0.01

    async def run() -> int:
        with device(tmp_path) as there:
            async with watched(there.path, HEX, debounce_seconds=60) as watch:
                await watch.until(has(Up))
                lost = await asyncio.to_thread(
                    there.say, f"flood 10000 1.0 {CARD.hex()}"
                )
                # What the pretended port itself could not take never reached us.
                missing = int(lost.split()[1])
                if missing >= most:
                    return missing
                there.send(OTHER)
                events = await watch.until(lambda all_: len(badges(all_)) > 1)
                tally = watch.reader.tally
                assert tally.cards + tally.flaws.total() >= 10_001 - missing // 14 - 1
                assert badges(events) == ["010063E9AE", "100086F444"]
                return missing

    missing = asyncio.run(run())
    for _ in range(ATTEMPTS - 1):
        print(f"{missing} bytes did not fit")
        if missing < most:
            break
        missing = asyncio.run(run())
    assert missing < most


def test_no_frame_is_lost_at_115200_baud_under_load(tmp_path: Path) -> None:
    """820 frames a second arrive whole while loop and interpreter are kept busy."""
    frames, seconds = 1646, 2.0  # 115,200 baud carry 823 frames of 14 bytes a second
    stop = threading.Event()

    def burn() -> None:
        while not stop.is_set():
            sum(range(10_000))

    async def run() -> None:
        with device(tmp_path) as there:
            async with watched(there.path, HEX, debounce_seconds=0) as watch:
                await watch.until(has(Up))
                burner = threading.Thread(target=burn)
                burner.start()
                flood = asyncio.create_task(
                    asyncio.to_thread(
                        there.say, f"flood {frames} {seconds} {CARD.hex()}"
                    )
                )
                try:
                    while not flood.done():
                        time.sleep(0.5)  # noqa: ASYNC251 - holding the loop is the load
                        await asyncio.sleep(0)
                finally:
                    stop.set()
                    burner.join()
                assert await flood == "lost 0"
                there.send(OTHER)
                await watch.until(lambda all_: "100086F444" in badges(all_))
                assert watch.reader.tally.cards == frames + 1
                assert not watch.reader.tally.flaws

    asyncio.run(run())


def test_an_idle_reader_costs_nothing(tmp_path: Path) -> None:
    """An open reader without cards takes at most 1 % of a core."""

    async def run() -> float:
        with device(tmp_path) as there:
            async with watched(there.path) as watch:
                await watch.until(has(Up))
                before, began = time.process_time(), time.monotonic()
                await asyncio.sleep(2)  # the silence that is measured
                passed = time.monotonic() - began
                return (time.process_time() - before) / passed

    share = asyncio.run(run())
    print(f"idle: {share:.3%} of a core on {sys.platform}")
    assert share <= 0.01


def test_close_twice_and_before_start(tmp_path: Path) -> None:
    """A reader can be closed at any time, also while it waits for its port."""

    async def run() -> None:
        async with watched(tmp_path / "nowhere") as watch:
            await watch.until(has(Down))
            await watch.reader.close()

    asyncio.run(run())
    assert not [t for t in threading.enumerate() if "nowhere" in t.name]
