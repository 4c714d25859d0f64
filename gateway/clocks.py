"""The clocks of all terminals, and what they say of when a punch was made.

What was measured stands in the journal, every change of it; here it is put on the wall
of the site and kept, so that a punch asks no database.
"""

from collections.abc import Mapping
from datetime import datetime
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from gateway.clock import moment
from gateway.core import moments
from gateway.core.rules.clock import Clock, Reading, clock, uncertain
from gateway.terminal_spec import Standing

_LOST_SECONDS = 300 * 86_400


class Clocks:
    """Knows when punches were made; asked by one thread at a time."""

    def __init__(self) -> None:
        self.newest = 0
        self._readings: dict[str, list[Reading]] = {}
        self._seen: dict[str, Reading] = {}
        self._clocks: dict[str, Clock] = {}
        self._zone = ZoneInfo("UTC")
        self._agree = 0

    def set(self, zone: ZoneInfo, agree: int) -> None:
        """Use the wall of a site and its measure of agreement from now on."""
        if (zone, agree) != (self._zone, self._agree):
            self._zone, self._agree = zone, agree
            self.newest = 0
            self._readings, self._seen, self._clocks = {}, {}, {}

    def learn(self, rows: list[dict[str, Any]]) -> None:
        """Take in rows of `clocks`, in order."""
        for row in rows:
            self.newest = row["id"]
            at = self.wall(moment(row["measured_at"]))
            reading = Reading(at, row["offset_seconds"])
            self._readings.setdefault(row["serial"], []).append(reading)
            self._clocks.pop(row["serial"], None)

    def see(
        self, serials: Mapping[str, str], standings: Mapping[str, Standing]
    ) -> None:
        """Take in when each clock was last looked at."""
        for name, standing in standings.items():
            serial = serials.get(name, "")
            if standing.offset_at is not None and standing.offset_seconds is not None:
                at = self.wall(standing.offset_at)
                seen = Reading(at, standing.offset_seconds)
                if self._seen.get(serial) != seen:
                    self._seen[serial] = seen
                    self._clocks.pop(serial, None)

    def seen_at(self, serial: str) -> int:
        """Return when a clock was last looked at, 0 for never."""
        found = self._seen.get(serial)
        return found.at if found else 0

    def wall(self, at: datetime) -> int:
        """Return an aware time as a moment of the site's wall."""
        return moments.wall(at.astimezone(self._zone).replace(tzinfo=None))

    def times(self, row: Mapping[str, Any]) -> tuple[int, ...]:
        """Return when the punch of a row may have been made, the likeliest first."""
        shown = self._shown(row["at"], row["zone"])
        found = self._clock(row["serial"])
        return found.times(shown, self.wall(moment(row["received_at"])))

    def possible(self, serial: str, zone: str, at: str) -> tuple[int, ...]:
        """Return when a punch may have been made of which nobody knows the receipt."""
        shown = self._shown(at, zone)
        return self._clock(serial).times(shown, shown + _LOST_SECONDS)

    def read_until(self, serial: str, standing: Standing) -> int | None:
        """Return the moment until which every punch of a terminal is here.

        None while it is not known: the log was not read to its end, or the clock is so
        far off that its records cannot be judged.
        """
        if standing.complete_at is None:
            return None
        at = self.wall(standing.complete_at)
        offset = int(standing.offset_seconds or 0)
        if abs(offset) > _LOST_SECONDS:
            return None
        found = self._clock(serial)
        times = found.times(at + offset, at)
        if not uncertain(times):
            return at
        looked = min(at, self.seen_at(serial))
        if not uncertain(found.times(looked + offset, looked)):
            return looked
        return min(times)

    def advance(
        self,
        read_until: dict[str, int],
        own: Mapping[str, str],
        standings: Mapping[str, Standing],
    ) -> list[str]:
        """Note how far terminals were read; return those that were not before.

        Args:
            read_until: serial → moment, moved on here.
            own: terminal → serial, of those read here.
            standings: what is known of terminals now.
        """
        fresh = []
        for name, serial in own.items():
            standing = standings.get(name)
            at = standing and self.read_until(serial, standing)
            if at and serial:
                if serial not in read_until:
                    fresh.append(name)
                read_until[serial] = max(read_until.get(serial, 0), at)
        return fresh

    def off_days(self) -> int:
        """Return by how many days a punch may stand beside its date at most."""
        off = (abs(r.offset) for found in self._readings.values() for r in found)
        return ceil(min(max(off, default=0.0), _LOST_SECONDS) / moments.DAY_SECONDS)

    def _clock(self, serial: str) -> Clock:
        if serial not in self._clocks:
            seen = self._seen.get(serial)
            found = self._readings.get(serial, ())
            self._clocks[serial] = clock(found, self._agree, seen)
        return self._clocks[serial]

    def _shown(self, at: str, zone: str) -> int:
        if zone == self._zone.key:
            return moments.read(at)
        shown = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(zone))
        return self.wall(shown)
