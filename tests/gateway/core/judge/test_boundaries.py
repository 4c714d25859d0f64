"""E1 to E12, E111, E112: on the second, behind it, and what a missing sign is."""

import pytest

from tests.gateway.core.judge.days import GOOD, judge, leave, policy, roster

MORNING = ("14:20", "17:35")  # the afternoon is fine


def test_a_day_without_anything_wrong() -> None:
    """Four signs, each before or behind its time."""
    found = judge(GOOD)
    assert found.ok()
    assert found.states == ["ok", "ok"]
    assert found.marks() == ("08:20:00", "12:05:00")
    assert found.fen == []


@pytest.mark.parametrize(
    "times, kinds, fen",
    [
        pytest.param(("08:30:00", "12:05"), [], [], id="E1"),
        pytest.param(("08:30:01", "12:05"), [("late", 1, 1)], [50000], id="E2"),
        pytest.param(("08:30:59", "12:05"), [("late", 1, 59)], [50000], id="E2b"),
        pytest.param(("08:20", "12:00:00"), [], [], id="E3"),
        pytest.param(("08:20", "11:59:59"), [("early_leave", 1, 1)], [50000], id="E4"),
        pytest.param(("11:30:00", "12:05"), [("late", 1, 10800)], [50000], id="E5"),
        pytest.param(
            ("11:30:01", "12:05"), [("off_post", 1, 10801)], [100000], id="E6"
        ),
        pytest.param(
            ("08:50", "09:10"),
            [("late", 1, 1200), ("early_leave", 1, 10200)],
            [50000, 50000],
            id="E10",
        ),
        pytest.param(
            ("08:31", "11:59"),
            [("late", 1, 60), ("early_leave", 1, 60)],
            [50000, 50000],
            id="E12",
        ),
    ],
)
def test_one_morning(
    times: tuple[str, ...], kinds: list[tuple[str, int, int]], fen: list[int]
) -> None:
    """Seconds decide; the amount is that of S0-T19-6(1)."""
    found = judge((*times, *MORNING))
    assert sorted(found.kinds) == sorted(kinds)
    assert found.fen == fen
    assert all(one.clause == "S0-T19-6(1)" for one in found.findings)


def test_e2_minute_precision_is_a_setting() -> None:
    """With it the whole minute 08:30 is on time and 08:31 is late by a minute."""
    rule = policy("client-contract", ('precision = "second"', 'precision = "minute"'))
    assert judge(("08:30:59", "12:05", *MORNING), forced=rule).ok()
    late = judge(("08:31:00", "12:05", *MORNING), forced=rule)
    assert late.kinds == [("late", 1, 60)]


def test_e1_inclusive_is_a_setting() -> None:
    """With it the second itself is late."""
    rule = policy(
        "client-contract", ('on_the_second = "on_time"', 'on_the_second = "late"')
    )
    assert judge(("08:30:00", "12:05", *MORNING), forced=rule).kinds == [("late", 1, 1)]
    assert judge(("08:29:59", "12:05", *MORNING), forced=rule).ok()
    early = judge(("08:20", "12:00:00", *MORNING), forced=rule)
    assert early.kinds == [("early_leave", 1, 1)]
    assert judge(("08:20", "12:00:01", *MORNING), forced=rule).ok()


def test_e7_the_afternoon_cannot_be_off_post_by_lateness() -> None:
    """It is exactly three hours long: any IN before its end is late at most."""
    found = judge(("08:20", "12:05", "17:29:59", "17:35"))
    assert found.kinds == [("late", 2, 10799)]


def test_e8_one_punch_cannot_be_both_ends() -> None:
    """Only at or after the end: the OUT is there, the IN missing."""
    found = judge(("08:20", "12:05", "17:30:00"))
    assert found.kinds == [("absence", 2, 10800)]
    assert found.marks(1) == (None, "17:30:00")
    rule = policy(
        "client-contract",
        ('signs_after_end = "absence"', 'signs_after_end = "off_post"'),
    )
    other = judge(("08:20", "12:05", "17:30:00"), forced=rule)
    assert other.kinds == [("off_post", 2, 10800)]


def test_e9_grace_counts_from_the_official_time() -> None:
    """Within it nothing, behind it everything."""
    rule = policy("client-contract", ("grace_minutes = 0", "grace_minutes = 5"))
    assert judge(("08:35:00", "12:05", *MORNING), forced=rule).ok()
    assert judge(("08:35:01", "12:05", *MORNING), forced=rule).kinds == [
        ("late", 1, 301)
    ]


