"""Records into punches: identity, attribution, and what is no punch."""

import base64
import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.normalise import VERIFY_CODES, clean_badge, normalise, punch_id
from gateway.core.values import (
    NotJudged,
    Punch,
    Rejected,
    Source,
    Unreadable,
    VerifyMode,
)
from tests.builders import NOW, book, punch, record

BOOK = book()


def test_the_vector() -> None:
    """The published vector: anybody can compute an id."""
    expected = "p1_seg7ptumbnbeuubdxjffpoofnr"
    assert punch_id("VT00000001", "0042", "2026-11-02T08:00:00") == expected
    assert punch(badge="0042").id == expected


@given(st.text(), st.text() | st.from_regex(r"[0-9A-Za-z一-龥]{1,9}"), st.booleans())
def test_every_id_is_that_of_its_json(serial: str, badge: str, plain: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever text a terminal gives: the published definition, without short cuts."""
    at = "2026-11-02T08:00:00" if plain else '2026-11-02T08:00:00"'
    identity = [serial, clean_badge(badge), at]
    text = json.dumps(identity, ensure_ascii=False, separators=(",", ":"))
    digest = base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()
    assert punch_id(serial, badge, at) == "p1_" + digest.lower()[:26]


def test_ids_that_must_differ() -> None:
    """Leading zeros, serials, seconds and what stands inside a badge count."""
    ids = {
        punch_id(serial, badge, at)
        for serial in ("VT1", "VT2")
        for badge in ("42", "042", "0042", "4 2", "\uff14\uff12", "甲")
        for at in ("2026-11-02T08:00:00", "2026-11-02T08:00:01", "2026-02-31T08:00:00")
    }
    assert len(ids) == 2 * 6 * 3


def test_text_that_is_not_ascii_goes_in_as_it_is() -> None:
    """The id is of the UTF-8 text, not of escapes."""
    assert punch_id("S", "甲", "2026-11-02T08:00:00") == "p1_lngp2zqguwwhtphupcujgiyeng"


@given(st.text(" \0", max_size=5), st.text(" \0", max_size=5))
def test_padding_is_no_part_of_a_badge(before: str, behind: str) -> None:
    """Fixed-width fields are padded in many ways; it is one badge."""
    found = punch(badge=f"{before}0042{behind}")
    assert (found.badge, found.person) == ("0042", "p02")
    assert found.id == punch(badge="0042").id
    assert clean_badge(before + behind) == ""


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=24)


@given(
    texts.filter(clean_badge),
    st.datetimes(datetime(2000, 1, 1), datetime(2063, 1, 1)),  # noqa: DTZ001 - device time
    st.sampled_from(["lobby", "machine-room", "elsewhere"]),
    st.integers(0, 255),
    st.integers(0, 255),
    st.none() | st.integers(0, 2**32 - 1),
    st.none() | st.binary(min_size=8, max_size=40),
    st.sampled_from(Source),
)
def test_an_id_is_of_serial_badge_and_second_alone(  # noqa: PLR0913, PLR0917 - every field of a record is varied
    badge: str,
    at: datetime,
    terminal: str,
    verify: int,
    state: int,
    work: int | None,
    raw: bytes | None,
    source: Source,
) -> None:
    """E33, E34: by whichever gateway and way, known or unknown, it is one punch."""
    second = at.isoformat(timespec="seconds")
    found = punch(
        badge=badge,
        at=second,
        terminal=terminal,
        verify=verify,
        state=state,
        work=work,
        raw=raw,
        source=source,
        position=verify,
        offset_seconds=None,
        received_at=datetime(2026, 11, 3, tzinfo=UTC),
    )
    assert found.id == punch(badge=badge, at=second).id
    assert found.at == second
    assert (found.verify_code, found.state, found.work) == (verify, state, work)
    assert (found.raw, found.source) == (raw, source)
    assert (found.person is None) <= (found.reason is not None)


@pytest.mark.parametrize(
    "at",
    [
        "2026-02-31T08:00:00",
        "2026-02-29T08:00:00",
        "2026-13-01T08:00:00",
        "2026-00-00T00:00:00",
        "0000-01-01T00:00:00",
        "2026-11-02T24:00:01",
        "2026-11-02T08:60:00",
        "2026-11-02T08:00:60",
        "2026-11-02 08:00:00",
        "2026-11-02T08:00",
        "2026-11-02T08:00:00Z",
        "2026-11-02T08:00:00+08:00",
        "\uff12\uff10\uff12\uff16-11-02T08:00:00",
        "2026-11-02T08:00:00\n",
        "",
    ],
)
def test_a_time_that_does_not_exist_is_rejected(at: str) -> None:
    """E44: a record whose date is in no calendar is kept whole, with the reason."""
    whole = record(at=at, raw=b"\x01\x02")
    assert normalise(whole, BOOK) == Rejected(whole, Unreadable.IMPOSSIBLE_TIME)


@pytest.mark.parametrize(
    "at, second",
    [
        ("2026-12-31T23:59:60", "2026-12-31T23:59:59"),
        ("2027-01-01T07:59:60", "2027-01-01T07:59:59"),
    ],
)
def test_e50_a_leap_second_is_the_second_before(at: str, second: str) -> None:
    """It is judged, it is one punch with that second, and its bytes say what came."""
    found = punch(at=at, raw=b"60")
    assert (found.at, found.reason, found.raw) == (second, None, b"60")
    assert found.id == punch(at=second).id


@pytest.mark.parametrize("at", ["2026-02-31T23:59:60", "2026-11-02T08:58:60"])
def test_e50_no_other_second_is_taken_for_one(at: str) -> None:
    """On a date that does not exist, or in mid-hour, it is no time; kept as it came."""
    whole = record(at=at, raw=b"60")
    assert normalise(whole, BOOK) == Rejected(whole, Unreadable.IMPOSSIBLE_TIME)


@pytest.mark.parametrize("badge", ["", " ", "\0\0\0", " \0 "])
def test_a_record_without_a_badge_is_rejected(badge: str) -> None:
    """E43: nobody at all is not an unknown badge; the record is kept whole."""
    whole = record(badge=badge)
    assert normalise(whole, BOOK) == Rejected(whole, Unreadable.NO_BADGE)


@pytest.mark.parametrize(
    "at, received, reason",
    [
        ("2000-01-01T00:00:00", 2026, NotJudged.IMPLAUSIBLE_TIME),
        ("2000-12-31T23:59:59", 2026, NotJudged.IMPLAUSIBLE_TIME),
        ("2001-01-01T00:00:00", 2026, None),
        ("2026-02-28T23:59:59", 2026, None),
        ("2024-02-29T08:00:00", 2026, None),
        ("2027-12-31T23:59:59", 2026, None),
        ("2028-01-01T00:00:00", 2026, NotJudged.IMPLAUSIBLE_TIME),
        ("2063-05-05T08:00:00", 2026, NotJudged.IMPLAUSIBLE_TIME),
        ("2026-11-02T08:00:00", 1970, None),
        ("2027-11-02T08:00:00", 1970, None),
        ("2031-11-02T08:00:00", 2030, None),
        ("2032-01-01T00:00:00", 2030, NotJudged.IMPLAUSIBLE_TIME),
    ],
)
def test_a_time_nobody_meant_travels_but_is_not_judged(
    at: str, received: int, reason: NotJudged | None
) -> None:
    """E41, E42, E51: years decide; the time stays and the person is still said."""
    found = punch(at=at, received_at=NOW.replace(year=received))
    assert (found.person, found.reason, found.at) == ("p01", reason, at)


@pytest.mark.parametrize(
    "badge", ["9999", "1" * 24, "甲乙丙", "a\x1bb", "a\nb", "a\0b", "42", "=1+1"]
)
def test_an_unknown_badge_travels_as_it_is(badge: str) -> None:
    """Hostile or long, a badge is delivered without a person and with the reason."""
    found = punch(badge=badge)
    assert (found.badge, found.person) == (badge, None)
    assert found.reason is NotJudged.UNKNOWN_BADGE


def test_an_implausible_time_is_said_before_an_unknown_badge() -> None:
    """One reason per punch: a lost clock explains why the book knew nobody."""
    found = punch(badge="9999", at="2063-01-01T00:00:00")
    assert (found.person, found.reason) == (None, NotJudged.IMPLAUSIBLE_TIME)


def test_attribution_follows_the_devices_date() -> None:
    """The enrolment of the day on the terminal's wall counts."""
    later = book(
        '[[enrolments]]\nperson = "p02"\nbadge = "5"\nfrom = 2026-11-02\n'
        '[[enrolments]]\nperson = "p01"\nbadge = "5"\nto = 2026-11-01\n'
    )
    for at, person in (("2026-11-01T23:59:59", "p01"), ("2026-11-02T00:00:00", "p02")):
        found = normalise(record(badge="5", at=at), later)
        assert isinstance(found, Punch)
        assert found.person == person


@pytest.mark.parametrize(
    "code, mode",
    [
        (1, VerifyMode.FINGER),
        (3, VerifyMode.PASSWORD),
        (4, VerifyMode.CARD),
        (15, VerifyMode.FACE),
        (25, VerifyMode.PALM),
        (0, VerifyMode.UNKNOWN),
        (2, VerifyMode.UNKNOWN),
        (255, VerifyMode.UNKNOWN),
    ],
)
def test_verify_codes(code: int, mode: VerifyMode) -> None:
    """Known codes have names; others stay unknown with their number."""
    found = punch(verify=code)
    assert (found.verify, found.verify_code) == (mode, code)


def test_a_terminals_own_table_replaces_the_usual_one() -> None:
    """A code that the terminal's table lacks is unknown, not guessed."""
    own = {0: VerifyMode.FINGER}
    for code, mode in ((0, VerifyMode.FINGER), (1, VerifyMode.UNKNOWN)):
        found = normalise(record(verify=code), BOOK, own)
        assert isinstance(found, Punch)
        assert found.verify is mode
    assert VERIFY_CODES[1] is VerifyMode.FINGER


def test_the_zone_is_the_terminals() -> None:
    """E48: a punch says in which zone its wall clock stands."""
    assert punch().zone == "Asia/Shanghai"
    assert punch(terminal="machine-room").zone == "Asia/Urumqi"
