"""Risks and their outlets: `health`, the log, the retained state, the textfile."""

import json
import queue
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.health import risks
from gateway.settings import AlarmSettings
from sync.link import Broker, Connected, LinkEvent, Message
from sync.mqtt import MqttLink
from tests.brokers import Mosquitto, free_port, mosquitto_path
from tests.end_to_end.processes import Site, query, until
from tests.gateway.commands import run

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
ALARMS = AlarmSettings(silent_hours=8)


def line(**fields: Any) -> dict[str, Any]:
    """Return a terminal's line of a status where all is well."""
    well = {
        "id": "lobby",
        "online": True,
        "error": None,
        "in_terminal": 79,
        "capacity": 100,
        "stored": 79,
        "punches": 78,
        "acknowledged": 77,
        "offset_seconds": 60.0,
        "last_read": "2026-11-02T11:50:00.000+00:00",
        "complete_at": "2026-11-02T11:59:00.000+00:00",
        "last_record": (NOW - timedelta(hours=8)).isoformat(),
        "silent_hours": None,
        "equation": {"holds": True, "term": None},
        "reading": False,
    }
    return well | fields


def status(terminal: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """Return a status where all is well but what is given."""
    well = {
        "gateway": "gw-1",
        "site": "hq",
        "daemon": True,
        "certificates": [],
        "reconcile": [],
        "terminals": [terminal or line()],
        "outbox": {"unacknowledged": 3, "oldest_age_seconds": 600.0},
        "uplink": {"connected": True, "error": None, "refusals": 0},
    }
    return well | fields


def test_nothing_is_at_risk_on_the_edges() -> None:
    """Exactly at a limit is not beyond it; only a full log counts from its limit on."""
    assert risks(status(), ALARMS, NOW) == []


@pytest.mark.parametrize(
    "given, key, words",
    [
        (status(daemon=False, uplink=None), "daemon_down", "not running"),
        (
            status(judging={"lawful": True, "refused": ["rule.toml:3"], "failed": []}),
            "rules_refused",
            "judged by the former ones: rule.toml:3",
        ),
        (
            status(judging={"lawful": False, "refused": ["rule.toml:3"], "failed": []}),
            "rules_refused",
            "nothing is judged: rule.toml:3",
        ),
        (
            status(
                judging={
                    "lawful": True,
                    "refused": [],
                    "failed": [["p1", "2026-11-04"], ["p2", "2026-11-03"]],
                }
            ),
            "judging_failed",
            "2 dates could not be judged, first p1 on 2026-11-04",
        ),
        (
            status(line(online=False, error="no route")),
            "terminal_offline:lobby",
            "lobby is offline: no route",
        ),
        (
            status(line(last_record="2026-11-02T03:59:00+00:00")),
            "terminal_silent:lobby",
            "8.0 hours ago",
        ),
        (
            status(line(in_terminal=80)),
            "log_nearly_full:lobby",
            "80 % full, 80 of 100 records",
        ),
        (status(line(offset_seconds=60.1)), "clock_off:lobby", "off by +60 s"),
        (status(line(offset_seconds=-61.0)), "clock_off:lobby", "off by -61 s"),
        (status(line(offset_seconds=None)), "clock_unreadable:lobby", "no date"),
        (
            status(line(equation={"holds": False, "term": "downloaded = stored"})),
            "counts_differ:lobby",
            "lobby: downloaded = stored does not add up",
        ),
        (
            status(uplink={"connected": False, "error": "refused", "refusals": 0}),
            "broker_away",
            "no broker lets the uplink in: refused",
        ),
        (
            status(uplink={"connected": True, "error": None, "refusals": 2}),
            "broker_refuses",
            "refused 2 messages",
        ),
        (
            status(outbox={"unacknowledged": 3, "oldest_age_seconds": 600.5}),
            "backlog_old",
            "3 entries wait for the centre, the oldest for 600 s",
        ),
    ],
)
def test_each_risk(given: dict[str, Any], key: str, words: str) -> None:
    """One step beyond a limit is one risk, with an id for programs and words."""
    (found,) = risks(given, ALARMS, NOW)
    assert found.key == key
    assert words in found.words


@pytest.mark.parametrize(
    "given",
    [
        line(last_record=None),
        line(capacity=None, in_terminal=10**6),
        line(in_terminal=None),
        line(equation={"holds": False, "term": "x"}, reading=True),
        line(online=False, in_terminal=None),
        line(online=False, reading=True, last_record="2020-01-01T00:00:00+00:00"),
    ],
)
def test_what_nobody_can_know_is_no_risk(given: dict[str, Any]) -> None:
    """Silence counts from the first record on, fullness where a size is said.

    Counts are held against each other when no read is under way. A terminal that is
    not reached yet is offline when that failed, not before.
    """
    assert risks(status(given), AlarmSettings(), NOW) == []


@pytest.mark.parametrize(
    "silent, hours, alarm",
    [
        ("a weekend: Friday 18:00 to Monday 08:00", 62, False),
        ("three free days: Friday 18:00 to Tuesday 08:00", 86, False),
        ("four nights and days and a little more", 96.1, True),
    ],
)
def test_silence_without_any_setting(silent: str, hours: float, *, alarm: bool) -> None:
    """By default a terminal that brings nothing is named, but for no weekend."""
    since = (NOW - timedelta(hours=hours)).isoformat()
    found = risks(status(line(last_record=since)), AlarmSettings(), NOW)
    assert ([r.id for r in found] == ["terminal_silent"]) is alarm, silent
    off = AlarmSettings(silent_hours=0)
    assert risks(status(line(last_record="2020-01-01T00:00:00Z")), off, NOW) == []


@pytest.mark.parametrize(
    "general, own, alarm", [(8, 12, False), (8, 0, False), (0, 9, True), (12, 9, True)]
)
def test_a_terminal_has_its_own_patience(
    general: float, own: float, *, alarm: bool
) -> None:
    """What stands at the terminal counts, 0 included; others go by the general one."""
    since = (NOW - timedelta(hours=10)).isoformat()
    lines = [
        line(last_record=since, silent_hours=own),
        line(id="annex", last_record=since),
    ]
    found = risks(status(terminals=lines), AlarmSettings(silent_hours=general), NOW)
    told = {risk.key for risk in found}
    assert ("terminal_silent:lobby" in told) is alarm
    assert ("terminal_silent:annex" in told) is (general == 8)


def test_an_offline_terminal_is_not_called_silent_too() -> None:
    """One cause, one alarm."""
    gone = line(online=False, error="x", last_record="2020-01-01T00:00:00+00:00")
    assert [r.id for r in risks(status(gone), ALARMS, NOW)] == ["terminal_offline"]


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Read an exposition with a parser that is not ours; every family is a gauge."""
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.type == "gauge", family.name
        assert family.documentation
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found
            found[key] = sample.value
    return found


def of(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Return the key of a sample."""
    return f"punchgate_{name}", frozenset(labels.items())


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a site with a broker's port, nothing started."""
    site = Site(tmp_path, free_port())
    site.write()
    yield site
    site.close()


def alarms(site: Site, *keys: str) -> None:
    """Add settings to the gateway file."""
    text = "\n".join(["[alarms]", *keys, ""])
    with (site.folder / "gateway.toml").open("a", encoding="utf-8") as file:
        file.write(text)


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        "textfile = 'punchgate.prom'",
        "textfile = '/tmp/punchgate.txt'",
        "silent_hours = -1",
        "log_warn_percent = 101",
        "clock_warn_minutes = 1",
    ],
)
def test_wrong_alarm_settings_are_named(site: Site, wrong: str) -> None:
    """A limit that would never alarm is found before the daemon starts."""
    alarms(site, wrong)
    done = run("check-config", site.folder / "gateway.toml")
    assert done.returncode == 2
    assert f"alarms.{wrong.split(maxsplit=1)[0]}" in done.stdout


