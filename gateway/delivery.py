"""Delivery as the daemon sees it: the journal's outbox, and the uplink in use."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from gateway import live
from gateway.clock import Now, text
from gateway.core.values import Punch
from gateway.outgoing import event_entry, live_punch
from gateway.settings import Loaded
from gateway.store.again import fork, requeue_older
from gateway.store.drain import Reader, Row
from gateway.store.epochs import confirm, current
from gateway.store.journal import Journal
from sync.link import Broker
from sync.messages import State
from sync.outbox import Position
from sync.uplink import Uplink
from sync.uplink_values import Confirm, Ids, UplinkOptions

log = logging.getLogger("punchgate.delivery")


class JournalOutbox:
    """Implements `sync.outbox.Outbox` on the journal: read by its own connection.

    Raises:
        StoreError: from the two that write, when the journal writes no more.
    """

    def __init__(self, journal: Journal, reader: Reader, now: Now) -> None:
        self._journal = journal
        self._reader = reader
        self._now = now

    def position(self) -> Position:
        """Return where the stream stands."""
        row = self._reader.epoch()
        return Position(
            epoch=row["name"],
            acked=row["acked_seq"],
            acked_hash=row["acked_hash"],
            head=row["head_seq"],
            head_hash=row["head_hash"],
            store=row["store"],
            generation=row["generation"],
        )

    def batch(self, after: int, limit: int) -> Sequence[Row]:
        """Return at most `limit` consecutive rows behind `after`, all of one kind."""
        return self._reader.batch(self._reader.epoch()["id"], after, limit)

    def between(self, epoch: str, first: int, last: int, limit: int) -> Sequence[Row]:
        """Return rows of any epoch, as far as they are still there."""
        return self._reader.between(epoch, first, last, limit)

    def hash_at(self, seq: int) -> str | None:
        """Return the chain hash behind an entry of this epoch, None if unknown."""
        return self._reader.hash_at(self._reader.epoch()["id"], seq)

    async def confirm(
        self, upto: int, chain: str | None, store: str | None, generation: int
    ) -> None:
        """Write down that everything to `upto` is delivered.

        A centre that has lost all of this stream has lost of those before it as well.
        """
        now = text(self._now())

        def write(db: Database) -> int:
            before = current(db, now)["acked_seq"]
            confirm(db, upto, chain, store, generation)
            return requeue_older(db, now) if upto == 0 < before else 0

        again = await asyncio.wrap_future(self._journal.submit(write))
        if again:
            log.warning("uplink older streams", {"entries": again})

    async def fork(self, reason: str, common: int) -> None:
        """Open a new epoch; queue everything after `common` again, and say so."""
        now = text(self._now())
        before = self.position()

        def said(seq: int) -> bytes:
            return event_entry(
                seq,
                kind="epoch_fork",
                terminal=None,
                serial=None,
                at=now,
                reason=reason,
                detail={"before": before.epoch, "head": before.head, "common": common},
            )

        await asyncio.wrap_future(
            self._journal.submit(lambda db: fork(db, now, reason, common, said))
        )


class Delivery:
    """The uplink in use; changed settings of the broker bring a new one.

    Args:
        outbox: the entries.
        loaded: returns the settings in force.
        now: the wall clock.
        birth: returns our state, as a birth.
        command: takes the messages of `cmd`.
        book: takes those of `book`, where the settings follow the centre's.
    """

    def __init__(  # noqa: PLR0913 - the seams to the daemon
        self,
        outbox: JournalOutbox,
        loaded: Callable[[], Loaded],
        now: Now,
        *,
        birth: Callable[[], State],
        command: Callable[[bytes], None],
        book: Callable[[bytes], None],
    ) -> None:
        self._outbox = outbox
        self._loaded = loaded
        self._now = now
        self._birth = birth
        self._command = command
        self._book = book
        self._changed = asyncio.Event()
        self.uplink = self._build()

    def renew(self) -> None:
        """Say that the settings of the broker are others."""
        self._changed.set()

    def wake(self) -> None:
        """Say that new entries were committed. From any thread."""
        self.uplink.wake()

    def say_live(self, punches: Iterable[Punch]) -> None:
        """Tell displays of the punches of now, if anybody can hear it."""
        ours = self._loaded().settings.gateway
        for punch in live.of_now(punches) if self.uplink.connected else ():
            payload = live_punch(punch, ours.site, ours.id)
            self.uplink.publish_live(f"live/{punch.terminal}", payload)

    async def run(self) -> None:
        """Deliver until cancelled.

        Raises:
            StoreError: when a confirmation cannot be written down.
        """
        while True:
            self._changed.clear()
            running = asyncio.create_task(self.uplink.run())
            changed = asyncio.create_task(self._changed.wait())
            try:
                await asyncio.wait(
                    {running, changed}, return_when=asyncio.FIRST_COMPLETED
                )
                if running.done():
                    return running.result()
            finally:
                for task in (running, changed):
                    task.cancel()
                await asyncio.gather(running, changed, return_exceptions=True)
            self.uplink = self._build()

    def resend(self, epoch: str, spans: Iterable[tuple[int, int]]) -> None:
        """Send entries again that the centre asked for."""
        self.uplink.resend(epoch, spans)

    def answer(self, payload: bytes) -> None:
        """Publish the answer to a command."""
        self.uplink.answer("cmd/reply", payload)

    def centre_now(self) -> datetime | None:
        """Return the time by the centre's clock, None when it did not speak yet."""
        heard = self.uplink.centre_clock
        if heard is None:
            return None
        try:
            said = datetime.fromisoformat(heard[0])
        except ValueError:
            return None
        return said + timedelta(seconds=heard[1]) if said.tzinfo else None

    def status(self) -> dict[str, Any]:
        """Return what `status --json` says of the uplink."""
        return {
            "connected": self.uplink.connected,
            "error": self.uplink.error,
            "protocol": self.uplink.protocol,
            "sent_upto": self.uplink.sent_upto,
            "acked": self.uplink.acked,
            "refusals": self.uplink.refusals,
            "gate": self.uplink.gate,
            "last_ack_age_seconds": self.uplink.last_ack_age,
        }

    def _build(self) -> Uplink:
        loaded = self._loaded()
        settings = loaded.settings
        gateway, mqtt = settings.gateway, settings.mqtt
        return Uplink(
            self._outbox,
            Broker(
                host=mqtt.host,
                port=mqtt.port,
                client_id=f"punchgate-{gateway.site}-{gateway.id}",
                tls_ca=mqtt.tls_ca,
                tls_cert=mqtt.tls_cert,
                tls_key=mqtt.tls_key,
                username=mqtt.username,
                password_file=mqtt.password_file,
            ),
            Ids(mqtt.prefix, gateway.site, gateway.id),
            UplinkOptions(
                confirm=Confirm(mqtt.confirm.value),
                reconnect_max_seconds=mqtt.reconnect_max_seconds,
            ),
            now=lambda: text(self._now()),
            birth=self._birth,
            command=self._command,
            book=self._book if loaded.follows_centre else None,
        )
