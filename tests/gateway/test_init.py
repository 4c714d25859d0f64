"""`init`: finds what answers, says what it is, and writes files that hold."""

import json
import stat
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drivers.base import TerminalUser
from gateway import first_files, starter, survey
from gateway.core.book import read_book
from gateway.settings import AlarmSettings, topic_level
from gateway.survey import Place, own_networks, places
from tests.brokers import free_port
from tests.gateway.commands import Done, run, virtual, web_server

KEY = "4711"
USERS = "uid,user_id,name\n1,0042,甲二\n2,1001,甲一\n"
OTHERS = 'uid,user_id,name\n1,0042,甲二\n2,1001,"O\'Neil ""x"" \\n"\n3,7,\n'


@dataclass
class Hall:
    """Terminals and others, each on a loopback address, all on one port."""

    folder: Path
    port: int
    stack: ExitStack

    @property
    def config(self) -> Path:
        """Where the file comes."""
        return self.folder / "gateway.toml"

    def terminal(self, host: str, serial: str, users: str, *options: str) -> None:
        """Start a terminal."""
        file = self.folder / f"{serial}.csv"
        file.write_text(users, "utf-8")
        own = ["--host", host, "--port", str(self.port), "--serial", serial]
        own += ["--users", str(file), "--timezone", "Asia/Shanghai"]
        log = self.folder / f"{serial}.dat"
        log.write_text(f"{'1001':>9}\t2026-11-02 08:00:07\t1\t0\t1\t0\n", "utf-8")
        self.stack.enter_context(virtual(log, *own, *options))

    def init(self, *arguments: str) -> Done:
        """Run the command."""
        own = ["--port", str(self.port), "-c", str(self.config)]
        return run("init", *arguments, *own, TZ="UTC")


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """Give a folder and a port that is free on every loopback address."""
    with ExitStack() as stack:
        yield Hall(tmp_path, free_port(), stack)


def found(done: Done) -> dict[str, dict[str, Any]]:
    """Return what was found by host."""
    return {row["host"]: row for row in json.loads(done.stdout)["found"]}


@pytest.mark.slow
def test_a_network_with_everything_in_it(hall: Hall) -> None:
    """Each is called what it is; terminals go into files that `check-config` takes."""
    hall.terminal("127.0.1.1", "VT1", USERS)
    hall.terminal("127.0.1.2", "VT2", OTHERS, "--comm-key", KEY)
    hall.terminal("127.0.1.3", "VT3", USERS, "--fault", "secure-6001")
    hall.stack.enter_context(web_server("127.0.1.4", hall.port))
    done = hall.init("127.0.1.0/28", "--key", KEY, "--site", "hq", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    rows = found(done)
    assert {host: row["answer"] for host, row in rows.items()} == {
        "127.0.1.1": "open",
        "127.0.1.2": "key",
        "127.0.1.3": "secure",
        "127.0.1.4": "other",
    }
    assert "HTTP/1.1 400" in rows["127.0.1.4"]["words"]
    assert "6001" in rows["127.0.1.3"]["words"]
    info = rows["127.0.1.1"]["info"]
    assert (info["serial"], info["records"], info["users"]) == ("VT1", 1, 2)
    assert abs(rows["127.0.1.1"]["offset_seconds"]) < 5
    document = json.loads(done.stdout)
    assert run("check-config", hall.config).stdout == "ok\n"
    made = tomllib.loads(hall.config.read_text("utf-8"))
    assert [t["serial"] for t in made["terminals"]] == ["VT1", "VT2"]
    book = tomllib.loads((hall.folder / "book.toml").read_text("utf-8"))
    assert book["site"]["timezone"] == "Asia/Shanghai"
    assert (document["timezone"], document["timezone_fits"]) == ("Asia/Shanghai", True)
    secret = Path(made["terminals"][1]["comm_key_file"])
    assert secret.read_text() == f"{KEY}\n"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert str(secret) in document["written"]
    assert KEY not in hall.config.read_text("utf-8") + done.stdout
    names = {row["id"]: row["name"] for row in document["people"]}
    badges = {
        (names[row["person"]], row["badge"]): row["terminal"]
        for row in document["enrolments"]
    }
    first, second = (t["id"] for t in made["terminals"])
    assert badges == {
        ("甲二", "0042"): "*",
        ("甲一", "1001"): first,
        ('O\'Neil "x" \\n', "1001"): second,
        ("7", "7"): "*",
    }


@pytest.mark.slow
def test_what_is_printed_can_be_pasted(hall: Hall) -> None:
    """With the rows in the book both files hold, and `doctor` finds the terminal well.

    A name in no language of ours comes through as it is on the terminal.
    """
    hall.terminal("127.0.1.1", "VT1", OTHERS, "--comm-key", KEY)
    secret = hall.folder / "key"
    secret.write_text(KEY, "utf-8")
    secret.chmod(0o600)
    done = hall.init("127.0.1.1", "--key-file", str(secret))
    assert (done.returncode, done.stderr) == (0, "")
    rows = done.stdout.split("correct who is who:\n")[1]
    with (hall.folder / "book.toml").open("a", encoding="utf-8") as book:
        book.write(rows)
    assert run("check-config", hall.config).stdout == "ok\n"
    assert '"甲二"' in rows
    made = tomllib.loads(hall.config.read_text("utf-8"))
    assert made["terminals"][0]["comm_key_file"] == str(secret)
    (name,) = (row["id"] for row in made["terminals"])
    done = run("doctor", "-c", hall.config, "--terminal", name)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "all is well")


