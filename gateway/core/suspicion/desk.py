"""What lies on the desk while cases are written: days, gaps, base rates, context.

Built once per night from everything at hand. Everything shown here can be derived again
from the rows that a case names; gaps in seconds are shown and never scored.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gateway.core.suspicion import wording
from gateway.core.suspicion.cases import (
    integrity,
    significant,
)
from gateway.core.suspicion.clock import Clocks
from gateway.core.suspicion.enrolment import Companion, Family
from gateway.core.suspicion.events import Events, Punch
from gateway.core.suspicion.pairs import UNJUDGED, Mark, Pair
from gateway.core.suspicion.people import Person
from gateway.core.suspicion.queues import (
    ADJACENT_SECONDS,
    Queues,
    Sheet,
    Stand,
    gap,
)
from gateway.core.suspicion.ratios import CREDENTIAL_PART, FAKE_SHARES, e_value, grow
from gateway.core.suspicion.state import Couple, State
from gateway.core.suspicion.ties import Tie, ties
from gateway.core.suspicion.values import (
    CREDENTIALS,
    DAY,
    HOUR,
    RULES_VERSION,
    Credential,
    Json,
    Options,
    SiteBook,
    Text,
    day_date,
    wall_text,
)

ALTERNATIVES = 3
FETCHED = 5


@dataclass(slots=True)
class Desk:
    """Everything at hand while cases are written: built once per night."""

    events: Events
    queues: Queues
    clocks: Clocks
    book: SiteBook
    state: State
    family: Family
    options: Options
    beside: Mapping[Couple, Mapping[int, list[Stand]]]
    ties: Mapping[Couple, Tie]
    neighbours: Mapping[str, list[str]]
    gaps: dict[str, list[int]]

    @property
    def today(self) -> int:
        """Number of the last closed day."""
        return self.state.closed or 0


def open_desk(  # noqa: PLR0913, PLR0917 - all there is, put in one place
    events: Events,
    queues: Queues,
    clocks: Clocks,
    book: SiteBook,
    state: State,
    family: Family,
    options: Options,
    sheets: Iterable[Sheet],
) -> Desk:
    """Gather what the named couples did, in one pass over the days."""
    couples = {couple for couple, pair in state.pairs.items() if pair.opened}
    couples |= {(key[0], key[2]) for key in family.opened}
    couples |= {(entry.person, entry.neighbour) for entry in state.watched}
    found: dict[Couple, dict[int, list[Stand]]] = {}
    for sheet in sheets:
        for stand, other in sheet.beside:
            if (stand.person, other) in couples:
                days = found.setdefault((stand.person, other), {})
                days.setdefault(sheet.day, []).append(stand)
    tied = ties(queues, couples)
    named: dict[str, list[str]] = {one: [] for one, _ in couples}
    for one, other in state.pairs:
        if one in named:
            named[one].append(other)
    return Desk(
        events, queues, clocks, book, state, family, options, found, tied, named, {}
    )


def speaks_for(mark: Mark) -> bool:
    """Say whether a day speaks for the suspicion at all."""
    return mark.ratio > 1.0 or mark.blind > 1.0


def suspected(desk: Desk, couple: Couple, mark: Mark) -> list[Stand]:
    """Return the stands of a day that may be false: the odd ones beside, else all."""
    stands = desk.beside.get(couple, {}).get(mark.day, [])
    stands = sorted(set(stands), key=lambda one: (one.first, one.punch.id))
    if not mark.contrasts and mark.gap <= 0:
        return []  # two slots together on a day make no punch false
    weak = [one for one in stands if one.credential == Credential.WEAK]
    return weak if mark.contrasts and weak else stands


def usual_terminal(stands: Iterable[Stand]) -> str | None:
    """Return the terminal most of some stands were made at."""
    seen = Counter(stand.punch.terminal for stand in stands)
    return min(seen, key=lambda one: (-seen[one], one), default=None)


def common_fields(
    desk: Desk,
    couple: Couple,
    stands: Sequence[Stand],
    marks: Sequence[Mark],
    run: Companion | None = None,
) -> Json:
    """Return the fields that pair and enrolment cases write alike."""
    rows: list[Punch] = []
    for mark in marks:
        rows += [one.punch for one in desk.beside.get(couple, {}).get(mark.day, [])]
    operations = run.enrolment.operations if run else ()
    codes = ["companions", "courtesy"]
    codes += ["finger_trouble"] if any(mark.contrasts for mark in marks) else []
    codes += ["went_out", "other_terminal"] if any(m.gap > 0 for m in marks) else []
    codes += ["moved_desk", "replaced_card"] if run else []
    return {
        "days": _days(desk, couple, marks),
        "null": _null(desk, couple, run),
        "context": _context(desk, couple, stands),
        "punches": punch_rows(desk, stands),
        "innocent": wording.innocent(*codes),
        "to_confirm": to_fetch(stands, "camera", "gate", "headcount")
        + (to_fetch((), "operations", "templates") if run else ()),
        "integrity": integrity([*rows, *(one.punch for one in stands), *operations]),
    }


def _days(desk: Desk, couple: Couple, marks: Sequence[Mark]) -> tuple[Json, ...]:
    """Return every shared day, those that speak against the suspicion first."""
    pair = desk.state.pairs[couple]
    running = _running(pair) if len(marks) == pair.days else [None] * len(marks)
    rows = []
    for mark, e in zip(marks, running, strict=True):
        against = not speaks_for(mark)
        stands = desk.beside.get(couple, {}).get(mark.day, [])
        rows.append(
            (
                not against,
                mark.day,
                {
                    "date": day_date(mark.day).isoformat(),
                    "speaks": "against" if against else "for",
                    "contrast": [mark.contrasts, mark.judged_slots, mark.slots],
                    "presence_gap": _gap_text(desk, couple[0], mark),
                    "twice": mark.twice,
                    "beside": _gap_rows(desk, couple[1], stands),
                    "ratio": significant(mark.ratio),
                    "ratio_without_credential": significant(mark.blind),
                    "e": None if e is None else significant(e),
                },
            )
        )
    rows.sort(key=lambda row: row[:2])
    return tuple(row[2] for row in rows)


def _running(pair: Pair) -> list[float | None]:
    """Return E after every mark, as anybody can compute it again."""
    products = [1.0] * (2 * len(FAKE_SHARES))
    found: list[float | None] = []
    for mark in pair.marks:
        grow(products, mark.ratio, mark.blind)
        found.append(e_value(products))
    return found


def _gap_text(desk: Desk, name: str, mark: Mark) -> Json:
    """Say whether there was a gap and which punch lacks (times of day)."""
    if mark.gap == UNJUDGED:
        return {"seen": None, "missing": [], "again": False}
    roster = desk.queues.roster
    slots = [slot for slot in range(mark.gap.bit_length()) if mark.gap & 2 << slot]
    times = [
        wall_text(roster.bound(name, mark.day, slot))[11:16]
        for slot in slots
        if slot < 2 * len(roster.sessions(name, mark.day))
    ]
    return {"seen": mark.gap > 0, "missing": times, "again": bool(mark.gap & 1)}


def _gap_rows(desk: Desk, other: str, stands: Sequence[Stand]) -> list[Json]:
    """Return seconds to the neighbour and their rank here: shown, never scored."""
    rows = []
    for stand in sorted(set(stands), key=lambda one: (one.first, one.punch.id)):
        for near in desk.queues.beside(stand):
            if near.person == other:
                seconds = max(gap(near, stand) if near.place < stand.place else 0, 0)
                if near.place > stand.place:
                    seconds = gap(stand, near)
                rows.append(
                    {
                        "punch": stand.punch.id,
                        "at": wall_text(stand.first),
                        "seconds_apart": seconds,
                        "share_as_close": _rank(desk, stand.punch.terminal, seconds),
                    }
                )
    return rows


def _rank(desk: Desk, terminal: str, seconds: int) -> float:
    """Return the share of neighbours at this terminal that stand as close."""
    gaps = desk.gaps.get(terminal)
    if gaps is None:
        queue = desk.queues.by_terminal[terminal]
        found = (gap(*both) for both in pairwise(queue))
        gaps = desk.gaps[terminal] = sorted(x for x in found if x <= ADJACENT_SECONDS)
    return significant(bisect_right(gaps, seconds) / len(gaps))


def _null(desk: Desk, couple: Couple, run: Companion | None) -> Json:
    """Return the base rates with the counts behind them."""
    state = desk.state
    person, pair = state.people[couple[0]], state.pairs[couple]
    pool, rates = state.pool, pair.marks[-1].rates
    found: Json = {
        "contrast": {
            "rate": significant(rates.contrast),
            "weak": person.weak - pair.weak,
            "of": person.known - pair.known,
            "counted": "punches not beside the neighbour",
        },
        "presence_gap": {
            "rate": significant(rates.gap),
            "gaps": person.gaps - pair.gaps,
            "of": person.gap_days - pair.gap_days,
            "counted": "days not beside the neighbour",
        },
        "twice": {
            "rate": significant(rates.twice),
            "twice": pair.twice,
            "of": pair.days,
            "pool": significant(pool.together()),
        },
        "window_seconds": ADJACENT_SECONDS,
        "rules": RULES_VERSION,
        "credential_part": CREDENTIAL_PART,
        "credentials": {
            mode.value: credential.name.lower()
            for mode, credential in CREDENTIALS.items()
        },
    }
    if run is not None:
        found["beside_before"] = {
            "rate": significant(run.base),
            "beside": run.before[0],
            "of": run.before[1],
        }
    return found


def _context(desk: Desk, couple: Couple, stands: Sequence[Stand]) -> Json:
    name = couple[0]
    tie, days = desk.ties.get(couple), {stand.day for stand in stands}
    first = min(desk.beside.get(couple, {}), default=None)
    person = desk.state.people[name]
    return {
        "tie": None if tie is None else _tie(tie, first),
        "usually": usual_credential(person),
        "leave": [
            {"from": wall_text(one.start), "to": wall_text(one.end)}
            for one in desk.book.leave(name)
        ],
        "operations": [
            {"at": wall_text(one.at), "code": one.code, "terminal": one.terminal}
            for one in desk.events.operations
            if one.target
            and desk.book.person_of(one.terminal, one.target, day_date(one.at // DAY))
            == name
        ],
        "clock_episodes": [
            {"terminal": one.terminal, "seconds": one.shift}
            for one in desk.clocks.episodes
            if {lag.punch.at // DAY for lag in one.lags} & days
        ],
        "outages": _outages(desk, stands),
    }


def _tie(tie: Tie, first: int | None) -> Json:
    return {
        "windows": tie.windows,
        "beside": tie.beside,
        "expected_of_strangers": significant(tie.expected),
        "tail": significant(tie.tail),
        "since": None if first is None else day_date(first).isoformat(),
        "means": "acquaintance, nothing else",
    }


def _outages(desk: Desk, stands: Sequence[Stand]) -> list[str]:
    """Return the days on which a break of a terminal touched the suspected punches."""
    broken = set()
    for link in desk.events.links:
        for stand in stands if not link.up else ():
            near = abs(stand.punch.received - link.received) <= HOUR
            if link.terminal == stand.punch.terminal and near:
                broken.add(f"{link.terminal} {day_date(stand.day)}")
    return sorted(broken)


def usual_credential(person: Person) -> Json:
    """Return how a person verifies otherwise, with counts."""
    return {"weak": person.weak, "strong": person.known - person.weak}


def punch_rows(desk: Desk, stands: Iterable[Stand]) -> tuple[Json, ...]:
    """Return what a reviewer reads of every suspected punch."""
    rows = []
    for stand in stands:
        before, after = desk.queues.before(stand), desk.queues.after(stand)
        person = desk.state.people.get(stand.person, Person())
        rows.append(
            {
                "id": stand.punch.id,
                "terminal": stand.punch.terminal,
                "person": stand.person,
                "at": wall_text(stand.first),
                "received_at": wall_text(stand.punch.received) + "+00:00",
                "verify": stand.punch.verify.value,
                "understood": stand.credential.name.lower(),
                "before": _side(before, stand, before),
                "after": _side(after, stand, after),
                "usually": usual_credential(person),
                "photo": None,
            }
        )
    return tuple(rows)


def _side(other: Stand | None, stand: Stand, side: Stand | None) -> Json | None:
    if other is None or side is None:
        return None
    early, late = sorted((other, stand), key=lambda one: one.place)
    return {
        "person": other.person or None,
        "seconds": gap(early, late),
        "verify": other.punch.verify.value,
    }


def to_fetch(stands: Sequence[Stand], *codes: str) -> tuple[Json, ...]:
    """Return what to fetch, with the minute and the terminal where there is one."""
    found: list[Json] = []
    for code in codes:
        text: Text = wording.fetch(code)
        if code == "camera":
            found += [
                {
                    **text.to_json(),
                    "terminal": one.punch.terminal,
                    "at": wall_text(one.first)[:16],
                }
                for one in stands[-FETCHED:]
            ]
        else:
            found.append({**text.to_json(), "terminal": None, "at": None})
    return tuple(found)
