"""USB exports: every form seen so far, and every line that is none named."""

import codecs
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers import attlog_file
from drivers.attlog_file import BadLine, FileError, FileRecord, read_file, serial_in
from drivers.attlog_lines import TextLine

CAPTURES = Path(__file__).parents[2] / "../shared/captures/attlog"
LINE = "     1001\t2026-11-02 08:00:00\t1\t0\t1\t0"
AT = "2026-11-02T08:00:00"


def read(path: Path, data: bytes) -> list[FileRecord | BadLine]:
    """Read a file with this in it."""
    path.write_bytes(data)
    return list(read_file(path))


@pytest.mark.parametrize(
    "name, good, badges, different",
    [
        ("a_2020_2022_23pins.dat", 24_162, 23, 24_162),
        ("d_2015_135pins_crlf.dat", 5_567, 135, 5_567),
        ("f_2013_named_5cols.dat", 104, 35, 104),
        ("h_2026_in_out_pair.dat", 2, 1, 2),
        ("j_missing_out_and_duplicates.dat", 60, 1, 59),
    ],
)
def test_captures(name: str, good: int, badges: int, different: int) -> None:
    """Files of real terminals: so many records, so many numbers, nothing refused."""
    path = CAPTURES / name
    if not path.exists():
        pytest.skip("captures absent")
    found = list(read_file(path))
    records = [one for one in found if isinstance(one, FileRecord)]
    assert (len(records), len(found) - len(records)) == (good, 0)
    assert len({one.badge for one in records}) == badges
    assert len({one.raw for one in records}) == different
    assert not any(b"User" in one.raw for one in records)


badges = st.text("0123456789", min_size=1, max_size=9)
moments = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - device time has no zone
    max_value=datetime(2099, 12, 31),  # noqa: DTZ001 - the same
)
code = st.integers(0, 255)
rows = st.lists(st.tuples(badges, moments, code, code), min_size=1, max_size=8)
FORMS: dict[str, Callable[[str, str, int, int], str]] = {
    "usual": lambda b, at, s, v: f"{b:>9}\t{at}\t1\t{s}\t{v}\t0",
    "narrow": lambda b, at, s, v: f"{b:>5}\t{at}\t1\t{s}\t{v}\t0",
    "named": lambda b, at, s, v: f"{b}\t甲二\t{at}\t1\t{s}\t{v}\t0",
    "more columns": lambda b, at, s, v: f"{b}\t{at}\t1\t{s}\t{v}\t0\t0\t0",
    "slashes": lambda b, at, s, v: f"{b}\t{at.replace('-', '/')}\t1\t{s}\t{v}\t0",
    "two columns": lambda b, at, s, v: f"{b}\t{at[:10]}\t{at[11:]}\t1\t{s}\t{v}\t0",
    "commas": lambda b, at, s, v: f"{b},{at},1,{s},{v},0",
    "one blank": lambda b, at, s, v: f"{b:>9} {at} 1 {s} {v} 0",
    "named, blanks": lambda b, at, s, v: f"{b:>9} Wang Li {at} 1 {s} {v} 0",
    "quotes": lambda b, at, s, v: f'"{b}","{at}","1","{s}","{v}","0"',
    "name behind": lambda b, at, s, v: f"{b:>9}\t{at}\t1\t{s}\t{v}\t0\t甲二",
    "blanks": lambda b, at, s, v: f"{b}   {at}   1   {s}   {v}   0",
    "trailing": lambda b, at, s, v: f"{b}\t{at}\t1\t{s}\t{v}\t0\t\t ",
}
ENDS = ("\n", "\r\n", "\r")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030")


@settings(max_examples=200, deadline=None)
@given(rows, st.sampled_from(sorted(FORMS)), st.sampled_from(ENDS), st.data())
def test_every_form_reads_back(
    tmp_path_factory: pytest.TempPathFactory,
    records: Sequence[tuple[str, datetime, int, int]],
    form: str,
    end: str,
    data: st.DataObject,
) -> None:
    """Whatever columns, ends and encoding: badge, second, state and verify."""
    encoding = data.draw(st.sampled_from(ENCODINGS))
    text = "".join(
        FORMS[form](badge, f"{at:%Y-%m-%d %H:%M:%S}", state, verify) + end
        for badge, at, state, verify in records
    )
    path = tmp_path_factory.mktemp("usb") / "1_attlog.dat"
    found = read(path, text.encode(encoding))
    assert [
        (one.badge, one.at, one.state, one.verify)
        for one in found
        if isinstance(one, FileRecord)
    ] == [
        (badge, f"{at:%Y-%m-%dT%H:%M:%S}", state, verify)
        for badge, at, state, verify in records
    ]
    assert len(found) == len(records)
    assert "甲".encode() not in b"".join(
        one.raw for one in found if isinstance(one, FileRecord)
    )


