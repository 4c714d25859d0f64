"""`punchgate day`: exceptions first, from the journal and from files."""

import hashlib
from pathlib import Path

from rich.cells import cell_len

from tests.gateway.people import NAMES, Site, book, file, journal, made

GOOD = ("08:20:00", "12:05:00", "14:20:00", "17:35:00")
LEAVE = """[[leave]]
id = "L1"
person = "p4"
kind = "personal"
from = 2026-11-02T08:00:00
to = 2026-11-02T18:00:00
applied_at = 2026-10-30T09:00:00
approved_by = "leader1"
letter_at = 2026-10-30T10:00:00
"""
MESSY = (
    ("p1", ("08:31:07", *GOOD[1:])),
    ("p2", ("10:20:00", *GOOD[1:])),
    ("p3", ("08:10:00", "08:40:00", *GOOD[2:])),
    ("p4", GOOD[:3]),
    ("p5", GOOD),
)
SAID = """[[rulings]]
id = "R1"
on = "WAIVED"
decision = "waive"
by = ["leader1"]
at = 2026-11-04T09:00:00
reason = "x"
[[leave]]
id = "L2"
person = "p2"
kind = "personal"
from = 2026-11-02T08:00:00
to = 2026-11-02T10:30:00
applied_at = 2026-10-30T09:00:00
approved_by = "leader1"
[[leave]]
id = "L5"
person = "p5"
kind = "personal"
from = 2026-11-02T09:00:00
to = 2026-11-02T09:30:00
applied_at = 2026-11-02T10:00:00
approved_by = "leader1"
[[corrections]]
id = "K1"
person = "p4"
at = 2026-11-02T17:35:00
slot = "out"
reason = "x"
requested_at = 2026-11-03T09:00:00
approved_by = "leader1"
"""
MORNING = [
    ("lobby", "1", "2026-11-02T08:20:00"),
    ("annex", "2", "2026-11-02T08:41:00"),
]


def past(tmp_path: Path) -> Site:
    """Return a whole Monday from a file: one of each."""
    site = made(tmp_path, "2026-11-05T09:00:00", LEAVE)
    times = {"p1": GOOD, "p2": ("08:31:07", *GOOD[1:]), "p5": GOOD}
    file(
        site,
        *((who, f"2026-11-02T{at}") for who, found in times.items() for at in found),
    )
    return site


def test_exceptions_come_first_and_a_line_sums_up(tmp_path: Path) -> None:
    """Absent, late, on leave; who is fine is counted alone."""
    text = past(tmp_path).run("day", "2026-11-02", "--lang", "en", live=False)
    places = [text.index(word) for word in ("absent", "late", "on leave", "Mon 11-02")]
    assert places == sorted(places)
    last = text.splitlines()[-1]
    assert last == "Mon 11-02: 5 people · 2 ok · 1 late · 1 on leave · 1 absent"
    assert "late 1 min 7 s  S0-T19-6(1)  500.00 yuan" in text
    assert "p1 " not in text


def test_the_same_in_chinese(tmp_path: Path) -> None:
    """Headings, groups and the line at the end."""
    text = past(tmp_path).run("day", "2026-11-02", "--lang", "zh", live=False)
    last = text.splitlines()[-1]
    assert last == "11-02 周一：5 人 · 正常 2 · 迟到 1 · 请假 1 · 旷工 1"
    assert "已由同日另一认定计价" in text


def test_columns_are_straight_with_double_width_names(tmp_path: Path) -> None:
    """The times of all people stand in one column of the screen."""
    text = past(tmp_path).run("day", "2026-11-02", "--lang", "zh", live=False)
    lines = [line for line in text.splitlines() if "08:30-12:00" in line]
    assert len(lines) == 3
    assert len({cell_len(line[: line.index("08:30-12:00")]) for line in lines}) == 1


def test_as_json(tmp_path: Path) -> None:
    """Counts, and each session with its group, findings and money."""
    found = past(tmp_path).json("day", "2026-11-02", live=False)
    assert found["people"] == 5
    assert found["counts"] == {"absent": 1, "late": 1, "on_leave": 1, "ok": 2}
    late = next(one for one in found["entries"] if one["person"] == "p2")
    assert late["sessions"][0]["group"] == "late"
    assert late["deductions"][0]["amount_fen"] == 50000


