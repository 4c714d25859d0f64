"""Tonight's cases beside those of before: the same one, weakened, or decided already.

Pure. A case is recognised by its id, else by its kind, whom it is about and a common
punch, so that the ids people speak of stay when the days looked at move on. What named
people decided stands until they decide otherwise; a case that tonight's evidence no
longer carries is never deleted, it has weakened.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.core.suspicion.wording import why_not

Case = dict[str, Any]
Reviews = Mapping[str, Sequence[Mapping[str, Any]]]

_DECIDED = {"confirm": "confirmed", "dismiss": "dismissed"}
_WATCH = "watch"


def merged(
    before: Iterable[Case], tonight: Iterable[Case], reviews: Reviews
) -> list[Case]:
    """Return every case as it is from now on.

    Args:
        before: all stored cases.
        tonight: what the engine found, as published.
        reviews: case → what was decided of it, oldest first.
    """
    stored = {one["id"]: one for one in before}
    found: dict[str, Case] = {}
    new = list(tonight)
    named = {one["id"] for one in new} & stored.keys()
    for one in new:
        known = stored.get(one["id"]) or _known(one, stored, named | found.keys())
        if known is not None and reviews.get(known["id"]):
            same = _again(one, known, stored, reviews)
        else:
            same = one if known is None else _carried(one, known)
        if same is not None:
            found[same["id"]] = same
    for key, old in stored.items():
        if key not in found:
            found[key] = old if reviews.get(key) else _weakened(old)
    return [reviewed(found[key], reviews.get(key, ())) for key in sorted(found)]


def reviewed(case: Case, reviews: Sequence[Mapping[str, Any]]) -> Case:
    """Return a case with what was decided of it."""
    if not reviews:
        return case
    decided = _DECIDED[reviews[-1]["decision"]]
    return {**case, "status": decided, "review": [dict(one) for one in reviews]}


def _again(
    one: Case, decided: Case, stored: Mapping[str, Case], reviews: Reviews
) -> Case | None:
    """Return a case of its own for what came after a decision; None for nothing new.

    Never in the month of the decision: nobody is charged twice for one month.
    """
    month = one["as_of"][:7]
    key = decided["id"]
    variants = sorted(name for name in stored if name.startswith(f"{key}-"))
    last = stored[variants[-1]] if variants else decided
    if variants and not reviews.get(last["id"]):
        return _carried(one, last)
    fresh = set(one["events"]) - set(last["events"])
    if not fresh or month <= reviews[last["id"]][-1]["at"][:7]:
        return None
    return {**one, "id": f"{key}-{month.replace('-', '')}", "opened_on": one["as_of"]}


def _known(one: Case, stored: Mapping[str, Case], taken: Iterable[str]) -> Case | None:
    """Return the stored case that a new one goes on; None where it is new."""
    taken = set(taken)
    events = set(one["events"])
    for key in sorted(stored):
        old = stored[key]
        if key in taken or _about(old) != _about(one):
            continue
        if events & set(old["events"]) or _same_moment(one, old):
            return old
    return None


def _about(one: Case) -> tuple[Any, ...]:
    """Return what two versions of one case have in common."""
    where = None if one["subject"] else one["terminal"]
    return one["kind"], one["subject"], where, one["grade"] == _WATCH


def _same_moment(one: Case, old: Case) -> bool:
    """Say whether two cases without punches began together (records gone)."""
    empty = not one["events"] and not old["events"]
    return empty and bool(one["opened_on"] == old["opened_on"])


def _carried(one: Case, known: Case) -> Case:
    """Return tonight's version of a known case; it keeps its id and its first day."""
    opened = min(one["opened_on"], known["opened_on"])
    return {**one, "id": known["id"], "opened_on": opened}


def _weakened(old: Case) -> Case:
    if old["status"] == "weakened":
        return old
    reason = why_not("weakened").to_json()
    return {
        **old,
        "grade": old["grade"] if old["grade"] == _WATCH else "note",
        "status": "weakened",
        "why_not_a_case": reason,
    }
