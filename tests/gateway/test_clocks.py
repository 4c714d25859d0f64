"""Until when a terminal was read, and when punches were made, by all clocks."""

from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.arrivals import Came, Strangers
from gateway.clocks import Clocks
from gateway.core.moments import local
from gateway.terminal_spec import Standing

SHANGHAI = timezone(timedelta(hours=8))
SERIALS = {"lobby": "S1"}


def at(time: str) -> datetime:
    """Return a time of the day of all tests, aware."""
    return datetime.fromisoformat(f"2026-11-02T{time}").replace(tzinfo=SHANGHAI)


def clocks(*measured: tuple[str, float]) -> Clocks:
    """Return the clocks of a site in Shanghai, one of them measured."""
    found = Clocks()
    found.set(ZoneInfo("Asia/Shanghai"), 5)
    found.learn(
        [
            {
                "id": number,
                "serial": "S1",
                "measured_at": at(time).isoformat(timespec="milliseconds"),
                "offset_seconds": offset,
            }
            for number, (time, offset) in enumerate(measured, 1)
        ]
    )
    return found


def read_until(found: Clocks, **standing: Any) -> str | None:
    """Return until when the lobby was read."""
    one = Standing(**standing)
    found.see(SERIALS, {"lobby": one})
    moment = found.read_until("S1", one)
    return None if moment is None else f"{local(moment):%H:%M:%S}"


def row(time: str, zone: str = "Asia/Shanghai") -> dict[str, str]:
    """Return the row of a punch."""
    received = at("23:59:59").isoformat(timespec="milliseconds")
    day = f"2026-11-02T{time}"
    return {"serial": "S1", "zone": zone, "at": day, "received_at": received}


def test_a_log_that_was_not_read_to_its_end_is_read_until_nothing() -> None:
    """No complete read, no watermark."""
    assert read_until(clocks()) is None


def test_with_a_right_clock_it_is_the_moment_of_the_read() -> None:
    """Whole seconds are as far as terminals show."""
    found = clocks(("08:00:00", 0.5))
    assert read_until(found, complete_at=at("12:00:00"), offset_seconds=0.5) == (
        "12:00:00"
    )


def test_with_a_steady_wrong_clock_it_is_the_last_look_at_it() -> None:
    """What was punched since then may carry another time than we think."""
    found = clocks(("08:00:00", -90.0))
    assert (
        read_until(
            found,
            complete_at=at("12:00:00"),
            offset_seconds=-90.2,
            offset_at=at("11:57:00"),
        )
        == "11:57:00"
    )


def test_with_a_clock_that_moved_it_is_the_earliest_of_what_may_be() -> None:
    """A slow clock stamps what is punched now with the past."""
    found = clocks(("08:00:00", 0.0), ("11:58:00", -600.0))
    until = read_until(
        found,
        complete_at=at("12:00:00"),
        offset_seconds=-600.0,
        offset_at=at("11:30:00"),
    )
    assert until == "11:50:00"


def test_a_lost_clock_completes_nothing() -> None:
    """E41: what a clock of the year 2000 stamps is not judged, so nobody is absent."""
    found = clocks(("08:00:00", -8e8))
    told = read_until(
        found,
        complete_at=at("12:00:00"),
        offset_seconds=-8e8,
        offset_at=at("12:00:00"),
    )
    assert told is None


def test_another_zone_is_put_on_the_wall_of_the_site() -> None:
    """E48: each terminal has its zone."""
    (moment,) = clocks().times(row("06:30:00", "Asia/Urumqi"))
    assert f"{local(moment):%H:%M:%S}" == "08:30:00"


@pytest.mark.parametrize("offset, days", [(0.0, 0), (90.0, 1), (2 * 86_400.0, 2)])
def test_how_far_punches_may_stand_beside_their_dates(offset: float, days: int) -> None:
    """So many days around are read from the journal."""
    assert clocks(("08:00:00", offset)).off_days() == days


def test_a_change_of_the_site_begins_anew() -> None:
    """Readings stand on the wall of one site; the same site keeps them."""
    found = clocks(("08:00:00", 90.0))
    found.set(ZoneInfo("Asia/Shanghai"), 5)
    assert found.newest == 1
    found.set(ZoneInfo("Asia/Urumqi"), 5)
    assert (found.newest, found.off_days()) == (0, 0)


def test_punches_concern_their_day_and_those_around() -> None:
    """Known ones their person once a day; implausible ones and others nobody."""
    came = Came()
    assert not came
    for time in ("08:30:00", "12:00:00"):
        place = ("lobby", "S1", "Asia/Shanghai", f"2026-11-02T{time}")
        came.note("p1", None, place, row(time)["received_at"])
        came.note(None, "implausible_time", place, row(time)["received_at"])
    ((person, first, last),) = came.concerned(clocks())
    assert (person, str(first), str(last)) == ("p1", "2026-10-31", "2026-11-03")
    assert came
    assert not came.strange


def test_strangers_are_known_by_the_minute_and_told_once() -> None:
    """A badge of nobody keeps absences of its days waiting."""
    came, strangers = Came(), Strangers()
    place = ("lobby", "S1", "Asia/Shanghai", "2026-11-02T08:30:17")
    for _ in range(2):
        came.note(None, "unknown_badge", place, row("08:30:17")["received_at"])
    days = strangers.add(came.strange, clocks())
    assert [(str(low), str(high)) for low, high in days] == [
        ("2026-10-31", "2026-11-03")
    ]
    moments = [f"{local(one):%H:%M:%S}" for one in strangers.moments["lobby"]]
    assert moments == ["08:30:00", "08:30:59"]
    assert strangers.add(came.strange, clocks()) == set()
