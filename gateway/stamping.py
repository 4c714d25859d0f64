"""What a driver gives becomes what the core takes: the only place that knows both."""

from datetime import datetime

from drivers.base import RawPunch
from gateway.core.values import RawRecord, Source
from gateway.terminal_spec import Spec


def stamped(
    punch: RawPunch,
    spec: Spec,
    source: Source,
    received: datetime,
    offset_seconds: float | None,
) -> RawRecord:
    """Return a record with whose log it is of, how and when it came.

    `offset_seconds` is what the terminal's clock was off by at the last look.
    """
    return RawRecord(
        terminal=spec.id,
        serial=punch.serial,
        badge=punch.badge,
        at=punch.at,
        verify=punch.verify,
        state=punch.state,
        work=punch.work,
        position=punch.position,
        raw=punch.raw,
        driver=spec.driver.name,
        source=source,
        received_at=received,
        offset_seconds=offset_seconds,
    )
