"""E101: a full log may have refused punches; the span of it becomes an outage.

While a log is full and brings nothing, nothing is complete and no verdict rests on it.
Once it holds less, the span waits in the journal until the book has it as an outage:
only then do verdicts go on, and a sign missing in it is for a clerk to decide, no
absence. A log that goes on bringing punches while it is full overwrites its oldest and
refuses none.
"""

import logging
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
        self._serial = ""
        self._span: Span | None = None
        self._known_until: datetime | None = None
        self._was_full = False
        self._overwrites = False

    async def remember(self, serial: str, read_at: str | None) -> None:
        """Take up what the last process knew; `read_at` is when it read the log."""
        self._serial = serial
        self._known_until = moment(read_at) if read_at else None
        self._span = (await self._intake.ask(full_logs.spans)).get(serial)

    async def leaves_open(
        self, asked: datetime, counts: Counts, *, brought: bool
    ) -> bool:
        """Return whether punches until `asked` may be missing.

        Args:
            asked: when it was asked for its counts.
            counts: what it said.
            brought: the last read brought records.
        """
        full = is_full(counts)
        self._overwrites |= full and brought and self._was_full
        self._was_full = full
        span = self._span
        if span is not None and span.until:
            self._span = (await self._intake.ask(full_logs.spans)).get(self._serial)
        elif full and not (brought or self._overwrites):
            await self._begin(asked)
        elif span is not None and (full or self._overwrites):
            await self._keep(None)
        elif span is not None:
            await self._end(span, asked)
        if self._span is None:
            self._known_until = asked
        return self._span is not None

    async def _begin(self, asked: datetime) -> None:
        if self._span is None:
            since = text(self._known_until or await self._last_punch(asked))
            await self._keep(Span(self._terminal, since))
            log.warning("log full", {"terminal": self._terminal, "since": since})

    async def _last_punch(self, asked: datetime) -> datetime:
        """Return when the last punch was that the log took before we came."""
        at = readable(
            await self._intake.ask(partial(raw.newest_at, serial=self._serial))
        )
        return min(at.replace(tzinfo=self._zone), asked) if at else asked

    async def _end(self, span: Span, asked: datetime) -> None:
        ended = Span(self._terminal, span.since, text(asked))
        await self._keep(ended)
        values = {"terminal": self._terminal, "since": ended.since}
        log.warning("log was full", {**values, "until": ended.until})

    async def _keep(self, span: Span | None) -> None:
        await self._intake.ask(partial(full_logs.keep, serial=self._serial, span=span))
        self._span = span


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
