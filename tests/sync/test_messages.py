"""The wire contract: key order, the chain, envelopes as exact bytes."""

import hashlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.messages import (
    UNREADABLE,
    Ack,
    Envelope,
    EventEntry,
    PunchEntry,
    compose,
    encode,
    link,
    origin,
)
from tests.sync.memory_outbox import event, punch

PUNCH_KEYS = [
    *("seq", "id", "rev", "serial", "terminal", "badge", "person", "reason", "at"),
    *("zone", "verify", "state", "work", "received_at", "offset_seconds", "source"),
    *("raw", "verify_code"),
]


def envelope(entries: list[bytes], prev: str, head: str) -> bytes:
    """Return an envelope with fixed ids."""
    return compose(
        site="s1",
        gateway="网关",
        epoch="e1",
        session=3,
        sent="2026-11-02T08:00:00+08:00",
        entries=entries,
        prev=prev,
        head=head,
    )


def test_punch_keys_are_in_the_published_order() -> None:
    """The key order of a punch is part of the contract."""
    assert list(json.loads(encode(punch(7)))) == PUNCH_KEYS


def test_event_keys_are_in_the_published_order() -> None:
    """The key order of an event is part of the contract."""
    keys = ["seq", "id", "kind", "terminal", "serial", "at", "reason", "detail", "raw"]
    assert list(json.loads(encode(event(7)))) == keys


def test_chain_vector() -> None:
    """The chain can be computed by anybody with SHA-256 alone."""
    first = hashlib.sha256(b"e1").hexdigest()
    assert origin("e1") == first
    wanted = hashlib.sha256(bytes.fromhex(first) + b'{"seq":1}').hexdigest()
    assert link(first, b'{"seq":1}') == wanted


def test_link_refuses_what_is_not_hex() -> None:
    """A broken chain hash is an error, not another chain."""
    with pytest.raises(ValueError, match="hexadecimal"):
        link("zz", b"{}")


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers()), max_size=5))
def test_entries_travel_as_the_bytes_they_are(values: list[dict[str, int]]) -> None:
    """An envelope carries each entry byte for byte, so that its chain holds."""
    entries = [msgspec.json.encode(value) for value in values]
    prev = origin("e1")
    head = prev
    for entry in entries:
        head = link(head, entry)
    data = envelope(entries, prev, head)
    decoded = msgspec.json.decode(data, type=Envelope)
    assert [bytes(raw) for raw in decoded.entries] == entries
    assert (decoded.gateway, decoded.session) == ("网关", 3)
    assert (decoded.chain.prev, decoded.chain.head) == (prev, head)
    keys = ["v", "site", "gateway", "epoch", "session", "sent", "entries", "chain"]
    assert list(json.loads(data)) == keys


def test_unknown_fields_are_ignored() -> None:
    """A newer writer does not break an older reader."""
    data = encode(punch(1))[:-1] + b',"mood":"good"}'
    assert msgspec.json.decode(data, type=PunchEntry) == punch(1)


@pytest.mark.parametrize(
    "kind, data",
    [
        (Envelope, b'{"v":2,"site":"s"}'),
        (Envelope, b"\xff"),
        (Envelope, b'{"entries":[' + b"[" * 100_000),
        (PunchEntry, encode(punch(1)).replace(b'"finger"', b'"nose"')),
        (PunchEntry, encode(punch(1)).replace(b'"seq":1', b'"seq":0')),
        (
            PunchEntry,
            encode(punch(1)).replace(b'"seq":1', b'"seq":9223372036854775808'),
        ),
        (PunchEntry, encode(punch(1)).replace(b'"lobby"', b'"\\ud800"')),
        (PunchEntry, encode(punch(1)).replace(b'"lobby"', b'"\xff"')),
        (EventEntry, encode(event(1)).replace(b'"after":0', b'"after":1e999')),
        (Ack, b"[]"),
    ],
)
def test_hostile_bytes_raise_what_is_said(
    kind: type[msgspec.Struct], data: bytes
) -> None:
    """Whatever comes, decoding raises one of `UNREADABLE` and nothing else."""
    with pytest.raises(UNREADABLE):
        msgspec.json.decode(data, type=kind)
