"""The tasks of all terminals: started, stopped and replaced as the settings say."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial

from drivers import REGISTRY
from drivers.base import Address
from gateway.clock import Now
from gateway.core.walker import Problem
from gateway.errors import ConfigError
from gateway.intake import Intake
from gateway.poller import Poller, Spec, Standing
from gateway.settings import Loaded, TerminalSettings, comm_key
from gateway.terminal_task import TerminalTask
from gateway.watchdog import Heartbeats

# A terminal may be asked slowly, wait for its turn to be read whole, or be lent out.
_STEP_SECONDS = 600.0
_WHOLE_READS = 2


@dataclass(frozen=True, slots=True)
class _Running:
    """A terminal's task, and what runs it."""

    terminal: TerminalTask
    task: asyncio.Task[None]


class Terminals:
    """Every terminal of the settings, each in a task of its own.

    `tell` is called with a terminal's id when its standing may say something new.
    """

    def __init__(
        self, intake: Intake, now: Now, beats: Heartbeats, tell: Callable[[str], None]
    ) -> None:
        self._intake = intake
        self._now = now
        self._beats = beats
        self._tell = tell
        self._whole_reads = asyncio.Semaphore(_WHOLE_READS)
        self._running: dict[str, _Running] = {}
        self._altered = asyncio.Event()

    async def apply(
        self, loaded: Loaded, *, half_read: Iterable[str] = ()
    ) -> list[str]:
        """Run the terminals of these settings; return the ids that were touched.

        A terminal whose settings did not change goes on undisturbed. One that was
        stopped in the middle of a read, now or as `half_read` says, is read whole next.
        """
        wanted = {one.id: spec_of(loaded, one) for one in loaded.settings.terminals}
        touched = []
        unread = set(half_read)
        for name, running in list(self._running.items()):
            if wanted.get(name) == running.terminal.poller.spec:
                continue
            touched.append(name)
            await self._stop(name)
            if running.terminal.poller.distrust:
                unread.add(name)
        for name, spec in wanted.items():
            if name not in self._running:
                self._start(loaded, spec, distrust=name in unread)
                touched.append(name)
        self._altered.set()
        return sorted(set(touched))

    async def run(self) -> None:
        """Wait until cancelled.

        Raises:
            StoreError: when the journal writes no more.
        """
        while True:
            self._altered.clear()
            altered = asyncio.create_task(self._altered.wait())
            tasks = {running.task for running in self._running.values()}
            try:
                done, _ = await asyncio.wait(
                    {*tasks, altered}, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                altered.cancel()
            for task in done & tasks:
                if not task.cancelled():
                    task.result()

    async def stop(self) -> set[str]:
        """End every task; return the terminals whose log was not read to its end."""
        pollers = {name: self.poller(name) for name in self._running}
        for name in pollers:
            await self._stop(name)
        return {name for name, poller in pollers.items() if poller.distrust}

    def poller(self, name: str) -> Poller:
        """Return the poller of a terminal."""
        return self._running[name].terminal.poller

    def standings(self) -> dict[str, Standing]:
        """Return what is known of every terminal now."""
        return {name: self.poller(name).standing for name in self._running}

    def half_read(self) -> set[str]:
        """Return the terminals whose log is being read, or was not read to its end."""
        return {name for name in self._running if self.poller(name).distrust}

    def lent(self, name: str) -> AbstractAsyncContextManager[None]:
        """Leave a terminal to somebody else while the context lasts."""
        return self._running[name].terminal.lent()

    def _start(self, loaded: Loaded, spec: Spec, *, distrust: bool) -> None:
        part = f"terminal {spec.id}"
        self._beats.expect(part, spec.poll_seconds + _STEP_SECONDS)
        poller = Poller(
            spec,
            self._intake,
            self._now,
            distrust=distrust,
            whole_reads=self._whole_reads,
            progress=lambda: self._beats.beat(part),
            claim=partial(loaded.claim, spec.id),
        )
        terminal = TerminalTask(poller, self._intake, lambda: self._tell(spec.id))
        task = asyncio.create_task(terminal.run())
        self._running[spec.id] = _Running(terminal, task)

    async def _stop(self, name: str) -> None:
        running = self._running.pop(name)
        self._beats.forget(f"terminal {name}")
        running.task.cancel()
        await asyncio.gather(running.task, return_exceptions=True)


def spec_of(loaded: Loaded, terminal: TerminalSettings) -> Spec:
    """Return what the poller must know of a terminal.

    Raises:
        ConfigError: its comm key is a credential that this process does not get.
    """
    return Spec(
        id=terminal.id,
        serial=loaded.book_serial(terminal.id),
        zone=loaded.book.zone(terminal.id),
        address=Address(
            host=terminal.host,
            port=terminal.port,
            transport=terminal.transport.value,
            comm_key=_comm_key(loaded, terminal),
            encoding=terminal.encoding,
            timeout_seconds=terminal.timeout_seconds,
        ),
        driver=REGISTRY[terminal.driver],
        poll_seconds=terminal.poll_seconds,
        live=terminal.live,
    )


def _comm_key(loaded: Loaded, terminal: TerminalSettings) -> int:
    try:
        return comm_key(terminal.comm_key_file)
    except ValueError as error:
        where = f"terminals.{terminal.id}.comm_key_file"
        raise ConfigError([Problem(str(loaded.path), 1, where, str(error))]) from None
