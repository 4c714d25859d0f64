"""A finding from what a rule saw: its id, its clause, its words.

The id is made of what was found, of whom and when, never of how long: a verdict that is
revised when late data comes is the same finding, and what was ruled about it holds on.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import date

from gateway.core.policy.kinds import FindingKind, Words
from gateway.core.policy.reading import Policy
from gateway.core.verdicts import Finding

_LENGTH = 26
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule saw, before it is written down as a finding.

    `shift` names the duty of a date, `about` tells apart what else would have one id:
    the row of a notice, the end of a session. `at_end` says that it happened when the
    session ended.
    """

    kind: FindingKind
    date: date
    session: int | None
    seconds: int | None
    words: Words
    setting: str
    punches: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    about: str = ""
    final: bool = True
    at_end: bool = False
    shift: str = ""


def written(found: Found, policy: Policy, person: str, vendor: str) -> Finding | None:
    """Return a finding; None for a kind that this policy never finds."""
    price = policy.price(found.kind)
    if price is None:
        return None
    day = found.date.isoformat()
    key = [policy.id, found.kind, person, day, found.shift, found.session]
    return Finding(
        id=_id([*key, found.about]),
        kind=found.kind,
        policy=policy.id,
        person=person,
        vendor=vendor,
        date=found.date,
        session=found.session,
        seconds=found.seconds,
        clause=price.clause,
        punches=found.punches,
        rows=found.rows,
        setting=found.setting,
        final=found.final,
        zh=found.words.zh,
        en=found.words.en,
    )


def _id(key: list[object]) -> str:
    digest = hashlib.sha256(_ENCODER.encode(key).encode()).digest()
    return "f1_" + base64.b32encode(digest).decode().lower()[:_LENGTH]
