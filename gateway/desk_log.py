"""What the desk says in the log, and what is known of a reader now."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.serial_reader.reader import Down, Event, Flawed, Up
from gateway.desk_journal import Happening
from gateway.desk_rules import Outcome
from gateway.desk_settings import ReaderSettings
from gateway.log import loud

log = logging.getLogger("punchgate.desk")

_FEW = 20
_SHOWN_BYTES = 16


@dataclass(slots=True)
class ReaderStanding:
    """What is known of a reader now; `last_card` is ISO with offset."""

    online: bool = False
    error: str | None = None
    last_card: str | None = None
    flawed: int = 0


def note(settings: ReaderSettings, standing: ReaderStanding, event: Event) -> None:
    """Log and remember how a reader is."""
    if isinstance(event, Up):
        standing.online, standing.error = True, None
        log.info("reader up", {"reader": settings.id, "port": settings.port})
    elif isinstance(event, Down):
        standing.online, standing.error = False, event.reason
        if loud(event.failures):
            log.warning(
                "reader down",
                {
                    "reader": settings.id,
                    "after": event.failures,
                    "error": event.reason,
                    "next": f"{event.next_seconds:g}s",
                },
            )
    elif isinstance(event, Flawed):
        standing.flawed += 1
        if loud(standing.flawed):
            log.warning(
                "reader noise",
                {
                    "reader": settings.id,
                    "kinds": ",".join(f"{k}:{n}" for k, n in event.kinds.items()),
                    "bytes": event.raw[:_SHOWN_BYTES].hex(),
                    "count": standing.flawed,
                },
            )


def report(
    reader: str, outcomes: Sequence[Outcome], happenings: Sequence[Happening]
) -> None:
    """Log rows and events: few one by one, of many the first and how many."""
    for one in outcomes[:_FEW]:
        if one.made:
            row = one.made.row
            people = row.get("outgoing") or row.get("substitute") or row["person"]
            if "incoming" in row:
                people += f",{row['incoming']}"
            values = {"reader": reader, "table": one.made.table}
            log.info("desk entry", {**values, "id": row["id"], "people": people})
        else:
            log.info("desk card", {"reader": reader, "answer": one.answer.value})
    for event in happenings[:_FEW]:
        said = json.dumps(dict(event.detail), ensure_ascii=False)
        values = {"kind": event.kind, "terminal": event.reader}
        log.warning("event", {**values, "reason": event.reason, "detail": said})
    if len(outcomes) > _FEW:
        log.warning("desk busy", {"reader": reader, "cards": len(outcomes)})
