"""What is at risk, from a status: the one list behind every alarm outlet.

`punchgate health`, the retained `state`, the log and the Prometheus textfile all show
what `risks` returns. Words are for people; ids are for programs and never change.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.settings import AlarmSettings
from sync.certificates import State

_HOUR_SECONDS = 3600.0
_MINUTE_SECONDS = 60.0
Line = Mapping[str, Any]


class RiskId(StrEnum):
    """The closed list of risks."""

    DAEMON_DOWN = "daemon_down"
    JOURNAL_UNREADABLE = "journal_unreadable"
    TERMINAL_OFFLINE = "terminal_offline"
    TERMINAL_SILENT = "terminal_silent"
    LOG_NEARLY_FULL = "log_nearly_full"
    CLOCK_OFF = "clock_off"
    CLOCK_UNREADABLE = "clock_unreadable"
    COUNTS_DIFFER = "counts_differ"
    BROKER_AWAY = "broker_away"
    BROKER_REFUSES = "broker_refuses"
    BACKLOG_OLD = "backlog_old"
    CERTIFICATE_EXPIRES = "certificate_expires"
    CERTIFICATE_UNUSABLE = "certificate_unusable"
    CLOCK_UNSET = "clock_unset"
    RECONCILE_DIFFERS = "reconcile_differs"
    READER_OFFLINE = "reader_offline"
    RULES_REFUSED = "rules_refused"
    JUDGING_FAILED = "judging_failed"


_CERTIFICATES = {
    RiskId.CERTIFICATE_EXPIRES: (State.EXPIRES, State.EXPIRED),
    RiskId.CERTIFICATE_UNUSABLE: (State.UNREADABLE,),
    RiskId.CLOCK_UNSET: (State.EARLY,),
}


@dataclass(frozen=True, slots=True)
class Risk:
    """One thing at risk; `terminal` is None where it is of the whole gateway.

    Of a reader at the desk it is the reader's id.
    """

    id: RiskId
    terminal: str | None
    words: str

    @property
    def key(self) -> str:
        """Return id and terminal as one word: `clock_off:lobby`."""
        return f"{self.id}:{self.terminal}" if self.terminal else self.id.value


def risks(status: Line, alarms: AlarmSettings, now: datetime) -> list[Risk]:
    """Return what is at risk; empty when all is well.

    Args:
        status: what `status --json` shows.
        alarms: from when on something is a risk.
        now: the time of the status, aware.
    """
    daemon = bool(status["daemon"])
    found: list[Risk] = []
    if not daemon:
        words = "the daemon is not running"
        found.append(Risk(RiskId.DAEMON_DOWN, None, words))
    for line in status["terminals"]:
        found += [
            Risk(id_, line["id"], f"terminal {line['id']}{words}")
            for id_, words in _of_terminal(line, alarms, now, daemon=daemon)
        ]
    found += _of_uplink(status["uplink"])
    found += _of_outbox(status["outbox"], alarms)
    found += _of_certificates(status["certificates"])
    found += _of_counting(status["reconcile"])
    found += _of_readers(status.get("readers", ()))
    found += _of_judging(status.get("judging"))
    return found


def _of_terminal(
    line: Line, alarms: AlarmSettings, now: datetime, *, daemon: bool
) -> Iterator[tuple[RiskId, str]]:
    """Yield ids and what follows behind the terminal's name."""
    if daemon and line["error"] and not line["online"]:
        yield RiskId.TERMINAL_OFFLINE, f" is offline: {line['error']}"
    elif daemon and line["online"]:  # else it is in its first read, and nothing failed
        yield from _silence(line, alarms, now)
    yield from _room(line, alarms)
    yield from _clock(line, alarms)
    if not (line["equation"]["holds"] or line["reading"]):
        words = f": {line['equation']['term']} does not add up"
        yield RiskId.COUNTS_DIFFER, words


