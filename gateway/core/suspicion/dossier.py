"""Pair and enrolment cases: from running products back to days, punches and counts.

Recomputed every night for the few pairs that are chosen; everything shown here can be
derived again from the rows that the case names.
"""

from collections.abc import Sequence

from gateway.core.suspicion import wording
from gateway.core.suspicion.calibration import expected_false
from gateway.core.suspicion.cases import (
    Case,
    month_text,
    significant,
)
from gateway.core.suspicion.desk import (
    Desk,
    common_fields,
    speaks_for,
    suspected,
    usual_terminal,
)
from gateway.core.suspicion.enrolment import Companion
from gateway.core.suspicion.state import Couple, DayEntry
from gateway.core.suspicion.values import (
    Grade,
    Json,
    Kind,
    Status,
    Text,
    day_date,
)

ALTERNATIVES = 3
FETCHED = 5


def pair_cases(desk: Desk) -> list[Case]:
    """Return one case per subject for everybody e-BH ever chose, and the watch list."""
    by_subject: dict[str, list[str]] = {}
    for (name, other), pair in sorted(desk.state.pairs.items()):
        if pair.opened:
            by_subject.setdefault(name, []).append(other)
    cases = [_pair_case(desk, name, others) for name, others in by_subject.items()]
    accused = {case.subject for case in cases if case.grade == Grade.CASE}
    accused |= {key[0] for key in desk.family.ranks}
    return cases + [_watch_case(desk, entry) for entry in _listed(desk, accused)]


def _pair_case(desk: Desk, name: str, others: Sequence[str]) -> Case:
    state = desk.state
    selected = [other for other in others if (name, other) in state.ranks]
    open_ = bool(selected)
    other = max(selected or others, key=lambda one: (state.pairs[name, one].e, one))
    pair = state.pairs[name, other]
    marks = pair.marks
    for_it = [mark for mark in marks if speaks_for(mark)]
    stands = [one for mark in for_it for one in suspected(desk, (name, other), mark)]
    terminal = usual_terminal(stands)
    reason = None if open_ else wording.why_not("weakened")
    return Case(
        kind=Kind.PAIR,
        grade=Grade.CASE if open_ else Grade.NOTE,
        status=Status.OPEN if open_ else Status.WEAKENED,
        subject=name,
        neighbour=other,
        terminal=terminal,
        events=tuple(one.punch.id for one in stands),
        opened_on=min(state.pairs[name, one].opened for one in others),
        as_of=desk.today,
        about="",
        claim=wording.pair(name, other, terminal or "", len(for_it), pair.days),
        reason=reason,
        alternatives=_alternatives(desk, name, other),
        strength=_pair_strength(desk, (name, other)),
        decisions=tuple(month_text(one) for one in pair.decisions),
        **common_fields(desk, (name, other), stands, marks),
    )


def _listed(desk: Desk, accused: set[str | None]) -> list[DayEntry]:
    """Return the strongest single days of every week, one per person (4.6)."""
    weeks: dict[tuple[int, int], list[DayEntry]] = {}
    for entry in desk.state.watched:
        if entry.person not in accused:
            week = day_date(entry.day).isocalendar()[:2]
            weeks.setdefault(week, []).append(entry)
    listed = []
    for _, entries in sorted(weeks.items()):
        entries.sort(key=lambda one: (-one.ratio, one.person, one.neighbour, one.day))
        best: dict[str, DayEntry] = {}
        for entry in entries:
            best.setdefault(entry.person, entry)
        listed += list(best.values())[: desk.options.watch_per_week]
    return listed


def _watch_case(desk: Desk, entry: DayEntry) -> Case:
    couple = (entry.person, entry.neighbour)
    marks = [mark for mark in desk.state.pairs[couple].marks if mark.day == entry.day]
    stands = [one for mark in marks for one in suspected(desk, couple, mark)]
    terminal = usual_terminal(stands)
    day = day_date(entry.day).isoformat()
    return Case(
        kind=Kind.PAIR,
        grade=Grade.WATCH,
        subject=entry.person,
        neighbour=entry.neighbour,
        terminal=terminal,
        events=tuple(one.punch.id for one in stands),
        opened_on=entry.day,
        as_of=desk.today,
        about=f"watch {day}",
        claim=wording.watch(*couple, terminal or "", day),
        reason=wording.why_not("one_day"),
        strength={
            "ratio_of_the_day": significant(entry.ratio),
            "listed_from": desk.options.watch_ratio,
        },
        **common_fields(desk, couple, stands, marks),
    )


