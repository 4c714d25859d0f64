"""Putting messages on the line, as many as there is room for, the most urgent first."""

import time
from collections.abc import Callable, Sequence

from sync.link import MAXIMUM_PACKET
from sync.messages import compose
from sync.outbox import Outbox, OutboxRow
from sync.repairs import Repairs
from sync.topics import Topics
from sync.uplink_flow import Flow
from sync.uplink_link import AsyncLink
from sync.uplink_log import UplinkLog
from sync.uplink_values import Ids
from sync.uplink_words import Words

_ENVELOPE_BYTES = 2_048  # more than an envelope without entries and its topic can be


class Sender:
    """Words beside the stream, entries again, and the stream itself."""

    def __init__(
        self,
        outbox: Outbox,
        link: AsyncLink,
        ids: Ids,
        now: Callable[[], str],
        log: UplinkLog,
    ) -> None:
        self.words = Words()
        self.repairs = Repairs()
        self._outbox = outbox
        self._link = link
        self._ids = ids
        self._topics = Topics(ids.prefix)
        self._now = now
        self._log = log
        self._session = 0
        self._packet = MAXIMUM_PACKET

    def topic(self, kind: str) -> str:
        """Return the topic of one of our kinds."""
        return self._topics.of(self._ids.site, self._ids.gateway, kind)

    def connected(self, session: int, packet: int, birth: bytes) -> None:
        """Begin a connection whose messages may have `packet` bytes."""
        self._session, self._packet = session, packet
        self.repairs.clear()
        self.words.connected(self.topic("state"), birth)

    def send(self, flow: Flow) -> None:
        """Send what there is room for: words, what the centre misses, new entries."""
        now = time.monotonic()
        self._say(flow, now)
        self._repair(flow, now)
        self._go_on(flow, now)

    def _say(self, flow: Flow, now: float) -> None:
        while flow.control_room():
            word = self.words.next()
            if word is None:
                return
            token = flow.send_control(now)
            self._link.publish(
                word.topic, word.payload, retain=word.retain, token=token
            )

    def _repair(self, flow: Flow, now: float) -> None:
        spans = flow.repairs(now)
        if spans:
            self._log.holes(spans)
            self.repairs.add(flow.epoch, spans)
        while flow.control_room():
            epoch, rows = self.repairs.take(self._outbox, flow.rows)
            if not rows:
                return
            fitting = self._fitting(rows)
            self.repairs.give_back(epoch, rows[len(fitting) :])
            self._publish(epoch, fitting, flow.send_control(now))

    def _go_on(self, flow: Flow, now: float) -> None:
        while flow.room():
            rows = self._outbox.batch(flow.sent, flow.rows)
            if not rows:
                return
            rows = self._fitting(rows)
            token = flow.send(rows[-1].seq, rows[-1].hash, now)
            self._publish(flow.epoch, rows, token)

    def _fitting(self, rows: Sequence[OutboxRow]) -> Sequence[OutboxRow]:
        """Return the first rows that the broker's largest message can hold, or one."""
        left = self._packet - _ENVELOPE_BYTES
        for index, row in enumerate(rows):
            left -= len(row.entry) + 1
            if left < 0:
                return rows[: max(index, 1)]
        return rows

    def _publish(self, epoch: str, rows: Sequence[OutboxRow], token: int) -> None:
        payload = compose(
            site=self._ids.site,
            gateway=self._ids.gateway,
            epoch=epoch,
            session=self._session,
            sent=self._now(),
            entries=[row.entry for row in rows],
            prev=rows[0].prev,
            head=rows[-1].hash,
        )
        topic = self.topic(rows[0].kind)
        self._link.publish(topic, payload, retain=False, token=token)
