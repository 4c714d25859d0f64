"""The log grammar: every rendered line can be read back, whatever is in it."""

import io
import logging
import re
import sys
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import log as our_log
from gateway.core.values import VerifyMode
from gateway.log import Lines, loud, render
from tests.log_grammar import Line, parse

HOSTILE = [
    "",
    "-",
    "a b",
    'say "no"',
    "a=b",
    "line\nterminal down terminal=lobby",
    "\r\x1b[31mred\x1b[0m",
    "nul\0tab\tend",
    "\u2028\u202e\u200b\ufeff\x85",
    "back\\slash",
    "\\n",
    "甲一",
    "\ud800",
    "=cmd()",
    '"',
    "\u3000",
]


def entry(
    name: str,
    level: int,
    message: str,
    args: tuple[object, ...] | Mapping[str, object] = (),
    error: BaseException | None = None,
) -> logging.LogRecord:
    """Return a record as `logging` makes it."""
    info = (type(error), error, error.__traceback__) if error else None
    wrapped = (args,) if isinstance(args, Mapping) else args
    return logging.LogRecord(name, level, __file__, 1, message, wrapped, info)


words = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
values = st.one_of(
    st.none(),
    st.integers(),
    st.booleans(),
    st.text(max_size=12),
    st.sampled_from(HOSTILE),
    st.sampled_from(VerifyMode),
)


@given(st.lists(words, min_size=1, max_size=3), st.dictionaries(words, values))
def test_every_line_reads_back(event: list[str], pairs: dict[str, object]) -> None:
    """Event, keys, their order and all values survive; the line stays one line."""
    line = render(" ".join(event), pairs)
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    found = parse(line)
    expected = {k: None if v is None else str(v) for k, v in pairs.items()}
    assert found == Line(" ".join(event), expected)
    assert list(found.values) == list(pairs)


@given(st.lists(words, min_size=1, max_size=3), st.dictionaries(words, values))
def test_our_own_reader_agrees(event: list[str], pairs: dict[str, object]) -> None:
    """The reader used by the demo and by people's scripts finds the same values."""
    line = render(" ".join(event), pairs)
    expected = {k: "-" if v is None else str(v) for k, v in pairs.items()}
    assert our_log.parse(line) == (" ".join(event), expected)
    assert our_log.parse(f"<4>{line}") == (" ".join(event), expected)


@given(st.floats(allow_nan=False))
def test_floats_keep_six_digits(number: float) -> None:
    """A float is short, and close enough for people."""
    written = parse(render("x", {"n": number})).values["n"]
    assert written is not None
    assert float(written) == pytest.approx(number, rel=1e-5)


def test_the_documented_lines() -> None:
    """The lines of the documents, letter by letter."""
    assert (
        render(
            "punch",
            {
                "terminal": "lobby",
                "badge": "1001",
                "at": "2026-11-02T08:31:07",
                "verify": VerifyMode.FINGER,
                "seq": 8812,
            },
        )
        == "punch terminal=lobby badge=1001 at=2026-11-02T08:31:07 verify=finger"
        " seq=8812"
    )
    assert render("uplink ack", {"upto": 1, "lag": 0.04, "by": None}) == (
        "uplink ack upto=1 lag=0.04 by=-"
    )
    assert render("stopped", {}) == "stopped"


@pytest.mark.parametrize(
    "line",
    ["", "UPPER", "punch  a=1", "punch a=", "punch a=b c", "punch a=1 a=2", "p a=\x1b"],
)
def test_the_parser_refuses_what_is_not_the_grammar(line: str) -> None:
    """A parser that accepts everything would prove nothing."""
    with pytest.raises(ValueError, match=r"no event words|no key=value|control char"):
        parse(line)


