"""Judge one person by the written core rule, slowly and in plain sight.

Written from the text of the rule alone (2.0.5 to 2.0.7 and the continuous stay of
2.0.1), to be compared with the engine.
"""

from collections.abc import Iterable
from datetime import date

from tests.oracle.cases import Person, Session, Site, Span, Verdict
from tests.oracle.signs import (
    DOWN_NEAR,
    NEAR_BORDER,
    Chain,
    chains,
    closing,
    counts,
    effective,
    excused_slot,
    leave_span,
    opening,
    owed,
    seconds,
    slots,
    unclear,
    without,
)

OFF_POST_ABOVE = 3 * 3600
FEN = {"late": 50000, "early_leave": 50000, "off_post": 100000, "absence": 200000}


def judge(person: Person, site: Site) -> list[Verdict]:
    """Return the verdict of every session of a person, in their order."""
    verdicts = [Verdict(session) for session in person.sessions]
    live = []
    for verdict in verdicts:
        if seconds(owed(verdict.session, person, site)) == 0:
            verdict.state = "excused"
        else:
            live.append(verdict)
    found: list[list[Chain]] = []
    for index, verdict in enumerate(live):
        before = live[index - 1].session if index else None
        after = live[index + 1].session if index + 1 < len(live) else None
        window = (opening(before, verdict.session), closing(verdict.session, after))
        verdict.window = window
        seen = [
            punch
            for punch in effective(verdict.session, person, site)
            if window[0] <= punch.at < window[1]
        ]
        found.append(chains(seen, site.places))
        verdict.doubt = next(unclear(verdict, person, site, seen), "")
    for verdict, mine in zip(live, found, strict=True):
        verdict.doubt = verdict.doubt or _odd_border(verdict, person)
        verdict.arrival, verdict.departure = slots(verdict.session, mine)
        _mark_two_sites(verdict, mine)
    for index in range(len(live) - 1):
        pair = (live[index], live[index + 1])
        if pair[0].session.end == pair[1].session.start:
            _join(*pair, found[index : index + 2], site)
            _mark_away(*pair, person, site)
    for verdict in live:
        _conclude(verdict, owed(verdict.session, person, site), person, site)
    return verdicts


def _odd_border(verdict: Verdict, person: Person) -> str:
    """Name the sentence that is unclear about a correction near a common second."""
    edges = {one.start for one in person.sessions} & {
        one.end for one in person.sessions
    }
    for edge in edges & {verdict.session.start, verdict.session.end}:
        for row in person.corrections:
            if abs(row.at - edge) <= NEAR_BORDER and row.approved_by:
                return "border-correction"
    return ""


def _mark_two_sites(verdict: Verdict, mine: list[Chain]) -> None:
    if len(mine) < 2:
        return
    first = min(mine, key=lambda chain: chain[0].at)
    last = max(mine, key=lambda chain: chain[-1].at)
    if first is last:
        verdict.doubt = "two-sites"


def _join(first: Verdict, second: Verdict, both: list[list[Chain]], site: Site) -> None:
    """2.0.1: one punch within 2 h of the common second, or none: a continuous stay."""
    border = first.session.end
    near = [
        chain
        for chain in (*both[0], *both[1])
        if any(abs(punch.at - border) <= NEAR_BORDER for punch in chain)
    ]
    signs = [punch for chain in near for punch in chain]
    if len(near) > 1 and len(chains(signs, site.places)) < len(near):
        first.doubt = second.doubt = "border-repeat"
    until = site.complete_until
    if until is not None and border <= until < border + NEAR_BORDER:
        first.doubt = second.doubt = "border-open"
    if len(near) > 1:
        return
    first.joined.add("out")
    second.joined.add("in")
    for verdict, mine in zip((first, second), both, strict=True):
        if near and near[0] not in mine:
            mine.append(near[0])
            verdict.arrival, verdict.departure = slots(verdict.session, mine)
        elif not near and len(mine) == 1:
            verdict.doubt = verdict.doubt or "border-far"


