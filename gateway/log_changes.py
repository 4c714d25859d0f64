"""Writes down and sends up that a log became another one, and what is gone."""

from functools import partial

from drivers.base import Counts
from gateway.clock import Now, text
from gateway.intake import Intake
from gateway.store import raw, rolling
from gateway.store.figures import Log
from gateway.terminal_spec import Spec


class LogChanges:
    """The states of a terminal's log, from clear to clear, as they begin and end."""

    def __init__(self, intake: Intake, now: Now) -> None:
        self._intake = intake
        self._now = now

    async def opened(
        self, spec: Spec, generation: int, reason: str, position: int, counts: Counts
    ) -> None:
        """Say that the log is another one from now on.

        Args:
            spec: the terminal.
            generation: the number of the state that begins.
            reason: how one knows.
            position: how many records were read of the state that ends.
            counts: what the terminal says now.
        """
        opened = partial(
            raw.open_generation,
            serial=spec.serial,
            generation=generation,
            opened_at=text(self._now()),
            reason=reason,
            position=position,
            in_terminal=counts.records,
        )
        await self._intake.ask(opened)
        await self._intake.event(
            "log_changed",
            spec.id,
            spec.serial,
            reason,
            {
                "position": position,
                "in_terminal": counts.records,
                "generation": generation,
            },
        )

    async def report_gone(self, spec: Spec, generation: int) -> None:
        """Say how many records of a state the terminal no longer has; ours stay."""
        gone = await self._intake.ask(
            partial(
                raw.left_behind,
                serial=spec.serial,
                driver=spec.driver.name,
                generation=generation,
            )
        )
        if gone:
            await self._intake.event(
                "records_gone",
                spec.id,
                spec.serial,
                "records that were read before are no longer in the terminal",
                {"count": gone, "generation": generation},
            )

    async def dropped(self, spec: Spec, generation: int, count: int) -> None:
        """Note what a full log dropped to take others; the first time, say so."""
        held = Log(spec.serial, spec.driver.name, generation)
        if not await self._intake.ask(partial(rolling.is_told, log=held)):
            await self._intake.event(
                "records_gone",
                spec.id,
                spec.serial,
                "the log is full: it drops its oldest record for each new one from now"
                " on; every one dropped is stored here",
                {"count": count, "generation": generation},
            )
        await self._intake.ask(partial(rolling.drop, log=held, count=count))
