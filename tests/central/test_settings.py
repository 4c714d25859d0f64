"""central.toml: every problem of it and of its books in one run."""

from pathlib import Path

import pytest

from central.settings import load

SHARED = Path(__file__).parents[2] / "../shared/examples"
GOOD = """
[central]
id = "central-1"
store = "sqlite:////var/lib/punchgate/central.db"
books = ["book.toml"]

[mqtt]
host = "127.0.0.1"
"""
BOOK = """
[site]
id = "s1"
"""


def write(folder: Path, text: str, **books: str) -> Path:
    """Write a central file and its books."""
    for name, book in books.items():
        (folder / f"{name}.toml").write_text(book, encoding="utf-8")
    path = folder / "central.toml"
    path.write_text(text, encoding="utf-8")
    return path


def reasons(path: Path) -> list[str]:
    """Return the problems of a file that has some."""
    settings, problems = load(path)
    assert settings is None
    return [str(problem).removeprefix(f"{path}:") for problem in problems]


def test_a_good_file_and_its_defaults(tmp_path: Path) -> None:
    """Sites come from the books; what is not written has its default."""
    settings, problems = load(write(tmp_path, GOOD, book=BOOK))
    assert problems == []
    assert settings is not None
    assert (settings.id, settings.prefix, settings.sites) == (
        "central-1",
        "att/v1",
        ("s1",),
    )
    assert (settings.mqtt.host, settings.mqtt.port) == ("127.0.0.1", 1883)
    assert settings.mqtt.client_id == "punchgate-central-central-1"
    assert settings.books == (tmp_path / "book.toml",)


def test_the_example_is_good() -> None:
    """The authoritative example is read as it stands."""
    path = SHARED / "central.toml"
    if not path.is_file():
        pytest.skip("the shared examples are absent")
    settings, problems = load(path)
    assert [str(problem) for problem in problems] == []
    assert settings is not None


def test_every_problem_at_once(tmp_path: Path) -> None:
    """Wrong values, unknown keys and a missing book are all said, with their lines."""
    text = GOOD.replace('"central-1"', '"a/b"').replace("sqlite:////", "mysql://")
    text = text.replace('books = ["book.toml"]', 'books = ["no.toml"]\nbokks = 1')
    found = reasons(write(tmp_path, text + "port = 0\nprefix = 'a//b'\ntls_ca = 'x'\n"))
    starts = ["3: central.id", "4: central.store", "5: central.books[1]", "6: "]
    starts += ["10: mqtt.port", "11: mqtt.prefix", "12: mqtt.tls_ca: there is no file"]
    assert len(found) == len(starts)
    for line, start in zip(found, starts, strict=True):
        assert line.startswith(start)


def test_problems_of_a_book_are_problems(tmp_path: Path) -> None:
    """A book that cannot be read stops the centre as it stops a gateway."""
    found = reasons(write(tmp_path, GOOD, book="[site]\nid = 7\n"))
    assert len(found) == 1
    assert "book.toml:2" in found[0]


def test_two_books_of_one_site_are_refused(tmp_path: Path) -> None:
    """Whose word would count?"""
    text = GOOD.replace('["book.toml"]', '["book.toml", "other.toml"]')
    (found,) = reasons(write(tmp_path, text, book=BOOK, other=BOOK))
    assert "another book is of site 's1'" in found


@pytest.mark.parametrize("text", ["[central", '[central]\nbooks = 1\n[mqtt]\nhost="h"'])
def test_broken_files_are_said(tmp_path: Path, text: str) -> None:
    """No TOML, or TOML of another shape."""
    assert reasons(write(tmp_path, text))


def test_absent_and_unreadable_files_are_said(tmp_path: Path) -> None:
    """The reason, not a traceback."""
    assert "cannot be read" in reasons(tmp_path / "none.toml")[0]
    path = tmp_path / "central.toml"
    path.write_bytes(b"\xff")
    assert "not UTF-8" in reasons(path)[0]
