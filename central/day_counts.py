"""What a gateway counted, and what its centre makes of it. Pure.

A gateway says of each day how many punches of a terminal it holds and a digest of
their ids. The centre counts the same ids as it has them and compares.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from sync.commands import DayCount
from sync.messages import UNREADABLE, EventEntry

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_FIGURE = re.compile(r"(\d{1,15}):([0-9a-f]{64})")
_MOST_DAYS = 400
_MOST_EPOCHS = 1_000
_EVENTS = msgspec.json.Decoder(EventEntry)


class Verdict(StrEnum):
    """What the centre holds of a day, against what its gateway does."""

    ALIKE = "alike"
    FEWER = "fewer"
    MORE = "more"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Figure:
    """How many punches, and SHA-256 over their ids in order, each ended by a line."""

    count: int
    digest: str


@dataclass(frozen=True, slots=True)
class DayCounts:
    """A gateway's figures: day → figure, of its punches in `epochs`.

    `id` is that of the event; the answer carries it.
    """

    id: str
    serial: str
    terminal: str
    round: int
    epochs: tuple[str, ...]
    days: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Compared:
    """Both figures of one day."""

    day: str
    there: Figure
    here: Figure

    @property
    def verdict(self) -> Verdict:
        """Return what is held here, against there."""
        if self.here == self.there:
            return Verdict.ALIKE
        if self.here.count == self.there.count:
            return Verdict.OTHER
        fewer = self.here.count < self.there.count
        return Verdict.FEWER if fewer else Verdict.MORE

    def day_count(self) -> DayCount:
        """Return what is held here as the gateway is told."""
        return DayCount(day=self.day, count=self.here.count, digest=self.here.digest)


def read_day_counts(body: str) -> DayCounts | None:
    """Return what an event of kind `day_counts` says; None for what says nothing.

    Keys that are no days and none we know are passed over, for the sake of newer
    gateways; a day without a figure makes the whole unreadable.
    """
    try:
        event = _EVENTS.decode(body)
    except UNREADABLE:
        return None
    epochs, round_ = event.detail.get("epochs"), event.detail.get("round")
    days = {k: v for k, v in event.detail.items() if _DAY.fullmatch(k)}
    figures = {day: _figure(value) for day, value in days.items()}
    read = {day: figure for day, figure in figures.items() if figure}
    if not event.serial or not isinstance(epochs, str) or not isinstance(round_, int):
        return None
    names = tuple(name for name in epochs.split(",") if name)
    known = all("\x00" not in text for text in (event.id, event.serial, epochs))
    few = len(days) <= _MOST_DAYS and len(names) <= _MOST_EPOCHS
    if len(read) < len(days) or not known or not few:
        return None
    terminal = (event.terminal or "").replace("\x00", "")
    return DayCounts(event.id, event.serial, terminal, round_, names, read)


def figure(ids: Iterable[str]) -> Figure:
    """Count ids: what `sort -u | sha256sum` says of them, one on each line."""
    found = sorted(set(ids))
    lines = "".join(f"{item}\n" for item in found)
    return Figure(len(found), hashlib.sha256(lines.encode()).hexdigest())


def compare(
    there: Mapping[str, Figure], ids: Mapping[str, tuple[set[str], set[str]]]
) -> list[Compared]:
    """Compare figures with the ids that are held, day by day.

    Args:
        there: day → what the gateway counted.
        ids: day → the ids that came before the count, and those that came since. A
            punch of before may have been sent again after it, under a number that only
            now came; so the day is alike when either without or with them it is.
    """
    return [_compared(day, said, *ids[day]) for day, said in there.items()]


def _compared(day: str, there: Figure, before: set[str], since: set[str]) -> Compared:
    here = figure(before)
    if here != there and since:
        with_later = figure(before | since)
        here = with_later if with_later == there else here
    return Compared(day, there, here)


def _figure(value: object) -> Figure | None:
    found = _FIGURE.fullmatch(value) if isinstance(value, str) else None
    return Figure(int(found[1]), found[2]) if found else None
