"""One presentation of a card, however often its reader says it is there.

A reader repeats a card about every 50 ms while it lies there, and says nothing when it
goes. A card counts as gone when it was silent for a while; every card is watched by
itself, so two cards in one field are two presentations and not a hundred.
"""

_PRUNE_ABOVE = 1_000


class Debounce:
    """Remembers when each card was last seen; seconds of a monotonic clock."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seen: dict[str, float] = {}

    def is_new(self, badge: str, now: float) -> bool:
        """Say whether a reading begins a presentation, and remember it."""
        before = self._seen.get(badge)
        self._seen[badge] = now
        if len(self._seen) > _PRUNE_ABOVE:
            self._prune(now)
        return before is None or now - before > self._seconds

    def _prune(self, now: float) -> None:
        """Forget cards that have gone."""
        self._seen = {
            badge: at for badge, at in self._seen.items() if now - at <= self._seconds
        }
