"""What stands between a store and a complete one: holes to ask for, counts to compare.

Everything here is second to storing and acknowledging. What it decides is in the store
before it is told; what was only asked is asked again after a restart.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from central.asking import (
    EXPIRES_SECONDS,
    Asking,
    put_aside,
    read_reply,
)
from central.holes import Ask, Holes
from central.outgoing import Outgoing
from central.reconciling import Place, Reconciling
from central.store.store import CentralStore, Stored
from central.store.streams import Standing
from central.values import Gone, Poison, Reason, Stream
from sync.commands import Command, RangeFate, Reply
from sync.link import Message
from sync.messages import encode
from sync.retry import loud
from sync.topics import DURABLE, TopicError, Topics

log = logging.getLogger("punchgate.central")

_UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class _Resend:
    """The mark of a command that asks for ranges."""

    id: str


class Mending:
    """Asks, compares and answers, for one store.

    Args:
        store: open for writing.
        out: where commands are queued.
        topics: all topics of the prefix.
        now: the wall clock as ISO text with offset.
        holes: keeps time for the holes.
    """

    def __init__(
        self,
        store: CentralStore,
        out: Outgoing,
        topics: Topics,
        now: Callable[[], str],
        holes: Holes,
    ) -> None:
        self._store = store
        self._out = out
        self._topics = topics
        self._now = now
        self._holes = holes
        self._asking = Asking(store.id, store.generation)
        self._reconciling = Reconciling(store)
        self._refused = 0

    @property
    def waits(self) -> bool:
        """Say whether `tend` has something to do now, whatever the time."""
        return self._reconciling.waits

    def load(self, now: float) -> None:
        """Find again what was left over: holes, and day counts nobody answered."""
        for standing in self._store.gaps():
            self._holes.seen(standing.stream, standing.missing, now)
        self._reconciling.load()

    def stored(self, stored: Stored, now: float) -> None:
        """Note what a commit brought."""
        for place in stored.counted:
            self._reconciling.came(*place)
        for standing in stored.standings:
            self._stands(standing, now)
        for poison in stored.poisons:
            self._spoilt(poison)

    def born(self, site: str, gateway: str, now: float) -> None:
        """Begin anew with a gateway that is there again."""
        self._holes.born(site, gateway, now)
        self._reconciling.born(site, gateway)

    def gone(self, site: str, gateway: str) -> None:
        """Leave a gateway alone that is not there."""
        self._holes.gone(site, gateway)

    def lost(self) -> None:
        """Note the end of the connection."""
        self._reconciling.lost()

    def tend(self, now: float) -> list[Standing]:
        """Queue the commands that are due; compare one count.

        Returns the streams that go on behind what was given up.
        """
        freed = [
            self._book(stream, [Gone(*span, _UNREADABLE)], now)
            for stream, span in self._holes.hopeless(now)
        ]
        for ask in self._holes.due(now):
            self._ask(ask)
        found = self._reconciling.next(self._now())
        if found is not None:
            place, command = found
            self._command(command, place)
        return freed

    def published(self, mark: object, code: int) -> None:
        """Take in the broker's word on a command."""
        if isinstance(mark, Place):
            self._reconciling.published(mark, code, self._now())

    def reply(self, message: Message, now: float) -> Poison | Standing | None:
        """Take in an answer: what to put aside, what stands after it, or nothing."""
        reply = read_reply(self._topics, message.topic, message.payload)
        if isinstance(reply, Poison):
            return reply
        if reply.result != "done":
            self._not_done(reply)
        if reply.op == "counts":
            return None
        found = self._asking.answered(reply)
        if isinstance(found, Reason):
            words = f"nobody asked this of {reply.gateway!r}: {reply.op!r}"
            return put_aside(message.topic, message.payload, found, words)
        gone = [fate for fate in found.fates if fate.fate != "sent"] if found else []
        return self._book(found.stream, gone, now) if found and gone else None

    def _stands(self, standing: Standing, now: float) -> None:
        self._holes.seen(standing.stream, standing.missing, now)
        self._reconciling.stands(standing.stream, standing.upto)

    def _spoilt(self, poison: Poison) -> None:
        """Note a durable message that could not be read as a whole."""
        try:
            where = self._topics.parse(poison.topic)
        except TopicError:
            return  # its own entries are booked, or nobody knows whose it is
        if where.kind in DURABLE and not poison.epoch:
            self._holes.spoilt(where.site, where.gateway)

    def _book(
        self, stream: Stream, gone: Sequence[RangeFate | Gone], now: float
    ) -> Standing:
        """Book what will never come."""
        standing, closed = self._store.close_ranges(stream, gone, self._now())
        for part in closed:
            _log_closed(stream, part)
        self._stands(standing, now)
        return standing

    def _ask(self, ask: Ask) -> None:
        command = self._asking.resend(ask, self._now())
        self._command(command, _Resend(command.id))
        if loud(ask.asks + 1):
            entries = sum(last - first + 1 for first, last in ask.spans)
            values = {"site": ask.stream.site, "gateway": ask.stream.gateway}
            values |= {"epoch": ask.stream.epoch}
            counts = {"ranges": len(ask.spans), "entries": entries}
            log.warning("central holes", {**values, **counts, "asks": ask.asks + 1})

    def _command(self, command: Command, mark: Place | _Resend) -> None:
        topic = self._topics.of(command.site, command.gateway, "cmd")
        self._out.command(topic, encode(command), EXPIRES_SECONDS, mark)

    def _not_done(self, reply: Reply) -> None:
        self._refused += 1
        if loud(self._refused):
            values = {"site": reply.site, "gateway": reply.gateway, "op": reply.op}
            words = {"result": reply.result, "reason": reply.reason}
            log.warning("central unheeded", {**values, **words, "count": self._refused})


def _log_closed(stream: Stream, part: Gone) -> None:
    values: dict[str, object] = {"site": stream.site, "gateway": stream.gateway}
    values |= {"epoch": stream.epoch, "first": part.first, "last": part.last}
    if part.fate == _UNREADABLE:
        log.error("central given up", values)
    elif part.fate == "pruned":
        log.error("central pruned", values)
    else:
        log.warning("central unused", values)
