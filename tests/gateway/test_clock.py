"""The story clock: one story for all processes."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import Story, real_now, text

CHINA = timezone(timedelta(hours=8))
TOLD = "2026-11-02T08:20:00+08:00@60@1763690000.5"


def test_a_story_is_told_and_understood() -> None:
    """What one process writes another reads as the same story."""
    story = Story.parse(TOLD)
    start = datetime(2026, 11, 2, 8, 20, tzinfo=CHINA)
    assert story == Story(start, 60.0, 1763690000.5)
    assert str(story) == TOLD


@given(
    st.datetimes(timezones=st.just(CHINA)),
    st.floats(0.001, 1e9),
    st.floats(0, 4e9),
)
def test_every_story_survives_being_told(
    start: datetime, speed: float, began: float
) -> None:
    """All processes of a demo agree to the last digit, without talking."""
    story = Story(start, speed, began)
    assert Story.parse(str(story)) == story


@pytest.mark.parametrize(
    "told",
    [
        "",
        "2026-11-02T08:20:00+08:00@60",
        "2026-11-02T08:20:00@60@0",
        "yesterday@60@0",
        "2026-11-02T08:20:00+08:00@fast@0",
        "2026-11-02T08:20:00+08:00@60@0@0",
    ],
)
def test_half_a_story_is_refused(told: str) -> None:
    """A story needs a start with its offset, a speed and a beginning."""
    with pytest.raises(ValueError, match=r"unpack|offset|isoformat|convert"):
        Story.parse(told)


def test_the_story_passes_at_its_speed() -> None:
    """One real second is a story minute at speed 60; the zone stays."""
    start = datetime(2026, 11, 2, 8, 20, tzinfo=CHINA)
    before = time.time()
    told = Story(start, 60.0, before - 10).now()
    after = time.time()
    assert timedelta(minutes=10) <= told - start
    assert told - start <= timedelta(minutes=10, seconds=60 * (after - before) + 0.01)
    assert told.utcoffset() == timedelta(hours=8)


def test_two_clocks_of_one_story_agree() -> None:
    """A second process that heard the story later has the same present."""
    one, two = Story.parse(TOLD), Story.parse(TOLD)
    first, second, third = one.now(), two.now(), one.now()
    assert first <= second <= third


def test_the_present_is_aware() -> None:
    """No naive time leaves this module."""
    before = datetime.now(UTC)
    assert before <= real_now() <= datetime.now(UTC)


def test_moments_are_written_with_milliseconds_and_offset() -> None:
    """The wire and the journal have one form of a moment."""
    moment = datetime(2026, 11, 2, 8, 20, 1, 999_999, tzinfo=CHINA)
    assert text(moment) == "2026-11-02T08:20:01.999+08:00"
    assert text(moment.replace(microsecond=0)) == "2026-11-02T08:20:01.000+08:00"
