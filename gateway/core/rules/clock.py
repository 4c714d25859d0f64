"""E45-E47, E53 The time of a punch: what its terminal showed, less what it was off by.

判定时间：考勤机时钟与网关时钟的偏差在打卡前后一致时，按校正后的时间判定；否则原始时间与
校正时间都试，取扣款较少者，并标记「时间不确定」。

The raw time is never rewritten; here it is only read. An offset is terminal minus
gateway, measured now and then. Between two readings that agree the clock was steady and
one time is certain. Where they differ, or one is missing, nobody knows when the clock
moved: every time that is possible is returned, and who judges takes the one that costs
less. Terminals show whole seconds, so an offset below one second is none.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reading:
    """An offset in seconds, measured at a moment of the gateway's clock."""

    at: int
    offset: float


@dataclass(frozen=True, slots=True)
class _Steady:
    """Readings in a row that agree, and until when the last one still held."""

    readings: tuple[Reading, ...]
    last: int

    @property
    def first(self) -> int:
        return self.readings[0].at

    def offset_at(self, shown: int) -> int:
        """Return the whole seconds the clock was off by when it showed this."""
        found = bisect_right(self.readings, float(shown), key=lambda r: r.at + r.offset)
        return int(self.readings[max(found - 1, 0)].offset)


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of one terminal, as far as it was measured."""

    _steady: tuple[_Steady, ...] = ()

    def times(self, shown: int, received: int) -> tuple[int, ...]:
        """Return the moments a punch may have been made at, the likeliest first.

        One moment is certain. `shown` is what the terminal's clock said, on the site's
        wall, `received` when the gateway got the record.
        """
        certain: list[int] = []
        possible: list[int] = []
        for index, steady in enumerate(self._steady):
            at = shown - steady.offset_at(shown)
            if steady.first <= at <= steady.last:
                certain.append(at)
            elif self._between(index, at, received):
                possible.append(at)
        if len(set(certain)) == 1 and not possible:
            return (certain[0],)
        return tuple(dict.fromkeys([*certain, shown, *possible]))

    def _between(self, index: int, at: int, received: int) -> bool:
        """Say whether a time lies next to a steady stretch, where nothing is known."""
        before = self._steady[index - 1].last if index else None
        steady = self._steady[index]
        later = self._steady[index + 1 :]
        after = later[0].first if later else max(received, steady.last)
        earlier = at < steady.first and (before is None or at >= before)
        return earlier or steady.last < at <= after


def clock(
    readings: Iterable[Reading], agree: int, seen: Reading | None = None
) -> Clock:
    """Put readings, in order of time, together to what they say of a clock.

    Args:
        readings: those that are kept.
        agree: how many seconds two in a row may differ.
        seen: the last one there was; it may be too much like those before it to be
            kept, and tells that the clock was still steady then.
    """
    found: list[list[Reading]] = []
    for one in readings:
        if found and _agree(found[-1][-1], one, agree):
            found[-1].append(one)
        else:
            found.append([one])
    steady = [_Steady(tuple(run), run[-1].at) for run in found]
    if steady and seen and _agree(steady[-1].readings[-1], seen, agree):
        last = steady[-1]
        steady[-1] = _Steady(last.readings, max(last.last, seen.at))
    return Clock(tuple(steady))


def uncertain(times: Sequence[int]) -> bool:
    """Say whether more than one time is possible."""
    return len(times) > 1


def _agree(one: Reading, other: Reading, seconds: int) -> bool:
    return abs(one.offset - other.offset) <= seconds
