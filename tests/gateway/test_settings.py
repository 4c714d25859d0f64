"""gateway.toml: every problem of it and of its book in one run."""

from pathlib import Path

import pytest

from gateway import book_files
from gateway.core.values import VerifyMode
from gateway.core.walker import Problem
from gateway.errors import ConfigError
from gateway.settings import (
    Confirm,
    DriverName,
    Transport,
    comm_key,
    load,
)
from gateway.texts import read_text
from tests.builders import BOOK

REPO = Path(__file__).parents[2]
SHARED = REPO / "../shared/examples"

GATEWAY = """[gateway]
id = "gw-1"
site = "hq"
data_dir = "data"
book = "book.toml"
[mqtt]
host = "127.0.0.1"
[[terminals]]
id = "lobby"
host = "127.0.0.1"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a gateway file and its book, both without problems."""
    (tmp_path / "gateway.toml").write_text(GATEWAY, encoding="utf-8")
    (tmp_path / "book.toml").write_text(BOOK, encoding="utf-8")
    return tmp_path


def change(folder: Path, old: str, new: str) -> Path:
    """Replace a piece of the gateway file and return its path."""
    path = folder / "gateway.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def wrong(path: Path) -> list[Problem]:
    """Return the problems of a gateway file that has some."""
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return list(caught.value.problems)


def test_defaults(folder: Path) -> None:
    """The shortest gateway file has every default, and its book beside it."""
    loaded = load(folder / "gateway.toml")
    (terminal,) = loaded.settings.terminals
    assert loaded.book_serial("lobby") == "VT00000001"
    assert loaded.book_serial("nowhere") == ""
    mqtt = loaded.settings.mqtt
    assert loaded.data_dir == Path("data")
    assert loaded.book_path == folder / "book.toml"
    assert loaded.book.site.id == "hq"
    assert (mqtt.port, mqtt.prefix, mqtt.confirm) == (1883, "att/v1", Confirm.CENTRAL)
    assert (terminal.driver, terminal.transport) == (DriverName.ZK, Transport.TCP)
    assert (terminal.port, terminal.poll_seconds, terminal.live) == (4370, 30.0, True)
    assert terminal.codes()[25] is VerifyMode.PALM


@pytest.mark.parametrize(
    "gateway, book",
    [
        (SHARED / "gateway.toml", SHARED / "book.toml"),
        (REPO / "config/gateway.example.toml", REPO / "config/book.example.toml"),
    ],
)
def test_the_examples_load(tmp_path: Path, gateway: Path, book: Path) -> None:
    """The authoritative example is read without problems."""
    if not gateway.exists():
        pytest.skip("examples absent")
    for path, name in ((gateway, "gateway.toml"), (book, "book.toml")):
        (tmp_path / name).write_bytes(path.read_bytes())
    loaded = load(tmp_path / "gateway.toml")
    lobby, room = loaded.settings.terminals
    assert (lobby.id, room.id) == ("lobby", "machine-room")
    assert lobby.codes() == {
        1: VerifyMode.FINGER,
        3: VerifyMode.PASSWORD,
        4: VerifyMode.CARD,
        15: VerifyMode.FACE,
    }
    assert book_files.load(tmp_path / "book.toml") == loaded.book


def test_ten_mistakes_in_two_files_at_once(folder: Path) -> None:
    """One run names all mistakes of the gateway file and of the book."""
    gateway = folder / "gateway.toml"
    gateway.write_text(
        "[gateway]\n"
        'id = "gw 1"\n'
        'book = "book.toml"\n'
        "[mqtt]\n"
        'host = ""\n'
        "port = 70000\n"
        'confirm = "nobody"\n'
        'tls_ca = "/nowhere/ca.pem"\n'
        'pasword_file = "x"\n'
        "[[terminals]]\n"
        'id = "lobby"\n'
        'host = "h"\n'
        'driver = "telepathy"\n'
        'encoding = "klingon"\n'
        "poll_seconds = 0\n"
        'comm_key_file = "/nowhere/key"\n'
        "[[terminals]]\n"
        'id = "lobby"\n'
        'host = "h"\n',
        encoding="utf-8",
    )
    book = folder / "book.toml"
    book.write_text(BOOK + '[[people]]\nid = "p01"\nnam = "x"\n', encoding="utf-8")
    where = [(Path(p.file).name, p.line, p.path) for p in wrong(gateway)]
    end = BOOK.count("\n")
    assert where == [
        ("gateway.toml", 1, "gateway.site"),
        ("gateway.toml", 1, "gateway.data_dir"),
        ("gateway.toml", 2, "gateway.id"),
        ("gateway.toml", 5, "mqtt.host"),
        ("gateway.toml", 6, "mqtt.port"),
        ("gateway.toml", 7, "mqtt.confirm"),
        ("gateway.toml", 8, "mqtt.tls_ca"),
        ("gateway.toml", 9, "mqtt.pasword_file"),
        ("gateway.toml", 13, "terminals[1].driver"),
        ("gateway.toml", 14, "terminals[1].encoding"),
        ("gateway.toml", 15, "terminals[1].poll_seconds"),
        ("gateway.toml", 16, "terminals[1].comm_key_file"),
        ("gateway.toml", 18, "terminals[2].id"),
        ("book.toml", end + 1, "people[3].name"),
        ("book.toml", end + 3, "people[3].nam"),
    ]


