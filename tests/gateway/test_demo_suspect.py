"""The demo's planted proxy: what is planted, what is shown, what is proved."""

import json
import random
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from drivers.attlog import AttlogLine
from gateway.cli import demo_site
from gateway.cli.demo_guests import guests
from gateway.cli.demo_suspect import HELPED, HELPER, DemoHelper, cover

DAY = date(2026, 10, 30)
BADGES = [str(1001 + n) for n in range(10)]
CASE = {"id": "c-7f3k", "days": [{"speaks": "for"}, {"speaks": "against"}, {}]}


def lines(*badges: str) -> list[AttlogLine]:
    """Return a day of these badges."""
    times = ("08:25:00", "12:05:00")
    return [AttlogLine(badge, f"{DAY}T{time}") for badge in badges for time in times]


def test_the_helped_has_one_card_right_behind_the_helper() -> None:
    """Their own punches of the day are gone; nobody stands between the two."""
    helped, helper = BADGES[HELPED], BADGES[HELPER]
    found = lines(*BADGES)
    cover(found, BADGES, DAY, random.Random(1))
    (only,) = [one for one in found if one.badge == helped]
    assert only.verify == 4
    ordered = sorted(found, key=lambda one: one.at)
    assert [one.badge for one in ordered[:2]] == [helper, helped]
    assert len(found) == 2 * len(BADGES) - 1


def test_nobody_helps_who_is_not_there() -> None:
    """An absent helper, or a crew too small, plants nothing."""
    found = lines(BADGES[HELPED])
    cover(found, BADGES, DAY, random.Random(1))
    assert found == lines(BADGES[HELPED])
    cover(found, BADGES[:5], DAY, random.Random(1))
    assert found == lines(BADGES[HELPED])


@pytest.mark.parametrize("people, there", [(5, 0), (30, 1), (1000, 0)])
def test_the_case_is_promised_only_where_it_can_come(
    tmp_path: Path, people: int, there: int
) -> None:
    """Too few people hold no pair, too many take longer than the demo."""
    found = guests(tmp_path, demo_site.people(people))
    assert sum(isinstance(one, DemoHelper) for one in found) == there


def test_the_case_is_shown_once_and_proved_at_the_centre(tmp_path: Path) -> None:
    """A line when the daemon says so, and a proof from the central store's rows."""
    (tmp_path / "gateway").mkdir()
    centre = tmp_path / "central.db"
    proxy = DemoHelper(tmp_path)
    opened = {"id": "c-7f3k", "terminal": "lobby", "grade": "case"}
    assert proxy.hear("case opened", opened) is None  # no journal yet
    with closing(sqlite3.connect(tmp_path / "gateway/journal.db")) as db:
        db.execute("CREATE TABLE cases (id, grade, known)")
        values = ("c-7f3k", "case", json.dumps(CASE))
        db.execute("INSERT INTO cases VALUES (?, ?, ?)", values)
        db.commit()
    assert proxy.hear("case opened", opened | {"grade": "watch"}) is None
    assert proxy.hear("punch", opened) is None
    shown = proxy.hear("case opened", opened)
    assert shown is not None
    assert "2 days for, 1 days against    punchgate cases show c-7f3k" in shown
    assert proxy.hear("case opened", opened) is None
    assert "c-7f3k" in proxy.act()
    assert proxy.missing(centre) == "case c-7f3k is not at the centre"
    with closing(sqlite3.connect(centre)) as db:
        db.execute("CREATE TABLE records (kind, id)")
        db.execute("INSERT INTO records VALUES ('suspicion', 'c-7f3k')")
        db.commit()
    assert proxy.missing(centre) is None
    assert "c-7f3k (2 days for, 1 days against)" in proxy.proof()
    assert proxy.due(10) is None
    assert proxy.due(60) == pytest.approx(33)
