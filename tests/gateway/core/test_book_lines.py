"""Lines of entries, and files that cannot be read at all."""

import pytest

from tests.gateway.core.books import read, wrong
from tests.gateway.core.small_books import BASE, correction, line


def test_two_rows_of_one_id_or_one_serial() -> None:
    """An id stands once over both files; so does a serial."""
    entries = line("people", id="p1", name="x")
    entries += line("terminals", id="gate", serial="S1")
    entries += line("enrolments", person="p1", badge="7") * 2
    assert wrong(BASE, entries) == [
        "1: people.id: 'p1' stands already in people[1]",
        "2: terminals.serial: 'S1' stands already in terminals[1]",
        "4: enrolments: the same row stands already in entries.jsonl:3",
    ]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("{", "not JSON: "),
        ("[]", 'must be an object like {"table": '),
        ("{}", 'the key "table" is missing or no text'),
        ('{"table": 3}', 'the key "table" is missing or no text'),
        ('{"table": "leave", "id": "a", "id": "b"}', "not JSON: a key stands twice"),
        ('{"table": "leave", "id": NaN}', "not JSON: NaN is no JSON"),
        ('{"table": "leave", "id": "\\ud800"}', "not JSON: a text holds half"),
        ("[" * 100_000, "nested too deep"),
        ('{"table": "leaves"}', "unknown key; did you mean leave?"),
        ('{"table": "site", "id": "x"}', "unknown key"),
    ],
)
def test_lines_that_are_no_rows(text: str, expected: str) -> None:
    """Each bad line is a problem with its number; the others are read all the same."""
    entries = line("leave", id="L1") + "\n" + text + "\n"
    found = wrong(BASE, entries)
    assert found[0] == "1: leave.person: is missing"
    (last,) = [one for one in found if one.startswith("3: ")]
    assert expected in last


def test_a_text_that_looks_like_a_time_stays_a_text() -> None:
    """Only keys of dates are read as dates."""
    entries = correction("L1", "", reason="2026-11-05T08:30:00", statement="2026-11-05")
    assert wrong(BASE, entries) == ["1: leave.statement: unknown key"]
    entries = correction(
        "L1", "", reason="2026-11-05T08:30:00", certificate_level="2026-11-05"
    )
    (row,) = read(BASE, entries).rows.leave
    assert (row.reason, row.certificate_level) == ("2026-11-05T08:30:00", "2026-11-05")


def test_two_ways_to_write_a_line() -> None:
    """Keys beside `table`, or a row of its own; null and blank lines are nothing."""
    row = {"person": "p1", "badge": "7", "to": None}
    entries = (
        "\n \n"
        + line("enrolments", row=row)
        + line("enrolments", person="p2", badge="8")
    )
    assert [row.badge for row in read(BASE, entries).enrolments] == ["7", "8"]


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 20_000, "a = " + "9" * 5000, "x = 2026-02-30"]
)
def test_hostile_toml(text: str) -> None:
    """What the TOML reader chokes on is a problem, too."""
    (found,) = wrong(text)
    assert ": : not TOML: " in found


@pytest.mark.parametrize("text", ["2026-02-30", "2026-2-3", "20260203", "x"])
def test_texts_that_are_no_dates(text: str) -> None:
    """Entries hold dates as ISO texts; anything else is named as it was written."""
    row = {"person": "p1", "badge": "7", "from": text}
    (found,) = wrong(BASE, line("enrolments", **row))
    assert found == f"1: enrolments.from: must be a date, not a text ({text!r})"
