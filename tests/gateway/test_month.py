"""`punchgate month`: a person, a vendor, and the spreadsheet."""

from datetime import datetime, time
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

from tests.gateway.people import Site, file, journal, made

GOOD = ("08:20:00", "12:05:00", "14:20:00", "17:35:00")


def november(tmp_path: Path) -> Site:
    """Return a file of two days of two people, one of them late twice."""
    site = made(tmp_path, "2026-11-05T09:00:00")
    times = {
        "2026-11-02": ("08:31:07", *GOOD[1:]),
        "2026-11-17": ("08:31:07", "17:35:00"),
    }
    file(
        site,
        *(
            (who, f"{day}T{at}")
            for who in ("p1", "p2")
            for day, found in times.items()
            for at in found
        ),
    )
    return site


def test_a_person_s_month_has_every_duty_and_totals(tmp_path: Path) -> None:
    """Signs, states, findings with clause and amount, totals by clause."""
    text = november(tmp_path).run(
        *("month", "p2", "--month", "2026-11", "--lang", "en"), live=False
    )
    assert "11-02 Mon  day 1  08:30-12:00  08:31:07  12:05:00  found" in text
    assert "late 1 min 7 s  S0-T19-6(1)  500.00 yuan" in text
    assert "11-30 Mon" in text


def test_amounts_of_two_policies_are_never_added(tmp_path: Path) -> None:
    """The contract changed in mid-month: each policy has its own total."""
    found = november(tmp_path).json("month", "p2", "--month", "2026-11", live=False)
    assert set(found["amount_fen"]) == {"client-contract", "single-session"}
    for name, fen in found["amount_fen"].items():
        mine = [one for one in found["findings"] if one["policy"] == name]
        assert fen == sum(one["amount_fen"] or 0 for one in mine)
    counted = sum(one["count"] for one in found["totals"])
    assert counted == len(found["findings"])


def test_a_vendor_has_a_line_for_each_person(tmp_path: Path) -> None:
    """By id or name of the vendor, with the same totals as its people."""
    site = november(tmp_path)
    found = site.json("month", "--vendor", "acme", "--month", "2026-11", live=False)
    assert [one["person"] for one in found["people"]] == ["p1", "p2", "p3", "p4", "p5"]
    for name, fen in found["amount_fen"].items():
        assert fen == sum(one["amount_fen"].get(name, 0) for one in found["people"])
    text = site.run(
        *("month", "--vendor", "甲运维服务公司", "--month", "2026-11", "--lang", "zh"),
        live=False,
    )
    assert "合计（client-contract）" in text


def test_days_that_have_not_come_are_left_out(tmp_path: Path) -> None:
    """A running month ends today."""
    site = made(tmp_path, "2026-11-03T09:00:00")
    journal(site, [], dict.fromkeys(("lobby", "annex"), "2026-11-03T08:59:00"))
    found = site.json("month", "p1")
    assert {one["date"] for one in found["duties"]} == {"2026-11-02", "2026-11-03"}
    assert found["to"] == "2026-11-03"


def cells(path: Path, tab: str) -> list[tuple[Any, ...]]:
    """Return the rows of a sheet."""
    book = load_workbook(path)
    return list(book[tab].iter_rows(values_only=True))


def test_the_sheet_of_a_person_is_typed_and_titled(tmp_path: Path) -> None:
    """Dates are dates, times are times, amounts numbers in yuan; Chinese headings."""
    path = tmp_path / "p.xlsx"
    november(tmp_path).run(
        *("month", "p2", "--month", "2026-11", "--xlsx", str(path)), live=False
    )
    title, heads, first, *_ = cells(path, "明细")
    assert title[0] == "=1+1（p2）2026年11月01日至11月30日考勤明细"
    assert heads[0] == "日期"
    assert heads[-1] == "扣款（元）"
    assert first[0] == datetime(2026, 11, 2)  # noqa: DTZ001 - sheets have no zone
    assert first[6] == time(8, 31, 7)
    assert first[-1] == 500
    sheet = load_workbook(path)["明细"]
    assert sheet.freeze_panes == "A3"
    assert sheet["N3"].number_format == "#,##0.00"
    assert sheet["A3"].number_format == "yyyy-mm-dd"
    assert sheet.print_title_rows == "$1:$2"


def test_no_text_of_a_sheet_is_a_formula(tmp_path: Path) -> None:
    """A name that begins with = or @ stays what it is."""
    path = tmp_path / "v.xlsx"
    site = november(tmp_path)
    site.run(
        *("month", "--vendor", "acme", "--month", "2026-11", "--xlsx", str(path)),
        live=False,
    )
    book = load_workbook(path)
    found = {cell.value: cell.data_type for row in book["汇总"] for cell in row}
    assert (found["=1+1"], found["@丁"]) == ("s", "s")
    kinds = {cell.data_type for sheet in book for row in sheet for cell in row}
    assert "f" not in kinds


def test_the_sheet_of_a_vendor_keeps_policies_apart(tmp_path: Path) -> None:
    """One column for each policy, and sums that are its own."""
    path = tmp_path / "v.xlsx"
    site = november(tmp_path)
    asked = ("month", "--vendor", "acme", "--month", "2026-11")
    site.run(*asked, "--xlsx", str(path), live=False)
    found = site.json(*asked, live=False)["amount_fen"]
    _, heads, *people, last = cells(path, "汇总")
    assert heads[-2:] == ("扣款（元）client-contract", "扣款（元）single-session")
    assert [sum(row[n] for row in people) * 100 for n in (-2, -1)] == list(
        found.values()
    )
    assert [value * 100 for value in last[-2:]] == list(found.values())


RULED = """
[[approvers]]
name = "leader1"
may = ["rule"]
[[approvers]]
name = "clerk1"
may = ["rule"]
[[rulings]]
id = "R1"
on = "c-7f3k"
decision = "confirm"
persons = ["p1"]
punches = ["2026-11-02T08:31:07@lobby"]
by = ["clerk1", "leader1"]
at = 2026-11-04T10:00:00
reason = "监控录像"
heard_at = 2026-11-03T10:00:00
statement = "本人承认"
"""


def test_what_people_ruled_stands_on_its_date_as_found(tmp_path: Path) -> None:
    """A confirmed proxy punch has no session and costs money: it is no mere note."""
    site = made(tmp_path, "2026-11-05T09:00:00", RULED)
    file(site, *(("p1", f"2026-11-02T{at}") for at in GOOD))
    path = tmp_path / "p.xlsx"
    asked = ("month", "p1", "--month", "2026-11", "--lang")
    text = site.run(*asked, "en", "--xlsx", str(path), live=False)
    line = next(one for one in text.splitlines() if "S0-T19-6(2)" in one)
    assert line.split()[0] == "found"  # below the sessions of its date
    (row,) = [one for one in cells(path, "明细") if one[-1] == 3_000]
    assert row[8] == "有认定"


def test_what_is_asked_wrong_is_said(tmp_path: Path) -> None:
    """Nobody, two things at once, two people of one name, no month, no place."""
    site = november(tmp_path)

    def refused(*arguments: str, code: int = 2) -> str:
        return site.run("month", *arguments, code=code, live=False)

    assert "name a person" in refused()
    assert "name a person" in refused("p1", "--vendor", "acme")
    assert "p1, p5" in refused("甲一")
    assert "nobody called" in refused("nobody", code=1)
    assert "no vendor" in refused("--vendor", "nobody", code=1)
    assert "is no month" in refused("p1", "--month", "2026-13")
    nowhere = str(tmp_path / "none/p.xlsx")
    assert "cannot be written" in refused("p2", "--xlsx", nowhere, code=1)
