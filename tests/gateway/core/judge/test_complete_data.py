"""E38 and E98: how far data goes, and what a verdict waits for."""

import pytest

from gateway.core.moments import read
from gateway.core.verdicts import Flag
from gateway.core.watermark import Gap, Terminals, Whole
from tests.gateway.core.judge.days import DAY, NOON, REST, judge
from tests.gateway.core.judge.papers import LOBBY


def test_what_a_verdict_waits_for_is_said_in_both_languages() -> None:
    """The terminal and since when; or that nobody ever read it."""
    silent, never = Gap("lobby", NOON), Gap("annex", None)
    assert silent.en == "waits for terminal lobby, silent since 11-02 12:00"
    assert silent.zh == "等待考勤机 lobby：11-02 12:00 起无数据"
    assert never.en == "waits for terminal annex, never read"
    assert never.zh == "等待考勤机 annex：从未读取"


def test_data_up_to_a_moment_is_complete_to_that_second() -> None:
    """And without a moment for ever."""
    mark = Whole(NOON)
    assert mark.gap(("lobby",), NOON) is None
    assert mark.gap(("lobby",), NOON + 1) == Gap("lobby", NOON)
    assert mark.gap((), NOON + 1) == Gap("*", NOON)
    assert Whole().gap(("lobby",), NOON) is None
    assert (mark.now, Whole().now) == (NOON, None)


def test_the_terminal_that_is_furthest_behind_is_named() -> None:
    """One never read before any other; those that do not count do not hold up."""
    mark = Terminals(
        now=NOON,
        read={"a": NOON - 60, "b": NOON - 120, "c": NOON},
        all_terminals=("a", "b"),
        unknown={},
    )
    assert mark.gap(("a", "b"), NOON) == Gap("b", NOON - 120)
    assert mark.gap(("c",), NOON) is None
    assert mark.gap(("c",), NOON + 1) == Gap("c", NOON)
    assert mark.gap((), NOON) == Gap("b", NOON - 120)
    assert mark.gap(("a", "new"), NOON) == Gap("new", None)
    assert mark.gap((), NOON - 120) is None
    ages = Terminals(NOON, {"a": 1, "b": 0}, ("a", "b", "c"), {})
    assert ages.gap(("a", "b"), NOON) == Gap("b", 0)


@pytest.mark.parametrize(
    "terminals, window, parked",
    [
        (("a",), (NOON, NOON + 1), True),
        (("a",), (NOON + 1, NOON + 9), False),
        (("a",), (NOON - 9, NOON), False),
        (("b",), (NOON, NOON + 1), False),
        (("b", "a"), (NOON, NOON + 1), True),
        ((), (NOON, NOON + 1), True),
        (("c",), (NOON, NOON + 1), False),
    ],
)
def test_an_unknown_badge_within_a_window(
    terminals: tuple[str, ...], window: tuple[int, int], *, parked: bool
) -> None:
    """On a terminal that counts; from the first second to the one before the end."""
    unknown = {"a": (NOON,), "b": (NOON - 600,)}
    marks = Whole(None, unknown), Terminals(NOON, {}, ("a", "b"), unknown)
    assert [mark.parked(terminals, window) for mark in marks] == [parked, parked]


def test_e98_incomplete_data_never_makes_an_absence() -> None:
    """Late may be shown, not final and without money; the reason is said."""
    found = judge(("08:31",), watermark=Whole(read(f"{DAY}T10:00:00")))
    assert found.kinds == [("late", 1, 60)]
    assert (found.findings[0].final, found.fen) == (False, [])
    assert found.states == ["pending", "pending"]
    assert found.sessions[0].waits is not None


def test_early_leave_is_not_shown_before_the_end() -> None:
    """Who punched at ten may still come back."""
    found = judge(("08:20", "10:00"), watermark=Whole(read(f"{DAY}T11:00:00")))
    assert found.findings == []
    later = judge(("08:20", "10:00"), watermark=Whole(read(f"{DAY}T12:30:00")))
    assert later.kinds == [("early_leave", 1, 7200)]
    assert not later.findings[0].final


def test_early_leave_is_shown_from_the_second_of_the_end() -> None:
    """At 12:00:00 nobody comes back into that session."""
    for now, shown in (("11:59:59", []), ("12:00:00", [("early_leave", 1, 7200)])):
        mark = Whole(read(f"{DAY}T{now}"))
        assert judge(("08:20", "10:00"), watermark=mark).kinds == shown


@pytest.mark.parametrize("until, final", [("13:14:59", False), ("13:15:00", True)])
def test_a_session_is_complete_when_its_window_is_past(
    until: str, *, final: bool
) -> None:
    """Not a second before."""
    found = judge(("08:31", "12:05"), watermark=Whole(read(f"{DAY}T{until}")))
    (late,) = [one for one in found.findings if one.session == 1]
    assert late.final == final


def test_e98_each_terminal_that_counts_must_have_been_read() -> None:
    """The one that is behind is named."""
    everything = read(f"{DAY}T23:00:00")
    behind = Terminals(
        now=everything,
        read={"lobby": everything, "annex": read(f"{DAY}T07:58:00"), "far": 0},
        all_terminals=("lobby", "annex"),
        unknown={},
    )
    found = judge((), watermark=behind)
    assert (found.findings, found.states) == ([], ["pending", "pending"])
    waits = found.sessions[0].waits
    assert waits is not None
    assert waits.en == "waits for terminal annex, silent since 11-02 07:58"
    lobby = judge((), LOBBY, watermark=behind)
    assert lobby.states == ["found", "pending"]  # the afternoon's window is not past


def test_a_terminal_never_read_is_waited_for() -> None:
    """And named as such."""
    never = Terminals(read(f"{DAY}T23:00:00"), {}, ("lobby",), {})
    waits = judge((), watermark=never).sessions[0].waits
    assert waits is not None
    assert waits.en == "waits for terminal lobby, never read"


def test_e38_an_unknown_badge_keeps_an_absence_pending() -> None:
    """It could be the person's; a lateness it could not be."""
    parked = Whole(None, {"lobby": (read(f"{DAY}T08:20:00"),)})
    found = judge(("12:05", *REST), watermark=parked)
    assert (found.findings, found.states) == ([], ["pending", "ok"])
    assert Flag.WAITS_FOR_BADGE in found.sessions[0].flags
    late = judge(("08:40", "12:05", *REST), watermark=parked)
    assert late.kinds == [("late", 1, 600)]
    other = Whole(None, {"lobby": (read(f"{DAY}T13:15:00"),)})
    assert judge(("12:05", *REST), watermark=other).kinds == [("absence", 1, 12600)]