class Listener:
    """Keeps what a broker says on one topic."""

    def __init__(self, port: int, topic: str) -> None:
        self._events: queue.Queue[LinkEvent] = queue.Queue()
        self.link = MqttLink(Broker("127.0.0.1", port, "listener"), self._events.put)
        self.link.open()
        assert isinstance(self._events.get(timeout=10), Connected)
        self.link.subscribe([topic])

    def until(self, key: str, value: object) -> dict[str, Any]:
        """Return the first message that has a value, at most 30 s later."""
        end = datetime.now(UTC) + timedelta(seconds=30)
        while datetime.now(UTC) < end:
            try:
                event = self._events.get(timeout=30)
            except queue.Empty:
                break
            if isinstance(event, Message):
                said: dict[str, Any] = json.loads(event.payload)
                if said[key] == value:
                    return said
        raise AssertionError(f"nobody said {key} = {value}")


def read(path: Path) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Read a textfile that may not be there yet."""
    return samples(path.read_text("utf-8")) if path.exists() else {}


@pytest.mark.slow
def test_every_outlet_tells_the_same(site: Site) -> None:
    """Full log and wrong clock: in `health`, state, log and textfile; gone when well.

    At the end the textfile says that nobody runs.
    """
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    path = site.folder / "punchgate.prom"
    alarms(site, f'textfile = "{path}"', "clock_warn_seconds = 86400")
    site.virtual.arguments += ["--capacity", "5", "--timezone", "Asia/Shanghai"]
    for number in range(3):
        site.punch(f"{1000 + number}")
    with Mosquitto(site.folder / "broker", port=site.gateway_broker_port) as broker:
        listener = Listener(broker.port, "att/v1/hq/gw-1/state")
        site.virtual.start()
        site.collector.start()
        site.reads()
        until(lambda: of("terminal_stored", terminal="lobby") in read(path), "figures")
        assert listener.until("risks", [])["online"] is True
        assert site.ask("health").returncode == 0
        site.punch("1004")
        said = listener.until("risks", ["log_nearly_full:lobby"])
        assert said["online"] is True
        risk = of("risk", id="log_nearly_full", terminal="lobby")
        until(lambda: risk in read(path), "the risk in the textfile")
        assert read(path)[of("terminal_log_capacity_ratio", terminal="lobby")] == 0.8
        done = site.ask("health", "--json")
        assert done.returncode == 1
        (found,) = json.loads(done.stdout)["risks"]
        assert (found["id"], found["terminal"]) == ("log_nearly_full", "lobby")
        assert "80 % full" in found["words"]
        assert "risk id=log_nearly_full terminal=lobby" in site.daemon.text()
        site.attlog.write_text("", "utf-8")
        site.punch("1005")
        listener.until("risks", [])
        until(lambda: "risk over id=log_nearly_full" in site.daemon.text(), "its end")
        assert site.daemon.end() == 0
        listener.link.close()
    stopped = read(path)
    assert stopped[of("up")] == 0
    assert stopped[of("risk", id="daemon_down", terminal="")] == 1


@pytest.mark.slow
def test_a_textfile_that_cannot_be_written_stops_nothing(site: Site) -> None:
    """It is said once, and punches go on; a folder that comes is used."""
    folder = site.folder / "absent"
    alarms(site, f'textfile = "{folder}/punchgate.prom"')
    site.virtual.start()
    site.reads()
    until(lambda: "textfile failed" in site.daemon.text(), "the failure")
    site.punch("1001")
    until(lambda: len(site.journal_ids()) == 1, "the punch")
    folder.mkdir()
    until((folder / "punchgate.prom").exists, "the file")
    assert site.daemon.text().count("textfile failed") == 1
    assert site.daemon.end() == 0


@pytest.mark.slow
def test_a_terminal_that_brings_nothing_new_is_silent(site: Site) -> None:
    """It answers all the time; what counts is when its last new record came."""
    alarms(site, "silent_hours = 0.001", "clock_warn_seconds = 86400")
    site.virtual.start()
    site.punch("1001")
    site.reads()
    until(lambda: len(site.journal_ids()) == 1, "the punch")
    until(lambda: "silent" in site.ask("health").stdout, "the silence")
    (at,) = query(site.journal, "SELECT received_at FROM raw")
    (shown,) = site.status()["terminals"]
    assert (shown["last_record"], shown["online"]) == (at[0], True)
    site.punch("1002")
    until(lambda: len(site.journal_ids()) == 2, "the next punch")
    until(lambda: site.status()["terminals"][0]["last_record"] != at[0], "its time")
