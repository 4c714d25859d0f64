"""Only listed keys of listed tables travel, and what arrives is a book."""

import json
import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core import redaction
from gateway.core.book import Book, read_book

REPO = Path(__file__).parents[3]
EXAMPLES = [REPO / "../shared/examples/book.toml", REPO / "config/book.example.toml"]
WORD = "Zhang-3-secret"
# What people write about people.
WRITTEN = frozenset(
    {
        *("name", "reason", "note", "place", "text", "title", "phone", "statement"),
        *("entered_by", "approved_by", "second_by", "witnessed_by", "decided_by", "by"),
        *("attested_by", "substitute_waived_by", "end_user", "document", "evidence"),
        *("certificate_level", "certificate_at", "letter_at", "explanation_at"),
        *(
            "payable_fen",
            "payable_kind",
            "accepted_at",
            "announced_at",
            "nda_signed_at",
        ),
        *("biometric_notice_at", "biometric_consent_at", "sign_method"),
    }
)


def example(path: Path) -> dict[str, Any]:
    """Return the tables of an example."""
    if not path.exists():
        pytest.skip("examples absent")
    return tomllib.loads(path.read_text("utf-8"))


def arrived(tables: redaction.Tables) -> Book:
    """Read what arrives as a gateway does."""
    text, entries = redaction.as_files("7", json.loads(redaction.text(tables)))
    book, problems = read_book(text, "book", entries)
    assert book is not None, [str(problem) for problem in problems]
    return book


def planted(book: dict[str, Any]) -> dict[str, Any]:
    """Return a book with the word in every text that need not travel, and more keys."""
    found: dict[str, Any] = {"version": book["version"], "motto": WORD}
    for table, value in book.items():
        listed = {*redaction.TRAVELS.get(table, ()), "id", "timezone", "calendar"}
        if isinstance(value, list):
            found[table] = [_planted(row, listed - WRITTEN) for row in value]
        elif isinstance(value, dict):
            found[table] = _planted(value, listed - WRITTEN)
    return found


def _planted(row: dict[str, Any], needed: set[str]) -> dict[str, Any]:
    words = {
        name: value if name in needed or not isinstance(value, str) else WORD
        for name, value in row.items()
    }
    return words | {"title": WORD, "phone": WORD, "entered_by": WORD}


@pytest.mark.parametrize("path", EXAMPLES)
def test_an_example_arrives_as_a_book(path: Path) -> None:
    """Who has which badge, who owes what, who is on leave: all of it arrives."""
    book = arrived(redaction.redacted(example(path)))
    assert book.version == "7"
    assert book.site.id == "hq"
    assert book.person_of("lobby", "0042", date(2026, 11, 2)) == "p02"
    assert [row.name for row in book.people] == [row.id for row in book.people]
    assert len(book.assignments("p02", date(2026, 11, 2))) == 1
    day = datetime(2026, 11, 5), datetime(2026, 11, 6)  # noqa: DTZ001 - local, as the book
    (leave,) = book.leave("p01", *day)
    assert leave.returned_at == datetime(2026, 11, 5, 10, 31)  # noqa: DTZ001 - the same
    assert book.entitled(leave.approved_by, "leave", date(2026, 11, 4))  # type: ignore[arg-type]
    clerk = book.rows.roll[0].witnessed_by
    assert not book.entitled(clerk, "permit", date(2026, 11, 4))  # type: ignore[arg-type]


@pytest.mark.parametrize("path", EXAMPLES)
def test_no_planted_word_travels(path: Path) -> None:
    """Names, reasons, papers, notes and every key nobody listed stay behind."""
    book = planted(example(path))
    book["secrets"] = [{"id": WORD, "name": WORD}]
    book["people"][0]["from"] = {"nested": WORD}
    book["shifts"][0]["sessions"][0]["breaks"] = [{"start": "09:00", "why": WORD}]
    entries = json.dumps({"table": "secrets", "row": {"id": WORD}})
    entries += "\n" + json.dumps({"table": "outages", "terminal": "x", "note": WORD})
    said = redaction.text(redaction.redacted(book, entries))
    assert WORD in json.dumps(book, default=str)
    assert WORD not in said
    assert not [table for table in ("secrets", "incidents", "rulings") if table in said]


@pytest.mark.parametrize("path", EXAMPLES)
def test_a_planted_book_still_arrives(path: Path) -> None:
    """Ids stand where the reader of books wants the texts that stayed behind."""
    book = arrived(redaction.redacted(planted(example(path))))
    assert [row.reason for row in book.rows.corrections] == ["C1"]
    assert book.person_of("lobby", "1001", date(2026, 11, 2)) == "p01"


@pytest.mark.parametrize(
    "table",
    [
        *("incidents", "rulings", "objections", "changes", "reserves", "notices"),
        *("sightings", "reports", "assessments"),
    ],
)
def test_tables_about_conduct_stay_behind(table: str) -> None:
    """What is held against people is nothing a gateway needs."""
    assert table not in redaction.TRAVELS
    assert table not in redaction.redacted({table: [{"id": "1"}]})


