"""Small parts at their edges: sums, words, ids, moments."""

from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.core import moments, wording
from gateway.core.findings import Found, written
from gateway.core.moments import day_of, local, midnight, read
from gateway.core.policy.kinds import FindingKind, Words
from gateway.core.rules.off_post import Missed, added, graded
from tests.gateway.core.judge.days import DAY, MONDAY, NOON, judge, policy

NOON_TIME = datetime.fromisoformat(f"{DAY}T12:00:00")
LATE, OFF = FindingKind.LATE, FindingKind.OFF_POST


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
