"""Live punches: those of now, corrected by what is known of the terminal's clock."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import live
from gateway.core.values import Punch
from gateway.outgoing import live_punch
from tests.builders import NOW, STAMP, punch

SHANGHAI = timedelta(hours=8)
AT = "2026-11-02T08:00:01"  # of NOW, in Shanghai


def made(at: str = AT, **changes: Any) -> Punch:
    """Return a punch received NOW, by a clock nobody measured."""
    return replace(punch(), at=at, **{"offset_seconds": None, **changes})


def after(seconds: float) -> str:
    """Return the local time so long after NOW."""
    shown = (NOW + SHANGHAI).replace(tzinfo=None) + timedelta(seconds=seconds)
    return shown.isoformat(timespec="seconds")


@pytest.mark.parametrize(
    "seconds, now",
    [
        (0, True),
        (-300, True),
        (-301, False),
        (300, True),
        (301, False),
        (-86400, False),
    ],
)
def test_within_five_minutes_is_now(seconds: int, now: bool) -> None:  # noqa: FBT001 - a table
    """On the edge, a second before and a second after; yesterday is history."""
    assert live.is_now(made(after(seconds))) is now


def test_a_wrong_clock_is_corrected() -> None:
    """A clock that is two hours fast shows now as two hours later."""
    assert live.is_now(made(after(7200), offset_seconds=7200.0))
    assert not live.is_now(made(after(0), offset_seconds=7200.0))
    assert not live.is_now(made(after(7200)))


def test_a_clock_that_lost_its_date_is_corrected_too() -> None:
    """A terminal that lives in 2000 makes punches of now, as far as it was measured."""
    off = (datetime(2000, 1, 1, tzinfo=UTC) - NOW).total_seconds()
    shown = after(off)
    assert shown.startswith("2000-01-01")
    assert live.is_now(made(shown, offset_seconds=off))
    assert not live.is_now(made(shown))


def test_an_absurd_offset_harms_nothing() -> None:
    """No year is far enough; the punch is delivered, only not live."""
    for off in (-1e11, 1e11, 2.4e11):
        assert not live.is_now(made(offset_seconds=off))


def test_the_zone_is_the_terminals() -> None:
    """The same wall clock two hours further west is another moment."""
    assert not live.is_now(made(zone="Asia/Urumqi"))
    assert live.is_now(made(after(-7200), zone="Asia/Urumqi"))


@pytest.mark.parametrize("minutes", [-4, 0, 4])
@pytest.mark.parametrize("hour", [0, 1])
def test_the_hour_that_comes_twice(minutes: int, hour: int) -> None:
    """Clocks are turned back: both times such an hour comes, its punches are of now."""
    received = datetime(2026, 10, 25, 0, 30, tzinfo=UTC) + timedelta(hours=hour)
    shown = f"2026-10-25T02:{30 + minutes}:00"
    assert live.is_now(made(shown, received_at=received, zone="Europe/Berlin"))
    away = f"2026-10-25T02:{30 + minutes + (10 if minutes > 0 else -10)}:00"
    assert not live.is_now(made(away, received_at=received, zone="Europe/Berlin"))


def test_across_midnight() -> None:
    """A punch of two minutes ago may be of yesterday."""
    received = datetime(2026, 11, 1, 16, 1, tzinfo=UTC)
    assert live.is_now(made("2026-11-01T23:59:00", received_at=received))
    assert live.is_now(made("2026-11-02T00:02:00", received_at=received))


def test_history_never_appears() -> None:
    """A log of years with one punch of now in it gives that one."""
    log = [made(f"2026-{m:02d}-{d:02d}T08:00:01") for m in range(1, 11) for d in (1, 2)]
    assert list(live.of_now([*log, made(), *log])) == [made()]


@given(
    st.integers(-(10**6), 10**6),
    st.none() | st.integers(-(10**6), 10**6).map(float),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "UTC"]),
)
def test_it_is_the_distance_in_seconds(
    seconds: int, off: float | None, zone: str
) -> None:
    """Whatever the clock shows: five minutes around the receipt, corrected."""
    shown = (NOW + timedelta(seconds=seconds)).astimezone(ZoneInfo(zone))
    one = made(shown.strftime("%Y-%m-%dT%H:%M:%S"), zone=zone, offset_seconds=off)
    beside = [seconds - (off or 0)]
    if zone == "Europe/Berlin":  # October has an hour that comes twice
        beside += [beside[0] - 3600, beside[0] + 3600]
    assert live.is_now(one) <= any(abs(x) <= live.NOW_SECONDS for x in beside)
    assert live.is_now(one) >= (abs(beside[0]) <= live.NOW_SECONDS)


def test_the_message() -> None:
    """What displays get: ids and times, no name, and the id that comes on punch."""
    found = json.loads(live_punch(replace(punch(), badge="1001"), "hq", "gw-1"))
    assert found == {
        "v": 1,
        "site": "hq",
        "gateway": "gw-1",
        "terminal": "lobby",
        "serial": "VT00000001",
        "id": punch().id,
        "badge": "1001",
        "person": "p01",
        "reason": None,
        "at": "2026-11-02T08:00:00",
        "zone": "Asia/Shanghai",
        "verify": "finger",
        "state": 0,
        "received_at": STAMP,
        "offset_seconds": 0.5,
    }
    assert json.loads(live_punch(punch(badge="9"), "hq", "gw-1"))["reason"] == (
        "unknown_badge"
    )
