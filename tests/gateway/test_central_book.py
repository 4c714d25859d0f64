"""The centre's book at the gateway: what is refused, what is kept, what it changes."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway import central_book
from gateway.central_book import BookRefusedError, CentralBook
from gateway.core import redaction
from gateway.core.walker import Problem
from gateway.errors import ConfigError
from gateway.settings import Loaded, load
from tests.builders import BOOK, STAMP
from tests.gateway.site_books import site_book
from tests.gateway.test_settings import GATEWAY


def read(payload: bytes) -> CentralBook:
    """Read a message as the gateway of hq."""
    return central_book.read(payload, "hq", STAMP)


def load_following(folder: Path, more: str = "", pin: str = "") -> Loaded:
    """Load a gateway file that follows the centre."""
    text = GATEWAY.replace('"book.toml"', '"central"').replace('"data"', f'"{folder}"')
    if pin:
        text += f'serial = "{pin}"\n'
    path = folder / "gateway.toml"
    path.write_text(text + more, encoding="utf-8")
    return load(path)


def kept(folder: Path, payload: bytes) -> None:
    """Put a book where the gateway keeps it."""
    central_book.keep(folder / central_book.FILE, read(payload))


def refused(payload: bytes) -> str:
    """Return why a message is refused."""
    with pytest.raises(BookRefusedError) as caught:
        read(payload)
    return str(caught.value)


def test_a_good_book_is_read() -> None:
    """Version, serials, zones and badges arrive; names do not."""
    found = read(site_book())
    assert (found.book.version, found.received_at) == ("1", STAMP)
    assert found.book.zone("machine-room") == "Asia/Urumqi"
    assert [row.name for row in found.book.people] == ["p01", "p02"]
    assert "甲".encode() not in found.payload


@pytest.mark.parametrize(
    "payload, reason",
    [
        (b"", "somebody cleared the topic"),
        (b" " * (redaction.MAX_BYTES + 1), "it is longer than 4194304 bytes"),
        (b"[" * 10_000, "unreadable: "),
        (b"\xff", "unreadable: "),
        (b"{}", "unreadable: "),
        (site_book(site="branch"), "it is of site branch"),
        (site_book(digest="0" * 64), "its digest is not that of its tables"),
        (
            site_book(BOOK.replace('"hq"', '"branch"'), site="hq"),
            "tables are of branch",
        ),
    ],
)
def test_what_is_no_book_of_ours_is_refused_in_words(
    payload: bytes, reason: str
) -> None:
    """Nothing of it is used, and the log says why."""
    assert reason in refused(payload)


def test_a_changed_byte_is_noticed() -> None:
    """The digest is over the tables, so a book that was changed is none."""
    changed = site_book().replace(b'"1001"', b'"1002"')
    assert refused(changed) == "its digest is not that of its tables"


def test_problems_are_counted_and_the_first_is_said() -> None:
    """A centre of another version may send what we cannot read."""
    rows = [{"person": "x", "badge": "1"}, {"person": "y", "badge": "2"}]
    tables: dict[str, Any] = {"site": {"id": "hq"}, "enrolments": rows}
    payload = site_book(tables=tables, digest=redaction.digest(tables))
    first = "row of the centre's book:1: enrolments.person: nobody is called 'x'"
    assert refused(payload) == f"2 problems, the first: {first}"
    del rows[1]
    payload = site_book(tables=tables, digest=redaction.digest(tables))
    assert refused(payload) == first


def test_names_are_not_kept_even_when_they_come() -> None:
    """A centre that sends more than it should does not make us keep it."""
    tables: dict[str, Any] = {
        "site": {"id": "hq"},
        "people": [{"id": "p1", "name": "Zhang", "phone": "1"}],
        "diary": [{"text": "Zhang"}],
    }
    found = read(site_book(tables=tables, digest=redaction.digest(tables)))
    assert b"Zhang" not in found.payload
    assert read(found.payload).digest == found.digest


def test_a_policy_that_only_the_centre_has_is_no_problem() -> None:
    """The book comes whole; what cannot be judged here is judged there."""
    more = '[[vendors]]\nid = "v"\nname = "v"\n[[contracts]]\nid = "c"\nvendor = "v"\n'
    more += 'policy = "policies/own.toml"\nfrom = 2026-01-01\nto = 2026-12-31\n'
    book = read(site_book(BOOK + more)).book
    assert book.rows.contracts[0].policy == "own"


@pytest.mark.parametrize(
    "version, than, older",
    [
        ("1", "2", True),
        ("2", "1", False),
        ("2", "2", False),
        ("9", "10", True),
        ("2026-11-01.9", "2026-11-01.10", True),
        ("2026-11-02", "2026-11-01.9", False),
        ("", "2", False),
        ("2", "", False),
        ("a", "b", True),
        ("a", "1", True),
        ("1", "1.1", True),
    ],
)
def test_versions_count_as_people_write_them(
    version: str,
    than: str,
    older: bool,  # noqa: FBT001 - a table
) -> None:
    """Numbers in a version are numbers; a missing one says nothing."""
    assert central_book.is_older(version, than) is older


def test_it_is_kept_and_found_again(tmp_path: Path) -> None:
    """After a restart the gateway begins with the last good one."""
    assert load_following(tmp_path).received is None
    kept(tmp_path, site_book())
    kept(tmp_path, site_book(version="2"))
    loaded = load_following(tmp_path)
    assert loaded.received is not None
    assert loaded.book.version == "2"
    assert loaded.book_digest == loaded.received.digest
    assert loaded.book_serial("lobby") == "VT00000001"
    assert loaded.concerns == ()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "book.json",
        "gateway.toml",
    ]
    said = central_book.words(loaded.received)
    assert said == f"book from the centre, version 2, received {STAMP}"


def test_a_kept_book_that_cannot_be_written_leaves_the_last_one(tmp_path: Path) -> None:
    """A full disk costs the new book at the next start, never both."""
    kept(tmp_path, site_book())
    (tmp_path / "book.new").mkdir()
    with pytest.raises(OSError, match=r"book\.new"):
        kept(tmp_path, site_book(version="2"))
    assert load_following(tmp_path).book.version == "1"


@pytest.mark.parametrize("text", ["", "{", "{}", '{"received_at": "x", "book": {}}'])
def test_a_damaged_file_is_a_concern_and_stops_nothing(
    tmp_path: Path, text: str
) -> None:
    """The centre sends its book again; the terminals are read meanwhile."""
    (tmp_path / central_book.FILE).write_text(text, "utf-8")
    loaded = load_following(tmp_path)
    (concern,) = loaded.concerns
    assert concern.path == "gateway.book"
    assert str(tmp_path / central_book.FILE) in concern.reason
    assert (loaded.book_digest, loaded.book.site.id) == (None, "hq")


def test_a_file_that_cannot_be_opened_is_a_concern(tmp_path: Path) -> None:
    """A folder in its place, a disk that fails: said, and gone on without."""
    (tmp_path / central_book.FILE).mkdir()
    (concern,) = load_following(tmp_path).concerns
    assert "cannot be read: Is a directory" in concern.reason


def test_a_book_of_another_site_in_the_folder_is_not_used(tmp_path: Path) -> None:
    """A data folder that was copied from elsewhere says nothing here."""
    payload = site_book(BOOK.replace('"hq"', '"branch"'))
    found = central_book.read(payload, "branch", STAMP)
    central_book.keep(tmp_path / central_book.FILE, found)
    loaded = load_following(tmp_path)
    assert "it is of site branch" in loaded.concerns[0].reason
    assert loaded.received is None


def test_serials_without_a_book(tmp_path: Path) -> None:
    """The pinned one counts, else what the terminal said; nobody is taken for two."""
    more = '[[terminals]]\nid = "hall"\nhost = "h"\n[[terminals]]\nid = "gate"\n'
    loaded = load_following(tmp_path, more + 'host = "g"\n', pin="VT00000001")
    assert loaded.book_serial("lobby") == "VT00000001"
    assert loaded.book_serial("hall") == ""
    assert loaded.claim("hall", "VT00000001") == "lobby"
    assert loaded.claim("hall", "VT9") is None
    assert loaded.claim("hall", "VT9") is None
    assert loaded.claim("gate", "VT9") == "hall"
    assert (loaded.book_serial("hall"), loaded.book_serial("gate")) == ("VT9", "")


def test_the_book_owns_the_serial(tmp_path: Path) -> None:
    """A pin that says otherwise is a problem, as with a book file."""
    kept(tmp_path, site_book())
    with pytest.raises(ConfigError) as caught:
        load_following(tmp_path, pin="VT7")
    (problem,) = caught.value.problems
    assert isinstance(problem, Problem)
    assert problem.path == "terminals[1].serial"
    assert problem.reason == "'VT7' is not 'VT00000001' of the book"


def test_without_a_book_it_is_said() -> None:
    """People read in check-config, doctor and status that none came yet."""
    assert central_book.words(None).startswith("no book from the centre yet")
    assert central_book.empty("hq").site.id == "hq"
    with pytest.raises(BookRefusedError, match=r"site\.id: must be a short text"):
        central_book.empty("two words")


def test_what_is_kept_is_json_people_can_read(tmp_path: Path) -> None:
    """Support looks into the file with jq: when it came, and the message."""
    kept(tmp_path, site_book())
    found = json.loads((tmp_path / central_book.FILE).read_text("utf-8"))
    assert found["received_at"] == STAMP
    assert found["book"]["tables"]["site"]["id"] == "hq"