@pytest.mark.parametrize(
    "how, kinds",
    [
        ("event", [("early_leave", 1, 10200), ("late", 1, 1200)]),
        ("session", [("off_post", 1, 11400)]),
        ("day", [("off_post", 1, 11400)]),
    ],
)
def test_e10_adding_up_is_a_setting(
    how: str, kinds: list[tuple[str, int, int]]
) -> None:
    """20 minutes late and 2:50 early are 3:10 together."""
    rule = policy("client-contract", ('add_up = "event"', f'add_up = "{how}"'))
    found = judge(("08:50", "09:10", *MORNING), forced=rule)
    assert sorted(found.kinds) == kinds


def test_e10_over_a_day() -> None:
    """Two hours late in the morning, two in the afternoon."""
    rule = policy("client-contract", ('add_up = "event"', 'add_up = "day"'))
    found = judge(("10:30", "12:05", "16:30", "17:35"), forced=rule)
    assert found.kinds == [("off_post", 1, 14400)]
    assert found.fen == [100000]
    assert found.states == ["found", "ok"]


def test_e11_late_twice_is_twice() -> None:
    """Morning and afternoon are two events."""
    found = judge(("08:31", "12:05", "14:31", "17:35"))
    assert found.kinds == [("late", 1, 60), ("late", 2, 60)]
    assert found.fen == [50000, 50000]


def test_e12_highest_only_is_a_setting() -> None:
    """Of two findings of one session the dearer is charged and named."""
    rule = policy(
        "client-contract", ('same_session = "each"', 'same_session = "highest"')
    )
    found = judge(("11:31", "11:40", *MORNING), forced=rule)
    by_kind = {one.kind.value: one for one in found.findings}
    assert found.fen == [100000]
    assert by_kind["early_leave"].absorbed_by == by_kind["off_post"].id
    assert by_kind["off_post"].absorbed_by is None


@pytest.mark.parametrize(
    "times, session",
    [
        pytest.param(("12:05", "14:20", "17:35"), 1, id="in"),
        pytest.param(("08:20", "14:20", "17:35"), 1, id="out"),
        pytest.param(("08:20", "12:05", "17:35"), 2, id="in2"),
        pytest.param(("08:20", "12:05", "14:20"), 2, id="out2"),
    ],
)
def test_e111_one_of_four_missing_is_absence(
    times: tuple[str, ...], session: int
) -> None:
    """The literal text; nothing else of that session stands beside it."""
    found = judge(times)
    seconds = {1: 12600, 2: 10800}[session]
    assert found.kinds == [("absence", session, seconds)]
    assert found.fen == [200000]
    assert found.findings[0].setting == "verdicts.one_sign_missing = absence"


def test_e111_missing_punch_is_a_setting() -> None:
    """With a deadline: first a missing punch that costs nothing, then absence."""
    rule = policy(
        "client-contract",
        ('one_sign_missing = "absence"', 'one_sign_missing = "missing_punch"'),
        ("missing_punch_workdays = 3", "missing_punch_workdays = 0"),
    )
    found = judge(("08:20", "14:20", "17:35"), forced=rule)
    assert found.kinds == [("missing_punch", 1, 12600)]
    assert (found.fen, found.states) == ([], ["unpriced", "ok"])
    both = judge(("14:20", "17:35"), forced=rule)
    assert both.kinds == [("absence", 1, 12600)]


def test_e110_absence_is_charged_once_a_day() -> None:
    """Both sessions missed: two findings, one line, and the second names the first."""
    found = judge(())
    first, second = found.findings
    assert [(one.kind, one.session) for one in found.findings] == [
        ("absence", 1),
        ("absence", 2),
    ]
    assert found.fen == [200000]
    assert found.lines[0].finding == first.id
    assert (first.absorbed_by, second.absorbed_by) == (None, first.id)
    rule = policy("client-contract", ('absence_per = "day"', 'absence_per = "session"'))
    assert judge((), forced=rule).fen == [200000, 200000]


def test_e112_absence_and_off_post_of_one_day() -> None:
    """In two sessions both are charged."""
    found = judge(("11:31", "12:05"))
    assert [one.kind for one in found.findings] == ["off_post", "absence"]
    assert found.fen == [100000, 200000]


def test_partly_on_leave_and_late() -> None:
    """Owed time alone counts: E78 in short."""
    found = judge(
        ("10:31", "12:05", *MORNING),
        leave(f"{'2026-11-02'}T08:30:00", "2026-11-02T10:30:00"),
    )
    assert ("late", 1, 60) in found.kinds


def test_nobody_owes_anything_without_a_roster() -> None:
    """No duty, no verdict; the punches are kept."""
    found = judge(GOOD, roster("day", "2026-11-05"))
    assert (found.sessions, found.findings) == ([], [])
    assert len(found.left) == 4
