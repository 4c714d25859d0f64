"""Which punches are of now: only these go out on `live`, history never does.

Now is within five minutes of the receipt, by the terminal's clock as far as it is known
to be wrong. Nothing depends on it: what must not be lost goes through the outbox.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.core.values import Punch

NOW_SECONDS = 300
_FOLDS = (0, 1)


def of_now(punches: Iterable[Punch]) -> Iterator[Punch]:
    """Give the punches whose corrected time is within `NOW_SECONDS` of the receipt."""
    return (punch for punch in punches if is_now(punch))


def is_now(punch: Punch) -> bool:
    """Say whether a punch was made just when it was received.

    Without a measured offset the terminal's clock is taken for right. In the hour that
    comes twice when clocks are turned back, either of the two will do.
    """
    if punch.at[:10] not in _days(
        punch.received_at, punch.offset_seconds or 0.0, punch.zone
    ):
        return False
    # Few come here: a log of years is done with by its dates.
    off = timedelta(seconds=punch.offset_seconds or 0.0)
    shown = datetime.fromisoformat(punch.at)
    return any(
        abs(_aware(shown, punch.zone, fold) - off - punch.received_at)
        <= timedelta(seconds=NOW_SECONDS)
        for fold in _FOLDS
    )


@lru_cache(maxsize=64)
def _days(received: datetime, offset: float, zone: str) -> frozenset[str]:
    """Return the dates that a clock may show now; none for one that shows no year."""
    found = set()
    for seconds in (-NOW_SECONDS, NOW_SECONDS):
        try:
            shown = received + timedelta(seconds=offset + seconds)
            found.add(shown.astimezone(ZoneInfo(zone)).date().isoformat())
        except OverflowError:
            continue
    return frozenset(found)


def _aware(shown: datetime, zone: str, fold: int) -> datetime:
    # In UTC, because two times of one zone are subtracted without looking at folds.
    return shown.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)
