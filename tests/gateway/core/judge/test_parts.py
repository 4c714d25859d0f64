"""Small parts at their edges: watermark, clocks, times tried, words, ids, moments."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.core import moments, retiming, wording
from gateway.core.book.days import Correction, Outage, Slot
from gateway.core.findings import Found, written
from gateway.core.moments import day_of, local, midnight, read
from gateway.core.policy.kinds import FindingKind, Words
from gateway.core.retiming import Timed
from gateway.core.rules.clock import Reading, clock
from gateway.core.rules.corrections import Refusal, refusal
from gateway.core.rules.off_post import Missed, added, graded
from gateway.core.verdicts import (
    Finding,
    Flag,
    Judged,
    Mark,
    Punched,
    SessionVerdict,
    State,
)
from gateway.core.watermark import Gap, Terminals, Whole
from tests.gateway.core.judge.days import DAY, calendar, judge, policy, roster

MONDAY = date.fromisoformat(DAY)
NOON = read(f"{DAY}T12:00:00")
NOON_TIME = datetime.fromisoformat(f"{DAY}T12:00:00")


# --- how far data goes --------------------------------------------------------------


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


# --- clocks -------------------------------------------------------------------------


def times(
    readings: Sequence[tuple[int, float]],
    shown: int,
    received: int = 9000,
    seen: tuple[int, float] | None = None,
) -> tuple[int, ...]:
    """Return the times of a punch."""
    last = Reading(*seen) if seen else None
    found = clock([Reading(*one) for one in readings], 5, last)
    return found.times(shown, received)


@pytest.mark.parametrize(
    "shown, expected",
    [
        (1090, (1000,)),
        (1089, (1089, 999)),
        (2090, (2000,)),
        (2091, (2091, 2001)),
    ],
)
def test_a_steady_stretch_holds_from_its_first_to_its_last_reading(
    shown: int, expected: tuple[int, ...]
) -> None:
    """Both seconds count; beside it the raw time is possible too."""
    assert times([(1000, 90.0), (2000, 90.0)], shown) == expected


def test_the_offset_is_that_of_the_reading_before() -> None:
    """It drifts by a few seconds; each punch is corrected by what was measured last."""
    drift = [(1000, 0.0), (2000, 4.0), (3000, 8.0)]
    assert times(drift, 1500) == (1500,)
    assert times(drift, 2003) == (2003,)
    assert times(drift, 2004) == (2000,)
    assert times(drift, 2500) == (2496,)
    assert times(drift, 3008) == (3000,)


@pytest.mark.parametrize(
    "shown, received, expected",
    [
        (1500, 9000, (1500,)),
        (1501, 9000, (1501,)),
        (2001, 9000, (2001,)),
        (2099, 9000, (2099,)),
        (2100, 9000, (2100, 1500)),
        (2599, 9000, (2599, 1999)),
        (2600, 9000, (2000,)),
        (3600, 9000, (3000,)),
        (3601, 9000, (3601, 3001)),
        (3601, 3001, (3601, 3001)),
        (3601, 3000, (3601,)),
        (3601, 9, (3601,)),
    ],
)
def test_between_stretches_both_are_possible(
    shown: int, received: int, expected: tuple[int, ...]
) -> None:
    """Next to a stretch, no further than the next one and never behind the receipt."""
    moved = [(1000, 0.0), (1500, 0.0), (2000, 600.0), (3000, 600.0)]
    assert times(moved, shown, received) == expected


def test_before_the_first_stretch_any_time_is_possible() -> None:
    """What lies behind another stretch belongs to what came after it."""
    assert times([(1000, 90.0), (2000, 90.0)], 150) == (150, 60)
    back = [(1000, 0.0), (1500, 0.0), (2000, -600.0), (3000, -600.0)]
    assert times(back, 899) == (899,)
    assert times(back, 900) == (900, 1500)
    assert times(back, 1400) == (1400, 2000)
    assert times(back, 1000) == (1000, 1600)


def test_a_last_look_counts_only_where_it_agrees() -> None:
    """And where there is a stretch to go on; it never shortens one."""
    assert times([], 1000, seen=(2000, 0.0)) == (1000,)
    assert times([(1000, 90.0)], 1590, seen=(2000, 90.0)) == (1500,)
    assert times([(1000, 90.0)], 1590, seen=(2000, 96.0)) == (1590, 1500)
    assert times([(1000, 90.0), (2000, 90.0)], 2090, seen=(1500, 90.0)) == (2000,)


# --- times that are tried -----------------------------------------------------------


def priced(_: str, kind: FindingKind) -> int:
    """Return what findings cost here."""
    return {FindingKind.LATE: 500, FindingKind.OFF_POST: 1000}.get(kind, 0)


def finding(
    name: str, kind: FindingKind, seconds: int | None = 60, **more: object
) -> Finding:
    """Return a finding of the Monday."""
    made = Finding(
        *(name, kind, "rule", "p1", "acme", MONDAY, 1, seconds, "c", (), (), "s"),
        *(True, "", ""),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def verdict(arrival: Mark | None, departure: Mark | None = None) -> SessionVerdict:
    """Return a session from noon on, of an hour."""
    end = NOON + 3600
    return SessionVerdict(
        "p1", MONDAY, "day", 1, NOON, end, arrival, departure, State.OK
    )


class Costs:
    """Judges by a table: the moment of the punch called `a` decides what is found."""

    def __init__(self, found: dict[int, list[Finding]]) -> None:
        self.found = found
        self.asked: list[int] = []

    def __call__(self, punches: Sequence[Punched]) -> Judged:
        """Judge the punch called `a`."""
        moment = next(one.moment for one in punches if one.id == "a")
        self.asked.append(moment)
        marks = Mark(moment, "a")
        return Judged([verdict(marks)], list(self.found.get(moment, [])))


def tried(costs: Costs, *at: int) -> Judged:
    """Judge the one punch."""
    return retiming.judged([Timed(Punched("a", 0, "hq"), at)], costs, priced)


LATE, OFF, NOTE = (
    FindingKind.LATE,
    FindingKind.OFF_POST,
    FindingKind.RETURN_UNCONFIRMED,
)


def test_certain_times_are_judged_once() -> None:
    """Nothing is tried, nothing flagged."""
    costs = Costs({NOON: [finding("f", LATE)]})
    assert tried(costs, NOON).sessions[0].flags == ()
    assert costs.asked == [NOON]


@pytest.mark.parametrize(
    "first, second, stands",
    [
        ([("f", LATE, 60)], [], 1),
        ([("f", LATE, 60)], [("f", LATE, 60)], 0),
        ([("f", LATE, 61)], [("f", LATE, 60)], 1),
        ([("f", LATE, 60)], [("f", OFF, 1)], 0),
        ([("f", OFF, 1)], [("f", LATE, 9000)], 1),
        ([("f", LATE, 60)], [("f", LATE, None)], 1),
        ([("f", LATE, 1)], [("f", LATE, None)], 1),
        ([("f", LATE, 60), ("n", NOTE, 99)], [("f", LATE, 60)], 0),
    ],
)
def test_less_money_then_less_time(
    first: list[tuple[str, FindingKind, int | None]],
    second: list[tuple[str, FindingKind, int | None]],
    stands: int,
) -> None:
    """The likeliest stands where all cost the same; notices cost nothing at all."""
    moments_ = (NOON, NOON + 100)
    costs = Costs(
        {
            moments_[0]: [finding(*one) for one in first],
            moments_[1]: [finding(*one) for one in second],
        }
    )
    arrival = tried(costs, *moments_).sessions[0].arrival
    assert arrival is not None
    assert arrival.at == moments_[stands]


@pytest.mark.parametrize("waived", [{"absorbed_by": "x"}, {"ruled_by": "x"}])
def test_what_nobody_is_charged_for_weighs_nothing(waived: dict[str, str]) -> None:
    """A finding that was waived, or that another one is charged for."""
    free = replace(finding("f", OFF), **waived)  # type: ignore[arg-type]
    costs = Costs({NOON: [free], NOON + 1: [finding("f", LATE)]})
    arrival = tried(costs, NOON, NOON + 1).sessions[0].arrival
    assert arrival is not None
    assert arrival.at == NOON


@pytest.mark.parametrize(
    "days, matters", [(-3, False), (-2, True), (2, True), (3, False)]
)
def test_times_are_tried_where_something_is_found_near(
    days: int, *, matters: bool
) -> None:
    """Two days around; elsewhere nothing can change."""
    day = date.fromordinal(MONDAY.toordinal() + days)
    costs = Costs({NOON: [finding("f", LATE, date=day), finding("g", LATE, date=day)]})
    tried(costs, NOON, NOON + 1)
    assert (costs.asked == [NOON, NOON + 1]) is matters


def test_one_finding_near_is_enough() -> None:
    """Whatever else is found far away."""
    far = date(2026, 11, 27)
    costs = Costs({NOON: [finding("f", LATE), finding("g", LATE, date=far)]})
    tried(costs, NOON, NOON + 1)
    assert costs.asked == [NOON, NOON + 1]


def test_all_times_of_a_punch_say_where_it_lies() -> None:
    """A time days away concerns the days around it too."""
    far = NOON + 4 * 86_400
    day = day_of(far + 86_400)
    for at in ((NOON, far), (far, NOON)):
        costs = Costs({at[0]: [finding("f", LATE, date=day)]})
        tried(costs, *at)
        assert costs.asked == list(at)
    early = day_of(NOON - 86_400)
    costs = Costs({far: [finding("f", LATE, date=early)]})
    tried(costs, far, NOON)
    assert costs.asked == [far, NOON]


@pytest.mark.parametrize(
    "other, flagged",
    [(-1, False), (0, True), (3599, True), (3600, False)],
)
def test_a_session_that_a_time_falls_into_is_flagged(
    other: int, *, flagged: bool
) -> None:
    """From its first second to its last, though another time stands."""

    def judging(_: Sequence[Punched]) -> Judged:
        return Judged([verdict(None)])

    timed = [
        Timed(Punched("a", 0, "hq"), (NOON - 7200, NOON + other)),
        Timed(Punched("b", 0, "hq"), (NOON - 7200, NOON - 7100)),
    ]
    found = retiming.judged(timed, judging, priced)
    assert (Flag.TIME_UNCERTAIN in found.sessions[0].flags) is flagged


@pytest.mark.parametrize(
    "marks, flagged",
    [(("a", None), True), ((None, "a"), True), (("b", "b"), False), (("b", "a"), True)],
)
def test_a_session_that_rests_on_an_uncertain_sign_is_flagged(
    marks: tuple[str | None, str | None], *, flagged: bool
) -> None:
    """Its IN or its OUT; another punch makes nothing uncertain."""
    signs = [Mark(NOON, name) if name else None for name in marks]

    def judging(_: Sequence[Punched]) -> Judged:
        return Judged([verdict(*signs)])

    timed = [
        Timed(Punched("a", 0, "hq"), (NOON - 7200, NOON - 7100)),
        Timed(Punched("b", 0, "hq"), (NOON,)),
    ]
    found = retiming.judged(timed, judging, priced)
    assert (Flag.TIME_UNCERTAIN in found.sessions[0].flags) is flagged


# --- corrections --------------------------------------------------------------------


def asked(
    at: str, requested: str, approved: str = "leader1", second: str = ""
) -> Correction:
    """Return a make-up punch."""
    return Correction(
        id="C",
        person="p1",
        at=datetime.fromisoformat(at),
        slot=Slot.IN,
        reason="忘",
        requested_at=datetime.fromisoformat(requested),
        approved_by=approved,
        second_by=second,
    )


QUOTA = policy(
    "client-contract",
    ('evidence = "fault_or_two"', 'evidence = "none"'),
    ("per_month = 0", "per_month = 2"),
    ("within_workdays = 0", "within_workdays = 3"),
).file.corrections


def refused(
    row: Correction, *accepted: Correction, outages: Sequence[Outage] = ()
) -> object:
    """Return why a make-up punch is refused by a rule with quota and deadline."""
    return refusal(
        row,
        accepted=accepted,
        outages=outages,
        settings=QUOTA,
        entitled=lambda name, _act, _day: bool(name),
        calendar=calendar(),
    )


@pytest.mark.parametrize(
    "requested, why",
    [
        ("2026-11-05T23:59:59", None),
        ("2026-11-06T00:00:00", Refusal.TOO_LATE),
    ],
)
def test_three_working_days_are_the_deadline(requested: str, why: object) -> None:
    """Monday's until Thursday night."""
    assert refused(asked("2026-11-02T08:25:00", requested)) is why