def messy(tmp_path: Path) -> Site:
    """Return a day on which somebody had a say about everybody."""
    site = made(tmp_path, "2026-11-05T09:00:00")
    file(site, *((who, f"2026-11-02T{at}") for who, found in MESSY for at in found))
    late = site.json("day", "2026-11-02", live=False)["entries"]
    waived = next(one for one in late if one["person"] == "p1")["findings"][0]["id"]
    more = SAID.replace("WAIVED", waived)
    (tmp_path / "book.toml").write_text(book(more), "utf-8")
    return site


def test_what_people_decided_is_shown_with_the_reason(tmp_path: Path) -> None:
    """Waived, excused, noted; a refused correction is told at the end."""
    text = messy(tmp_path).run("day", "2026-11-02", "--lang", "zh", live=False)
    for words in (
        "裁定 R1 免除",
        "未销假  S0-T19-9",
        "[按先后认定签到签退]",
        "! p4 补卡 K1 未采纳",
        "未事先请假",
    ):
        assert words in text, words
    last = text.splitlines()[-1]
    assert last == "11-02 周一：5 人 · 有提示 2 · 脱岗 1 · 已裁定 1 · 旷工 1"


def test_a_dead_terminal_excuses(tmp_path: Path) -> None:
    """Excused is a group of its own, and so is what waits for a ruling."""
    outages = "".join(
        f'[[outages]]\nterminal = "{name}"\nfrom = 2026-11-02T08:00:00\n'
        'to = 2026-11-02T09:00:00\ndecision = "excused"\ndecided_by = "clerk1"\n'
        for name in ("lobby", "annex")
    )
    site = made(tmp_path, "2026-11-05T09:00:00", outages)
    file(site, *((who, f"2026-11-02T{at}") for who in NAMES for at in GOOD[1:]))
    text = site.run("day", "2026-11-02", "--lang", "en", live=False)
    assert text.splitlines()[-1] == "Mon 11-02: 5 people · 5 excused"


def test_today_by_the_clock_of_the_site_says_who_is_missing(tmp_path: Path) -> None:
    """Everything was read past the start: who did not sign in is not here."""
    site = made(tmp_path, "2026-11-02T10:00:00", LEAVE)
    read = dict.fromkeys(("lobby", "annex"), "2026-11-02T09:59:00")
    journal(site, MORNING, read)
    text = site.run("day", "--lang", "en")
    assert text.splitlines()[-1] == (
        "Mon 11-02: 5 people · 1 fine so far · 1 late · 1 on leave"
        " · 2 not signed in yet"
    )
    assert "not final" in text
    assert "waits for" not in text


def test_who_may_have_punched_on_a_silent_terminal_is_pending(tmp_path: Path) -> None:
    """With the words why; never called missing."""
    site = made(tmp_path, "2026-11-02T10:00:00", LEAVE)
    journal(
        site,
        MORNING,
        {"lobby": "2026-11-02T07:58:00", "annex": "2026-11-02T09:59:00"},
    )
    text = site.run("day", "--lang", "en")
    assert "waits for terminal lobby, silent since 11-02 07:58" in text
    assert "2 pending" in text.splitlines()[-1]
    assert "not signed in" not in text


def test_before_the_day_begins_nobody_is_missing(tmp_path: Path) -> None:
    """They are counted as not begun."""
    site = made(tmp_path, "2026-11-02T07:00:00")
    journal(site, [], dict.fromkeys(("lobby", "annex"), "2026-11-02T06:59:00"))
    assert site.run("day", "--lang", "en").strip() == (
        "Mon 11-02: 5 people · 5 not begun"
    )


def test_looking_changes_nothing(tmp_path: Path) -> None:
    """The journal's bytes are the same afterwards."""
    site = made(tmp_path)
    journal(site, MORNING, {})
    path = tmp_path / "data/journal.db"
    before = hashlib.sha256(path.read_bytes()).digest()
    site.run("day")
    site.run("month", "p1", "--month", "2026-11")
    site.run("explain", "p1", "2026-11-02")
    assert hashlib.sha256(path.read_bytes()).digest() == before


def test_what_is_asked_wrong_is_said(tmp_path: Path) -> None:
    """Half of the files, no day, no journal yet, a book with problems."""
    site = made(tmp_path)
    file(site)
    assert "belong together" in site.run("day", "--book", "b.toml", code=2)
    assert "is no day" in site.run("day", "monday", code=2, live=False)
    assert "daemon makes it" in site.run("day", code=1)
    (tmp_path / "book.toml").write_text("version = 1\n", "utf-8")
    assert "problems" in site.run("day", code=2, live=False)
    assert "problems" in site.run("day", code=2)
