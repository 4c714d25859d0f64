"""A message on its way, and whether a centre's stream can be ours."""

from collections.abc import Callable
from dataclasses import dataclass

from sync.messages import Ack


@dataclass(slots=True)
class Flight:
    """A message the broker has not answered; `last` is 0 for a control message.

    A stale one was sent before a rewind: its answer frees room and means nothing more.
    """

    last: int
    head: str
    sent_at: float
    stale: bool = False
    taken: bool = False


def contradiction(ack: Ack, head: int, hash_at: Callable[[int], str | None]) -> str:
    """Return why a centre's stream cannot be ours; empty when it can.

    It is not when the centre holds entries we never wrote, or others than we did: our
    journal is an older copy of itself.
    """
    if ack.upto > head:
        return f"the centre holds entries up to {ack.upto}, we wrote {head}"
    ours = hash_at(ack.upto) if ack.upto else None  # None too where it is long gone
    if None not in (ours, ack.chain) and ours != ack.chain:
        return f"the centre holds another entry {ack.upto} than we wrote"
    return ""
