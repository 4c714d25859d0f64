"""Clears a terminal's log, and refuses to unless nothing can be lost by it.

Every record is in the journal, everything in the journal is acknowledged by the
centre, the log stands in a file that was read back, and a person typed the serial.
Then the log is read once more, the terminal is held so that nobody punches in between,
and it still has as many records: only then it is told to forget.
"""

import asyncio
import hashlib
import json
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from drivers.base import RawPunch, TerminalError
from drivers.zk.terminal import ZkTerminal
from gateway.core.normalise import punch_id
from gateway.people_apply import Place, opened
from gateway.people_plan import PlanError
from gateway.store.drain import Reader
from gateway.store.outbox import last_interpreted
from gateway.store.raw import newest
from gateway.terminal_care import CareError, Tell, tended, told

_HOLD_SECONDS = 60
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class LogCopy:
    """A terminal's log at one moment; `stated` is how many records it says it has."""

    punches: Sequence[RawPunch]
    stated: int

    @property
    def digest(self) -> str:
        """Return what is equal for equal logs."""
        return hashlib.sha256(self.lines()).hexdigest()

    def lines(self) -> bytes:
        """Return the log as lines of JSON, like `terminal read`."""
        return b"".join(_line(punch) for punch in self.punches)


def _line(punch: RawPunch) -> bytes:
    row = {
        "serial": punch.serial,
        "badge": punch.badge,
        "at": punch.at,
        "verify": punch.verify,
        "state": punch.state,
        "position": punch.position,
        "raw": None if punch.raw is None else punch.raw.hex(),
    }
    return json.dumps(row, ensure_ascii=False).encode() + b"\n"


async def read_log(place: Place) -> LogCopy:
    """Read the whole log.

    Raises:
        CareError: it cannot be read, or another terminal answers.
    """
    try:
        async with opened(place) as (terminal, _):
            return await _read(terminal)
    except PlanError as error:
        raise CareError(str(error)) from error


async def _read(terminal: ZkTerminal) -> LogCopy:
    pieces = [piece async for piece in terminal.read(0)]
    stated = (await terminal.counts()).records
    return LogCopy([punch for piece in pieces for punch in piece], stated)


async def check_delivered(
    copy: LogCopy, reader: Reader, serial: str, patience: float
) -> None:
    """See that every record is in the journal, and all of that at the centre.

    The journal is given `patience` seconds to be acknowledged.

    Raises:
        CareError: something is missing at either place.
    """
    missing = await asyncio.to_thread(_not_stored, copy, reader, serial)
    if missing:
        first = missing[0]
        raise CareError(
            f"{len(missing)} records are not in the journal, the first one of badge"
            f" {first.badge!r} at {first.at}; let the daemon read the terminal first"
        )
    if last_interpreted(reader.db) < newest(reader.db):
        raise CareError("the journal is busy with new records; try again")
    wanted = reader.epoch()
    deadline = time.monotonic() + patience
    while (now := reader.epoch())["id"] == wanted["id"]:
        waiting = wanted["head_seq"] - now["acked_seq"]
        if waiting <= 0:
            return
        if time.monotonic() >= deadline:
            raise CareError(f"{waiting} entries are not acknowledged by the centre")
        await asyncio.sleep(_LOOK_SECONDS)
    raise CareError("the journal began a new epoch just now; try again")


def _not_stored(copy: LogCopy, reader: Reader, serial: str) -> list[RawPunch]:
    """Return the records that the journal has neither as bytes nor as a punch."""
    rows = reader.db.table("raw").rows_where("serial = ?", [serial], select="record")
    records = {row["record"] for row in rows}
    left = [punch for punch in copy.punches if punch.raw not in records]
    if left:
        rows = reader.db.table("punches").rows_where("serial = ?", [serial], "id")
        ids = {row["id"] for row in rows}
        left = [one for one in left if punch_id(serial, one.badge, one.at) not in ids]
    return left


def export(copy: LogCopy, path: Path) -> None:
    """Write a log to a new file of the owner's alone, and read it back.

    Raises:
        CareError: it is there already, cannot be written, or reads otherwise.
    """
    data = copy.lines()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(path, mode, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        found = path.read_bytes()
    except OSError as error:
        raise CareError(f"{path}: {error.strerror}") from None
    if found != data:
        raise CareError(f"{path} reads otherwise than it was written")


async def clear(
    place: Place,
    tell: Tell,
    copy: LogCopy,
    path: Path,
    check: Callable[[], Awaitable[None]],
) -> int:
    """Clear a log that is exported to `path`; return how many records went.

    `check` is awaited right before, and raises where something speaks against it now.

    Raises:
        CareError: the log is not as exported; nothing is cleared. Or the terminal
            refuses, or has records left.
    """
    before = f"{len(copy.punches)} records, sha256 {copy.digest} in {path.name}"
    with place.held() as renew:
        now = await _read_again(place)
        if now.digest != copy.digest:
            raise CareError(
                f"{place.terminal}: its log is another one than in {path} (a punch came"
                " since?); nothing was cleared"
            )
        await check()
        if renew is not None:
            renew()
        async with tended(place) as terminal, told(tell, "clear", before) as after:
            try:
                await terminal.hold(_HOLD_SECONDS)
                try:
                    stated = (await terminal.counts()).records
                    if stated != now.stated:
                        raise CareError(
                            f"{place.terminal} has {stated} records now, {now.stated}"
                            " a moment ago; nothing was cleared"
                        )
                    await terminal.clear_log()
                    left = (await terminal.counts()).records
                finally:
                    await terminal.release()
            except TerminalError as error:
                raise CareError(f"{place.terminal}: {error}") from error
            after.append(f"{left} records")
            if left > 0:
                raise CareError(f"{place.terminal} still has {left} records")
    return len(copy.punches)


async def _read_again(place: Place) -> LogCopy:
    """Read the log in a lease that is ours already."""
    return await read_log(replace(place, held=nullcontext))
