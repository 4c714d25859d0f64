"""What one read of a log makes of the cursor: pure bookkeeping, no terminal, no clock.

The anchor is the last record stored. A log in which it still stands where it stood has
only grown; any other log is another one, whatever its length says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from drivers.base import Announcement, Counts
from gateway.core.values import RawRecord
from gateway.store import raw
from gateway.store.seen import Seen, fingerprint

ANCHOR_SECONDS = 600.0
_TAIL_READS = 3
_PATIENCE_SECONDS = 300.0
_MOST_WAITING = 1000
_REFUSALS = 2  # one may be noise on the line
_REFUSED_SECONDS = 3_600.0


class AnchorLostError(Exception):
    """The log is not the one the cursor stands in; the text says how one knows."""


class LogRead:
    """One read: what is behind the anchor, and where the cursor goes.

    Without a cursor the whole log is read and every record is behind the anchor; with
    `from_zero` the anchor stands in the midst of it.
    """

    def __init__(self, cursor: raw.Cursor | None, *, from_zero: bool = False) -> None:
        self.start = cursor.position - 1 if cursor and cursor.position else 0
        if from_zero:
            self.start = 0
        self.position = cursor.position if cursor else 0
        self.anchor = cursor.anchor if cursor else b""
        self.new = 0
        self.seen = Seen()
        self.anchored = not self.position
        self.tail = bool(self.position)
        self._counted: set[int] = set()

    def uncounted(self, keys: set[bytes]) -> set[bytes]:
        """Return the keys whose stored rows must still be counted.

        None when the log is read from its start: then the read itself counts.
        """
        if not self.tail:
            return set()
        new = {key for key in keys if fingerprint(key) not in self._counted}
        self._counted |= {fingerprint(key) for key in new}
        return new

    def fresh(self, records: Sequence[RawRecord]) -> Sequence[RawRecord]:
        """Return the records behind the anchor.

        Raises:
            AnchorLostError: another record stands where the anchor stood.
        """
        found = [r for r in records if r.position >= self.position]
        if not self.anchored:
            last = [r for r in records if r.position == self.position - 1]
            if last and raw.record_key(last[0]) != self.anchor:
                raise AnchorLostError("another record stands where the last one stood")
            self.anchored = bool(last)
        if found:
            self.position = found[-1].position + 1
            self.anchor = raw.record_key(found[-1])
        return found

    def finish(self) -> None:
        """Check that the log reached the anchor.

        Raises:
            AnchorLostError: the log is shorter than what was read before.
        """
        if not self.anchored:
            raise AnchorLostError("the log is shorter than before")


@dataclass(slots=True)
class Due:
    """Whether a look at the counter is enough, or the log must be read.

    A counter that did not move says «nothing new» only if it has told the truth so far
    and the log cannot have lost its beginning. All times are monotonic seconds.
    """

    counted: int | None = None
    truthful: bool = False
    anchored_at: float = 0.0
    brought: bool = False

    def is_due(self, counts: Counts, now: float) -> bool:
        """Return whether the log must be read."""
        return (
            not self.truthful
            or is_full(counts)
            or counts.records <= 0
            or counts.records != self.counted
            or now - self.anchored_at >= ANCHOR_SECONDS
        )

    def refuse_shrunk(self, counts: Counts) -> None:
        """Take a counter that fell for what it is: somebody cleared or changed a log.

        Raises:
            AnchorLostError: it fell.
        """
        before = self.counted
        if before is not None and 0 < counts.records < before:
            raise AnchorLostError(
                f"the terminal counts {counts.records} records, {before} before"
            )

    def done(self, counts: Counts, position: int, now: float, *, brought: bool) -> None:
        """Remember a read that ended at `position`, and whether it brought new ones."""
        self.brought = brought
        self.counted = counts.records
        self.truthful = counts.records == position
        self.anchored_at = now


def taken(now: Sequence[bytes], before: Sequence[bytes]) -> int:
    """Return how many records a log took that dropped as many of its oldest.

    `now` are the keys at its end, `before` those that stood there at the last read, as
    many. At least half of them must be there still, in their order; 0 if they are not.
    """
    if len(now) != len(before):
        return 0
    most = len(now) // 2
    shifts = (new for new in range(1, most + 1) if now[:-new] == before[new:])
    return next(shifts, 0)


def is_full(counts: Counts) -> bool:
    """Return whether a log has no room for another record."""
    return 0 < counts.record_capacity <= counts.records


@dataclass(slots=True)
class Tail:
    """Whether a terminal gives the end of its log alone; some do not (zk-protocol 2.6).

    All times are monotonic seconds.
    """

    refusals: int = 0
    refused_at: float = 0.0

    def is_asked(self, now: float) -> bool:
        """Return whether to ask for it: the second refusal holds for an hour."""
        held = self.refusals >= _REFUSALS and now - self.refused_at < _REFUSED_SECONDS
        return not held

    def given(self) -> None:
        """Note that it came."""
        self.refusals = 0

    def refused(self, now: float) -> bool:
        """Note a refusal; return whether it is the first one since it came."""
        self.refusals += 1
        self.refused_at = now
        return self.refusals == 1


@dataclass(slots=True)
class Announced:
    """Punches that were announced and have not been seen in the log yet."""

    waiting: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)

    def note(
        self, announced: Sequence[Announcement], badges: Mapping[int, str], now: float
    ) -> None:
        """Remember announcements that say who punched when; `badges` are by slot."""
        for one in announced:
            badge = one.badge or badges.get(one.slot or 0)
            if badge and len(self.waiting) < _MOST_WAITING:
                self.waiting.setdefault((badge, one.at), (now, 0))

    def seen(self, badge: str, at: str) -> None:
        """Forget one: it is in the log."""
        self.waiting.pop((badge, at), None)

    def overdue(self, now: float) -> list[tuple[str, str]]:
        """Count a tail read; return and forget what should have been there by now."""
        found = []
        for key, (since, reads) in list(self.waiting.items()):
            self.waiting[key] = since, reads + 1
            if reads + 1 >= _TAIL_READS or now - since >= _PATIENCE_SECONDS:
                found.append(key)
                del self.waiting[key]
        return found
