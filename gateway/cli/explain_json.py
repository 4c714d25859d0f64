"""The explanation of a date as JSON: the shapes of `judge --json`, and the reasons."""

from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from gateway.core.account import Account
from gateway.core.moments import Span, text
from gateway.core.policy.kinds import Words
from gateway.explaining import Explanation, Step, Told
from gateway.offline import finding_json, session_json, unassigned_json, warning_json
from gateway.people_view import View


def as_json(view: View, found: Explanation) -> dict[str, Any]:
    """Return an explanation as `explain --json` has it."""
    zone = view.zone
    return {
        "person": found.person.id,
        "name": found.person.name,
        "vendor": found.person.vendor,
        "date": found.date.isoformat(),
        "sessions": [_step(one, zone) for one in found.steps],
        "notices": [_told(one) for one in found.notices],
        "unassigned": [unassigned_json(one, zone) for one in found.left],
        "evidence": {key: asdict(one) for key, one in found.evidence.items()},
        "sent": {"epoch": view.sent[0], "upto": view.sent[1]} if view.sent else None,
        "warnings": [warning_json(one) for one in found.warnings],
        "nothing": _words(found.nothing),
    }


def _step(one: Step, zone: ZoneInfo) -> dict[str, Any]:
    said = session_json(one.verdict, zone)
    return {
        **said,
        "findings": [_told(told) for told in one.told],
        "account": _account(one.account, zone),
    }


def _told(one: Told) -> dict[str, Any]:
    read = one.reading
    return {
        **finding_json(one.finding),
        "amount_fen": one.fen,
        "clause_text": _words(one.clause),
        "read_as": _words(read.reading) if read else None,
        "cite": read.cite if read else None,
        "open": one.open,
        "reason": _words(one.reason),
    }


def _account(one: Account, zone: ZoneInfo) -> dict[str, Any]:
    day = one.day
    return {
        "policy": one.policy,
        "scheduled": _span(one.scheduled, zone),
        "owed": [_span(span, zone) for span in one.owed],
        "window": _span(one.window, zone) if one.window else None,
        "terminals": one.terminals,
        "calendar": {"kind": day.kind, "name": day.name} if day else None,
        "by_calendar": one.by_calendar,
        "orders": one.orders,
        "absences": [
            {
                "row": each.row,
                "kind": each.kind,
                "span": _span(each.span, zone),
                "seconds": each.seconds,
                "failed": each.failed,
            }
            for each in one.absences
        ],
        "outages": one.outages,
        "punches": [
            {
                "id": each.punch,
                "at": text(each.at, zone),
                "terminal": each.terminal,
                "use": each.use,
                "about": each.about,
                "correction": each.made_up,
            }
            for each in one.punches
        ],
        "continuous": {"in": one.stays_in, "out": one.stays_out},
    }


def _span(span: Span, zone: ZoneInfo) -> list[str]:
    return [text(moment, zone) for moment in span]


def _words(one: Words | None) -> dict[str, str] | None:
    return {"zh": one.zh, "en": one.en} if one else None
