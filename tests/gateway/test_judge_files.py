"""What `judge` makes of bad files: each problem by its line, no punch dropped."""

import io
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from gateway import book_files, calendars, policies
from gateway.core.moments import read
from gateway.errors import ConfigError
from gateway.offline import Task, write_json
from gateway.punch_file import spool
from gateway.shipped import file, folders
from tests.gateway.commands import run
from tests.gateway.judged_sites import BOOK

DAY = "2026-11-02"
HEAD = "person,terminal,at,id"
ROW = f"p1,lobby,{DAY}T08:20:00,a"
DAY_ROWS = (ROW, f"p1,lobby,{DAY}T12:05:00,b", f"p1,lobby,{DAY}T14:20:00,c")
WHOLE = (*DAY_ROWS, f"p1,lobby,{DAY}T17:40:00,d")
BERLIN = BOOK.replace('id = "hq"\n', 'id = "hq"\ntimezone = "Europe/Berlin"\n')


def written(folder: Path, told: bytes | Sequence[str]) -> Path:
    """Write a file of punches, from bytes or from rows below the usual header."""
    path = folder / "punches.csv"
    lines = told if isinstance(told, bytes) else "\n".join([HEAD, *told]).encode()
    path.write_bytes(lines)
    return path


def judged(  # noqa: PLR0913 - a file and all it is judged by
    folder: Path,
    told: bytes | Sequence[str],
    *,
    book: str = BOOK,
    first: str = DAY,
    last: str = DAY,
    until: str = "",
) -> Any:
    """Return what `judge --json` says of a file."""
    (folder / "book.toml").write_text(book, "utf-8")
    loaded = book_files.load(folder / "book.toml")
    found = calendars.find(loaded.site.calendar, folders("calendars"))
    task = Task(
        loaded,
        found.calendar,
        {"client-contract": policies.load("client-contract")},
        None,
        date.fromisoformat(first),
        date.fromisoformat(last),
        read(until) if until else None,
    )
    out = io.StringIO()
    punches = spool(written(folder, told), loaded, lambda _: None)
    write_json(out, task, punches)
    punches.close()
    return json.loads(out.getvalue())


def states(found: Any, person: str = "p1") -> list[str]:
    """Return the states of a person's sessions."""
    return [one["state"] for one in found["duties"] if one["person"] == person]


def problems(folder: Path, told: bytes | Sequence[str]) -> list[tuple[int, str]]:
    """Return line and reason of everything that is wrong with a file."""
    (folder / "book.toml").write_text(BOOK, "utf-8")
    book = book_files.load(folder / "book.toml")
    with pytest.raises(ConfigError) as raised:
        spool(written(folder, told), book, lambda _: None)
    return [(one.line, one.reason) for one in raised.value.problems]


@pytest.mark.parametrize(
    "told, line, words",
    [
        (b"", 1, "has no header"),
        (b"\n\n", 1, "has no header"),
        (b"person,at\n", 0, ""),
        (b"person,terminal\np1,lobby\n", 1, "needs `at`"),
        (b"badge,at\n1,x\n", 1, "needs `at`"),
        (b"person,at,at\n", 1, "column 'at' stands twice"),
        (b"person,at,colour\n", 1, "unknown column 'colour'"),
        (b"person;at\n", 1, "unknown column 'person;at'"),
        (b"person,at\np1,2026-11-02T08:20:00,x\n", 2, "3 columns, the header 2"),
        (b"person,at\np1\n", 2, "1 columns, the header 2"),
        (b"person,at\n\n\np1,yesterday\n", 4, "'yesterday' is no time like"),
        (b"person,at\np1,2026-02-31T08:20:00\n", 2, "2026-02-31T08:20:00"),
        (b"person,at\np1,2026-11-02T24:00:01\n", 2, "is no time like"),
        (b"person,at\np1,\n", 2, "'' is no time like"),
        (b"person,at\n,2026-11-02T08:20:00\n", 2, "neither a person nor a terminal"),
        (b"person,at,state\np1,2026-11-02T08:20:00,in\n", 2, "state 'in'"),
        (b"person,at,state\np1,2026-11-02T08:20:00," + b"9" * 40, 2, "state '9"),
        (b'person,at\np1,"2026-11-02T08:20:00\n', 2, "is no CSV"),
        (b"person,at\np1,x\n" + b"y" * (1 << 20) + b",z\n", 3, "is no CSV: field"),
        ("person,at\np1,甲\n".encode("utf-16"), 1, "is not UTF-8"),
        (b"person,at\np1,2026-11-02T08:20:00\n" + "甲,".encode("gbk"), 3, "not UTF-8"),
    ],
)
def test_each_problem_of_a_file_has_its_line(
    tmp_path: Path, told: bytes, line: int, words: str
) -> None:
    """Columns, times, encodings and long lines, each as wrong as it gets."""
    if not line:
        assert states(judged(tmp_path, told)) == ["found", "found"]
        return
    found = problems(tmp_path, told)
    assert any(at == line and words in said for at, said in found), found
    assert all(len(said) < 200 for _, said in found)


