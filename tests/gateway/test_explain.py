"""`punchgate explain`: from the verdict back to the raw bytes."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from gateway import status
from gateway.cli.explain_evidence import evidence_lines
from gateway.cli.policy import Lang
from gateway.explaining import explain
from gateway.journal_view import of_journal
from gateway.people_view import View
from gateway.settings import load
from gateway.store.drain import Reader
from gateway.store.evidence import Evidence
from gateway.store.journal import FILE
from gateway.store.raw import FILED
from gateway.store.rolling import DROPPED
from tests.gateway.people import SHANGHAI, Site, file, journal, made

DAY = "2026-11-02"
NOW = datetime(2026, 11, 3, 5, 0, tzinfo=SHANGHAI)
READ = dict.fromkeys(("lobby", "annex"), "2026-11-03T05:00:00")
LATE = [
    ("lobby", "1", f"{DAY}T08:31:07"),
    ("annex", "1", f"{DAY}T08:31:37"),
    ("lobby", "1", f"{DAY}T09:40:00"),
    ("lobby", "1", f"{DAY}T12:05:00"),
    ("lobby", "1", f"{DAY}T05:00:00"),
]


def live(tmp_path: Path, *more: str) -> Site:
    """Return a site with a Monday morning in its journal, read to its end."""
    site = made(tmp_path, "2026-11-03T05:00:00", *more)
    journal(site, LATE, READ)
    return site


def test_why_a_session_was_found(tmp_path: Path) -> None:
    """Rule, setting, owed time and window, in words."""
    text = live(tmp_path).run("explain", "p1", DAY, "--lang", "zh")
    for words in (
        "迟到 1分7秒  S0-T19-6(1)  500.00元",
        "迟到、早退每人每次500元",
        "signs.on_the_second = on_time",
        "待解释单位确认 (a) E1",
        "08:30-12:00 (3小时30分)",
        "11-02 06:30:00 … 11-02 13:15:00",
        "日历：工作日",
        "窗口内没有打卡",
        "不在任何时段的窗口内",
    ):
        assert words in text, words


def test_every_punch_says_what_it_was_and_where_it_came_from(tmp_path: Path) -> None:
    """Slot, terminal, position, receipt, raw bytes, entry, acknowledgement."""
    site = live(tmp_path)
    found = site.json("explain", "p1", DAY)
    first = found["sessions"][0]["account"]["punches"]
    uses = [(one["at"][11:19], one["use"]) for one in first]
    assert uses == [
        ("08:31:07", "in"),
        ("08:31:37", "repeat"),
        ("09:40:00", "unused"),
        ("12:05:00", "out"),
    ]
    assert first[1]["about"] == first[0]["id"]
    with closing(sqlite3.connect(tmp_path / "data/journal.db")) as db:
        rows = db.execute("SELECT id, raw, seq FROM punches").fetchall()
    evidence = found["evidence"]
    assert set(evidence) == {row[0] for row in rows}
    for key, raw, seq in rows:
        one = evidence[key]
        assert (bytes.fromhex(one["raw"]), one["seq"]) == (raw, seq)
        assert one["acknowledged"] == (seq == 1)
    shown = evidence[first[0]["id"]]
    assert shown["position"] == 0
    assert shown["received_at"].startswith(f"{DAY}T08:31:07")
    assert (shown["driver"], shown["generation"]) == ("zk", 1)
    text = site.run("explain", "p1", DAY, "--lang", "en")
    assert f"raw {shown['raw']}" in text
    assert f"{shown['epoch']}/{shown['seq']} rev 1  acknowledged" in text
    assert "not acknowledged; no daemon runs" in text
    assert f"repeat of {first[0]['id']}" in text


def test_every_finding_of_a_month_is_answered(tmp_path: Path) -> None:
    """Whatever `month` shows, `explain` has its clause, setting and amount."""
    site = live(tmp_path)
    found = site.json("month", "p1", "--month", "2026-11")["findings"]
    assert found
    for one in found:
        told = site.json("explain", "p1", one["date"])
        mine = [each for s in told["sessions"] for each in s["findings"]]
        (same,) = [
            each for each in [*mine, *told["notices"]] if each["id"] == one["id"]
        ]
        assert same["amount_fen"] == one["amount_fen"]
        assert same["clause_text"]["zh"]
        assert same["setting"]


def test_what_a_session_waits_for(tmp_path: Path) -> None:
    """A terminal that was never read keeps everything pending, in words."""
    site = made(tmp_path, "2026-11-03T05:00:00")
    journal(site, LATE, {"lobby": READ["lobby"]})
    text = site.run("explain", "p1", DAY, "--lang", "zh")
    assert "等待考勤机 annex：从未读取" in text


def test_leave_says_what_it_took_off_or_why_nothing(tmp_path: Path) -> None:
    """The row, its span and its effect."""
    head = '[[leave]]\nperson = "p1"\nkind = "personal"\napproved_by = "leader1"\n'
    one = (
        f'{head}id = "L1"\nfrom = {DAY}T08:30:00\nto = {DAY}T09:00:00\n'
        "applied_at = 2026-10-30T09:00:00\n"
    )
    other = (
        f'{head}id = "L2"\nfrom = {DAY}T14:30:00\nto = {DAY}T17:30:00\n'
        f"applied_at = {DAY}T18:00:00\n"
    )
    text = live(tmp_path, one, other).run("explain", "p1", DAY, "--lang", "zh")
    assert "L1 事假  08:30-09:00  抵应勤 30分" in text
    assert "L2 事假  14:30-17:30  未事先申请，不生效" in text
    assert "未事先请假" in text


def test_why_nothing_was_owed(tmp_path: Path) -> None:
    """No contract, no roster, or a day off."""
    free = '[[people]]\nid = "p9"\nname = "闲"\nvendor = "acme"\n'
    site = live(tmp_path, free)
    for person, day, words in (
        ("p1", "2026-11-01", "当天休息"),
        ("p9", DAY, "当天没有排班"),
        ("p1", "2027-11-02", "不在合同期内"),
    ):
        assert words in site.run("explain", person, day, "--lang", "zh")
        assert words in site.json("explain", person, day)["nothing"]["zh"]


def test_offline_it_knows_the_lines_of_the_file(tmp_path: Path) -> None:
    """A book and a file of punches are enough, without a gateway."""
    site = made(tmp_path)
    file(site, ("p1", f"{DAY}T08:31:07"), ("p1", f"{DAY}T12:05:00"))
    found = site.json("explain", "p1", DAY, live=False)
    assert found["sessions"][0]["account"]["punches"][0]["id"] == "line:2"
    assert (found["evidence"], found["sent"]) == ({}, None)
    text = site.run("explain", "p1", DAY, "--lang", "en", live=False)
    assert "IN  line:2" in text
    assert "charged by" not in text


@contextmanager
def explained(site: Site) -> Iterator[tuple[View, list[Evidence]]]:
    """Give what is known and the evidence of a morning, sent as far as entry 2."""
    loaded = load(site.folder / "gateway.toml")
    said = status.from_journal(loaded, lambda: NOW) | {"uplink": {"sent_upto": 2}}
    reader = Reader(loaded.data_dir / FILE)
    reader.open()
    try:
        view = of_journal(loaded, reader, said, lambda: NOW, date(2026, 11, 2))
        (person,) = [one for one in view.book.people if one.id == "p1"]
        found = explain(view, person, date(2026, 11, 2))
        yield view, list(found.evidence.values())
    finally:
        reader.close()


@pytest.mark.parametrize(
    "generation, en, zh",
    [
        (2, "record 0 (log 2)", "第 0 条（第 2 代）"),
        (FILED, "record 0 (of a file)", "第 0 条（导入文件）"),
        (
            DROPPED,
            "record 0 (dropped since by a full log)",
            "第 0 条（其后被考勤机覆盖）",
        ),
    ],
)
def test_which_log_a_punch_is_of(
    tmp_path: Path, generation: int, en: str, zh: str
) -> None:
    """A state of the terminal's log, a file, or none of them any more."""
    with explained(live(tmp_path)) as (view, evidence):
        one = replace(evidence[0], generation=generation, position=0)
        assert en in "\n".join(evidence_lines(view, one, Lang.EN))
        assert zh in "\n".join(evidence_lines(view, one, Lang.ZH))


