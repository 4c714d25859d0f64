"""The rule with one session a day, 8:30 to 17:30: two signs, nothing charged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.moments import read
from gateway.core.policy import FindingKind
from gateway.core.verdicts import Flag
from gateway.core.watermark import Whole
from tests.gateway.core.judge.days import (
    DAY,
    Result,
    judge,
    leave,
    policy,
    punches,
    roster,
    rows,
)

RULE = policy("single-session")
SINGLE = roster("single")
RETURNED = f"returned_at = {DAY}T17:00:00"
day_seconds = st.lists(st.integers(0, 86_399), max_size=8)


def single(*times: str, more: tuple[str, ...] = (), **known: object) -> Result:
    """Judge the Monday by this rule."""
    return judge(times, SINGLE, *more, forced=RULE, **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "times, found",
    [
        pytest.param(("08:20", "17:40"), [], id="good"),
        pytest.param(("08:30:00", "17:30:00"), [], id="E1-E3-on-the-second"),
        pytest.param(("08:30:01", "17:40"), [("late", 1, 1)], id="E2-a-second-late"),
        pytest.param(
            ("08:20", "17:29:59"), [("early_leave", 1, 1)], id="E4-a-second-early"
        ),
        pytest.param(
            ("11:30:01", "17:40"),
            [("late", 1, 10801)],
            id="E6-late-whatever-its-length",
        ),
        pytest.param(("17:29:59", "17:40"), [("late", 1, 32399)], id="E7-nearly-all"),
        pytest.param(("17:30:00",), [("absence", 1, 32400)], id="E8-only-at-the-end"),
        pytest.param(
            ("08:31", "17:29"),
            [("early_leave", 1, 60), ("late", 1, 60)],
            id="E12-both-ends",
        ),
        pytest.param(("08:20",), [("absence", 1, 32400)], id="E13-E111-one-sign"),
        pytest.param(("08:20", "12:50", "17:40"), [], id="E14-lunch-is-nothing"),
        pytest.param(("08:10", "08:40", "17:40"), [], id="E17-the-earliest"),
        pytest.param(("08:20", "12:01", "14:20", "17:40"), [], id="E19-four-punches"),
        pytest.param(
            ("06:29:59", "17:40"), [("absence", 1, 32400)], id="E24a-too-early"
        ),
        pytest.param(("06:30:00", "17:40"), [], id="E24a-early"),
        pytest.param(
            ("08:20:00", "08:20:59"), [("absence", 1, 32400)], id="E26-repeat"
        ),
        pytest.param((), [("absence", 1, 32400)], id="nothing"),
    ],
)
def test_a_day(times: tuple[str, ...], found: list[tuple[str, int, int]]) -> None:
    """Cases of the contract's rule, as this one decides them."""
    judged = single(*times)
    assert sorted(judged.kinds) == found
    assert judged.fen == []
    assert judged.states == [("unpriced" if found else "ok")]
    assert {one.clause for one in judged.findings} <= {"S2-P1-2.3"}
    assert {one.policy for one in judged.findings} <= {"single-session"}


def test_the_middle_of_the_day_is_at_one() -> None:
    """One punch there is the IN, a second later the OUT."""
    assert single("13:00:00").marks() == ("13:00:00", None)
    assert single("13:00:01").marks() == (None, "13:00:01")


def test_the_out_may_come_until_four_in_the_morning() -> None:
    """E24b: the next day's window opens later."""
    assert single("08:20", "2026-11-03T03:59:59").ok()
    assert single("08:20", "2026-11-03T04:00:00").kinds == [("absence", 1, 32400)]


def test_leave_covers_hours_without_a_letter() -> None:
    """No letter at any length; both ends of what is left are owed."""
    off = leave(f"{DAY}T08:30:00", f"{DAY}T14:30:00", RETURNED)
    assert single("14:30:00", "17:40", more=(off,)).ok()
    late = single("14:30:01", "17:40", more=(off,))
    assert [(one.kind.value, one.seconds, one.clause) for one in late.findings] == [
        ("late", 1, "S2-P1-2.3"),
        ("leave_overstay", None, "S2-P1-2"),
    ]
    assert (late.fen, late.states) == ([], ["unpriced"])


def test_leave_that_was_not_applied_for_before_covers_nothing() -> None:
    """A notice tells, under the clause on the client's rules."""
    off = leave(
        f"{DAY}T08:30:00", f"{DAY}T10:00:00", RETURNED, applied=f"{DAY}T09:00:00"
    )
    found = single("10:00", "17:40", more=(off,))
    assert [(one.kind.value, one.clause) for one in found.findings] == [
        ("late", "S2-P1-2.3"),
        ("leave_unnotified", "S2-P1-2"),
    ]


