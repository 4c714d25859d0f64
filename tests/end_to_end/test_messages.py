"""What really goes over the broker is what `sync/schema` publishes."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.brokers import Mosquitto, mosquitto_path
from tests.end_to_end.processes import Process, Site, until

SCHEMAS = Path(__file__).parents[2] / "sync" / "schema"
TOPICS = {
    "att/v1/hq/gw-1/punch": "punch",
    "att/v1/hq/gw-1/event": "event",
    "att/v1/hq/gw-1/ack": "ack",
    "att/v1/hq/gw-1/state": "state",
    "att/v1/hq/gw-1/terminal/VT00000001": "terminal",
    "att/v1/hq/_central/state": "centre_state",
}


@pytest.mark.slow
def test_every_message_on_the_broker_is_as_published(tmp_path: Path) -> None:
    """Six topics are heard, each message is of its schema, none is unknown."""
    command = shutil.which("mosquitto_sub")
    if mosquitto_path() is None or command is None:
        pytest.skip("mosquitto is absent: apt-get install mosquitto mosquitto-clients")
    with Mosquitto(tmp_path / "broker") as broker:
        site = Site(tmp_path, broker.port)
        site.write()
        everything = ["-t", "att/v1/#", "-q", "1", "-F", "%t %p"]
        listener = Process(
            [command, "-p", str(broker.port), *everything], tmp_path / "heard.txt"
        )
        try:
            for process in (listener, site.virtual, site.collector, site.daemon):
                process.start()
            site.punch("1001", "2026-02-31 08:00:00")
            for badge in ("1001", "9999", "工号"):
                site.punch(badge)
            until(site.equal, "equal id sets")
            until(
                lambda: site.status()["outbox"]["unacknowledged"] == 0, "the last ack"
            )
            assert site.daemon.end() == 0
            assert site.collector.end() == 0
            until(lambda: _deaths(listener) >= 2, "both goodbyes")
        finally:
            listener.close()
            site.close()
        heard = Counter(_checked(line) for line in listener.text().splitlines())
    assert set(heard) == set(TOPICS.values())


def _deaths(listener: Process) -> int:
    return listener.text().count('"online":false,"session"') + listener.text().count(
        '"online":false,"store"'
    )


def _checked(line: str) -> str:
    """Validate one message; return which schema it is of."""
    topic, payload = line.split(" ", 1)
    name = TOPICS[topic]
    schema = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(json.loads(payload))
    return name
