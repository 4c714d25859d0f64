"""Writes down what a terminal does beside punching: its operations, counts and link.

Nothing rests on it while punches are read; suspicion asks it later. The operation log
is read after the punches, when a terminal is reached again and once an hour, never in
every poll. A terminal that answers nonsense there is not asked again for a day: its
punches matter more.
"""

import logging
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, runtime_checkable

from drivers.base import (
    Counts,
    ProtocolError,
    Terminal,
    TerminalUser,
    UnsupportedError,
)
from drivers.zk.operations import Operation as RawOperation
from gateway.clock import Now, moment, text
from gateway.intake import Intake
from gateway.store import happenings
from gateway.store.happenings import Operation, Place

log = logging.getLogger("punchgate.poller")

HOUR_SECONDS = 3_600.0
_DAY_SECONDS = 86_400.0

_ON_A_USER = frozenset({6, 7, 8, 9, 10, 11, 12, 30, 31, 70, 71, 101, 106, 113, 115})
"""Operations whose first parameter is a user's slot (zk-protocol 7.1, inferred)."""


@runtime_checkable
class KeepsOperations(Protocol):
    """A terminal whose operation log can be read."""

    async def operations(self) -> Sequence[RawOperation]:
        """Return what was done at the terminal itself, in its own order."""
        ...

    async def users(self) -> Sequence[TerminalUser]:
        """Everybody the terminal knows. Never templates."""
        ...


class Witness:
    """What is kept of one terminal.

    Args:
        terminal: its id.
        intake: the journal's jobs.
        now: the wall clock.
        steady: it is looked at often enough that a late record means something; of
            one that is not no link is told.
    """

    def __init__(
        self, terminal: str, intake: Intake, now: Now, *, steady: bool
    ) -> None:
        self._terminal = terminal
        self._intake = intake
        self._now = now
        self._steady = steady
        self._began = now()
        self._up: bool | None = None
        self._counted: tuple[int, float] | None = None
        self._operations_at = 0.0
        self._reads_well = True

    async def link(self, serial: str, *, up: bool) -> None:
        """Keep that the terminal is reached, or is not; once for each change."""
        if not serial:
            return
        if self._up is None:
            await self._take_up(serial)
        if up == self._up or (up and not self._steady):
            return
        self._up = up
        place = self._place(serial, self._now())
        await self._intake.ask(partial(happenings.keep_link, place=place, up=up))
        if not up and self._reads_well:
            self._operations_at = 0.0

    async def look(
        self, serial: str, terminal: Terminal, counts: Counts, asked: datetime
    ) -> None:
        """Keep a count when it is time, or it fell; read the operations when due.

        Raises:
            TerminalError: the conversation is lost over it.
            StoreError: the journal writes no more.
        """
        now = time.monotonic()
        known = self._counted
        fell = known is not None and counts.records < known[0]
        late = known is None or now - known[1] >= HOUR_SECONDS
        if counts.records >= 0 and (fell or late):
            self._counted = counts.records, now
            await self._intake.ask(
                partial(
                    happenings.keep_count,
                    place=self._place(serial, asked),
                    records=counts.records,
                )
            )
        if now >= self._operations_at and isinstance(terminal, KeepsOperations):
            await self._read(serial, terminal)

    async def _take_up(self, serial: str) -> None:
        """Say when the link was last known, for a process that ended without a word."""
        found = await self._intake.ask(
            partial(happenings.last, serial=serial, kind="link")
        )
        self._up = False
        if found is not None and not found["value"]:
            return
        signs = await self._intake.ask(partial(happenings.signs_of_life, serial=serial))
        # Whatever this process reads came behind a break, not before it.
        at = min(max(map(moment, signs), default=self._began), self._began)
        place = self._place(serial, at)
        await self._intake.ask(partial(happenings.keep_link, place=place, up=False))

    async def _read(self, serial: str, terminal: KeepsOperations) -> None:
        """Keep the operations that are new."""
        self._operations_at = time.monotonic() + _DAY_SECONDS
        self._reads_well = False
        try:
            said = await terminal.operations()
            found = _numbered(said)
            new = await self._intake.ask(
                partial(happenings.new_operations, serial=serial, found=found)
            )
            new = await _named(terminal, said, found, new)
        except UnsupportedError:
            new = []  # so do some about an empty log
        except ProtocolError as error:
            values = {"terminal": self._terminal, "error": str(error)}
            log.info("operations unread", values)
            return
        self._reads_well = True
        self._operations_at = time.monotonic() + HOUR_SECONDS
        if new:
            place = self._place(serial, self._now())
            await self._intake.ask(
                partial(happenings.keep_operations, place=place, found=new)
            )
            log.info("operations", {"terminal": self._terminal, "count": len(new)})

    def _place(self, serial: str, at: datetime) -> Place:
        return Place(serial, self._terminal, text(at.astimezone(UTC)))


def _numbered(said: Sequence[RawOperation]) -> list[Operation]:
    """Return operations with their bytes, and how many identical ones stood before."""
    seen: Counter[bytes] = Counter()
    found = []
    for one in said:
        record = one.to_bytes()
        found.append(Operation(record, seen[record], one.at, one.code))
        seen[record] += 1
    return found


async def _named(
    terminal: KeepsOperations,
    said: Sequence[RawOperation],
    found: Sequence[Operation],
    new: Sequence[Operation],
) -> list[Operation]:
    """Put badges where operations name slots of users; users are asked only for that.

    A slot may have been another's when the operation was made; who was deleted since
    has no badge any more, and stays without.
    """
    wanted = {(one.record, one.occurrence) for one in new}
    raws = [
        raw
        for raw, one in zip(said, found, strict=True)
        if (one.record, one.occurrence) in wanted
    ]
    slots = {raw.admin for raw in raws}
    slots |= {raw.parameters[0] for raw in raws if raw.code in _ON_A_USER}
    badges: dict[int, str] = {}
    if slots - {0}:
        badges = {user.slot: user.badge for user in await terminal.users()}
    return [
        Operation(
            one.record,
            one.occurrence,
            one.at,
            one.code,
            badges.get(raw.admin, ""),
            badges.get(raw.parameters[0], "") if raw.code in _ON_A_USER else "",
        )
        for raw, one in zip(raws, new, strict=True)
    ]