texts = st.text(max_size=12)
rows = st.dictionaries(
    st.sampled_from(
        [*WRITTEN, "id", "person", "kind", "from", "at", "dates", "may", "policy"]
    )
    | texts,
    st.one_of(
        texts,
        st.integers(),
        st.booleans(),
        st.floats(),
        st.dates(),
        st.datetimes(),
        st.none(),
        st.lists(texts, max_size=3),
        st.dictionaries(texts, texts, max_size=2),
    ),
    max_size=8,
)
books = st.dictionaries(
    st.sampled_from([*redaction.TRAVELS, "site", "incidents"]) | texts,
    st.lists(rows | texts, max_size=4) | rows | texts,
    max_size=6,
)


@given(books)
def test_any_book_gives_listed_keys_only_and_travels_unchanged(
    book: dict[str, Any],
) -> None:
    """Whatever was written: listed keys, plain JSON, nothing for a second pass."""
    tables = redaction.redacted(book)
    for table, found in tables.items():
        listed = (*redaction.TRAVELS.get(table, ("name", "timezone", "calendar")),)
        for row in found if isinstance(found, list) else [found]:
            assert row.keys() <= {"id", "supersedes", "entered_at", *listed}
    again = json.loads(redaction.text(tables))
    assert again == tables
    kept = redaction.redacted(again)
    policies = [row.get("policy") for row in tables.get("contracts", [])]
    if not any(isinstance(one, str) and ".toml" in one for one in policies):
        assert kept == tables


def test_entries_come_behind_the_book() -> None:
    """Rows of entries.jsonl are redacted like others; what is no line is nothing."""
    row = {"terminal": "lobby", "from": "2026-11-06T08:00:00", "note": WORD}
    lines = [
        json.dumps({"table": "outages", "row": row}),
        json.dumps({"table": "outages", **row}),
        "no JSON",
    ]
    tables = redaction.redacted({"outages": [{"terminal": "hall"}]}, "\n".join(lines))
    clean = {"terminal": "lobby", "from": "2026-11-06T08:00:00"}
    assert tables == {"outages": [{"terminal": "hall"}, clean, clean]}


def test_one_name_is_one_id_wherever_it_stands() -> None:
    """Whether an approver was entitled can be judged without knowing who it is."""
    tables = redaction.redacted(
        {
            "approvers": [{"name": "Li", "may": ["leave"]}],
            "leave": [{"approved_by": "Li"}, {"approved_by": "Wu"}],
            "permits": [{"approved_by": "Wu"}, {"approved_by": " "}],
        }
    )
    assert tables["approvers"][0]["name"] == "n1"
    assert [row["approved_by"] for row in tables["leave"]] == ["n1", "n2"]
    assert [row.get("approved_by") for row in tables["permits"]] == ["n2", None]


def test_nobody_learns_who_is_ill() -> None:
    """Of a leave travels only whether it is attendance elsewhere."""
    kinds = ["sick", "personal", "official", "other"]
    tables = redaction.redacted({"leave": [{"kind": kind} for kind in kinds]})
    found = [row["kind"] for row in tables["leave"]]
    assert found == ["other", "other", "official", "other"]


def test_a_policy_goes_by_its_name() -> None:
    """The folder a policy's file lies in is nobody's business."""
    contract = {"policy": "/srv/zhang/own.toml", "also": ["a/b.toml", "grades", 7]}
    (row,) = redaction.redacted({"contracts": [contract, "no row"]})["contracts"]
    assert row == {"policy": "own", "also": ["b", "grades"]}
    (odd,) = redaction.redacted({"contracts": [{"policy": 7, "also": "x"}]})[
        "contracts"
    ]
    assert odd == {"also": []}


def test_sessions_travel_with_their_breaks_and_nothing_else() -> None:
    """Nested tables are listed key by key, too."""
    sessions = [
        {"start": "09:00", "end": "18:00", "breaks": [{"start": "12:00", "why": WORD}]},
        {"start": "19:00", "end": 7, "breaks": "none"},
        "no session",
    ]
    (row,) = redaction.redacted({"shifts": [{"id": "d", "sessions": sessions}]})[
        "shifts"
    ]
    assert row["sessions"] == [
        {"start": "09:00", "end": "18:00", "breaks": [{"start": "12:00"}]},
        {"start": "19:00", "end": 7},
    ]
    (none,) = redaction.redacted({"shifts": [{"id": "d", "sessions": 8}]})["shifts"]
    assert none == {"id": "d"}


def test_the_digest_is_of_compact_sorted_json() -> None:
    """Anybody can compute it: the bytes are said in the contract."""
    tables = {"b": [{"z": "甲", "a": 1}], "a": {}}
    assert redaction.text(tables) == '{"a":{},"b":[{"a":1,"z":"甲"}]}'
    assert redaction.digest({}) == (
        "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_any_version_can_be_written(version: str) -> None:
    """A version is a text of people: quotes, line ends and controls included."""
    text, _ = redaction.as_files(version, {"site": {"id": "hq"}})
    assert tomllib.loads(text) == {"version": version, "site": {"id": "hq"}}
