"""The Prometheus textfile: what it says, how it is written."""

from pathlib import Path

import pytest

from gateway import textfile
from gateway.health import Risk, RiskId
from tests.gateway.test_health import NOW, line, of, samples, status


def test_textfile_says_what_the_status_says() -> None:
    """Every figure under its documented name; times as seconds since 1970."""
    uplink = {"connected": True, "error": None, "refusals": 1}
    given = status(line(online=False, error="x"), uplink=uplink)
    risk = Risk(RiskId.TERMINAL_OFFLINE, "lobby", "words")
    found = samples(textfile.render(given, [risk], "1.2", NOW, up=True))
    lobby = {"terminal": "lobby"}
    assert found == {
        of("up"): 1,
        of("info", gateway="gw-1", site="hq", version="1.2"): 1,
        of("written_timestamp_seconds"): NOW.timestamp(),
        of("terminal_online", **lobby): 0,
        of("terminal_records_in_terminal", **lobby): 79,
        of("terminal_stored", **lobby): 79,
        of("terminal_punches", **lobby): 78,
        of("terminal_acknowledged", **lobby): 77,
        of("terminal_clock_offset_seconds", **lobby): 60,
        of("terminal_log_capacity_ratio", **lobby): 0.79,
        of("terminal_last_read_timestamp_seconds", **lobby): NOW.timestamp() - 600,
        of("terminal_complete_timestamp_seconds", **lobby): NOW.timestamp() - 60,
        of("terminal_last_record_timestamp_seconds", **lobby): NOW.timestamp() - 28800,
        of("outbox_unacknowledged"): 3,
        of("outbox_oldest_age_seconds"): 600,
        of("broker_connected"): 1,
        of("broker_refusals"): 1,
        of("risk", id="terminal_offline", terminal="lobby"): 1,
    }


@pytest.mark.parametrize(
    "name", ['a"b', "a\\b", "a\\nb", "a\nb", "大门", "{},=", "a\\"]
)
def test_textfile_escapes_labels(name: str) -> None:
    """Whatever stands in an id, the file stays readable and says the same."""
    text = textfile.render(status(line(id=name)), [], "0", NOW, up=True)
    assert samples(text)[of("terminal_online", terminal=name)] == 1


def test_textfile_leaves_out_what_nobody_knows() -> None:
    """An unknown figure is absent, never 0; nothing at risk is no risk line."""
    unknown = line(in_terminal=None, offset_seconds=None, last_read=None)
    found = samples(textfile.render(status(unknown), [], "0", NOW, up=True))
    names = {name for name, _ in found}
    assert "punchgate_terminal_online" in names
    for gone in ("records_in_terminal", "clock_offset_seconds", "log_capacity_ratio"):
        assert f"punchgate_terminal_{gone}" not in names
    assert "punchgate_risk" not in names


def test_textfile_of_a_daemon_that_stopped() -> None:
    """It says that it is down and keeps no figure of before."""
    text = textfile.render({"gateway": "g", "site": "s"}, [], "0", NOW, up=False)
    found = samples(text)
    assert found[of("up")] == 0
    assert {name for name, _ in found} == {
        *("punchgate_up", "punchgate_info", "punchgate_written_timestamp_seconds")
    }


def test_a_textfile_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Readable for others, nothing left beside it, and a failure keeps the old one."""
    path = tmp_path / "punchgate.prom"
    textfile.write(path, "one\n")
    textfile.write(path, "two\n")
    assert path.read_text() == "two\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]
    (tmp_path / "punchgate.prom.new").mkdir()
    with pytest.raises(OSError, match="directory"):
        textfile.write(path, "three\n")
    assert path.read_text() == "two\n"