def _mark_away(first: Verdict, second: Verdict, person: Person, site: Site) -> None:
    """Leave at the common second: not said whether there is a stay to continue."""
    border = first.session.end
    before = owed(first.session, person, site)[-1]
    after = owed(second.session, person, site)[0]
    if before[1] < border or after[0] > border:
        first.doubt = second.doubt = "border-leave"


def _conclude(verdict: Verdict, left: list[Span], person: Person, site: Site) -> None:
    """2.0.5 and 2.0.7: the findings of a session, or what it waits for."""
    session = verdict.session
    assert verdict.window is not None
    if site.complete_until is not None and site.complete_until < verdict.window[1]:
        verdict.state = "pending"
        return
    ruled = [row for row in site.outages if row.excused]
    spans = {
        "in": (session.start - DOWN_NEAR, session.start),
        "out": (session.end, session.end + DOWN_NEAR),
    }
    present = {"in": verdict.arrival, "out": verdict.departure}
    missing = [
        slot
        for slot, at in present.items()
        if at is None and slot not in verdict.joined
    ]
    unruled = [
        one for one in missing if excused_slot(session, spans[one], site.outages)
    ]
    due = missing
    missing = [one for one in due if not excused_slot(session, spans[one], ruled)]
    if set(due) & _moved_ends(session, left) and site.outages:
        verdict.doubt = verdict.doubt or "outage-leave"
    verdict.slot_excused = len(missing) < len(due)
    if set(unruled) & set(missing):
        verdict.doubt = "outage-undecided"
    if missing:
        _absent(verdict, left, site)
        return
    if verdict.arrival is not None and "in" not in verdict.joined:
        late = without(left, (verdict.arrival, session.end))
        _add(verdict, "late", seconds(late))
        _overstay(verdict, person, site)
    if verdict.departure is not None and "out" not in verdict.joined:
        early = without(left, (session.start, max(session.start, verdict.departure)))
        _add(verdict, "early_leave", seconds(early))
    if verdict.findings:
        verdict.state = "found"


def _moved_ends(session: Session, left: list[Span]) -> set[str]:
    """Return the ends of a session that leave covers."""
    moved = {"in": left[0][0] > session.start, "out": left[-1][1] < session.end}
    return {slot for slot, is_moved in moved.items() if is_moved}


def _absent(verdict: Verdict, left: list[Span], site: Site) -> None:
    """2.0.5: one absence; 2.0.7: a parked unknown badge keeps it pending."""
    assert verdict.window is not None
    start, end = verdict.window
    for punch in site.unknown:
        if punch.terminal in verdict.session.terminals and start <= punch.at < end:
            verdict.state = "pending"
            return
    verdict.findings.append(("absence", seconds(left)))
    verdict.state = "found"


def _add(verdict: Verdict, kind: str, length: int) -> None:
    if length > 0:
        above = length > OFF_POST_ABOVE
        verdict.findings.append(("off_post" if above else kind, length))


def _overstay(verdict: Verdict, person: Person, site: Site) -> None:
    """2.0.5: a leave from the start of the session that the IN came after."""
    if not verdict.findings or verdict.arrival is None:
        return
    session = verdict.session
    effective_rows = [
        (leave.id, *leave_span(leave)) for leave in person.leave if counts(leave, site)
    ]
    inside = [
        (name, start, end)
        for name, start, end in effective_rows
        if start < session.end and session.start < end
    ]
    if len(inside) == 1 and inside[0][1] <= session.start:
        verdict.overstayed.add(inside[0][0])


def charges(verdicts: Iterable[Verdict]) -> list[tuple[date, str, int, str, int]]:
    """2.0.6: date, shift, session, kind and fen; absence once per person and date."""
    lines = []
    absent: set[date] = set()
    for verdict in verdicts:
        one = verdict.session
        if verdict.state == "pending":
            continue
        for kind, _length in verdict.findings:
            if kind == "absence" and one.day in absent:
                continue
            if kind == "absence":
                absent.add(one.day)
            lines.append((one.day, one.shift, one.number, kind, FEN[kind]))
    return lines
