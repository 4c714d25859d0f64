"""Log lines as text: six columns, or a reason."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.attlog import AttlogLine, format_line, parse_line
from tests.drivers.captures import CAPTURES

badges = st.text(st.characters(exclude_characters="\t\r\n", codec="utf-8"), max_size=12)


def test_a_known_line() -> None:
    """The id is 9 wide; column 3 is the device, not the state."""
    line = AttlogLine("1", "2026-10-03T08:59:01", 1, 0, 1, 0)
    text = "        1\t2026-10-03 08:59:01\t1\t0\t1\t0"
    assert format_line(line) == text
    assert parse_line(text + "\r\n") == line


@given(
    badges.filter(lambda badge: badge == badge.strip(" ")),
    st.integers(0, 0xFFFF),
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 0xFFFFFFFF),
)
def test_lines_survive(
    badge: str, device: int, state: int, verify: int, work: int
) -> None:
    """parse_line undoes format_line, impossible dates and long badges included."""
    line = AttlogLine(badge, "2026-02-31T08:00:00", device, state, verify, work)
    assert parse_line(format_line(line)) == line


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "1 columns"),
        ("1\t2026-10-03 08:59:01\t1\t0\t1", "5 columns"),
        ("1\tUser\t2026-10-03 08:59:01\t1\t0\t1", "no time"),
        ("1\t2026-10-03T08:59:01\t1\t0\t1\t0", "no time"),
        ("1\t2026-10-03 08:59:01\tx\t0\t1\t0", "no device id"),
        ("1\t2026-10-03 08:59:01\t1\t256\t1\t0", "no state of 0 to 255"),
        ("1\t2026-10-03 08:59:01\t1\t0\t-1\t0", "no verify"),
        ("1\t2026-10-03 08:59:01\t1\t0\t1\t4294967296", "no work code"),
    ],
)
def test_what_is_no_line(text: str, reason: str) -> None:
    """The reason names the column."""
    with pytest.raises(ValueError, match=re.escape(reason)):
        parse_line(text)


@pytest.mark.parametrize("badge", ["a\tb", "a\nb", " a", "a\r"])
def test_badges_that_would_read_back_otherwise(badge: str) -> None:
    """Nothing is written that another line would be read from."""
    with pytest.raises(ValueError, match="cannot hold the badge"):
        format_line(AttlogLine(badge, "2026-10-03T08:59:01"))


@pytest.mark.parametrize(
    "name, good, badges",
    [("a_2020_2022_23pins.dat", 24162, 23), ("d_2015_135pins_crlf.dat", 5567, 135)],
)
def test_real_files(name: str, good: int, badges: int) -> None:
    """Files of real terminals, LF and CRLF: every line is one."""
    path = CAPTURES.parent / "attlog" / name
    if not path.exists():
        pytest.skip("captures absent")
    with path.open(encoding="utf-8", newline="") as file:
        read = [parse_line(text) for text in file]
    assert (len(read), len({line.badge for line in read})) == (good, badges)