def test_all_problems_come_at_once_and_not_without_end(tmp_path: Path) -> None:
    """A hundred at most; good rows between them change nothing."""
    found = problems(tmp_path, [ROW, "p1,lobby,never,x"] * 80)
    assert [line for line, _ in found] == list(range(3, 162, 2))
    assert len(problems(tmp_path, ["p1,lobby,never,x"] * 200)) == 100


@pytest.mark.parametrize(
    "told",
    [
        b"\xef\xbb\xbf" + "\r\n".join([HEAD, *WHOLE, ""]).encode(),
        "\r".join([HEAD, *WHOLE]).encode(),
        ("\n\n".join([HEAD, *WHOLE]) + "\n\n\n").encode(),
        "\n".join([HEAD.replace(",", " , "), *(" " + r for r in WHOLE)]).encode(),
    ],
)
def test_byte_order_marks_line_ends_and_blanks_change_nothing(
    tmp_path: Path, told: bytes
) -> None:
    """What spreadsheets write is read as what it means."""
    assert judged(tmp_path, told) == judged(tmp_path, WHOLE)


def test_a_punch_keeps_whatever_id_it_has(tmp_path: Path) -> None:
    """Line ends and control characters in an id break nothing."""
    odd = "x\x1fy\nz"
    rows = [ROW.removesuffix("a") + f'"{odd}"', *WHOLE[1:]]
    found = judged(tmp_path, rows)
    assert states(found) == ["ok", "ok"]
    assert found["duties"][0]["arrival"]["punch"] == odd


def test_one_id_of_two_punches_loses_neither(tmp_path: Path) -> None:
    """Both are judged in any order, with a warning; repeated rows are one."""
    rows = [line.rpartition(",")[0] + ",same" for line in WHOLE]
    found = judged(tmp_path, rows)
    assert states(found) == ["ok", "ok"]
    assert [one["arrival"]["punch"] for one in found["duties"][:2]] == [
        "same",
        "same~3",
    ]
    assert [one["en"] for one in found["warnings"]] == [
        "id same stands for 4 punches; more are same~2, …"
    ]
    assert judged(tmp_path, [*rows[::-1], *rows]) == found
    assert judged(tmp_path, [*WHOLE, *WHOLE])["warnings"] == []


def test_people_and_badges_nobody_knows_are_kept_and_told_once(tmp_path: Path) -> None:
    """Each of their punches is listed, each name warned of once."""
    head = b"person,terminal,badge,at,id\n"
    rows = [f"p9,,,{DAY}T08:20:0{n},a{n}" for n in range(3)]
    rows += [f",lobby,77,{DAY}T08:20:0{n},b{n}" for n in range(3)]
    found = judged(tmp_path, head + "\n".join(rows).encode())
    left = [(one["id"], one["reason"]) for one in found["unassigned"]]
    names = [*(f"a{n}" for n in range(3)), *(f"b{n}" for n in range(3))]
    assert left == [(name, "unknown_person") for name in names]
    assert [one["en"] for one in found["warnings"]] == [
        "the book has no p9",
        "nobody has badge lobby 77",
    ]
    # The unknown badge might be theirs: no absence is said while it waits.
    assert set(states(found)) == {"pending", "found"}


def test_punches_outside_every_window_are_listed(tmp_path: Path) -> None:
    """At night of a duty day, and on a day without duty, with the reason."""
    rows = [*WHOLE, f"p1,lobby,{DAY}T05:00:00,early", "p1,lobby,2026-11-01T09:00:00,s"]
    found = judged(tmp_path, rows, first="2026-11-01")
    left = {one["id"]: one["reason"] for one in found["unassigned"]}
    assert left == {"early": "outside_windows", "s": "no_duty"}


def test_punches_of_the_future_wait_for_their_day(tmp_path: Path) -> None:
    """Of sessions that data does not reach nothing final is said."""
    found = judged(tmp_path, WHOLE, until=f"{DAY}T10:00:00")
    assert states(found) == ["pending", "pending"]
    assert found["deductions"] == []
    assert judged(tmp_path, WHOLE, until="2026-11-03T12:00:00")["findings"] == []


def test_fifty_repeats_are_one_punch(tmp_path: Path) -> None:
    """A nervous finger is one sign; the first counts for in, the last for out."""
    nervous = [f"p1,lobby,{DAY}T08:20:{n:02},n{n}" for n in range(50)]
    found = judged(tmp_path, [*nervous, *WHOLE[1:]])
    assert states(found) == ["ok", "ok"]
    assert found["duties"][0]["arrival"]["punch"] == "n0"
    same = judged(tmp_path, [ROW] * 50 + [*WHOLE[1:]])
    assert same == judged(tmp_path, WHOLE)