def test_the_quota_is_of_the_calendar_month() -> None:
    """Two in October leave November alone; two in November are all."""
    row = asked("2026-11-02T08:25:00", "2026-11-02T18:00:00")
    october = asked("2026-10-30T08:25:00", "2026-10-30T18:00:00")
    year = asked("2025-11-03T08:25:00", "2025-11-03T18:00:00")
    assert refused(row, october, october, year, year, row) is None
    assert refused(row, row, row) is Refusal.QUOTA_SPENT


def test_a_deadline_nobody_knows_refuses_nothing() -> None:
    """The year behind has no calendar."""
    assert refused(asked("2038-12-31T08:25:00", "2039-06-01T08:00:00")) is None


# --- added up -----------------------------------------------------------------------


def test_adding_up_needs_a_limit_and_events() -> None:
    """Exactly the limit is not above it; the kind stays where there is no limit."""
    late = Missed(LATE, 1, 100, ("a",))
    early = Missed(FindingKind.EARLY_LEAVE, 2, 101, ("b",), at_end=True)
    assert added([late, early], 201) == [late, early]
    assert added([late, early], None) == [late, early]
    assert added([], 0) == []
    assert added([late, early], 200) == [Missed(OFF, 1, 201, ("a", "b"))]
    assert [graded(late, one).kind for one in (None, 100, 99)] == [LATE, LATE, OFF]
    assert graded(early, 100) == replace(early, kind=OFF)


