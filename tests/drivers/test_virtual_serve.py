"""The virtual terminal as a process: its options, its file, its signals."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drivers.attlog import AttlogLine, format_line, parse_line
from drivers.base import TerminalUser
from drivers.virtual import VirtualError
from drivers.virtual.lists import read_users
from drivers.virtual.logfile import LogFile
from drivers.zk.commands import Command
from drivers.zk.events import PunchEvent, parse_events
from tests.drivers.terminals import DEADLINE_SECONDS, Client, lines
from tests.drivers.virtual_child import (
    connected,
    held,
    held_when,
    running,
    start,
    write,
)


def test_the_file_is_the_memory(tmp_path: Path) -> None:
    """Lines at start are the log, impossible dates too; a bad one is named."""
    path = tmp_path / "memory.dat"
    rows = [*lines(3), AttlogLine("0042", "2026-02-31T08:00:00", 1, 255, 15, 7)]
    write(path, *rows[:2])
    with path.open("ab") as file:
        file.write("not a line\r\n甲二\t2026-13-01 08:00:00\t1\t0\t1\t0\n".encode())
        file.write(b"\xff\xfe\n")
    write(path, *rows[2:])

    async def run() -> None:
        child = await start(attlog=str(path))
        reader, writer = await asyncio.open_connection("127.0.0.1", child.port)
        peer = Client(reader, writer)
        await peer.connect()
        assert await held(peer) == rows
        writer.close()
        child.process.send_signal(signal.SIGINT)
        code, complaints = await child.end()
        assert code == 0
        said = complaints.splitlines()
        assert [line.split(": ")[1] for line in said] == [
            f"{path} line {number}" for number in (3, 4, 5)
        ]
        assert "1 columns" in said[0]
        assert "2026-13-01" in said[1]
        assert all(line.endswith("; skipped") for line in said)

    asyncio.run(run())


def test_lines_of_others_become_live_punches(tmp_path: Path) -> None:
    """A whole line is a record and an event within moments; half a line is nothing."""
    path = tmp_path / "memory.dat"

    async def run() -> None:
        async with running(path) as (_, peer):
            assert path.read_bytes() == b""
            await peer.one(Command.REGISTER_EVENT, b"\1\0\0\0")
            for row in lines(3):
                write(path, row)
                event = parse_events((await peer.event()).data, "gb18030")[0]
                assert event == PunchEvent(row.badge, row.verify, row.state, row.at)
            fourth = format_line(lines(4)[3]).encode() + b"\n"
            with path.open("ab", buffering=0) as file:
                file.write(fourth[:20])
                write(tmp_path / "other.dat", *lines(1))
                assert await held(peer) == lines(3)
                file.write(fourth[20:])
            assert await held_when(peer, 4) == lines(4)

    asyncio.run(run())


def test_a_shorter_file_is_a_cleared_log(tmp_path: Path) -> None:
    """Whoever rewrites the file has cleared the terminal; what it holds now counts."""
    path = tmp_path / "memory.dat"
    write(path, *lines(5))

    async def run() -> None:
        async with running(path) as (_, peer):
            assert await held(peer) == lines(5)
            path.unlink()
            write(path, *lines(2))
            async with asyncio.timeout(DEADLINE_SECONDS):
                while await held(peer) != lines(2):
                    continue
            write(path, lines(3)[2])
            assert await held_when(peer, 3) == lines(3)

    asyncio.run(run())


def test_live_punches_are_in_the_file_once(tmp_path: Path) -> None:
    """The terminal's own punches: known people, the story's clock, no line twice."""
    path, users = tmp_path / "memory.dat", tmp_path / "users.csv"
    users.write_text("uid,user_id,name\n1,0001,甲一\n2,0002,甲二\n", "utf-8-sig")
    write(path, *lines(2))
    options = {
        "users": str(users),
        "live_seconds": 0.01,
        "seed": 7,
        "timezone": "Asia/Shanghai",
        "clock_offset_seconds": -60,
    }

    async def run() -> None:
        async with running(path, **options) as (_, peer):
            got = await held_when(peer, 12)
        rows = [parse_line(text) for text in path.read_text("utf-8").splitlines()]
        assert got == rows[: len(got)]
        assert rows[:2] == lines(2)
        assert {row.badge for row in rows[2:]} == {"0001", "0002"}
        assert {row.at for row in rows[2:]} == {"2026-11-02T08:19:00"}

    asyncio.run(run())


def test_sigusr1_arms_a_reboot(tmp_path: Path) -> None:
    """The next data frame breaks off; afterwards the same port serves again."""
    path = tmp_path / "memory.dat"
    write(path, *lines(3))

    async def run() -> None:
        async with running(path) as (child, peer):
            child.process.send_signal(signal.SIGUSR1)
            with pytest.raises(ConnectionError):
                await held_when(peer, 4)
            async with asyncio.timeout(DEADLINE_SECONDS):
                again = await connected(child.port)
            await again.connect()
            assert await held(again) == lines(3)
            again.writer.close()

    asyncio.run(run())


def spoil(users: Path, text: str) -> str:
    """Write a user list; return its path."""
    users.write_text(text, "utf-8")
    return str(users)


@pytest.mark.parametrize(
    "options, words",
    [
        ({"layout": "17"}, "no layout '17'; there are: 8a, 8b, 16, 36, 40, 49"),
        ({"full": "burst"}, "no way to be full 'burst'; there are: refuse, overwrite"),
        ({"operations": "absent.csv"}, "absent.csv: [Errno 2]"),
        ({"comm_key": 2**32}, "no comm key of 0 to 4294967295"),
        ({"faults": ("nonsense",)}, "no fault 'nonsense'; there are: count-lies=N"),
        ({"timezone": "Mars/Base"}, "no time zone 'Mars/Base'"),
        ({"timezone": "../x"}, "no time zone '../x'"),
        ({"live_seconds": 1.0}, "needs users"),
        ({"users": "absent.csv"}, "absent.csv: [Errno 2]"),
        ({"attlog": "absent/memory.dat"}, "absent/memory.dat"),
        ({"host": "192.0.2.1"}, "192.0.2.1:0"),
    ],
)
def test_what_cannot_be_is_said(
    tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    """Exit code 2, one sentence on stderr, nothing on stdout."""

    async def run() -> None:
        child = await start(**{"attlog": str(tmp_path / "memory.dat"), **options})
        code, complaints = await child.end()
        assert code == 2
        assert complaints.startswith("punchgate virtual: ")
        assert words in complaints
        assert len(complaints.splitlines()) == 1

    asyncio.run(run())


def test_users(tmp_path: Path) -> None:
    """UTF-8 with or without a byte order mark, blank lines and padding aside."""
    path = tmp_path / "users.csv"
    text = 'uid,user_id,name\r\n7,0007,甲七\r\n\r\n8, 42 ,"Li, Wei"\r\n'
    expected = (
        TerminalUser(7, "0007", "甲七", 0, 0),
        TerminalUser(8, "42", "Li, Wei", 0, 0),
    )
    for encoding in ("utf-8", "utf-8-sig"):
        path.write_text(text, encoding)
        assert read_users(path) == expected


@pytest.mark.parametrize(
    "text, words",
    [
        (b"", "line 1: the header must be uid,user_id,name, not "),
        (b"uid,name\n", "line 1: the header must be uid,user_id,name, not uid,name"),
        (b"uid,user_id,name\n1,1\n", "line 2: 2 columns instead of 3"),
        (b"uid,user_id,name\n1,1,a\n0,2,b\n", "line 3: no uid of 1 to 65535: '0'"),
        (b"uid,user_id,name\n65536,2,b\n", "line 2: no uid"),
        (b"uid,user_id,name\nx,2,b\n", "line 2: no uid"),
        (b"uid,user_id,name\n1, ,b\n", "line 2: no user_id"),
        (b"uid,user_id,name\n1,a\tb,b\n", "line 2: no user_id"),
        (
            b"uid,user_id,name\n1,1,a\n1,2,b\n",
            "line 3: this uid or user_id came before",
        ),
        (
            b"uid,user_id,name\n1,1,a\n2,1,b\n",
            "line 3: this uid or user_id came before",
        ),
        (b"uid,user_id,name\n1,1,\xff\n", "codec can't decode"),
        (b'uid,user_id,name\n1,1,"a\n', "unexpected end of data"),
    ],
)
def test_user_lists_that_are_none(tmp_path: Path, text: bytes, words: str) -> None:
    """The file, the line and the reason."""
    path = tmp_path / "users.csv"
    path.write_bytes(text)
    with pytest.raises(VirtualError) as caught:
        read_users(path)
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)


def collector(path: Path) -> tuple[LogFile, list[AttlogLine], Callable[[], None]]:
    """Open a log file whose lines go to a list and whose reports must not come."""
    taken: list[AttlogLine] = []

    def report(sentence: str) -> None:
        raise AssertionError(sentence)

    file = LogFile(path, report)
    file.create()
    return file, taken, lambda: file.poll(taken.append)


def test_our_line_waits_for_a_half_written_one(tmp_path: Path) -> None:
    """A line of our own is never glued to one that somebody else is writing."""
    path = tmp_path / "memory.dat"
    theirs, ours = lines(2)
    text = format_line(theirs).encode() + b"\n"
    file, taken, poll = collector(path)
    path.write_bytes(text[:9])
    file.append(ours)
    poll()
    assert (taken, path.read_bytes()) == ([], text[:9])
    with path.open("ab") as other:
        other.write(text[9:])
    poll()
    poll()
    assert taken == [theirs, ours]
    assert path.read_bytes() == text + format_line(ours).encode() + b"\r\n"


def test_a_file_that_has_gone_is_waited_for(tmp_path: Path) -> None:
    """Between removal and renewal the memory stands as it was."""
    path = tmp_path / "memory.dat"
    write(path, *lines(2))
    with path.open("ab") as file:
        file.write(b"half")
    log, taken, poll = collector(path)
    poll()
    path.unlink()
    assert not log.shrunk()
    poll()
    assert taken == lines(2)
    write(path, *lines(1))
    assert log.shrunk()
    poll()
    assert taken == [*lines(2), *lines(1)]
