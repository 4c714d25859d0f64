"""H3: a terminal's clock was moved; and what the clocks of terminals are worth.

Signal (proxy-detection.md 3a): receive time minus device time leaves the terminal's
own usual lag by more than 180 s while the link was up, and not within 30 s of a
reconnect. It accuses a terminal or an administrator's action, never the people inside.
Operation 21 nearby strengthens; its absence clears nothing: that log can be emptied.

Innocent and therefore no signal: records uploaded after a break, read in one go or
imported from a stick, a constant wrong time, slow drift, a slow poll.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from gateway.core.suspicion.events import Events, Link, Operation, Punch
from gateway.core.suspicion.values import DAY, HOUR, SiteBook

MOVED_SECONDS = 180
RECONNECT_SECONDS = 30
CLOCK_SET = 21
# One receive time for device times further apart than this: one reading of many.
BATCH_SECONDS = 120
# A device time this near to a break may have waited through it.
BREAK_SLACK = 60
STEADY_SECONDS = 20
STEADY_SPREAD = 5
_USUAL = 60
_ENOUGH = 5
_OFFSET_DAYS = 3


class Lag(NamedTuple):
    """A punch and its receive time minus device time on one wall."""

    punch: Punch
    seconds: int


@dataclass(frozen=True, slots=True)
class Episode:
    """A time in which a clock showed something else: punches, shift, operations.

    `proven`: the link is known to have been up, or the shift is the same at receive
    times apart, or an operation says so, or records came from the future.
    """

    terminal: str
    lags: tuple[Lag, ...]
    usual: float
    operations: tuple[Operation, ...]
    proven: bool

    @property
    def shift(self) -> int:
        """Seconds the clock was set back (positive) or ahead (negative)."""
        return round(median(lag.seconds for lag in self.lags) - self.usual)


@dataclass(frozen=True, slots=True)
class Clocks:
    """What is known of all clocks: episodes, and usual lags by terminal and day."""

    episodes: tuple[Episode, ...]
    _lags: dict[tuple[str, int], int] = field(default_factory=dict)
    _zones: dict[str, str] = field(default_factory=dict)
    _offsets: dict[tuple[str, int], int | None] = field(default_factory=dict)

    def instant(self, punch: Punch) -> int:
        """Return the UTC seconds at which a punch happened, by its device time."""
        zone = self._zones[punch.terminal]
        utc = punch.at - (on_wall(punch.received, zone) - punch.received)
        return utc + (self.offset(punch.terminal, punch.at // DAY) or 0)

    @property
    def dropped(self) -> frozenset[str]:
        """Ids of punches whose device time means nothing."""
        return frozenset(
            lag.punch.id for episode in self.episodes for lag in episode.lags
        )

    def offset(self, terminal: str, day: int) -> int | None:
        """Return real minus shown seconds of a day, from the days around it."""
        key = (terminal, day)
        if key not in self._offsets:
            self._offsets[key] = self._near(terminal, day)
        return self._offsets[key]

    def _near(self, terminal: str, day: int) -> int | None:
        for apart in range(_OFFSET_DAYS + 1):
            near = [
                self._lags[key]
                for key in ((terminal, day - apart), (terminal, day + apart))
                if key in self._lags
            ]
            if near:
                return min(near, key=abs)
        return None


@lru_cache(maxsize=4096)
def _zone_offset(zone: str, hour: int) -> int:
    instant = datetime.fromtimestamp(hour * HOUR, UTC)
    shift = instant.astimezone(ZoneInfo(zone)).utcoffset()
    return int(shift.total_seconds()) if shift else 0


def on_wall(received: int, zone: str) -> int:
    """Return UTC seconds as seconds on the wall of a zone."""
    return received + _zone_offset(zone, received // HOUR)


def read_clocks(events: Events, book: SiteBook) -> Clocks:
    """Find the episodes of moved clocks and the usual lag of every terminal and day."""
    punches: dict[str, list[Punch]] = {}
    for punch in events.punches:
        punches.setdefault(punch.terminal, []).append(punch)
    episodes: list[Episode] = []
    lags: dict[tuple[str, int], int] = {}
    for terminal in sorted(punches):
        link = Breaks(link for link in events.links if link.terminal == terminal)
        sets = [
            one
            for one in events.operations
            if one.terminal == terminal and one.code == CLOCK_SET
        ]
        found, normal = _walk(_live(punches[terminal], book.zone(terminal)), link, sets)
        episodes += found
        for lag in normal:
            key = (terminal, lag.punch.at // DAY)
            known = lags.get(key)
            lags[key] = lag.seconds if known is None else min(known, lag.seconds)
    zones = {terminal: book.zone(terminal) for terminal in punches}
    return Clocks(tuple(episodes), lags, zones)


class Breaks:
    """When the link of one terminal was down, from its link events."""

    def __init__(self, links: Iterable[Link]) -> None:
        self._times: list[int] = []
        self._up: list[bool] = []
        for link in links:
            self._times.append(link.received)
            self._up.append(link.up)

    @property
    def known(self) -> bool:
        """Whether there are link events at all."""
        return bool(self._times)

    def up(self, at: int) -> bool:
        """Say whether the link was up and had been for 30 s."""
        index = bisect_right(self._times, at) - 1
        if index < 0:
            return not self._down(index)
        return self._up[index] and (
            at - self._times[index] > RECONNECT_SECONDS or not self._down(index - 1)
        )

    def down_around(self, at: int) -> bool:
        """Say whether the link was down at a moment, give or take a minute."""
        first = bisect_left(self._times, at - BREAK_SLACK) - 1
        last = bisect_right(self._times, at + BREAK_SLACK)
        return any(self._down(index) for index in range(first, last))

    def _down(self, index: int) -> bool:
        """Say what one event left behind; before the first it was the other way."""
        if index < 0:
            return bool(self._up) and self._up[0]
        return not self._up[index]


def _live(punches: Sequence[Punch], zone: str) -> list[Lag]:
    """Return the lags of punches in order of receipt, without those read in one go."""
    by_receipt: dict[int, list[Punch]] = {}
    for punch in punches:
        by_receipt.setdefault(punch.received, []).append(punch)
    return [
        Lag(punch, on_wall(received, zone) - punch.at)
        for received, group in sorted(by_receipt.items())
        if group[-1].at - group[0].at <= BATCH_SECONDS
        for punch in group
    ]


class _Usual:
    """The lags a terminal usually has: the last sixty that were nothing special."""

    def __init__(self, first: Sequence[Lag]) -> None:
        self._lags = [lag.seconds for lag in first[:_USUAL]]
        self._sure = len(self._lags) >= _ENOUGH
        self._next = 0
        self._measure()

    def _measure(self) -> None:
        ordered = sorted(self._lags)
        self.middle = median(ordered) if self._sure else 0.0
        tenth = len(ordered) // 10
        self.low = min(self.middle, ordered[tenth]) if self._sure else 0.0
        self.high = max(self.middle, ordered[-1 - tenth]) if self._sure else 0.0

    def holds(self, lag: int) -> bool:
        return self.low - MOVED_SECONDS <= lag <= self.high + MOVED_SECONDS

    def add(self, lag: int) -> None:
        if self._sure:
            self._lags[self._next] = lag
            self._next = (self._next + 1) % len(self._lags)
            if not self._next % 10:
                self._measure()


def _walk(
    lags: Sequence[Lag], link: Breaks, sets: Sequence[Operation]
) -> tuple[list[Episode], list[Lag]]:
    usual = _Usual(lags)
    episodes: list[Episode] = []
    normal: list[Lag] = []
    moved: list[Lag] = []

    def end() -> None:
        if moved:
            episodes.append(_episode(moved, usual.middle, link, sets))
            moved.clear()

    for lag in lags:
        if not usual.holds(lag.seconds) and _stays(moved, lag, link):
            now = _Usual(moved)  # it stays like this: the new usual
            end()
            usual = now
        if usual.holds(lag.seconds):
            end()
            usual.add(lag.seconds)
            normal.append(lag)
        elif not _waited(lag, link):
            moved.append(lag)
    end()
    return episodes, normal


def _stays(moved: Sequence[Lag], lag: Lag, link: Breaks) -> bool:
    """Say whether a clock shows the other time for more than a day now."""
    return (
        bool(moved)
        and lag.punch.received - moved[0].punch.received > DAY
        and not _waited(lag, link)
    )


def _waited(lag: Lag, link: Breaks) -> bool:
    """Say whether a break explains a late record; nothing explains an early one."""
    if lag.seconds < 0:
        return False
    received = lag.punch.received
    return not link.up(received) or link.down_around(received - lag.seconds)


def _episode(
    moved: Sequence[Lag], usual: float, link: Breaks, sets: Sequence[Operation]
) -> Episode:
    first, last = moved[0].punch.received, moved[-1].punch.received
    half = DAY // 2
    near = tuple(one for one in sets if first - half <= one.received <= last + half)
    seconds = [lag.seconds for lag in moved]
    spread = max(seconds) - min(seconds)
    # An upload that comes late comes in a rush: it never keeps the queue's rhythm.
    steady = last - first >= STEADY_SECONDS and spread <= STEADY_SPREAD
    return Episode(
        moved[0].punch.terminal,
        tuple(moved),
        usual,
        near,
        proven=link.known or steady or bool(near) or seconds[0] < 0,
    )
