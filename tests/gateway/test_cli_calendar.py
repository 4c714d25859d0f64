"""`punchgate calendar` and `punchgate policy`: what people see of both."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import gateway.cli.every  # noqa: F401 - registers the commands
from gateway import policies
from gateway.calendar_sheet import year_of
from gateway.cli.app import app
from gateway.cli.policy import Lang, language
from gateway.errors import ConfigError
from gateway.sheets import Line
from tests.gateway.core.books import EXAMPLE
from tests.gateway.core.test_policy import CLIENT

YEAR = """
calendar = "CN"
year = {}
source = "国办通知"
[[holidays]]
name = "元旦"
from = {}-01-01
to = {}-01-03
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Give the path of a configuration; calendars and policies lie beside it."""
    return tmp_path / "gateway.toml"


def invoke(config: Path, *arguments: str) -> Result:
    """Run a command with this configuration."""
    return CliRunner().invoke(app, [*arguments, "-c", str(config)])


def year_file(config: Path, number: int) -> Path:
    """Write the file of a year beside the configuration."""
    folder = config.parent / "calendars"
    folder.mkdir(exist_ok=True)
    path = folder / f"CN-{number}.toml"
    path.write_text(YEAR.format(number, number, number), "utf-8")
    return path


def test_which_years_are_known(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each year with who says it; the next one is missed from November on."""
    monkeypatch.setenv("PUNCHGATE_STORY", "2026-11-01T08:00:00+08:00@0@0")
    found = invoke(config, "calendar", "check")
    assert found.exit_code == 0
    assert (
        "2026  33 days of holidays, 6 weekend days worked  chinesecal" in found.stdout
    )
    assert "warning: the calendar of 2027 is not known" in found.stdout
    path = year_file(config, 2027)
    found = invoke(config, "calendar", "check")
    assert "2027   3 days of holidays, 0 weekend days worked  国办" in found.stdout
    assert str(path) in found.stdout
    assert "warning" not in found.stdout
    monkeypatch.setenv("PUNCHGATE_STORY", "2026-10-31T08:00:00+08:00@0@0")
    path.unlink()
    assert "warning" not in invoke(config, "calendar", "check").stdout


def checked(book: Path, story: str, monkeypatch: pytest.MonkeyPatch) -> Result:
    """Check a book on a day."""
    monkeypatch.setenv("PUNCHGATE_STORY", f"{story}T08:00:00+08:00@0@0")
    return CliRunner().invoke(app, ["check-config", str(book)])