@pytest.mark.parametrize(
    "level, priority",
    [
        (logging.DEBUG, 7),
        (logging.INFO, 6),
        (logging.WARNING, 4),
        (logging.ERROR, 3),
        (logging.CRITICAL, 2),
        (25, 6),
    ],
)
def test_the_syslog_priority_stands_in_front(level: int, priority: int) -> None:
    """Systemd reads the level from the line; elsewhere there is none."""
    one = entry("punchgate.x", level, "terminal down", {"terminal": "lobby"})
    assert Lines(priority=True).format(one).startswith(f"<{priority}>terminal down ")
    assert Lines().format(one) == "terminal down terminal=lobby"
    assert parse(Lines(priority=True).format(one)).priority == priority


def test_libraries_are_quoted() -> None:
    """What libraries say is one value; it cannot look like an event of ours."""
    one = entry("paho", logging.WARNING, "punch %s\nbadge=%d", ("x", 1))
    assert parse(Lines().format(one)) == Line(
        "library", {"name": "paho", "says": "punch x\nbadge=1"}
    )


def test_a_line_of_ours_without_values() -> None:
    """An event alone is a line."""
    assert Lines().format(entry("punchgate.x", logging.INFO, "stopped")) == "stopped"


def fail(text: str) -> None:
    """Raise an error with a text."""
    raise ValueError(text)


def raised(text: str) -> BaseException:
    """Return an error that was really raised."""
    with pytest.raises(ValueError, match=re.escape(text)) as caught:
        fail(text)
    return caught.value


def test_a_traceback_follows_its_line() -> None:
    """Every line of a traceback has the priority, so that systemd keeps it together."""
    one = entry("punchgate.x", logging.ERROR, "task failed", {}, raised("boom"))
    one.args = ()
    lines = Lines(priority=True).format(one).split("\n")
    assert lines[0] == "<3>task failed"
    assert "ValueError: boom" in lines[-1]
    assert all(line.startswith("<3>") for line in lines)


@pytest.mark.parametrize("text", ["x\npunch terminal=lobby badge=1", "x\x1b[31m"])
def test_an_errors_text_forges_no_line(text: str) -> None:
    """A terminal's text in an error can neither begin a line nor send escapes."""
    one = entry("punchgate.x", logging.ERROR, "task failed", (), raised(text))
    _, *more = Lines().format(one).split("\n")
    assert all(line.isprintable() for line in more)
    assert all(line.startswith(" ") for line in more)


def test_repeated_failures_are_logged_at_1_10_100_and_every_hundred() -> None:
    """A dead terminal does not fill the disk."""
    assert [n for n in range(1, 401) if loud(n)] == [1, 10, 100, 200, 300, 400]


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """Return the root logger and put it back afterwards."""
    found, ours = logging.getLogger(), logging.getLogger("punchgate")
    before = (found.handlers[:], found.level, ours.level)
    yield found
    found.handlers[:] = before[0]
    found.setLevel(before[1])
    ours.setLevel(before[2])


@pytest.mark.parametrize("under_systemd", [False, True])
def test_start_sends_lines_to_one_stream(
    root: logging.Logger, monkeypatch: pytest.MonkeyPatch, *, under_systemd: bool
) -> None:
    """Ours from the level asked for, libraries from warning, all in the grammar."""
    if under_systemd:
        monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    else:
        monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    stream = io.StringIO()
    our_log.start("debug", stream)
    logging.getLogger("punchgate.x").debug("frame", {"bytes": 8})
    logging.getLogger("some.library").info("not shown")
    logging.getLogger("some.library").warning("shown %s", "so")
    lines = [parse(line) for line in stream.getvalue().splitlines()]
    assert [line.event for line in lines] == ["frame", "library"]
    assert [line.priority for line in lines] == (
        [7, 4] if under_systemd else [None, None]
    )


def test_start_writes_to_standard_error(
    root: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard output belongs to `--json`."""
    our_log.start()
    logging.getLogger("punchgate.x").info("ready")
    logging.getLogger("punchgate.x").debug("not shown")
    sys.stderr.flush()
    captured = capsys.readouterr()
    assert (captured.out, captured.err.endswith("ready\n")) == ("", True)
    assert "not shown" not in captured.err
