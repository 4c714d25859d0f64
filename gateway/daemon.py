"""The daemon: builds everything, runs it, ends it.

One task per terminal, one for the uplink, one for the watchdog. A failing journal ends
the process at once; everything else is retried for ever.
"""

import asyncio
import hashlib
import logging
import signal
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from drivers import REGISTRY
from drivers.base import Address
from gateway import status
from gateway.clock import Now, text
from gateway.control import Control
from gateway.errors import ConfigError
from gateway.intake import Intake
from gateway.poller import Poller, Spec
from gateway.settings import (
    Loaded,
    TerminalSettings,
    comm_key,
    load_book,
)
from gateway.store import epochs
from gateway.store.drain import Reader
from gateway.store.journal import Journal
from gateway.terminal_task import TerminalTask
from gateway.watchdog import Heartbeats, interval_seconds, notify
from sync.link import Broker
from sync.messages import Equation, State, TerminalState, encode
from sync.uplink import Ids, Uplink
from sync.uplink_values import Confirm, UplinkOptions

log = logging.getLogger("punchgate.daemon")

VERSION = version("punchgate")
# pyzk reads one terminal at a time: a poller may wait long for its turn and be well.
_STEP_SECONDS = 600.0
_WHOLE_READS = 2
_TELL_EVERY = 20.0
_CHECK_SECONDS = 5.0