@given(badges, moments, code, code, st.integers(0, 10**9 - 1))
def test_the_short_way_is_the_long_way(
    badge: str, at: datetime, state: int, verify: int, work: int
) -> None:
    """The usual form is read at once, and exactly as any other form would be."""
    text = f"{badge}\t{at:%Y-%m-%d %H:%M:%S}\t1\t{state}\t{verify}\t{work}"
    line = TextLine(7, text, is_ended=True, is_too_long=False)
    short = attlog_file._usual(line, text)
    assert short is not None
    assert short == attlog_file._record(7, attlog_file._columns(text))


def test_one_line(tmp_path: Path) -> None:
    """The third column is the terminal's number; leading zeros stay."""
    (found,) = read(tmp_path / "a", b"   0042\t2026-11-02 08:00:00\t7\t255\t15\t3\r\n")
    assert found == FileRecord(
        1, "0042", AT, 15, 255, 3, b"0042\t2026-11-02T08:00:00\t7\t255\t15\t3"
    )


def test_codes_that_are_not_there_are_not_set(tmp_path: Path) -> None:
    """Two codes behind the date are the terminal's number and the state."""
    (found,) = read(tmp_path / "a", b"9\tUser034\t2013-04-20 09:36:49\t1\t0\n")
    assert isinstance(found, FileRecord)
    assert (found.badge, found.state, found.verify, found.work) == ("9", 0, 255, None)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("1001\t2026-11-02 08:00\t1\t0\t1\t0", "without seconds"),
        ("1001\t2026-11-02\t1\t0\t1\t0", "a date without a time"),
        ("1001\t2026-11-02", "a date without a time"),
        ("\t2026-11-02 08:00:00\t1\t0\t1\t0", "no user number"),
        ("2026-11-02 08:00:00\t1\t0\t1\t0", "no user number"),
        ("1001\t2026-11-02 08:00:00\t1\tX\t1\t0", "codes that are no numbers"),
        ("1001\t2026-11-02 08:00:00\t1\t256\t1\t0", "no state of 0 to 255: 256"),
        ("1001\t2026-11-02 08:00:00\t1\t0\t999\t0", "no verify of 0 to 255: 999"),
        ("1001\t2026-11-02 08:00:00\t1\t0\t1\t9999999999", "no work code"),
        ("hello", "no date and time in 'hello'"),
        ("\x7fELF\x01\x02", "no date and time"),
        ("\x01\x02\t2026-11-02 08:00:00\t1\t0\t1\t0", "no user number"),
        ("7" * 25 + "\t2026-11-02 08:00:00\t1\t0\t1\t0", "no user number"),
        ("12\x00\x0034\t2026-11-02 08:00:00\t1\t0\t1\t0", "no user number"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, text: str, reason: str) -> None:
    """Its number and what is wrong; the lines around it count."""
    first, bad, last = read(tmp_path / "a", f"{LINE}\n{text}\n{LINE}\n".encode())
    assert isinstance(first, FileRecord)
    assert isinstance(last, FileRecord)
    assert isinstance(bad, BadLine)
    assert bad.line == 2
    assert reason in bad.reason


@pytest.mark.parametrize(
    "text",
    [
        "     1001\t2026-11-0     1002\t2026-11-02 09:00:00\t1\t0\t1\t0",
        "     1001\t2026-11-0" + "\0" * 300 + "     1002\t2026-11-02 09:00:00\t1",
        "     1001\t2026-11-02\t2026-11-02 09:00:00\t1\t0\t1\t0",
        "     1001\t     1002\t2026-11-02 09:00:00\t1\t0\t1\t0",
        "     1001\t20     A12\t2026-11-02 09:00:00\t1\t0\t1\t0",
        "     10     1002\t2026-11-02 09:00:00\t1\t0\t1\t0",
        "     10     1002 2026-11-02 09:00:00 1 0 1 0",
        LINE + LINE,
        LINE + "\t0" + LINE,
        "甲二\t9\t2026-11-02 09:00:00\t1\t0\t1\t0",
        "000001\t1\t000000042\t甲二\t\t1\t0\t2026/11/02 09:00:00",
        "甲二 甲三 2026-11-02 09:00:00 1 0 1 0",
    ],
)
def test_nobody_gets_the_punch_of_another(tmp_path: Path, text: str) -> None:
    """Two records run together, or a badge nobody can point at: no record at all."""
    first, bad = read(tmp_path / "a", f"{LINE}\n{text}\n".encode())
    assert isinstance(first, FileRecord)
    assert isinstance(bad, BadLine)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "gb18030", "utf-16", "utf-16-le", "utf-16-be"]
)
def test_every_encoding_gives_the_same(tmp_path: Path, encoding: str) -> None:
    """Marked or not: the same record, without the name, cut in mid-line or not."""
    text = "0042\t甲二\t2026-11-02 08:00:00\t1\t0\t15\r\n0042\t甲二\t2026"
    found, bad = read(tmp_path / "a", text.encode(encoding))
    assert found == FileRecord(
        1, "0042", AT, 15, 0, None, f"0042\t{AT}\t1\t0\t15".encode()
    )
    assert isinstance(bad, BadLine)
    (half,) = read(tmp_path / "b", "甲".encode(encoding)[:-1])
    assert isinstance(half, BadLine)


