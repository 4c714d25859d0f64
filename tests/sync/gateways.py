"""A gateway's uplink in a thread of its own, over an outbox in memory."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from typing import Self

from sync.link import Broker
from sync.messages import State
from sync.uplink import Uplink
from sync.uplink_values import Ids, UplinkOptions
from tests.sync.memory_outbox import MemoryOutbox

PREFIX, SITE = "att/v1", "s1"
NOW = "2026-11-02T08:00:00+08:00"
QUICK = UplinkOptions(
    hello_seconds=0.3,
    go_back_seconds=0.3,
    go_back_max_seconds=1.0,
    no_subscriber_seconds=0.3,
    refused_seconds=0.5,
    reconnect_seconds=0.02,
    reconnect_max_seconds=0.2,
)


class Gateway:
    """Runs an uplink; the outbox may only be changed through `add` and `call`."""

    def __init__(  # noqa: PLR0913 - each with its usual value
        self,
        port: int,
        name: str = "g1",
        outbox: MemoryOutbox | None = None,
        *,
        options: UplinkOptions = QUICK,
        command: Callable[[bytes], None] | None = None,
        book: Callable[[bytes], None] | None = None,
    ) -> None:
        self.outbox = outbox or MemoryOutbox(f"{name}-epoch")
        self.name = name
        self.options = options
        self.uplink = Uplink(
            self.outbox,
            Broker("127.0.0.1", port, f"gateway-{name}"),
            Ids(PREFIX, SITE, name),
            options,
            now=lambda: NOW,
            birth=self.state,
            command=command,
            book=book,
        )
        self.ended: BaseException | None = None
        self._changed = threading.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.outbox.on_confirm = self._notify

    def state(self) -> State:
        """Return the birth."""
        return State(
            site=SITE,
            gateway=self.name,
            online=True,
            session=7,
            epoch=self.outbox.epoch,
            backlog=len(self.outbox.rows) - self.outbox.acked,
            oldest_age_seconds=None,
            version="0",
            confirm=self.options.confirm.value,
            at=NOW,
        )

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Cancel the uplink and wait for its end."""
        if self._thread.is_alive() and self._loop and self._task:
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(30)
        assert not self._thread.is_alive()
        self._loop = None

    def call(self, what: Callable[[], object]) -> None:
        """Do something on the uplink's loop and wait for it."""
        done = threading.Event()

        def run() -> None:
            what()
            done.set()

        assert self._loop is not None
        self._loop.call_soon_threadsafe(run)
        assert done.wait(10)

    def add(self, numbers: Iterable[int]) -> None:
        """Commit punches."""
        self.call(lambda: self.outbox.add_punches(numbers))
        self.uplink.wake()

    def wait_delivered(self, seconds: float = 60.0) -> None:
        """Wait until everything in the outbox is confirmed; fail when it is not."""
        self.wait(lambda: self.outbox.acked == len(self.outbox.rows), seconds)

    def wait_acked(self, upto: int, seconds: float = 60.0) -> None:
        """Wait until an entry is confirmed."""
        self.wait(lambda: self.outbox.acked >= upto, seconds)

    def wait(self, what: Callable[[], bool], seconds: float = 60.0) -> None:
        """Wait until something is true; looked at after each change and each 50 ms."""
        until = time.monotonic() + seconds
        with self._changed:
            while not what():
                assert self._thread.is_alive(), self.ended
                assert time.monotonic() < until, (self.outbox.acked, self.uplink.gate)
                self._changed.wait(0.05)

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self.uplink.run())
        self._started.set()
        try:
            await self._task
        except asyncio.CancelledError as error:
            self.ended = error
        except RuntimeError as error:  # what a broken outbox raises in these tests
            self.ended = error