def test_the_hour_that_never_comes_is_judged_by_the_wall(tmp_path: Path) -> None:
    """A punch in the gap of summer time of another zone is kept as the clock showed."""
    rows = ["p2,lobby,2026-03-28T19:50:00,in", "p2,lobby,2026-03-29T02:30:00,gap"]
    book = BERLIN.replace("from = 2026-11-02", "from = 2026-01-01")
    found = judged(tmp_path, rows, book=book, first="2026-03-28", last="2026-03-28")
    (night,) = [one for one in found["duties"] if one["person"] == "p2"]
    assert night["departure"] == {"at": "2026-03-29T02:30:00+01:00", "punch": "gap"}
    offset = ["p2,lobby,2026-03-28T19:50:00+01:00,in", "p2,,2026-03-29T06:00Z,out"]
    found = judged(tmp_path, offset, book=book, first="2026-03-28", last="2026-03-28")
    (night,) = [one for one in found["duties"] if one["person"] == "p2"]
    assert night["departure"]["at"] == "2026-03-29T08:00:00+02:00"
    assert night["state"] == "ok"


def test_one_second_at_two_sites_is_two_punches(tmp_path: Path) -> None:
    """Nobody is in two places: both stay on record, the one that counts is the sign."""
    far = '[[terminals]]\nid = "far"\nserial = "VT2"\nsite = "branch"\n'
    rows = [*WHOLE, f"p1,far,{DAY}T08:20:00,elsewhere"]
    found = judged(tmp_path, rows, book=BOOK + far)
    assert states(found) == ["ok", "ok"]
    assert found["duties"][0]["arrival"]["punch"] == "a"
    (notice,) = [one for one in found["findings"] if one["person"] == "p1"]
    assert (notice["kind"], notice["punches"]) == ("elsewhere", ["elsewhere"])


def test_two_people_on_one_badge_are_refused(tmp_path: Path) -> None:
    """The book says which rows contradict each other; nothing is guessed."""
    rows = BOOK + '[[enrolments]]\nperson = "p2"\nbadge = "1"\n'
    with pytest.raises(ConfigError, match="badge '1'"):
        judged(tmp_path, WHOLE, book=rows)


def test_a_year_that_no_calendar_knows_leaves_its_days_pending(tmp_path: Path) -> None:
    """What was there is shown, nobody is found, and the reason is said."""
    book = BOOK.replace('calendar = "weekdays"', 'calendar = "CN"')
    book = book.replace("2027-12-31", "2039-12-31")
    day = "2038-11-02"
    rows = [line.replace(DAY, day) for line in WHOLE]
    found = judged(tmp_path, rows, book=book, first=day, last=day)
    assert states(found) == ["pending", "pending"]
    assert found["duties"][0]["waits"]["en"] == "waits for the calendar of that year"
    assert {one["person"] for one in found["findings"]} == {"p2"}  # no working days


def test_a_policy_without_an_amount_is_refused_by_its_line(tmp_path: Path) -> None:
    """A clause that neither costs something nor says why is a problem, by command."""
    lines = file("policies/client-contract.toml").read_text("utf-8").splitlines()
    at = lines.index('[clauses."S0-T19-6(1)"]')
    gone = next(n for n in range(at, at + 9) if "fen" in lines[n])
    del lines[gone]
    (tmp_path / "rule.toml").write_text("\n".join(lines), "utf-8")
    (tmp_path / "book.toml").write_text(BOOK, "utf-8")
    done = run(
        "judge",
        *("--book", tmp_path / "book.toml", "--punches", written(tmp_path, WHOLE)),
        *("--from", DAY, "--to", DAY, "--policy", tmp_path / "rule.toml"),
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("punchgate: nothing was judged:")
    assert "rule.toml:" in done.stderr
    assert "give late_fen in its clause" in done.stderr


@pytest.mark.parametrize(
    "lang, head, words",
    [
        ("zh", "日期", "等待考勤机 lobby：11-03 12:00 起无数据"),
        ("en", "date", "waits for terminal lobby, silent since 11-03 12:00"),
    ],
)
def test_for_people_everything_fits_a_narrow_screen(
    tmp_path: Path, lang: str, head: str, words: str
) -> None:
    """Each finding with clause, money, reason and id; what is pending says why."""
    (tmp_path / "book.toml").write_text(BOOK, "utf-8")
    late = [line.replace("08:20", "08:31").replace("p1", "p2") for line in WHOLE]
    rows = [*WHOLE[:1], *late, f"p2,lobby,{DAY}T19:40:00,n"]
    done = run(
        "judge",
        *("--book", tmp_path / "book.toml", "--punches", written(tmp_path, rows)),
        *("--from", DAY, "--to", "2026-11-04", "--lang", lang),
        *("--complete-until", "2026-11-03T12:00:00"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert [line for line in lines if line != line.rstrip()] == []
    assert sum(line.strip().startswith(head) for line in lines) == 2
    assert words in {line.strip() for line in lines}
    at = next(n for n, line in enumerate(lines) if "S0-T19-6(1)" in line)
    assert "2,000.00" in lines[at]
    assert "08:30" in lines[at + 1]
    assert lines[at + 2].strip().startswith("f1_")
