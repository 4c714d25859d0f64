"""Which badge stands behind which slot of a terminal whose records name slots only."""

from collections.abc import Mapping
from functools import partial

from gateway.clock import Now, text
from gateway.intake import Intake
from gateway.store import raw


class Slots:
    """What one terminal's slots mean now; what they meant when is in the journal."""

    def __init__(self, intake: Intake, now: Now) -> None:
        self.badges: dict[int, str] = {}
        self._intake = intake
        self._now = now

    async def note(self, serial: str, slots: Mapping[int, str]) -> None:
        """Keep which badge stood behind which slot, and since when."""
        changed = {
            slot: badge
            for slot, badge in slots.items()
            if self.badges.get(slot) != badge
        }
        if changed:
            since = text(self._now())
            self.badges |= changed
            await self._intake.ask(
                partial(raw.note_slots, serial=serial, badges=changed, since=since)
            )
