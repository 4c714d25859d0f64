"""Tables as people's programs write them; broken ones are refused in words."""

import zipfile
from datetime import date, datetime, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from gateway import sheets
from gateway.sheets import Line, SheetError, read_sheet

ROWS = [Line(1, ("id", "name")), Line(2, ("p1", "甲一"))]


def write(path: Path, data: bytes) -> Path:
    """Write a file."""
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_and_separators(
    tmp_path: Path, encoding: str, separator: str, end: str
) -> None:
    """UTF-8 with and without a mark, UTF-16 with one, GBK; the usual separators."""
    text = f"id{separator}name{end}p1{separator} 甲一 {end}"
    assert read_sheet(write(tmp_path / "t.csv", text.encode(encoding))) == ROWS


def test_comments_empty_rows_and_long_cells(tmp_path: Path) -> None:
    """Rows keep the number they have in the file."""
    text = '# a; b; c\n\nid,note\n,\n#x,y\np1,"two\nlines, ""quoted"""\np2,\n'
    found = read_sheet(write(tmp_path / "t.csv", text.encode()))
    assert [(line.number, line.cells) for line in found] == [
        (3, ("id", "note")),
        (6, ("p1", 'two\nlines, "quoted"')),
        (8, ("p2", "")),
    ]


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "has no rows"),
        (b"# only words\n", "has no rows"),
        (b'id,name\n"p1,x\n', "row 2: unexpected end of data"),
        (b"\xff\xfe\x00\xd8", "is neither UTF-8 nor GBK"),
        (b"id\n\xff\xff\xff", "is neither UTF-8 nor GBK"),
        (b"\xef\xbb\xbf\xff", "is neither UTF-8 nor GBK"),
    ],
)
def test_files_that_are_no_tables(tmp_path: Path, data: bytes, reason: str) -> None:
    """Each is refused with a reason."""
    with pytest.raises(SheetError, match=reason):
        read_sheet(write(tmp_path / "t.csv", data))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Absent and unreadable files are refused in words as well."""
    with pytest.raises(SheetError, match="cannot be read: No such file"):
        read_sheet(tmp_path / "t.csv")
    with pytest.raises(SheetError, match="cannot be read: Is a directory"):
        read_sheet(tmp_path)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Any bytes are a table or a SheetError."""
    for name in ("hostile.csv", "hostile.xlsx"):
        path = write(Path(f"{_folder}/{name}"), data)
        try:
            found = read_sheet(path)
        except SheetError:
            continue
        assert all(any(line.cells) for line in found)


@pytest.fixture(autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give the property above a folder that lasts."""
    global _folder  # noqa: PLW0603 - hypothesis and function fixtures do not mix
    _folder = str(tmp_path_factory.getbasetemp())


_folder = ""


def book(path: Path, *rows: tuple[object, ...]) -> Path:
    """Write a spreadsheet."""
    made = Workbook()
    sheet = made.worksheets[0]
    for row in rows:
        sheet.append(row)
    made.save(path)
    return path


def test_a_spreadsheet(tmp_path: Path) -> None:
    """Cells of every type as text; numbers are marked, for they may have lost zeros."""
    found = read_sheet(
        book(
            tmp_path / "t.XLSX",
            ("badge", "from", "at", "start", "on", "n", "empty"),
            (42, date(2026, 11, 5), datetime(2026, 11, 5, 8, 30), time(8, 30)),  # noqa: DTZ001 - as a sheet has it
            (None, None, None, None, None, None, None),
            ("0042", None, None, None, True, 1.5, None),
        )
    )
    assert [line.number for line in found] == [1, 2, 4]
    assert found[1].cells[:4] == (
        "42",
        "2026-11-05T00:00:00",
        "2026-11-05T08:30:00",
        "08:30",
    )
    assert found[1].numbers == {0}
    assert found[2].cells[0] == "0042"
    assert found[2].cells[4:6] == ("true", "1.5")
    assert found[2].numbers == {5}


def test_a_number_without_a_fraction() -> None:
    """Sheets hold every number as a fraction; a whole one is written as one."""
    assert sheets._cell(42.0) == "42"


def test_a_spreadsheet_that_is_none(tmp_path: Path) -> None:
    """A text with the wrong name, a zip of something else, and one that explodes."""
    with pytest.raises(SheetError, match="no spreadsheet that can be read"):
        read_sheet(write(tmp_path / "t.xlsx", b"id,name\n"))
    other = tmp_path / "other.xlsx"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("x.txt", "x")
    with pytest.raises(SheetError, match="no spreadsheet that can be read"):
        read_sheet(other)
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.xml", bytes(100_000_001))
    with pytest.raises(SheetError, match="unpacks to more than 100 MB"):
        read_sheet(bomb)


def test_sizes_have_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table is not a database."""
    monkeypatch.setattr(sheets, "_MOST_ROWS", 2)
    path = book(tmp_path / "t.xlsx", ("id",), ("a",), ("b",))
    with pytest.raises(SheetError, match="has more than 2 rows"):
        read_sheet(path)
    monkeypatch.setattr(sheets, "_MOST_BYTES", 10)
    with pytest.raises(SheetError, match="is bigger than 0 MB"):
        read_sheet(path)
