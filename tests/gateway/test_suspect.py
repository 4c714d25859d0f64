"""`punchgate suspect`: cases from files, what speaks against them first."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from typer.testing import Result

from gateway import book_files
from gateway.core.calendar import Weekdays, Years
from gateway.core.suspicion.values import Leave
from gateway.suspecting_book import SuspicionBook, closes_after
from gateway.suspecting_cost import expected
from tests.gateway.suspects import (
    FIRST,
    book,
    command,
    day_text,
    events,
    month,
    write,
)

PAIR = {"kind": "pair", "grade": "case", "subject": "p1", "neighbour": "p2"}


def suspect(*arguments: str | Path, code: int = 0) -> Result:
    """Run the command; fail when it ends otherwise."""
    return command("suspect", *arguments, code=code)


def cases(*arguments: str | Path) -> list[dict[str, Any]]:
    """Return the cases of `--json`."""
    found: list[dict[str, Any]] = json.loads(suspect(*arguments, "--json").stdout)[
        "cases"
    ]
    return found


def test_a_planted_proxy_is_a_case_whatever_the_order_of_lines(tmp_path: Path) -> None:
    """Shuffled and doubled lines give the same document to the byte."""
    lines = events(month())
    first, said = write(tmp_path, lines)
    one = suspect("--book", first, "--events", said, "--json").stdout
    rng = random.Random(7)
    rng.shuffle(lines)
    write(tmp_path, lines + lines[:50])
    assert suspect("--book", first, "--events", said, "--json").stdout == one
    (found,) = json.loads(one)["cases"]
    assert PAIR.items() <= found.items()
    assert found["events"] == [f"1-{day_text(n)}T08:11:03" for n in (24, 28, 30, 32)]


def test_every_report_says_what_wrong_cases_would_cost(tmp_path: Path) -> None:
    """Expected false cases a year × 3,000 yuan, and never a probability of guilt."""
    files = write(tmp_path, events(month(0)))
    asked = ("--book", files[0], "--events", files[1])
    document = json.loads(suspect(*asked, "--json").stdout)
    assert document["cases"] == []
    cost = document["expected_false"]
    assert cost["people"] == 4
    assert cost["yuan_per_case"] == 3000
    assert cost["yuan_per_year_at_most"] >= cost["yuan_per_year"] > 0
    english = suspect(*asked, "--lang", "en").stdout
    assert "× 3,000 yuan =" in english
    assert "never a probability of guilt" in english
    chinese = suspect(*asked, "--lang", "zh").stdout
    assert "× 3,000 元 =" in chinese
    assert "不是有罪概率" in chinese


def test_the_cost_grows_with_the_people_of_the_site() -> None:
    """Twice the people, twice the false cases to expect."""
    assert expected(400).a_year == pytest.approx(2 * expected(200).a_year)
    assert expected(0).yuan_at_most == 0


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_begins_with_what_speaks_against(tmp_path: Path, lang: str) -> None:
    """Against, innocent explanations, and only then what speaks for it."""
    rows = month()
    honest = day_text(1)
    rows = [one for one in rows if one[:2] != ("1", f"{honest}T08:10:00")]
    rows.append(("1", f"{honest}T08:11:05", "finger"))
    files = write(tmp_path, events(rows))
    page = suspect("--book", files[0], "--events", files[1], "--lang", lang).stdout
    words = {
        "zh": ("反对的证据", "无辜的解释", "支持的证据", "被疑的打卡", "谈话之前先取"),
        "en": ("Against it", "Innocent", "For it", "Suspected punches", "Fetch before"),
    }[lang]
    places = [page.index(word) for word in words]
    assert places == sorted(places)
    assert page.index(honest) < page.index(words[1])
    assert "甲p1" not in page
    assert all(cell_len(line) < 260 for line in page.splitlines())


def test_punches_of_a_csv_make_the_same_case(tmp_path: Path) -> None:
    """A CSV with words for credentials is as good as events for a pair."""
    files = write(tmp_path, [])
    lines = [f"t0,{badge},{at},{verify}" for badge, at, verify in month()]
    file = tmp_path / "p.csv"
    file.write_text("terminal,badge,at,verify\n" + "\n".join(lines), "utf-8")
    (found,) = cases("--book", files[0], "--punches", file)
    assert PAIR.items() <= found.items()


def test_numbers_of_a_csv_mean_nothing_until_a_terminal_is_calibrated(
    tmp_path: Path,
) -> None:
    """Unknown codes are neutral: only `verify_codes` of a configuration tell them."""
    files = write(tmp_path, [])
    code = {"finger": "1", "card": "4"}
    lines = [f"t0,{badge},{at},{code[verify]}" for badge, at, verify in month()]
    file = tmp_path / "p.csv"
    file.write_text("terminal,badge,at,verify\n" + "\n".join(lines), "utf-8")
    assert cases("--book", files[0], "--punches", file) == []
    config = tmp_path / "gateway.toml"
    config.write_text(
        f'[gateway]\nid = "g"\nsite = "hq"\ndata_dir = "{tmp_path}"\n'
        'book = "book.toml"\n[mqtt]\nhost = "127.0.0.1"\n[[terminals]]\nid = "t0"\n'
        'host = "127.0.0.1"\nverify_codes = { 1 = "finger", 4 = "card" }\n',
        "utf-8",
    )
    assert len(cases("--book", files[0], "--punches", file, "-c", config)) == 1


def test_events_with_problems_are_refused_line_by_line(tmp_path: Path) -> None:
    """Nothing is looked at before every line can be read."""
    lines = events(month(0))[:3]
    lines[1]["verify"] = "eye"
    lines[2]["more"] = 1
    files = write(tmp_path, lines)
    said = suspect("--book", files[0], "--events", files[1], code=2).stderr
    assert ":2: verify: must be one of" in said
    assert ":3: more: is no key of this type" in said


BAD_ROWS = {
    "line 2": "t0,1,yesterday,finger",
    "no terminal": ",1,2026-09-21T08:00:00,finger",
    "columns": "t0,1",
    "eye": "t0,1,2026-09-21T08:00:00,eye",
}


@pytest.mark.parametrize("row", BAD_ROWS.values(), ids=list(BAD_ROWS))
def test_a_bad_row_of_a_csv_is_named_with_its_line(tmp_path: Path, row: str) -> None:
    """A file with a wrong row is refused whole."""
    files = write(tmp_path, [])
    file = tmp_path / "p.csv"
    file.write_text(f"terminal,badge,at,verify\n{row}\n", "utf-8")
    assert "p.csv:2: " in suspect("--book", files[0], "--punches", file, code=2).stderr


BAD_FILES = {
    "header": b"terminal,badge\nt0,1\n",
    "column": b"terminal,badge,at,eye\n",
    "twice": b"terminal,badge,at,at\n",
    "person": b"person,at\np1,2026-09-21T08:00:00\n",
    "encoding": "terminal,badge,at\n大门,1,2026-09-21T08:00:00\n".encode("gb18030"),
    "quotes": b'terminal,badge,at\n"t0,1,2026-09-21T08:00:00\n',
    "year": b"terminal,badge,at\nt0,1,0001-01-01T00:00:00+14:00\n",
}


@pytest.mark.parametrize("data", BAD_FILES.values(), ids=list(BAD_FILES))
def test_a_bad_csv_is_an_error_in_words(tmp_path: Path, data: bytes) -> None:
    """No traceback, no report: exit 2 and the place."""
    files = write(tmp_path, [])
    (tmp_path / "p.csv").write_bytes(data)
    done = suspect("--book", files[0], "--punches", tmp_path / "p.csv", code=2)
    assert "nothing was looked at" in done.stderr
    assert "p.csv:" in done.stderr
    assert "Traceback" not in done.stderr


def test_one_kind_of_input_is_asked_for(tmp_path: Path) -> None:
    """Neither, both, an absent file or no date end with 2."""
    first, said = write(tmp_path, [])
    suspect("--book", first, code=2)
    suspect("--book", first, "--events", said, "--punches", said, code=2)
    suspect("--book", first, "--events", tmp_path / "none", code=2)
    suspect("--book", first, "--events", said, "--through", "soon", code=2)
    said.write_bytes("大门".encode("gb18030"))
    suspect("--book", first, "--events", said, code=2)


def test_through_ends_the_look_on_that_day(tmp_path: Path) -> None:
    """What came later is not looked at."""
    files = write(tmp_path, events(month()))
    asked = ("--book", files[0], "--events", files[1], "--through")
    assert cases(*asked, day_text(20)) == []
    assert cases(*asked, day_text(39))[0]["as_of"] == day_text(39)


MORE = """
[[leave]]
id = "L1"
person = "p1"
kind = "personal"
from = 2026-09-22T08:30:00
to = 2026-09-22T17:30:00
applied_at = 2026-09-21T09:00:00
approved_by = "leader1"
approved_at = 2026-09-21T10:00:00
returned_at = 2026-09-22T12:00:00
[[leave]]
id = "L2"
person = "p1"
kind = "official"
from = 2026-09-23T08:30:00
to = 2026-09-23T17:30:00
applied_at = 2026-09-21T09:00:00
approved_by = "leader1"
[[leave]]
id = "L3"
person = "p1"
kind = "sick"
from = 2026-09-24T08:30:00
to = 2026-09-24T17:30:00
applied_at = 2026-09-21T09:00:00
[[people]]
id = "x"
name = "乙"
from = 2026-09-22
[[outages]]
terminal = "t0"
from = 2026-09-21T08:00:00
to = 2026-09-21T09:00:00
"""


def test_the_book_answers_what_suspicion_asks(tmp_path: Path) -> None:
    """Only approved leave that means absence counts, up to its early end."""
    (tmp_path / "book.toml").write_text(book() + MORE, "utf-8")
    found = book_files.load(tmp_path / "book.toml")
    asked = SuspicionBook(found, Weekdays())
    midnight = (FIRST.toordinal() - 719_163) * 86_400
    day = midnight + 86_400
    assert asked.leave("p1") == [Leave(day + 30_600, day + 43_200, midnight + 36_000)]
    assert asked.leave("p2") == ()
    assert asked.sessions("p1", FIRST) == ((30_600, 43_200), (52_200, 63_000))
    assert asked.sessions("p1", FIRST.replace(day=20)) == ()
    assert asked.sessions("x", FIRST) is None
    assert SuspicionBook(found, Years()).sessions("p1", FIRST) is None
    assert asked.outages("t0") == [(midnight + 28_800, midnight + 32_400)]
    assert asked.outages("t9") == ()
    assert (asked.site_of("t0"), asked.site_of("t9")) == ("hq", "hq")
    assert asked.employed_from("x") == FIRST.replace(day=22)
    assert asked.employed_from("nobody") is None
    assert asked.person_of("t0", "1", FIRST) == "p1"
    assert asked.zone("t0") == "Asia/Shanghai"
    assert asked.travel_minutes("hq", "branch") is None
    assert closes_after(found) == 63_000