@pytest.mark.slow
def test_no_file_is_overwritten(hall: Hall) -> None:
    """A file that is there ends the command before anybody is asked."""
    hall.terminal("127.0.1.1", "VT1", USERS)
    assert hall.init("127.0.1.1").returncode == 0
    before = {path: path.read_bytes() for path in hall.folder.glob("*.toml")}
    assert len(before) == 2
    hall.config.unlink()  # the book alone is in the way too
    for _ in range(2):
        done = hall.init("127.0.1.1")
        assert (done.returncode, done.stdout) == (2, "")
        assert "is there already and is not overwritten" in done.stderr
        hall.config.write_bytes(before[hall.config])
    assert {path: path.read_bytes() for path in before} == before
    done = hall.init("127.0.1.1", "--print")
    assert done.returncode == 0
    assert before[hall.config].decode() in done.stdout
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
def test_a_terminal_that_wants_its_key(hall: Hall) -> None:
    """Without it nothing is written, and the sentence says what is wanted."""
    hall.terminal("127.0.1.1", "VT1", USERS, "--comm-key", KEY)
    for key in ([], ["--key", "1"]):
        done = hall.init("127.0.1.1", *key)
        assert done.returncode == 1
        assert "comm key" in done.stdout
        assert not hall.config.exists()


@pytest.mark.slow
def test_who_learnt_nothing_shows_nothing(hall: Hall) -> None:
    """No file is printed for a terminal that did not say who it is."""
    hall.terminal("127.0.1.1", "VT1", USERS, "--comm-key", KEY)
    done = hall.init("127.0.1.1", "--print")
    assert done.returncode == 1
    assert "timezone" not in done.stdout
    assert "[gateway]" not in done.stdout
    assert "there is nothing to write or to print" in done.stderr
    done = hall.init("127.0.1.1", "--print", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["timezone"] is None


@pytest.mark.slow
def test_a_zone_that_fits_no_clock_is_called_a_guess(hall: Hall) -> None:
    """Neither this machine's zone nor China's: both the command and the book say so."""
    hall.terminal("127.0.1.1", "VT1", USERS, "--clock-offset", "14400")
    done = hall.init("127.0.1.1")
    assert done.returncode == 0
    assert "timezone UTC is a guess: no terminal's clock fits it" in done.stdout
    book = (hall.folder / "book.toml").read_text("utf-8")
    assert 'timezone = "UTC"  # a guess' in book
    assert run("check-config", hall.config).stdout == "ok\n"


@pytest.mark.slow
def test_only_udp(hall: Hall) -> None:
    """A terminal that takes no TCP is found over UDP, and its file says so."""
    port = hall.port
    hall.port = free_port()
    hall.terminal("127.0.1.1", "VT1", USERS, "--udp-port", str(port))
    hall.port = port
    done = hall.init("127.0.1.1")
    assert done.returncode == 0, done.stdout
    assert "ZK, UDP only" in done.stdout
    made = tomllib.loads(hall.config.read_text("utf-8"))
    assert made["terminals"][0]["transport"] == "udp"


@pytest.mark.slow
def test_a_named_address_that_is_no_terminal(hall: Hall) -> None:
    """Files for those that answered, and exit 1 for the one that was asked for."""
    hall.terminal("127.0.1.1", "VT1", USERS)
    done = hall.init("127.0.1.1", "127.0.1.9")
    assert done.returncode == 1
    assert "the connection is refused" in done.stdout
    assert run("check-config", hall.config).stdout == "ok\n"
    lonely = hall.config.with_name("lonely")
    lonely.mkdir()
    hall.folder = lonely
    done = hall.init("127.0.1.8/30")
    assert (done.returncode, done.stdout) == (1, "nothing answered\n")
    assert list(lonely.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments, words",
    [
        ("10.0.0.0/8", "too large"),
        ("10.0.0.0/33", "no network"),
        ("fd00::/120", "too large"),
        ("a:b:c", "no address"),
        ("127.0.0.1:0", "no address"),
        ("127.0.0.1 --site a/b", "--site"),
        ("127.0.0.1 --gateway a#b", "--gateway"),
        ("127.0.0.1 --encoding none", "unknown encoding"),
        ("127.0.0.1 --key 1 --key-file x", "give one"),
        ("127.0.0.1 --key-file absent", "absent"),
        ("127.0.0.1 -c absent/gateway.toml", "no folder"),
    ],
)
def test_usage(tmp_path: Path, arguments: str, words: str) -> None:
    """What cannot be done as asked is exit 2 and a sentence, and nothing is asked."""
    where = ["-c", str(tmp_path / "gateway.toml")] if "-c " not in arguments else []
    done = run("init", *arguments.split(), *where)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_places() -> None:
    """Every form of an address; a network without its own and its last address."""
    assert places(["a", "a:1", "::1", "[::1]:2", "[::1]", "a"], 4370) == [
        Place("a", 4370, named=True),
        Place("a", 1, named=True),
        Place("::1", 4370, named=True),
        Place("::1", 2, named=True),
    ]
    hosts = [place.host for place in places(["192.168.1.77/30"], 4370)]
    assert hosts == ["192.168.1.77", "192.168.1.78"]
    assert len(places(["10.0.0.0/22"], 4370)) == 1022


def test_own_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small networks that an interface stands in; no routes, no loopback, no big ones.

    The sample is what the kernel shows of 192.0.2.2/24, a default route and a /16.
    """
    rows = [
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT",
        "eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0",
        "eth0 000200C0 00000000 0001 0 0 0 00FFFFFF 0 0 0",
        "wlan0 0000A8C0 00000000 0001 0 0 0 0000FFFF 0 0 0",
        "lo 0000007F 00000000 0001 0 0 0 00FFFFFF 0 0 0",
        "eth0 0001A8C0 010200C0 0003 0 0 0 00FFFFFF 0 0 0",
    ]
    routes = tmp_path / "route"
    monkeypatch.setattr(survey, "_ROUTES", routes)
    assert own_networks() == []
    routes.write_text("\n".join(rows) + "\n", "ascii")
    assert own_networks() == ["192.0.2.0/24"]


def test_an_untouched_example_is_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make install` lays examples down; only files that somebody changed are kept."""
    share = tmp_path / "share" / "punchgate" / "config"
    share.mkdir(parents=True)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    for kind in ("gateway", "book"):
        for path in (share / f"{kind}.example.toml", tmp_path / f"{kind}.toml"):
            path.write_text(f"# {kind}\n")
    config = tmp_path / "gateway.toml"
    assert first_files.in_the_way(config) is None
    (tmp_path / "book.toml").write_text("# book\n# mine\n")
    assert first_files.in_the_way(config) == tmp_path / "book.toml"


def test_ids_of_terminals() -> None:
    """From the model, then the serial's end; none twice, whatever they are."""
    assert starter.ids(
        [("K40", "A1"), ("K40", "CQZ7-0042"), ("", "B"), ("考勤", "C")]
    ) == [
        "k40",
        "k40-0042",
        "terminal",
        "terminal-c",
    ]


@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=30)), max_size=8))
def test_ids_fit_everywhere(names: list[tuple[str, str]]) -> None:
    """Whatever terminals call themselves, ids differ and can stand in a topic."""
    made = starter.ids(names)
    assert len(set(made)) == len(names)
    assert all(topic_level(one) is None for one in made)


