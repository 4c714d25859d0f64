"""What can happen to MQTT packets between a client and its broker, as proxy rules."""

import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tests.end_to_end.pausing_proxy import published_to

CONNECT, PUBLISH = 1, 3
V5 = 5
_PUBACK = 4
_DUPLICATE = 0x08
# CONNACK of 3.1.1: «unacceptable protocol version».
_REFUSED = bytes([0x20, 2, 0, 1])


@dataclass(frozen=True, slots=True)
class Passed:
    """What becomes of a packet: `on` goes on, each after so many seconds, `back` back.

    `close` ends the connection once that is written.
    """

    on: tuple[tuple[float, bytes], ...] = ()
    back: bytes = b""
    close: bool = False


class Rule(Protocol):
    """Decides what becomes of a packet."""

    def __call__(self, packet: bytes, *, up: bool) -> Passed:
        """Return it; `up` is towards the server."""


def unchanged(packet: bytes, *, up: bool) -> Passed:
    """Pass a packet on."""
    return Passed(((0.0, packet),))


def payload_of(packet: bytes) -> bytes:
    """Return the JSON of a PUBLISH: every message of ours begins with its version."""
    at = packet.find(b'{"v":')
    return packet[at:] if at >= 0 else b""


def body(packet: bytes) -> bytes:
    """Return what stands behind the fixed header."""
    start = 1
    while packet[start] & 0x80:
        start += 1
    return packet[start + 1 :]


def packet_id(packet: bytes) -> bytes:
    """Return the two bytes that name a PUBLISH of QoS 1."""
    rest = body(packet)
    size = int.from_bytes(rest[:2], "big")
    return rest[2 + size : 4 + size]


def is_batch(packet: bytes) -> bool:
    """Say whether a packet carries durable entries with QoS 1."""
    topic = published_to(packet)
    return topic is not None and bool(packet[0] & 0x06) and b'"entries":[' in packet


def is_ack(packet: bytes) -> bool:
    """Say whether a packet carries the centre's acknowledgement."""
    return (published_to(packet) or "").endswith("/ack")


@dataclass(frozen=True, slots=True)
class Lost:
    """A batch that vanished: when (monotonic seconds), and its seqs."""

    at: float
    first: int
    last: int


class Dropping:
    """Takes a share of the batches, says success for them and lets them vanish."""

    def __init__(self, rng: random.Random, share: float) -> None:
        self._rng = rng
        self._share = share
        self.dropped: list[Lost] = []

    def __call__(self, packet: bytes, *, up: bool) -> Passed:
        """Pass it on, or answer in the receiver's place."""
        if not is_batch(packet) or self._rng.random() >= self._share:
            return unchanged(packet, up=up)
        seqs = [entry["seq"] for entry in json.loads(payload_of(packet))["entries"]]
        self.dropped.append(Lost(time.monotonic(), min(seqs), max(seqs)))
        return Passed(back=bytes([_PUBACK << 4, 2]) + packet_id(packet))


class Repeating:
    """Sends every batch and every acknowledgement twice, the second one later."""

    def __init__(self, rng: random.Random, seconds: float = 0.1) -> None:
        self._rng = rng
        self._seconds = seconds
        self.repeated = 0

    def __call__(self, packet: bytes, *, up: bool) -> Passed:
        """Pass it on twice."""
        if not is_batch(packet) and not is_ack(packet):
            return unchanged(packet, up=up)
        self.repeated += 1
        again = bytes([packet[0] | _DUPLICATE]) + packet[1:]
        return Passed(((0.0, packet), (self._rng.uniform(0.001, self._seconds), again)))


class Replaying:
    """Remembers every batch and sends all of them again before each acknowledgement."""

    def __init__(self) -> None:
        self._seen: list[bytes] = []
        self.replayed = 0

    def __call__(self, packet: bytes, *, up: bool) -> Passed:
        """Pass it on; from time to time everything before it once more."""
        if not is_batch(packet):
            return unchanged(packet, up=up)
        again = [bytes([old[0] | _DUPLICATE]) + old[1:] for old in self._seen]
        self._seen.append(packet)
        self.replayed += len(again)
        return Passed(tuple((0.0, one) for one in (packet, *again)))