def test_check_config_misses_the_next_year(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From 1 November on a warning, until the year is there; the exit stays 0."""
    book = config.parent / "book.toml"
    book.write_text(EXAMPLE, "utf-8")
    before = checked(book, "2026-10-31", monkeypatch)
    assert (before.exit_code, "2027" in before.stdout) == (0, False)
    assert "warning: " in before.stdout  # of a policy that is not built
    after = checked(book, "2026-11-01", monkeypatch)
    line = f"warning: {book}:1: site.calendar: the calendar of 2027 is not known"
    assert (after.exit_code, line in after.stdout) == (0, True)
    path = year_file(config, 2027)
    assert "2027" not in checked(book, "2026-11-01", monkeypatch).stdout
    path.write_text("x = 1\n", "utf-8")
    assert (
        f"{path}:1: x: unknown key" in checked(book, "2026-11-01", monkeypatch).stdout
    )
    path.unlink()
    needless = EXAMPLE.replace('"workdays"', '"every"')
    book.write_text(needless, "utf-8")
    assert "2027" not in checked(book, "2026-11-01", monkeypatch).stdout
    book.write_text(
        EXAMPLE.replace('calendar = "CN"', 'calendar = "weekdays"'), "utf-8"
    )
    assert "2027" not in checked(book, "2026-11-01", monkeypatch).stdout


def test_check_config_reads_the_entries_of_a_book(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that is wrong is a problem of the book."""
    book = config.parent / "book.toml"
    book.write_text(EXAMPLE, "utf-8")
    (config.parent / "entries.jsonl").write_text("[]\n", "utf-8")
    done = checked(book, "2026-10-31", monkeypatch)
    assert (done.exit_code, "entries.jsonl:1: must be an object" in done.stdout) == (
        2,
        True,
    )


def test_where_a_file_differs_from_the_library(config: Path) -> None:
    """A file of a known year is compared day by day."""
    year_file(config, 2026)
    found = invoke(config, "calendar", "check").stdout
    assert "2026-10-01 is work here and rest in the library" in found
    data = json.loads(invoke(config, "calendar", "check", "--json").stdout)
    (year,) = [row for row in data["years"] if row["year"] == 2026]
    assert ["2026-10-01", "work", "rest"] in year["differs"]
    assert (year["free"], year["exchanged"], year["half"]) == (3, 0, 0)
    assert data["problems"] == []


def test_a_broken_year_is_named(config: Path) -> None:
    """Exit 1 with file and line."""
    path = year_file(config, 2027)
    path.write_text("year = 2027\n", "utf-8")
    found = invoke(config, "calendar", "check")
    assert found.exit_code == 1
    assert f"{path}:1: calendar: is missing" in found.stdout


def test_import_of_a_notice(config: Path, tmp_path: Path) -> None:
    """A table of days becomes the file of a year, once."""
    table = tmp_path / "t.csv"
    table.write_text(
        "date,kind,name,which\n2027/1/1,rest,元旦,\n2027-01-09,work,元旦,\n"
        "2027-03-08,half,妇女节,morning\n2027-05-04,half,青年节,\n",
        "utf-8",
    )
    asked = ["calendar", "import", str(table)]
    assert "say who published" in invoke(config, *asked).stderr
    asked += ["--source", "通知"]
    dry = invoke(config, *asked, "--dry-run").stdout
    assert "[[half_days]]" in dry
    done = invoke(config, *asked)
    target = config.parent / "calendars/CN-2027.toml"
    assert (done.exit_code, str(target) in done.stdout) == (0, True)
    assert target.read_text("utf-8") == dry
    again = invoke(config, *asked)
    assert (again.exit_code, "--replace replaces it" in again.stderr) == (1, True)
    assert invoke(config, *asked, "--replace").exit_code == 0
    assert list(target.parent.iterdir()) == [target]
    known = invoke(config, "calendar", "check").stdout
    assert "2027   1 days of holidays, 1 weekend days worked  通知" in known


def test_import_of_a_year_file(config: Path, tmp_path: Path) -> None:
    """A file from elsewhere is checked, compared and put in its place."""
    file = tmp_path / "from-a-mail.toml"
    file.write_text(YEAR.format(2026, 2026, 2026), "utf-8")
    done = invoke(config, "calendar", "import", str(file))
    assert "2026-10-01 is work here and rest in the library" in done.stdout
    assert (config.parent / "calendars/CN-2026.toml").exists()
    file.write_text("x = 1\n", "utf-8")
    refused = invoke(config, "calendar", "import", str(file))
    assert (refused.exit_code, "unknown key" in refused.stdout) == (1, True)
    file.write_bytes(b"\xff")
    assert invoke(config, "calendar", "import", str(file)).exit_code == 1
    none = invoke(config, "calendar", "import", "no.csv", "--source", "x")
    assert (none.exit_code, "cannot be read" in none.stderr) == (2, True)


def test_import_where_nothing_can_be_written(config: Path, tmp_path: Path) -> None:
    """The reason in words."""
    file = tmp_path / "x.toml"
    file.write_text(YEAR.format(2027, 2027, 2027), "utf-8")
    (config.parent / "calendars").write_text("a file", "utf-8")
    done = invoke(config, "calendar", "import", str(file))
    assert (done.exit_code, "cannot be written" in done.stderr) == (1, True)


HEADER = Line(1, ("date", "kind", "name", "which"))


@pytest.mark.parametrize(
    "rows, expected",
    [
        ([("soon", "rest", "x", "")], "2: date: must be a date like 2027-01-01"),
        ([("2027-02-30", "rest", "x", "")], "2: date: must be a date like 2027-01-01"),
        ([("2027-01-01", "free", "x", "")], "2: kind: must be one of work, rest, half"),
        ([("2027-01-01", "rest", "", "")], "2: name: must name the holiday"),
        (
            [("2027-01-01", "half", "x", "noon")],
            "2: which: must be one of morning, afternoon, not 'noon'",
        ),
        ([("2027-01-01", "rest", "x", "")] * 2, "3: date: 2027-01-01 stands already"),
        (
            [("2027-01-01", "rest", "x", ""), ("2028-01-01", "rest", "x", "")],
            "3: date: 2028-01-01 is not in 2027, the year of the first row",
        ),
        ([("2027-01-04", "work", "x", "")], "2: kind: 2027-01-04 is worked anyway"),
        ([], "1: has no days"),
    ],
)
def test_rows_of_a_notice(rows: list[tuple[str, ...]], expected: str) -> None:
    """Each slip is named by row and column."""
    lines = [HEADER, *(Line(number, row) for number, row in enumerate(rows, 2))]
    year, wrong = year_of(Path("t.csv"), lines, "x")
    assert year is None
    assert any(str(one).startswith(f"t.csv:{expected}") for one in wrong), wrong


@pytest.mark.parametrize("header", [("date", "kind"), ("date", "kind", "name", "on")])
def test_columns_of_a_notice(header: tuple[str, ...]) -> None:
    """The columns are these and no others."""
    year, (problem,) = year_of(Path("t.csv"), [Line(1, header)], "x")
    assert year is None
    assert "the columns must be date, kind, name, which" in problem.reason


def test_policies_are_listed_and_shown(config: Path) -> None:
    """Names with versions; one as a page in two languages."""
    listed = invoke(config, "policy", "show").stdout
    assert "client-contract  2026-01-01.1  信息系统运维人员管理制度  open: 11" in listed
    rows = json.loads(invoke(config, "policy", "show", "--json").stdout)
    assert [row["id"] for row in rows] == ["client-contract", "single-session"]
    zh = invoke(config, "policy", "show", "client-contract", "--lang", "zh").stdout
    en = invoke(config, "policy", "show", "client-contract", "--lang", "en").stdout
    assert "迟到: 500.00 元" in zh
    assert "late: 500.00 yuan" in en
    assert "待制度解释单位确认" in zh
    assert "Open: to be confirmed by the owner" in en


def test_a_policy_as_json(config: Path) -> None:
    """Prices, limits and open places for programs."""
    data = json.loads(
        invoke(config, "policy", "show", "client-contract", "--json").stdout
    )
    assert data["prices"]["late"]["amount_fen"] == 50000
    assert data["limits"]["off_post_above_minutes"]["seconds"] == 10800
    assert data["policy"]["from"] == "2026-01-01"
    assert len(data["open"]) == 11
    assert len(data["digest"]) == 64


def test_a_sites_own_policy_goes_first(config: Path, tmp_path: Path) -> None:
    """Beside the configuration by name, anywhere by file; others are refused."""
    folder = config.parent / "policies"
    folder.mkdir()
    text = CLIENT.replace("2026-01-01.1", "ours.1")
    (folder / "client-contract.toml").write_text(text, "utf-8")
    shown = invoke(config, "policy", "show", "client-contract").stdout
    assert "ours.1" in shown
    other = tmp_path / "other.toml"
    other.write_text(text.replace("ours.1", "other.1"), "utf-8")
    assert "other.1" in invoke(config, "policy", "show", str(other)).stdout
    missing = invoke(config, "policy", "show", "nix")
    assert missing.exit_code == 2
    assert "there are: client-contract, single-session" in missing.stderr
    other.write_text(text.replace("late_fen = 50000", "", 1), "utf-8")
    broken = invoke(config, "policy", "show", str(other))
    assert (broken.exit_code, "nothing says what late" in broken.stderr) == (2, True)


def test_a_policy_by_a_file_beside_the_book(config: Path) -> None:
    """A contract may name a file; its path starts at the book."""
    file = config.parent / "rule.toml"
    file.write_text(CLIENT, "utf-8")
    assert policies.load("rule.toml", config.parent).id == "client-contract"
    with pytest.raises(ConfigError, match="cannot be read"):
        policies.load("./absent.toml", config.parent)


def test_the_language_is_that_of_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    """As asked, else Chinese where the locale is, else English."""
    for spoken, expected in (("zh_CN", Lang.ZH), ("en_GB", Lang.EN), (None, Lang.EN)):
        monkeypatch.setattr("locale.getlocale", lambda _=spoken: (_, "UTF-8"))
        assert language(None) is expected
        assert language(Lang.EN) is Lang.EN
