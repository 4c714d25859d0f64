"""What a terminal's clock is off by: measured, compared, and kept as history."""

import logging
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from drivers.base import Terminal
from gateway.clock import Now, text
from gateway.intake import Intake
from gateway.store import raw

log = logging.getLogger("punchgate.poller")

_AGREES_SECONDS = 5.0
_EVERY_SECONDS = 300.0
_EARLY_SECONDS = 1.0
_NOTED_SECONDS = 3600.0
_MOVED_SECONDS = 1.0


class TerminalClock:
    """The clock of one terminal; `offset` is its clock minus ours, None if unknown."""

    def __init__(
        self, terminal: str, serial: str, zone: str, intake: Intake, now: Now
    ) -> None:
        self.offset: float | None = None
        self._terminal = terminal
        self._serial = serial
        self._zone = zone
        self._intake = intake
        self._now = now
        self._at: float | None = None
        self._noted: tuple[float, float] | None = None

    def is_due(self) -> bool:
        """Return whether a held session must look at the clock again."""
        return self.due_in() < _EARLY_SECONDS

    def due_in(self) -> float:
        """Return in how many seconds it must at the latest."""
        if self._at is None:
            return 0.0
        return max(self._at + _EVERY_SECONDS - time.monotonic(), 0.0)

    async def measure(self, terminal: Terminal) -> tuple[float, float] | None:
        """Measure; return the offsets before and after when the clock jumped.

        The terminal shows whole seconds only. A clock that shows no date measures
        nothing, which is said and harms nobody: the log is read all the same.
        """
        asked = self._now()
        shown = await terminal.clock()
        answered = self._now()
        self._at = time.monotonic()
        before, self.offset = self.offset, None
        try:
            device = datetime.fromisoformat(shown)
        except ValueError:
            log.warning(
                "clock unreadable", {"terminal": self._terminal, "shows": shown}
            )
            return None
        device = device.replace(tzinfo=ZoneInfo(self._zone))
        middle = asked + (answered - asked) / 2
        offset = round((device + timedelta(seconds=0.5) - middle).total_seconds(), 1)
        self.offset = offset
        await self._note(offset, text(answered))
        if before is not None and abs(offset - before) > _AGREES_SECONDS:
            return before, offset
        return None

    async def _note(self, offset: float, at: str) -> None:
        """Keep a measurement that says something new, and one an hour."""
        now = time.monotonic()
        noted, since = self._noted or (None, now)
        if (
            noted is None
            or abs(noted - offset) >= _MOVED_SECONDS
            or now - since >= _NOTED_SECONDS
        ):
            self._noted = offset, now
            await self._intake.ask(
                lambda db: raw.note_clock(db, self._serial, at, offset)
            )
