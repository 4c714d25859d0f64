"""The retained messages of a gateway: its own state, and one per terminal."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Protocol

from gateway import status
from gateway.clock import Now, text
from gateway.poller import Standing
from gateway.settings import Loaded
from gateway.store.drain import Reader
from gateway.store.figures import Counter
from sync.messages import Equation, State, TerminalState, encode

VERSION = version("punchgate")
# Counting a long log takes a while: it may take one part in twenty of the time.
_TELL_EVERY = 20.0


class View(Protocol):
    """What the daemon knows and a message says."""

    @property
    def loaded(self) -> Loaded:
        """Settings and book in force."""
        ...

    @property
    def sent_upto(self) -> int:
        """Last seq the uplink sent."""
        ...

    def standing(self, terminal: str) -> Standing:
        """Return what is known of a terminal now."""
        ...

    def is_half_read(self, terminal: str) -> bool:
        """Return whether a read of a terminal's log is under way, or was cut off."""
        ...

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish a retained message below the gateway's topics."""
        ...


@dataclass(slots=True)
class _Said:
    """What was last said of a terminal, and when it may be said again.

    `line` is what a status says, `told` the line of which a message was published.
    """

    line: dict[str, Any] | None = None
    told: dict[str, Any] | None = None
    not_before: float = 0.0


class Retained:
    """Says what is new, and no more often than counting can be afforded."""

    def __init__(self, view: View, reader: Reader, now: Now) -> None:
        self._view = view
        self._reader = reader
        self._now = now
        self._newest = status.Newest()
        self._counter = Counter()
        self._said: dict[str, _Said] = {}
        self._unsaid: set[str] = set()
        self._progress: tuple[int, int, int] | None = None

    def lines(self) -> list[dict[str, Any]]:
        """Return the terminals' lines of `status --json` as they were last said."""
        terminals = self._view.loaded.settings.terminals
        said = (self._said.get(terminal.id) for terminal in terminals)
        return [one.line for one in said if one is not None and one.line is not None]

    def state(self, session: int, risks: list[str]) -> State:
        """Return the birth message of this session."""
        settings = self._view.loaded.settings
        waiting = status.backlog(self._reader, self._now)
        return State(
            site=settings.gateway.site,
            gateway=settings.gateway.id,
            online=True,
            session=session,
            epoch=self._reader.epoch()["name"],
            backlog=waiting.unacknowledged,
            oldest_age_seconds=waiting.oldest_age_seconds,
            version=VERSION,
            confirm=settings.mqtt.confirm.value,
            at=text(self._now()),
            risks=risks,
        )

    def tell(self, terminal: str) -> None:
        """Publish a terminal's state if it says something new, now or a bit later."""
        said = self._said.setdefault(terminal, _Said())
        began = time.monotonic()
        if began < said.not_before:
            self._unsaid.add(terminal)
            return
        self._unsaid.discard(terminal)
        self._publish(terminal, said)
        said.not_before = began + (time.monotonic() - began) * _TELL_EVERY

    def refresh(self, terminals: Iterable[str]) -> None:
        """Say what sending and confirming changed, and what was left unsaid."""
        epoch = self._reader.epoch()
        mark = (epoch["id"], epoch["acked_seq"], self._view.sent_upto)
        if mark != self._progress:
            self._progress = mark
            self._unsaid |= set(terminals)
        for terminal in self._unsaid & set(terminals):
            self.tell(terminal)

    def _publish(self, terminal: str, said: _Said) -> None:
        loaded = self._view.loaded
        known = {one.id: one for one in loaded.settings.terminals}
        settings = known.get(terminal)
        if settings is None:
            return  # a reload is about to stop it
        serial, standing = loaded.book_serial(terminal), self._view.standing(terminal)
        if not serial:
            return  # nobody knows yet which one it is
        counted = self._counter.count(
            self._reader.db,
            status.log_of(settings, serial, standing),
            status.progress(self._reader, self._view.sent_upto),
            standing.last_read,
        )
        newest = self._newest.of(self._reader, serial)
        line = status.terminal(settings, serial, standing, counted, newest)
        said.line = dict(line)
        if self._view.is_half_read(terminal) and standing.error is None:
            self._unsaid.add(terminal)  # half of a log cannot add up yet
            return
        if said.told == line:
            return
        said.told = dict(line)
        fields: dict[str, Any] = {
            **line,
            "site": loaded.settings.gateway.site,
            "gateway": loaded.settings.gateway.id,
            "terminal": line["id"],
            "equation": Equation(**line["equation"]),
            "at": text(self._now()),
        }
        message = TerminalState(
            **{
                key: fields[key]
                for key in TerminalState.__struct_fields__
                if key in fields
            }
        )
        self._view.publish(f"terminal/{serial}", encode(message))
