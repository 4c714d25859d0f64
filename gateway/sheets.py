"""Tables that people keep: CSV as spreadsheets write it, and .xlsx.

Gives cells as text with the row they stand in and knows nothing of their meaning. CSV
may be UTF-8 (with or without a mark), UTF-16 with one, or GBK; the separator is the one
the first row uses. Rows that begin with `#` and empty rows are left out.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_MOST_BYTES = 100_000_000
_MOST_ROWS = 200_000


class SheetError(ValueError):
    """The file cannot be read as a table; the text says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a table: its number in the file, its cells, and which are numbers."""

    number: int
    cells: tuple[str, ...]
    numbers: frozenset[int] = frozenset()


def read_sheet(path: Path) -> list[Line]:
    """Read a table; the first line is the header.

    Raises:
        SheetError: the file is none of these formats, or too big.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SheetError(f"is bigger than {_MOST_BYTES // 10**6} MB")
        lines = _xlsx(path) if path.suffix.lower() == ".xlsx" else _csv(path)
        found = [line for line in lines if _says_something(line)]
    except OSError as error:
        raise SheetError(f"cannot be read: {error.strerror}") from None
    if not found:
        raise SheetError("has no rows")
    return found


def _says_something(line: Line) -> bool:
    return any(line.cells) and not line.cells[0].startswith("#")


def _csv(path: Path) -> Iterator[Line]:
    text = _decoded(path.read_bytes())
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=_separator(text), strict=True
    )
    number = 1
    try:
        for cells in reader:
            yield Line(number, tuple(cell.strip() for cell in cells))
            number = reader.line_num + 1
    except csv.Error as error:
        raise SheetError(f"row {number}: {error}") from None


def _decoded(data: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return _text(data, encoding) or ""
    text = _text(data, "utf-8")
    return text if text is not None else _text(data, "gb18030") or ""


def _text(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-8":
            return None
        raise SheetError(
            f"is neither UTF-8 nor GBK (byte {error.start}); save it as UTF-8"
        ) from None


def _separator(text: str) -> str:
    header = next(
        (line for line in text.split("\n") if line.strip() and line[0] != "#"), ""
    )
    return max(",;\t", key=header.count)


def _xlsx(path: Path) -> Iterator[Line]:
    """Read the first sheet, values as last calculated."""
    try:
        # Only who imports spreadsheets needs the library, and its 16 MB.
        from openpyxl import load_workbook  # noqa: PLC0415
        from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415
    except ImportError:
        raise SheetError(
            "needs a library: install punchgate[sheets], or save the table as CSV"
        ) from None
    broken = (InvalidFileException, zipfile.BadZipFile, ParseError, KeyError)
    try:
        _not_too_big(path)
        book = load_workbook(path, read_only=True, data_only=True)
        try:
            rows = book.worksheets[0].iter_rows(values_only=True)
            for number, cells in enumerate(rows, 1):
                if number > _MOST_ROWS:
                    raise SheetError(f"has more than {_MOST_ROWS:,} rows")
                yield _line(number, cells)
        finally:
            book.close()
    except (*broken, IndexError, TypeError, AttributeError, EOFError) as error:
        raise SheetError(f"is no spreadsheet that can be read ({error})") from None


def _not_too_big(path: Path) -> None:
    """Refuse what grows on unpacking."""
    with zipfile.ZipFile(path) as archive:
        if sum(one.file_size for one in archive.infolist()) > _MOST_BYTES:
            raise SheetError(f"unpacks to more than {_MOST_BYTES // 10**6} MB")


def _line(number: int, cells: tuple[Any, ...]) -> Line:
    numbers = {index for index, cell in enumerate(cells) if type(cell) in (int, float)}
    return Line(number, tuple(_cell(cell) for cell in cells), frozenset(numbers))


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.replace(microsecond=0).isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()
