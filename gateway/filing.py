"""Records that came by file: stored like any others, and what of them was new.

The count equation of a terminal never counts them: they are part of no log that was
read over the network. A punch that came both ways is one, by its id.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

from drivers.attlog_file import BadLine, FileRecord
from gateway.clock import Now
from gateway.core.normalise import readable
from gateway.core.values import RawRecord, Source
from gateway.intake import Intake

DRIVER = "attlog-file"
_MOST = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a piece of a file may be: so many lines, and bytes of them."""

    lines: int
    size: int


SMALL = Bounds(6_000, 500_000)
"""For a daemon: little memory, and as JSON below what its control socket takes."""

LARGE = Bounds(24_000, 2_000_000)
"""For a command that has the journal to itself: fewer commits."""


@dataclass(frozen=True, slots=True)
class Filed:
    """What became of records: punches that are new, and those that were known."""

    new: int = 0
    duplicate: int = 0


@dataclass(slots=True)
class Imported:
    """What became of a file; `read` counts records and bad lines."""

    read: int = 0
    new: int = 0
    duplicate: int = 0
    rejected: int = 0
    rejects: list[BadLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some records of one file, in its order.

    `occurrences` says of each how many identical ones stood before it in the file.
    """

    records: Sequence[FileRecord]
    occurrences: Sequence[int]

    def to_json(self) -> list[list[Any]]:
        """Return what goes through the control socket."""
        return [
            [*astuple(record)[:-1], record.raw.decode(), seen]
            for record, seen in zip(self.records, self.occurrences, strict=True)
        ]

    @classmethod
    def from_json(cls, rows: Sequence[Sequence[Any]]) -> "Piece":
        """Read what `to_json` wrote.

        Raises:
            ValueError: something else wrote it.
        """
        return cls(
            [_record(row[:-1]) for row in rows], [_count(row[-1]) for row in rows]
        )


def _record(row: Sequence[Any]) -> FileRecord:
    line, badge, at, verify, state, work, raw = row
    if not all(isinstance(text, str) for text in (badge, at, raw)):
        raise ValueError(f"no badge, time and line: {[badge, at, raw]!r}")
    return FileRecord(
        line=_count(line),
        badge=badge,
        at=at,
        verify=_count(verify),
        state=_count(state),
        work=None if work is None else _count(work),
        raw=raw.encode(),
    )


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _MOST:
        raise ValueError(f"no number of 0 to {_MOST}: {value!r}")
    return value


def pieces(records: Sequence[FileRecord], seen: Counter[bytes]) -> Piece:
    """Number identical records; `seen` is carried on from piece to piece of a file."""
    occurrences = []
    for record in records:
        occurrences.append(seen[record.raw])
        seen[record.raw] += 1
    return Piece(records, occurrences)


Store = Callable[[Piece], Awaitable[Filed]]


async def take_in(
    lines: Iterator[FileRecord | BadLine],
    store: Store,
    found: Imported,
    bounds: Bounds = SMALL,
) -> None:
    """Store what a file holds, piece by piece, and count it in `found`.

    The file is read in a thread: a slow stick holds nobody up.
    """
    seen: Counter[bytes] = Counter()
    batches = _batches(lines, bounds)
    while batch := await asyncio.to_thread(next, batches, None):
        records = [line for line in batch if isinstance(line, FileRecord)]
        found.read += len(batch)
        found.rejects += _rejects(batch)
        found.rejected = len(found.rejects)
        filed = await store(pieces(records, seen))
        found.new += filed.new
        found.duplicate += filed.duplicate


def _rejects(batch: list[FileRecord | BadLine]) -> Iterator[BadLine]:
    """Name the lines that are no punch; impossible dates are kept all the same."""
    for line in batch:
        if isinstance(line, BadLine):
            yield line
        elif not readable(line.at):
            yield BadLine(line.line, f"the date {line.at} does not exist; kept")


def _batches(
    lines: Iterator[FileRecord | BadLine], bounds: Bounds
) -> Iterator[list[FileRecord | BadLine]]:
    """Cut what was read into pieces of bounded number and size."""
    batch: list[FileRecord | BadLine] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line.raw) if isinstance(line, FileRecord) else 0
        if len(batch) >= bounds.lines or size >= bounds.size:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


async def file_piece(
    intake: Intake, terminal: str, serial: str, piece: Piece, now: Now
) -> Filed:
    """Store a piece and make punches of it.

    Raises:
        StoreError: the journal writes no more.
    """
    received = now()
    records = [
        RawRecord(
            terminal=terminal,
            serial=serial,
            badge=record.badge,
            at=record.at,
            verify=record.verify,
            state=record.state,
            work=record.work,
            position=record.line,
            raw=record.raw,
            driver=DRIVER,
            source=Source.FILE,
            received_at=received,
            offset_seconds=None,
        )
        for record in piece.records
    ]
    new = await intake.file(records, piece.occurrences)
    dated = sum(readable(record.at) is not None for record in piece.records)
    return Filed(new, dated - new)


def read_request(asked: Mapping[str, Any]) -> tuple[str, Piece]:
    """Return terminal and piece of a control request.

    Raises:
        ValueError: it is not what `Piece.to_json` wrote.
    """
    try:
        return str(asked["terminal"]), Piece.from_json(asked["records"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not an import request: {error}") from None
