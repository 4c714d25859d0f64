"""`[[readers]]` and the watched folder in gateway.toml: all problems at once."""

from pathlib import Path

import pytest

from drivers.serial_reader.frames import Base, Card, CardText, Terminator
from gateway.desk_settings import Feedback, ReaderKind, ReaderSettings, ReaderUse
from gateway.errors import ConfigError
from gateway.settings import load
from tests.gateway.desks import write

LEAST = '[[readers]]\nid = "desk"\nport = "/dev/ttyUSB0"\nuse = "roll"\n'


def readers(folder: Path, text: str, gateway: str = "") -> tuple[ReaderSettings, ...]:
    """Load settings with these readers."""
    write(folder, readers=text, book="", gateway=gateway)
    return load(folder / "gateway.toml").settings.readers


def wrong(folder: Path, text: str, gateway: str = "") -> list[tuple[str, str]]:
    """Return key and reason of every problem."""
    with pytest.raises(ConfigError) as caught:
        readers(folder, text, gateway)
    return [(one.path, one.reason) for one in caught.value.problems]


def test_the_shortest_reader(tmp_path: Path) -> None:
    """Three keys make a reader: an EM4100 one at 9600 baud, half an hour, silent."""
    (found,) = readers(tmp_path, LEAST)
    assert (found.kind, found.use) == (ReaderKind.RDM6300, ReaderUse.ROLL)
    assert (found.baud, found.handover_minutes) == (9600, 30.0)
    assert (found.feedback, found.card) == (Feedback.NONE, CardText.PRINTED)
    assert found.where.path == "/dev/ttyUSB0"
    assert found.vouching == "desk"
    frame = b"\x02010063E9AE25\x03"
    assert found.decoder().take(frame).found == (Card("0006547886", frame),)


def test_a_line_reader(tmp_path: Path) -> None:
    """Pattern, base and terminator reach the decoder."""
    more = 'kind = "line"\nregex = "[0-9A-F]{6}"\nbase = "hex"\nterminator = "cr"\n'
    (found,) = readers(tmp_path, f'{LEAST}{more}card = "plain"\nwitness = "clerk1"\n')
    assert (found.base, found.terminator) == (Base.HEX, Terminator.CR)
    assert found.decoder().take(b"63E9AE\r").found == (Card("6547886", b"63E9AE"),)
    assert found.vouching == "clerk1"


def test_without_readers(tmp_path: Path) -> None:
    """A gateway without a desk needs no word about it."""
    assert readers(tmp_path, "") == ()


@pytest.mark.parametrize(
    "more,path,reason",
    [
        ("baud = 12345\n", "baud", "must be one of 1200, 2400"),
        ("baud = true\n", "baud", "must be a whole number"),
        ("debounce_seconds = 0\n", "debounce_seconds", "must be from 0.1 to 60"),
        ('regex = "x"\n', "regex", 'goes only with kind = "line"'),
        ('base = "hex"\n', "base", 'goes only with kind = "line"'),
        ('kind = "line"\n', "regex", "is missing"),
        ('kind = "line"\nregex = "("\n', "regex", "is no pattern"),
        ('kind = "wiegand"\n', "kind", "must be one of rdm6300, line"),
        ('beep_ok = "7"\n', "beep_ok", "must be bytes in hex"),
        ('feedback = "beep"\n', "feedback", "must be one of none, line"),
        ('post = "noc"\n', "post", 'goes only with use = "handover"'),
        ('feedbak = "line"\n', "feedbak", "unknown key; did you mean feedback?"),
    ],
)
def test_problems_of_a_reader(
    tmp_path: Path, more: str, path: str, reason: str
) -> None:
    """What is wrong with one reader is said at its key."""
    ((where, said),) = wrong(tmp_path, LEAST + more)
    assert where == f"readers[1].{path}"
    assert said.startswith(reason), said


def test_problems_between_readers_terminals_and_book(tmp_path: Path) -> None:
    """Doubled ids and ports, a post nobody has and a relative port, all at once."""
    text = (
        LEAST
        + LEAST
        + '[[readers]]\nid = "lobby"\nport = "ttyUSB1"\nuse = "handover"\n'
        + '[[readers]]\nid = "d4"\nport = "/dev/x"\nuse = "handover"\npost = "gate"\n'
    )
    gateway = 'import_dir = "usb"\nimport_names = { "1" = "cellar" }\n'
    assert sorted(wrong(tmp_path, text, gateway)) == [
        ("gateway.import_dir", "must be a whole path such as /media/punchgate"),
        ("gateway.import_names.1", "the book has no terminal 'cellar'"),
        ("readers[2].id", "'desk' stands already above"),
        ("readers[2].port", "'/dev/ttyUSB0' stands already above"),
        ("readers[3].id", "'lobby' is a terminal; a reader needs a name of its own"),
        (
            "readers[3].port",
            "must be a whole path such as /dev/serial/by-id/… or /dev/ttyUSB0",
        ),
        (
            "readers[3].post",
            'is missing; use = "handover" needs the post that is handed over',
        ),
        ("readers[4].post", "the book has no post 'gate'"),
    ]


def test_an_absent_port_is_a_warning(tmp_path: Path) -> None:
    """A reader that is not plugged in is told by `check-config` and stops nothing."""
    there = LEAST.replace('"desk"', '"two"').replace("ttyUSB0", "null")
    write(tmp_path, readers=LEAST + there, book="", gateway="")
    (concern,) = load(tmp_path / "gateway.toml").concerns
    assert concern.path == "readers[1].port"
    assert "is not there now" in concern.reason


@pytest.mark.parametrize("text", ["readers = 7\n", "readers = [7]\n"])
def test_readers_that_are_no_rows(tmp_path: Path, text: str) -> None:
    """Nonsense in place of the rows is a problem, not a crash."""
    write(tmp_path, readers="", book="", gateway="")
    path = tmp_path / "gateway.toml"
    path.write_text(text + path.read_text("utf-8"), "utf-8")
    with pytest.raises(ConfigError, match="readers"):
        load(path)
