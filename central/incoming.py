"""From the wire to rows: the only place where messages become what is stored.

Nothing here raises on what a network brings. A message that cannot be believed as a
whole (no JSON, another's ids, a broken chain) is refused and will be sent again; an
entry that cannot be read inside a message whose chain holds is kept as bytes and booked
as received: sending it again would change nothing, and nothing may block a stream.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from central.record_keys import record_row
from central.values import Batch, Poison, Reason, RecordRow, Stream
from sync.messages import UNREADABLE, Envelope, PunchEntry, Seq, State, origin
from sync.topics import DURABLE, Topic, TopicError, Topics

PUNCH = "punch"


class _Head(msgspec.Struct, frozen=True):
    """What every entry has, whatever its kind."""

    seq: Seq


_ENVELOPES = msgspec.json.Decoder(Envelope)
_PUNCHES = msgspec.json.Decoder(PunchEntry)
_HEADS = msgspec.json.Decoder(_Head)
_STATES = msgspec.json.Decoder(State)


@dataclass(slots=True)
class _Found:
    """What a batch of an epoch is collected in."""

    epoch: str
    entries: list[tuple[int, str]] = field(default_factory=list)
    punches: list[PunchEntry] = field(default_factory=list)
    records: list[RecordRow] = field(default_factory=list)
    poisons: list[Poison] = field(default_factory=list)


class _RefusedError(Exception):
    """The message as a whole cannot be believed."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def read(topics: Topics, topic: str, payload: bytes) -> Batch | Poison:
    """Return what a message of a durable topic holds, or why it is put aside."""
    envelope: Envelope | None = None
    try:
        where = _durable(topics, topic)
        envelope = _envelope(payload)
        _check(where, envelope)
        found = _entries(where.kind, topic, envelope)
    except _RefusedError as error:
        digest = _digest(envelope, payload)
        return Poison(topic, payload, error.reason, error.detail, digest)
    return Batch(
        stream=Stream(envelope.site, envelope.gateway, envelope.epoch),
        prev=envelope.chain.prev,
        entries=tuple(found.entries),
        punches=tuple(found.punches),
        records=tuple(found.records),
        poisons=tuple(found.poisons),
        topic=topic,
        payload=payload,
    )


def read_state(topics: Topics, topic: str, payload: bytes) -> State | None:
    """Return a gateway's birth or death; None for what is none."""
    try:
        where = topics.parse(topic)
        state = _STATES.decode(payload)
    except (TopicError, *UNREADABLE):
        return None
    same = (state.site, state.gateway) == (where.site, where.gateway)
    texts = (state.epoch, state.version, state.at)
    return state if same and not any("\x00" in text for text in texts) else None


def fork(batch: Batch) -> Poison:
    """Return a batch as put aside: its stream tells another story than before.

    Equal content has equal digests, whenever it was sent.
    """
    (first, _), (_, head) = batch.entries[0], batch.entries[-1]
    story = f"{batch.stream.epoch} {first} {head}"
    return Poison(
        batch.topic,
        batch.payload,
        Reason.FORK,
        f"another entry {first - 1} was stored before",
        hashlib.sha256(story.encode()).hexdigest(),
    )


def _durable(topics: Topics, topic: str) -> Topic:
    try:
        where = topics.parse(topic)
    except TopicError as error:
        raise _RefusedError(Reason.TOPIC, str(error)) from None
    if where.kind not in DURABLE:
        raise _RefusedError(Reason.TOPIC, f"{where.kind!r} is no durable topic")
    return where


def _envelope(payload: bytes) -> Envelope:
    try:
        return _ENVELOPES.decode(payload)
    except UNREADABLE as error:
        raise _RefusedError(Reason.UNREADABLE, str(error)) from None


def _check(where: Topic, envelope: Envelope) -> None:
    if (envelope.site, envelope.gateway) != (where.site, where.gateway):
        named = f"{envelope.site}/{envelope.gateway}"
        raise _RefusedError(Reason.IDS, f"the message names {named!r}")
    if "\x00" in envelope.epoch:
        raise _RefusedError(Reason.IDS, "the epoch holds a NUL")
    if not envelope.entries:
        raise _RefusedError(Reason.ORDER, "no entries")