class Reordering:
    """Lets every batch and acknowledgement wait for a while of its own."""

    def __init__(self, rng: random.Random, seconds: float = 0.2) -> None:
        self._rng = rng
        self._seconds = seconds

    def __call__(self, packet: bytes, *, up: bool) -> Passed:
        """Pass it on some time."""
        if not is_batch(packet) and not is_ack(packet):
            return unchanged(packet, up=up)
        return Passed(((self._rng.uniform(0.001, self._seconds), packet),))


class Corrupting:
    """Changes one byte in the JSON of a share of the batches and acknowledgements."""

    def __init__(self, rng: random.Random, share: float) -> None:
        self._rng = rng
        self._share = share
        self.changed = 0

    def __call__(self, packet: bytes, *, up: bool) -> Passed:
        """Pass it on, perhaps not as it came."""
        ours = is_batch(packet) or is_ack(packet)
        if not ours or self._rng.random() >= self._share:
            return unchanged(packet, up=up)
        self.changed += 1
        data = bytearray(packet)
        at = self._rng.randrange(len(packet) - len(payload_of(packet)), len(packet))
        data[at] ^= self._rng.randrange(1, 256)
        return Passed(((0.0, bytes(data)),))


class Flipping:
    """Changes one bit in a share of the packets of any kind, in one direction."""

    def __init__(self, rng: random.Random, share: float) -> None:
        self._rng = rng
        self._share = share
        self.changed = 0

    def __call__(self, packet: bytes, *, up: bool) -> Passed:
        """Pass it on, perhaps not as it came; requests stay whole."""
        if up or self._rng.random() >= self._share:
            return unchanged(packet, up=up)
        self.changed += 1
        data = bytearray(packet)
        data[self._rng.randrange(len(data))] ^= 1 << self._rng.randrange(8)
        return Passed(((0.0, bytes(data)),))


class OldBroker:
    """Refuses MQTT 5 as a broker does that speaks 3.1.1 only."""

    def __init__(self) -> None:
        self.refused = 0

    def __call__(self, packet: bytes, *, up: bool) -> Passed:
        """Pass it on, unless it is a CONNECT of version 5."""
        if not up or packet[0] >> 4 != CONNECT or version(packet) != V5:
            return unchanged(packet, up=up)
        self.refused += 1
        return Passed(back=_REFUSED, close=True)


def version(connect: bytes) -> int:
    """Return the version of MQTT that a CONNECT asks for."""
    rest = body(connect)
    return rest[2 + int.from_bytes(rest[:2], "big")]


@dataclass(frozen=True, slots=True)
class Heard:
    """An acknowledgement, and when it passed (monotonic seconds)."""

    at: float
    upto: int
    missing: Sequence[Sequence[int]]


class Watching:
    """Writes down the acknowledgements, and lets another rule decide.

    It sees them where the proxy stands: on the gateway's line as they reach it.
    """

    def __init__(self, rule: Rule = unchanged) -> None:
        self._rule = rule
        self.acks: list[Heard] = []

    def __call__(self, packet: bytes, *, up: bool) -> Passed:
        """Note it and let the other rule decide."""
        if is_ack(packet):
            said = json.loads(payload_of(packet))
            self.acks.append(Heard(time.monotonic(), said["upto"], said["missing"]))
        return self._rule(packet, up=up)

    def noticed(self, lost: Lost) -> float | None:
        """Return after how many seconds an acknowledgement named the hole."""
        for ack in self.acks:
            named = any(a <= lost.last and lost.first <= b for a, b in ack.missing)
            if ack.at >= lost.at and named:
                return ack.at - lost.at
        return None

    def filled(self, lost: Lost) -> float | None:
        """Return after how many seconds everything to its end was acknowledged."""
        for ack in self.acks:
            if ack.at >= lost.at and ack.upto >= lost.last:
                return ack.at - lost.at
        return None
