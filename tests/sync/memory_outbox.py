"""An outbox in memory, and entries to fill it with."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec

from sync.messages import EventEntry, PunchEntry, link, origin
from sync.outbox import Position


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of the outbox."""

    seq: int
    kind: str
    entry: bytes
    prev: str
    hash: str


def punch(seq: int, number: int | None = None) -> PunchEntry:
    """Return a punch entry; equal `number` means the same punch."""
    which = seq if number is None else number
    digest = hashlib.sha256(str(which).encode()).hexdigest()
    minute = which // 60
    return PunchEntry(
        seq=seq,
        id=f"p1_{digest[:26]}",
        rev=1,
        serial="VT00000001",
        terminal="lobby",
        badge=f"{which % 2000:04d}",
        person=f"p{which % 2000:04d}",
        reason=None,
        at=f"2026-11-{1 + minute // 1440 % 28:02d}T{minute // 60 % 24:02d}:"
        f"{minute % 60:02d}:{which % 60:02d}",
        zone="Asia/Shanghai",
        verify="finger",
        state=0,
        work=0,
        received_at="2026-11-02T08:00:01+08:00",
        offset_seconds=-1.5,
        source="poll",
        raw=digest + digest[:16],
        verify_code=1,
    )


def event(seq: int, kind: str = "log_cleared") -> EventEntry:
    """Return an event entry."""
    return EventEntry(
        seq=seq,
        id=f"e-{seq}",
        kind=kind,
        terminal="lobby",
        serial="VT00000001",
        at="2026-11-02T08:00:01+08:00",
        reason=None,
        detail={"before": 10, "after": 0},
        raw=None,
    )


class MemoryOutbox:
    """Implements `sync.outbox.Outbox`; `truncate` plays a restored backup."""

    def __init__(self, epoch: str = "epoch-1") -> None:
        self.epoch = epoch
        self.rows: list[Row] = []
        self.acked = 0
        self.acked_hash = origin(epoch)
        self.store: str | None = None
        self.generation = 0
        self.confirms: list[int] = []
        self.forks: list[str] = []
        self.on_confirm: Callable[[], None] = lambda: None

    def add(self, kind: str, entry: PunchEntry | EventEntry) -> None:
        """Append an entry under the next seq."""
        renumbered = msgspec.structs.replace(entry, seq=len(self.rows) + 1)
        self.add_bytes(kind, msgspec.json.encode(renumbered))

    def add_bytes(self, kind: str, entry: bytes) -> None:
        """Append an entry as it is."""
        prev = self.rows[-1].hash if self.rows else origin(self.epoch)
        row = Row(len(self.rows) + 1, kind, entry, prev, link(prev, entry))
        self.rows.append(row)

    def add_punches(self, numbers: Iterable[int]) -> None:
        """Append punches, with an event among every 250."""
        for number in numbers:
            if number % 250 == 249:
                self.add("event", event(0))
            self.add("punch", punch(0, number))

    def punch_ids(self) -> set[str]:
        """Return the ids of all punches."""
        rows = (row.entry for row in self.rows if row.kind == "punch")
        return {msgspec.json.decode(entry, type=PunchEntry).id for entry in rows}

    def truncate(self, head: int) -> None:
        """Go back to an older state, as a restored backup does."""
        del self.rows[head:]
        self.acked = min(self.acked, head)
        self.acked_hash = self.hash_at(self.acked) or ""

    def position(self) -> Position:
        """Return where the stream stands."""
        return Position(
            epoch=self.epoch,
            acked=self.acked,
            acked_hash=self.acked_hash,
            head=len(self.rows),
            head_hash=self.hash_at(len(self.rows)) or "",
            store=self.store,
            generation=self.generation,
        )

    def batch(self, after: int, limit: int) -> Sequence[Row]:
        """Return consecutive rows of one kind."""
        rows = self.rows[after : after + limit]
        same = next((i for i, r in enumerate(rows) if r.kind != rows[0].kind), limit)
        return rows[:same]

    def between(self, epoch: str, first: int, last: int, limit: int) -> Sequence[Row]:
        """Return rows of one kind from `first` to `last`; old epochs are gone."""
        if epoch != self.epoch:
            return ()
        return self.batch(first - 1, min(limit, last - first + 1))

    def hash_at(self, seq: int) -> str | None:
        """Return the chain hash behind an entry."""
        if seq == 0:
            return origin(self.epoch)
        return self.rows[seq - 1].hash if seq <= len(self.rows) else None

    async def confirm(
        self, upto: int, chain: str | None, store: str | None, generation: int
    ) -> None:
        """Write down what is delivered."""
        self.acked = upto
        self.acked_hash = chain or ""
        self.store, self.generation = store, generation
        self.confirms.append(upto)
        self.on_confirm()

    async def fork(self, reason: str, common: int) -> None:
        """Open a new epoch with everything behind the last common entry."""
        self.forks.append(reason)
        kept = self.rows[common:]
        self.epoch = f"epoch-{len(self.forks) + 1}"
        self.acked, self.acked_hash = 0, origin(self.epoch)
        # Built apart: another thread never sees an empty outbox, all of it delivered.
        fresh = MemoryOutbox(self.epoch)
        for row in kept:
            value = msgspec.json.decode(row.entry)
            value["seq"] = len(fresh.rows) + 1
            fresh.add_bytes(row.kind, msgspec.json.encode(value))
        self.rows = fresh.rows


def renumbered(rows: Sequence[Row], seqs: Sequence[int]) -> list[Row]:
    """Return rows under other seqs."""
    return [replace(row, seq=seq) for row, seq in zip(rows, seqs, strict=True)]
