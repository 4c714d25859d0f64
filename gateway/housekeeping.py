"""What a daemon does now and then by itself: count with the centre, let old rows go."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.clock import Now, text
from gateway.intake import Intake
from gateway.reconcile import Reconciler
from gateway.settings import Confirm, Loaded
from gateway.store.retention import prune

_LOOK_SECONDS = 60.0
_PRUNE_SECONDS = 3_600.0
_AGREE = timedelta(days=1)


class Housekeeping:
    """Runs beside the terminals and takes the journal's thread for short moments only.

    Args:
        intake: the journal's jobs.
        now: the wall clock.
        loaded: returns the settings in force.
        reconciler: counts days with the centre.
        centre_now: the time by the centre's clock, None where it did not speak yet.
    """

    def __init__(
        self,
        intake: Intake,
        now: Now,
        loaded: Callable[[], Loaded],
        reconciler: Reconciler,
        centre_now: Callable[[], datetime | None],
    ) -> None:
        self._intake = intake
        self._now = now
        self._loaded = loaded
        self._reconciler = reconciler
        self._centre_now = centre_now
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

    def _trusted(self) -> datetime | None:
        """Return the time, if the centre's clock says much the same.

        A clock that jumped ahead would make everything old at once.
        """
        now, other = self._now(), self._centre_now()
        by_broker = self._loaded().settings.mqtt.confirm is Confirm.BROKER
        if other is None:
            return now if by_broker else None
        return now if abs(now - other) < _AGREE else None

    async def _prune(self) -> None:
        """Delete what is old and confirmed, a piece at a time."""
        started = time.monotonic()
        if self._pruned_at is not None and started < self._pruned_at + _PRUNE_SECONDS:
            return
        now = self._trusted()
        if now is None:
            return
        self._pruned_at = started
        keep = timedelta(days=self._loaded().settings.gateway.keep_days)
        before = text(now - keep)
        more = True
        while more:
            more = await self._intake.ask(lambda db: prune(db, before))