@pytest.mark.parametrize(
    "old, new, expected",
    [
        ('"hq"', '"branch"', "3: gateway.site: the book is of site 'hq'"),
        ('"book.toml"', '""', "5: gateway.book: must not be empty"),
        ('"book.toml"', "7", "5: gateway.book: must be a text, not a whole number (7)"),
        (
            '"lobby"',
            '"roof"',
            (
                "9: terminals[1].id: the book has no terminal 'roof';"
                " add it with its serial"
            ),
        ),
        (
            '"lobby"',
            '"lobby"\nserial = "VT9"',
            "10: terminals[1].serial: 'VT9' is not 'VT00000001' of the book",
        ),
        (
            '"lobby"',
            '"lobby"\nverify_codes = { 1 = "toe" }',
            (
                "10: terminals[1].verify_codes.1: must be one of finger, face, palm,"
                " card, password, unknown, not 'toe'"
            ),
        ),
    ],
)
def test_each_kind_of_problem(folder: Path, old: str, new: str, expected: str) -> None:
    """A slip is named with its line, its key and what is expected there."""
    path = change(folder, old, new)
    assert [str(p) for p in wrong(path)] == [f"{path}:{expected}"]


def test_the_right_serial_may_be_pinned(folder: Path) -> None:
    """Pinning the book's own serial is no problem."""
    path = change(folder, '"lobby"', '"lobby"\nserial = "VT00000001"')
    assert load(path).settings.terminals[0].serial == "VT00000001"


@pytest.mark.parametrize("name", ["undefined", "a\\u0000b", "hex", ""])
def test_an_encoding_that_is_none_is_a_problem(folder: Path, name: str) -> None:
    """Names that make the codec machinery itself fail are reported like others."""
    path = change(folder, '"lobby"', f'"lobby"\nencoding = "{name}"')
    assert [p.path for p in wrong(path)] == ["terminals[1].encoding"]


def test_missing_tables(folder: Path) -> None:
    """An empty file names what it needs."""
    path = folder / "gateway.toml"
    path.write_text("", encoding="utf-8")
    assert [p.path for p in wrong(path)] == ["gateway", "mqtt", "terminals"]


def test_a_gateway_file_that_is_no_toml(folder: Path) -> None:
    """The line where reading stopped is named."""
    path = change(folder, "[mqtt]", "[mqtt")
    (problem,) = wrong(path)
    assert (problem.line, problem.path) == (6, "")
    assert problem.reason.startswith("not TOML: ")


def test_missing_and_unreadable_files(folder: Path) -> None:
    """Absent files, folders and other encodings are named in words."""
    (absent,) = wrong(folder / "nowhere.toml")
    assert absent.reason == "cannot be read: No such file or directory"
    (folder / "latin.toml").write_bytes(b"ab\xff")
    with pytest.raises(ConfigError, match=r"is not UTF-8 \(byte 2\); save it as UTF-8"):
        read_text(folder / "latin.toml")
    (folder / "book.toml").unlink()
    (without,) = wrong(folder / "gateway.toml")
    assert (without.line, without.path) == (5, "gateway.book")
    assert without.reason == (
        f"the book {folder / 'book.toml'} cannot be read: No such file or directory"
    )
    with pytest.raises(ConfigError, match="cannot be read"):
        book_files.load(folder / "book.toml")
    (folder / "book.toml").write_text("x = 1", encoding="utf-8")
    with pytest.raises(ConfigError, match="unknown key"):
        book_files.load(folder / "book.toml")


@pytest.mark.parametrize(
    "content, number", [("0", 0), ("12345\n", 12345), ("4294967295", 2**32 - 1)]
)
def test_comm_keys(tmp_path: Path, content: str, number: int) -> None:
    """A comm key is one number in a file; no file is no key."""
    path = tmp_path / "key"
    path.write_text(content, encoding="utf-8")
    assert comm_key(str(path)) == number
    assert comm_key("") == 0


@pytest.mark.parametrize(
    "content", ["", "secret77", "4294967296", "-1", "1 2", "七七", "7" * 5000]
)
def test_a_bad_comm_key_is_named_without_the_key(folder: Path, content: str) -> None:
    """The file is named; what stands in it is a secret."""
    path = folder / "key"
    path.write_text(content, encoding="utf-8")
    gateway = change(folder, '"lobby"', f'"lobby"\ncomm_key_file = "{path}"')
    (problem,) = wrong(gateway)
    assert problem.path == "terminals[1].comm_key_file"
    assert problem.reason.startswith(str(path))
    said = problem.reason.removeprefix(str(path))
    assert not content or content not in said


def test_an_absent_comm_key_file_is_named(tmp_path: Path) -> None:
    """An absent key file is no empty key."""
    with pytest.raises(ValueError, match=r"key cannot be read: .*No such file"):
        comm_key(str(tmp_path / "key"))