def _silence(
    line: Line, alarms: AlarmSettings, now: datetime
) -> Iterator[tuple[RiskId, str]]:
    own = line["silent_hours"]
    most = alarms.silent_hours if own is None else own
    if not most or line["last_record"] is None:
        return
    since = now - datetime.fromisoformat(line["last_record"])
    hours = since.total_seconds() / _HOUR_SECONDS
    if hours > most:
        words = f" is silent: its last new record came {hours:.1f} hours ago"
        yield RiskId.TERMINAL_SILENT, words


def _room(line: Line, alarms: AlarmSettings) -> Iterator[tuple[RiskId, str]]:
    filled = fullness(line)
    if filled is not None and 100 * filled >= alarms.log_warn_percent:
        words = (
            f": its log is {100 * filled:.0f} % full, {line['in_terminal']} of"
            f" {line['capacity']} records"
        )
        yield RiskId.LOG_NEARLY_FULL, words


def _clock(line: Line, alarms: AlarmSettings) -> Iterator[tuple[RiskId, str]]:
    offset = line["offset_seconds"]
    if offset is None:
        if line["online"]:
            yield RiskId.CLOCK_UNREADABLE, ": its clock shows no date"
    elif abs(offset) > alarms.clock_warn_seconds:
        yield RiskId.CLOCK_OFF, f": its clock is off by {offset:+.0f} s"


def fullness(line: Line) -> float | None:
    """Return how full a terminal's log is, 0 to 1; None where it does not say."""
    held, capacity = line["in_terminal"], line["capacity"]
    return None if held is None or not capacity else float(held / capacity)


def _of_uplink(uplink: Line | None) -> Iterator[Risk]:
    if uplink and not uplink["connected"]:
        error = uplink["error"]
        words = "no broker lets the uplink in" + (f": {error}" if error else "")
        yield Risk(RiskId.BROKER_AWAY, None, words)
    if uplink and uplink["refusals"]:
        words = f"the broker refused {uplink['refusals']} messages"
        yield Risk(RiskId.BROKER_REFUSES, None, words)


def _of_outbox(outbox: Line, alarms: AlarmSettings) -> Iterator[Risk]:
    age = outbox["oldest_age_seconds"]
    if age is not None and age > alarms.backlog_warn_minutes * _MINUTE_SECONDS:
        words = (
            f"{outbox['unacknowledged']} entries wait for the centre, the oldest for"
            f" {age:.0f} s"
        )
        yield Risk(RiskId.BACKLOG_OLD, None, words)


def _of_counting(lines: Iterable[Line]) -> Iterator[Risk]:
    for line in lines:
        if line["differing"]:
            days = ", ".join(one["day"] for one in line["differing"])
            words = f"terminal {line['terminal']}: the centre counts {days} otherwise"
            yield Risk(RiskId.RECONCILE_DIFFERS, line["terminal"], words)


def _of_readers(lines: Iterable[Line]) -> Iterator[Risk]:
    for line in lines:
        if not line["online"]:
            error = line["error"] or "not opened yet"
            words = f"reader {line['id']} is offline: {error}"
            yield Risk(RiskId.READER_OFFLINE, line["id"], words)


def _of_judging(judging: Line | None) -> Iterator[Risk]:
    if judging and judging["refused"]:
        until = (
            "judged by the former ones" if judging["lawful"] else "nothing is judged"
        )
        words = f"the rules have problems, {until}: {judging['refused'][0]}"
        yield Risk(RiskId.RULES_REFUSED, None, words)
    if judging and judging["failed"]:
        person, day = judging["failed"][0]
        count = len(judging["failed"])
        words = (
            f"{count} dates could not be judged, first {person} on {day}: see the log"
        )
        yield Risk(RiskId.JUDGING_FAILED, None, words)


def _of_certificates(lines: Sequence[Line]) -> Iterator[Risk]:
    """Yield a risk of each kind; the words name every file."""
    for id_, states in _CERTIFICATES.items():
        words = [line["words"] for line in lines if line["state"] in states]
        if id_ is RiskId.CLOCK_UNSET:
            del words[1:]  # one clock serves all
        if words:
            yield Risk(id_, None, "; ".join(words))
