"""From the wire to rows: what is believed, what is put aside, nothing raises."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.incoming import fork, read, read_state
from central.values import Batch, Poison, Reason
from sync.messages import PunchEntry, State, encode, link, origin
from tests.central.batches import AT, TOPICS, message, payload
from tests.sync.memory_outbox import MemoryOutbox, event, punch, renumbered

PUNCHES = TOPICS.of("s1", "g1", "punch")
EVENTS = TOPICS.of("s1", "g1", "event")


def outbox(count: int = 3) -> MemoryOutbox:
    """Return an outbox with a few punches."""
    made = MemoryOutbox()
    made.add_punches(range(count))
    return made


def carried(*entries: bytes) -> bytes:
    """Return a message with a valid chain around any entries."""
    made = MemoryOutbox()
    for entry in entries:
        made.add_bytes("x", entry)
    return payload(made.rows, made.epoch)


def refused(topic: str, data: bytes) -> Poison:
    """Read a message that must be put aside."""
    found = read(TOPICS, topic, data)
    assert isinstance(found, Poison)
    assert (found.topic, found.payload) == (topic, data)
    return found


def believed(topic: str, data: bytes) -> Batch:
    """Read a message that must be believed."""
    found = read(TOPICS, topic, data)
    assert isinstance(found, Batch)
    return found


def test_a_message_becomes_its_punches_and_hashes() -> None:
    """Every entry is booked with the hash behind it, and stored as it was sent."""
    made = outbox()
    batch = message(made, made.rows)
    assert batch.entries == tuple((row.seq, row.hash) for row in made.rows)
    assert batch.punches == tuple(punch(n + 1, n) for n in range(3))
    assert batch.prev == origin(made.epoch)
    assert (batch.stream.site, batch.stream.gateway) == ("s1", "g1")
    assert not batch.poisons


def test_other_kinds_become_records_as_they_are() -> None:
    """Kinds of today and tomorrow are kept as their JSON, whatever is in it."""
    data = carried(encode(event(1)), b'{"seq":2,"new":[1,{}]}', b'{"seq":3,"id":7}')
    batch = believed(TOPICS.of("s1", "g1", "suspicion"), data)
    assert [(r.seq, r.kind, r.id) for r in batch.records] == [
        (1, "suspicion", "e-1"),
        (2, "suspicion", None),
        (3, "suspicion", None),
    ]
    assert batch.records[1].body == '{"seq":2,"new":[1,{}]}'


@pytest.mark.parametrize(
    "topic", ["att/v1/s1/g1/live/x", "att/v1/s1/g1/state", "b/s1/g1/punch"]
)
def test_a_foreign_topic_is_put_aside(topic: str) -> None:
    """Only the five durable topics carry entries."""
    made = outbox()
    assert refused(topic, payload(made.rows, made.epoch)).reason is Reason.TOPIC


@pytest.mark.parametrize("data", [b"", b"\xff", b"{}", b"[[", b'{"v":2}', b"null"])
def test_what_is_no_envelope_is_put_aside(data: bytes) -> None:
    """Unreadable bytes are kept with their reason."""
    assert refused(PUNCHES, data).reason is Reason.UNREADABLE


def test_another_version_is_put_aside() -> None:
    """A message of version 2 is not read by the rules of version 1."""
    made = outbox()
    data = payload(made.rows, made.epoch).replace(b'"v":1', b'"v":2', 1)
    assert refused(PUNCHES, data).reason is Reason.UNREADABLE


def test_topic_and_message_must_name_the_same_gateway() -> None:
    """A gateway that may write its own topics only cannot speak for another."""
    made = outbox()
    data = payload(made.rows, made.epoch, gateway="g2")
    assert refused(PUNCHES, data).reason is Reason.IDS
    data = payload(made.rows, made.epoch, site="s2")
    assert refused(PUNCHES, data).reason is Reason.IDS


def test_an_epoch_with_a_nul_is_put_aside() -> None:
    """No database key of ours holds a NUL."""
    made = MemoryOutbox("e\x00")
    made.add_punches(range(1))
    assert refused(PUNCHES, payload(made.rows, made.epoch)).reason is Reason.IDS


def test_changed_bytes_break_the_chain() -> None:
    """One changed badge, and the message is not believed."""
    made = outbox()
    data = payload(made.rows, made.epoch).replace(b'"0001"', b'"0009"')
    assert refused(PUNCHES, data).reason is Reason.CHAIN


def test_a_chain_begins_with_its_epoch() -> None:
    """Entry 1 follows the hash of the epoch and nothing else."""
    made = outbox()
    data = payload(made.rows, "another epoch")
    assert refused(PUNCHES, data).reason is Reason.CHAIN


@pytest.mark.parametrize("seqs", [[1, 1, 2], [2, 1, 3], [5, 4, 6]])
def test_seqs_rise_strictly(seqs: list[int]) -> None:
    """A message that goes back in its own order is not believed."""
    entries = [encode(punch(seq)) for seq in seqs]
    assert refused(PUNCHES, carried(*entries)).reason is Reason.ORDER


def test_an_empty_message_is_put_aside() -> None:
    """No entries, nothing to book."""
    data = payload(outbox().rows, "e").replace(b'"entries":[', b'"entries":[],"were":[')
    assert refused(PUNCHES, data).reason is Reason.ORDER


@pytest.mark.parametrize(
    "bad",
    [
        b'{"seq":2}',
        encode(punch(2)).replace(b'"finger"', b'"nose"'),
        encode(punch(2)).replace(b'"lobby"', b'"\xff"'),
        encode(punch(2)).replace(b'"lobby"', b'"a\\u0000b"'),
        encode(punch(2)).replace(b'"rev":1', b'"rev":99999999999999999999'),
    ],
)
def test_an_unreadable_punch_does_not_block_its_stream(bad: bytes) -> None:
    """Its bytes are kept, its seq is booked, its neighbours are stored."""
    data = carried(encode(punch(1)), bad, encode(punch(3)))
    batch = believed(PUNCHES, data)
    assert [seq for seq, _ in batch.entries] == [1, 2, 3]
    assert [item.seq for item in batch.punches] == [1, 3]
    (poison,) = batch.poisons
    assert (poison.payload, poison.reason) == (bad, Reason.ENTRY)


def test_an_unreadable_record_does_not_block_its_stream() -> None:
    """The same for every other kind."""
    bad = b'{"seq":2,"x":"\xff"}'
    batch = believed(EVENTS, carried(encode(event(1)), bad))
    assert [seq for seq, _ in batch.entries] == [1, 2]
    assert [poison.payload for poison in batch.poisons] == [bad]


def test_content_sent_again_at_another_time_has_the_same_digest() -> None:
    """A stream that repeats itself for days fills one row of the quarantine."""
    made = outbox()
    broken = payload(made.rows, made.epoch).replace(b'"0001"', b'"0009"')
    later = broken.replace(b'"sent":"2026', b'"sent":"2027')
    assert broken != later
    assert refused(PUNCHES, broken).digest == refused(PUNCHES, later).digest
    other = broken.replace(b'"0009"', b'"0008"')
    assert refused(PUNCHES, broken).digest != refused(PUNCHES, other).digest


@pytest.mark.parametrize("bad", [b"{}", b'{"seq":0}', b'{"seq":"1"}', b"7"])
def test_an_entry_without_seq_cannot_be_booked(bad: bytes) -> None:
    """Without its number the whole message is put aside."""
    assert refused(PUNCHES, carried(bad)).reason is Reason.ENTRY
    assert refused(EVENTS, carried(bad)).reason is Reason.ENTRY


def test_an_escaped_backslash_is_no_nul() -> None:
    r"""The text `\u0000` written out by a person is a text."""
    odd = encode(punch(1)).replace(b'"lobby"', rb'"\\u0000"')
    (found,) = believed(PUNCHES, carried(odd)).punches
    assert found.terminal == r"\u0000"


def test_the_same_fork_sent_twice_has_one_digest() -> None:
    """What is sent again and again is put aside once."""
    made = outbox()
    one = fork(message(made, made.rows[1:]))
    assert one.reason is Reason.FORK
    assert one.digest == fork(message(made, made.rows[1:])).digest
    assert one.digest != fork(message(made, made.rows[2:])).digest


def test_seqs_may_have_holes() -> None:
    """What is listed is booked, not what lies between."""
    made = outbox()
    entries = [encode(punch(seq)) for seq in (4, 7)]
    batch = believed(PUNCHES, carried(*entries))
    assert [seq for seq, _ in batch.entries] == [4, 7]
    assert renumbered(made.rows[:1], [9])[0].seq == 9


@given(st.binary(max_size=200))
def test_no_bytes_raise(data: bytes) -> None:
    """Whatever a network brings is a value."""
    assert isinstance(read(TOPICS, PUNCHES, data), Poison)
    assert read_state(TOPICS, TOPICS.of("s1", "g1", "state"), data) is None


texts = st.text(max_size=12)
numbers = st.integers(-(2**63) + 1, 2**63 - 1)


@given(texts, texts, numbers, st.floats(allow_nan=False, allow_infinity=False))
def test_every_punch_comes_back_as_it_was(
    badge: str, terminal: str, state: int, offset: float
) -> None:
    """Wire → rows loses nothing, for any text and number a terminal may give."""
    entry = punch(1)
    values = {name: getattr(entry, name) for name in entry.__struct_fields__}
    values |= {"badge": badge, "terminal": terminal, "state": state}
    sent = PunchEntry(**{**values, "offset_seconds": offset})
    batch = believed(PUNCHES, carried(encode(sent)))
    hostile = "\x00" in badge + terminal
    assert batch.punches == (() if hostile else (sent,))
    assert len(batch.poisons) == hostile
    assert batch.entries == ((1, link(origin("epoch-1"), encode(sent))),)


def test_births_are_read_and_must_name_their_topic() -> None:
    """A state on another gateway's topic is none."""
    state = State(
        site="s1",
        gateway="g1",
        online=True,
        session=1,
        epoch="e",
        backlog=0,
        oldest_age_seconds=None,
        version="0",
        confirm="central",
        at=AT,
    )
    topic = TOPICS.of("s1", "g1", "state")
    assert read_state(TOPICS, topic, encode(state)) == state
    assert read_state(TOPICS, TOPICS.of("s1", "g2", "state"), encode(state)) is None
    assert read_state(TOPICS, "x", encode(state)) is None
    nul = json.dumps({**json.loads(encode(state)), "epoch": "e\x00"}).encode()
    assert read_state(TOPICS, topic, nul) is None
