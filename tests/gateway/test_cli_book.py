"""`punchgate book`: checking, showing, adding and importing, in words and as JSON."""

import getpass
import json
import resource
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from typer.testing import CliRunner, Result

import gateway.cli.every  # noqa: F401 - registers the commands
from gateway.cli.app import app
from gateway.core.book import TABLES
from tests.gateway.commands import run as run_child
from tests.gateway.core.books import EXAMPLE

LEAVE = (
    *("person=p02", "kind=sick", "from=2026-11-07T08:00", "to=2026/11/7 12:00"),
    *("applied_at=2026-11-01T08:00", "approved_by=leader1"),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the example book as a file of its own, and a gateway file that names it."""
    (tmp_path / "gateway.toml").write_text('[gateway]\nbook = "book.toml"\n', "utf-8")
    book = tmp_path / "book.toml"
    book.write_text(EXAMPLE, encoding="utf-8")
    return book


def run(path: Path, *arguments: str, code: int = 0) -> str:
    """Run a command of `book` with this book; return what it printed."""
    done = invoke("book", *arguments, "--book", str(path))
    assert done.exit_code == code, done.output
    return done.stdout or done.stderr


def invoke(*arguments: str) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(app, arguments)


def as_json(path: Path, *arguments: str, code: int = 0) -> Any:
    """Run a command with --json; nothing else stands on standard output."""
    done = invoke("book", *arguments, "--json", "--book", str(path))
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def entries(path: Path) -> list[dict[str, Any]]:
    """Return the lines of entries beside a book."""
    file = path.with_name("entries.jsonl")
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_check_of_a_good_book(path: Path) -> None:
    """Counts, version, and warnings that change no exit code."""
    found = run(path, "check")
    assert "warning: " in found
    assert "the policy 'supplier-staff' is not built" in found
    assert "ok: version 2026-11-01.1, 2 terminals, 1 travel" in found
    data = as_json(path, "check")
    assert (data["ok"], data["problems"], len(data["warnings"])) == (True, [], 1)
    assert data["rows"]["people"] == 5
    assert len(data["digest"]) == 64
    path.write_text('[site]\nid = "hq"\n', "utf-8")
    assert run(path, "check") == "ok: version -, no rows\n"


def test_check_names_every_problem_of_both_files(path: Path) -> None:
    """File, line, key and reason, and exit 1."""
    path.write_text(EXAMPLE + '[[people]]\nid = "p01"\nname = ""\n', "utf-8")
    path.with_name("entries.jsonl").write_text('{"table": "leeve"}\n', "utf-8")
    found = run(path, "check", code=1)
    assert "people[6].name: must not be empty" in found
    assert "entries.jsonl:1: leeve: unknown key; did you mean leave?" in found
    assert found.endswith("2 problems\n")
    data = as_json(path, "check", code=1)
    assert [one["line"] for one in data["problems"]][1] == 1
    assert (data["ok"], data["rows"], data["digest"]) == (False, {}, None)
    path.write_bytes(b"\xff")
    assert "is not UTF-8" in run(path, "check", code=1)


def test_which_book(path: Path, tmp_path: Path) -> None:
    """By option, by position, or the one the configuration names."""
    gateway = tmp_path / "gateway.toml"
    assert invoke("book", "check", str(path)).exit_code == 0
    assert invoke("book", "check", "-c", str(gateway)).exit_code == 0
    for text, reason in (
        ("[gateway", "cannot tell"),
        ("gateway = 3", "names no book"),
        ("[gateway]\nbook = 3", "names no book"),
        ('[gateway]\nbook = "central"', "comes from the centre"),
    ):
        gateway.write_text(text, "utf-8")
        done = invoke("book", "check", "-c", str(gateway))
        assert (done.exit_code, reason in done.stderr) == (2, True)
    gateway.unlink()
    assert "cannot be read" in invoke("book", "check", "-c", str(gateway)).stderr


def test_add_writes_a_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the next free id, who entered it, and when by the site's clock."""
    monkeypatch.setenv("PUNCHGATE_STORY", "2026-11-02T08:20:00+08:00@0@0")
    found = run(path, "add", "leave", *LEAVE, "--by", "王主任")
    assert found.startswith('written: {"table": "leave", "id": "L2"')
    (line,) = entries(path)
    assert line["to"] == "2026-11-07T12:00:00"
    assert line["entered_by"] == "王主任"
    assert line["entered_at"].startswith("2026-11-02T08:20:")
    again = [text.replace("11-07", "11-08").replace("11/7", "11/8") for text in LEAVE]
    done = as_json(path, "add", "leave", *again)
    assert done["written"] is True
    assert done["rows"][0]["id"] == "L3"
    assert done["rows"][0]["entered_by"] == getpass.getuser()
    assert [line["id"] for line in entries(path)] == ["L2", "L3"]


def test_add_takes_an_id_that_is_free(path: Path) -> None:
    """Ids that exist are passed over; a row may bring its own."""
    text = EXAMPLE.replace('id = "L1"', 'id = "L2"').replace('"L1"', '"L2"')
    path.write_text(text, "utf-8")
    assert '"id": "L3"' in run(path, "add", "leave", *LEAVE, "--dry-run")
    own = run(path, "add", "leave", "id=own", "entered_by=x", *LEAVE, "--dry-run")
    assert '"id": "own"' in own
    assert '"entered_by": "x"' in own
    assert own.startswith("would write: ")
    assert not path.with_name("entries.jsonl").exists()


def test_add_refuses_what_check_refuses(path: Path) -> None:
    """Every problem of the row is named; nothing is written."""
    wrong = ("person=p99", "kind=sik", *LEAVE[2:])
    found = run(path, "add", "leave", *wrong, code=1)
    assert "leave.kind: must be one of personal, sick, official, other" in found
    assert "leave.person: nobody is called 'p99'" in found
    assert "2 problems; nothing written" in found
    data = as_json(path, "add", "leave", *wrong, code=1)
    assert (data["ok"], len(data["problems"])) == (False, 2)
    assert entries(path) == []


@pytest.mark.parametrize(
    "arguments, reason",
    [
        (("leaves", "a=b"), "no table is called 'leaves'; there are: terminals"),
        (("leave", "person"), "'person' is not KEY=VALUE"),
        (("leave", "a=1", "a=2"), "a is given twice"),
    ],
)
def test_add_used_wrongly(path: Path, arguments: tuple[str, ...], reason: str) -> None:
    """Exit 2 and one sentence."""
    assert reason in run(path, "add", *arguments, code=2)


def test_a_book_with_problems_is_mended_first(path: Path) -> None:
    """Nothing is added to, shown or imported into a book that cannot be read."""
    path.write_text(EXAMPLE + "nonsense = 1\n", "utf-8")
    for arguments in (("add", "leave", *LEAVE), ("show", "people")):
        assert "the book has problems:" in run(path, *arguments, code=2)


def test_entries_that_cannot_be_written(path: Path) -> None:
    """The reason in words, exit 1."""
    path.with_name("entries.jsonl").mkdir()
    done = invoke("book", "add", "leave", *LEAVE, "--book", str(path))
    assert done.exit_code in {1, 2}
    assert "entries.jsonl" in done.stderr


def test_a_full_disk_is_said(path: Path) -> None:
    """Nothing is half written, and the command says so."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        done = invoke("book", "add", "leave", *LEAVE, "--book", str(path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert done.exit_code == 1
    assert "nothing was written: only 10 of " in done.stderr
    assert entries(path) == []


def test_somebody_without_a_name(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user id without a login must say who it is."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    asked = ("add", "leave", *LEAVE)
    assert "say who you are with --by NAME" in run(path, *asked, code=2)
    assert '"entered_by": "x"' in run(path, *asked, "--by", "x", "--dry-run")
    assert "written" in run(path, *asked, "entered_by=y")


def test_import_of_a_table(path: Path, tmp_path: Path) -> None:
    """All rows of a GBK table with Chinese, in one go; --dry-run first."""
    table = tmp_path / "人员.csv"
    text = "id,name,vendor,from\r\np11,王五,acme,2026/1/5\r\np12,赵六,acme,\r\n"
    table.write_bytes(text.encode("gbk"))
    found = run(path, "import", "people", str(table), "--dry-run")
    assert '"name": "王五"' in found
    assert "2 rows would be written to " in found
    assert not path.with_name("entries.jsonl").exists()
    assert run(path, "import", "people", str(table)) == "2 rows of people written\n"
    assert [line["from"] for line in entries(path) if "from" in line] == ["2026-01-05"]
    assert "p12  赵六  acme" in run(path, "show", "赵六")
    again = run(path, "import", "people", str(table), code=1)
    assert f"{table}:2: id: 'p11' stands already in " in again
    data = as_json(path, "import", "people", str(table), "--dry-run", code=1)
    assert [one["line"] for one in data["problems"]] == [2, 3]


def test_import_of_a_spreadsheet(path: Path, tmp_path: Path) -> None:
    """Cells of dates and texts; a badge that is a number may have lost its zeros."""
    made = Workbook()
    sheet = made.worksheets[0]
    for row in (("person", "terminal", "badge"), ("p05", "lobby", "0077")):
        sheet.append(row)
    made.save(tmp_path / "t.xlsx")
    data = as_json(path, "import", "enrolments", str(tmp_path / "t.xlsx"))
    assert data["rows"][0]["badge"] == "0077"
    sheet.append(("p04", "lobby", 77))
    made.save(tmp_path / "t.xlsx")
    found = run(path, "import", "enrolments", str(tmp_path / "t.xlsx"), code=1)
    assert "t.xlsx:3: badge: is a number: leading zeros may be lost" in found


@pytest.mark.parametrize(
    "text, expected",
    [
        ("id,nam\np11,x\n", ":1: nam: no column of people; there are: id, name"),
        ("id,name,id\np11,x,p12\n", ":1: id: stands twice"),
        ("id,name\np11,x,y\n", ":2: column 3: 'y' stands in a column without a name"),
        ("id,name,to\np11,x,soon\n", ":2: to: must be a date, not a text ('soon')"),
        ("id,name\np11,\n", ":2: name: is missing"),
        ("id,name\n\n\np11,\n", ":4: name: is missing"),
    ],
)
def test_import_names_row_and_column(
    path: Path, tmp_path: Path, text: str, expected: str
) -> None:
    """A problem of a cell is named where the clerk sees it."""
    table = tmp_path / "t.csv"
    table.write_text(text, "utf-8")
    found = run(path, "import", "people", str(table), code=1)
    assert f"{table}{expected}" in found
    assert "nothing written" in found


def test_import_of_what_is_no_table(path: Path, tmp_path: Path) -> None:
    """A file that is none is refused with the reason."""
    assert "cannot be read" in run(path, "import", "people", "no.csv", code=2)
    table = tmp_path / "t.csv"
    table.write_text("id,name,,\n# nothing\n", "utf-8")
    assert run(path, "import", "people", str(table)) == "0 rows of people written\n"


@pytest.mark.parametrize("table", list(TABLES))
def test_a_template_can_be_imported(path: Path, tmp_path: Path, table: str) -> None:
    """The example row of each template reads back as the row it was made from."""
    found = invoke("book", "template", table).stdout
    file = tmp_path / "t.csv"
    file.write_text(found, "utf-8")
    data = as_json(path, "import", table, str(file), "--dry-run", code=1)
    assert any(" already in " in one["reason"] for one in data["problems"])
    assert not any("must be" in one["reason"] for one in data["problems"])
    assert found.count("\n# ") + found.startswith("# ") >= 5


def test_templates_say_what_columns_mean() -> None:
    """In Chinese and English, with the kind of value and whether it is needed."""
    found = invoke("book", "template", "leave").stdout
    assert "# person: 人员编号 · id of the person [text] 必填 · required\n" in found
    assert "[personal | sick | official | other] 必填" in found
    assert "\nL1,p01,personal,办事,2026-11-05T08:30:00," in found
    shifts = invoke("book", "template", "shifts").stdout
    assert "day,白班,08:30-12:00; 14:30-17:30,workdays" in shifts
    assert invoke("book", "template", "x").exit_code == 2


def test_show_of_a_person(path: Path) -> None:
    """Contract, badge, duty with its hours and what happened on the day."""
    found = run(path, "show", "p02", "--date", "2026-11-02")
    assert found.split("\n")[:4] == [
        "p02  甲二  acme",
        "  2026-11-02  contract acme-2026 (client-contract)",
        "  badge 0042 on every terminal",
        "  duty noc-day at noc: 08:00-20:00 (roster[2])",
    ]
    found = run(path, "show", "甲一", "--date", "2026-11-05")
    assert (
        "  leave L1  person=p01 kind=personal reason=办事 from=2026-11-05T08" in found
    )
    assert "  substitutions S1  person=p01 substitute=p04" in found
    assert "stands in S1" in run(path, "show", "p04", "--date", "2026-11-05")
    sunday = run(path, "show", "p01", "--date", "2026-11-08")
    assert "duty day: free (roster[1])" in sunday
    assert "no duty" in run(path, "show", "p05", "--date", "2026-11-08")
    assert "contract none" in run(path, "show", "p05", "--date", "2026-11-08")
    unknown = EXAMPLE.replace("to = 2026-12-31\nterm", "to = 2199-12-31\nterm")
    path.write_text(unknown, "utf-8")
    later = run(path, "show", "p01", "--date", "2150-11-05")
    assert "the calendar of this year is not known" in later


def test_show_of_a_day_as_json(path: Path) -> None:
    """The same for programs; today where no day is asked."""
    (data,) = as_json(path, "show", "p01", "--date", "2026-11-14")
    assert data["policy"] == "client-contract"
    (duty,) = data["duties"]
    assert duty["orders"] == ["days[1]"]
    assert duty["sessions"] == [
        {"start": "2026-11-14T09:00:00", "end": "2026-11-14T12:00:00"}
    ]
    (today,) = as_json(path, "show", "p01")
    assert len(today["date"]) == 10
    (incident,) = as_json(path, "show", "p01", "--date", "2026-11-10")[0]["incidents"]
    assert incident["id"] == "I1"
    assert "incidents I1" in run(path, "show", "p01", "--date", "2026-11-10")


def test_show_of_a_table(path: Path) -> None:
    """Rows as written, also those that were replaced."""
    run(path, "add", "leave", "supersedes=L1", "reason=a b", *LEAVE, "--by", "x")
    found = run(path, "show", "leave").split("\n")
    assert found[0].startswith("L1  person=p01")
    assert found[0].endswith("  (superseded)")
    assert found[1].startswith('L2  person=p02 kind=sick reason="a b" from=')
    assert [row["id"] for row in as_json(path, "show", "leave")] == ["L1", "L2"]
    path.write_text('[site]\nid = "hq"\n', "utf-8")
    path.with_name("entries.jsonl").unlink()
    assert run(path, "show", "leave") == "no rows of leave\n"


def test_show_of_nobody(path: Path) -> None:
    """One sentence each."""
    assert "nobody and no table is called 'x'" in run(path, "show", "x", code=1)
    assert "is no day like" in run(path, "show", "p01", "--date", "2.11.", code=2)


def test_the_command_itself(path: Path) -> None:
    """The same through the installed command."""
    done = run_child("book", "check", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ok: version 2026-11-01.1" in done.stdout