@given(st.text(st.characters(codec="utf-8")))
@example('\x7f\x00\r\n"\\甲')
def test_quoted_texts_read_back(text: str) -> None:
    """Any text becomes a TOML string that says the same."""
    assert tomllib.loads(f"key = {starter.quoted(text)}") == {"key": text}


USER = st.builds(
    TerminalUser,
    slot=st.integers(1, 65535),
    badge=st.text(max_size=24),
    name=st.text(max_size=24),
    privilege=st.just(0),
    card=st.just(0),
)


@given(
    st.dictionaries(st.sampled_from(["a", "b", "c"]), st.lists(USER, max_size=6)),
    st.text(max_size=30),
)
def test_rows_hold_whatever_terminals_say(
    users: dict[str, list[TerminalUser]], model: str
) -> None:
    """Every text of a terminal gives a book without problems, all badges in it."""
    persons, badges = starter.people(users.items())
    entries = [
        starter.Entry(name, f"S-{name}", "h", 1, "tcp", "gb18030", "", model)
        for name in ("a", "b", "c")
    ]
    text = starter.book_file(
        site="hq",
        zone="Asia/Shanghai",
        zone_fits=False,
        version="1",
        terminals=entries,
    )
    text += "\n" + starter.rows_to_paste(persons, badges)
    book, problems = read_book(text, "book.toml")
    assert problems == []
    assert book is not None
    assert {row.badge for row in book.enrolments} == {row.badge for row in badges}
    gateway = starter.gateway_file(
        gateway="g",
        site="hq",
        data_dir="/d",
        book="book.toml",
        broker=("h", 1),
        terminals=entries,
    )
    read = tomllib.loads(gateway)
    assert [row["id"] for row in read["terminals"]] == ["a", "b", "c"]
    assert set(read["alarms"]) == {key.name for key in fields(AlarmSettings)}
    assert AlarmSettings(**read["alarms"]) == AlarmSettings()
