"""Many virtual terminals beside one site: their thread, and files that name them."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self, TypeVar

from drivers.virtual import VirtualConfig, VirtualTerminal
from tests.end_to_end.processes import Site

_SECONDS = 60.0
T = TypeVar("T")


class Fleet:
    """Virtual terminals in an event loop of a thread of their own."""

    def __init__(self, configs: Sequence[VirtualConfig]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.terminals = [VirtualTerminal(config) for config in configs]

    def __enter__(self) -> Self:
        self._thread.start()
        for terminal in self.terminals:
            self._run(terminal.start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for terminal in self.terminals:
            self._run(terminal.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)
        # A client that came at the last moment is let go before the loop ends.
        self._loop.run_until_complete(asyncio.sleep(0.1))
        self._loop.close()

    def punch(self, number: int, badge: str, at: str) -> None:
        """Let somebody punch at a terminal."""

        async def act() -> None:
            self.terminals[number].punch(badge, at)

        self._run(act())

    def clear(self, number: int) -> None:
        """Clear a terminal's log, as an administrator at its menu does."""

        async def act() -> None:
            self.terminals[number].clear()

        self._run(act())

    def ask(self, question: Callable[[], T]) -> T:
        """Return an answer of terminals, found where they live."""
        found: list[T] = []

        async def act() -> None:
            found.append(question())

        self._run(act())
        return found[0]

    def _run(self, work: "asyncio.Future[None] | object") -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_SECONDS)  # type: ignore[arg-type]


def write(
    site: Site,
    terminals: Sequence[VirtualTerminal],
    *,
    settings: str | Sequence[str] = "",
) -> None:
    """Write book and configurations: terminal n has the id `tn`.

    `settings` are those of every terminal, or of each one.
    """
    if isinstance(settings, str):
        settings = [settings] * len(terminals)
    site.write(badges=[])
    book = '[site]\nid = "hq"\n'
    text = (site.folder / "gateway.toml").read_text("utf-8")
    text = text[: text.index("[[terminals]]")]
    for number, terminal in enumerate(terminals):
        serial = terminal.config.serial
        book += f'\n[[terminals]]\nid = "t{number}"\nserial = "{serial}"\n'
        text += f'\n[[terminals]]\nid = "t{number}"\nhost = "127.0.0.1"\n'
        text += f"port = {terminal.port}\n{settings[number]}\n"
    (site.folder / "book.toml").write_text(book, "utf-8")
    (site.folder / "gateway.toml").write_text(text, "utf-8")