def test_a_name_that_is_the_number_is_a_name(tmp_path: Path) -> None:
    """Terminals write the number where nobody entered a name."""
    (found,) = read(tmp_path / "a", b"9\t9\t2026-11-02 08:00:00\t1\t0\n")
    assert isinstance(found, FileRecord)
    assert found.badge == "9"


@pytest.mark.parametrize(
    "before, behind",
    [
        ("AEH1234567890\r\n", "8A3F21\r\n"),
        ("AEH1234567890\r\n", "8A3F21\r\n\r\n\x1a"),
        ("\r\nAEH1234567890\n", "8A3F21" + "\0" * 100_000),
        ("VTC0\r\n", "8A3F21\r\n"),
        ("AC-No.\tName\tTime\r\n", "\x1a"),
    ],
)
def test_what_stands_around_the_records(
    tmp_path: Path, before: str, behind: str
) -> None:
    """Serial and checksum with blank lines and padding about them, and headings."""
    (found,) = read(tmp_path / "a", f"{before}{LINE}\r\n{behind}".encode())
    assert isinstance(found, FileRecord)


@pytest.mark.parametrize("rest", ["     10", "1001,2026-11-0", "1001\t2026", "a b"])
def test_a_cut_record_is_no_checksum(tmp_path: Path, rest: str) -> None:
    """Only one word alone may be a checksum; what is lost is said."""
    found = read(tmp_path / "a", f"AEH1234567890\n{LINE}\n{rest}".encode())
    assert isinstance(found[-1], BadLine)
    assert found[-1].line == 3


@pytest.mark.parametrize(
    "text", ["nonsense", "good morning", "a\tb", "12345", "V1", "2026-11-0", "8" * 5000]
)
def test_a_bad_first_line_is_no_serial(tmp_path: Path, text: str) -> None:
    """Words alone are none, nor what is left of a record, nor a row of headings."""
    bad, _ = read(tmp_path / "a", f"{text}\n{LINE}\n".encode())
    assert isinstance(bad, BadLine)
    assert serial_in(tmp_path / "a") == ""


