"""The control socket answers what it knows and survives what it does not."""

import asyncio
import json
import socket
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.control import (
    FILE,
    Control,
    LeaseLostError,
    NoDaemonError,
    RefusedError,
    ask,
    borrow,
)
from gateway.errors import StoreError

SECONDS = 20.0


async def _status(asked: Any) -> dict[str, str]:
    return {"name": "甲二"}


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[Path]:
    """Serve one operation, `status`, on a socket in `folder`."""
    control = Control(folder, {"status": _status}, {})
    await control.start()
    try:
        yield folder
    finally:
        async with asyncio.timeout(SECONDS):
            await control.stop()


async def exchange(folder: Path, data: bytes) -> bytes:
    """Send bytes and return everything that comes back until the socket closes."""
    reader, writer = await asyncio.open_unix_connection(folder / FILE)
    try:
        writer.write(data)
        async with asyncio.timeout(SECONDS):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def asked(folder: Path, *lines: bytes) -> list[Any]:
    """Send each line on a connection of its own and return the answers."""

    async def conversation() -> list[Any]:
        async with served(folder):
            return [json.loads(await exchange(folder, line)) for line in lines]

    return asyncio.run(conversation())


def test_an_operation_answers(tmp_path: Path) -> None:
    """`ask` returns the result as the operation gave it."""

    async def conversation() -> Any:
        async with served(tmp_path):
            return await asyncio.to_thread(ask, tmp_path, "status")

    assert asyncio.run(conversation()) == {"name": "甲二"}


@pytest.mark.parametrize(
    "line",
    [
        b'{"op": "shutdown"}\n',
        b'{"op": ["status"]}\n',
        b'{"do": "status"}\n',
        b'["status"]\n',
        b"7\n",
        b"null\n",
        b"status\n",
        b"\n",
        b"\xff\xfe\n",
        b"[" * 50_000 + b"\n",
    ],
)
def test_an_unknown_request_names_the_known_ones(tmp_path: Path, line: bytes) -> None:
    """Nonsense gets an answer in the same form, and the next caller is served."""
    refused, served_ = asked(tmp_path, line, b'{"op": "status"}\n')
    assert refused == {"ok": False, "error": "unknown request; known: status"}
    assert served_ == {"ok": True, "result": {"name": "甲二"}}


def test_an_over_long_line_is_not_collected(tmp_path: Path) -> None:
    """Beyond a megabyte the caller is hung up on, and the next one is served."""

    async def conversation() -> tuple[bytes, bytes]:
        async with served(tmp_path):
            long = await exchange(tmp_path, b'{"op": "' + b"s" * (3 << 20) + b'"}\n')
            return long, await exchange(tmp_path, b'{"op": "status"}\n')

    long, after = asyncio.run(conversation())
    assert long == b""
    assert json.loads(after)["ok"]


def test_a_silent_caller_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Whoever connects and says nothing is cut when the daemon stops."""

    async def conversation() -> bytes:
        async with served(tmp_path):
            reader, writer = await asyncio.open_unix_connection(tmp_path / FILE)
            await exchange(tmp_path, b'{"op": "status"}\n')  # ours is accepted by now
        try:
            async with asyncio.timeout(SECONDS):
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()

    assert asyncio.run(conversation()) == b""


def test_a_caller_that_leaves_is_forgotten(tmp_path: Path) -> None:
    """Closing without a word, or in mid-word, harms nobody else."""
    assert asked(tmp_path, b'{"op": "status"}\n')

    async def conversation() -> bytes:
        async with served(tmp_path):
            for begun in (b"", b'{"op": "sta'):
                _, writer = await asyncio.open_unix_connection(tmp_path / FILE)
                writer.write(begun)
                writer.close()
                await writer.wait_closed()
            return await exchange(tmp_path, b'{"op": "status"}\n')

    assert json.loads(asyncio.run(conversation()))["ok"]


def test_who_asks_and_what_is_left_behind(tmp_path: Path) -> None:
    """Only user and group may ask; a socket left by the dead is replaced, ours goes."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / FILE))

    async def conversation() -> int:
        async with served(tmp_path):
            return (tmp_path / FILE).stat().st_mode

    mode = asyncio.run(conversation())
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o660
    assert not (tmp_path / FILE).exists()


def test_nobody_answers(tmp_path: Path) -> None:
    """No socket, a dead one and one that is silent are `no daemon`."""
    with pytest.raises(NoDaemonError, match="no daemon answers in"):
        ask(tmp_path, "status")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / FILE))
        with pytest.raises(NoDaemonError, match="refused"):
            ask(tmp_path, "status")
        server.listen()
        with pytest.raises(NoDaemonError, match="timed out"):
            ask(tmp_path, "status", seconds=0.05)
    with pytest.raises(NoDaemonError):
        ask(tmp_path / ("long" * 40), "status")


def test_a_refused_operation_is_said_in_words(tmp_path: Path) -> None:
    """The daemon's own words reach the caller."""

    async def conversation() -> None:
        async with served(tmp_path):
            with pytest.raises(RefusedError, match="known: status"):
                await asyncio.to_thread(ask, tmp_path, "reload")

    asyncio.run(conversation())


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    """The daemon says what to change instead of `File name too long`."""
    with pytest.raises(StoreError, match="too long for a socket; choose a data_dir"):
        asyncio.run(Control(tmp_path / ("d" * 107), {}, {}).start())
    with pytest.raises(StoreError, match="No such file"):
        asyncio.run(Control(tmp_path / "no", {}, {}).start())


class Lender:
    """Lends one thing; says who has it and how often that was renewed."""

    def __init__(self) -> None:
        self.lent = False
        self.renewed = 0

    def _renew(self) -> None:
        self.renewed += 1

    @asynccontextmanager
    async def lend(self, asked: Any) -> AsyncIterator[Any]:
        """Lend it while the caller stays."""
        del asked
        self.lent = True
        try:
            yield self._renew
        finally:
            self.lent = False


def lending(folder: Path, seconds: float, work: Any) -> Lender:
    """Run `work` in a thread beside a socket that lends for so long."""
    lender = Lender()

    async def run() -> None:
        control = Control(folder, {}, {"borrow": lender.lend}, lease_seconds=seconds)
        await control.start()
        try:
            await asyncio.to_thread(work, lender)
        finally:
            await control.stop()

    asyncio.run(run())
    return lender


def test_a_lease_that_is_renewed_lasts(tmp_path: Path) -> None:
    """Who says that it goes on keeps it beyond the time of a lease."""

    def work(lender: Lender) -> None:
        with borrow(tmp_path, "borrow") as lent:
            end = time.monotonic() + 4.0
            while time.monotonic() < end or lender.renewed <= 5:
                lent.renew()
                assert lender.lent
                time.sleep(0.05)

    lender = lending(tmp_path, 3.0, work)
    assert lender.renewed > 5
    assert not lender.lent


def test_a_lease_that_is_not_renewed_ends(tmp_path: Path) -> None:
    """A caller that hangs loses it, and learns so before it does anything more."""

    def work(lender: Lender) -> None:
        with borrow(tmp_path, "borrow") as lent:
            deadline = time.monotonic() + SECONDS
            while lender.lent:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            with pytest.raises(LeaseLostError, match="took it back"):
                lent.renew()

    lending(tmp_path, 0.1, work)
