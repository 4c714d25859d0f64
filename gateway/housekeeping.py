"""What a daemon does now and then by itself: count with the centre, let old rows go."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

from gateway.clock import Now, text
from gateway.intake import Intake
from gateway.reconcile import Reconciler
from gateway.settings import Loaded
from gateway.store.retention import prune

_LOOK_SECONDS = 60.0
_PRUNE_SECONDS = 3_600.0


class Housekeeping:
    """Runs beside the terminals and takes the journal's thread for short moments only.

    Args:
        intake: the journal's jobs.
        now: the wall clock.
        loaded: returns the settings in force.
        reconciler: counts days with the centre.
    """

    def __init__(
        self,
        intake: Intake,
        now: Now,
        loaded: Callable[[], Loaded],
        reconciler: Reconciler,
    ) -> None:
        self._intake = intake
        self._now = now
        self._loaded = loaded
        self._reconciler = reconciler
        self._pruned_at: float | None = None

    async def run(self) -> None:
        """Look every minute, for ever.

        Raises:
            StoreError: when the journal writes no more.
        """
        while True:
            await self._prune()
            await self._reconciler.nightly(ZoneInfo(self._loaded().book.site.timezone))
            await asyncio.sleep(_LOOK_SECONDS)

    async def _prune(self) -> None:
        """Delete what is old and confirmed, a piece at a time."""
        started = time.monotonic()
        if self._pruned_at is not None and started < self._pruned_at + _PRUNE_SECONDS:
            return
        self._pruned_at = started
        keep = timedelta(days=self._loaded().settings.gateway.keep_days)
        before = text(self._now() - keep)
        more = True
        while more:
            more = await self._intake.ask(lambda db: prune(db, before))
