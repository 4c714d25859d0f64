"""Commands to gateways, and what their answers are worth.

What an answer says is believed only as far as it was asked. A command is remembered
until it is answered; after a restart of the centre it is asked anew, so an answer to a
former process is dropped, it will come again.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from central.holes import Ask, Span
from central.values import Poison, Reason, Stream
from sync.commands import Command, DayCount, RangeFate, Reply
from sync.messages import UNREADABLE
from sync.topics import TopicError, Topics

EXPIRES_SECONDS = 60
_REMEMBERED = 1_000
_REPLIES = msgspec.json.Decoder(Reply)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer of a gateway to `resend`: what became of what was asked for."""

    stream: Stream
    fates: tuple[RangeFate, ...]


class Asking:
    """Makes commands of a store's generation and knows which are not answered yet.

    Args:
        store: the id of the store.
        generation: its generation; ids of commands begin with both.
    """

    def __init__(self, store: str, generation: int) -> None:
        self._ours = f"{store}-"
        self._start = f"{store}-{generation}-"
        self._number = 0
        self._asked: dict[str, Ask] = {}

    def resend(self, ask: Ask, at: str) -> Command:
        """Return the command for an ask; `at` is now, ISO with offset."""
        self._number += 1
        name = f"{self._start}{self._number}"
        self._asked[name] = ask
        while len(self._asked) > _REMEMBERED:
            del self._asked[next(iter(self._asked))]
        return Command(
            site=ask.stream.site,
            gateway=ask.stream.gateway,
            id=name,
            op="resend",
            sent=at,
            expires=_expires(at),
            epoch=ask.stream.epoch,
            ranges=list(ask.spans),
        )

    def answered(self, reply: Reply) -> Answered | Reason | None:
        """Take in an answer to `resend`; None for one that is late or says nothing.

        Returns `Reason.STRANGER` for an answer to what nobody asked, or to more than
        was asked.
        """
        ask = self._asked.get(reply.id)
        if ask is None:
            return None if reply.id.startswith(self._ours) else Reason.STRANGER
        stream = Stream(reply.site, reply.gateway, reply.epoch or ask.stream.epoch)
        if stream != ask.stream or not _within(reply.ranges, ask.spans):
            return Reason.STRANGER
        del self._asked[reply.id]
        return Answered(stream, tuple(reply.ranges))


def counts(
    stream: Stream, event: str, serial: str, days: Sequence[DayCount], at: str
) -> Command:
    """Return the answer to the day counts of an event."""
    return Command(
        site=stream.site,
        gateway=stream.gateway,
        id=event,
        op="counts",
        sent=at,
        expires=_expires(at),
        serial=serial,
        days=list(days),
    )


def read_reply(topics: Topics, topic: str, payload: bytes) -> Reply | Poison:
    """Return a gateway's answer, or why it is put aside."""
    try:
        where = topics.parse(topic)
        reply = _REPLIES.decode(payload)
    except (TopicError, *UNREADABLE) as error:
        return put_aside(topic, payload, Reason.UNREADABLE, str(error))
    if (reply.site, reply.gateway) != (where.site, where.gateway):
        named = f"{reply.site}/{reply.gateway}"
        return put_aside(topic, payload, Reason.IDS, f"the answer names {named!r}")
    return reply


def put_aside(topic: str, payload: bytes, reason: Reason, detail: str) -> Poison:
    """Return an answer as it is put aside."""
    return Poison(topic, payload, reason, detail, hashlib.sha256(payload).hexdigest())


def _expires(at: str) -> str:
    moment = datetime.fromisoformat(at) + timedelta(seconds=EXPIRES_SECONDS)
    return moment.isoformat(timespec="milliseconds")


def _within(fates: Sequence[RangeFate], spans: Sequence[Span]) -> bool:
    """Say whether every range is one, and between the first and last asked for."""
    low, high = spans[0][0], spans[-1][1]
    return all(low <= fate.first <= fate.last <= high for fate in fates)
