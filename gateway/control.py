"""The control socket: other processes ask the one that has the journal.

One JSON object per line each way: `{"op": "status"}` → `{"ok": true, "result": …}` or
`{"ok": false, "error": "…"}`; other keys are arguments. What is lent is lent while the
caller stays connected. The socket lies in the data folder; who may write there may ask.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Any

from gateway.errors import StoreError

FILE = "control"
_LIMIT = 1 << 20
_PATH_BYTES = 107  # what a Unix socket address can hold
_ASK_SECONDS = 10.0
_LEASE_SECONDS = 300.0
Arguments = Mapping[str, Any]
Operation = Callable[[Arguments], Awaitable[Any]]
Lease = Callable[[Arguments], AbstractAsyncContextManager[None]]


class RefusedError(Exception):
    """An operation cannot do what it was asked; the words go to the caller."""


class NoDaemonError(Exception):
    """No daemon answers on this data folder."""


class Control:
    """Serves the operations of a daemon, and lends out what one at a time may have."""

    def __init__(
        self,
        data_dir: Path,
        operations: Mapping[str, Operation],
        leases: Mapping[str, Lease],
    ) -> None:
        self._path = data_dir / FILE
        self._operations = operations
        self._leases = leases
        self._server: asyncio.Server | None = None
        self._callers: dict[asyncio.StreamWriter, asyncio.Task[Any] | None] = {}

    async def start(self) -> None:
        """Listen; a socket left by a dead daemon is replaced (we hold the lock).

        Raises:
            StoreError: when the path is too long for a socket or not writable.
        """
        if len(str(self._path).encode()) > _PATH_BYTES:
            raise StoreError(
                f"{self._path} is too long for a socket; choose a data_dir of fewer"
                f" than {_PATH_BYTES - len(FILE)} bytes"
            )
        try:
            self._path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(
                self._serve, self._path, limit=_LIMIT
            )
            self._path.chmod(0o660)
        except OSError as error:
            raise StoreError(f"{self._path}: {error.strerror}") from None

    async def stop(self) -> None:
        """Stop listening; a caller that says nothing must not hold up the end."""
        if self._server is not None:
            self._server.close()
            callers = dict(self._callers)
            for writer in callers:
                writer.transport.abort()
            tasks = filter(None, callers.values())
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._server.wait_closed()
            # On a medium that failed it stays; the next start replaces it.
            with contextlib.suppress(OSError):
                self._path.unlink()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._callers[writer] = asyncio.current_task()
        try:
            async with asyncio.timeout(_ASK_SECONDS):
                line = await reader.readline()
            await self._answer(line, reader, writer)
        except (ValueError, ConnectionError, TimeoutError):
            pass  # an over-long line or a caller that left: nobody to answer
        finally:
            del self._callers[writer]
            writer.close()

    async def _answer(
        self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        asked = _read(line)
        name = asked.get("op", "")
        known = [*self._operations, *self._leases]
        try:
            if name in self._leases:
                async with self._leases[name](asked):
                    await _say(writer, {"ok": True, "result": None})
                    async with asyncio.timeout(_LEASE_SECONDS):
                        await reader.read()  # until the caller leaves
            elif name in self._operations:
                result = await self._operations[name](asked)
                await _say(writer, {"ok": True, "result": result})
            else:
                error = f"unknown request; known: {', '.join(known)}"
                await _say(writer, {"ok": False, "error": error})
        except RefusedError as refusal:
            await _say(writer, {"ok": False, "error": str(refusal)})


def _read(line: bytes) -> dict[str, Any]:
    """Return a request; what is none asks for nothing."""
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    sound = isinstance(asked, dict) and isinstance(asked.get("op"), str)
    return asked if sound else {}


async def _say(writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
    writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
    await writer.drain()


def ask(
    data_dir: Path, operation: str, seconds: float = _ASK_SECONDS, **arguments: Any
) -> Any:
    """Ask the daemon of a data folder.

    Raises:
        NoDaemonError: when none answers, in words.
        RefusedError: when it cannot do this, in its words.
    """
    with _asked(data_dir, operation, seconds, arguments) as result:
        return result


def borrow(
    data_dir: Path, operation: str, seconds: float = 60.0, **arguments: Any
) -> AbstractContextManager[Any]:
    """Have something of the daemon while the context lasts.

    Raises:
        NoDaemonError: when none answers, in words.
        RefusedError: when it cannot lend this, in its words.
    """
    return _asked(data_dir, operation, seconds, arguments)


@contextlib.contextmanager
def _asked(
    data_dir: Path, operation: str, seconds: float, arguments: dict[str, Any]
) -> Iterator[Any]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.settimeout(seconds)
            sock.connect(str(data_dir / FILE))
            sock.sendall(json.dumps({"op": operation, **arguments}).encode() + b"\n")
            with sock.makefile("rb") as answers:
                answer = json.loads(answers.readline())
        except (OSError, ValueError) as error:
            raise NoDaemonError(f"no daemon answers in {data_dir}: {error}") from None
        if not answer["ok"]:
            raise RefusedError(str(answer["error"]))
        yield answer["result"]
