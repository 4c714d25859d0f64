"""What suspicion looks at, from the journal: punches, operations, counts and links.

Read in a thread of its own. Verify codes are understood by the settings of today: until
a terminal is calibrated (`verify_codes`), only finger and face prove anything, and
every other code is unknown (proxy-detection.md 2).
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from gateway.clock import moment
from gateway.core.normalise import VERIFY_CODES
from gateway.core.suspicion.events import (
    Count,
    Event,
    Events,
    Link,
    Operation,
    Punch,
    gather,
)
from gateway.core.suspicion.values import DAY
from gateway.core.values import NotJudged, VerifyMode
from gateway.settings import Settings
from gateway.store import cases, happenings
from gateway.store.drain import Reader

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall clock without a zone
_SURE = frozenset({VerifyMode.FINGER, VerifyMode.FACE})
Codes = Mapping[str, Mapping[int, VerifyMode]]

MOST_PUNCHES = 500_000
"""Three months of some 2,500 people; each takes half a kilobyte while it is looked."""


def codes_of(settings: Settings) -> Codes:
    """Return terminal → what its verify codes prove."""
    found: dict[str, Mapping[int, VerifyMode]] = {}
    for one in settings.terminals:
        if one.verify_codes is not None:
            found[one.id] = one.verify_codes
    return found


def read_events(
    reader: Reader, first: date, codes: Codes, rest: Callable[[], None]
) -> Events:
    """Return everything from a day on.

    Args:
        reader: an open journal, for reading alone.
        first: the first day, by the clocks of terminals.
        codes: terminal → verify codes; others are not calibrated.
        rest: called for every row.
    """
    return gather(_each(reader, str(first), codes, rest))


def _each(
    reader: Reader, since: str, codes: Codes, rest: Callable[[], None]
) -> Iterator[Event]:
    uncalibrated = {code: mode for code, mode in VERIFY_CODES.items() if mode in _SURE}
    for row in cases.punches(reader.db, since, NotJudged.IMPLAUSIBLE_TIME.value):
        rest()
        known = codes.get(row["terminal"], uncalibrated)
        yield _punch(row, known.get(row["verify_code"], VerifyMode.UNKNOWN))
    for row in happenings.since(reader.db, since):
        event = _happening(row)
        if event is not None:
            yield event


def _punch(row: Mapping[str, Any], mode: VerifyMode) -> Punch:
    return Punch(
        row["id"],
        row["terminal"],
        row["position"] or 0,
        row["badge"],
        _wall(row["at"]),
        _instant(row["received_at"]),
        mode,
        row["state"],
    )


def _happening(row: Mapping[str, Any]) -> Event | None:
    """Return what happened at a terminal; None for a date that does not exist."""
    terminal, received = row["terminal"], _instant(row["received_at"])
    if row["kind"] == "count":
        return Count(terminal, received, row["value"])
    if row["kind"] == "link":
        return Link(terminal, received, up=bool(row["value"]))
    try:
        at = _wall(row["at"])
    except ValueError:
        return None
    return Operation(
        terminal, row["id"], at, received, row["code"], row["admin"], row["target"]
    )


def _wall(text: str) -> int:
    gone = datetime.fromisoformat(text) - _EPOCH
    return gone.days * DAY + gone.seconds


def _instant(text: str) -> int:
    return int(moment(text).timestamp() // 1)


def bounded_first(reader: Reader, through: date) -> date | None:
    """Return where a look begins so that it fits into a small machine's memory.

    Months too many are left out, oldest first; None where one alone is too much.
    """
    first = first_day(through)
    while first <= through:
        if cases.count(reader.db, str(first)) <= MOST_PUNCHES:
            return first
        first = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return None


def first_day(through: date) -> date:
    """Return where a look begins: the month of its last day and the two before it.

    So the running products are folded anew once a month and kept in between.
    """
    month = through.year * 12 + through.month - 3
    return date(month // 12, month % 12 + 1, 1)