def enrolment_cases(desk: Desk) -> list[Case]:
    """Return one case per subject for every enrolment that was ever chosen (H6)."""
    best: dict[str, Companion] = {}
    for key in sorted(desk.family.opened):
        run = desk.family.companions[key]
        known = best.get(key[0])
        mine = (key in desk.family.ranks, run.e)
        if known is None or mine > (_key(known) in desk.family.ranks, known.e):
            best[key[0]] = run
    return [_enrolment_case(desk, run) for _, run in sorted(best.items())]


def _key(run: Companion) -> tuple[str, int, str]:
    return run.enrolment.person, run.enrolment.day, run.neighbour


def _enrolment_case(desk: Desk, run: Companion) -> Case:
    name, day, other = _key(run)
    open_ = _key(run) in desk.family.ranks
    marks = [mark for mark in desk.state.pairs[name, other].marks if mark.day >= day]
    terminal = usual_terminal(run.stands)
    return Case(
        kind=Kind.ENROLMENT,
        grade=Grade.CASE if open_ else Grade.NOTE,
        status=Status.OPEN if open_ else Status.WEAKENED,
        subject=name,
        neighbour=other,
        terminal=terminal,
        events=tuple(one.punch.id for one in run.stands),
        opened_on=desk.family.opened[_key(run)],
        as_of=desk.today,
        about=f"enrolled {day}",
        claim=wording.enrolment(
            name, other, day_date(day).isoformat(), len(run.stands)
        ),
        reason=_why_not_open(desk, run),
        alternatives=_companion_alternatives(desk, run),
        strength=_enrolment_strength(desk, run),
        **common_fields(desk, (name, other), run.stands, marks, run),
    )


def _why_not_open(desk: Desk, run: Companion) -> Text | None:
    key = _key(run)
    if key in desk.family.ranks:
        return None
    bare = key in desk.family.unsupported
    return wording.why_not("companions_only" if bare else "weakened")


def _companion_alternatives(desk: Desk, run: Companion) -> tuple[Json, ...]:
    others = [
        one
        for one in desk.family.companions.values()
        if one.enrolment == run.enrolment and one.neighbour != run.neighbour
    ]
    others.sort(key=lambda one: (-one.e, one.neighbour))
    return tuple(
        {"neighbour": one.neighbour, "e": significant(one.e)}
        for one in others[:ALTERNATIVES]
    )


def _alternatives(desk: Desk, name: str, chosen: str) -> tuple[Json, ...]:
    pairs = desk.state.pairs
    others = sorted(
        (-pairs[name, other].e, other)
        for other in desk.neighbours[name]
        if other != chosen
    )
    return tuple(
        {
            "neighbour": other,
            "e": significant(pairs[name, other].e),
            "shared_days": pairs[name, other].days,
        }
        for _, other in others[:ALTERNATIVES]
    )


def _pair_strength(desk: Desk, couple: Couple) -> Json:
    state = desk.state
    pair, rank = state.pairs[couple], state.ranks.get(couple)
    least = len(state.pairs) / state.alpha / rank if rank else None
    return {
        "e": significant(pair.e),
        "peak": significant(pair.peak),
        "weight": significant(state.weighted(couple) / pair.e),
        "m": len(state.pairs),
        "alpha": state.alpha,
        "rank": rank,
        "needed": significant(least) if least else None,
        "expected_false": expected_false(Kind.PAIR),
    }


def _enrolment_strength(desk: Desk, run: Companion) -> Json:
    rank = desk.family.ranks.get(_key(run))
    alpha = desk.options.alpha
    return {
        "e": significant(run.e),
        "support": significant(run.support),
        "m": desk.family.size,
        "alpha": alpha,
        "rank": rank,
        "needed": significant(desk.family.size / alpha / rank) if rank else None,
        "expected_false": expected_false(Kind.ENROLMENT),
    }
