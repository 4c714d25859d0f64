"""The gateway's half of delivery: from the outbox to the broker, until confirmed.

Runs on asyncio; decides nothing itself (see `sync.uplink_flow`), keeps no entry in
memory (the outbox does) and gives up never. What the outbox raises ends it: an entry
whose confirmation cannot be written down must not be taken for delivered.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import NoReturn, TypeVar

import msgspec

from sync.holes import Span
from sync.link import (
    FAILED,
    Broker,
    Connected,
    LinkEvent,
    Message,
    Published,
    Subscribed,
    Will,
)
from sync.messages import UNREADABLE, Ack, CentreState, State, encode
from sync.outbox import Outbox
from sync.retry import Retry
from sync.topics import Topics
from sync.uplink_flow import Flow
from sync.uplink_link import AsyncLink, UplinkError
from sync.uplink_log import UplinkLog
from sync.uplink_send import Sender
from sync.uplink_values import Acked, Answer, Confirm, Ids, UplinkOptions, Verdict

log = logging.getLogger("punchgate.sync")

_SUPERVISE_SECONDS = 10.0
_GOODBYE_SECONDS = 2.0
_STEADY_SECONDS = 10.0


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
        book: the same for `book`; None: it is not subscribed to.
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
        book: Callable[[bytes], None] | None = None,
    ) -> None:
        self._outbox = outbox
        self._ids = ids
        self._options = options
        self._birth = birth
        self._command = command
        self._book = book
        self._link = AsyncLink(broker, options.connect_seconds)
        self._where = f"{broker.host}:{broker.port}"
        self._flow: Flow | None = None
        self._fork: Acked | None = None
        self._connected: Connected | None = None
        self._ack_at: float | None = None
        self._heard: tuple[str, float] | None = None
        self._log = UplinkLog()
        self._sender = Sender(outbox, self._link, ids, now, self._log)
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
    def centre_clock(self) -> tuple[str, float] | None:
        """Return when the centre last spoke: by its own clock, and seconds ago."""
        if self._heard is None:
            return None
        said, at = self._heard
        return said, time.monotonic() - at

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

    def publish_state(self, kind: str, payload: bytes) -> None:
        """Publish a retained topic (`terminal/VT1`, `state`) now and ever after.

        `state` itself is not remembered: every connection begins with a birth. From the
        event loop's thread, like the two below.
        """
        topic = self._of(kind)
        if kind != "state":
            self._sender.words.keep(topic, payload)
        self._sender.words.say(topic, payload)
        self._link.wake()

    def answer(self, kind: str, payload: bytes) -> None:
        """Publish a message once, where there is a connection; it is not kept."""
        if self._connected:
            self._sender.words.answer(self._of(kind), payload)
            self._link.wake()

    def publish_live(self, kind: str, payload: bytes) -> None:
        """Publish a message at once with QoS 0, or not at all."""
        if self._connected:
            self._link.publish_live(self._of(kind), payload)

    def resend(self, epoch: str, spans: Iterable[Span]) -> None:
        """Send entries of any epoch again, as far as they are still there."""
        self._sender.repairs.add(epoch, spans)
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
        state = self._birth()
        self._session = state.session
        topics = [self._of("ack"), self._of("cmd"), self._centre()]
        if self._book:
            topics.append(self._of("book"))
        connected, answer = await self._link.connect(self._will(state), topics)
        self._check(answer)
        flow.connected(time.monotonic(), connected.receive_maximum)
        self._connected = connected
        birth = self._state(online=True)
        self._sender.connected(self._session, connected.maximum_packet, birth)

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
            if flow.deaf():
                raise UplinkError("no acknowledgement reaches us")
            self._sender.send(flow)
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
            case Message() if event.topic == self._of("book") and self._book:
                self._book(event.payload)

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
        if not event.retained:
            self._heard = ack.sent, now
        weighed = flow.acknowledged(
            ack,
            retained=event.retained,
            head=self._outbox.position().head,
            hash_at=self._outbox.hash_at,
            now=now,
        )
        if weighed.verdict is Verdict.FORK:
            self._fork = weighed
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

    async def _open_epoch(self, flow: Flow, fork: Acked) -> None:
        """Go on under a new epoch, and say so before its first entry."""
        await self._confirm(flow)
        values = {"epoch": flow.epoch, "common": fork.common, "reason": fork.reason}
        log.error("uplink fork", values)
        await self._outbox.fork(fork.reason, fork.common)
        flow.reset(self._outbox.position(), time.monotonic())
        self._fork = None
        self._sender.words.say(self._of("state"), self._state(online=True))

    async def _confirm(self, flow: Flow) -> None:
        done = flow.take_confirmed()
        if done is not None:
            await self._outbox.confirm(
                done.upto, done.chain, done.store, done.generation
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
        return self._sender.topic(kind)

    def _centre(self) -> str:
        return Topics(self._ids.prefix).centre(self._ids.site)

    def _will(self, state: State) -> Will:
        dead = msgspec.structs.replace(state, online=False)
        return Will(self._of("state"), encode(dead))

    def _state(self, *, online: bool) -> bytes:
        """Return our state under the session that the will of this connection has."""
        state = self._birth()
        return encode(
            msgspec.structs.replace(state, online=online, session=self._session)
        )


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
