"""What the demo shows of verdicts: somebody late as it happens, and how a day was."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from gateway import policies
from gateway.cli.demo_site import DemoPerson
from gateway.core.policy.kinds import FindingKind

_STARTS = {"1": "08:30", "2": "14:30"}
_SESSIONS = len(_STARTS)
_ORDER = ("ok", "late", "early", "on leave", "absent", "pending")
_WORDS = {
    "late": "late",
    "off_post": "late",
    "early_leave": "early",
    "absence": "absent",
}


class Shown:
    """Turns verdict lines of the daemon's log into lines for people.

    Args:
        crew: the people.
        today: the day of the story; older verdicts are told by the day only.
    """

    def __init__(self, crew: Sequence[DemoPerson], today: date) -> None:
        self._names = {person.id: person.name for person in crew}
        self._today = today
        self._policy = policies.load("client-contract")

    def late(self, values: Mapping[str, str]) -> str | None:
        """Return a line for somebody who came late just now, None for all else."""
        day, _, session = values["duty"].partition("/")
        kind = FindingKind(values["kind"])
        late = kind in {FindingKind.LATE, FindingKind.OFF_POST}
        if day != str(self._today) or not late or session not in _STARTS:
            return None
        start = datetime.fromisoformat(f"{day}T{_STARTS[session]}")
        at = start + timedelta(seconds=int(values["seconds"]))
        price = self._policy.price(kind)
        yuan = (price.amount_fen or 0) / 100 if price else 0
        return (
            f"{at:%H:%M:%S}  LATE     {self._names.get(values['person'], '?')}"
            f"  {values['seconds']} s after {_STARTS[session]}"
            f"   {values['clause']}   {yuan:,.2f} yuan if it stands"
        )

    def day(self, day: date, verdicts: Iterable[Mapping[str, Any]]) -> str | None:
        """Return how a day was, None while not everybody of it is judged."""
        by_person: dict[str, list[Mapping[str, Any]]] = {}
        for one in verdicts:
            if one["session"] is not None:
                by_person.setdefault(one["person"], []).append(one)
        whole = all(len(found) == _SESSIONS for found in by_person.values())
        if len(by_person) < len(self._names) or not whole:
            return None
        counted = Counter(_word(found) for found in by_person.values())
        if counted["pending"]:
            return None
        parts = [f"{counted[word]} {word}" for word in _ORDER if counted[word]]
        return f"{day:%a %m-%d}: {len(by_person)} people · " + " · ".join(parts)


def _word(found: Sequence[Mapping[str, Any]]) -> str:
    """Return what a day of somebody was, by the worst of it."""
    words = {_WORDS[f["kind"]] for one in found for f in one["findings"]}
    if any(not one["final"] for one in found):
        return "pending"
    if any(one["state"] == "excused" for one in found):
        words.add("on leave")
    return next((word for word in reversed(_ORDER) if word in words), "ok")
