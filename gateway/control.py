"""The control socket: other processes ask the one that has the journal.

One JSON object per line each way: `{"op": "status"}` → `{"ok": true, "result": …}` or
`{"ok": false, "error": "…"}`; other keys are arguments. What is lent is lent while the
caller stays connected, and at most five minutes unless the caller says that it goes on:
an empty line, answered like a request. The socket lies in the data folder; who may
write there may ask.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

from gateway.errors import StoreError

FILE = "control"
_LIMIT = 1 << 20
_PATH_BYTES = 107  # what a Unix socket address can hold
_ASK_SECONDS = 10.0
_LEASE_SECONDS = 300.0
Arguments = Mapping[str, Any]
Operation = Callable[[Arguments], Awaitable[Any]]
Renewed = Callable[[], None]
Lease = Callable[[Arguments], AbstractAsyncContextManager[Renewed]]


class RefusedError(Exception):
    """An operation cannot do what it was asked; the words go to the caller."""


class NoDaemonError(Exception):
    """No daemon answers on this data folder."""


class LeaseLostError(Exception):
    """What was lent is no longer ours."""


class Control:
    """Serves the operations of a daemon, and lends out what one at a time may have.

    A lease yields what is called whenever its borrower says that it goes on.
    """

    def __init__(
        self,
        data_dir: Path,
        operations: Mapping[str, Operation],
        leases: Mapping[str, Lease],
        lease_seconds: float = _LEASE_SECONDS,
    ) -> None:
        self._path = data_dir / FILE
        self._operations = operations
        self._leases = leases
        self._lease_seconds = lease_seconds
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
                async with self._leases[name](asked) as renewed:
                    await _say(writer, {"ok": True, "result": None})
                    await self._lend(reader, writer, renewed)
            elif name in self._operations:
                result = await self._operations[name](asked)
                await _say(writer, {"ok": True, "result": result})
            else:
                error = f"unknown request; known: {', '.join(known)}"
                await _say(writer, {"ok": False, "error": error})
        except RefusedError as refusal:
            await _say(writer, {"ok": False, "error": str(refusal)})

    async def _lend(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        renewed: Renewed,
    ) -> None:
        """Wait until the caller leaves, or is silent for too long.

        Raises:
            TimeoutError: it is; what was lent goes back.
        """
        now = asyncio.get_running_loop().time
        async with asyncio.timeout(self._lease_seconds) as limit:
            while await reader.readline():
                renewed()
                limit.reschedule(now() + self._lease_seconds)
                await _say(writer, {"ok": True, "result": None})


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
    with _asked(data_dir, operation, seconds, arguments) as asked:
        return asked.result


def borrow(
    data_dir: Path, operation: str, seconds: float = 60.0, **arguments: Any
) -> AbstractContextManager["Asked"]:
    """Have something of the daemon while the context lasts; `renew` what lasts long.

    Raises:
        NoDaemonError: when none answers, in words.
        RefusedError: when it cannot lend this, in its words.
    """
    return _asked(data_dir, operation, seconds, arguments)


class Asked:
    """A connection to a daemon that has answered; `result` is what it said."""

    def __init__(self, sock: socket.socket, answers: BinaryIO) -> None:
        self._sock = sock
        self._answers = answers
        self.result: Any = None

    def hear(self) -> Any:
        """Read an answer.

        Raises:
            OSError: the daemon is gone.
            ValueError: it hung up, or says what is no answer.
        """
        return json.loads(self._answers.readline())

    def renew(self) -> None:
        """Say that we still need what was lent.

        Raises:
            LeaseLostError: it was taken back.
        """
        try:
            self._sock.sendall(b"\n")
            self.hear()
        except (OSError, ValueError) as error:
            raise LeaseLostError(f"the daemon took it back: {error}") from None


@contextlib.contextmanager
def _asked(
    data_dir: Path, operation: str, seconds: float, arguments: dict[str, Any]
) -> Iterator[Asked]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.settimeout(seconds)
            sock.connect(str(data_dir / FILE))
            sock.sendall(json.dumps({"op": operation, **arguments}).encode() + b"\n")
            answers = sock.makefile("rb")
        except OSError as error:
            raise _nobody(data_dir, error) from None
        with answers:
            asked = Asked(sock, answers)
            try:
                answer = asked.hear()
            except (OSError, ValueError) as error:
                raise _nobody(data_dir, error) from None
            if not answer["ok"]:
                raise RefusedError(str(answer["error"]))
            asked.result = answer["result"]
            yield asked


def _nobody(data_dir: Path, error: Exception) -> NoDaemonError:
    return NoDaemonError(f"no daemon answers in {data_dir}: {error}")