def made_up(at: str, slot: str, number: int, requested: str) -> str:
    """Return a make-up punch that one person approved."""
    return rows(
        "corrections",
        f'id = "C{number}"',
        'person = "p1"',
        f"at = {at}",
        f'slot = "{slot}"',
        'reason = "忘记打卡"',
        f"requested_at = {requested}",
        'approved_by = "leader1"',
    )


def test_three_make_up_punches_a_month_need_one_approver() -> None:
    """The fourth is refused; so is one asked for on the fourth working day."""
    given_ = [
        made_up(f"2026-11-0{n}T08:25:00", "in", n, f"2026-11-0{n}T18:00:00")
        for n in range(2, 6)
    ]
    times = [f"2026-11-0{n}T17:40" for n in range(2, 6)]
    found = single(*times, more=tuple(given_), last="2026-11-05")
    assert found.states == ["ok", "ok", "ok", "unpriced"]
    assert found.warnings == ["correction C5 refused: the month's quota is spent"]
    late = made_up(f"{DAY}T08:25:00", "in", 1, "2026-11-06T00:00:00")
    assert single("17:40", more=(late,)).warnings == [
        "correction C1 refused: asked for too late"
    ]


def test_nothing_is_final_before_the_window_is_past() -> None:
    """2.0.7 holds for every rule: pending, late shown, no absence."""
    found = single("10:00", watermark=Whole(read(f"{DAY}T20:00:00")))
    assert (found.kinds, found.states) == ([("late", 1, 5400)], ["pending"])
    assert not found.findings[0].final


def test_a_missing_punch_first_is_a_setting_here_too() -> None:
    """Three working days to explain it; then it is absence."""
    rule = policy(
        "single-session",
        ('one_sign_missing = "absence"', 'one_sign_missing = "missing_punch"'),
    )
    for now, kind in (("2026-11-05", "missing_punch"), ("2026-11-06", "absence")):
        mark = Whole(read(f"{now}T12:00:00"))
        found = judge(("08:20",), SINGLE, forced=rule, watermark=mark)
        assert [one.kind.value for one in found.findings] == [kind]
        assert (found.fen, found.states) == ([], ["unpriced"])


def at(seconds: int) -> str:
    """Return a time of the Monday."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


@given(day_seconds)
def test_nothing_is_ever_charged(life: list[int]) -> None:
    """Whatever came: no line, and every kind is one that the rule names."""
    found = single(*map(at, life))
    assert found.fen == []
    named = {FindingKind.LATE, FindingKind.EARLY_LEAVE, FindingKind.ABSENCE}
    assert {one.kind for one in found.findings} <= named
    assert all(one.final for one in found.findings)


@given(day_seconds)
def test_first_and_last_decide(life: list[int]) -> None:
    """Computed by hand from the text: the IN by the earliest, the OUT by the latest."""
    start, end = 8 * 3600 + 1800, 17 * 3600 + 1800
    seen = sorted(one for one in life if one >= start - 7200)
    found = single(*map(at, life))
    # One chain of punches within a minute is one sign; two need two chains.
    chains = 0
    begun = -60
    for one in seen:
        if one - begun >= 60:
            chains, begun = chains + 1, one
    signed_in = bool(seen) and seen[0] < end
    signed_out = bool(seen) and seen[-1] > start
    if chains > 1 and signed_in and signed_out:
        late, early = max(seen[0] - start, 0), max(end - seen[-1], 0)
        wanted = [("early_leave", 1, early)] * bool(early) + [("late", 1, late)] * bool(
            late
        )
        assert sorted(found.kinds) == wanted
    else:
        assert found.kinds == [("absence", 1, 32400)]


@given(day_seconds, st.permutations(range(8)))
def test_order_and_repetition_never_matter(life: list[int], order: list[int]) -> None:
    """However rows come in, and however often."""
    mixed = [at(life[n]) for n in order if n < len(life)]
    assert single(*map(at, life)) == single(*mixed, extra=punches(*mixed[:3]))


@given(day_seconds, st.integers(0, 7200))
def test_an_on_time_punch_never_makes_things_worse(life: list[int], more: int) -> None:
    """Before the start or behind the end, once both signs are there."""
    before = single(*map(at, life))
    if None in before.marks():
        return

    def missed(found: Result) -> int:
        return sum(one.seconds or 0 for one in found.findings)

    for extra in (8 * 3600 + 1800 - more, 17 * 3600 + 1800 + more):
        assert missed(single(*map(at, [*life, extra]))) <= missed(before)


def test_flags_are_the_same_as_elsewhere() -> None:
    """A sign nearer to the other end, a key that contradicts."""
    assert single("14:00", "17:40").sessions[0].flags == (Flag.BY_PLACE,)
    assert single("08:20/1", "17:40").sessions[0].flags == (Flag.KEY_CONTRADICTS,)
