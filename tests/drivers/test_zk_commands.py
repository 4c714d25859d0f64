"""Codes with names, and the comm key as both sides compute it."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zk.base import make_commkey

from drivers.zk.commands import Reply, code_name, key_matches, scramble

keys = st.integers(0, 0xFFFFFFFF)
sessions = st.integers(0, 0xFFFF)
ticks = st.integers(0, 255)


@pytest.mark.parametrize(
    "key, session, tick, expected",
    [
        (0, 0x1234, 0x32, "617d326b"),
        (0, 0x1234, 0xA7, "f4e8a7fe"),
        (12345, 0x1234, 0x32, "6de1326b"),
        (123456, 0xABCD, 0x32, "297f3252"),
        (45, 17871, 0x32, "61c9323c"),
        (12, 17871, 0x32, "614d323c"),
    ],
)
def test_known_keys(key: int, session: int, tick: int, expected: str) -> None:
    """The published vectors."""
    assert scramble(key, session, tick).hex() == expected


@given(keys, sessions, ticks)
def test_a_terminal_accepts_what_a_client_made(
    key: int, session: int, tick: int
) -> None:
    """Every key fits 4 bytes, and the byte the client chose is read from them."""
    assert key_matches(key, session, scramble(key, session, tick))


@given(keys, sessions, ticks, st.integers(0, 3))
def test_a_terminal_refuses_another_key(
    key: int, session: int, tick: int, byte: int
) -> None:
    """One wrong byte is enough; the free byte changes the other three with it."""
    payload = bytearray(scramble(key, session, tick))
    payload[byte] ^= 1
    assert not key_matches(key, session, bytes(payload))
    assert not key_matches(key, session, bytes(payload[:3]))


@given(keys, sessions)
def test_it_is_what_pyzk_sends_where_pyzk_can(key: int, session: int) -> None:
    """The library agrees wherever it does not overflow."""
    try:
        theirs = make_commkey(key, session)
    except struct.error:
        return
    assert scramble(key, session, 50) == theirs


def test_the_key_pyzk_fails_on_has_a_payload() -> None:
    """131071 overflows in pyzk; here the sum stays within 32 bits."""
    with pytest.raises(struct.error):
        make_commkey(131071, 0xFFFF)
    assert key_matches(131071, 0xFFFF, scramble(131071, 0xFFFF, 50))


@pytest.mark.parametrize(
    "code, words",
    [
        (Reply.ERROR, "2001 (ERROR)"),
        (1503, "1503 (PREPARE_BUFFER)"),
        (4242, "4242"),
    ],
)
def test_codes_in_words(code: int, words: str) -> None:
    """A code nobody has named stays its number."""
    assert code_name(code) == words