def _digest(envelope: Envelope | None, payload: bytes) -> str:
    """Return what stays equal when the same content is sent again at another time."""
    if envelope is None:
        return hashlib.sha256(payload).hexdigest()
    chain = f"{envelope.epoch} {envelope.chain.prev} {envelope.chain.head} ".encode()
    entries = b",".join(bytes(entry) for entry in envelope.entries)
    return hashlib.sha256(chain + entries).hexdigest()


def _entries(kind: str, topic: str, envelope: Envelope) -> _Found:
    """Read the entries of an envelope and follow its chain."""
    found = _Found(envelope.epoch)
    last = 0
    for raw, hashed in _chained(envelope):
        seq = _entry(kind, topic, raw, found)
        if seq <= last:
            raise _RefusedError(Reason.ORDER, f"entry {seq} stands behind {last}")
        last = seq
        found.entries.append((seq, hashed))
    if found.entries[-1][1] != envelope.chain.head:
        raise _RefusedError(Reason.CHAIN, "the entries do not lead to chain.head")
    first = found.entries[0][0]
    if first == 1 and envelope.chain.prev != origin(envelope.epoch):
        raise _RefusedError(Reason.CHAIN, "the chain does not begin with its epoch")
    return found


def _chained(envelope: Envelope) -> Iterator[tuple[bytes, str]]:
    """Yield each entry's bytes with the chain hash behind it."""
    state = bytes.fromhex(envelope.chain.prev)
    for entry in envelope.entries:
        raw = bytes(entry)
        state = hashlib.sha256(state + raw).digest()
        yield raw, state.hex()


def read_entry(poison: Poison, kind: str) -> PunchEntry | RecordRow | Poison:
    """Read an entry anew that was put aside: it may be understood by now.

    Raises:
        ValueError: when not even the seq can be read.
    """
    found = _Found(poison.epoch)
    try:
        _entry(kind, poison.topic, poison.payload, found)
    except _RefusedError as error:
        raise ValueError(error.detail) from None
    read: list[PunchEntry | RecordRow | Poison] = [*found.punches, *found.records]
    return [*read, *found.poisons][0]


def _entry(kind: str, topic: str, raw: bytes, found: _Found) -> int:
    """Take one entry in; return its seq.

    Raises:
        _RefusedError: when not even the seq can be read.
    """
    if kind == PUNCH:
        try:
            punch = _PUNCHES.decode(raw)
        except UNREADABLE as error:
            return _put_aside(topic, raw, str(error), found)
        if b"\\u0000" in raw and _holds_nul(punch):
            return _put_aside(topic, raw, "a text holds a NUL", found)
        found.punches.append(punch)
        return punch.seq
    return _record(kind, topic, raw, found)


def _record(kind: str, topic: str, raw: bytes, found: _Found) -> int:
    head = _head(raw)
    try:
        body = raw.decode()
        value = msgspec.json.decode(raw)
    except UNREADABLE as error:
        return _put_aside(topic, raw, str(error), found)
    found.records.append(record_row(head.seq, kind, body, value))
    return head.seq


def _put_aside(topic: str, raw: bytes, detail: str, found: _Found) -> int:
    head = _head(raw)
    digest = hashlib.sha256(raw).hexdigest()
    poison = Poison(topic, raw, Reason.ENTRY, detail, digest, found.epoch)
    found.poisons.append(poison)
    return head.seq


def _head(raw: bytes) -> _Head:
    try:
        return _HEADS.decode(raw)
    except UNREADABLE as error:
        raise _RefusedError(Reason.ENTRY, f"an entry has no seq: {error}") from None


def _holds_nul(punch: PunchEntry) -> bool:
    """Say whether a text holds a NUL, which PostgreSQL cannot store."""
    values = (getattr(punch, name) for name in punch.__struct_fields__)
    return any(isinstance(value, str) and "\x00" in value for value in values)
