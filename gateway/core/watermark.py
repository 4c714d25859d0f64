"""2.0.7 Complete data: until when every terminal that counts has been read.

An absence is only said when no terminal can still hold the punch that would disprove
it, and no unknown badge on one of them could be the person's.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gateway.core.moments import Span, local


@dataclass(frozen=True, slots=True)
class Gap:
    """What a verdict still waits for: the terminal, and until when it was read."""

    terminal: str
    read_until: int | None

    @property
    def zh(self) -> str:
        """Say it in Chinese."""
        if self.read_until is None:
            return f"等待考勤机 {self.terminal}：从未读取"
        return f"等待考勤机 {self.terminal}：{_clock(self.read_until)} 起无数据"

    @property
    def en(self) -> str:
        """Say it in English."""
        if self.read_until is None:
            return f"waits for terminal {self.terminal}, never read"
        since = _clock(self.read_until)
        return f"waits for terminal {self.terminal}, silent since {since}"


class Watermark(Protocol):
    """What is known of how far data goes."""

    @property
    def now(self) -> int | None:
        """The moment of judging; None: long after everything."""
        ...

    def gap(self, terminals: Sequence[str], until: int) -> Gap | None:
        """Return a terminal that was not read to a moment, None when all were."""
        ...

    def parked(self, terminals: Sequence[str], window: Span) -> bool:
        """Say whether an unknown badge waits on one of them within a window."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """All data there will be is here, or all of it up to one moment.

    `until` None: everything. `unknown` is terminal → moments of punches with unknown
    badges, in order.
    """

    until: int | None = None
    unknown: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def now(self) -> int | None:
        """The moment of judging."""
        return self.until

    def gap(self, terminals: Sequence[str], until: int) -> Gap | None:
        """Return what is missing for a verdict on data up to a moment."""
        if self.until is None or until <= self.until:
            return None
        return Gap(terminals[0] if terminals else "*", self.until)

    def parked(self, terminals: Sequence[str], window: Span) -> bool:
        """Say whether an unknown badge waits on one of them within a window."""
        return _parked(self.unknown, terminals, window)


@dataclass(frozen=True, slots=True)
class Terminals:
    """How far each terminal was read, as a daemon or a centre knows it.

    `read` is terminal → moment of the last complete read (its own clock corrected);
    `unknown` is terminal → moments of punches with unknown badges.
    """

    now: int
    read: Mapping[str, int]
    all_terminals: tuple[str, ...]
    unknown: Mapping[str, Sequence[int]]

    def gap(self, terminals: Sequence[str], until: int) -> Gap | None:
        """Return the terminal that is furthest behind, None when none is."""
        behind = [
            Gap(name, self.read.get(name))
            for name in terminals or self.all_terminals
            if (read := self.read.get(name)) is None or read < until
        ]
        return min(behind, key=lambda gap: gap.read_until or 0, default=None)

    def parked(self, terminals: Sequence[str], window: Span) -> bool:
        """Say whether an unknown badge waits on one of them within a window."""
        return _parked(self.unknown, terminals, window)


def _parked(
    unknown: Mapping[str, Sequence[int]], terminals: Sequence[str], window: Span
) -> bool:
    low, high = window
    for name in terminals or tuple(unknown):
        moments = unknown.get(name, ())
        first = bisect_left(moments, low)
        if first < len(moments) and moments[first] < high:
            return True
    return False


def _clock(moment: int) -> str:
    return local(moment).strftime("%m-%d %H:%M")