# --- words, ids, moments ------------------------------------------------------------


@pytest.mark.parametrize(
    "seconds, zh, en",
    [
        (0, "0秒", "0 s"),
        (1, "1秒", "1 s"),
        (60, "1分", "1 min"),
        (3600, "1小时", "1 h"),
        (3661, "1小时1分1秒", "1 h 1 min 1 s"),
        (7325, "2小时2分5秒", "2 h 2 min 5 s"),
    ],
)
def test_how_long_something_took(seconds: int, zh: str, en: str) -> None:
    """Parts that are nothing are left out, all but one."""
    assert wording.duration(seconds) == Words(zh, en)


def test_seconds_are_said_where_there_are_any() -> None:
    """08:30, and 08:30:01."""
    assert wording.clock(NOON) == "12:00"
    assert wording.clock(NOON + 1) == "12:00:01"


def test_the_id_of_a_finding_is_a_contract() -> None:
    """Rulings and the centre refer to it: it must never change."""
    (late,) = judge(("08:40", "12:05", "14:20", "17:35")).findings
    assert late.id == "f1_ampfsuq5kjodelnyyksfhxfebf"


def test_an_id_is_of_what_was_found_whose_and_when() -> None:
    """Never of how long, of words or of punches; text is taken as it is."""
    rule = policy()
    one = Found(LATE, MONDAY, 1, 60, Words("z", "e"), "s", shift="day")
    same = replace(one, seconds=61, words=Words("y", "f"), punches=("a",), setting="t")

    def key(found: Found, person: str = "p1") -> str:
        made = written(found, rule, person, "acme")
        assert made is not None
        return made.id

    assert key(one) == key(same)
    others = [
        key(replace(one, kind=OFF)),
        key(replace(one, session=2)),
        key(replace(one, session=None)),
        key(replace(one, shift="night")),
        key(replace(one, about="end")),
        key(replace(one, date=date(2026, 11, 3))),
        key(one, "p2"),
        key(one, "甲"),
    ]
    assert len({key(one), *others}) == 9
    assert key(one, "甲") == "f1_jyqdmsd2cmorasx6zbpxcmmqev"


