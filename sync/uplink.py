"""The gateway's half of delivery: from the outbox to the broker, until confirmed.

Runs on asyncio; decides nothing itself (see `sync.uplink_flow`), keeps no entry in
memory (the outbox does) and gives up never. What the outbox raises ends it: an entry
whose confirmation cannot be written down must not be taken for delivered.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar

import msgspec

from sync.link import (
    FAILED,
    MAXIMUM_PACKET,
    Broker,
    Connected,
    LinkEvent,
    Message,
    Published,
    Subscribed,
    Will,
)
from sync.messages import UNREADABLE, Ack, CentreState, State, compose, encode
from sync.outbox import Outbox, OutboxRow
from sync.retry import Retry
from sync.topics import Topics
from sync.uplink_flow import Flow
from sync.uplink_link import AsyncLink, UplinkError
from sync.uplink_log import UplinkLog
from sync.uplink_values import Answer, Confirm, UplinkOptions, Verdict

log = logging.getLogger("punchgate.sync")

_ENVELOPE_BYTES = 2_048  # more than an envelope without entries and its topic can be
_SUPERVISE_SECONDS = 10.0
_GOODBYE_SECONDS = 2.0
_STEADY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Ids:
    """Who we are."""

    prefix: str
    site: str
    gateway: str


class Uplink:
    """Delivers an outbox.

    Args:
        outbox: the entries.
        broker: where to; its `will` is set here.
        ids: who we are.
        options: windows and times.
        now: the wall clock as ISO text, for `sent`.
        birth: what to say of ourselves (`online` true). Asked before each connection,
            for the will, and again on it; the first one's `session` counts for both.
        command: takes the bytes of every message on `cmd`; None: they are ignored.
    """

    def __init__(  # noqa: PLR0913 - three of them are the seams to the daemon
        self,
        outbox: Outbox,
        broker: Broker,
        ids: Ids,
        options: UplinkOptions,
        *,
        now: Callable[[], str],
        birth: Callable[[], State],
        command: Callable[[bytes], None] | None = None,
    ) -> None:
        self._outbox = outbox
        self._ids = ids
        self._options = options
        self._now = now
        self._birth = birth
        self._command = command
        self._topics = Topics(ids.prefix)
        self._link = AsyncLink(broker, options.connect_seconds)
        self._where = f"{broker.host}:{broker.port}"
        self._flow: Flow | None = None
        self._states: dict[str, tuple[bytes, bool]] = {}
        self._pending: dict[str, tuple[bytes, bool]] = {}
        self._fork: str | None = None
        self._connected: Connected | None = None
        self._packet = MAXIMUM_PACKET
        self._ack_at: float | None = None
        self._log = UplinkLog()
        self._session = 0
        self._error: str | None = None

    @property
    def error(self) -> str | None:
        """Return why there is no connection, None while there is one."""
        return None if self._connected else self._error

    @property
    def connected(self) -> bool:
        """Say whether a broker has let us in and taken our subscriptions."""
        return self._connected is not None

    @property
    def protocol(self) -> str | None:
        """Return the MQTT version spoken now."""
        return self._connected.protocol.value if self._connected else None

    @property
    def sent_upto(self) -> int:
        """Return the last entry sent since the last step back."""
        return self._flow.sent if self._flow else 0

    @property
    def acked(self) -> int:
        """Return the last confirmed entry of the epoch."""
        return self._flow.acked if self._flow else 0

    @property
    def last_ack_age(self) -> float | None:
        """Return the seconds since the last acknowledgement that said something new."""
        return None if self._ack_at is None else time.monotonic() - self._ack_at

    @property
    def refusals(self) -> int:
        """Return how many messages the broker refused."""
        return self._flow.refusals if self._flow else 0

    @property
    def unheard(self) -> int:
        """Return how many batches the broker took although nobody subscribed."""
        return self._flow.unheard if self._flow else 0

    @property
    def gate(self) -> str:
        """Return `open`, or why only single probes are sent."""
        return self._log.gate.value

    def wake(self) -> None:
        """Say that new rows were committed. From any thread."""
        self._link.wake()

    def publish_state(self, kind: str, payload: bytes, *, retain: bool = True) -> None:
        """Publish a state topic (`terminal/VT1`, `state`) now and at every connection.

        Not remembered are `state` itself, because every connection begins with a birth,
        and what is not retained. From the event loop's thread.
        """
        if retain and kind != "state":
            self._states[kind] = (payload, retain)
        if self._connected:
            self._queue(kind, payload, retain=retain)
            self._link.wake()

    async def run(self) -> None:
        """Deliver until cancelled; a clean end says goodbye to the broker."""
        self._link.bind(asyncio.get_running_loop())
        self._flow = Flow(self._options, self._outbox.position())
        retry = Retry(
            self._options.reconnect_seconds, self._options.reconnect_max_seconds
        )
        if self._options.confirm is Confirm.BROKER:
            log.warning("uplink confirm", {"by": "broker", "centre": "not asked"})
        try:
            while True:
                began = time.monotonic()
                reason = await self._connection(self._flow, retry)
                if time.monotonic() - began >= _STEADY_SECONDS:
                    retry.succeeded()
                pause = retry.failed()
                self._log.down(retry.failures, reason, pause)
                await asyncio.sleep(pause)
        finally:
            await self._goodbye(self._flow)

    async def _connection(self, flow: Flow, retry: Retry) -> str:
        """Live through one connection; return why it ended."""
        try:
            await self._establish(flow)
            self._log.up(self._where, self.protocol, self._backlog(flow))
            await self._pump(flow, retry)
        except UplinkError as error:
            self._link.drop()
            flow.disconnected()
            self._connected, self._error = None, str(error)
            return self._error

    async def _establish(self, flow: Flow) -> None:
        """Connect, subscribe, queue birth and remembered states."""
        self._pending.clear()
        state = self._birth()
        self._session = state.session
        connected, answer = await self._link.connect(
            self._will(state), [self._of("ack"), self._of("cmd"), self._centre()]
        )
        self._check(answer)
        flow.connected(time.monotonic(), connected.receive_maximum)
        self._connected = connected
        self._packet = connected.maximum_packet
        self._queue("state", self._state(online=True), retain=True)
        for kind, (payload, retain) in self._states.items():
            self._queue(kind, payload, retain=retain)

    def _check(self, answer: Subscribed) -> None:
        """Look at the broker's answers to our subscriptions.

        Raises:
            UplinkError: when acknowledgements cannot reach us but are waited for.
        """
        for topic, code in answer.codes.items():
            if code < FAILED:
                continue
            self._log.refused(f"subscription to {topic}", code)
            if topic == self._of("ack") and self._options.confirm is Confirm.CENTRAL:
                raise UplinkError(f"the broker forbids reading {topic}")

    async def _pump(self, flow: Flow, retry: Retry) -> NoReturn:
        """Send and take in answers until the connection is of no use any more."""
        while True:
            for event in self._link.events():
                self._handle(flow, event, retry)
            if self._fork is not None:
                await self._open_epoch(flow, self._fork)
            now = time.monotonic()
            if flow.stuck(now):
                raise UplinkError(f"no answer for {self._options.stuck_seconds:g} s")
            if flow.tick(now):
                values = {"to": flow.acked, "reason": "no acknowledgement"}
                log.warning("uplink rewound", values)
            self._send(flow, now)
            if flow.gate is not self._log.gate:
                self._log.held(flow.gate, self._backlog(flow))
            await self._confirm(flow)
            due = flow.next_at()
            soon = now + _SUPERVISE_SECONDS
            await self._link.sleep(soon if due is None else min(due, soon))

    def _handle(self, flow: Flow, event: LinkEvent, retry: Retry) -> None:
        match event:
            case Published():
                self._published(flow, event, retry)
            case Message() if event.topic == self._of("ack"):
                self._acknowledged(flow, event)
            case Message() if event.topic == self._centre():
                self._centre_says(flow, event)
            case Message() if event.topic == self._of("cmd") and self._command:
                self._command(event.payload)

    def _published(self, flow: Flow, event: Published, retry: Retry) -> None:
        answer = flow.published(event.token, event.code, time.monotonic())
        if answer is Answer.REFUSED:
            self._log.refused(event.name, event.code)
        elif answer is Answer.TAKEN:
            self._log.taken()
            retry.succeeded()

    def _acknowledged(self, flow: Flow, event: Message) -> None:
        ack = _decode(event, Ack)
        if ack is None or (ack.site, ack.gateway) != (
            self._ids.site,
            self._ids.gateway,
        ):
            return
        now = time.monotonic()
        weighed = flow.acknowledged(
            ack,
            retained=event.retained,
            head=self._outbox.position().head,
            hash_at=self._outbox.hash_at,
            now=now,
        )
        if weighed.verdict is Verdict.FORK:
            self._fork = weighed.reason
        elif weighed.verdict is Verdict.MOVED:
            self._ack_at = now
            self._log.ack(flow, weighed.lag, now)

    def _centre_says(self, flow: Flow, event: Message) -> None:
        state = _decode(event, CentreState)
        if state is None:
            return
        now = time.monotonic()
        if flow.centre(online=state.online, retained=event.retained, now=now):
            log.info("uplink rewound", {"to": flow.acked, "reason": "centre came back"})

    async def _open_epoch(self, flow: Flow, reason: str) -> None:
        """Go on under a new epoch, and say so before its first entry."""
        await self._confirm(flow)
        log.error("uplink fork", {"epoch": flow.epoch, "reason": reason})
        await self._outbox.fork(reason)
        flow.reset(self._outbox.position(), time.monotonic())
        self._fork = None
        self._queue("state", self._state(online=True), retain=True)

    async def _confirm(self, flow: Flow) -> None:
        done = flow.take_confirmed()
        if done is not None:
            await self._outbox.confirm(
                done.upto, done.chain, done.store, done.generation
            )

    def _send(self, flow: Flow, now: float) -> None:
        """Send states first, then as many batches as there is room for."""
        while self._pending and flow.control_room():
            topic = next(iter(self._pending))
            payload, retain = self._pending.pop(topic)
            token = flow.send_control(now)
            self._link.publish(topic, payload, retain=retain, token=token)
        while flow.room():
            rows = self._outbox.batch(flow.sent, flow.rows)
            if not rows:
                return
            rows = self._fitting(rows)
            payload = self._envelope(flow.epoch, rows)
            token = flow.send(rows[-1].seq, rows[-1].hash, now)
            topic = self._of(rows[0].kind)
            self._link.publish(topic, payload, retain=False, token=token)

    def _fitting(self, rows: Sequence[OutboxRow]) -> Sequence[OutboxRow]:
        """Return the first rows that the broker's largest message can hold, or one."""
        left = self._packet - _ENVELOPE_BYTES
        for index, row in enumerate(rows):
            left -= len(row.entry) + 1
            if left < 0:
                return rows[: max(index, 1)]
        return rows

    def _envelope(self, epoch: str, rows: Sequence[OutboxRow]) -> bytes:
        return compose(
            site=self._ids.site,
            gateway=self._ids.gateway,
            epoch=epoch,
            session=self._session,
            sent=self._now(),
            entries=[row.entry for row in rows],
            prev=rows[0].prev,
            head=rows[-1].hash,
        )

    async def _goodbye(self, flow: Flow) -> None:
        """Publish our death ourselves, so that the broker need not."""
        if self._connected and flow.control_room():
            dead = self._state(online=False)
            await self._link.last_word(self._of("state"), dead, _GOODBYE_SECONDS)
        self._connected = None
        await self._link.close()
        await self._confirm(flow)

    def _backlog(self, flow: Flow) -> int:
        return self._outbox.position().head - flow.acked

    def _of(self, kind: str) -> str:
        return self._topics.of(self._ids.site, self._ids.gateway, kind)

    def _centre(self) -> str:
        return self._topics.centre(self._ids.site)

    def _will(self, state: State) -> Will:
        dead = msgspec.structs.replace(state, online=False)
        return Will(self._of("state"), encode(dead))

    def _state(self, *, online: bool) -> bytes:
        """Return our state under the session that the will of this connection has."""
        state = self._birth()
        return encode(
            msgspec.structs.replace(state, online=online, session=self._session)
        )

    def _queue(self, kind: str, payload: bytes, *, retain: bool) -> None:
        """Queue a state; only the newest word on a topic is worth sending."""
        topic = self._of(kind)
        self._pending.pop(topic, None)
        self._pending[topic] = (payload, retain)


M = TypeVar("M", Ack, CentreState)


def _decode(event: Message, kind: type[M]) -> M | None:
    """Read a message of the centre; None for one that was cleared or is none."""
    if not event.payload:
        return None
    try:
        return msgspec.json.decode(event.payload, type=kind)
    except UNREADABLE as error:
        values = {"topic": event.topic, "bytes": len(event.payload)}
        log.warning("uplink unreadable", {**values, "error": str(error)})
        return None
