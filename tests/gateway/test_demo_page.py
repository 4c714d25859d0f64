"""Lines of the demo on a narrow terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from gateway.cli.demo_page import wrapped


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_line_is_broken_between_words(width: int) -> None:
    """No word is cut, no line is wider than the terminal, Chinese counts double."""
    text = "centre      the desk's handover of post noc is there: " + "夜班甲 到 " * 9
    lines = wrapped(text, width).split("\n")
    assert all(cell_len(line) <= width for line in lines)
    assert " ".join("\n".join(lines).split()) == " ".join(text.split())
    assert all(line.startswith(" " * 12) for line in lines[1:])


def test_a_line_that_fits_stays_as_it_is() -> None:
    """Columns keep their blanks."""
    text = "08:31:07  punch    lobby        1007  甲七  finger"
    assert wrapped(text, 80) == text


@given(st.text(alphabet="ab甲 "), st.integers(1, 60))
def test_no_word_is_lost(text: str, width: int) -> None:
    """Whatever is shown, and however narrow, all words are there, in order."""
    assert wrapped(text, width).split() == text.split()