@pytest.mark.parametrize(
    "serial", ["AEH1234567890", "3412160400012", "VTC0", "A-1.b_2"]
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_the_serial_in_the_first_line(
    tmp_path: Path, serial: str, encoding: str
) -> None:
    """Read before anything else is, blank lines and padding in front of it or not."""
    for before in ("", "\r\n \r\n", "\0" * 100):
        text = f"{before}{serial}\r\n{LINE}\r\nVT99\r\n"
        (tmp_path / "a").write_bytes(text.encode(encoding))
        assert serial_in(tmp_path / "a") == serial


def test_a_file_without_a_serial(tmp_path: Path) -> None:
    """One that begins with a record, one without any line, and none at all."""
    for text in (LINE, f"{LINE}\nAEH1234567890\n", "", "\n\n"):
        (tmp_path / "a").write_text(text, "ascii")
        assert serial_in(tmp_path / "a") == ""
    with pytest.raises(FileError, match="No such file"):
        serial_in(tmp_path / "b")


def test_a_run_of_nuls_of_any_length_is_padding(tmp_path: Path) -> None:
    """Whole blocks of a stick may be empty: the record behind them counts."""
    data = LINE.encode() + b"\n" + bytes(300_000) + LINE.encode() + b"\n"
    assert [type(one) for one in read(tmp_path / "a", data)] == [FileRecord] * 2
    data = LINE.encode() + bytes(300_000) + b"\n" + LINE.encode() + b"\n"
    assert [type(one) for one in read(tmp_path / "a", data)] == [FileRecord] * 2


def test_line_ends_at_the_edge_of_a_piece(tmp_path: Path) -> None:
    """Numbers stay right wherever the pieces that are read end."""
    for shift in range(4):
        pad = b"x" * (65536 - 2 - shift) + b"\r\n"
        found = read(tmp_path / "a", pad + LINE.encode() + b"\r\nbad\r\n")
        assert [one.line for one in found] == [1, 2, 3]


def test_progress_ends_at_the_size(tmp_path: Path) -> None:
    """Bytes read so far, never going back."""
    path = tmp_path / "a"
    path.write_text(f"{LINE}\n" * 5000, "ascii")
    told: list[int] = []
    assert len(list(read_file(path, told.append))) == 5000
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size


def test_a_replaced_file_is_noticed(tmp_path: Path) -> None:
    """Another file of the same name is another file, at whatever size."""
    path = tmp_path / "a"
    path.write_text(f"{LINE}\n" * 3000, "ascii")
    lines = read_file(path)
    next(lines)
    (tmp_path / "b").write_bytes(path.read_bytes())
    (tmp_path / "b").replace(path)
    with pytest.raises(FileError, match="changed or replaced while it was read"):
        list(lines)


def test_an_impossible_date_keeps_its_digits(tmp_path: Path) -> None:
    """What the calendar says is judged later; the record is kept."""
    (found,) = read(tmp_path / "a", b"1001\t2026-02-31 08:00:00\t1\t0\t1\t0\n")
    assert isinstance(found, FileRecord)
    assert found.at == "2026-02-31T08:00:00"


def test_serial_and_checksum_around_the_records(tmp_path: Path) -> None:
    """Extended exports have both; without the first line the last one is refused."""
    whole = f"AEH1234567890\r\n{LINE}\r\n{LINE}\r\n8A3F21\r\n".encode()
    assert len(read(tmp_path / "a", whole)) == 2
    (_, bad) = read(tmp_path / "b", f"{LINE}\r\n8A3F21\r\n".encode())
    assert isinstance(bad, BadLine)
    middle = f"AEH1234567890\n{LINE}\n8A3F21\n{LINE}\n".encode()
    (_, bad, _) = read(tmp_path / "c", middle)
    assert isinstance(bad, BadLine)


def test_nuls_are_padding(tmp_path: Path) -> None:
    """A stick pulled out too early leaves runs of NULs; what is readable counts."""
    found = read(tmp_path / "a", LINE.encode() + b"\n" + bytes(5000) + b"\n")
    assert [type(one) for one in found] == [FileRecord]
    (found_,) = read(tmp_path / "b", bytes(512) + LINE.encode() + b"\n")
    assert isinstance(found_, FileRecord)


@pytest.mark.parametrize("cut", [1, 5, 20, 30])
def test_a_line_that_is_cut_off(tmp_path: Path, cut: int) -> None:
    """The last line of a truncated file is no record, unless nothing of it is gone."""
    data = f"{LINE}\n{LINE}".encode()
    found = read(tmp_path / "a", data[:-cut] if cut > 1 else data[:-2])
    assert isinstance(found[0], FileRecord)
    assert isinstance(found[-1], BadLine)
    assert found[-1].line == 2
    assert len(read(tmp_path / "b", data)) == 2


def test_a_line_without_end_is_not_collected(tmp_path: Path) -> None:
    """Megabytes without a line end are one refused line, not memory."""
    data = b"7" * 3_000_000 + b"\n" + LINE.encode() + b"\n"
    bad, good = read(tmp_path / "a", data)
    assert isinstance(bad, BadLine)
    assert "longer than 4096 bytes" in bad.reason
    assert isinstance(good, FileRecord)
    wide = codecs.BOM_UTF16_LE + data.decode().encode("utf-16-le")
    bad, good = read(tmp_path / "b", wide)
    assert isinstance(bad, BadLine)
    assert "longer than" in bad.reason
    assert isinstance(good, FileRecord)
    assert good.line == 2


def test_an_empty_file_has_nothing(tmp_path: Path) -> None:
    """No record and no complaint."""
    assert read(tmp_path / "a", b"") == []
    assert read(tmp_path / "b", b"\r\n\n") == []


def test_a_file_that_changes_is_noticed(tmp_path: Path) -> None:
    """Whoever writes while we read hears of it; importing again is harmless."""
    path = tmp_path / "a"
    path.write_text(f"{LINE}\n" * 3000, "ascii")
    lines = read_file(path)
    next(lines)
    path.write_text(f"{LINE}\n" * 3001, "ascii")
    with pytest.raises(FileError, match="changed or replaced while it was read"):
        list(lines)


def test_no_file_is_said(tmp_path: Path) -> None:
    """In the system's words, with the path."""
    with pytest.raises(FileError, match="No such file"):
        list(read_file(tmp_path / "a"))
    with pytest.raises(FileError, match="directory"):
        list(read_file(tmp_path))
