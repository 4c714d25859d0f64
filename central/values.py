"""What came in, as values: streams, believed batches, and what is put aside."""

from dataclasses import dataclass
from enum import StrEnum

from sync.messages import PunchEntry


class Reason(StrEnum):
    """Why something was put aside."""

    TOPIC = "topic"
    UNREADABLE = "unreadable"
    IDS = "ids"
    CHAIN = "chain"
    ORDER = "order"
    ENTRY = "entry"
    FORK = "fork"
    STRANGER = "stranger"
    REVISION = "revision"


class By(StrEnum):
    """What punches are counted by: whose gateway brought them first, or their day."""

    SITE = "site"
    GATEWAY = "gateway"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Stream:
    """One ordered stream of entries."""

    site: str
    gateway: str
    epoch: str


@dataclass(frozen=True, slots=True)
class Gone:
    """A range of a stream that will never come; `fate` says why.

    As its gateway says, or `unreadable` where it sends nothing else.
    """

    first: int
    last: int
    fate: str


@dataclass(frozen=True, slots=True)
class Poison:
    """Bytes put aside; equal `digest` on one topic means the same thing sent again.

    `epoch` names the stream of an entry that was put aside out of a believed message;
    empty where a whole message was.
    """

    topic: str
    payload: bytes
    reason: Reason
    detail: str
    digest: str
    epoch: str = ""


@dataclass(frozen=True, slots=True)
class RecordRow:
    """Any other durable entry: its JSON text, and of it what it can be found by.

    `kind` is the topic, `entry_kind` what the entry calls itself. A key that is absent
    or of another type than it should be is None; `body` is the whole entry always.
    """

    seq: int
    kind: str
    id: str | None
    body: str
    rev: int | None = None
    entry_kind: str | None = None
    person: str | None = None
    date: str | None = None
    terminal: str | None = None
    serial: str | None = None
    at: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """One believed message: what to book, what to store, what to put aside.

    `entries` are `(seq, chain hash behind it)` in rising order; `prev` the chain hash
    before the first. `topic` and `payload` are kept for the case that the batch turns
    out to contradict what is stored.
    """

    stream: Stream
    prev: str
    entries: tuple[tuple[int, str], ...] = ()
    punches: tuple[PunchEntry, ...] = ()
    records: tuple[RecordRow, ...] = ()
    poisons: tuple[Poison, ...] = ()
    topic: str = ""
    payload: bytes = b""
