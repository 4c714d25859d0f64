"""What no input may break: order, repetition, on-time punches, one punch one sign."""

import ast
import os
import random
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.core.judge import Judge
from gateway.core.moments import local, read
from gateway.core.verdicts import Flag, Judged, Punched
from gateway.core.watermark import Whole
from tests.gateway.core.judge.days import DAY, book, calendar, leave, policy, roster

CORE = Path(__file__).parents[4] / "gateway/core"
FIRST = date.fromisoformat(DAY)
WORLDS = {
    "day": Judge(
        book(roster(), leave("2026-11-03T10:00:00", "2026-11-04T09:15:00")),
        calendar(),
        {"client-contract": policy()},
        Whole(),
    ),
    "night": Judge(
        book(roster("night", "2026-11-02", "2026-11-04"), roster("day", "2026-11-03")),
        calendar(),
        {"client-contract": policy()},
        Whole(),
    ),
    "round": Judge(
        book(roster("round", *(f"2026-11-0{n}" for n in range(2, 6)))),
        calendar(),
        {"client-contract": policy()},
        Whole(),
    ),
}
_BORDERS = ("08:30:00", "12:00:00", "13:15:00", "14:30:00", "17:30:00", "08:00:00")


@st.composite
def moments(draw: st.DrawFn) -> int:
    """Draw a moment, mostly within seconds of a border."""
    day = FIRST + timedelta(days=draw(st.integers(0, 4)))
    if draw(st.booleans()):
        border = read(f"{day}T{draw(st.sampled_from(_BORDERS))}")
        return border + draw(st.integers(-90, 90))
    return read(f"{day}T00:00:00") + draw(st.integers(0, 86_399))


def punch(moment: int, site: str = "hq") -> Punched:
    """Return a punch at a moment."""
    terminal = "lobby" if site == "hq" else "far"
    return Punched(f"{local(moment).isoformat()}@{terminal}", moment, site, terminal)


lives = st.lists(moments(), max_size=14)
worlds = st.sampled_from(sorted(WORLDS))


def judged(world: str, found: list[Punched]) -> Judged:
    """Judge four days."""
    return WORLDS[world].person("p1", found, FIRST, FIRST + timedelta(days=3))


@given(worlds, lives, st.randoms(use_true_random=False))
def test_order_and_repetition_never_matter(
    world: str, life: list[int], dice: random.Random
) -> None:
    """However rows come in, and however often."""
    found = [punch(moment) for moment in life]
    again = [*found, *found[::2]]
    dice.shuffle(again)
    assert judged(world, again) == judged(world, found)


@given(worlds, lives)
def test_days_judged_apart_are_the_days_judged_together(
    world: str, life: list[int]
) -> None:
    """The period asked for decides what is shown, never what is said."""
    found = [punch(moment) for moment in life]
    whole = judged(world, found)
    apart = Judged()
    for number in range(4):
        day = FIRST + timedelta(days=number)
        apart.add(WORLDS[world].person("p1", found, day, day))
    assert apart.sessions == whole.sessions
    assert apart.findings == whole.findings
    assert apart.deductions == whole.deductions
    assert sorted(one.punch for one in apart.unassigned) == sorted(
        one.punch for one in whole.unassigned
    )


@given(worlds, lives, st.integers(0, 3), st.integers(0, 3_000))
def test_an_on_time_punch_never_makes_things_worse(
    world: str, life: list[int], which: int, offset: int
) -> None:
    """In a session that has both signs; back-to-back duties aside."""
    before = judged(world, [punch(moment) for moment in life])
    complete = [
        one
        for one in before.sessions
        if one.arrival and one.departure and Flag.CONTINUOUS not in one.flags
    ]
    if not complete:
        return
    session = complete[which % len(complete)]
    extra = [session.start - offset % 3_000, session.end + offset % 3_000]
    after = judged(world, [punch(moment) for moment in [*life, extra[which % 2]]])
    key = (session.date, session.shift, session.session)

    def missed(found: Judged) -> list[int]:
        return sorted(
            one.seconds or 0
            for one in found.findings
            if (one.date, one.session) == (key[0], key[2])
        )

    # None that was not there, and none that is longer than the one it was.
    left, had = missed(after), missed(before)
    assert len(left) <= len(had)
    assert all(seconds in had for seconds in left)


@given(worlds, lives)
@example("round", [read("2026-11-03T07:59:30")])
@example("round", [read("2026-11-03T08:00:30")])
def test_no_punch_serves_two_sessions(world: str, life: list[int]) -> None:
    """Except the one at the border of a continuous stay."""
    found = judged(world, [punch(moment) for moment in life])
    used: Counter[str] = Counter()
    for one in found.sessions:
        marks = {mark.punch for mark in (one.arrival, one.departure) if mark}
        used.update(marks)
        assert one.arrival is None or one.departure is None or len(marks) == 2
    twice = {name for name, count in used.items() if count > 1}
    staying = {
        mark.punch
        for one in found.sessions
        if Flag.CONTINUOUS in one.flags
        for mark in (one.arrival, one.departure)
        if mark
    }
    assert twice <= staying
    assert not used.keys() & {one.punch for one in found.unassigned}


@given(worlds, lives)
def test_every_line_has_its_finding_and_no_finding_two_lines(
    world: str, life: list[int]
) -> None:
    """Money hangs on findings; ids are different; what absorbs is there."""
    found = judged(world, [punch(moment) for moment in life])
    ids = [one.id for one in found.findings]
    assert len(ids) == len(set(ids))
    lines = Counter(line.finding for line in found.deductions)
    assert set(lines.values()) <= {1}
    by_id = {one.id: one for one in found.findings}
    for one in found.findings:
        if one.absorbed_by:
            assert by_id[one.absorbed_by].absorbed_by is None
            assert one.id not in lines
    known = {punch(moment).id for moment in life}
    assert all(set(one.punches) <= known for one in found.findings)


@given(worlds, lives)
@settings(max_examples=20)
def test_the_machine_s_zone_never_matters(world: str, life: list[int]) -> None:
    """Nor its clock: nothing of either comes in."""
    found = [punch(moment) for moment in life]
    here = judged(world, found)
    kept = os.environ.get("TZ")
    try:
        for zone in ("America/New_York", "Pacific/Kiritimati"):
            os.environ["TZ"] = zone
            time.tzset()
            assert judged(world, found) == here
    finally:
        if kept is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = kept
        time.tzset()


def test_nothing_in_the_core_asks_for_the_time() -> None:
    """Nor for the zone or the environment: whoever judges says when it is."""
    asked = {"now", "today", "utcnow", "localtime", "gettimeofday", "getenv", "tzset"}
    known = {"os", "time", "random", "locale", "secrets"}
    for path in sorted(CORE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                assert node.func.attr not in asked, (path.name, node.lineno)
            if isinstance(node, ast.Import):
                names = {one.name.partition(".")[0] for one in node.names}
                assert not names & known, (path.name, node.lineno)
            if isinstance(node, ast.ImportFrom) and node.module:
                assert node.module.partition(".")[0] not in known, path.name
