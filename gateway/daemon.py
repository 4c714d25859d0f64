"""The daemon: builds everything, runs it, ends it.

One task per terminal, one for the uplink, one for the watchdog. A failing journal ends
the process at once; everything else is retried for ever.
"""

import asyncio
import logging
import signal
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from gateway import status
from gateway.alarms import Alarms
from gateway.central_book import CentralBook
from gateway.clock import Now, text
from gateway.commands import Commands
from gateway.control import Control, RefusedError
from gateway.core.book import changes
from gateway.core.values import Punch
from gateway.core.walker import Problem
from gateway.delivery import Delivery, JournalOutbox
from gateway.desk import Desk
from gateway.errors import ConfigError, StoreError
from gateway.following import Following
from gateway.housekeeping import Housekeeping
from gateway.intake import Intake
from gateway.judging import Judging
from gateway.operations import Operations
from gateway.poller import Standing
from gateway.reconcile import Reconciler
from gateway.retained import VERSION, Retained
from gateway.settings import Loaded, load
from gateway.store import epochs, raw
from gateway.store.drain import Reader
from gateway.store.journal import Journal, Start
from gateway.suspecting import Suspecting
from gateway.terminals import Terminals
from gateway.watchdog import Heartbeats, interval_seconds, notify
from sync.messages import State, encode

log = logging.getLogger("punchgate.daemon")

_CHECK_SECONDS = 5.0


