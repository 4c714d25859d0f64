"""Hard signals (H1-H5) as cases, each can stand by itself.

One case per subject and kind; a terminal's case accuses its clock or its records, never
the people whose punches are inside.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from gateway.core.suspicion import wording
from gateway.core.suspicion.burst import LEVEL, LINK_SECONDS, Chain, chains
from gateway.core.suspicion.calibration import expected_false
from gateway.core.suspicion.cases import Case, integrity, significant
from gateway.core.suspicion.clock import MOVED_SECONDS, Episode, on_wall
from gateway.core.suspicion.desk import Desk, punch_rows, to_fetch
from gateway.core.suspicion.onleave import NEAR_SECONDS, Visit, visits
from gateway.core.suspicion.queues import ADJACENT_SECONDS, Stand
from gateway.core.suspicion.records import (
    FAMILY_LEVEL,
    Fall,
    Orphans,
    falls,
    orphans,
)
from gateway.core.suspicion.travel import Trip, suspected, trips
from gateway.core.suspicion.values import (
    DAY,
    RULES_VERSION,
    Grade,
    Json,
    Kind,
    day_date,
    wall_text,
)

# Days side by side after which two people count as companions (H4b): at least five,
# and one of five closed days; strangers in a queue reach the first by chance.
COMPANION_DAYS = 5
COMPANION_SHARE = 5


def _null(**values: float | str) -> Json:
    return {**values, "rules": RULES_VERSION}


def _neighbours(desk: Desk, stands: Sequence[Stand]) -> list[tuple[str, int]]:
    """Return who stood beside, most often first: in hard cases a hint only."""
    inside = {stand.person for stand in stands}
    seen: Counter[str] = Counter()
    for stand in stands:
        for other in desk.queues.beside(stand):
            if other.person not in inside:
                seen[other.person] += 1
    return sorted(seen.items(), key=lambda item: (-item[1], item[0]))


def _hints(desk: Desk, stands: Sequence[Stand]) -> tuple[str | None, tuple[Json, ...]]:
    found = _neighbours(desk, stands)
    others = tuple({"neighbour": one, "beside": n} for one, n in found[1:4])
    return (found[0][0] if found else None), others


def two_sites_cases(desk: Desk) -> Iterator[Case]:
    """Yield H1: one case per person with impossible trips."""
    found = trips(desk.queues, desk.clocks, desk.book)
    for name, group in groupby(found, key=lambda trip: trip.here.person):
        yield _two_sites_case(desk, name, list(group))


def _two_sites_case(desk: Desk, name: str, found: Sequence[Trip]) -> Case:
    stands = list(dict.fromkeys(one for trip in found for one in suspected(trip)))
    neighbour, others = _hints(desk, stands)
    worst = min(found, key=lambda trip: (trip.apart - trip.way, trip.here.first))
    rows = [one.punch for trip in found for one in (trip.here, trip.there)]
    return Case(
        kind=Kind.TWO_SITES,
        grade=Grade.CASE,
        subject=name,
        neighbour=neighbour,
        alternatives=others,
        terminal=stands[0].punch.terminal,
        events=tuple(one.punch.id for one in stands),
        opened_on=min(trip.there.day for trip in found),
        as_of=desk.today,
        about="",
        claim=wording.two_sites(name, len(found), worst.apart, worst.way),
        days=tuple(_trip_row(trip) for trip in found),
        null=_null(forgiven_seconds=60),
        strength={
            "trips": len(found),
            "expected_false": expected_false(Kind.TWO_SITES),
        },
        punches=punch_rows(desk, stands),
        innocent=wording.innocent("clock_skew", "shared_badge"),
        to_confirm=to_fetch(stands, "camera", "travel", "gate"),
        integrity=integrity(rows),
    )


def _trip_row(trip: Trip) -> Json:
    return {
        "date": day_date(trip.here.day).isoformat(),
        "here": [trip.here.punch.terminal, wall_text(trip.here.first)],
        "there": [trip.there.punch.terminal, wall_text(trip.there.first)],
        "seconds_apart": trip.apart,
        "way_seconds": trip.way,
    }


def leave_cases(desk: Desk) -> Iterator[Case]:
    """Yield H2: one case per person, and notes for people who drop in."""
    found = visits(desk.queues, desk.state.people, desk.book)
    for name, group in groupby(found, key=lambda visit: visit.person):
        rows = list(group)
        loud = [visit for visit in rows if visit.grade == Grade.CASE]
        if loud:
            yield _leave_case(desk, name, loud, rows)
        else:
            yield _leave_case(desk, name, rows, rows)


def _leave_case(
    desk: Desk, name: str, found: Sequence[Visit], rows: Sequence[Visit]
) -> Case:
    stands = list(dict.fromkeys(one for visit in found for one in visit.suspected))
    neighbour, others = _hints(desk, stands)
    first = found[0]
    return Case(
        kind=Kind.LEAVE,
        grade=first.grade,
        subject=name,
        neighbour=neighbour,
        alternatives=others,
        terminal=stands[0].punch.terminal,
        events=tuple(one.punch.id for one in stands),
        opened_on=first.day,
        as_of=desk.today,
        about="",
        claim=wording.leave(name, len(found), day_date(first.day).isoformat()),
        reason=wording.why_not(first.reason) if first.reason else None,
        days=tuple(_visit_row(visit) for visit in sorted(rows, key=_against_first)),
        null=_null(near_minutes=NEAR_SECONDS // 60, window_seconds=ADJACENT_SECONDS),
        strength={
            "days": len(found),
            "expected_false": expected_false(Kind.LEAVE),
        },
        punches=punch_rows(desk, stands),
        innocent=wording.innocent("late_entry", "dropped_in", "courtesy"),
        to_confirm=to_fetch(stands, "paper", "camera", "gate"),
        integrity=integrity([one.punch for visit in rows for one in visit.stands]),
    )


def _against_first(visit: Visit) -> tuple[bool, int]:
    return visit.grade == Grade.CASE, visit.day


def _visit_row(visit: Visit) -> Json:
    leave = visit.leave
    approved = leave.approved_at
    return {
        "date": day_date(visit.day).isoformat(),
        "speaks": "for" if visit.grade == Grade.CASE else "against",
        "why_not": wording.why_not(visit.reason).to_json() if visit.reason else None,
        "leave": [wall_text(leave.start), wall_text(leave.end)],
        "approved_at": None if approved is None else wall_text(approved),
        "punches": [one.punch.id for one in visit.stands],
    }


def clock_cases(desk: Desk) -> Iterator[Case]:
    """Yield H3: one case per episode of a moved clock."""
    for episode in desk.clocks.episodes:
        yield _clock_case(desk, episode)


def _clock_case(desk: Desk, episode: Episode) -> Case:
    punches = [lag.punch for lag in episode.lags]
    first = min(punches, key=lambda punch: punch.received)
    return Case(
        kind=Kind.CLOCK,
        grade=Grade.CASE if episode.proven else Grade.WATCH,
        subject=None,
        neighbour=None,
        terminal=episode.terminal,
        events=tuple(punch.id for punch in punches),
        opened_on=first.at // DAY,
        as_of=desk.today,
        about=f"{episode.terminal} {first.id}",
        claim=wording.clock(
            episode.terminal, episode.shift, wall_text(first.at), len(punches)
        ),
        reason=None if episode.proven else wording.why_not("link_unknown"),
        null=_null(usual_lag_seconds=episode.usual, moved_seconds=MOVED_SECONDS),
        strength={
            "shift_seconds": episode.shift,
            "punches": len(punches),
            "expected_false": expected_false(Kind.CLOCK),
        },
        context={"operations": [one.row() for one in episode.operations]},
        punches=tuple(
            {
                "id": lag.punch.id,
                "at": wall_text(lag.punch.at),
                "received_at": wall_text(lag.punch.received) + "+00:00",
                "lag_seconds": lag.seconds,
            }
            for lag in episode.lags
        ),
        innocent=wording.innocent("late_upload", "maintenance"),
        to_confirm=to_fetch((), "operations"),
        integrity=integrity([*punches, *episode.operations]),
    )


def records_cases(desk: Desk) -> Iterator[Case]:
    """Yield H4: falls of counters and mornings without arrivals."""
    for fall in falls(desk.events, desk.clocks, desk.options.capacity):
        yield _fall_case(desk, fall)
    moved = frozenset(_elsewhen(desk))
    for found in orphans(desk.queues, desk.book, _groups(desk), moved):
        if found.reason != "not_unusual":
            yield _orphans_case(desk, found)


def _elsewhen(desk: Desk) -> Iterator[tuple[str, int]]:
    """Yield people and real days of the records inside episodes of moved clocks."""
    for episode in desk.clocks.episodes:
        for punch in (lag.punch for lag in episode.lags):
            day = on_wall(punch.received, desk.book.zone(punch.terminal)) // DAY
            person = desk.book.person_of(punch.terminal, punch.badge, day_date(day))
            if person is not None:
                yield person, day


def _groups(desk: Desk) -> dict[str, str]:
    """Return a group for everybody who has companions (union of couples)."""
    root: dict[str, str] = {}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            root[name] = name = root[root[name]]
        return name

    least = max(COMPANION_DAYS, len(desk.state.digests) // COMPANION_SHARE)
    for (one, other), pair in sorted(desk.state.pairs.items()):
        if pair.days >= least:
            first, second = sorted((find(one), find(other)))
            root[second] = first
    return {name: find(name) for name in sorted(root)}


def _fall_case(desk: Desk, fall: Fall) -> Case:
    when = wall_text(fall.after.received) + "+00:00"
    return Case(
        kind=Kind.RECORDS_GONE,
        grade=fall.grade,
        subject=None,
        neighbour=None,
        terminal=fall.terminal,
        events=(),
        opened_on=on_wall(fall.after.received, desk.book.zone(fall.terminal)) // DAY,
        as_of=desk.today,
        about=f"{fall.terminal} count {fall.after.received}",
        claim=wording.records_gone(fall.terminal, fall.missing, when),
        reason=wording.why_not(fall.reason) if fall.reason else None,
        null=_null(counter="right for seven days before"),
        strength={
            "missing": fall.missing,
            "expected_false": expected_false(Kind.RECORDS_GONE),
        },
        context={
            "counts": [fall.before.row(), fall.after.row()],
            "operations": [one.row() for one in fall.operations],
        },
        innocent=wording.innocent("wrong_counter", "maintenance"),
        to_confirm=to_fetch((), "operations", "export"),
        integrity=integrity([fall.before, fall.after, *fall.operations]),
    )


def _orphans_case(desk: Desk, found: Orphans) -> Case:
    day = day_date(found.day).isoformat()
    return Case(
        kind=Kind.RECORDS_GONE,
        grade=found.grade,
        subject=None,
        neighbour=None,
        terminal=found.terminal,
        events=tuple(punch.id for punch in found.punches),
        opened_on=found.day,
        as_of=desk.today,
        about=f"{found.terminal} arrivals {found.day}",
        claim=wording.arrivals_gone(found.terminal, len(found.people), day),
        reason=wording.why_not(found.reason) if found.reason else None,
        days=({"date": day, "people": list(found.people)},),
        null=_null(regulars=found.regulars, family=found.family),
        strength={
            "tail": significant(found.tail),
            "family": found.family,
            "level": FAMILY_LEVEL,
            "expected_false": expected_false(Kind.RECORDS_GONE),
        },
        innocent=wording.innocent("common_morning", "maintenance"),
        to_confirm=to_fetch((), "operations", "export", "gate"),
        integrity=integrity(found.punches),
    )


def burst_cases(desk: Desk) -> Iterator[Case]:
    """Yield H5: chains that share a person are one case."""
    for group in _joined(list(chains(desk.queues, desk.state.people))):
        yield _burst_case(desk, group)


def _joined(found: Sequence[Chain]) -> list[list[Chain]]:
    groups: list[tuple[set[str], list[Chain]]] = []
    for chain in sorted(found, key=lambda one: one.stands[0].first):
        names = {stand.person for stand in chain.stands}
        rows = [chain]
        for group in [one for one in groups if one[0] & names]:
            groups.remove(group)
            names |= group[0]
            rows = [*group[1], *rows]
        groups.append((names, rows))
    return [rows for _, rows in groups]


def _burst_case(desk: Desk, group: Sequence[Chain]) -> Case:
    stands = [stand for chain in group for stand in chain.stands]
    rates = {
        stand.person: rate
        for chain in group
        for stand, rate in zip(chain.stands, chain.rates, strict=True)
    }
    people = sorted(rates, key=lambda name: (rates[name], name))
    neighbour, others = _hints(desk, stands)
    first = group[0].stands[0]
    return Case(
        kind=Kind.BURST,
        grade=Grade.CASE,
        subject=people[0],
        neighbour=neighbour,
        alternatives=others,
        terminal=first.punch.terminal,
        events=tuple(one.punch.id for one in stands),
        opened_on=first.day,
        as_of=desk.today,
        about=first.punch.id,
        claim=wording.burst(
            len(people), first.punch.terminal, wall_text(first.first), len(group)
        ),
        days=tuple(_chain_row(chain) for chain in group),
        null=_null(link_seconds=LINK_SECONDS, level=LEVEL),
        strength={
            "product": significant(min(chain.product for chain in group)),
            "times": len(group),
            "expected_false": expected_false(Kind.BURST),
        },
        context={"people": people},
        punches=punch_rows(desk, stands),
        innocent=wording.innocent("queue", "dirty_reader"),
        to_confirm=to_fetch(stands, "camera", "gate", "headcount"),
        integrity=integrity([stand.punch for stand in stands]),
    )


def _chain_row(chain: Chain) -> Json:
    return {
        "date": day_date(chain.stands[0].day).isoformat(),
        "people": [stand.person for stand in chain.stands],
        "rates": [significant(rate) for rate in chain.rates],
        "product": significant(chain.product),
    }


Signal = Callable[[Desk], Iterator[Case]]

SIGNALS: tuple[Signal, ...] = (
    two_sites_cases,
    leave_cases,
    clock_cases,
    records_cases,
    burst_cases,
)
