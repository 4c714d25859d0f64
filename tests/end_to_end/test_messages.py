"""What really goes over the broker is what `sync/schema` publishes."""

import signal
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from sync.commands import Command
from sync.messages import CentreState, State, encode
from tests.brokers import Mosquitto, mosquitto_path
from tests.drivers.serial_devices import Device, device
from tests.end_to_end.processes import Site, until
from tests.end_to_end.test_desk import CARDS, frame, furnish, reader_online
from tests.end_to_end.watcher import Watcher
from tests.faults.duty import DUTY, OWING

ALL = {"punch", "event", "live", "state", "terminal", "ack", "cmd", "reply", "book"}
ALL |= {"centre_state", "attendance", "entry", "suspicion"}
ZONE = ZoneInfo("Asia/Shanghai")
STATE = State(
    site="hq",
    gateway="gw-1",
    online=True,
    session=1,
    epoch="e",
    backlog=0,
    oldest_age_seconds=None,
    version="0",
    confirm="central",
    at="2026-11-02T08:00:00+08:00",
)
CENTRE = CentreState(
    site="hq",
    centre="c1",
    online=True,
    store="st",
    generation=1,
    session=1,
    version="0",
    at="2026-11-02T08:00:00+08:00",
)
COMMAND = Command(
    site="hq",
    gateway="gw-1",
    id="c-1",
    op="resync",
    sent="2026-11-02T08:00:00+08:00",
    expires="2026-11-02T08:01:00+08:00",
)


@pytest.mark.slow
def test_every_message_on_the_broker_is_as_published(
    site: Site, broker: Mosquitto, watcher: Watcher
) -> None:
    """All that real processes say in a life with a sudden death is of its schema."""
    furnish(site)
    book = site.folder / "book.toml"
    text = book.read_text("utf-8").replace(OWING, OWING + 'vendor = "acme"\n', 1)
    text = text.replace("[site]\n", '[site]\ncalendar = "weekdays"\n', 1)
    book.write_text(text + DUTY, "utf-8")
    with device(site.folder) as reader:
        live_and_die(site, broker, watcher, reader)
    print(dict(watcher.heard))
    assert set(watcher.heard) | {"suspicion"} == ALL  # of that there need be none


def live_and_die(
    site: Site, broker: Mosquitto, watcher: Watcher, reader: Device
) -> None:
    """Let everything happen that has a message."""
    broker.start()
    assert watcher.ready.wait(20), "the watcher hears"
    site.virtual.arguments += ["--timezone", ZONE.key]
    for process in (site.virtual, site.collector, site.daemon):
        process.start()
    site.punch("1001", "2026-02-31 08:00:00")
    for badge in ("1000", "1001", "9999", "工号"):
        site.punch(badge)
    until(site.equal, "equal id sets")
    site.punch("1002", datetime.now(ZONE).strftime("%Y-%m-%d %H:%M:%S"))
    until(lambda: watcher.heard["live"] > 0, "a punch of now")
    until(lambda: reader_online(site), "the desk reader")
    for badge in CARDS:
        reader.send(frame(badge))
    until(lambda: watcher.heard["entry"] > 0, "a handover")
    until(lambda: watcher.heard["attendance"] > 0, "a verdict")
    until(lambda: site.status()["outbox"]["unacknowledged"] == 0, "the last ack")
    assert site.ask("reconcile").returncode == 0
    until(lambda: watcher.said("cmd", op="counts") > 0, "the centre's count")
    until(lambda: watcher.said("reply", result="done") > 0, "the gateway's answer")
    site.daemon.end(signal.SIGKILL)
    until(lambda: watcher.said("state", online=False) == 1, "the gateway's will")
    site.reads()
    until(lambda: watcher.said("state", online=True) >= 2, "its second birth")
    assert site.daemon.end() == 0
    until(lambda: watcher.said("state", online=False) == 2, "its goodbye")
    site.collector.end(signal.SIGKILL)
    until(lambda: watcher.said("centre_state", online=False) == 1, "the centre's will")
    site.collector.start()
    until(lambda: watcher.said("centre_state", online=True) == 2, "its return")
    assert site.collector.end() == 0
    until(lambda: watcher.said("centre_state", online=False) == 2, "its goodbye")


def message(topic: str, payload: bytes, **flags: Any) -> MQTTMessage:
    """Return a message as it comes from a broker."""
    found = MQTTMessage(topic=topic.encode())
    found.payload = payload
    found.qos, found.retain = flags.get("qos", 1), flags.get("retain", False)
    found.properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    if "expiry" in flags:
        found.properties.MessageExpiryInterval = flags["expiry"]
    return found


def test_the_watcher_knows_each_message_by_its_topic() -> None:
    """A gateway's and a centre's state are two messages."""
    watcher = Watcher(0)
    state = message("att/v1/hq/gw-1/state", encode(STATE), retain=True)
    assert watcher.check(state) == "state"
    centre = message("att/v1/hq/_central/state", encode(CENTRE), retain=True)
    assert watcher.check(centre) == "centre_state"
    command = message("att/v1/hq/gw-1/cmd", encode(COMMAND), expiry=59)
    assert watcher.check(command) == "cmd"


@pytest.mark.parametrize(
    "bad, why",
    [
        (message("att/v1/hq/gw-1/news", b"{}"), "no such topic"),
        (message("att/v1/hq/gw-1/terminal/a/b", b"{}"), "no such topic"),
        (message("att/v1/hq/gw-1/state", encode(STATE)), "retain False"),
        (message("att/v1/hq/gw-1/state", encode(STATE), retain=True, qos=0), "QoS 0"),
        (message("att/v1/hq/gw-2/state", encode(STATE), retain=True), "its topic says"),
        (message("att/v1/hq/gw-1/state", b"", retain=True), "Expecting value"),
        (message("att/v1/hq/gw-1/state", b"\xff", retain=True), "decode"),
        (message("att/v1/hq/gw-1/cmd", encode(COMMAND)), "message expiry None"),
        (
            message("att/v1/hq/gw-1/cmd", encode(COMMAND), expiry=61),
            "message expiry 61",
        ),
        (
            message("att/v1/hq/gw-1/state", encode(STATE), retain=True, expiry=60),
            "message expiry 60",
        ),
        (
            message("att/v1/hq/gw-1/state", encode(CENTRE), retain=True),
            "required property",
        ),
        (
            message(
                "att/v1/hq/gw-1/state",
                encode(msgspec.structs.replace(STATE, session=-1)),
                retain=True,
            ),
            r"\$.session: -1 is less than the minimum",
        ),
    ],
    ids=range(12),
)
def test_the_watcher_notices(bad: MQTTMessage, why: str) -> None:
    """Each of these is something no test may let pass."""
    with pytest.raises(ValueError, match=why):
        Watcher(0).check(bad)


@pytest.mark.slow
def test_the_watcher_fails_its_test(tmp_path: Path) -> None:
    """One message that is not as published is enough, and is shown."""
    if mosquitto_path() is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto")
    with Mosquitto(tmp_path / "broker") as broker:
        own = Watcher(broker.port)
        own.open()
        assert own.ready.wait(20)
        own._client.publish("att/v1/hq/gw-1/state", b'{"v":1}', 1, retain=True)
        until(lambda: own.problems != [], "the problem")
        with pytest.raises(AssertionError, match=r"gw-1/state: .*required property"):
            own.close()
