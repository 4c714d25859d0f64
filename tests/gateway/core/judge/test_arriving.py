"""Data that comes bit by bit: what is said for good stays, and nothing else matters."""

import random
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.judge import Judge
from gateway.core.moments import midnight, read
from gateway.core.verdict import NOTICES
from gateway.core.verdicts import Flag, Judged, Punched, State
from gateway.core.watermark import Terminals, Watermark, Whole
from tests.gateway.core.judge.days import (
    book,
    calendar,
    judge,
    leave,
    policy,
    punches,
    roster,
    rows,
)
from tests.gateway.core.judge.test_properties import FIRST, lives, moments, punch

LAST = FIRST + timedelta(days=3)
OUTAGE = rows(
    "outages",
    'terminal = "lobby"',
    "from = 2026-11-04T07:00:00",
    "to = 2026-11-04T09:00:00",
    'decision = "excused"',
    'decided_by = "leader1"',
)
ROWS = {
    "day": (roster(), leave("2026-11-03T10:00:00", "2026-11-03T11:15:00"), OUTAGE),
    "night": (
        roster("night", "2026-11-02", "2026-11-04"),
        roster("day", "2026-11-03"),
    ),
    "round": (roster("round", *(f"2026-11-0{n}" for n in range(2, 6))),),
}
LOBBY = tuple(
    told.replace("[[roster]]", '[[roster]]\nterminals = ["lobby"]')
    for told in ROWS["day"]
)
worlds = st.sampled_from([*ROWS, "lobby"])


@cache
def _book(world: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a Book
    return book(*(LOBBY if world == "lobby" else ROWS[world]))


def judged(world: str, found: Iterable[Punched], watermark: Watermark) -> Judged:
    """Judge four days as far as is known."""
    made = Judge(_book(world), calendar(), {"client-contract": policy()}, watermark)
    return made.person("p1", found, FIRST, LAST)


def settled(found: Judged) -> dict[tuple[date, str, int], tuple[object, ...]]:
    """Return what is said for good.

    A punch elsewhere may be told later: nobody waits for terminals that do not count.
    """
    told = {one.id for one in found.findings if one.kind not in NOTICES}
    return {
        (one.date, one.shift, one.session): (
            *(one.state, one.arrival, one.departure, one.flags),
            *(key for key in one.findings if key in told),
        )
        for one in found.sessions
        if one.state is not State.PENDING
    }


@given(worlds, lives, st.lists(moments(), max_size=4))
def test_e99_a_month_at_once_is_the_month_as_it_came(
    world: str, life: list[int], looks: list[int]
) -> None:
    """What was said when all up to a moment was known is said in the end too."""
    everything = [punch(moment) for moment in life]
    whole = judged(world, everything, Whole())
    final = settled(whole)
    ids = {one.id: one for one in whole.findings}
    lines = {one.finding: one for one in whole.deductions}
    # Just before each punch is when least is known of what it will change.
    for now in sorted({*looks, *life}):
        known = [one for one in everything if one.moment < now]
        part = judged(world, known, Whole(now))
        for key, verdict in settled(part).items():
            assert final[key] == verdict, (key, now)
        for one in part.findings:
            if one.final and one.kind not in NOTICES:
                assert ids[one.id] == one
        assert all(lines[line.finding] == line for line in part.deductions)


@given(worlds, lives, st.integers(0, 6 * 86_400), st.integers(0, 6 * 86_400))
def test_a_terminal_behind_never_settles_what_it_may_change(
    world: str, life: list[int], lobby: int, annex: int
) -> None:
    """Each terminal known to its own moment: what is settled stays as it is."""
    until = {"lobby": midnight(FIRST) + lobby, "annex": midnight(FIRST) + annex}
    names = tuple(until)
    dice = random.Random(lobby)
    everything = [
        Punched(f"{n}", moment, "hq", dice.choice(names))
        for n, moment in enumerate(life)
    ]
    whole = settled(judged(world, everything, Whole()))
    known = [one for one in everything if one.moment < until[one.terminal]]
    mark = Terminals(max(until.values()), until, names, {})
    for key, verdict in settled(judged(world, known, mark)).items():
        assert whole[key] == verdict


@given(worlds, lives)
def test_the_punches_of_a_verdict_lie_in_its_window(
    world: str, life: list[int]
) -> None:
    """In a continuous stay in that of either session; no sign lies outside."""
    by_id = {one.id: one.moment for one in map(punch, life)}
    made = Judge(_book(world), calendar(), {"client-contract": policy()}, Whole())
    found = made.person("p1", map(punch, life), FIRST, LAST, accounts=True)
    findings = {one.id: one for one in found.findings}
    windows = {(one.date, one.shift, one.session): one.window for one in found.accounts}
    every = [window for window in windows.values() if window is not None]
    for one in found.sessions:
        window = windows[one.date, one.shift, one.session]
        signs = (one.arrival, one.departure)
        marks = {mark.punch: mark.at for mark in signs if mark is not None}
        told = {name for key in one.findings for name in findings[key].punches}
        assert marks == {name: by_id[name] for name in marks}
        assert window is not None or not (marks or told)
        for name in marks.keys() | told:
            allowed = [window] if window else []
            if Flag.CONTINUOUS in one.flags:
                allowed = [other for other in every if _touch(other, window)]
            assert any(low <= by_id[name] < high for low, high in allowed)


def _touch(one: tuple[int, int], other: tuple[int, int] | None) -> bool:
    return other is not None and (
        one == other or one[1] == other[0] or one[0] == other[1]
    )


@given(worlds, lives, st.integers(0, 14))
def test_how_rows_are_split_never_matters(
    world: str, life: list[int], cut: int
) -> None:
    """In two pieces, the later first, overlapping or not."""
    found = [punch(moment) for moment in life]
    pieces = [*found[cut:], *found[: cut + 2]]
    assert judged(world, iter(pieces), Whole()) == judged(world, found, Whole())


def test_late_data_revises_a_verdict_under_the_same_id() -> None:
    """E99: five days of punches come after absence was said; it goes."""
    before = judge((), last="2026-11-06")
    assert [one.kind.value for one in before.findings] == ["absence"] * 10
    times = [
        one
        for number in range(2, 7)
        for one in punches("08:31", "12:05", "14:20", "17:35", day=f"2026-11-0{number}")
    ]
    after = judge((), last="2026-11-06", extra=times)
    assert [one.kind.value for one in after.findings] == ["late"] * 5
    assert after.fen == [50000] * 5
    longer = judge(("08:32", "12:05", "14:20", "17:35"))
    assert longer.findings[0].id == after.findings[0].id


def test_a_stay_is_known_two_hours_behind_the_border() -> None:
    """Only then nobody can punch a second time near it and make two duties of it."""
    world = roster("round", "2026-11-02", "2026-11-03")
    early = ("2026-11-02T07:50", "2026-11-03T07:50")
    two = (*early, "2026-11-03T10:00:00")
    for until, state in (("10:00:00", "pending"), ("10:00:01", "ok")):
        mark = Whole(read(f"2026-11-03T{until}"))
        found = judge(early, world, watermark=mark)
        assert found.states == [state]
    assert judge(two, world).kinds == [("early_leave", 1, 600)]
    late = (*early, "2026-11-03T10:00:01")
    assert judge(late, world).states == ["ok"]
