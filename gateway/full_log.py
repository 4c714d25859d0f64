"""E101: a full log may have refused punches; the span of it becomes an outage.

While a log is full and brings nothing, nothing is complete and no verdict rests on it.
Once it holds less, the span waits in the journal until the book has it as an outage:
only then do verdicts go on, and a sign missing in it is for a clerk to decide, no
absence. A log that brings punches while it is full, or has room again and still holds
what it held, makes room by itself: it drops its oldest and refuses none.
"""

import logging
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from drivers.base import Counts
from gateway.clock import moment, text
from gateway.core.normalise import readable
from gateway.desk_journal import Made
from gateway.intake import Intake
from gateway.reading import is_full
from gateway.store import full_logs, raw
from gateway.store.figures import Log
from gateway.store.full_logs import Span

log = logging.getLogger("punchgate.poller")

_SECOND = timedelta(seconds=1)
_NOTE = (
    "考勤机记录已满，其间的打卡可能未被记录"
    " · its log was full and may have refused punches"
)


class FullLog:
    """Says of one terminal whether its log leaves open what was punched.

    Args:
        terminal: its id.
        zone: of its clock.
        intake: the journal's jobs.
    """

    def __init__(self, terminal: str, zone: str, intake: Intake) -> None:
        self._terminal = terminal
        self._zone = ZoneInfo(zone)
        self._intake = intake
        self._span: Span | None = None
        self._known_until: datetime | None = None
        self._was_full = False
        self._drops = False

    async def remember(self, serial: str, read_at: str | None) -> None:
        """Take up what the last process knew; `read_at` is when it read the log."""
        self._known_until = moment(read_at) if read_at else None
        self._span = (await self._intake.ask(full_logs.spans)).get(serial)

    async def leaves_open(
        self, asked: datetime, counts: Counts, log_now: Log, *, brought: bool
    ) -> bool:
        """Return whether punches until `asked` may be missing.

        Args:
            asked: when it was asked for its counts.
            counts: what it said.
            log_now: the log as it is now; it was read to its end.
            brought: the last read brought records.
        """
        full = is_full(counts)
        self._drops |= full and brought and self._was_full
        self._was_full = full
        span = self._span
        if span is not None and span.until:
            self._span = (await self._intake.ask(full_logs.spans)).get(log_now.serial)
        elif full and not (brought or self._drops):
            await self._begin(log_now.serial, asked)
        elif span is not None:
            self._drops = full or self._drops or await self._is_there(log_now, span)
            ended = None if self._drops else replace(span, until=text(asked))
            await self._keep(log_now.serial, ended)
        if self._span is None:
            self._known_until = asked
        return self._span is not None

    async def _begin(self, serial: str, asked: datetime) -> None:
        if self._span is None:
            since = text(self._known_until or await self._last_punch(serial, asked))
            last_row = await self._intake.ask(raw.newest)
            await self._keep(serial, Span(self._terminal, since, last_row))

    async def _last_punch(self, serial: str, asked: datetime) -> datetime:
        """Return when the last punch was that the log took before we came."""
        at = readable(await self._intake.ask(partial(raw.newest_at, serial=serial)))
        return min(at.replace(tzinfo=self._zone), asked) if at else asked

    async def _is_there(self, log_now: Log, span: Span) -> bool:
        """Return whether the log holds anything of what it held when it was full."""
        known = partial(raw.still_there, **asdict(log_now), last_row=span.last_row)
        return await self._intake.ask(known)

    async def _keep(self, serial: str, span: Span | None) -> None:
        await self._intake.ask(partial(full_logs.keep, serial=serial, span=span))
        self._span = span
        if span is None:
            return
        values = {"terminal": self._terminal, "since": span.since}
        if span.until:
            log.warning("log was full", {**values, "until": span.until})
        else:
            log.warning("log full", values)


def outage(span: Span, zone: ZoneInfo, gateway: str, at: datetime) -> Made:
    """Return the row of the book for a span that is over.

    Args:
        span: the span.
        zone: the site's.
        gateway: the id of this gateway, which enters the row.
        at: the time of entering, by the site's clock, zone-less.
    """
    since, until = (_local(one, zone) for one in (span.since, span.until))
    row = {
        "id": f"{span.terminal}-full-{since:%Y%m%dT%H%M%S}",
        "terminal": span.terminal,
        "from": since.isoformat(),
        "to": (until + _SECOND).isoformat(),
        "note": _NOTE,
        "entered_by": gateway,
        "entered_at": at.isoformat(),
    }
    return Made(gateway, "outages", row)


def _local(written: str, zone: ZoneInfo) -> datetime:
    return moment(written).astimezone(zone).replace(tzinfo=None, microsecond=0)