def test_moments_are_seconds_of_the_wall() -> None:
    """From the first day on, each of 86,400; there and back again."""
    assert midnight(date(1, 1, 1)) == 86_400
    assert read("2026-11-02T12:00:00") - midnight(MONDAY) == 43_200
    assert moments.wall(NOON_TIME.replace(microsecond=999_999)) == NOON
    assert local(NOON) == NOON_TIME
    assert (day_of(NOON), day_of(midnight(MONDAY) - 1)) == (MONDAY, date(2026, 11, 1))


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-02 12:00:00",
        "2026-11-02T12:00",
        "2026-11-02T12:00:00Z",
        "2026-11-02T24:00:00",
        "2026-11-02T12:60:00",
        "2026-11-02T12:00:60",
        "2026-02-30T12:00:00",
        "2026-11-02T12:00:0\u0661",
        "20261102T12:00:0000",
        "2026-11-02T1200:00:",
        "2026-W45-1T12:00:00",
        "",
    ],
)
def test_only_whole_local_times_are_read(text: str) -> None:
    """Anything else is an error that quotes it."""
    with pytest.raises(ValueError, match=r"time"):
        read(text)


@pytest.mark.parametrize(
    "zone, at, expected",
    [
        ("Asia/Shanghai", "2026-03-02T08:30:00", "2026-03-02T08:30:00+08:00"),
        ("America/New_York", "2026-03-08T01:59:59", "2026-03-08T01:59:59-05:00"),
        ("America/New_York", "2026-03-08T03:00:00", "2026-03-08T03:00:00-04:00"),
        ("Asia/Kathmandu", "2026-03-08T23:59:59", "2026-03-08T23:59:59+05:45"),
    ],
)
def test_a_moment_is_written_with_the_offset_of_its_zone(
    zone: str, at: str, expected: str
) -> None:
    """As JSON has it; it changes where the zone turns its clocks."""
    assert moments.text(read(at), ZoneInfo(zone)) == expected


def test_a_year_nobody_knows_shows_the_shift_as_it_stands() -> None:
    """Pending, with its sessions, their numbers and their times."""
    only = """
[[contracts]]
id = "c1"
vendor = "acme"
policy = "client-contract"
from = 2026-01-01
to = 2039-12-31
"""
    found = judge((), roster(), day="2038-03-01", contract=only).sessions
    said = [
        (one.session, f"{local(one.start):%H:%M}", f"{local(one.end):%H:%M}")
        for one in found
    ]
    assert said == [(1, "08:30", "12:00"), (2, "14:30", "17:30")]
