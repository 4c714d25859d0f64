"""What a group of events means: what to store, whom to answer, in which order.

Messages are committed first and only then acknowledged; births are answered after
that, so that a gateway hears of everything that came with its birth.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from central.incoming import read, read_state
from central.mending import Mending
from central.outgoing import Outgoing
from central.saying import Saying
from central.store.gateways import keep_states
from central.store.store import CentralStore
from central.store.streams import Standing
from central.values import Batch, Poison, Stream
from sync.link import Message
from sync.messages import State
from sync.retry import loud
from sync.topics import CENTRE, Topics

log = logging.getLogger("punchgate.central")

REPLY = "cmd/reply"
_LOG_SECONDS = 1.0


@dataclass(slots=True)
class Group:
    """What a group of messages holds."""

    items: list[Batch | Poison] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    replies: list[Message] = field(default_factory=list)


@dataclass(slots=True)
class _Tally:
    """What was stored since the last log line."""

    since: float = field(default_factory=time.monotonic)
    messages: int = 0
    punches: int = 0
    records: int = 0


class Intake:
    """Stores and answers, for one store.

    Args:
        store: open for writing.
        out: where what is said is queued.
        saying: the words.
        topics: all topics of the prefix.
        now: the wall clock as ISO text with offset.
        mending: hears what was stored, and who is there.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what a store, a broker and a clock are
        self,
        store: CentralStore,
        out: Outgoing,
        saying: Saying,
        topics: Topics,
        now: Callable[[], str],
        mending: Mending,
    ) -> None:
        self._store = store
        self._out = out
        self._saying = saying
        self._topics = topics
        self._now = now
        self._mending = mending
        self._epochs: dict[tuple[str, str], str] = {}
        self._tally = _Tally()
        self._put_aside = 0

    def sort(self, event: Message, group: Group) -> None:
        """Read a message; note what to store and whom to answer."""
        if event.topic.endswith(f"/{REPLY}"):
            group.replies.append(event)
            return
        if not event.topic.endswith("/state"):
            group.items.append(read(self._topics, event.topic, event.payload))
            self._tally.messages += 1
            return
        if event.topic.endswith(f"/{CENTRE}/state") or not event.payload:
            return  # our own words, or a retained message that was cleared
        state = read_state(self._topics, event.topic, event.payload)
        if state is None:
            log.warning("central unreadable", {"topic": event.topic})
            return
        values = {"site": state.site, "gateway": state.gateway}
        log.info(
            "central gateway",
            {**values, "online": state.online, "backlog": state.backlog},
        )
        group.states.append(state)

    def take(self, group: Group) -> None:
        """Store a group and answer it.

        Raises:
            StoreError: when it is not stored; nothing of it is acknowledged then.
        """
        if group.items:
            self._commit(group.items)
        keep_states(self._store, group.states, self._now())
        for state in group.states:
            self._heard(state)
        for message in group.replies:
            self._reply(message)

    def tend(self, now: float) -> None:
        """Mend what is due; acknowledge what goes on behind what was given up."""
        for standing in self._mending.tend(now):
            self._say_ack(standing)

    def log_stored(self, *, everything: bool = False) -> None:
        """Log what was stored, once a second at most."""
        now = time.monotonic()
        due = everything or now - self._tally.since >= _LOG_SECONDS
        if not self._tally.messages or not due:
            return
        done, self._tally = self._tally, _Tally()
        values = {"messages": done.messages, "punches": done.punches}
        log.info("central stored", {**values, "records": done.records})

    def _commit(self, items: list[Batch | Poison]) -> None:
        """Commit; after that, and only after that, acknowledge."""
        stored = self._store.commit(items, self._now())
        self._tally.punches += stored.punches
        self._tally.records += stored.records
        # The epoch a gateway lives in last: the broker keeps the last word.
        for standing in sorted(stored.standings, key=self._is_current):
            self._say_ack(standing)
        self._mending.stored(stored, time.monotonic())
        for poison in stored.poisons:
            self._put_aside += 1
            if loud(self._put_aside):
                values = {"topic": poison.topic, "reason": poison.reason.value}
                values["detail"] = poison.detail
                log.error("central quarantined", {**values, "count": self._put_aside})

    def _heard(self, state: State) -> None:
        """Answer a birth; leave a dead gateway alone."""
        if not state.online:
            self._mending.gone(state.site, state.gateway)
            return
        self._epochs[state.site, state.gateway] = state.epoch
        stream = Stream(state.site, state.gateway, state.epoch)
        self._say_ack(self._store.standing(stream))
        self._mending.born(state.site, state.gateway, time.monotonic())

    def _reply(self, message: Message) -> None:
        """Take in a gateway's answer to a command."""
        match self._mending.reply(message, time.monotonic()):
            case Poison() as poison:
                self._commit([poison])
            case Standing() as standing:
                self._say_ack(standing)

    def _is_current(self, standing: Standing) -> bool:
        stream = standing.stream
        return self._epochs.get((stream.site, stream.gateway)) == stream.epoch

    def _say_ack(self, standing: Standing) -> None:
        topic, payload = self._saying.ack(self._store, standing)
        self._out.say(topic, payload, standing.stream.epoch)