def test_how_far_an_entry_got(tmp_path: Path) -> None:
    """Acknowledged, sent, or waiting, by what the daemon says it has sent."""
    with explained(live(tmp_path)) as (view, evidence):
        told = {
            one.seq: list(evidence_lines(view, one, Lang.EN))[-1].rsplit("  ", 1)[1]
            for one in evidence
        }
    assert told == {
        1: "acknowledged",
        2: "sent, not acknowledged",
        3: "waits to be sent",
        4: "waits to be sent",
        5: "waits to be sent",
    }


def test_rows_of_the_book_that_had_a_say_are_named(tmp_path: Path) -> None:
    """Orders, outages, corrections, flags: each with its row."""
    more = f"""[[days]]
date = {DAY}
kind = "work"
by = "leader1"
[[outages]]
terminal = "lobby"
from = {DAY}T17:30:00
to = {DAY}T18:00:00
[[corrections]]
id = "K1"
person = "p1"
at = {DAY}T17:35:00
slot = "out"
reason = "x"
requested_at = 2026-11-03T09:00:00
approved_by = "leader1"
[[corrections]]
id = "K2"
person = "p1"
at = {DAY}T14:20:00
slot = "in"
reason = "x"
requested_at = 2026-11-03T09:00:00
approved_by = "leader1"
second_by = "clerk1"
"""
    text = live(tmp_path, more).run("explain", "p1", DAY, "--lang", "zh")
    for words in ("命令 ", "故障", "签退（补卡）  K1", "签到（补卡）  K2", "有补卡"):
        assert words in text, words