class Daemon:
    """One gateway in one process.

    Args:
        loaded: settings and book without problems.
        now: the wall clock, real or of a story.
    """

    def __init__(self, loaded: Loaded, now: Now) -> None:
        self.loaded = loaded
        self._now = now
        self._journal = Journal(loaded.data_dir, VERSION)
        self._reader = Reader(self._journal.path)
        self._beats = Heartbeats()
        self._session = 0
        self._reloading = asyncio.Lock()
        self._intake = Intake(
            self._journal,
            now,
            self._wake,
            loaded.book,
            self._made,
        )
        self._terminals = Terminals(self._intake, now, self._beats, self._tell)
        self._judging = Judging(
            self._journal.path, self._intake, now, self._terminals, self._wake
        )
        self._suspecting = Suspecting(
            self._journal.path, self._intake, now, self._terminals, self._wake
        )
        self._desk = Desk(self._intake, now, self._wake, loaded)
        self._retained = Retained(self, self._reader, now)
        self._newest = status.Newest()
        self._alarms = Alarms(self, now, VERSION)
        self._reconciler = Reconciler(self._intake, now, self._name_of, self._wake)
        self._commands = Commands(self, self._intake, now, self._reconciler)
        self._following = Following(self, now)
        self._delivery = Delivery(
            JournalOutbox(self._journal, self._reader, now),
            lambda: self.loaded,
            now,
            birth=self._birth,
            command=self._commands.take,
            book=self._following.take,
        )
        self._housekeeping = Housekeeping(
            self._intake,
            now,
            lambda: self.loaded,
            self._reconciler,
            self._delivery.centre_now,
        )
        self._book_seen = loaded.book_stamp

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set.

        Raises:
            StoreError: when the journal cannot be opened or writes no more.
        """
        started = self._journal.open()
        self._session = started.session
        operations = Operations(
            self, self._intake, self._now, self._terminals, self._reconciler
        )
        control = Control(
            self.loaded.data_dir,
            {**operations.answered(), "review": self._suspecting.review},
            operations.leased(),
        )
        try:
            await self._intake.ask(lambda db: epochs.current(db, text(self._now())))
            half_read = await self._intake.ask(raw.half_read)
            if started.unclean:
                half_read = [one.id for one in self.loaded.settings.terminals]
                await self._note_half_read(half_read)  # should this start fail, too
            self._reader.open()
            await self._judging.open()
            await self._suspecting.open()
            await control.start()
            self._tell_start(started)
            async with self._reloading:
                await self._learn(self.loaded)
                await self._intake.interpret()
                await self._terminals.apply(self.loaded, half_read=half_read)
                await self._desk.apply(self.loaded)
            notify("READY=1")
            try:
                await self._work(stop)
            finally:
                await self._note_half_read(await self._terminals.stop())
        finally:
            notify("STOPPING=1")
            await self._terminals.stop()
            await self._desk.stop()
            await self._alarms.stop()
            await control.stop()
            await self._judging.close()
            await self._suspecting.close()
            self._reader.close()
            await asyncio.to_thread(self._journal.close)
        log.info("daemon down", {"gateway": self.loaded.settings.gateway.id})

    def _tell_start(self, started: Start) -> None:
        if started.unclean:
            log.warning("unclean stop", {"action": "every log is read in full"})
        settings = self.loaded.settings
        who = {"gateway": settings.gateway.id, "version": VERSION}
        counts = {"session": started.session, "terminals": len(settings.terminals)}
        log.info("daemon up", {**who, **counts})

    async def _note_half_read(self, terminals: Iterable[str]) -> None:
        """Write down whose log the next start must read whole."""
        with suppress(StoreError):  # whoever writes no more stops uncleanly anyway
            await self._intake.ask(lambda db: raw.note_half_read(db, terminals))

    async def _work(self, stop: asyncio.Event) -> None:
        """Run every task; the first that ends, ends all."""
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._terminals.run()),
            asyncio.create_task(self._desk.run()),
            asyncio.create_task(self._delivery.run()),
            asyncio.create_task(self._watch()),
            asyncio.create_task(self._commands.run()),
            asyncio.create_task(self._housekeeping.run()),
            asyncio.create_task(self._following.run()),
            asyncio.create_task(self._judging.run()),
            asyncio.create_task(self._suspecting.run()),
            asyncio.create_task(stop.wait()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def status(self) -> dict[str, Any]:
        """Return `status --json`."""
        found = status.whole(
            self.loaded,
            self._reader,
            self._newest,
            self._terminals.standings(),
            self._now,
            uplink=self._delivery.status(),
            half_read=self._terminals.half_read(),
        )
        found |= self._desk.summary() | self._judging.summary()
        return {**found, "reconcile": self._reconciler.summary()}

    def overview(self) -> dict[str, Any]:
        """Return `status --json` as the terminals' lines were last said."""
        found = status.around(
            self.loaded,
            status.backlog(self._reader, self._now),
            self._retained.lines(),
            self._delivery.status(),
            self._terminals.half_read(),
        )
        found |= self._desk.summary() | self._judging.summary()
        return {**found, "reconcile": self._reconciler.summary()}

    def announce(self) -> None:
        """Publish the gateway's state again, with what is at risk now."""
        self.publish("state", encode(self._birth()))

    async def reload(self) -> dict[str, Any]:
        """Read settings and book again; files with problems change nothing."""
        async with self._reloading:
            return await self._reload()

    async def _reload(self) -> dict[str, Any]:
        before = self.loaded
        self._book_seen = before.book_stamp
        try:
            loaded = replace(load(before.path), heard=before.serials)
            _check_reloadable(before, loaded)
        except ConfigError as error:
            return self._refuse(error)
        self.loaded = loaded
        self._book_seen = loaded.book_stamp
        changed = await self._learn(loaded)
        touched = await self._terminals.apply(loaded)
        touched += await self._desk.apply(loaded)
        follows = loaded.follows_centre is not before.follows_centre
        if loaded.settings.mqtt != before.settings.mqtt or follows:
            self._delivery.renew()
        log.info(
            "reloaded",
            {"terminals": ",".join(touched) or None, "judged": self._judging.again},
        )
        return {"changed": changed, "terminals": touched, "problems": []}

    async def adopt(self, received: CentralBook) -> None:
        """Put a book of the centre in force; settings stay as they are."""
        async with self._reloading:
            before = self.loaded
            if not before.follows_centre:
                return
            self.loaded = replace(before, book=received.book, received=received)
            punches = await self._attribute(self.loaded)
            try:
                touched = await self._terminals.apply(self.loaded)
                touched += await self._desk.apply(self.loaded)
            except ConfigError as error:  # a comm key that is gone
                touched = self._refuse(error)["terminals"]
        log.info(
            "book received",
            {
                "version": received.book.version or None,
                "changed": "; ".join(changes(before.book, received.book)) or None,
                "punches_changed": punches,
                "judged": self._judging.again,
                "terminals": ",".join(touched) or None,
            },
        )

    def _refuse(self, error: ConfigError) -> dict[str, Any]:
        problems = [str(problem) for problem in error.problems]
        for problem in problems:
            log.error("reload refused", {"problem": problem})
        return {"changed": 0, "terminals": [], "problems": problems}

    def _name_of(self, serial: str) -> str:
        """Return the terminal that has a serial, the serial itself without one."""
        specs = self.loaded.settings.terminals
        names = {self.loaded.book_serial(spec.id): spec.id for spec in specs}
        return names.get(serial, serial)

    @property
    def outlet(self) -> Delivery:
        """Where answers and entries go."""
        return self._delivery

    def read_again(self, terminal: str) -> None:
        """Read the whole log of a terminal at its next turn.

        Raises:
            RefusedError: there is no such terminal.
        """
        if terminal not in self._terminals.standings():
            raise RefusedError(f"no terminal {terminal!r} here")
        self._terminals.poller(terminal).distrust = True

    @property
    def sent_upto(self) -> int:
        """Last seq the uplink sent."""
        return self._delivery.uplink.sent_upto

    def standing(self, terminal: str) -> Standing:
        """Return what is known of a terminal now."""
        return self._terminals.poller(terminal).standing

    def is_half_read(self, terminal: str) -> bool:
        """Return whether a read of a terminal's log is under way, or was cut off."""
        return terminal in self._terminals.half_read()

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish a retained message below the gateway's topics."""
        self._delivery.uplink.publish_state(topic, payload)

    def _made(self, punches: Sequence[Punch]) -> None:
        self._delivery.say_live(punches)
        self._judging.touch(punches)

    def _wake(self) -> None:
        self._delivery.wake()

    def _tell(self, terminal: str) -> None:
        self._retained.tell(terminal)

    def _birth(self) -> State:
        return self._retained.state(self._session, self._alarms.keys)

    async def _attribute(self, loaded: Loaded) -> int:
        codes = {spec.id: spec.codes() for spec in loaded.settings.terminals}
        self._suspecting.apply(loaded)
        # Codes do not change stored punches: only the book's text counts here.
        async with self._judging.changing(loaded):
            return await self._intake.learn(loaded.book, codes, loaded.book_digest)

    async def _learn(self, loaded: Loaded) -> int:
        changed = await self._attribute(loaded)
        said = {"version": loaded.book.version or None, "punches_changed": changed}
        log.info("book", {**said, "judged": self._judging.again})
        return changed

    async def _watch(self) -> None:
        """Feed systemd's watchdog from real progress; keep terminal topics fresh."""
        seconds = min(interval_seconds() or _CHECK_SECONDS, _CHECK_SECONDS)
        while True:
            await asyncio.sleep(seconds)
            await self._intake.ask(lambda _: None)  # the writing thread answers
            late = self._beats.late()
            if late:
                log.error("watchdog withheld", {"late": ", ".join(late)})
            else:
                notify("WATCHDOG=1")
            self._retained.refresh(self._terminals.standings())
            await self._alarms.look()
            if self.loaded.book_stamp != self._book_seen:
                await self.reload()


def _check_reloadable(before: Loaded, after: Loaded) -> None:
    """Refuse what a running daemon cannot become.

    Raises:
        ConfigError: another gateway, site or data folder.
    """
    old, new = before.settings.gateway, after.settings.gateway
    problems = [
        Problem(
            str(after.path),
            1,
            f"gateway.{name}",
            "cannot change while the daemon runs; restart it",
        )
        for name in ("id", "site", "data_dir")
        if getattr(old, name) != getattr(new, name)
    ]
    if problems:
        raise ConfigError(problems)


async def serve(loaded: Loaded, now: Now) -> None:
    """Run a daemon until SIGTERM or SIGINT; SIGHUP reads settings and book again.

    Raises:
        StoreError: when the journal cannot be opened or writes no more.
    """
    daemon = Daemon(loaded, now)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[Any]] = set()

    def reload() -> None:
        task = asyncio.create_task(daemon.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    await daemon.run(stop)