class Daemon:
    """One gateway in one process.

    Args:
        loaded: settings and book without problems.
        now: the wall clock, real or of a story.
    """

    def __init__(self, loaded: Loaded, now: Now) -> None:
        self._loaded = loaded
        self._now = now
        self._journal = Journal(loaded.data_dir, VERSION)
        self._reader = Reader(self._journal.path)
        self._beats = Heartbeats()
        self._session = 0
        self._terminals: list[TerminalTask] = []
        self._progress: tuple[int, int, int] | None = None
        self._told: dict[str, dict[str, Any]] = {}
        self._tell_after: dict[str, float] = {}
        self._untold: set[str] = set()
        self._uplink = self._build_uplink()
        self._intake = Intake(self._journal, now, self._uplink.wake, loaded.book)

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set.

        Raises:
            StoreError: when the journal cannot be opened or writes no more.
        """
        started = self._journal.open()
        self._session = started.session
        control = Control(
            self._loaded.data_dir, {"status": self.status, "reload": self.reload}
        )
        try:
            await self._intake.ask(lambda db: epochs.current(db, text(self._now())))
            self._reader.open()
            await control.start()
            if started.unclean:
                log.warning("unclean stop", {"action": "every log is read in full"})
            log.info(
                "daemon up",
                {
                    "gateway": self._loaded.settings.gateway.id,
                    "version": VERSION,
                    "session": started.session,
                    "terminals": len(self._loaded.settings.terminals),
                },
            )
            await self._learn(self._loaded)
            await self._intake.interpret()
            self._build_terminals(distrust=started.unclean)
            notify("READY=1")
            await self._work(stop)
        finally:
            notify("STOPPING=1")
            await control.stop()
            self._reader.close()
            await asyncio.to_thread(self._journal.close)
        log.info("daemon down", {"gateway": self._loaded.settings.gateway.id})

    async def _work(self, stop: asyncio.Event) -> None:
        """Run every task; the first that ends, ends all."""
        tasks: list[asyncio.Task[Any]] = [
            *(asyncio.create_task(task.run()) for task in self._terminals),
            asyncio.create_task(self._uplink.run()),
            asyncio.create_task(self._watch()),
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
        standings = {
            task.poller.spec.id: task.poller.standing for task in self._terminals
        }
        return status.whole(
            self._loaded, self._reader, standings, self._now, self._uplink_status()
        )

    async def reload(self) -> dict[str, Any]:
        """Read the book again; a book with problems changes nothing."""
        loaded = self._loaded
        try:
            book = load_book(loaded.book_path)
        except ConfigError as error:
            problems = [str(problem) for problem in error.problems]
        else:
            self._loaded = Loaded(loaded.settings, book, loaded.book_path)
            return {"changed": await self._learn(self._loaded), "problems": []}
        for problem in problems:
            log.error("book refused", {"problem": problem})
        return {"changed": 0, "problems": problems}

    async def _learn(self, loaded: Loaded) -> int:
        codes = {spec.id: spec.codes() for spec in loaded.settings.terminals}
        # Codes do not change stored punches: only the book's text counts here.
        digest = hashlib.sha256(loaded.book_path.read_bytes()).hexdigest()
        changed = await self._intake.learn(loaded.book, codes, digest)
        log.info(
            "book", {"version": loaded.book.version or None, "punches_changed": changed}
        )
        return changed

    def _build_terminals(self, *, distrust: bool) -> None:
        whole_reads = asyncio.Semaphore(_WHOLE_READS)
        for terminal in self._loaded.settings.terminals:
            spec = self._spec(terminal)
            part = f"terminal {spec.id}"
            self._beats.expect(part, spec.poll_seconds + _STEP_SECONDS)
            poller = Poller(
                spec,
                self._intake,
                self._now,
                distrust=distrust,
                whole_reads=whole_reads,
                progress=_calling(self._beats.beat, part),
            )
            self._terminals.append(
                TerminalTask(poller, self._intake, _calling(self._tell, spec.id))
            )

    def _spec(self, terminal: TerminalSettings) -> Spec:
        return Spec(
            id=terminal.id,
            serial=self._loaded.book_serial(terminal.id),
            zone=self._loaded.book.zone(terminal.id),
            address=Address(
                host=terminal.host,
                port=terminal.port,
                transport=terminal.transport.value,
                comm_key=comm_key(terminal.comm_key_file),
                encoding=terminal.encoding,
                timeout_seconds=terminal.timeout_seconds,
            ),
            driver=REGISTRY[terminal.driver],
            poll_seconds=terminal.poll_seconds,
            live=terminal.live,
        )

    def _build_uplink(self) -> Uplink:
        gateway, mqtt = self._loaded.settings.gateway, self._loaded.settings.mqtt
        return Uplink(
            epochs.JournalOutbox(self._journal, self._reader, self._now),
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
            birth=self._state,
        )

    def _state(self) -> State:
        waiting = status.backlog(self._reader, self._now)
        return State(
            site=self._loaded.settings.gateway.site,
            gateway=self._loaded.settings.gateway.id,
            online=True,
            session=self._session,
            epoch=self._reader.epoch()["name"],
            backlog=waiting.unacknowledged,
            oldest_age_seconds=waiting.oldest_age_seconds,
            version=VERSION,
            confirm=self._loaded.settings.mqtt.confirm.value,
            at=text(self._now()),
        )

    def _uplink_status(self) -> dict[str, Any]:
        return {
            "connected": self._uplink.connected,
            "error": self._uplink.error,
            "protocol": self._uplink.protocol,
            "sent_upto": self._uplink.sent_upto,
            "acked": self._uplink.acked,
            "refusals": self._uplink.refusals,
            "gate": self._uplink.gate,
            "last_ack_age_seconds": self._uplink.last_ack_age,
        }

    def _tell(self, terminal: str) -> None:
        """Publish a terminal's retained state when it says something new.

        Counting a long log takes a while: it may take one part in twenty of the time.
        What is left unsaid now is said by the watch.
        """
        began = time.monotonic()
        if began < self._tell_after.get(terminal, 0.0):
            self._untold.add(terminal)
            return
        self._untold.discard(terminal)
        self._publish(terminal)
        took = time.monotonic() - began
        self._tell_after[terminal] = began + took * _TELL_EVERY

    def _publish(self, terminal: str) -> None:
        poller = next(t.poller for t in self._terminals if t.poller.spec.id == terminal)
        settings = next(t for t in self._loaded.settings.terminals if t.id == terminal)
        counted = status.figures(
            self._reader,
            poller.spec.serial,
            poller.spec.driver.name,
            poller.standing.generation,
            self._uplink.sent_upto,
        )
        line = status.terminal(settings, poller.spec.serial, poller.standing, counted)
        if self._told.get(terminal) == line:
            return
        self._told[terminal] = dict(line)
        line["terminal"] = line.pop("id")
        line.pop("error")
        holds = line.pop("equation")
        message = TerminalState(
            site=self._loaded.settings.gateway.site,
            gateway=self._loaded.settings.gateway.id,
            equation=Equation(**holds),
            at=text(self._now()),
            **line,
        )
        self._uplink.publish_state(f"terminal/{poller.spec.serial}", encode(message))

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
            self._tell_progress()

    def _tell_progress(self) -> None:
        """Publish what sending and confirming changed; counting costs, so not idly."""
        epoch = self._reader.epoch()
        mark = (epoch["id"], epoch["acked_seq"], self._uplink.sent_upto)
        if mark != self._progress:
            self._progress = mark
            self._untold |= {task.poller.spec.id for task in self._terminals}
        for terminal in list(self._untold):
            self._tell(terminal)


def _calling(function: Callable[[str], None], value: str) -> Callable[[], None]:
    return lambda: function(value)


async def serve(loaded: Loaded, now: Now) -> None:
    """Run a daemon until SIGTERM or SIGINT; SIGHUP reads the book again.

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
