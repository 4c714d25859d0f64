"""The control socket: other processes ask the one that has the journal.

One JSON object per line each way: `{"op": "status"}` → `{"ok": true, "result": …}` or
`{"ok": false, "error": "…"}`. The socket lies in the data folder; who may write there
may ask.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from gateway.errors import StoreError

FILE = "control"
_LIMIT = 1 << 20
_PATH_BYTES = 107  # what a Unix socket address can hold
_ASK_SECONDS = 10.0
Operation = Callable[[], Awaitable[Any]]


class NoDaemonError(Exception):
    """No daemon answers on this data folder."""


class Control:
    """Serves the operations of a daemon."""

    def __init__(self, data_dir: Path, operations: Mapping[str, Operation]) -> None:
        self._path = data_dir / FILE
        self._operations = operations
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
            answer = await self._answer(line)
            writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
            await writer.drain()
        except (ValueError, ConnectionError, TimeoutError):
            pass  # an over-long line or a caller that left: nobody to answer
        finally:
            del self._callers[writer]
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)["op"]
            operation = self._operations[asked]
        except (ValueError, KeyError, TypeError, RecursionError):
            known = ", ".join(self._operations)
            return {"ok": False, "error": f"unknown request; known: {known}"}
        return {"ok": True, "result": await operation()}


def ask(data_dir: Path, operation: str, seconds: float = 10.0) -> Any:
    """Ask the daemon of a data folder.

    Raises:
        NoDaemonError: when none answers, in words.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(seconds)
            sock.connect(str(data_dir / FILE))
            sock.sendall(json.dumps({"op": operation}).encode() + b"\n")
            with sock.makefile("rb") as answers:
                answer = json.loads(answers.readline())
    except (OSError, ValueError) as error:
        raise NoDaemonError(f"no daemon answers in {data_dir}: {error}") from None
    if not answer["ok"]:
        raise NoDaemonError(str(answer["error"]))
    return answer["result"]
